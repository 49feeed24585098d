"""Money: a Decimal with its currency beside it, rounded in one function.

Unit prices keep all their decimals (0.0136 USD an hour, RULES 8); an amount that is charged, stored or
printed as a total has been through `round_money` once.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

from babel.core import get_global
from babel.numbers import get_currency_symbol
from django.core.validators import MinValueValidator
from django.db import models

# Enough for 30-digit inputs times quantities without losing a digit before the one rounding.
PRECISION = 50

# The most that one order, payment or dispute can be over. Far above any, and what is summed up of it still fits.
LARGEST = Decimal(10) ** 12


class CurrencyMismatch(ValueError):
    """Two amounts of different currencies were put together: always a fault of ours, never of a user."""


def minor_digits(currency: str) -> int:
    """How many decimals the currency has: 2 for USD, 0 for JPY, 3 for KWD (CLDR data)."""
    fractions = _fractions()
    return fractions.get(currency, fractions["DEFAULT"])[0]


def minor_digits_sql(column: str) -> str:
    """The same in SQL, of the currency code in that column: for `check_books`, which reckons in the database."""
    fractions = _fractions()
    usual = fractions["DEFAULT"][0]
    unusual = sorted(
        (code, digits[0]) for code, digits in fractions.items() if code != "DEFAULT" and digits[0] != usual
    )
    whens = " ".join(f"WHEN '{code}' THEN {digits}" for code, digits in unusual)
    return f"CASE {column} {whens} ELSE {usual} END"


def _fractions() -> Mapping[str, tuple[int, int, int, int]]:
    found: Mapping[str, tuple[int, int, int, int]] = get_global("currency_fractions")
    return found


def round_money(amount: Decimal, currency: str) -> Decimal:
    """Round half up to the currency's minor unit. The only rounding of money in the house (RULES 7)."""
    with localcontext() as context:
        context.prec = PRECISION
        return amount.quantize(Decimal(1).scaleb(-minor_digits(currency)), rounding=ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in a currency (ISO 4217 code). Arithmetic refuses to mix currencies and never rounds."""

    amount: Decimal
    currency: str

    @classmethod
    def zero(cls, currency: str) -> "Money":
        return cls(Decimal(0), currency)

    @classmethod
    def total(cls, parts: Iterable["Money"], currency: str) -> "Money":
        """The sum of `parts`, zero in `currency` when there are none."""
        result = cls.zero(currency)
        for part in parts:
            result += part
        return result

    def split(self, parts: int) -> list["Money"]:
        """A rounded amount in `parts` parts that add up to it: a minor unit apart at most, the larger ones first."""
        unit = Decimal(1).scaleb(-minor_digits(self.currency))
        each, rest = divmod(int(self.amount / unit), parts)
        return [Money((each + (index < rest)) * unit, self.currency) for index in range(parts)]

    def rounded(self) -> "Money":
        return Money(round_money(self.amount, self.currency), self.currency)

    def __add__(self, other: "Money") -> "Money":
        self._same_currency(other)
        return Money(self.amount + other.amount, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        self._same_currency(other)
        return Money(self.amount - other.amount, self.currency)

    def __mul__(self, factor: Decimal | int) -> "Money":
        with localcontext() as context:
            context.prec = PRECISION
            return Money(self.amount * factor, self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.amount, self.currency)

    def __lt__(self, other: "Money") -> bool:
        self._same_currency(other)
        return self.amount < other.amount

    def __le__(self, other: "Money") -> bool:
        self._same_currency(other)
        return self.amount <= other.amount

    def __bool__(self) -> bool:
        return bool(self.amount)

    def __str__(self) -> str:
        return f"{self.digits()} {self.currency}"

    def digits(self) -> str:
        """The amount in plain digits: at least the minor unit, more where a unit price has more."""
        plain = format(self.amount.normalize(), "f")
        shown = len(plain.partition(".")[2])
        wanted = minor_digits(self.currency)
        return plain if shown > wanted else format(self.amount.quantize(Decimal(1).scaleb(-wanted)), "f")

    def display(self) -> str:
        """For people: "$1,234.50 USD", the guide's form; the code follows every amount (UX 5)."""
        whole, point, fraction = self.digits().lstrip("-").partition(".")
        sign = "-" if self.amount < 0 else ""
        symbol = get_currency_symbol(self.currency, locale="en_US")
        mark = symbol if len(symbol) == 1 else ""
        return f"{sign}{mark}{int(whole):,}{point}{fraction} {self.currency}"

    def as_json(self) -> dict[str, str]:
        """`{"amount": "5.00", "currency": "USD"}`, the form of API.md."""
        return {"amount": self.digits(), "currency": self.currency}

    @classmethod
    def from_json(cls, value: dict[str, str]) -> "Money":
        return cls(Decimal(value["amount"]), value["currency"])

    def _same_currency(self, other: "Money") -> None:
        if self.currency != other.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency} cannot be put together.")


class AmountField(models.DecimalField):
    """A column for a rounded amount; its currency stands in a column beside it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_digits", 18)
        kwargs.setdefault("decimal_places", 4)
        super().__init__(*args, **kwargs)


class UnitPriceField(models.DecimalField):
    """A column for a list price, which may be finer than the currency's minor unit (0.0136 USD an hour)."""

    default_validators = [MinValueValidator(Decimal(0))]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_digits", 18)
        kwargs.setdefault("decimal_places", 8)
        super().__init__(*args, **kwargs)


class CurrencyField(models.CharField):
    """A column for an ISO 4217 code."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 3)
        kwargs.setdefault("default", "USD")
        super().__init__(*args, **kwargs)
