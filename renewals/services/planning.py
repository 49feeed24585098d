"""How a subscription renews: written down at its start, changed by its account, kept up to date as it renews (RULES 3.2)."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts.actor import Actor
from accounts.models import Account
from accounts.permissions import Permission, require
from billing.models import Payment
from koogallery.kernel import clock
from koogallery.kernel.errors import InvalidInput, InvalidTransition
from koogallery.kernel.outbox import publish
from koogallery.kernel.stored import update
from orders.choices import DurationUnit, SubscriptionStatus
from orders.errors import AutoRenewalNotSupported, NotRenewable
from orders.models import Order, Subscription
from orders.services import (
    RenewalPrices,
    cancel_outdated,
    not_for_sale,
    offered_durations,
    order_locked,
    sold_today,
)
from orders.terms import last_day
from pricing.renewals import renewal_durations
from pricing.values import Duration
from renewals import rules
from renewals.choices import RenewalMode
from renewals.events import AutoRenewalDisabled, AutoRenewalEnabled
from renewals.models import RenewalPlan
from renewals.rules import DEDUCTION_DAYS_BEFORE, Stage
from renewals.services.funds import card_ends_before
from renewals.services.locking import plan_of_subscription, subscription_locked

MOST_RENEWALS = 99
ONE_OF_EACH = (Duration(1, "month"), Duration(1, "year"))
# What a deduction and its outcome change of a plan.
WRITTEN = ("mode", "count", "deduct_at", "notice_at", "charging_since", "order", "failure")


@dataclass(frozen=True, slots=True)
class PlanWish:
    """How an account wants a subscription to renew.

    Attributes:
        mode: a `RenewalMode`.
        period: what an automatic renewal buys; None: as it is.
        count: how many automatic renewals, 0 for no limit; None: as it is.
        deduction_days: so many days before the expiry; None: as it is.
    """

    mode: str
    period: Duration | None = None
    count: int | None = None
    deduction_days: int | None = None


def stage_of(plan: RenewalPlan, subscription: Subscription) -> Stage:
    """Where the subscription stands, as notices see it."""
    return Stage(
        status=subscription.status,
        expires_at=subscription.expires_at,
        grace_until=subscription.grace_until,
        retention_until=subscription.retention_until,
        deducts_at=plan.deduct_at,
        failed=bool(plan.failure),
    )


def schedule(plan: RenewalPlan, subscription: Subscription, *, at: datetime) -> None:
    """Set what becomes due next; the caller saves the plan."""
    running = subscription.status == SubscriptionStatus.ENABLED and subscription.expires_at is not None
    plan.deduct_at = None
    if running and plan.is_auto and plan.charging_since is None:
        assert subscription.expires_at is not None
        if plan.failure:
            plan.deduct_at = rules.next_try(subscription.expires_at, after=max(at, clock.now()))
        else:
            plan.deduct_at = rules.first_deduction(subscription.expires_at, plan.deduction_days, at=at)
    following = rules.next_notice(stage_of(plan, subscription), after=at)
    plan.notice_at = following.at if following else None


def plan_for(subscription: Subscription, *, at: datetime) -> RenewalPlan | None:
    """Write down at its start how a subscription renews: as chosen at purchase (RULES 3.2). Idempotent.

    A monthly subscription renews one month, a yearly one a year, whatever term was bought. None without a term.
    """
    line = subscription.line
    if not subscription.has_term or not line.duration_unit:
        return None
    with transaction.atomic():
        subscription = subscription_locked(subscription.pk)
        order: Order = line.order
        plan, created = RenewalPlan.objects.get_or_create(
            subscription=subscription,
            defaults={
                "mode": RenewalMode.AUTO if order.auto_renew else RenewalMode.MANUAL,
                "period_value": 1,
                "period_unit": DurationUnit(line.duration_unit),
                "changed_at": at,
            },
        )
        if created or (plan.deduct_at is None and plan.notice_at is None):
            schedule(plan, subscription, at=at)
            if plan.is_auto:
                publish(_enabled(plan, subscription), at=at)
                tell_of_card(plan, subscription, at=at)
            plan.save()
    return plan


def change_plan(subscription: Subscription, wish: PlanWish, *, by: Actor, at: datetime | None = None) -> RenewalPlan:
    """Switch auto-renewal on or off, change what it buys, or take the subscription off renewals.

    Possible until a deduction is under way; what was deducted is not undone (RULES 3.2). An order that a deduction made
    and could not pay is canceled with it.

    Raises:
        PermissionRefused: the actor's role may not renew.
        AutoRenewalNotSupported: the product does not renew by itself.
        NotRenewable: it has no term, is over, is no longer available (RULES 3.1: delisted), or no term of it is sold.
        InvalidInput: a period that is not sold, a count or day out of bounds.
        InvalidTransition: a deduction is under way.
    """
    at = at or clock.now()
    require(by, Permission.RENEW)
    with transaction.atomic():
        ordered = _automatic_order(subscription.pk)
        waiting = order_locked(ordered) if ordered is not None else None
        account = Account.objects.select_for_update(of=("self",), no_key=True).select_related("reseller")
        owner = account.get(pk=subscription.account_id)
        subscription = subscription_locked(subscription.pk)
        plan = RenewalPlan.objects.filter(subscription=subscription).first() or RenewalPlan(subscription=subscription)
        _check(plan, subscription, wish, account=owner, at=at)
        if waiting is not None and waiting.is_payable:
            if Payment.objects.open().filter(allocations__order=waiting).exists():
                raise InvalidTransition("The next renewal is being paid. Confirm or cancel that payment first.")
            cancel_outdated(waiting, reason="The auto-renewal was changed.", at=at)
        was_auto, plan.mode = plan.is_auto, wish.mode
        if wish.period:
            plan.period_value, plan.period_unit = wish.period.value, wish.period.unit
        elif plan.pk is None:
            plan.period_unit = DurationUnit(subscription.line.duration_unit or DurationUnit.MONTH)
        plan.count = plan.count if wish.count is None else wish.count
        plan.deduction_days = plan.deduction_days if wish.deduction_days is None else wish.deduction_days
        plan.order, plan.failure, plan.changed_at = None, "", at
        schedule(plan, subscription, at=at)
        if plan.is_auto:
            publish(_enabled(plan, subscription), at=at)
            tell_of_card(plan, subscription, at=at)
        elif was_auto:
            publish(AutoRenewalDisabled(subscription=subscription.public_id, why=f"By {by.label}."), at=at)
        plan.save()
    return plan


def tell_of_card(plan: RenewalPlan, subscription: Subscription, *, at: datetime) -> None:
    """The next deduction is nearer than the day on which a card that ends before it is told of: tell it now; the caller saves."""
    if plan.deduct_at is not None and rules.too_late_for_card(plan.deduct_at, at=at):
        for event in card_ends_before(plan, subscription):
            publish(event, at=at)


def _enabled(plan: RenewalPlan, subscription: Subscription) -> AutoRenewalEnabled:
    """What is confirmed: when the next deduction is, what it buys, how often."""
    on = f"on {last_day(plan.deduct_at)}" if plan.deduct_at else "once its term has begun"
    often = f"{plan.count} more time{'s' if plan.count > 1 else ''}" if plan.count else "until you stop it"
    return AutoRenewalEnabled(subscription=subscription.public_id, period=str(plan.period), deducted=on, often=often)


def mode_refusal(
    plan: RenewalPlan, subscription: Subscription, mode: str, *, account: Account, periods: Collection[Duration] = ()
) -> InvalidTransition | None:
    """Why a subscription's renewals may not be brought to `mode`, or changed within it, now; None when they may. Not raised.

    What is offered and what is refused is decided here alone. Needs `product` and `specification` of the subscription.

    Args:
        periods: what an automatic renewal may buy (`offered_periods`); the other modes do not ask.
    """
    if not subscription.has_term:
        return NotRenewable("Only yearly and monthly subscriptions are renewed.")
    if subscription.status == SubscriptionStatus.CLOSED:
        return NotRenewable("This resource was released and cannot be renewed.")
    auto = mode == RenewalMode.AUTO
    if auto and not subscription.product.auto_renewal_supported:
        return AutoRenewalNotSupported()
    if not_for_sale(subscription):
        if auto or plan.is_auto:
            return NotRenewable(
                "It is no longer available: its auto-renewal can be neither switched on or off nor changed."
            )
        if plan.mode == RenewalMode.CANCELLED:
            return NotRenewable("It is no longer available: what was canceled stays canceled.")
    if plan.charging_since is not None:
        return InvalidTransition("The next renewal is being deducted right now. Wait a moment, then look again.")
    if not auto:
        return None
    if account.is_frozen:
        return NotRenewable("This account is frozen: it cannot switch auto-renewal on.")
    if subscription.status in (SubscriptionStatus.EXPIRED, SubscriptionStatus.FROZEN):
        return NotRenewable("It has expired. Renew it by hand first; then auto-renewal can be switched on.")
    if not periods:
        return NotRenewable("It is not sold by the month or year any more: an auto-renewal could buy nothing.")
    return None


def _check(plan: RenewalPlan, subscription: Subscription, wish: PlanWish, *, account: Account, at: datetime) -> None:
    """Refuse what may not be chosen for this subscription."""
    if wish.mode not in RenewalMode.values:
        raise InvalidInput("Choose manual, auto or cancelled.", errors={"mode": ["Choose manual, auto or cancelled."]})
    is_auto = wish.mode == RenewalMode.AUTO
    asked = is_auto or wish.period is not None
    periods = offered_periods(subscription, account=account, at=at) if asked else ()
    if refusal := mode_refusal(plan, subscription, wish.mode, account=account, periods=periods):
        raise refusal
    if wish.count is not None and not 0 <= wish.count <= MOST_RENEWALS:
        why = f"Enter a number of renewals from 0 (no limit) to {MOST_RENEWALS}."
        raise InvalidInput(why, errors={"count": [why]})
    if wish.deduction_days is not None and not 1 <= wish.deduction_days <= DEDUCTION_DAYS_BEFORE:
        why = f"Choose a deduction day from 1 to {DEDUCTION_DAYS_BEFORE} days before the expiry."
        raise InvalidInput(why, errors={"deduction_days": [why]})
    if not is_auto:
        periods = periods or ONE_OF_EACH
    # What it kept from another time may be sold no more: it would fail at each deduction.
    period = wish.period or (plan.period if is_auto and plan.pk is not None else None)
    if period is not None and period not in periods:
        why = f"Choose one of: {', '.join(map(str, periods))}."
        raise InvalidInput(why, errors={"period": [why]})


def offered_periods(
    subscription: Subscription, *, account: Account, at: datetime, prices: RenewalPrices | None = None
) -> tuple[Duration, ...]:
    """What an automatic renewal may buy; before the term has begun one month or one year of what is sold.

    Empty where there is no auto-renewal, and where nothing is sold by the month or year. A server renews as the product
    of its image does, at what its region sells.

    Args:
        prices: of `renewal_prices`, when many are asked about.
    """
    renews = subscription.has_term and subscription.product.auto_renewal_supported
    if not renews or subscription.status == SubscriptionStatus.CLOSED:
        return ()
    facts = sold_today(subscription, account=account, prices=prices)
    if facts is None:
        return ()
    if subscription.expires_at is None:
        return tuple(one for one in ONE_OF_EACH if one in renewal_durations(facts))
    return offered_durations(subscription, facts, at=at)


def _automatic_order(subscription: int) -> int | None:
    """The number of the row that the subscription's last deduction ordered."""
    return RenewalPlan.objects.filter(subscription=subscription).values_list("order", flat=True).first()


def stage_changed(subscription: Subscription, *, at: datetime) -> None:
    """The subscription entered another stage, under its lock: nothing is deducted any more, others notices follow."""
    plan = RenewalPlan.objects.filter(subscription=subscription).first()
    if plan is not None:
        schedule(plan, subscription, at=at)
        plan.save(update_fields=["deduct_at", "notice_at"])


def renewed(public_id: str, *, order_number: str, at: datetime) -> None:
    """A renewal is paid: the next deduction follows from the new expiry; one of a counted number is used up. Idempotent.

    Only what was deducted by itself counts; what was renewed by hand meanwhile does not (RULES 3.2).
    """
    with transaction.atomic():
        plan = plan_of_subscription(public_id)
        if plan is None:
            return
        if plan.order is not None and plan.order.number == order_number:
            plan.order, plan.charging_since = None, None
            if plan.count == 1:
                plan.mode = RenewalMode.MANUAL
                why = "All renewals that you asked for were made."
                publish(AutoRenewalDisabled(subscription=public_id, why=why), at=at)
            plan.count = max(0, plan.count - 1)
        plan.failure = ""
        schedule(plan, plan.subscription, at=at)
        tell_of_card(plan, plan.subscription, at=at)
        update(plan, *WRITTEN, "card_told")


def taken_back(public_id: str, *, at: datetime) -> None:
    """A renewal was refunded: what is due follows from the expiry before. Idempotent."""
    with transaction.atomic():
        plan = plan_of_subscription(public_id)
        if plan is not None:
            schedule(plan, plan.subscription, at=at)
            update(plan, "deduct_at", "notice_at")
