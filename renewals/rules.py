"""When a subscription's stages end (RULES 3.1): pure functions of dates."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta

from orders.terms import BILLING_ZONE, END_OF_DAY

DEDUCTION_TIME = time(3, 0)
DEDUCTION_DAYS_BEFORE = 7


def period_after(end: datetime, days: timedelta) -> datetime:
    """The end of a grace or retention period of `days` after `end`: 23:59:59 GMT+08:00 of its last day."""
    day: date = (end + days).astimezone(BILLING_ZONE).date()
    return datetime.combine(day, END_OF_DAY, BILLING_ZONE).astimezone(UTC)


def days_for(periods: Mapping[str, timedelta], delivery_method: str) -> timedelta:
    """The period of a delivery method; `default` where it has none of its own (RULES 10, 6)."""
    return periods.get(delivery_method, periods["default"])


def next_deduction(expires_at: datetime) -> datetime:
    """When an automatic renewal is deducted: 03:00 GMT+08:00, 7 days before the expiry day (RULES 3.2)."""
    day = expires_at.astimezone(BILLING_ZONE).date() - timedelta(days=DEDUCTION_DAYS_BEFORE)
    return datetime.combine(day, DEDUCTION_TIME, BILLING_ZONE).astimezone(UTC)
