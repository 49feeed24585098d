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
from billing.services import pay_orders
from billing.services.intents import record_card_intent, record_own_intent
from billing.services.paying import charge
from koogallery.kernel.compiled import Compiled, Param
from koogallery.kernel.errors import DomainError
from koogallery.kernel.outbox import publish
from koogallery.kernel.stored import update
from orders.choices import SubscriptionStatus
from orders.errors import AccountFrozen, PendingOrderExists
from orders.models import Order, Subscription
from orders.services import RenewalWish, order_locked, place_locked_renewal, usable_coupon
from pricing.choices import CouponKind
from pricing.coupons import offered_coupons
from renewals.choices import CouponUse
from renewals.events import RenewalDeductionStarted
from renewals.models import RenewalPlan
from renewals.services.choosing import settings_of
from renewals.services.funds import Funds, funds_for
from renewals.services.locking import concerned, owner_locked, plan_locked, subscription_locked
from renewals.services.planning import WRITTEN, schedule

_PAYMENT = Compiled(lambda: Payment.objects.select_related("card").filter(public_id=Param("public_id")))


def deduct(pk: int, *, at: datetime, by: Actor) -> None:
    """Timer: the next automatic renewal of a plan is due."""
    with transaction.atomic(savepoint=False):
        owner, unpaid = concerned(pk)
        waiting = order_locked(unpaid) if unpaid is not None else None
        # Account before subscription, as everywhere.
        account = owner_locked(owner)
        plan, unpaid = plan_locked(pk)
        if plan.deduct_at is None or plan.deduct_at > at:
            return
        subscription = plan.subscription
        subscription.account = account
        plan.deduct_at, ordered_before = None, plan.order_id
        running = subscription.status == SubscriptionStatus.ENABLED and subscription.expires_at is not None
        if not running or not plan.is_auto or subscription.expires_at <= at:  # type: ignore[operator]
            update(plan, "deduct_at")
            return
        try:
            with transaction.atomic():
                _order_and_pay(plan, subscription, waiting, unpaid, account=account, at=at, by=by)
        except DomainError as refused:
            plan.order_id = ordered_before  # what was ordered is rolled back
            _fail(plan, subscription, refused.message, at=at)
        update(plan, *WRITTEN)


def _order_and_pay(
    plan: RenewalPlan,
    subscription: Subscription,
    waiting: Order | None,
    unpaid: int | None,
    *,
    account: Account,
    at: datetime,
    by: Actor,
) -> None:
    """Order the renewal, or take up the order that an earlier try left; pay it, or write down that a card is charged.

    Args:
        waiting: the subscription's unpaid order as it was before our locks, and is locked now; or None.
        unpaid: the number of the one that it has now.

    Raises:
        DomainError: it cannot be ordered or paid; the message says why.
    """
    if account.is_frozen:
        raise AccountFrozen
    if (order := waiting) is None or not order.is_payable:
        # Another one came between our look and our locks.
        other = Order.objects.get(pk=unpaid) if unpaid is not None else None
        wish = _wish(plan, subscription, account=account, at=at)
        order = place_locked_renewal(
            subscription, wish, account=account, waiting=other, by=by.on_behalf_of(account.name), at=at
        )
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
        _begin_charge(plan, order, funds, is_new=order is not waiting, at=at)
    else:
        pay_orders([order], funds.request, by=by, at=at)


def _begin_charge(plan: RenewalPlan, order: Order, funds: Funds, *, is_new: bool, at: datetime) -> None:
    assert funds.request is not None
    assert funds.card is not None
    if is_new:
        payment = record_own_intent(order, funds.card, at=at)
    else:
        payment = record_card_intent([order], funds.request, at=at)
    plan.charging_since = at
    publish(RenewalDeductionStarted(subscription=plan.subscription.public_id, payment=payment.public_id), at=at)


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
    payment = _PAYMENT.get(public_id=public_id)
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
        _fail(plan, subscription, why, at=at)
        plan.save()
