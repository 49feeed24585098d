"""How much of a paid term is left when a configuration changes (RULES 7). Pure; dates are days in GMT+08:00.

The day of the change does not count, the day of the expiry does. Nothing is rounded here: at least 28 digits are kept.
"""

from calendar import monthrange
from datetime import date
from decimal import Decimal

DAYS_OF_A_YEAR = 365
LEAP_DAY = 29


def remaining_months(change: date, expiry: date) -> Decimal:
    """Months left of a monthly term: each part of a month is its days by the days of that month.

    Aug 24 until Nov 15 (2021) is 7/31 + 2 + 15/30, the manual's 2.75.

    Raises:
        ValueError: the term was over before the change.
    """
    _check(change, expiry)
    if (change.year, change.month) == (expiry.year, expiry.month):
        return Decimal(expiry.day - change.day) / _days(change)
    between = (expiry.year - change.year) * 12 + expiry.month - change.month - 1
    return Decimal(_days(change) - change.day) / _days(change) + between + Decimal(expiry.day) / _days(expiry)


def remaining_years(change: date, expiry: date) -> Decimal:
    """Years left of a yearly term: days by 365, Feb 29 left out, year by year.

    May 1 2024 until Nov 1 2026 is 244/365 + 1 + 305/365, the manual's 2.50.

    Raises:
        ValueError: the term was over before the change.
    """
    _check(change, expiry)
    if change.year == expiry.year:
        return Decimal(day_of_year(expiry) - day_of_year(change)) / DAYS_OF_A_YEAR
    first = Decimal(DAYS_OF_A_YEAR - day_of_year(change)) / DAYS_OF_A_YEAR
    return first + (expiry.year - change.year - 1) + Decimal(day_of_year(expiry)) / DAYS_OF_A_YEAR


def day_of_year(day: date) -> int:
    """1 for Jan 1 to 365 for Dec 31 in every year; Feb 29 is the same day as Feb 28."""
    number = day.timetuple().tm_yday
    is_leap = monthrange(day.year, 2)[1] == LEAP_DAY
    return number - 1 if is_leap and (day.month, day.day) >= (2, LEAP_DAY) else number


def _days(day: date) -> int:
    return monthrange(day.year, day.month)[1]


def _check(change: date, expiry: date) -> None:
    if expiry < change:
        raise ValueError(f"The term ended on {expiry}, before {change}.")
