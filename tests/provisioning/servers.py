"""Pay-per-use subscriptions for tests of metering and its bills: ordered and enabled, without a cloud behind them."""

from datetime import UTC, datetime
from decimal import Decimal

from accounts.models import Account
from catalog.choices import BillingMode, DeliveryMethod
from catalog.models import Specification
from koogallery.kernel.ids import order_number
from koogallery.kernel.money import Money
from orders.choices import OrderStatus
from orders.models import Order, OrderLine, Subscription
from pricing.values import MeteredPrice
from tests.factories import AccountFactory, a_specification

STARTED = datetime(2026, 3, 10, 1, tzinfo=UTC)


def a_server(
    account: Account | None = None,
    price: str = "0.0136",
    *,
    specification: Specification | None = None,
    method: str = DeliveryMethod.IMAGE,
    at: datetime = STARTED,
    **metered: str,
) -> Subscription:
    """A pay-per-use server that is enabled and has not run yet; `metered` as in `MeteredPrice`."""
    account = account or AccountFactory()
    specification = specification or a_specification(image=True, prices={"pay_per_use": price})
    values = {name: value if name == "tax_name" else Decimal(value) for name, value in metered.items()}
    rate = MeteredPrice(Money(Decimal(price), "USD"), **values)
    product = specification.product
    order = Order.objects.create(
        number=order_number(at),
        account=account,
        seller=product.seller,
        product=product,
        customer_name=account.name,
        seller_name=product.seller.name,
        list_price=0,
        payable=0,
        quote={"lines": [], "metered": rate.as_json()},
        created_at=at,
        status=OrderStatus.COMPLETED,
        paid_at=at,
        completed_at=at,
    )
    line = OrderLine.objects.create(
        order=order,
        delivery_method=method,
        specification=specification,
        product_name=product.name,
        specification_name=specification.name,
        billing_mode=BillingMode.PAY_PER_USE,
        amount=0,
        metered=rate.as_json(),
    )
    subscription = Subscription(
        account=account,
        line=line,
        product=product,
        specification=specification,
        delivery_method=method,
        billing_mode=BillingMode.PAY_PER_USE,
        created_at=at,
        listed_at=at,
    )
    subscription.start(at, expires_at=None, anchor_day=None)
    subscription.save()
    return subscription
