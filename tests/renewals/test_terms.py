"""For any purchase, chain of renewals and renewal date: the hour, the anchor day, no day sold twice or given away."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orders.terms import BILLING_ZONE, end_of, first_term, last_day, last_day_of_month, renewal_date, renewed_until
from pricing.remaining import remaining_months, remaining_years
from pricing.renewals import ExtraDays, quote_renewal, share_of_days
from pricing.values import Duration, PriceFacts, QuoteRequest, SpecificationFacts
from renewals import rules
from renewals.rules import NoticeKind, Stage

quickly = settings(max_examples=120, deadline=None)
moments = st.integers(0, 33_000 * 86_400).map(
    lambda seconds: datetime(2000, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)
zones = st.integers(-12, 14)
days = st.dates(date(2000, 1, 1), date(2090, 12, 31))
durations = st.one_of(
    st.integers(1, 9).map(lambda n: Duration(n, "month")), st.integers(1, 3).map(lambda n: Duration(n, "year"))
)


@pytest.mark.parametrize(
    ("sentence", "bought", "duration", "until"),
    [
        (
            "2023-07-08 15:50:04 for 1 year",
            datetime(2023, 7, 8, 7, 50, 4, tzinfo=UTC),
            Duration(1, "year"),
            "2024-07-08",
        ),
        ("Mar 31 monthly is clamped", datetime(2024, 3, 31, 4, tzinfo=UTC), Duration(1, "month"), "2024-04-30"),
        (
            "16:00 UTC is the next day in GMT+08:00",
            datetime(2024, 1, 30, 16, tzinfo=UTC),
            Duration(1, "month"),
            "2024-02-29",
        ),
        ("a leap day for a year", datetime(2024, 2, 29, 4, tzinfo=UTC), Duration(1, "year"), "2025-02-28"),
    ],
)
def test_the_vectors_of_the_rules(sentence, bought, duration, until):
    term = first_term(bought, duration)
    assert term.expires_at == datetime.fromisoformat(f"{until} 15:59:59+00:00")


@quickly
@given(moments, durations, st.lists(durations, max_size=8))
def test_a_chain_of_renewals_is_the_first_day_and_the_sum_of_its_months(bought, first, renewals):
    term = first_term(bought, first)
    ends, total = term.expires_at, first.months
    for one in renewals:
        before, ends, total = ends, renewed_until(ends, term.anchor_day, one), total + one.months
        assert ends > before
        local = ends.astimezone(BILLING_ZONE)
        assert (local.hour, local.minute, local.second) == (23, 59, 59)
        month = local.date()
        assert month.day == min(term.anchor_day, last_day_of_month(month.year, month.month))
    start = bought.astimezone(BILLING_ZONE).date()
    assert (last_day(ends).year * 12 + last_day(ends).month) - (start.year * 12 + start.month) == total
    assert ends == renewed_until(
        first_term(bought, Duration(total, "month")).expires_at, term.anchor_day, Duration(0, "month")
    )


@quickly
@given(moments, zones, durations)
def test_the_buyers_zone_changes_nothing(bought, zone, duration):

    there = bought.astimezone(timezone(timedelta(hours=zone)))
    assert first_term(there, duration).expires_at == first_term(bought, duration).expires_at


@quickly
@given(days, st.one_of(st.integers(1, 28), st.just(31)))
def test_the_renewal_date_is_the_first_on_or_after_and_less_than_a_month_away(day, anchor):
    found = renewal_date(day, anchor)
    assert 0 <= (found - day).days <= 31
    assert found.day == (last_day_of_month(found.year, found.month) if anchor == 31 else anchor)
    between = [day + timedelta(days=n) for n in range((found - day).days)]
    assert all(one.day != (last_day_of_month(one.year, one.month) if anchor == 31 else anchor) for one in between)


@quickly
@given(days, st.integers(0, 90), st.integers(0, 90))
def test_days_bought_in_two_steps_cost_the_same_share_as_in_one(day, first, second):
    middle, end = day + timedelta(days=first), day + timedelta(days=first + second)
    for unit in ("month", "year"):
        parts = share_of_days(ExtraDays(day, middle), unit) + share_of_days(ExtraDays(middle, end), unit)
        assert abs(parts - share_of_days(ExtraDays(day, end), unit)) < Decimal("1e-20")
    # The same convention as upgrades have, which a second implementation reckons (RULES 7).
    assert abs(share_of_days(ExtraDays(day, end), "month") - remaining_months(day, end)) < Decimal("1e-20")
    if not any((day + timedelta(days=n + 1)).strftime("%m-%d") == "02-29" for n in range(first + second)):
        assert abs(share_of_days(ExtraDays(day, end), "year") - remaining_years(day, end)) < Decimal("1e-20")


def _facts(month: Decimal, year: Decimal) -> SpecificationFacts:
    prices = {"monthly": PriceFacts(month), "yearly": PriceFacts(year)}
    return SpecificationFacts(1, "One", "USD", prices, longest_years=3)


@quickly
@given(
    st.decimals("0.01", "9999", places=2), st.decimals("0.01", "9999", places=2), durations, st.integers(1, 500), days,
    st.integers(0, 31),
)  # fmt: skip
def test_a_renewal_costs_its_duration_and_its_days_to_the_cent(month, year, duration, quantity, day, more):
    mode = "monthly" if duration.unit == "month" else "yearly"
    extra = ExtraDays(day, day + timedelta(days=more))
    quote = quote_renewal(
        _facts(month, year), QuoteRequest(1, mode, duration, quantity), purpose="test", extra=extra,
        at=datetime(2024, 1, 1, tzinfo=UTC), lifetime=timedelta(hours=1),
    )  # fmt: skip
    price = month if duration.unit == "month" else year
    assert quote.lines[0].amount.amount == price * duration.value * quantity
    assert sum(line.amount.amount for line in quote.lines) == quote.payable.amount
    assert len(quote.lines) == (2 if more else 1)
    assert quote.payable.amount <= price * quantity * (duration.value + Decimal("1.1")) + Decimal("0.01")


@quickly
@given(moments, st.integers(1, 7))
def test_a_deduction_is_due_before_the_expiry_or_at_once_and_never_in_the_past(at, before):
    for ends in range(0, 40, 3):
        expires_at = end_of(last_day(at) + timedelta(days=ends))
        due = rules.first_deduction(expires_at, before, at=at)
        assert (due is None) == (at >= expires_at)
        assert due is None or at <= due < expires_at
        tries = [due] if due else []
        while tries and (following := rules.next_try(expires_at, after=tries[-1])):
            tries.append(following)
        assert len(tries) <= 8


@quickly
@given(moments, st.booleans())
def test_notices_come_in_time_and_in_order(expires, failed):
    expires_at = end_of(last_day(expires))
    for status in ("enabled", "expired", "frozen", "closed"):
        stage = Stage(status, expires_at, expires_at, expires_at, None, failed)
        told = rules.notices(stage)
        assert told == sorted(told)
        assert all(one.at < one.of for one in told)
        after, seen = expires_at - timedelta(days=60), []
        while one := rules.next_notice(stage, after=after):
            seen, after = [*seen, one], one.at
        assert seen == told


def test_what_renews_is_told_before_the_deduction_what_fails_before_the_expiry():
    expires_at = end_of(date(2024, 5, 31))
    due = rules.next_deduction(expires_at)
    ahead = [(one.kind, one.days_left(one.at)) for one in rules.notices(Stage("enabled", expires_at, deducts_at=due))]
    assert ahead == [(NoticeKind.CARD_ENDS, 30), *((NoticeKind.WILL_RENEW, left) for left in (7, 3, 1))]
    failed = rules.notices(Stage("enabled", expires_at, failed=True))
    assert [one.days_left(one.at) for one in failed] == [5, 2, 0]
    released = rules.notices(Stage("frozen", retention_until=expires_at, failed=True))
    assert [one.days_left(one.at) for one in released] == [6, 2, 0]
