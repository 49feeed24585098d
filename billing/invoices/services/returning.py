"""Returning an issued invoice by a service ticket (guide 8 NOTE): a credit note takes it back, or the return is rejected."""

from datetime import datetime

from django.db import transaction

from accounts.actor import Actor
from accounts.permissions import Permission, require
from billing.invoices.choices import DocumentKind, InvoiceStatus
from billing.invoices.events import InvoiceReturned, InvoiceReturnRejected, PlatformReturnRequested, ReturnRequested
from billing.invoices.models import Invoice
from billing.invoices.services.issuers import require_issuer
from billing.invoices.services.issuing import write_document
from billing.invoices.services.recording import invoice_locked, record, required_reason
from koogallery.kernel import clock
from koogallery.kernel.outbox import publish


def ask_return(invoice: Invoice, *, reason: str, by: Actor, at: datetime | None = None) -> Invoice:
    """The buyer returns an invoice; the service ticket that says so calls this.

    Raises:
        PermissionRefused: the role may not. InvalidTransition: it is not issued, or being returned already.
        InvalidInput: no reason.
    """
    at = at or clock.now()
    require(by, Permission.INVOICE)
    reason = required_reason(reason)
    with transaction.atomic():
        invoice = invoice_locked(invoice, InvoiceStatus.ISSUED, InvoiceStatus.RETURN_REJECTED)
        before = invoice.status
        invoice.ask_return(at, reason)
        invoice.save(update_fields=["status", "return_asked_at", "return_reason", "return_answer", "return_ended_at"])
        record(invoice, before, by=by, at=at, note=reason)
        told = PlatformReturnRequested if invoice.issuer.is_platform else ReturnRequested
        publish(told(invoice=invoice.number, reason=reason), at=at)
    return invoice


def finish_return(invoice: Invoice, *, by: Actor, at: datetime | None = None) -> Invoice:
    """The issuer takes it back: a credit note with a number of its own; what it named can be invoiced again.

    Raises:
        PermissionRefused: not the issuer, nor operations. InvalidTransition: nobody asked for it.
    """
    at = at or clock.now()
    require_issuer(invoice.issuer, by)
    with transaction.atomic():
        invoice = invoice_locked(invoice, InvoiceStatus.RETURNING)
        before = invoice.status
        document = write_document(invoice, DocumentKind.CREDIT_NOTE, at=at)
        invoice.finish_return(at)
        invoice.save(update_fields=["status", "return_ended_at"])
        record(invoice, before, by=by, at=at, note=document.number)
        publish(InvoiceReturned(invoice=invoice.number, document=document.number), at=at)
    return invoice


def reject_return(invoice: Invoice, *, reason: str, by: Actor, at: datetime | None = None) -> Invoice:
    """The issuer does not take it back; it stands, and its return may be asked for again.

    Raises:
        PermissionRefused, InvalidTransition: see above. InvalidInput: no reason.
    """
    at = at or clock.now()
    require_issuer(invoice.issuer, by)
    reason = required_reason(reason)
    with transaction.atomic():
        invoice = invoice_locked(invoice, InvoiceStatus.RETURNING)
        before = invoice.status
        invoice.reject_return(at, reason)
        invoice.save(update_fields=["status", "return_ended_at", "return_answer"])
        record(invoice, before, by=by, at=at, note=reason)
        publish(InvoiceReturnRejected(invoice=invoice.number, reason=reason), at=at)
    return invoice
