"""One clock, one rounding."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koogallery.kernel import clock
from koogallery.kernel.money import CurrencyMismatch, Money, minor_digits, round_money

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_the_clock_runs_in_utc() -> None:
    before = datetime.now(UTC)
    assert before <= clock.now() <= before + timedelta(seconds=5)
    assert clock.now().tzinfo is UTC


def test_the_clock_stands_within_the_block_and_runs_again_after_it() -> None:
    with clock.standing_at(NOON.astimezone(timezone(timedelta(hours=8)))):
        assert clock.now() == NOON
        assert clock.now().tzinfo is UTC
        with clock.standing_at(NOON + timedelta(days=1)):
            assert clock.now() == NOON + timedelta(days=1)
        assert clock.now() == NOON
    assert clock.now() != NOON


def test_the_clock_runs_again_after_an_error_in_the_block() -> None:
    with pytest.raises(ZeroDivisionError), clock.standing_at(NOON):
        raise ZeroDivisionError
    assert clock.now() != NOON


def test_a_demo_runs_ahead_and_the_machine_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(clock.OFFSET_VARIABLE, str(40 * 24 * 3600))

    ahead = clock.now() - datetime.now(UTC)
    assert timedelta(days=40) - timedelta(seconds=5) < ahead <= timedelta(days=40)
    assert abs(clock.machine_now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_the_machines_time_does_not_stand_still() -> None:
    with clock.standing_at(NOON):
        assert clock.machine_now() != NOON


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"), clock.standing_at(NOON.replace(tzinfo=None)):
        raise AssertionError("never reached")


@pytest.mark.parametrize(
    ("label", "amount", "currency", "expected"),
    [
        ("half a cent goes up", "0.125", "USD", "0.13"),
        ("under half a cent goes down", "0.12499999", "USD", "0.12"),
        ("half up, not to even", "0.135", "USD", "0.14"),
        ("a negative half goes away from zero", "-0.125", "USD", "-0.13"),
        ("the yen has no minor unit", "99.5", "JPY", "100"),
        ("the dinar has three digits", "1.2345", "KWD", "1.235"),
        ("an unknown currency has two digits", "1.005", "XXQ", "1.01"),
        ("thirty digits keep every digit", "123456789012345678901234567.895", "USD", "123456789012345678901234567.90"),
    ],
)
def test_money_is_rounded_half_up_to_the_minor_unit(label: str, amount: str, currency: str, expected: str) -> None:
    assert str(round_money(Decimal(amount), currency)) == expected


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        ("5", "USD", "5.00"),
        ("5.0000", "USD", "5.00"),
        ("0.0136", "USD", "0.0136"),
        ("1E+3", "USD", "1000.00"),
        ("0", "USD", "0.00"),
        ("1500.0000", "JPY", "1500"),
        ("-2.5", "USD", "-2.50"),
    ],
)
def test_amounts_are_written_in_plain_digits(amount: str, currency: str, shown: str) -> None:
    assert Money(Decimal(amount), currency).as_json() == {"amount": shown, "currency": currency}


def test_currencies_never_mix() -> None:
    with pytest.raises(CurrencyMismatch, match="USD and EUR cannot be put together"):
        Money(Decimal(1), "USD") + Money(Decimal(1), "EUR")
    with pytest.raises(CurrencyMismatch):
        _ = Money(Decimal(1), "USD") < Money(Decimal(1), "EUR")


def test_a_total_of_nothing_is_zero_in_its_currency() -> None:
    assert Money.total([], "USD") == Money.zero("USD")
    assert not Money.zero("USD")


amounts = st.decimals(min_value=-(10**13), max_value=10**13, places=8, allow_nan=False)


@given(amounts, st.sampled_from(["USD", "EUR", "JPY", "KWD"]))
def test_rounding_twice_changes_nothing_and_moves_by_half_a_unit_at_most(amount: Decimal, currency: str) -> None:
    once = round_money(amount, currency)

    assert round_money(once, currency) == once
    assert abs(once - amount) <= Decimal(1).scaleb(-minor_digits(currency)) / 2


@given(st.lists(amounts, max_size=20))
def test_adding_never_rounds(parts: list[Decimal]) -> None:
    total = Money.total([Money(part, "USD") for part in parts], "USD")

    assert total.amount == sum(parts, Decimal(0))


@given(amounts, st.sampled_from(["USD", "JPY", "KWD"]))
def test_money_survives_json(amount: Decimal, currency: str) -> None:
    money = Money(amount, currency)

    assert Money.from_json(money.as_json()) == money
