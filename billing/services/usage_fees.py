"""Who earns what of bills of pay-per-use: sellers, we, the tax office; back in the shares in which it was earned."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal

from django.conf import settings
from django.db.models import Q, Sum

from billing.choices import EntryKind, Ledger
from billing.ledger import Side
from billing.models import Posting, ProductFee, UsageBill, UsageBillLine
from billing.rules.usage import fee_that_stays
from catalog.choices import DeliveryMethod
from koogallery.kernel.money import Money


def set_fees(bill: UsageBill, lines: Sequence[UsageBillLine]) -> None:
    """What we keep of each line of a new bill, rounded once: the product's fee of today, and of what bills before took
    too much what they kept of it."""
    shares = _shares_of_today(lines)
    taken_back = [one for one in lines if one.seconds < 0]
    before = _lines_before(bill, taken_back) if taken_back else {}
    for one in lines:
        history = before.get((one.subscription_id, one.line_id, one.month), []) if one.seconds < 0 else []
        if not history:
            one.fee = _fee(one, shares).amount
            continue
        kept = [_booked(earlier, shares) for earlier in history]
        moved = [earlier.seconds for earlier in history] + [one.seconds]
        stays = fee_that_stays(zip(moved, [*kept, Decimal(0)], strict=True))
        left = Money(stays, bill.currency).rounded() - Money(sum(kept, Decimal(0)), bill.currency)
        one.fee = left.rounded().amount


def earned(bill: UsageBill, lines: Iterable[UsageBillLine]) -> Iterable[Side]:
    """What the lines bring: sellers their sales less our fee, us the fees and our own servers, the tax office its tax."""
    sides: dict[tuple[Ledger, int | None], Money] = {}

    def add(name: Ledger, seller: int | None, money: Money) -> None:
        sides[name, seller] = sides.get((name, seller), Money.zero(bill.currency)) + money

    lines = list(lines)
    shares = _shares_of_today([one for one in lines if one.fee is None])
    for one in lines:
        order = one.line.order
        if is_our_own(one):
            add(Ledger.OWN_SALES, None, one.money)
            add(Ledger.TAX, None, one.tax_money)
            continue
        fee = _fee(one, shares) if one.fee is None else Money(one.fee, one.currency)
        add(Ledger.SELLER_PAYABLE, order.seller_id, one.money - fee)
        add(Ledger.SERVICE_FEES, order.seller_id, fee)
        add(Ledger.TAX, order.seller_id, one.tax_money)
    return [
        Side(name, -money, account_id=bill.account_id, seller_id=seller)
        for (name, seller), money in sides.items()
        if money
    ]


def is_our_own(line: UsageBillLine) -> bool:
    """Whether the platform sells what was used: servers are nobody else's."""
    return line.line.delivery_method == DeliveryMethod.ECS


def _shares_of_today(lines: Sequence[UsageBillLine]) -> dict[int, Decimal]:
    """Product -> our share of its sales now: 0.15 for 15 per cent; its own, or the settings' (RULES 9)."""
    products = {one.line.order.product_id for one in lines if not is_our_own(one)}
    if not products:
        return {}
    own = dict(ProductFee.objects.filter(product__in=products).values_list("product", "percent"))
    return {one: own.get(one, settings.SERVICE_FEE_PERCENT) / Decimal(100) for one in products}


def _fee(line: UsageBillLine, shares: Mapping[int, Decimal]) -> Money:
    if is_our_own(line):
        return Money.zero(line.currency)
    return (line.money * shares[line.line.order.product_id]).rounded()


def _lines_before(bill: UsageBill, lines: Iterable[UsageBillLine]) -> dict[tuple[int, int, date], list[UsageBillLine]]:
    """(subscription, line, month) -> what bills before took of it and gave back of it, the oldest first."""
    rows = UsageBillLine.objects.filter(
        bill__account=bill.account,
        currency=bill.currency,
        subscription__in=[one.subscription_id for one in lines],
        line__in=[one.line_id for one in lines],
        month__in=[one.month for one in lines],
    )
    found: dict[tuple[int, int, date], list[UsageBillLine]] = defaultdict(list)
    for one in rows.select_related("bill", "line__order").order_by("bill_id"):
        found[one.subscription_id, one.line_id, one.month].append(one)
    return found


def _booked(line: UsageBillLine, shares: Mapping[int, Decimal]) -> Decimal:
    """What we kept of a line by the books; of one from before lines said so, its share of what its bill's entry kept of
    the same seller's sales."""
    if line.fee is not None:
        return line.fee
    if is_our_own(line):
        return Decimal(0)
    of_its_bill = Q(entry__payment__usage_bill=line.bill_id, entry__kind=EntryKind.USAGE) | Q(entry=line.bill.credit_id)
    rows = Posting.objects.filter(
        of_its_bill,
        seller=line.line.order.seller_id,
        ledger__in=(Ledger.SELLER_PAYABLE, Ledger.SERVICE_FEES),
        currency=line.currency,
    )
    sums = dict(rows.order_by().values("ledger").annotate(total=Sum("amount")).values_list("ledger", "total"))
    kept, whole = sums.get(Ledger.SERVICE_FEES, Decimal(0)), sum(sums.values(), Decimal(0))
    return line.amount * kept / whole if whole else _fee(line, shares).amount
