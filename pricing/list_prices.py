"""What one period of a configuration costs at list price: linear, tiered and by volume. Pure, never rounded."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from catalog.choices import BillingMode, PriceScheme
from koogallery.kernel.money import Money
from pricing.choosing import refused
from pricing.values import AttributeFacts, PriceFacts, SpecificationFacts


@dataclass(frozen=True, slots=True)
class PeriodPart:
    """One part of a period's price: its amount (unrounded) and how it is reckoned, in words.

    Attributes:
        factors: what the rate is multiplied by ("10 user(s)"), to be followed by the duration.
    """

    rate: str
    factors: tuple[str, ...]
    amount: Money


def price_of(facts: SpecificationFacts, billing_mode: str) -> PriceFacts:
    """The list price in a billing mode.

    Raises:
        NotConfigurable: not sold in that mode.
    """
    price = facts.prices.get(billing_mode)
    if price is None:
        raise refused("billing_mode", "This specification is not sold in this billing mode.")
    return price


def unit_amount(price: PriceFacts, count: int) -> Decimal:
    """The price of one unit when `count` are bought by volume: that of the tier which the total reaches."""
    reached = [amount for start, amount in price.tiers if start <= count]
    return reached[-1] if reached else price.amount


def tier_shares(price: PriceFacts, count: int) -> list[tuple[int, Decimal]]:
    """How many units stand in each tier, with the amount of one of them; empty tiers are left out."""
    starts = [(1, price.amount), *price.tiers]
    ends = [start - 1 for start, _amount in starts[1:]] + [count]
    shares = [(min(end, count) - start + 1, amount) for (start, amount), end in zip(starts, ends, strict=True)]
    return [(units, amount) for units, amount in shares if units > 0]


def period_parts(
    facts: SpecificationFacts, billing_mode: str, attributes: Mapping[str, str | int]
) -> tuple[PeriodPart, ...]:
    """One year, month or hour of one piece, or the piece itself: the price, then each surcharge.

    Args:
        attributes: every attribute with its checked value.

    Raises:
        NotConfigurable: not sold in that mode.
    """
    price = price_of(facts, billing_mode)
    counted = next((one for one in facts.attributes if one.code == price.per), None) if price.per else None
    count = int(attributes[counted.code]) if counted else 1
    unit = BillingMode(billing_mode).unit
    if counted and price.scheme == PriceScheme.TIERED:
        parts = [_tiered(facts, price, counted, count, unit)]
    else:
        amount = unit_amount(price, count) if counted and price.scheme == PriceScheme.VOLUME else price.amount
        parts = [_linear(facts, amount, counted, count, unit)]
    for attribute in facts.attributes:
        choice = str(attributes.get(attribute.code, ""))
        if extra := price.surcharges.get((attribute.code, choice)):
            part = _linear(facts, extra, counted, count, unit)
            name = dict(attribute.choices).get(choice, choice)
            parts.append(PeriodPart(f"{attribute.name}: {name}, {part.rate}", part.factors, part.amount))
    return tuple(parts)


def period_price(facts: SpecificationFacts, billing_mode: str, attributes: Mapping[str, str | int]) -> Money:
    """The sum of `period_parts`, unrounded."""
    return Money.total((part.amount for part in period_parts(facts, billing_mode, attributes)), facts.currency)


def _linear(
    facts: SpecificationFacts, amount: Decimal, counted: AttributeFacts | None, count: int, unit: str
) -> PeriodPart:
    money = Money(amount, facts.currency)
    name = (counted.unit or counted.name) if counted else ""
    rate = "/".join(part for part in (money.display(), name, unit) if part)
    return PeriodPart(rate, (f"{count} {name}(s)",) if counted else (), money * count)


def _tiered(facts: SpecificationFacts, price: PriceFacts, counted: AttributeFacts, count: int, unit: str) -> PeriodPart:
    shares = tier_shares(price, count)
    name = counted.unit or counted.name
    words = " + ".join(f"{units} x {Money(amount, facts.currency).display()}" for units, amount in shares)
    total = Money.total((Money(amount, facts.currency) * units for units, amount in shares), facts.currency)
    rate = f"({words}) for {count} {name}(s)" + (f"/{unit}" if unit else "")
    return PeriodPart(rate, (), total)
