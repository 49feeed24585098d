"""Automatic renewals: ordered and paid at 03:00 on the deduction day, tried again daily until the expiry (RULES 3.2).

A card is charged in three transactions, as everywhere: the timer orders the renewal and records the intent, the outbox
asks the processor, the outcome renews. Until then the expiry waits (`charging_since`), so that it never overtakes a
deduction that was due before it.
"""

from datetime import datetime

from django.db import transaction

from accounts.actor import Actor
from accounts.models import Account
from billing.choices import PaymentMethodKind, PaymentStatus
from billing.errors import PaymentActionRequired, PaymentDeclined
from billing.models import Payment
from billing.services import PaymentRequest, pay_orders
from billing.services.intents import record_card_intent
from billing.services.paying import charge
from koogallery.kernel import clock
from koogallery.kernel.errors import DomainError
from koogallery.kernel.outbox import publish
from orders.choices import OrderStatus, SubscriptionStatus
from orders.errors import PendingOrderExists
from orders.models import Order, Subscription
from orders.services import RenewalWish, order_locked, place_renewal, usable_coupon
from pricing.choices import CouponKind
from pricing.coupons import offered_coupons
from renewals.choices import CouponUse
from renewals.events import RenewalDeductionStarted
from renewals.models import RenewalPlan
from renewals.services.choosing import settings_of
from renewals.services.funds import funds_for
from renewals.services.planning import schedule, subscription_locked


def deduct(pk: int, *, at: datetime, by: Actor) -> None:
    """Timer: the next automatic renewal of a plan is due."""
    with transaction.atomic():
        subject = RenewalPlan.objects.values_list("subscription", flat=True).get(pk=pk)
        waiting = Order.objects.filter(subject=subject, status=OrderStatus.PENDING_PAYMENT).first()
        waiting = order_locked(waiting) if waiting is not None else None
        # Account before subscription, as everywhere.
        owner = Account.objects.filter(subscriptions=subject).values("pk")
        account = (
            Account.objects.select_for_update(of=("self",), no_key=True).select_related("reseller").get(pk__in=owner)
        )
        subscription = subscription_locked(subject)
        plan = RenewalPlan.objects.get(pk=pk)
        if plan.deduct_at is None or plan.deduct_at > at:
            return
        plan.deduct_at, ordered_before = None, plan.order_id
        running = subscription.status == SubscriptionStatus.ENABLED and subscription.expires_at is not None
        if not running or not plan.is_auto or subscription.expires_at <= at:  # type: ignore[operator]
            plan.save(update_fields=["deduct_at"])
            return
        try:
            with transaction.atomic():
                _order_and_pay(plan, subscription, waiting, account=account, at=at, by=by)
        except DomainError as refused:
            plan.order_id = ordered_before  # what was ordered is rolled back
            _fail(plan, subscription, refused.message, at=at)
        plan.save()


def _order_and_pay(
    plan: RenewalPlan, subscription: Subscription, waiting: Order | None, *, account: Account, at: datetime, by: Actor
) -> None:
    """Order the renewal, or take up the order that an earlier try left; pay it, or write down that a card is charged.

    Raises:
        DomainError: it cannot be ordered or paid; the message says why.
    """
    order = waiting
    if order is None or not order.is_payable:
        wish = _wish(plan, subscription, account=account, at=at)
        order = place_renewal(subscription, wish, by=by.on_behalf_of(account.name), at=at)
        plan.order = order
    elif order.pk != plan.order_id:
        raise PendingOrderExists(f"Order {order.number} for this subscription is unpaid. Pay or cancel it.")
    if not order.is_payable:
        return
    funds = funds_for(account, order.payable_money, at=at)
    if funds.request is None:
        # The order stays: its buyer may pay it by hand, or the next try.
        _fail(plan, subscription, funds.refusal, at=at)
    elif funds.request.method == PaymentMethodKind.CARD:
        _begin_charge(plan, subscription, order, funds.request, at=at)
    else:
        pay_orders([order], funds.request, by=by, at=at)


def _begin_charge(
    plan: RenewalPlan, subscription: Subscription, order: Order, request: PaymentRequest, *, at: datetime
) -> None:
    payment = record_card_intent([order], request, at=at)
    plan.charging_since = at
    publish(RenewalDeductionStarted(subscription=subscription.public_id, payment=payment.public_id), at=at)


def _wish(plan: RenewalPlan, subscription: Subscription, *, account: Account, at: datetime) -> RenewalWish:
    """What is ordered: one period, with a coupon where the account wants that (cash before discount, or the other way)."""
    wish = RenewalWish(plan.period, automatic=True, unpaid_until=subscription.expires_at)
    return RenewalWish(
        plan.period,
        automatic=True,
        unpaid_until=subscription.expires_at,
        coupon=coupon_for(subscription, wish, account=account, at=at),
    )


def coupon_for(subscription: Subscription, wish: RenewalWish, *, account: Account, at: datetime) -> str:
    """The coupon that an automatic renewal uses, by its code; empty when none fits or the account wants none."""
    use = settings_of(account).coupons
    if use == CouponUse.NONE:
        return ""
    first = CouponKind.CASH if use == CouponUse.CASH_FIRST else CouponKind.DISCOUNT
    coupons = sorted(offered_coupons(account, at=at), key=lambda one: one.kind != first)
    return usable_coupon(coupons, subscription, wish, account=account, at=at) if coupons else ""


def _fail(plan: RenewalPlan, subscription: Subscription, why: str, *, at: datetime) -> None:
    """Note why, and when it is tried again; the caller saves the plan."""
    plan.failure, plan.charging_since = why[:200], None
    schedule(plan, subscription, at=at)


def charge_card(public_id: str, *, at: datetime) -> None:
    """Ask the processor for a deduction, outside any transaction. A repeated delivery changes nothing."""
    payment = Payment.objects.select_related("card").get(public_id=public_id)
    if payment.status != PaymentStatus.AUTHORISING:
        return
    try:
        charge(payment, by=Actor.system("auto-renewal"), at=at)
    except (PaymentDeclined, PaymentActionRequired):
        return  # written down with the outcome, whose event leads to the next try


def deduction_failed(order_number: str, *, why: str, at: datetime) -> None:
    """The charge for an automatic renewal was declined, went back, or waits for the card holder: the next try is due.

    What waits may still be confirmed at the bank; then the renewal is paid as if it had been at once. Idempotent.
    """
    found = RenewalPlan.objects.filter(order__number=order_number).values_list("pk", "subscription").first()
    if found is None:
        return
    with transaction.atomic():
        subscription = subscription_locked(found[1])
        plan = RenewalPlan.objects.select_related("order").filter(pk=found[0], order__number=order_number).first()
        if plan is None or (plan.charging_since is None and plan.failure):
            return
        _fail(plan, subscription, why, at=max(at, clock.now()))
        plan.save()
