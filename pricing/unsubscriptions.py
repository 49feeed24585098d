"""What an unsubscription gives back, and why (RULES 4): pure functions over paid terms.

What was paid, less what was used, less a handling fee; each term of a subscription by itself. Time is counted in whole
hours: a term that began at 10:30 counts from 10:00, one that ends at 23:59:59 ends at 00:00 of the next day, and an
unsubscription at 18:40 counts until 18:00.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from koogallery.kernel.money import PRECISION, Money
from pricing.values import Duration, LineKind, Quote, QuoteLine, QuoteRequest

HOUR = timedelta(hours=1)
MONTHS_OF_A_YEAR = 12

# Per cent of the paid sum, by the year of its use that a term is in; the row of the longest term that it reaches.
FEES: tuple[tuple[int, tuple[int, ...]], ...] = ((36, (15, 10, 5)), (24, (15, 10)), (0, (10,)))


@dataclass(frozen=True, slots=True)
class PaidTerm:
    """A term that was paid for: the first one, or what a renewal added.

    Attributes:
        order: the number of the order that paid it.
        paid: in cash; what a coupon took is not counted.
        starts_at, ends_at: UTC; it ends with its last second, 23:59:59 GMT+08:00.
        left: the most that can still go back, where a part did before; None: all of it.
    """

    order: str
    paid: Money
    starts_at: datetime
    ends_at: datetime
    duration: Duration
    left: Money | None = None


@dataclass(frozen=True, slots=True)
class TermRefund:
    """What a term gives back.

    Attributes:
        before: what went back of it before, which is not given again.
        whole: all that was paid goes back, the cash coupon too: it was not in effect yet, or is refunded unconditionally.
    """

    term: PaidTerm
    used_hours: int
    total_hours: int
    fee_percent: int
    consumed: Money
    fee: Money
    refund: Money
    before: Money
    whole: bool


def hour_of(at: datetime) -> datetime:
    """The full hour in which an instant lies, in UTC; zones of whole hours agree on it."""
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def hours_of(term: PaidTerm, at: datetime) -> tuple[int, int]:
    """How many hours of the term are used at `at`, and how many it has."""
    starts, ends = hour_of(term.starts_at), hour_of(term.ends_at + timedelta(seconds=1))
    total = max((ends - starts) // HOUR, 1)
    return min(max((hour_of(at) - starts) // HOUR, 0), total), total


def fee_percent(duration: Duration, starts_at: datetime, at: datetime) -> int:
    """The handling fee in per cent: by the length of the term, and by the year of it that is running."""
    percents = next(row for months, row in FEES if duration.months >= months)
    year = 0
    while year + 1 < len(percents) and at > _years_after(starts_at, year + 1):
        year += 1
    return percents[year]


def _years_after(start: datetime, years: int) -> datetime:
    try:
        return start.replace(year=start.year + years)
    except ValueError:  # Feb 29
        return start.replace(year=start.year + years, day=28)


def refund_term(term: PaidTerm, *, at: datetime, unconditional: bool = False) -> TermRefund:
    """What one term gives back at `at`; never below zero."""
    used, total = hours_of(term, at)
    zero = Money.zero(term.paid.currency)
    if unconditional or at < term.starts_at:
        back = _left(term, term.paid)
        return TermRefund(term, used, total, 0, zero, zero, back, term.paid - back, whole=True)
    with localcontext() as context:
        context.prec = PRECISION
        consumed = (term.paid * (Decimal(used) / Decimal(total))).rounded()
        percent = fee_percent(term.duration, term.starts_at, at)
        fee = (term.paid * (Decimal(percent) / 100)).rounded()
    refund = max(term.paid - consumed - fee, zero)
    back = _left(term, refund)
    return TermRefund(term, used, total, percent, consumed, fee, back, refund - back, whole=False)


def _left(term: PaidTerm, refund: Money) -> Money:
    return refund if term.left is None else min(refund, term.left)


def quote_unsubscription(
    terms: Sequence[PaidTerm],
    request: QuoteRequest,
    *,
    subscription: str,
    at: datetime,
    unconditional: bool = False,
) -> tuple[Quote, tuple[TermRefund, ...]]:
    """What unsubscribing gives back at `at`, explained line by line; nothing is payable for it.

    It holds until the full hour, when more of the term is used.

    Args:
        terms: all that was paid for the subscription, in order; at least one.
    """
    refunds = tuple(refund_term(one, at=at, unconditional=unconditional) for one in terms)
    currency = terms[0].paid.currency
    zero = Money.zero(currency)
    back = Money.total((one.refund for one in refunds), currency)
    lines = [line for one in refunds for line in _lines(one)]
    lines.append(QuoteLine(_("Refunded to the original payment method"), -back, LineKind.REFUND))
    return Quote(
        request=request,
        attributes=dict(request.attributes),
        lines=tuple(lines),
        list_price=zero,
        discount=zero,
        coupon=zero,
        tax=zero,
        payable=zero,
        renews=None,
        expires_at=hour_of(at) + HOUR - timedelta.resolution,
        credit=back,
        purpose=f"unsubscribe:{subscription}",
    ), refunds


def _lines(one: TermRefund) -> list[QuoteLine]:
    """How a term's refund comes about: paid, used, fee; they add up to the refund."""
    term, zero = one.term, Money.zero(one.term.paid.currency)
    lines = [QuoteLine(_("Paid with order %(order)s") % {"order": term.order}, term.paid, LineKind.PAID)]
    if one.before:
        lines.append(QuoteLine(_("Given back before"), -one.before, LineKind.REFUND))
    if one.whole:
        return lines
    used = _("Used: %(used)s of %(total)s") % {"used": in_words(one.used_hours), "total": in_words(one.total_hours)}
    lines.append(QuoteLine(used, -one.consumed, LineKind.CONSUMED))
    fee = _("Handling fee: %(percent)s%% of what was paid") % {"percent": one.fee_percent}
    lines.append(QuoteLine(fee, -one.fee, LineKind.FEE))
    more = one.consumed + one.fee - term.paid
    if zero < more:
        lines.append(QuoteLine(_("Nothing is charged beyond what was paid"), more, LineKind.FEE))
    return lines


def in_words(hours: int) -> str:
    """ "14 days 8 hours"."""
    days, rest = divmod(hours, 24)
    parts = []
    if days:
        parts.append(ngettext("%(count)s day", "%(count)s days", days) % {"count": days})
    if rest or not days:
        parts.append(ngettext("%(count)s hour", "%(count)s hours", rest) % {"count": rest})
    return " ".join(parts)
