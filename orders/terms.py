"""How long a term lasts: pure date arithmetic of subscriptions (RULES 3.1).

A term ends at 23:59:59 GMT+08:00 of its last day. Renewals count months from the anchor day, the day of the
month on which the first term ended before it was clamped to a short month, so that a Mar 31 purchase ends on
Apr 30, then May 31.
"""

import calendar
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone

from pricing.rules import Duration

BILLING_ZONE = timezone(timedelta(hours=8), "GMT+08:00")
END_OF_DAY = time(23, 59, 59)


@dataclass(frozen=True, slots=True)
class Term:
    """From when (UTC) until when (UTC, inclusive second) and the anchor day that renewals keep to."""

    starts_at: datetime
    expires_at: datetime
    anchor_day: int


def last_day_of_month(year: int, month: int) -> int:
    return calendar.monthrange(year, month)[1]


def add_months(day: date, months: int, anchor_day: int) -> date:
    """`months` months after the month of `day`, on the anchor day, clamped to the month's last day."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    return date(year, month + 1, min(anchor_day, last_day_of_month(year, month + 1)))


def end_of(day: date) -> datetime:
    """23:59:59 GMT+08:00 of `day`, as a UTC instant."""
    return datetime.combine(day, END_OF_DAY, BILLING_ZONE).astimezone(UTC)


def first_term(starts_at: datetime, duration: Duration) -> Term:
    """The term bought at `starts_at` (RULES 3.1: 2023-07-08 15:50:04 for 1 year ends 2024-07-08 23:59:59)."""
    day = starts_at.astimezone(BILLING_ZONE).date()
    return Term(starts_at, end_of(add_months(day, duration.months, day.day)), day.day)


def until_text(at: datetime) -> str:
    """A moment as messages, refusals and records print it."""
    return f"{at.astimezone(BILLING_ZONE):%Y-%m-%d %H:%M} GMT+08:00"


def last_day(expires_at: datetime) -> date:
    """The day in GMT+08:00 at whose end a term is over."""
    return expires_at.astimezone(BILLING_ZONE).date()


def renewed_until(expires_at: datetime, anchor_day: int, duration: Duration) -> datetime:
    """The new expiry: counted from the original expiry, never from today, also in grace and retention."""
    return end_of(add_months(last_day(expires_at), duration.months, anchor_day))


def renewal_date(day: date, anchor_day: int) -> date:
    """The first renewal date of an account on or after `day`; `anchor_day` 31 is the last day of each month (RULES 3.3)."""
    found = add_months(day, 0, anchor_day)
    return found if found >= day else add_months(day, 1, anchor_day)
