"""Seconds, hours, months and what they cost: pure."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from orders.terms import BILLING_ZONE

HOUR = timedelta(hours=1)
SECONDS_AN_HOUR = 3600
HUNDRED = Decimal(100)


def second_of(at: datetime) -> datetime:
    """The second in which `at` lies: fractions of a start and of a stop are dropped alike."""
    return at.astimezone(UTC).replace(microsecond=0)


def hour_of(at: datetime) -> datetime:
    """The full hour (UTC) in which `at` lies; hours of GMT+08:00 begin with them."""
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def month_of(at: datetime) -> date:
    """The first day of the calendar month (GMT+08:00) in which `at` lies."""
    return at.astimezone(BILLING_ZONE).date().replace(day=1)


def month_bounds(month: date) -> tuple[datetime, datetime]:
    """When a calendar month (GMT+08:00) begins, and when the next one does, as UTC instants."""
    first = month.replace(day=1)
    following = (first + timedelta(days=32)).replace(day=1)
    return _midnight(first), _midnight(following)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(0), BILLING_ZONE).astimezone(UTC)
