"""What something costs and why: pure functions over frozen facts, rounded line by line, explained in words."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from catalog.choices import BillingMode
from koogallery.kernel.money import Money
from pricing.choices import DiscountKind
from pricing.choosing import (
    allowed_durations,
    check_quantity,
    check_size,
    checked_duration,
    chosen_attributes,
    default_request,
)
from pricing.list_prices import period_parts, period_price, price_of
from pricing.reductions import HUNDRED, PriceContext, coupon_line, discount_line, narrowest, percent_text, tax_line
from pricing.values import (
    PURCHASE,
    Applied,
    AttributeFacts,
    Duration,
    LineKind,
    MeteredPrice,
    PriceFacts,
    Quote,
    QuoteLine,
    QuoteRequest,
    Renewal,
    SpecificationFacts,
)

__all__ = [
    "PURCHASE",
    "Applied",
    "AttributeFacts",
    "Duration",
    "LineKind",
    "MeteredPrice",
    "PriceContext",
    "PriceFacts",
    "Quote",
    "QuoteLine",
    "QuoteRequest",
    "Renewal",
    "SpecificationFacts",
    "allowed_durations",
    "chosen_attributes",
    "default_request",
    "lowered",
    "metered_price",
    "quote_purchase",
]


def charge_lines(
    facts: SpecificationFacts,
    request: QuoteRequest,
    attributes: Mapping[str, str | int],
    duration: Duration | None,
) -> tuple[QuoteLine, ...]:
    """The list price of a purchase, one rounded line for the price and one for each surcharge."""
    lines = []
    for part in period_parts(facts, request.billing_mode, attributes):
        amount, factors = part.amount, list(part.factors)
        if duration:
            amount *= duration.value
            factors.append(f"{duration.value} {duration.unit}(s)")
        if request.quantity > 1:
            amount *= request.quantity
            factors.append(str(request.quantity))
        lines.append(QuoteLine(" x ".join([part.rate, *factors]), amount.rounded()))
    return tuple(lines)


def lowered(
    price: Money, context: PriceContext, *, at: datetime, with_coupon: bool = True
) -> tuple[tuple[QuoteLine, ...], Applied]:
    """What stands below the charges: the one discount, the coupon, the tax, in this order.

    Raises:
        CouponInvalid: the coupon may not be used for this price.
    """
    discount = narrowest(context.discounts)
    lines: list[QuoteLine] = []
    if line := discount_line(price, discount):
        lines.append(line)
    else:
        discount = None
    net = price + Money.total((one.amount for one in lines), price.currency)
    kind = discount.kind if discount else ""
    if with_coupon and (line := coupon_line(net, context.coupon, context, kind, at)):
        lines.append(line)
        net += line.amount
    if line := tax_line(net, context.tax):
        lines.append(line)
    coupon = context.coupon.code if with_coupon and context.coupon else ""
    return tuple(lines), Applied(discount.id if discount else None, kind, coupon)


def amount_of(lines: tuple[QuoteLine, ...], kind: LineKind, currency: str) -> Money:
    """The sum of the lines of one kind."""
    return Money.total((line.amount for line in lines if line.kind == kind), currency)


def quote_purchase(
    facts: SpecificationFacts,
    request: QuoteRequest,
    *,
    context: PriceContext | None = None,
    at: datetime,
    lifetime: timedelta,
) -> Quote:
    """What `request` costs at `at` for the buyer of `context`.

    Raises:
        NotConfigurable: the configuration is not sold; `errors` names the field.
        CouponInvalid: the coupon may not be used for it.
    """
    context = context or PriceContext()
    price_of(facts, request.billing_mode)
    check_quantity(facts, request.quantity)
    attributes = chosen_attributes(facts, request.attributes)
    duration = checked_duration(facts, request)
    charges = charge_lines(facts, request, attributes, duration)
    # Pay-per-use is metered and paid afterwards: nothing is due at the order (RULES 8).
    metered: MeteredPrice | None = None
    if request.billing_mode == BillingMode.PAY_PER_USE:
        charges = tuple(QuoteLine(f"{line.text}, billed by use", Money.zero(facts.currency)) for line in charges)
        metered = metered_price(period_price(facts, request.billing_mode, attributes), context)
        charges += _lowered_by_use(metered, context)
    list_price = Money.total((line.amount for line in charges), facts.currency)
    check_size(list_price)
    below, applied = lowered(list_price, context, at=at)
    lines = (*charges, *below)
    renews = None
    if duration is not None:
        period = Duration(1, duration.unit)
        again = charge_lines(facts, request, attributes, period)
        price = Money.total((line.amount for line in again), facts.currency)
        taxed, _applied = lowered(price, context, at=at, with_coupon=False)
        renews = Renewal(period, price + Money.total((line.amount for line in taxed), facts.currency))
    return Quote(
        request=request,
        attributes=attributes,
        lines=lines,
        list_price=list_price,
        discount=-amount_of(lines, LineKind.DISCOUNT, facts.currency),
        coupon=-amount_of(lines, LineKind.COUPON, facts.currency),
        tax=amount_of(lines, LineKind.TAX, facts.currency),
        payable=Money.total((line.amount for line in lines), facts.currency),
        renews=renews,
        expires_at=at + lifetime,
        applied=applied,
        metered=metered,
    )


def metered_price(unit_price: Money, context: PriceContext) -> MeteredPrice:
    """What an hour of use costs a buyer: the list price with his discount and tax (RULES 6, 8). No coupon: nothing is due."""
    discount, tax = narrowest(context.discounts), context.tax
    return MeteredPrice(
        unit_price,
        discount.percent if discount else Decimal(0),
        tax.rate * HUNDRED if tax else Decimal(0),
        tax.name if tax else "",
    )


def _lowered_by_use(metered: MeteredPrice, context: PriceContext) -> tuple[QuoteLine, ...]:
    """The same in words, so that what is confirmed says it."""
    words = []
    discount = narrowest(context.discounts)
    if discount and discount.percent:
        label = DiscountKind(discount.kind).label
        words.append(f"{label}: {discount.name}, {percent_text(discount.percent)} off what is used")
    if metered.tax_percent:
        words.append(f"{metered.tax_name} {percent_text(metered.tax_percent)} on what is used")
    return tuple(QuoteLine(text, Money.zero(metered.unit_price.currency)) for text in words)
