"""What another term of a running subscription costs (RULES 3.1, 3.3): today's list price, less what the buyer is granted. Pure.

A renewal to the account's renewal date buys the days up to it as well, each at its share of the price of its month or
year.
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from catalog.choices import BillingMode
from koogallery.kernel.money import Money
from pricing.choosing import allowed_durations, check_size, chosen_attributes
from pricing.list_prices import period_price
from pricing.reductions import PriceContext
from pricing.remaining import DAYS_OF_A_YEAR
from pricing.rules import amount_of, charge_lines, lowered
from pricing.values import Duration, LineKind, Quote, QuoteLine, QuoteRequest, Renewal, SpecificationFacts

MODE_OF_UNIT = {"month": BillingMode.MONTHLY, "year": BillingMode.YEARLY}


@dataclass(frozen=True, slots=True)
class ExtraDays:
    """Days that a renewal buys beyond its duration: after `after`, up to and with `until` (GMT+08:00)."""

    after: date
    until: date

    @property
    def count(self) -> int:
        return (self.until - self.after).days


def renewal_durations(facts: SpecificationFacts) -> tuple[Duration, ...]:
    """The terms that a renewal may buy: 1 to 9 months where it is sold by the month, 1 year or more where by the year."""
    sold = [mode for mode in MODE_OF_UNIT.values() if mode in facts.prices]
    return tuple(duration for mode in sold for duration in allowed_durations(facts, mode))


def preferred_duration(durations: tuple[Duration, ...]) -> Duration | None:
    """What a renewal form opens with: 1 year when it is offered, else 1 month (RULES 3.1)."""
    preferred = (Duration(1, "year"), Duration(1, "month"))
    return next((one for one in preferred if one in durations), durations[0] if durations else None)


def share_of_days(extra: ExtraDays, unit: str) -> Decimal:
    """The extra days as months or years, unrounded: each month's days by the days of that month, or all days by 365."""
    if unit == "year":
        return Decimal(extra.count) / DAYS_OF_A_YEAR
    share, day = Decimal(0), extra.after
    while day < extra.until:
        length = monthrange((day + timedelta(days=1)).year, (day + timedelta(days=1)).month)[1]
        last = min(extra.until, (day + timedelta(days=1)).replace(day=length))
        share += Decimal((last - day).days) / length
        day = last
    return share


def quote_renewal(
    facts: SpecificationFacts,
    request: QuoteRequest,
    *,
    purpose: str,
    extra: ExtraDays | None = None,
    context: PriceContext | None = None,
    at: datetime,
    lifetime: timedelta,
) -> Quote:
    """What another `request.duration` of a running subscription costs at `at`, with the extra days, if any.

    How many pieces run is not asked again: what was sold may be kept.

    Raises:
        NotConfigurable: the configuration is not sold so any more; `errors` names the field.
        CouponInvalid: the coupon may not be used for it.
    """
    context, duration = context or PriceContext(), request.duration
    assert duration is not None, "a renewal buys a term"
    attributes = chosen_attributes(facts, request.attributes)
    charges = charge_lines(facts, request, attributes, duration)
    if extra and extra.count > 0:
        period = period_price(facts, request.billing_mode, attributes) * request.quantity
        share = share_of_days(extra, duration.unit)
        text = (
            f"{extra.count} day(s) to the renewal date {extra.until}: {period.display()}/{duration.unit} x {share:.8f}"
        )
        charges = (*charges, QuoteLine(text, (period * share).rounded()))
    list_price = Money.total((line.amount for line in charges), facts.currency)
    check_size(list_price)
    below, applied = lowered(list_price, context, at=at)
    lines = (*charges, *below)
    period_again = Duration(1, duration.unit)
    again = Money.total(
        (line.amount for line in charge_lines(facts, request, attributes, period_again)), facts.currency
    )
    taxed, _applied = lowered(again, context, at=at, with_coupon=False)
    return Quote(
        request=request,
        attributes=attributes,
        lines=lines,
        list_price=list_price,
        discount=-amount_of(lines, LineKind.DISCOUNT, facts.currency),
        coupon=-amount_of(lines, LineKind.COUPON, facts.currency),
        tax=amount_of(lines, LineKind.TAX, facts.currency),
        payable=Money.total((line.amount for line in lines), facts.currency),
        renews=Renewal(period_again, again + Money.total((line.amount for line in taxed), facts.currency)),
        expires_at=at + lifetime,
        applied=applied,
        purpose=purpose,
    )
