"""When a subscription's stages end, when it is deducted, when somebody is told (RULES 3): pure functions of dates."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from orders.choices import SubscriptionStatus
from orders.terms import BILLING_ZONE, end_of, last_day

DAY = timedelta(days=1)
DEDUCTION_TIME = time(3, 0)
DEDUCTION_DAYS_BEFORE = 7
NOTICE_TIME = time(10, 0)
CARD_NOTICE_DAYS = 30

# So many days before each transition (RULES 3.4; the last two lists are of renewals that failed).
ANNOUNCED_DAYS = (7, 3, 1)
FAILED_EXPIRY_DAYS = (5, 2, 0)
FAILED_RELEASE_DAYS = (6, 2, 0)


def period_after(end: datetime, days: timedelta) -> datetime:
    """The end of a grace or retention period of `days` after `end`: 23:59:59 GMT+08:00 of its last day."""
    return end_of(last_day(end + days))


def days_for(periods: Mapping[str, timedelta], delivery_method: str, level: str = "") -> timedelta:
    """The period of a delivery method and customer level (RULES 3.1; 10, 6).

    The narrowest that the settings have counts: "saas/premium", "saas", "premium", "default".
    """
    named = (f"{delivery_method}/{level}", delivery_method, level)
    return next((periods[one] for one in named if one in periods), periods["default"])


# --- deductions -------------------------------------------------------------------------------------------------


def at_three(day: date) -> datetime:
    """03:00 GMT+08:00 of `day`, as a UTC instant."""
    return datetime.combine(day, DEDUCTION_TIME, BILLING_ZONE).astimezone(UTC)


def next_deduction(expires_at: datetime, days_before: int = DEDUCTION_DAYS_BEFORE) -> datetime:
    """When an automatic renewal is first deducted: 03:00 GMT+08:00, 1 to 7 days before the expiry day (RULES 3.2)."""
    return at_three(last_day(expires_at) - days_before * DAY)


def following_three(at: datetime) -> datetime:
    """The first 03:00 GMT+08:00 after `at`."""
    today = at_three(last_day(at))
    return today if today > at else at_three(last_day(at) + DAY)


def first_deduction(expires_at: datetime, days_before: int, *, at: datetime) -> datetime | None:
    """When an auto-renewal that is switched on at `at` is deducted: on its day, or at the next 03:00 when that is past.

    At once when no 03:00 comes before the expiry (RULES 3.2: near expiry); None when the term is over.
    """
    if at >= expires_at:
        return None
    due = max(next_deduction(expires_at, days_before), at)
    if due > at:
        return due
    tomorrow = following_three(at)
    return tomorrow if tomorrow < expires_at else at


def next_try(expires_at: datetime, *, after: datetime) -> datetime | None:
    """When a deduction that failed is tried again: daily at 03:00 until the expiry; None when that was the last time."""
    due = following_three(after)
    return due if due < expires_at else None


# --- notices ----------------------------------------------------------------------------------------------------


class NoticeKind(StrEnum):
    """What somebody is told before something happens."""

    WILL_RENEW = "will_renew"
    CARD_ENDS = "card_ends"
    WILL_EXPIRE = "will_expire"
    RENEWAL_FAILED = "renewal_failed"
    WILL_FREEZE = "will_freeze"
    WILL_BE_RELEASED = "will_be_released"


def days_until(of: datetime, now: datetime) -> int:
    """Days in GMT+08:00 from `now` until `of`."""
    return (last_day(of) - last_day(now)).days


@dataclass(frozen=True, slots=True, order=True)
class Notice:
    """What is told at `at` (UTC) of something that happens at `of`."""

    at: datetime
    kind: NoticeKind
    of: datetime

    def days_left(self, now: datetime) -> int:
        """Days in GMT+08:00 from `now` until it happens."""
        return days_until(self.of, now)


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a subscription stands, as far as notices depend on it. Times in UTC.

    Attributes:
        deducts_at: when its auto-renewal is deducted; None: it does not renew by itself.
        failed: a deduction for this term has failed.
    """

    status: str
    expires_at: datetime | None = None
    grace_until: datetime | None = None
    retention_until: datetime | None = None
    deducts_at: datetime | None = None
    failed: bool = False


def notices(stage: Stage) -> list[Notice]:
    """All that is told in this stage, in the order of time (RULES 3.4).

    What renews by itself is announced before the deduction, so that there is time to stop it; the rest before it ends.
    """
    found: list[Notice] = []
    match SubscriptionStatus(stage.status):
        case SubscriptionStatus.ENABLED if stage.expires_at:
            if stage.failed:
                found = _before(stage.expires_at, FAILED_EXPIRY_DAYS, NoticeKind.RENEWAL_FAILED)
            elif stage.deducts_at:
                found = _before(stage.deducts_at, (CARD_NOTICE_DAYS,), NoticeKind.CARD_ENDS)
                found += _before(stage.deducts_at, ANNOUNCED_DAYS, NoticeKind.WILL_RENEW)
            else:
                found = _before(stage.expires_at, ANNOUNCED_DAYS, NoticeKind.WILL_EXPIRE)
        case SubscriptionStatus.EXPIRED if stage.grace_until:
            days = (*ANNOUNCED_DAYS, 0) if stage.failed else ANNOUNCED_DAYS
            found = _before(stage.grace_until, days, NoticeKind.WILL_FREEZE)
        case SubscriptionStatus.FROZEN if stage.retention_until:
            days = FAILED_RELEASE_DAYS if stage.failed else ANNOUNCED_DAYS
            found = _before(stage.retention_until, days, NoticeKind.WILL_BE_RELEASED)
    return sorted(found)


def _before(of: datetime, days: tuple[int, ...], kind: NoticeKind) -> list[Notice]:
    told = [datetime.combine(last_day(of) - one * DAY, NOTICE_TIME, BILLING_ZONE).astimezone(UTC) for one in days]
    return [Notice(at, kind, of) for at in told if at < of]


def too_late_for_card(deducts_at: datetime, *, at: datetime) -> bool:
    """Whether the day has passed on which a card that ends before the deduction is told of: then it is told at once."""
    return all(one.at <= at for one in _before(deducts_at, (CARD_NOTICE_DAYS,), NoticeKind.CARD_ENDS))


def next_notice(stage: Stage, *, after: datetime) -> Notice | None:
    """The first notice later than `after`, or None."""
    return next((one for one in notices(stage) if one.at > after), None)


def latest_notice(stage: Stage, *, until: datetime) -> Notice | None:
    """The last notice that was due until `until`: after a standstill those before it are not told any more."""
    return next((one for one in reversed(notices(stage)) if one.at <= until), None)
