"""What invoices mean for an unsubscription (guide 7.1 NOTICE): those that stand are returned first, pending ones canceled."""

from collections.abc import Iterable
from datetime import datetime

from accounts.actor import Actor
from billing.errors import InvoiceMustBeReturned
from billing.invoices.choices import STANDING, InvoiceStatus
from billing.invoices.models import Invoice, InvoiceItem
from billing.invoices.services.applying import cancelled
from orders.models import Order


def refuse_invoiced(orders: Iterable[Order]) -> None:
    """Refuse while an invoice over one of these orders stands.

    Raises:
        InvoiceMustBeReturned: names the invoice, and in `extra` how to return it.
    """
    standing = standing_of(orders)
    if standing:
        raise invoice_refusal(min(standing.values(), key=lambda one: one.pk))


def standing_of(orders: Iterable[Order]) -> dict[int, Invoice]:
    """Order -> the first invoice over it that stands; in two queries."""
    items = InvoiceItem.objects.filter(order__in=list(orders), invoice__status__in=STANDING)
    rows = items.select_related("invoice").prefetch_related("invoice__documents").order_by("-invoice")
    return {one.order_id: one.invoice for one in rows}


def invoice_refusal(invoice: Invoice) -> InvoiceMustBeReturned:
    """Why what an invoice that stands is over cannot be unsubscribed, in the guide's words (7.1 NOTICE)."""
    name = invoice.shown_number
    if invoice.status == InvoiceStatus.RETURNING:
        why = f"The return of invoice {name} is being handled. You can unsubscribe once it is returned."
    elif invoice.status == InvoiceStatus.ISSUING:
        why = f"Invoice {invoice.number} is being issued. Return it first, then unsubscribe."
    else:
        why = f"Return invoice {name} first. You can unsubscribe from the product only after the invoice is returned."
    return InvoiceMustBeReturned(
        why, extra={"invoice": invoice.number, "invoice_number": name, "returnable": invoice.is_returnable}
    )


def cancel_pending_of(orders: Iterable[Order], *, by: Actor, at: datetime) -> None:
    """Applications over these orders that nobody has reviewed yet are canceled with the unsubscription (RULES 4)."""
    rows = Invoice.objects.filter(items__order__in=list(orders), status=InvoiceStatus.PENDING_REVIEW)
    for pk in sorted(set(rows.values_list("pk", flat=True))):
        cancelled(Invoice(pk=pk), reason="What it names was unsubscribed.", by=by, at=at)
