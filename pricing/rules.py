"""What something costs and why: pure functions over frozen facts, rounded line by line, explained in words."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from catalog.choices import BillingMode
from koogallery.kernel.money import Money
from pricing.choosing import (
    allowed_durations,
    check_quantity,
    check_size,
    checked_duration,
    chosen_attributes,
    default_request,
    refused,
)
from pricing.list_prices import PeriodPart, period_parts, period_price, price_of
from pricing.reductions import (
    HUNDRED,
    PriceContext,
    coupon_line,
    discount_line,
    discount_text,
    narrowest,
    percent_text,
    tax_line,
)
from pricing.values import (
    ECS,
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
    ServerFacts,
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
    return tuple(_times(part, request, duration) for part in period_parts(facts, request.billing_mode, attributes))


def _times(part: PeriodPart, request: QuoteRequest, duration: Duration | None, item: str = "") -> QuoteLine:
    """A period's part for the whole term and quantity, rounded once."""
    amount, factors = part.amount, list(part.factors)
    if duration:
        amount *= duration.value
        factors.append(f"{duration.value} {duration.unit}(s)")
    if request.quantity > 1:
        amount *= request.quantity
        factors.append(str(request.quantity))
    return QuoteLine(" x ".join([part.rate, *factors]), amount.rounded(), item=item)


def server_lines(server: ServerFacts | None, request: QuoteRequest, duration: Duration | None) -> tuple[QuoteLine, ...]:
    """What the ECS under an image costs, a line for each of its parts.

    Raises:
        NotConfigurable: not sold in that billing mode, or in another currency than the image.
    """
    if server is None:
        return ()
    if request.billing_mode not in server.modes:
        raise refused("deployment.flavor", "This flavor is not sold in this billing mode in the region.")
    unit = BillingMode(request.billing_mode).unit
    parts = []
    for one in server.parts:
        price = Money(one.prices[request.billing_mode], server.currency)
        parts.append(PeriodPart(f"{one.name}: {price.display()}/{unit}", (), price))
    return tuple(_times(part, request, duration, ECS) for part in parts)


def lowered(
    price: Money, context: PriceContext, *, at: datetime, with_coupon: bool = True, beside: Money | None = None
) -> tuple[tuple[QuoteLine, ...], Applied]:
    """What stands below the charges: the one discount, the coupon, the tax, in this order.

    Args:
        price: what is charged for the product; discounts and coupons lower it.
        beside: what is charged for the ECS under it, which is only taxed.

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
    if line := tax_line(net + beside if beside else net, context.tax):
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
    server: ServerFacts | None = None,
) -> Quote:
    """What `request` costs at `at` for the buyer of `context`; with `server`, the ECS that an image runs on too.

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
    below_it = server_lines(server, request, duration)
    # Pay-per-use is metered and paid afterwards: nothing is due at the order (RULES 8).
    metered: MeteredPrice | None = None
    server_metered: MeteredPrice | None = None
    if request.billing_mode == BillingMode.PAY_PER_USE:
        charges, below_it = _by_use(charges), _by_use(below_it)
        metered = metered_price(period_price(facts, request.billing_mode, attributes), context)
        charges += _lowered_by_use(metered, context)
        if server is not None:
            # Discounts are for the product; the ECS under it is only taxed.
            server_metered = metered_price(server.unit_price(request.billing_mode), replace(context, discounts=()))
    software, ecs = _sum(charges, facts.currency), _sum(below_it, facts.currency)
    check_size(software + ecs)
    below, applied = lowered(software, context, at=at, beside=ecs)
    lines = (*charges, *below_it, *below)
    renews = None
    if duration is not None:
        period = Duration(1, duration.unit)
        price = _sum(charge_lines(facts, request, attributes, period), facts.currency)
        price_beside = _sum(server_lines(server, request, period), facts.currency)
        taxed, _applied = lowered(price, context, at=at, with_coupon=False, beside=price_beside)
        renews = Renewal(period, price + price_beside + _sum(taxed, facts.currency))
    return Quote(
        request=request,
        attributes=attributes,
        lines=lines,
        list_price=software + ecs,
        discount=-amount_of(lines, LineKind.DISCOUNT, facts.currency),
        coupon=-amount_of(lines, LineKind.COUPON, facts.currency),
        tax=amount_of(lines, LineKind.TAX, facts.currency),
        payable=_sum(lines, facts.currency),
        renews=renews,
        expires_at=at + lifetime,
        applied=applied,
        metered=metered,
        server=server,
        server_payable=_server_payable(lines, ecs, context) if server else None,
        server_metered=server_metered,
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
        words.append(f"{discount_text(discount)} what is used")
    if metered.tax_percent:
        words.append(f"{metered.tax_name} {percent_text(metered.tax_percent)} on what is used")
    return tuple(QuoteLine(text, Money.zero(metered.unit_price.currency)) for text in words)


def _by_use(lines: tuple[QuoteLine, ...]) -> tuple[QuoteLine, ...]:
    return tuple(
        replace(line, text=f"{line.text}, billed by use", amount=Money.zero(line.amount.currency)) for line in lines
    )


def _sum(lines: Iterable[QuoteLine], currency: str) -> Money:
    return Money.total((line.amount for line in lines), currency)


def _server_payable(lines: tuple[QuoteLine, ...], ecs: Money, context: PriceContext) -> Money:
    """What of the payable amount is for the ECS: its charges and the tax on them; the rest is the image's."""
    taxed = tax_line(ecs, context.tax)
    whole = amount_of(lines, LineKind.TAX, ecs.currency)
    return ecs + (min(taxed.amount, whole) if taxed else Money.zero(ecs.currency))
