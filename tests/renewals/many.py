"""Many running subscriptions at once, written as rows: what was bought cost nothing, so the books hold no money of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from accounts.models import Account
from catalog.choices import DeliveryMethod
from catalog.models import Specification
from koogallery.kernel.ids import order_number
from orders.models import Order, OrderDelivery, OrderLine, Subscription, SubscriptionTerm
from orders.terms import end_of
from pricing.values import Duration
from renewals.models import RenewalPlan
from renewals.services.planning import schedule

MONTH = Duration(1, "month")


@dataclass(frozen=True)
class Sold:
    """One subscription that runs until the end of `until` (GMT+08:00), and how it renews."""

    account: Account
    specification: Specification
    until: date
    anchor_day: int
    mode: str = "manual"
    period: Duration = MONTH
    count: int = 0
    deduction_days: int = 7


def sell(all_sold: Sequence[Sold], *, at: datetime) -> list[Subscription]:
    """The subscriptions, delivered at `at`, in the order of `all_sold`, with their plans."""
    free = {"amount": "0.00", "currency": "USD"}
    orders = Order.objects.bulk_create(
        Order(
            number=f"{order_number(at)[:12]}{index:08d}",
            account=one.account,
            seller=one.specification.product.seller,
            product=one.specification.product,
            status="completed",
            list_price=0,
            payable=0,
            quote={"payable": free, "applied": {"coupon": ""}, "lines": []},
            created_at=at,
            unpaid_until=at,
            paid_at=at,
            completed_at=at,
        )
        for index, one in enumerate(all_sold)
    )
    mode = {"month": "monthly", "year": "yearly"}
    lines = OrderLine.objects.bulk_create(
        OrderLine(
            order=order,
            delivery_method=one.specification.product.delivery_method,
            specification=one.specification,
            product_name=one.specification.product.name,
            specification_name=one.specification.name,
            billing_mode=mode[one.period.unit],
            duration_value=one.period.value,
            duration_unit=one.period.unit,
            amount=0,
        )
        for order, one in zip(orders, all_sold, strict=True)
    )
    OrderDelivery.objects.bulk_create(
        OrderDelivery(order=order, deliverer="noting", status="done", started_at=at, ended_at=at) for order in orders
    )
    apps = Subscription.objects.bulk_create(
        Subscription(
            account=one.account,
            line=line,
            product=one.specification.product,
            specification=one.specification,
            delivery_method=DeliveryMethod(line.delivery_method),
            billing_mode=line.billing_mode,
            status="enabled",
            created_at=at,
            listed_at=at,
            starts_at=at,
            expires_at=end_of(one.until),
            anchor_day=one.anchor_day,
        )
        for line, one in zip(lines, all_sold, strict=True)
    )
    SubscriptionTerm.objects.bulk_create(
        SubscriptionTerm(
            subscription=app,
            line=app.line,
            starts_at=at,
            ends_at=app.expires_at,
            anchor_day=app.anchor_day,
            bought_at=at,
        )
        for app in apps
    )
    plans = [
        RenewalPlan(
            subscription=app,
            mode=one.mode,
            period_value=one.period.value,
            period_unit=one.period.unit,
            count=one.count,
            deduction_days=one.deduction_days,
            changed_at=at,
        )
        for app, one in zip(apps, all_sold, strict=True)
    ]
    for plan in plans:
        schedule(plan, plan.subscription, at=at)
    RenewalPlan.objects.bulk_create(plans)
    return apps
