"""What raising a running subscription to a larger configuration costs (RULES 7, guide 2.2). Pure.

    cost = (price of the new configuration x remaining - price of the old one x remaining), less the discount

Both at today's list price, rounded once at the end. By volume, what is added is paid at the unit price that the total
reaches. A cost below zero is refused, never clamped to a free upgrade.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from catalog.choices import AttributeKind, BillingMode, PriceScheme
from koogallery.kernel.money import Money
from pricing.choosing import check_size, chosen_attributes
from pricing.errors import UpgradeNotAllowed
from pricing.list_prices import period_parts, period_price, price_of, unit_amount
from pricing.reductions import HUNDRED, PriceContext, coupon_line, discount_text, narrowest, tax_line
from pricing.remaining import remaining_months, remaining_years
from pricing.values import (
    Applied,
    AttributeFacts,
    Duration,
    LineKind,
    Quote,
    QuoteLine,
    QuoteRequest,
    Renewal,
    SpecificationFacts,
)

NEGATIVE = "The upgrade cost cannot be negative."
Chosen = Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class UpgradeFacts:
    """The running subscription.

    Attributes:
        old: its attributes now, each with its value.
        raisable: codes of the attributes that the seller's upgrade rule allows to change.
        change, expiry: days in GMT+08:00.
        most_times: how many times the old quantity one upgrade may reach.
    """

    specification: SpecificationFacts
    billing_mode: str
    old: Chosen
    quantity: int
    raisable: frozenset[str]
    change: date
    expiry: date
    most_times: int
    purpose: str


def target(running: UpgradeFacts, wanted: Chosen) -> dict[str, str | int]:
    """The whole new configuration: the old one with what is wanted of it.

    Raises:
        NotConfigurable: not sold so.
        UpgradeNotAllowed: nothing changes, something is lowered, raised too far, or may not change.
    """
    facts = running.specification
    old = chosen_attributes(facts, running.old)
    new = chosen_attributes(facts, {**old, **wanted})
    changed = [one for one in facts.attributes if new[one.code] != old[one.code]]
    if not changed:
        raise UpgradeNotAllowed("This is the current configuration. Choose a higher one.")
    for attribute in changed:
        if attribute.code not in running.raisable:
            raise UpgradeNotAllowed(f"The seller's upgrade rule does not let {attribute.name} change.")
        _check_raised(running, attribute, old[attribute.code], new[attribute.code])
    return new


def _check_raised(running: UpgradeFacts, attribute: AttributeFacts, old: str | int, new: str | int) -> None:
    if attribute.kind == AttributeKind.QUANTITY:
        if int(new) < int(old):
            raise UpgradeNotAllowed(f"{NEGATIVE} {attribute.name} can only be raised.")
        if int(new) > int(old) * running.most_times and int(old):
            most = int(old) * running.most_times
            raise UpgradeNotAllowed(f"{attribute.name} can be raised to {most} at the most in one upgrade.")
        return
    surcharges = price_of(running.specification, running.billing_mode).surcharges
    before, after = (surcharges.get((attribute.code, str(value)), Decimal(0)) for value in (old, new))
    if after < before:
        raise UpgradeNotAllowed(f"{NEGATIVE} {attribute.name} can only be raised.")


def remaining_of(running: UpgradeFacts) -> Decimal:
    """Months or years left, unrounded."""
    if running.billing_mode == BillingMode.YEARLY:
        return remaining_years(running.change, running.expiry)
    return remaining_months(running.change, running.expiry)


def quote_upgrade(
    running: UpgradeFacts, wanted: Chosen, *, context: PriceContext, at: datetime, lifetime: timedelta
) -> Quote:
    """The cost of an upgrade, explained: new configuration, credit of the old one, discount, coupon, tax.

    Raises:
        NotConfigurable, UpgradeNotAllowed: see `target`; also when the cost would be negative.
        CouponInvalid: the coupon may not be used for it.
    """
    new = target(running, wanted)
    facts, remaining = running.specification, remaining_of(running)
    unit = BillingMode(running.billing_mode).unit
    days = (running.expiry - running.change).days
    text = f"{remaining:.8f} {unit}s remaining ({days} day{'' if days == 1 else 's'} left)"
    text += f" x {running.quantity}" if running.quantity > 1 else ""
    times = remaining * running.quantity
    charge, credit, words = _difference(running, new)
    if charge < credit:
        # Also by less than half a cent, which rounding would make a free upgrade.
        raise UpgradeNotAllowed(NEGATIVE)
    check_size(charge * times)
    cost = ((charge - credit) * times).rounded()
    lines = [QuoteLine(f"New configuration: {words}, {text}", (charge * times).rounded())]
    # The difference is rounded once; what the credit prints is what is left between both.
    taken_off = cost - lines[0].amount
    if taken_off:
        by_total = _by_the_total(facts, running.billing_mode)
        before = " + ".join(_words(by_total, running.billing_mode, chosen_attributes(facts, running.old)))
        lines.append(QuoteLine(f"Current configuration: {before}, {text}", taken_off, LineKind.CREDIT))
    discount = narrowest(context.discounts)
    net = cost
    if discount is not None:
        net = ((charge - credit) * times * (1 - discount.percent / HUNDRED)).rounded()
        lines.append(QuoteLine(discount_text(discount), net - cost, LineKind.DISCOUNT))
    kind = discount.kind if discount else ""
    reduced = coupon_line(net, context.coupon, context, kind, at)
    if reduced:
        lines.append(reduced)
    before_tax = net + reduced.amount if reduced else net
    tax = tax_line(before_tax, context.tax)
    if tax:
        lines.append(tax)
    zero = Money.zero(facts.currency)
    duration = Duration(1, unit)
    return Quote(
        request=QuoteRequest(facts.id, running.billing_mode, None, running.quantity, dict(new)),
        attributes=new,
        lines=tuple(lines),
        list_price=cost,
        discount=cost - net,
        coupon=-reduced.amount if reduced else zero,
        tax=tax.amount if tax else zero,
        payable=before_tax + (tax.amount if tax else zero),
        renews=Renewal(duration, _renewal(running, new, context)),
        expires_at=at + lifetime,
        credit=-taken_off,
        applied=Applied(
            discount.id if discount else None, kind, context.coupon.code if context.coupon and reduced else ""
        ),
        purpose=running.purpose,
    )


def _difference(running: UpgradeFacts, new: Chosen) -> tuple[Money, Money, str]:
    """What one period of the new configuration adds and what of the old one is set off, with the words of the first."""
    facts, mode = _by_the_total(running.specification, running.billing_mode), running.billing_mode
    old = chosen_attributes(facts, running.old)
    price = price_of(running.specification, mode)
    counted = price.per
    if price.scheme == PriceScheme.VOLUME and counted and int(new[counted]) > int(old[counted]):
        added = int(new[counted]) - int(old[counted])
        unit = Money(unit_amount(price, int(new[counted])), facts.currency)
        base = unit * added
        surcharged = _surcharges(facts, mode, new) - _surcharges(facts, mode, old)
        return base + surcharged, Money.zero(facts.currency), f"{added} added x {unit.display()}"
    return period_price(facts, mode, new), period_price(facts, mode, old), " + ".join(_words(facts, mode, new))


def _by_the_total(facts: SpecificationFacts, mode: str) -> SpecificationFacts:
    """The specification with a tiered price read as upgrades read it: all units at the price of the total's tier."""
    price = price_of(facts, mode)
    if price.scheme != PriceScheme.TIERED:
        return facts
    return replace(facts, prices={**facts.prices, mode: replace(price, scheme=PriceScheme.VOLUME)})


def _surcharges(facts: SpecificationFacts, mode: str, chosen: Chosen) -> Money:
    return Money.total((part.amount for part in period_parts(facts, mode, chosen)[1:]), facts.currency)


def _words(facts: SpecificationFacts, mode: str, chosen: Chosen) -> list[str]:
    return [" x ".join([part.rate, *part.factors]) for part in period_parts(facts, mode, chosen)]


def _renewal(running: UpgradeFacts, new: Chosen, context: PriceContext) -> Money:
    """One period of the new configuration, as it renews: with discount and tax, without a coupon."""
    price = (period_price(running.specification, running.billing_mode, new) * running.quantity).rounded()
    discount = narrowest(context.discounts)
    net = price - (price * (discount.percent / HUNDRED)).rounded() if discount else price
    tax = tax_line(net, context.tax)
    return net + tax.amount if tax else net
