"""What became of an order, for its buyer: submitted, paid, accepted, completed, given back, invoiced (UX 3.5)."""

from collections.abc import Iterable, Iterator

from django.db.models import OuterRef, Subquery, Sum, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from billing.choices import RefundStatus
from billing.invoices.choices import DocumentKind, InvoiceStatus
from billing.invoices.models import Invoice, InvoiceDocument
from billing.models import Refund
from koogallery.kernel.web.parts import Record
from orders.models import Order


def invoices_of(order: Order) -> list[Invoice]:
    """Those that name the order, the newest first, in one query; `issued_as` is the number of its document, or empty,
    `named` what it names of the order."""
    documents = InvoiceDocument.objects.filter(invoice=OuterRef("pk"), kind=DocumentKind.INVOICE).values("number")
    rows = Invoice.objects.filter(items__order=order).select_related("issuer")
    rows = rows.annotate(issued_as=Coalesce(Subquery(documents[:1]), Value("")), named=Sum("items__amount"))
    return list(rows.newest_first())


def history_of(order: Order, refunds: Iterable[Refund], invoices: Iterable[Invoice]) -> list[Record]:
    """The newest first; invoices as `invoices_of` reads them."""
    found = [*_of_order(order), *_of_refunds(refunds), *_of_invoices(invoices)]
    # What happened in one moment keeps its order.
    return sorted(found, key=lambda one: one.at)[::-1]


def _of_order(order: Order) -> Iterator[Record]:
    yield Record(_("Order submitted"), "", order.created_at, icon="file-text")
    if order.paid_at:
        yield Record(_("Paid") if order.payable else _("Nothing to pay"), "", order.paid_at, icon="credit-card")
    if order.accepted_at:
        yield Record(_("Delivery accepted"), "", order.accepted_at, icon="circle-check")
    if order.completed_at:
        yield Record(_("Completed"), "", order.completed_at, tone="ok", icon="circle-check")
    if order.cancelled_at:
        yield Record(_("Canceled"), "", order.cancelled_at, order.cancel_reason, tone="bad", icon="ban")


def _of_refunds(refunds: Iterable[Refund]) -> Iterator[Record]:
    for one in refunds:
        amount = {"amount": one.money.display()}
        yield Record(_("Refund of %(amount)s decided") % amount, "", one.created_at, one.reason, icon="arrow-back-up")
        if one.ended_at and one.status == RefundStatus.SUCCEEDED:
            yield Record(_("%(amount)s paid back") % amount, "", one.ended_at, tone="ok", icon="arrow-back-up")


def _of_invoices(invoices: Iterable[Invoice]) -> Iterator[Record]:
    for one in invoices:
        issuer = one.issuer.company_name
        number = {"number": one.issued_as}  # type: ignore[attr-defined]
        yield Record(_("Invoice applied for"), issuer, one.created_at, one.number, icon="file-invoice")
        if one.issued_at:
            yield Record(_("Invoice %(number)s issued") % number, issuer, one.issued_at, tone="ok", icon="file-invoice")
        if one.status == InvoiceStatus.RETURNED and one.return_ended_at:
            yield Record(_("Invoice %(number)s returned") % number, issuer, one.return_ended_at, icon="arrow-back-up")
