"""Tells an account what will happen to its apps, in time, with what it costs and how to stop it (RULES 3.4)."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from accounts.actor import Actor
from catalog.choices import DeliveryMethod
from koogallery.kernel import clock
from koogallery.kernel.errors import DomainError
from koogallery.kernel.money import Money
from koogallery.kernel.outbox import Event, publish
from koogallery.kernel.stored import update
from orders.choices import OrderKind
from orders.models import OrderLine, Subscription
from orders.services import RenewalWish, price_of_renewal
from orders.terms import last_day
from pricing.values import ECS, Duration, LineKind, QuoteLine
from renewals import events
from renewals.choices import RenewalMode
from renewals.models import RenewalPlan
from renewals.rules import Notice, NoticeKind, days_until, latest_notice, next_notice
from renewals.services.deducting import coupon_for
from renewals.services.funds import card_ends_before, funds_for
from renewals.services.locking import plan_locked
from renewals.services.planning import stage_of


def tell_in_time(pk: int, *, at: datetime, by: Actor) -> None:
    """Timer: a notice is due. After a standstill only the latest is told, and none of what has happened since."""
    with transaction.atomic(savepoint=False):
        plan, _unpaid = plan_locked(pk)
        subscription = plan.subscription
        if plan.notice_at is None or plan.notice_at > at:
            return
        now, stage = max(at, clock.now()), stage_of(plan, subscription)
        notice = latest_notice(stage, until=now)
        if notice is not None and notice.at >= plan.notice_at and notice.of > now:
            for event in _events(plan, subscription, notice, at=now):
                publish(event, at=notice.at)
        following = next_notice(stage, after=now)
        plan.notice_at = following.at if following else None
        update(plan, "notice_at", "card_told")


def _events(plan: RenewalPlan, subscription: Subscription, notice: Notice, *, at: datetime) -> list[Event]:
    """What is told; nothing where there is no reason to."""
    if notice.kind is NoticeKind.CARD_ENDS:
        return card_ends_before(plan, subscription)
    return [_event(plan, subscription, notice, at=at)]


def _event(plan: RenewalPlan, subscription: Subscription, notice: Notice, *, at: datetime) -> Event:
    of = {"subscription": subscription.public_id} | _when(notice.of, at=at)
    try:
        payable, renews = _price(plan, subscription, at=at)
    except DomainError as refused:
        costs = refused.message
        if notice.kind in (NoticeKind.WILL_RENEW, NoticeKind.RENEWAL_FAILED):
            # Nothing can be bought of what would be deducted: it ends with its term.
            assert subscription.expires_at is not None
            return events.WillExpire(**of | _when(subscription.expires_at, at=at), costs=costs)
    else:
        # With what is valid then, not only today.
        method = funds_for(subscription.account, payable, at=max(at, plan.deduct_at or at)).label
        price, change = payable.display(), change_text(subscription, renews)
        match notice.kind:
            case NoticeKind.WILL_RENEW:
                return events.WillRenew(**of, period=str(plan.period), amount=price, method=method, change=change)
            case NoticeKind.RENEWAL_FAILED:
                return events.AutoRenewalFailed(**of, amount=price, method=method, change=change, why=plan.failure)
        costs = f"Renewing it for {plan.period} costs {price}, {change}, to be paid by {method}."
    match notice.kind:
        case NoticeKind.WILL_EXPIRE if plan.mode == RenewalMode.CANCELLED:
            return events.WillEnd(**of, costs=costs)
        case NoticeKind.WILL_EXPIRE:
            return events.WillExpire(**of, costs=costs)
        case NoticeKind.WILL_FREEZE:
            return events.WillFreeze(**of, costs=costs)
        case _:
            return events.WillBeReleased(**of, costs=costs)


def _when(of: datetime, *, at: datetime) -> dict[str, str]:
    """The day on which something happens, in words and as a date of GMT+08:00."""
    return {"when": in_words(days_until(of, at)), "on": str(last_day(of))}


def _price(plan: RenewalPlan, subscription: Subscription, *, at: datetime) -> tuple[Money, dict[str, Any] | None]:
    """What the next renewal costs, and what one period of it does, as quotes keep it.

    Where a deduction failed that is its order, which the next try pays at the price and with the coupon of its first day.

    Raises:
        DomainError: it cannot be renewed.
    """
    if plan.failure and plan.order is not None and plan.order.is_payable:
        return plan.order.payable_money, plan.order.quote.get("renews")
    wish = RenewalWish(plan.period, automatic=plan.is_auto)
    if plan.is_auto:
        coupon = coupon_for(subscription, wish, account=subscription.account, at=at)
        wish = RenewalWish(plan.period, automatic=True, coupon=coupon)
    quote = price_of_renewal(subscription, wish, account=subscription.account, at=at)
    return quote.payable, quote.renews.as_json() if quote.renews else None


def in_words(days: int) -> str:
    """ "today", "tomorrow", "in 3 days"."""
    return {0: "today", 1: "tomorrow"}.get(days, f"in {days} days")


def change_text(subscription: Subscription, renews: dict[str, Any] | None) -> str:
    """How what one period costs (as `Renewal.as_json`) differs from what it cost with the last term, in words."""
    change = price_change(subscription, renews)
    if change is None:
        return "in another unit or currency than the last term"
    if not change:
        return "the same as with the last term"
    return f"{(-change if change.amount < 0 else change).display()} {'less' if change.amount < 0 else 'more'} than with the last term"


def price_change(subscription: Subscription, renews: dict[str, Any] | None) -> Money | None:
    """The price of one period now, less that of the last term; None where the two cannot be compared."""
    last = subscription.terms.in_force().select_related("line__order").first()
    before = last.line.order.quote.get("renews") if last else None
    if last is None or not before or not renews or before["period"] != renews["period"]:
        return None
    now, paid = Money.from_json(renews["amount"]), _paid_for_a_period(last.line, before)
    return now - paid if paid.currency == now.currency else None


def _paid_for_a_period(line: OrderLine, renews: dict[str, Any]) -> Money:
    """What one period of one subscription cost with the order that bought its last term, before coupons.

    An image and its server, and several of them, were bought by one order, whose quote adds all of them up.
    """
    order, sharing = line.order, 1
    if line.delivery_method in (DeliveryMethod.IMAGE, DeliveryMethod.ECS) and order.kind == OrderKind.NEW:
        sharing = line.subscriptions.count()
    if sharing == 1 and (order.kind != OrderKind.NEW or order.lines.count() == 1):
        return Money.from_json(renews["amount"])
    bought = Duration(line.duration_value or 1, line.duration_unit or "month")
    period = Duration(renews["period"]["value"], renews["period"]["unit"])
    share = Decimal(period.months) / (bought.months * sharing)
    if order.coupon and line.delivery_method == DeliveryMethod.IMAGE:
        kinds = (LineKind.CHARGE, LineKind.DISCOUNT)
        found = map(QuoteLine.from_json, order.quote["lines"])
        net = sum(one.amount.amount for one in found if one.kind in kinds and one.item != ECS)
        share *= net / (net - order.coupon) if net > order.coupon else 1
    return (line.money * share).rounded()
