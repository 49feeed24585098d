"""What lowers a price, and the tax on the rest: discounts, coupons, tax rates as frozen facts. Pure (RULES 6).

A list price is lowered by one discount at the most, the narrowest that fits; then by one coupon; the tax is on what
is left.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from koogallery.kernel.money import Money
from pricing.choices import CouponKind, DiscountKind
from pricing.errors import CouponInvalid
from pricing.values import LineKind, QuoteLine

HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class DiscountFacts:
    """A discount that applies to a buyer and a product at a time.

    Attributes:
        percent: what is taken off, 0 to 100.
        for_customer, for_product, for_seller, for_reseller: how narrowly it was granted.
    """

    id: int
    kind: str
    name: str
    percent: Decimal
    for_customer: bool = False
    for_product: bool = False
    for_seller: bool = False
    for_reseller: bool = False

    @property
    def narrowness(self) -> tuple[bool, bool, bool, bool]:
        """Customer before product before seller before partner (RULES 6)."""
        return (self.for_customer, self.for_product, self.for_seller, self.for_reseller)


@dataclass(frozen=True, slots=True)
class TaxFacts:
    """A country's tax: `rate` 0.09 for nine per cent."""

    name: str
    rate: Decimal


@dataclass(frozen=True, slots=True)
class CouponFacts:
    """A coupon as its owner holds it now.

    Attributes:
        value: for cash, what is left on it; for a discount coupon, the percentage.
        combines_with: kinds of discount that it may stand beside.
        product, seller: the only ones that it may be used for, if any.
        usable: not used up, nor reserved by another order.
    """

    code: str
    kind: str
    currency: str
    value: Decimal
    minimum_spend: Decimal
    valid_from: datetime
    valid_until: datetime
    combines_with: frozenset[str]
    product: int | None = None
    seller: int | None = None
    usable: bool = True


@dataclass(frozen=True, slots=True)
class PriceContext:
    """Everything beside the catalogue that a price depends on: who buys, what he was granted, where he is taxed."""

    discounts: tuple[DiscountFacts, ...] = ()
    tax: TaxFacts | None = None
    coupon: CouponFacts | None = None
    product: int | None = None
    seller: int | None = None


def narrowest(discounts: Iterable[DiscountFacts]) -> DiscountFacts | None:
    """The one discount that counts: the narrowest; among equals the larger, then the older."""
    return max(discounts, key=lambda one: (one.narrowness, one.percent, -one.id), default=None)


def discount_line(price: Money, discount: DiscountFacts | None) -> QuoteLine | None:
    """What the discount takes off `price`, rounded once; negative."""
    if discount is None or not discount.percent or not price:
        return None
    off = (price * (discount.percent / HUNDRED)).rounded()
    return QuoteLine(discount_text(discount), -off, LineKind.DISCOUNT)


def discount_text(discount: DiscountFacts) -> str:
    """ "Partner discount: Cloudhaus, 10% off"."""
    return f"{DiscountKind(discount.kind).label}: {discount.name}, {percent_text(discount.percent)} off"


def coupon_line(
    price: Money, coupon: CouponFacts | None, context: PriceContext, kind: str, at: datetime
) -> QuoteLine | None:
    """What the coupon takes off `price` (after discounts); negative.

    Raises:
        CouponInvalid: it may not be used for this; the message says why.
    """
    if coupon is None:
        return None
    if why := coupon_refusal(price, coupon, context, kind, at):
        raise CouponInvalid(why, errors={"coupon": [why]})
    tail = coupon.code[-4:]
    if coupon.kind == CouponKind.CASH:
        return QuoteLine(
            f"Cash coupon ending in {tail}", -min_money(Money(coupon.value, price.currency), price), LineKind.COUPON
        )
    off = (price * (coupon.value / HUNDRED)).rounded()
    return QuoteLine(f"Discount coupon ending in {tail}, {percent_text(coupon.value)} off", -off, LineKind.COUPON)


def coupon_refusal(price: Money, coupon: CouponFacts, context: PriceContext, kind: str, at: datetime) -> str | None:
    """Why the coupon may not lower `price`, in words for its owner, or None.

    Args:
        kind: the kind of the discount that was taken off already, or empty.
    """
    if not coupon.usable:
        return "This coupon is used up, or reserved by another order."
    if at < coupon.valid_from:
        return "This coupon is not valid yet."
    if at >= coupon.valid_until:
        return "This coupon has expired."
    if coupon.currency != price.currency and (coupon.kind == CouponKind.CASH or coupon.minimum_spend):
        return f"This coupon is for orders in {coupon.currency}."
    if coupon.product is not None and coupon.product != context.product:
        return "This coupon is for another product."
    if coupon.seller is not None and coupon.seller != context.seller:
        return "This coupon is for products of another seller."
    if price.amount < coupon.minimum_spend:
        return f"This coupon needs an order of at least {Money(coupon.minimum_spend, coupon.currency).display()}."
    if kind and kind not in coupon.combines_with:
        return f"This coupon cannot be combined with a {str(DiscountKind(kind).label).lower()}."
    if not price:
        return "There is nothing to pay that a coupon could be used for."
    return None


def tax_line(price: Money, tax: TaxFacts | None) -> QuoteLine | None:
    """The tax on `price`, rounded once."""
    if tax is None or not tax.rate:
        return None
    return QuoteLine(f"{tax.name} {percent_text(tax.rate * HUNDRED)}", (price * tax.rate).rounded(), LineKind.TAX)


def min_money(one: Money, other: Money) -> Money:
    return one if one <= other else other


def percent_text(percent: Decimal) -> str:
    """ "10%", "7.5%"."""
    return f"{format(percent.normalize(), 'f')}%"
