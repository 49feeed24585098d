"""What an account can have invoiced: completed orders one by one, what was bought on credit by closed cycle (RULES 5)."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Coalesce

from accounts.models import Account, Seller
from billing.choices import (
    TAKEN_PAYMENTS,
    DisputeStatus,
    PaymentMethodKind,
    StatementStatus,
    UnsubscriptionStatus,
    UsageBillStatus,
)
from billing.invoices.choices import COUNTED, Basis
from billing.invoices.models import InvoiceItem
from billing.invoices.rules import Cash, is_platforms
from billing.models import (
    Dispute,
    Payment,
    PaymentAllocation,
    Refund,
    Statement,
    UnsubscribedTerm,
    UsageBill,
    UsageBillLine,
)
from billing.rules.cycles import month_before
from catalog.choices import DeliveryMethod
from koogallery.kernel.money import Money
from orders.choices import OrderStatus
from orders.models import Order, OrderLine
from pricing.reductions import percent_text

MOST_CYCLE_ORDERS = 2_000
MOST_BILLS = 60
PREPAID = (PaymentMethodKind.CARD, PaymentMethodKind.BALANCE)


@dataclass(frozen=True, slots=True)
class Use:
    """What a pay-per-use order's servers used in a bill, its tax included."""

    amount: Money
    tax: Money
    tax_label: str


@dataclass(frozen=True, slots=True)
class Part:
    """An issuer's part of an order. `seller` None: the platform."""

    order: Order
    seller: Seller | None
    cash: Cash
    use: Use | None = None

    @property
    def amount(self) -> Money:
        """What an invoice takes of it; of use it may be negative, where too much was billed before."""
        return self.use.amount if self.use else self.cash.left

    @property
    def issuer(self) -> str:
        return self.seller.slug if self.seller else "platform"


@dataclass(frozen=True, slots=True)
class Source:
    """One row of "To be invoiced": an order, or a closed cycle, of one issuer in one currency."""

    basis: Basis
    parts: Sequence[Part]
    statement: Statement | None = None
    usage_bill: UsageBill | None = None

    @property
    def seller(self) -> Seller | None:
        return self.parts[0].seller

    @property
    def issuer(self) -> str:
        return self.parts[0].issuer

    @property
    def issuer_name(self) -> str:
        seller = self.seller
        return seller.name if seller else settings.SITE_CLOUD_NAME

    @property
    def left(self) -> Money:
        currency = self.parts[0].order.currency
        return Money.total((one.amount for one in self.parts), currency)

    @property
    def cycle(self) -> Statement | UsageBill | None:
        return self.statement or self.usage_bill

    @property
    def order(self) -> Order:
        return self.parts[0].order


@dataclass(slots=True)
class Sums:
    """What went back of orders and what their invoices name, by order and whether the platform issues: unassigned where
    it went back of no line of its own."""

    refunded: dict[tuple[int, bool], Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    unassigned: dict[int, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    invoiced: dict[tuple[int, bool], Decimal] = field(default_factory=lambda: defaultdict(Decimal))


def candidates(account: Account) -> "QuerySet[Any]":
    """Completed orders of which something that was paid in cash is left to invoice, of any method of payment here.

    Not those that a bank took back, or whose unsubscription is being reviewed.
    """
    counted = PaymentAllocation.objects.filter(order=OuterRef("pk"), counted_at__isnull=False)
    rows = Order.objects.for_account(account).filter(status=OrderStatus.COMPLETED, payable__gt=0)
    rows = rows.annotate(
        method=Subquery(counted.values("payment__method")[:1]),
        paid_on=Subquery(counted.values("payment__ended_at")[:1]),
        uninvoiced=_uninvoiced(),
    ).filter(uninvoiced__gt=0)
    gone = Dispute.objects.filter(payment__allocations__order=OuterRef("pk")).exclude(status=DisputeStatus.WON)
    reviewed = UnsubscribedTerm.objects.filter(
        order=OuterRef("pk"), unsubscription__status=UnsubscriptionStatus.IN_REVIEW
    )
    rows = rows.exclude(models.Exists(gone)).exclude(models.Exists(reviewed))
    return rows.select_related("product", "seller").prefetch_related("lines").order_by("-completed_at", "-id")


def _uninvoiced() -> CombinedExpression:
    """What an order's invoices leave of the cash that stayed, of all issuers together; below zero where they name more."""
    refunds = Refund.objects.filter(
        order=OuterRef("pk"), payment__allocations__order=OuterRef("pk"), payment__allocations__counted_at__isnull=False
    )
    items = InvoiceItem.objects.filter(order=OuterRef("pk"), invoice__status__in=COUNTED)
    return F("payable") - _total(refunds, "order") - _total(items, "order")


def _total(rows: "QuerySet[models.Model]", group: str) -> Coalesce:
    summed = rows.order_by().values(group).annotate(total=Sum("amount")).values("total")
    return Coalesce(
        Subquery(summed, output_field=models.DecimalField()), Decimal(0), output_field=models.DecimalField()
    )


def prepaid(account: Account) -> "QuerySet[Any]":
    """Those that are invoiced one by one."""
    return candidates(account).filter(method__in=PREPAID)


def parts_of(orders: Iterable[Order], sums: Sums | None = None) -> list[Part]:
    """Every issuer's part of these orders, in two queries unless the sums are known; needs `lines`, `product`, `seller`."""
    orders = list(orders)
    if not orders:
        return []
    sums = sums or _sums_of(orders)
    found: list[Part] = []
    for order in orders:
        shares: dict[bool, Money] = {}
        for line in order.lines.all():
            ours = is_platforms(line.delivery_method, joint_operation=order.product.joint_operation)
            shares[ours] = shares.get(ours, Money.zero(order.currency)) + line.money
        paid = {ours: share for ours, share in shares.items() if share}
        loose = Money(sums.unassigned[order.pk], order.currency).rounded()
        for index, (ours, share) in enumerate(sorted(paid.items())):
            last = index == len(paid) - 1
            # Refunds that name no line fall on the issuers as their sales do; the last one takes the rest.
            mine = loose if last else (loose * (share.amount / order.payable)).rounded()
            if not last:
                loose -= mine
            refunded = Money(sums.refunded[order.pk, ours], order.currency) + mine
            cash = Cash(share, refunded, Money(sums.invoiced[order.pk, ours], order.currency))
            found.append(Part(order, None if ours else order.seller, cash))
    return found


def _sums_of(orders: Sequence[Order]) -> Sums:
    refunds = Refund.objects.filter(
        order__in=orders, payment__allocations__order=F("order"), payment__allocations__counted_at__isnull=False
    ).values_list("order_id", "amount", UNSUBSCRIBED)
    items = InvoiceItem.objects.filter(order__in=orders, invoice__status__in=COUNTED)
    rows = items.order_by().values_list("order_id", "invoice__issuer__is_platform").annotate(total=Sum("amount"))
    return sums_from(orders, refunds, rows)


UNSUBSCRIBED = "unsubscribed_term__unsubscription__subscription__line__delivery_method"
"""How a refund leads to the delivery method of the line that was unsubscribed for it, if it was."""


def sums_from(
    orders: Sequence[Order],
    refunds: Iterable[tuple[int, Decimal, str | None]],
    named: Iterable[tuple[int, bool, Decimal]],
) -> Sums:
    """The sums of rows that were read.

    Args:
        refunds: (order, amount, `UNSUBSCRIBED`) of what went back of the payment that paid the order.
        named: (order, whether the platform issues, amount) of invoices that count.
    """
    sums, joint = Sums(), {order.pk: order.product.joint_operation for order in orders}
    for order, amount, method in refunds:
        if method is None:
            sums.unassigned[order] += amount
        else:
            sums.refunded[order, is_platforms(method, joint_operation=joint[order])] += amount
    for order, ours, total in named:
        sums.invoiced[order, ours] += total
    return sums


def sources_of(account: Account) -> list[Source]:
    """Closed cycles with something left to invoice, newest first, one for each issuer and currency."""
    statements = list(Statement.objects.for_account(account).order_by("month"))
    if not any(one.status == StatementStatus.PAID for one in statements):
        return []
    rows = candidates(account).filter(method=PaymentMethodKind.MONTHLY_SETTLEMENT)
    groups: dict[tuple[int, str], list[Part]] = defaultdict(list)
    for part in parts_of(rows[:MOST_CYCLE_ORDERS]):
        statement = statement_of(part.order, statements)
        if statement is not None and statement.status == StatementStatus.PAID and part.cash.left:
            groups[statement.pk, part.issuer].append(part)
    known = {one.pk: one for one in statements}
    found = [Source(Basis.CYCLE, parts, known[pk]) for (pk, _issuer), parts in groups.items()]
    return sorted(found, key=lambda one: (str(one.statement and one.statement.month), one.issuer), reverse=True)


def statement_of(order: Order, statements: Iterable[Statement]) -> Statement | None:
    """The statement whose closed cycle an order on credit lies in."""
    return _closing(order.paid_on, order.currency, statements)  # type: ignore[attr-defined]


def _closing(bought: datetime, currency: str, statements: Iterable[Statement]) -> Statement | None:
    """The first statement that ends after something was bought on credit."""
    for one in statements:
        _month, end = month_before(one.issued_at)
        if one.currency == currency and bought < end:
            return one
    return None


def usage_sources_of(account: Account, *, bill: str = "", on: Statement | None = None) -> list[Source]:
    """Usage bills that were paid in cash and are not invoiced yet, newest first, one for each issuer.

    One that stands on a monthly statement is paid with that.

    Args:
        bill: only this one, by its public id.
        on: only those that stand on this statement.
    """
    rows = UsageBill.objects.for_account(account).filter(status=UsageBillStatus.PAID).newest_first()
    rows = rows.filter(public_id=bill) if bill else rows
    bills = list(rows.prefetch_related("payments")[:MOST_BILLS])
    if not bills:
        return []
    statements = list(Statement.objects.for_account(account).order_by("month"))
    paid = [one for one in bills if _is_paid_in_cash(one, statements)]
    if on is not None:
        paid = [one for one in paid if _stands_on(one, statements) == on]
    items = InvoiceItem.objects.filter(usage_bill__in=paid, invoice__status__in=COUNTED)
    invoiced = set(items.values_list("usage_bill_id", "invoice__issuer__is_platform", "order__seller"))
    known = {one.pk: one for one in paid}
    sold = UsageBillLine.objects.select_related("line__order__product", "line__order__seller")
    sold = sold.prefetch_related("line__order__lines")
    groups: dict[tuple[int, bool, int], dict[int, list[UsageBillLine]]] = defaultdict(lambda: defaultdict(list))
    place = {pk: at for at, pk in enumerate(known)}
    lines = [*sold.filter(bill__in=paid).order_by("id"), *_given_back(account, sold, known)]
    for line in sorted(lines, key=lambda one: place[one.bill_id]):
        order = line.line.order
        ours = is_platforms(line.line.delivery_method, joint_operation=order.product.joint_operation)
        groups[line.bill_id, ours, 0 if ours else order.seller_id][order.pk].append(line)
    taken = {(pk, ours, 0 if ours else seller) for pk, ours, seller in invoiced}
    found = [
        Source(Basis.CYCLE, [_used(of_order, ours=ours) for of_order in orders.values()], usage_bill=known[pk])
        for (pk, ours, seller), orders in groups.items()
        if (pk, ours, seller) not in taken
    ]
    return [one for one in found if one.left.amount > 0]


def _given_back(
    account: Account, rows: QuerySet[UsageBillLine], bills: Mapping[int, UsageBill]
) -> Iterator[UsageBillLine]:
    """What of these bills was credited later, as lines of the bills that took it: it lowers what is invoiced of them.

    A month may be billed in parts: what goes back is of the newest of them, and of those before as far as that took less.
    """
    mine = rows.filter(bill__account=account)
    credited = UsageBillLine.objects.filter(bill__account=account, bill__status=UsageBillStatus.CREDITED)
    same = credited.filter(subscription=OuterRef("subscription"), line=OuterRef("line"), month=OuterRef("month"))
    taken: dict[tuple[int, int, date], list[UsageBillLine]] = defaultdict(list)
    for one in mine.filter(models.Exists(same)).select_related("bill").order_by("bill_id"):
        before = taken[one.subscription_id, one.line_id, one.month]
        if one.bill.status == UsageBillStatus.CREDITED:
            yield from (part for part in _spread(one, before) if part.bill_id in bills)
        elif one.seconds > 0:
            before.append(one)


def _spread(credit: UsageBillLine, taken: list[UsageBillLine]) -> Iterator[UsageBillLine]:
    """A credit's line in parts, from the newest line that took it to the oldest; no part takes seconds that are not there.

    Args:
        taken: what is left of the lines before, the oldest first; lowered by what goes back. The last part takes the
            rest of the credit's money, which was rounded as a whole.
    """
    while credit.seconds < 0 and taken:
        newest, part = taken[-1], copy(credit)
        part.bill = newest.bill
        if newest.seconds + credit.seconds < 0 and len(taken) > 1:
            part.seconds, part.amount, part.tax = -newest.seconds, -newest.amount, -newest.tax
        for name in ("seconds", "amount", "tax"):
            moved = getattr(part, name)
            setattr(newest, name, getattr(newest, name) + moved)
            setattr(credit, name, getattr(credit, name) - moved)
        if newest.seconds <= 0:
            taken.pop()
        yield part


def _is_paid_in_cash(bill: UsageBill, statements: Iterable[Statement]) -> bool:
    payment = _payment_of(bill)
    if payment is None or payment.ended_at is None:
        return False
    if payment.method == PaymentMethodKind.MONTHLY_SETTLEMENT:
        statement = _stands_on(bill, statements)
        return statement is not None and statement.status == StatementStatus.PAID
    return payment.method in PREPAID


def _payment_of(bill: UsageBill) -> Payment | None:
    return next((one for one in bill.payments.all() if one.status in TAKEN_PAYMENTS), None)


def _stands_on(bill: UsageBill, statements: Iterable[Statement]) -> Statement | None:
    """The statement whose closed cycle a bill on credit lies in."""
    payment = _payment_of(bill)
    if payment is None or payment.ended_at is None or payment.method != PaymentMethodKind.MONTHLY_SETTLEMENT:
        return None
    return _closing(payment.ended_at, bill.currency, statements)


def _used(lines: Sequence[UsageBillLine], *, ours: bool) -> Part:
    """What one order's servers used in a bill, of one issuer."""
    order, currency = lines[0].line.order, lines[0].currency
    net = Money.total((one.money for one in lines), currency)
    tax = Money.total((one.tax_money for one in lines), currency)
    label = next((f"{one.tax_name} {percent_text(one.tax_percent)}" for one in lines if one.tax), "")
    zero = Money.zero(currency)
    seller = None if ours else order.seller
    return Part(order, seller, Cash(net + tax, zero, zero), Use(net + tax, tax, label))


def orders_of(statement: Statement, account: Account) -> list[Order]:
    """The orders of a closed cycle of which something is left to invoice."""
    statements = list(Statement.objects.for_account(account).filter(currency=statement.currency).order_by("month"))
    rows = candidates(account).filter(method=PaymentMethodKind.MONTHLY_SETTLEMENT, currency=statement.currency)
    return [one for one in rows[:MOST_CYCLE_ORDERS] if statement_of(one, statements) == statement]


def outstanding_of(account: Account, seller: Seller | None, currency: str) -> list[Part]:
    """Orders of this issuer that are invoiced beyond the cash that stayed: offset by the next invoice (RULES 5)."""
    return [one for one in outstanding(account, currency) if one.seller == seller]


def outstanding(account: Account, currency: str = "") -> list[Part]:
    """The same of every issuer; in every currency unless one is named."""
    named = InvoiceItem.objects.filter(order=OuterRef("pk"), invoice__status__in=COUNTED)
    orders = Order.objects.for_account(account).filter(models.Exists(named))
    orders = orders.filter(models.Exists(Refund.objects.filter(order=OuterRef("pk"))))
    orders = orders.filter(currency=currency) if currency else orders
    # Of an order of two issuers one may have too much while the other has something left: that takes its lines.
    ours = OrderLine.objects.filter(order=OuterRef("pk"), delivery_method=DeliveryMethod.ECS)
    orders = orders.annotate(uninvoiced=_uninvoiced()).filter(Q(uninvoiced__lt=0) | models.Exists(ours))
    lines = models.Prefetch("lines", OrderLine.objects.defer("attributes", "previous_attributes", "metered"))
    orders = orders.defer("quote").select_related("product", "seller").prefetch_related(lines)
    return [one for one in parts_of(orders.order_by("pk")) if one.cash.outstanding]
