"""Billing cycles: calendar months of GMT+08:00, closed on the 3rd of the month after (RULES 6)."""

from datetime import UTC, date, datetime, time, timedelta

from orders.terms import BILLING_ZONE

STATEMENT_DAY = 3


def next_statement(after: datetime) -> datetime:
    """00:00 GMT+08:00 of the first 3rd of a month that states a month which ends after `after`."""
    day = after.astimezone(BILLING_ZONE).date().replace(day=1)
    following = (day + timedelta(days=32)).replace(day=STATEMENT_DAY)
    return midnight(following)


def month_before(due: datetime) -> tuple[date, datetime]:
    """The calendar month (GMT+08:00) before the one in which a statement is due: its first day, and its end in UTC."""
    this = due.astimezone(BILLING_ZONE).date().replace(day=1)
    return (this - timedelta(days=1)).replace(day=1), midnight(this)


def midnight(day: date) -> datetime:
    """When a day of GMT+08:00 begins, as a UTC instant."""
    return datetime.combine(day, time(0), BILLING_ZONE).astimezone(UTC)
