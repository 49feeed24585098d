"""Which configurations are sold: durations, quantities, attributes and their defaults. Pure."""

from collections.abc import Mapping, Sequence

from catalog.choices import AttributeKind, BillingMode
from koogallery.kernel.money import LARGEST, Money
from pricing.errors import NotConfigurable
from pricing.values import AttributeFacts, Duration, QuoteRequest, SpecificationFacts

LONGEST_MONTHS = 9
"""Months are sold as 1 to 9; longer is 1 year, or 2 and 3 where sold so (RULES 3.1, 6)."""


def allowed_durations(facts: SpecificationFacts, billing_mode: str) -> tuple[Duration, ...]:
    """The terms sold in a billing mode: 1 to 9 months, or 1 to `longest_years` years; none without a term."""
    if billing_mode == BillingMode.MONTHLY:
        return tuple(Duration(months, "month") for months in range(1, LONGEST_MONTHS + 1))
    if billing_mode == BillingMode.YEARLY:
        return tuple(Duration(years, "year") for years in range(1, facts.longest_years + 1))
    return ()


def _attribute_value(attribute: AttributeFacts, given: str | int | None) -> str | int:
    """The value that `given` stands for.

    Raises:
        NotConfigurable: it is not one that is sold.
    """
    value = attribute.default if given is None else given
    if attribute.kind == AttributeKind.ENUMERATED:
        known = [code for code, _name in attribute.choices]
        if value not in known:
            raise refused(f"attributes.{attribute.code}", f"{attribute.name}: choose one of {', '.join(known)}.")
        return value
    bounds = f"{attribute.name}: enter a number from {attribute.minimum} to {attribute.maximum}"
    if attribute.step > 1:
        bounds += f" in steps of {attribute.step}"
    text = str(value)
    if isinstance(value, bool) or not (text.isascii() and text.isdigit()) or len(text) > 9:
        raise refused(f"attributes.{attribute.code}", f"{bounds}.")
    number = int(text)
    if not attribute.minimum <= number <= attribute.maximum or (number - attribute.minimum) % attribute.step:
        raise refused(f"attributes.{attribute.code}", f"{bounds}.")
    return number


def chosen_attributes(facts: SpecificationFacts, given: Mapping[str, str | int]) -> dict[str, str | int]:
    """Every attribute with its value: what was given, and defaults for the rest (API.md: `{}` buys the defaults).

    Raises:
        NotConfigurable: an unknown attribute or a value that is not sold.
    """
    known = {attribute.code for attribute in facts.attributes}
    for code in given:
        if code not in known:
            raise refused(f"attributes.{code}", "This specification has no such attribute.")
    return {attribute.code: _attribute_value(attribute, given.get(attribute.code)) for attribute in facts.attributes}


def refused(where: str, why: str) -> NotConfigurable:
    return NotConfigurable(why, errors={where: [why]})


def checked_duration(facts: SpecificationFacts, request: QuoteRequest) -> Duration | None:
    allowed = allowed_durations(facts, request.billing_mode)
    if not allowed:
        if request.duration is not None:
            raise refused("duration", "This billing mode has no duration.")
        return None
    if request.duration not in allowed:
        if request.billing_mode == BillingMode.MONTHLY:
            raise refused("duration", f"Select a duration from 1 to {LONGEST_MONTHS} months.")
        longest = facts.longest_years
        raise refused("duration", "Select 1 year." if longest == 1 else f"Select a duration from 1 to {longest} years.")
    return request.duration


def check_quantity(facts: SpecificationFacts, quantity: int) -> None:
    """Refuse a quantity that is not sold in one order.

    Raises:
        NotConfigurable: less than one or more than the specification's most.
    """
    if isinstance(quantity, bool) or not 1 <= quantity <= facts.max_quantity:
        sold = "1" if facts.max_quantity == 1 else f"1 to {facts.max_quantity}"
        raise refused("quantity", f"Select a quantity of {sold}.")


def check_size(price: Money) -> None:
    """Refuse what is more than one order can be over.

    Raises:
        NotConfigurable: the list price is above `LARGEST`.
    """
    if price.amount > LARGEST:
        most = Money(LARGEST, price.currency).display()
        raise refused("quantity", f"One order is over {most} at the most. Select less, or a shorter term.")


def default_request(facts: SpecificationFacts, modes: Sequence[str]) -> QuoteRequest | None:
    """The configuration that a product page opens with: the first billing mode sold, its shortest term."""
    mode = next((mode for mode in modes if mode in facts.prices), None)
    if mode is None:
        return None
    durations = allowed_durations(facts, mode)
    return QuoteRequest(facts.id, mode, durations[0] if durations else None)
