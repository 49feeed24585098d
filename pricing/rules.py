"""What something costs and why: pure functions over frozen facts, one rounding, explained line by line.

Buying, renewing, upgrading and refunding share `Quote` (DESIGN.md: one quote). A page, an order, a charge and the
journal print the same lines.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Self

from catalog.choices import AttributeKind, BillingMode
from koogallery.kernel.money import Money
from pricing.errors import NotConfigurable

LONGEST_MONTHS = 9
"""Months are sold as 1 to 9; longer is 1 year, or 2 and 3 where sold so (RULES 3.1, 6)."""


@dataclass(frozen=True, slots=True)
class Duration:
    """A number of months or years."""

    value: int
    unit: str

    @property
    def months(self) -> int:
        return self.value * (12 if self.unit == "year" else 1)

    def as_json(self) -> dict[str, Any]:
        return {"value": self.value, "unit": self.unit}

    @classmethod
    def from_json(cls, value: Mapping[str, Any] | None) -> "Duration | None":
        return None if value is None else cls(int(value["value"]), str(value["unit"]))

    def __str__(self) -> str:
        return f"{self.value} {self.unit}{'' if self.value == 1 else 's'}"


@dataclass(frozen=True, slots=True)
class AttributeFacts:
    """An attribute as the seller declared it."""

    code: str
    name: str
    kind: str
    default: str
    unit: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    minimum: int = 0
    maximum: int = 0
    step: int = 1


@dataclass(frozen=True, slots=True)
class PriceFacts:
    """A list price: for one year, month, hour or once; multiplied by the quantity attribute `per`, if any."""

    amount: Decimal
    per: str | None = None


@dataclass(frozen=True, slots=True)
class SpecificationFacts:
    """What pricing needs to know of a specification."""

    id: int
    name: str
    currency: str
    prices: Mapping[str, PriceFacts]
    attributes: tuple[AttributeFacts, ...] = ()
    max_quantity: int = 1
    longest_years: int = 1


@dataclass(frozen=True, slots=True)
class QuoteRequest:
    """What somebody wants to buy. `attributes` holds only what differs from the defaults, or all of them."""

    specification: int
    billing_mode: str
    duration: Duration | None
    quantity: int = 1
    attributes: Mapping[str, str | int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {
            "specification": self.specification,
            "billing_mode": self.billing_mode,
            "duration": self.duration.as_json() if self.duration else None,
            "quantity": self.quantity,
            "attributes": dict(self.attributes),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        return cls(
            specification=int(value["specification"]),
            billing_mode=str(value["billing_mode"]),
            duration=Duration.from_json(value.get("duration")),
            quantity=int(value.get("quantity", 1)),
            attributes=dict(value.get("attributes") or {}),
        )


@dataclass(frozen=True, slots=True)
class QuoteLine:
    """One line of Cost Details: the calculation in words ("$5.00 USD/month x 1 month(s)") and its amount."""

    text: str
    amount: Money

    def as_json(self) -> dict[str, Any]:
        return {"text": self.text, "amount": self.amount.as_json()}


@dataclass(frozen=True, slots=True)
class Renewal:
    """What renews by itself next: one period at today's list price."""

    period: Duration
    amount: Money

    def as_json(self) -> dict[str, Any]:
        return {"period": self.period.as_json(), "amount": self.amount.as_json()}


@dataclass(frozen=True, slots=True)
class Quote:
    """A price, explained, that holds until `expires_at` (UTC). All amounts are in one currency and rounded."""

    request: QuoteRequest
    attributes: Mapping[str, str | int]
    lines: tuple[QuoteLine, ...]
    list_price: Money
    discount: Money
    coupon: Money
    tax: Money
    payable: Money
    renews: Renewal | None
    expires_at: datetime
    token: str = ""

    @property
    def currency(self) -> str:
        return self.payable.currency

    def as_json(self) -> dict[str, Any]:
        """The snapshot that an order keeps (and the API prints, token apart)."""
        return {
            "request": self.request.as_json(),
            "attributes": dict(self.attributes),
            "lines": [line.as_json() for line in self.lines],
            "list_price": self.list_price.as_json(),
            "discount": self.discount.as_json(),
            "coupon": self.coupon.as_json(),
            "tax": self.tax.as_json(),
            "payable": self.payable.as_json(),
            "renews": self.renews.as_json() if self.renews else None,
            "expires_at": self.expires_at.isoformat(),
        }

    @property
    def price_fingerprint(self) -> tuple[Any, ...]:
        """What must be unchanged for a confirmed price to be charged: every line and every sum."""
        return (self.lines, self.list_price, self.discount, self.coupon, self.tax, self.payable)


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
            raise _refused(f"attributes.{attribute.code}", f"{attribute.name}: choose one of {', '.join(known)}.")
        return value
    bounds = f"{attribute.name}: enter a number from {attribute.minimum} to {attribute.maximum}"
    if attribute.step > 1:
        bounds += f" in steps of {attribute.step}"
    text = str(value)
    if isinstance(value, bool) or not (text.isascii() and text.isdigit()) or len(text) > 9:
        raise _refused(f"attributes.{attribute.code}", f"{bounds}.")
    number = int(text)
    if not attribute.minimum <= number <= attribute.maximum or (number - attribute.minimum) % attribute.step:
        raise _refused(f"attributes.{attribute.code}", f"{bounds}.")
    return number


def chosen_attributes(facts: SpecificationFacts, given: Mapping[str, str | int]) -> dict[str, str | int]:
    """Every attribute with its value: what was given, and defaults for the rest (API.md: `{}` buys the defaults).

    Raises:
        NotConfigurable: an unknown attribute or a value that is not sold.
    """
    known = {attribute.code for attribute in facts.attributes}
    for code in given:
        if code not in known:
            raise _refused(f"attributes.{code}", "This specification has no such attribute.")
    return {attribute.code: _attribute_value(attribute, given.get(attribute.code)) for attribute in facts.attributes}


def _refused(where: str, why: str) -> NotConfigurable:
    return NotConfigurable(why, errors={where: [why]})


def _checked_duration(facts: SpecificationFacts, request: QuoteRequest) -> Duration | None:
    allowed = allowed_durations(facts, request.billing_mode)
    if not allowed:
        if request.duration is not None:
            raise _refused("duration", "This billing mode has no duration.")
        return None
    if request.duration not in allowed:
        if request.billing_mode == BillingMode.MONTHLY:
            raise _refused("duration", f"Select a duration from 1 to {LONGEST_MONTHS} months.")
        longest = facts.longest_years
        raise _refused(
            "duration", "Select 1 year." if longest == 1 else f"Select a duration from 1 to {longest} years."
        )
    return request.duration


def _line(facts: SpecificationFacts, price: PriceFacts, request: QuoteRequest, attributes: Mapping[str, str | int],
          duration: Duration | None) -> QuoteLine:  # fmt: skip
    """The calculation of one purchase in words and in money, rounded once."""
    unit = BillingMode(request.billing_mode).unit
    amount = Money(price.amount, facts.currency)
    rate, factors = amount.display(), []
    if price.per:
        attribute = next(one for one in facts.attributes if one.code == price.per)
        count = int(attributes[price.per])
        amount *= count
        counted = attribute.unit or attribute.name
        rate += f"/{counted}"
        factors.append(f"{count} {counted}(s)")
    if unit:
        rate += f"/{unit}"
    if duration:
        amount *= duration.value
        factors.append(f"{duration.value} {duration.unit}(s)")
    if request.quantity > 1:
        amount *= request.quantity
        factors.append(str(request.quantity))
    return QuoteLine(" x ".join([rate, *factors]), amount.rounded())


def quote_purchase(
    facts: SpecificationFacts,
    request: QuoteRequest,
    *,
    tax_rate: Decimal = Decimal(0),
    at: datetime,
    lifetime: timedelta,
) -> Quote:
    """What `request` costs at `at`: list price, no discount or coupon yet, tax on what is payable.

    Raises:
        NotConfigurable: the configuration is not sold; `errors` names the field.
    """
    price = facts.prices.get(request.billing_mode)
    if price is None:
        raise _refused("billing_mode", "This specification is not sold in this billing mode.")
    if isinstance(request.quantity, bool) or not 1 <= request.quantity <= facts.max_quantity:
        sold = "1" if facts.max_quantity == 1 else f"1 to {facts.max_quantity}"
        raise _refused("quantity", f"Select a quantity of {sold}.")
    attributes = chosen_attributes(facts, request.attributes)
    duration = _checked_duration(facts, request)
    # Pay-per-use is metered and paid afterwards: nothing is due at the order (RULES 8).
    metered = request.billing_mode == BillingMode.PAY_PER_USE
    line = _line(facts, price, request, attributes, duration)
    if metered:
        line = QuoteLine(f"{line.text}, billed by use", Money.zero(facts.currency))
    list_price = line.amount
    tax = (list_price * tax_rate).rounded()
    renews = None
    if duration is not None:
        period = Duration(1, duration.unit)
        one_period = QuoteRequest(request.specification, request.billing_mode, period, request.quantity, attributes)
        renewed = _line(facts, price, one_period, attributes, period).amount
        renews = Renewal(period, renewed + (renewed * tax_rate).rounded())
    zero = Money.zero(facts.currency)
    return Quote(
        request=request,
        attributes=attributes,
        lines=(line,),
        list_price=list_price,
        discount=zero,
        coupon=zero,
        tax=tax,
        payable=list_price + tax,
        renews=renews,
        expires_at=at + lifetime,
    )


def default_request(facts: SpecificationFacts, modes: Sequence[str]) -> QuoteRequest | None:
    """The configuration that a product page opens with: the first billing mode sold, its shortest term."""
    mode = next((mode for mode in modes if mode in facts.prices), None)
    if mode is None:
        return None
    durations = allowed_durations(facts, mode)
    return QuoteRequest(facts.id, mode, durations[0] if durations else None)
