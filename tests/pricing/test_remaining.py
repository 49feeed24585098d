"""What is left of a term, with the manual's examples (RULES 7)."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pricing.remaining import remaining_months, remaining_years

D = Decimal


@pytest.mark.parametrize(
    ("sentence", "change", "expiry", "months"),
    [
        ("the manual's example, 2.75", date(2021, 8, 24), date(2021, 11, 15), D(7) / 31 + 2 + D(15) / 30),
        ("within one month", date(2026, 6, 10), date(2026, 6, 25), D(15) / 30),
        ("on the last day nothing is left", date(2026, 6, 25), date(2026, 6, 25), D(0)),
        ("over the year's end", date(2025, 12, 31), date(2026, 1, 31), D(1)),
        ("February has its own days", date(2024, 2, 1), date(2024, 3, 1), D(28) / 29 + D(1) / 31),
    ],
)
def test_months(sentence, change, expiry, months):
    assert remaining_months(change, expiry) == months


@pytest.mark.parametrize(
    ("sentence", "change", "expiry", "years"),
    [
        ("the manual's example, 2.50", date(2024, 5, 1), date(2026, 11, 1), D(244) / 365 + 1 + D(305) / 365),
        ("a whole year less the day of change", date(2025, 1, 1), date(2026, 1, 1), D(364) / 365 + D(1) / 365),
        ("Feb 29 is ignored", date(2024, 2, 28), date(2024, 3, 1), D(1) / 365),
        ("on Feb 29 as on Feb 28", date(2024, 2, 29), date(2024, 3, 1), D(1) / 365),
        ("on the last day nothing is left", date(2026, 6, 25), date(2026, 6, 25), D(0)),
    ],
)
def test_years(sentence, change, expiry, years):
    assert remaining_years(change, expiry) == years


@pytest.mark.parametrize("of", [remaining_months, remaining_years])
def test_a_term_that_is_over_has_no_rest(of):
    with pytest.raises(ValueError, match="ended"):
        of(date(2026, 1, 2), date(2026, 1, 1))


days = st.dates(date(2020, 1, 1), date(2035, 12, 31))


@given(change=days, left=st.integers(0, 1200))
def test_a_day_later_never_leaves_more(change, left):
    expiry = change + timedelta(days=left)
    for of in (remaining_months, remaining_years):
        if change < expiry:
            assert of(change + timedelta(days=1), expiry) <= of(change, expiry)
        assert of(change, expiry) >= 0
