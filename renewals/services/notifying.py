"""Tells an account what will happen to its apps, in time, with what it costs and how to stop it (RULES 3.4)."""

from datetime import datetime

from django.db import transaction

from accounts.actor import Actor
from koogallery.kernel import clock
from koogallery.kernel.errors import DomainError
from koogallery.kernel.money import Money
from koogallery.kernel.outbox import Event, publish
from koogallery.kernel.stored import update
from orders.models import Subscription
from orders.services import RenewalWish, price_of_renewal
from orders.terms import last_day
from pricing.values import Quote
from renewals import events
from renewals.choices import RenewalMode
from renewals.models import RenewalPlan
from renewals.rules import Notice, NoticeKind, latest_notice, next_notice
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
    of = {
        "subscription": subscription.public_id,
        "when": in_words(notice.days_left(at)),
        "on": str(last_day(notice.of)),
    }
    wish = RenewalWish(plan.period, automatic=plan.is_auto)
    try:
        if plan.is_auto:
            coupon = coupon_for(subscription, wish, account=subscription.account, at=at)
            wish = RenewalWish(plan.period, automatic=True, coupon=coupon)
        quote = price_of_renewal(subscription, wish, account=subscription.account, at=at)
    except DomainError as refused:
        price, method, change = refused.message, "", ""
    else:
        # With what is valid then, not only today.
        method = funds_for(subscription.account, quote.payable, at=max(at, plan.deduct_at or at)).label
        price, change = quote.payable.display(), change_text(subscription, quote)
    match notice.kind:
        case NoticeKind.WILL_RENEW:
            return events.WillRenew(**of, period=str(plan.period), amount=price, method=method, change=change)
        case NoticeKind.RENEWAL_FAILED:
            return events.AutoRenewalFailed(**of, amount=price, method=method, change=change, why=plan.failure)
    costs = f"Renewing it for {plan.period} costs {price}, {change}, to be paid by {method}." if method else price
    match notice.kind:
        case NoticeKind.WILL_EXPIRE if plan.mode == RenewalMode.CANCELLED:
            return events.WillEnd(**of, costs=costs)
        case NoticeKind.WILL_EXPIRE:
            return events.WillExpire(**of, costs=costs)
        case NoticeKind.WILL_FREEZE:
            return events.WillFreeze(**of, costs=costs)
        case _:
            return events.WillBeReleased(**of, costs=costs)


def in_words(days: int) -> str:
    """ "today", "tomorrow", "in 3 days"."""
    return {0: "today", 1: "tomorrow"}.get(days, f"in {days} days")


def change_text(subscription: Subscription, quote: Quote) -> str:
    """How what one period costs differs from what it cost with the last term, in words."""
    change = price_change(subscription, quote)
    if change is None:
        return "in another unit or currency than the last term"
    if not change:
        return "the same as with the last term"
    return f"{(-change if change.amount < 0 else change).display()} {'less' if change.amount < 0 else 'more'} than with the last term"


def price_change(subscription: Subscription, quote: Quote) -> Money | None:
    """The price of one period now, less that of the last term; None where the two cannot be compared."""
    last = subscription.terms.in_force().select_related("line__order").first()
    before = last.line.order.quote.get("renews") if last else None
    if not before or quote.renews is None or before["period"] != quote.renews.period.as_json():
        return None
    paid = Money.from_json(before["amount"])
    return quote.renews.amount - paid if paid.currency == quote.currency else None
