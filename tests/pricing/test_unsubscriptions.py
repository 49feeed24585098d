"""The refund of an unsubscription (RULES 4): the manual's figures, and what no chain of renewals may ever gain."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koogallery.kernel.money import Money
from orders import terms
from pricing.unsubscriptions import PaidTerm, hours_of, quote_unsubscription, refund_term
from pricing.values import Duration, LineKind, QuoteRequest

EAST = ZoneInfo("Asia/Shanghai")
SECOND = timedelta(seconds=1)


def usd(amount: str) -> Money:
    return Money(Decimal(amount), "USD")


def at(text: str) -> datetime:
    """A time in GMT+08:00."""
    return datetime.fromisoformat(text).replace(tzinfo=EAST).astimezone(UTC)


def term_of(starts: str, duration: Duration, paid: str = "100.00") -> PaidTerm:
    first = terms.first_term(at(starts), duration)
    return PaidTerm("CS1", usd(paid), first.starts_at, first.expires_at, duration)


MONTH, YEAR = Duration(1, "month"), Duration(1, "year")


@pytest.mark.parametrize(
    ("label", "starts", "duration", "now", "used", "total", "fee", "refund"),
    [
        # Bought Jan 1 10:30 for a month, given up Jan 15 18:40: 14 days 8 hours of 31 days 14 hours.
        ("the manual's example", "2024-01-01T10:30", MONTH, "2024-01-15T18:40", 14 * 24 + 8, 31 * 24 + 14, "10", "44.62"),
        ("in its first hour", "2024-01-01T10:30", MONTH, "2024-01-01T10:59", 0, 31 * 24 + 14, "10", "90.00"),
        ("the full hour counts from its first second", "2024-01-01T10:30", MONTH, "2024-01-01T11:00", 1, 758, "10", "89.87"),
        ("in its last hour", "2024-01-01T10:30", MONTH, "2024-02-01T23:59:59", 757, 758, "10", "0.00"),
        ("in grace nothing is left", "2024-01-01T10:30", MONTH, "2024-02-05T00:00", 758, 758, "10", "0.00"),
        ("one year", "2023-07-08T15:50:04", YEAR, "2024-01-07T15:00", 183 * 24, 366 * 24 + 9, "10", "40.05"),
        ("two years, first one", "2024-01-01T00:00", Duration(2, "year"), "2024-07-01T00:00", 182 * 24, 732 * 24, "15", "60.14"),
        ("two years, second one", "2024-01-01T00:00", Duration(2, "year"), "2025-01-01T01:00", 366 * 24 + 1, 732 * 24, "10", "39.99"),
        ("three years, third one", "2024-01-01T00:00", Duration(3, "year"), "2026-01-01T01:00", 731 * 24 + 1, 1097 * 24, "5", "28.36"),
        ("24 months are two years", "2024-01-01T00:00", Duration(24, "month"), "2024-01-01T00:30", 0, 732 * 24, "15", "85.00"),
        ("before it begins", "2024-01-01T10:30", MONTH, "2023-12-31T00:00", 0, 758, "0", "100.00"),
    ],
    ids=lambda value: value if isinstance(value, str) and " " in value else "",
)  # fmt: skip
def test_what_a_term_gives_back(label, starts, duration, now, used, total, fee, refund):
    found = refund_term(term_of(starts, duration), at=at(now))
    assert (found.used_hours, found.total_hours, found.fee_percent) == (used, total, int(fee))
    assert found.refund == usd(refund)


def test_the_lines_explain_the_refund_to_the_cent():
    request = QuoteRequest(1, "monthly", None)
    paid = [term_of("2024-01-01T10:30", MONTH), term_of("2024-02-02T00:00", MONTH, "50.00")]
    quote, refunds = quote_unsubscription(paid, request, subscription="S", at=at("2024-01-15T18:40"))
    assert [(line.kind, line.amount.digits()) for line in quote.lines] == [
        (LineKind.PAID, "100.00"), (LineKind.CONSUMED, "-45.38"), (LineKind.FEE, "-10.00"), (LineKind.PAID, "50.00"),
        (LineKind.REFUND, "-94.62"),
    ]  # fmt: skip
    assert "14 days 8 hours of 31 days 14 hours" in quote.lines[1].text
    assert quote.payable == Money.total((line.amount for line in quote.lines), "USD") == usd("0.00")
    assert quote.credit == usd("94.62")
    assert refunds[1].whole
    # It holds until more is used: the end of the hour.
    assert quote.expires_at == at("2024-01-15T19:00") - timedelta(microseconds=1)


def test_what_went_back_before_is_not_given_again_and_a_small_rest_pays_the_fee():
    term = term_of("2024-01-01T10:30", MONTH)
    found = refund_term(replace(term, left=usd("40.00")), at=at("2024-01-15T18:40"))
    assert (found.refund, found.before) == (usd("40.00"), usd("4.62"))
    late, _refunds = quote_unsubscription(
        [term], QuoteRequest(1, "monthly", None), subscription="S", at=at("2024-01-31T00:00")
    )
    assert [line.amount.digits() for line in late.lines] == ["100.00", "-93.67", "-10.00", "3.67", "0.00"]


FIRST, LAST = datetime(1971, 1, 1), datetime(2200, 1, 1)  # noqa: DTZ001  (the strategy wants them without)
moments = st.datetimes(FIRST, LAST, timezones=st.just(UTC))
durations = st.one_of(
    st.builds(Duration, st.integers(1, 9), st.just("month")), st.builds(Duration, st.integers(1, 3), st.just("year"))
)
prices = st.decimals(Decimal("0.01"), Decimal("99999.99"), places=2)


@given(start=moments, zone=st.sampled_from(["UTC", "Asia/Kathmandu", "America/St_Johns", "Pacific/Auckland"]),
       chain=st.lists(st.tuples(durations, prices), min_size=1, max_size=6), later=st.integers(0, 40_000_000))  # fmt: skip
def test_renewing_and_then_refunding_never_gains_money(start, zone, chain, later):
    began = start.astimezone(ZoneInfo(zone))
    first = terms.first_term(began, chain[0][0])
    paid = [PaidTerm("CS0", Money(chain[0][1], "USD"), began, first.expires_at, chain[0][0])]
    for number, (duration, price) in enumerate(chain[1:], 1):
        ends = terms.renewed_until(paid[-1].ends_at, first.anchor_day, duration)
        paid.append(PaidTerm(f"CS{number}", Money(price, "USD"), paid[-1].ends_at + SECOND, ends, duration))
    now = began + timedelta(seconds=later)
    back = [refund_term(one, at=now).refund for one in paid]
    # The hours of the terms lie end to end: none is sold twice or given away.
    for one, following in pairwise(paid):
        assert (one.ends_at + SECOND) == following.starts_at
    whole = sum(hours_of(one, paid[-1].ends_at + SECOND)[1] for one in paid)
    assert whole * 3600 >= (paid[-1].ends_at - began).total_seconds()
    # Nothing comes back that was not paid, and renewing first never brings more back than it cost.
    assert all(Money.zero("USD") <= refund <= one.paid for refund, one in zip(back, paid, strict=True))
    for length in range(1, len(paid)):
        before, after = (Money.total(back[:count], "USD") for count in (length, length + 1))
        assert after - before <= paid[length].paid
    # The longer it was used, the less comes back.
    assert refund_term(paid[0], at=now + timedelta(hours=1)).refund <= back[0] or paid[0].duration.months > 12
