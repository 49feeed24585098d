"""The issuer's decision on an application (RULES 5): issue it, or reject it with a reason."""

from datetime import datetime

from django.db import transaction

from accounts.actor import Actor
from billing.invoices.choices import InvoiceStatus
from billing.invoices.events import InvoiceApproved, InvoiceRejected
from billing.invoices.models import Invoice
from billing.invoices.services.issuers import require_issuer
from billing.invoices.services.recording import invoice_locked, record, required_reason
from koogallery.kernel import clock
from koogallery.kernel.outbox import publish


def approve_application(invoice: Invoice, *, by: Actor, at: datetime | None = None) -> Invoice:
    """Agree to issue it; its number is given and its document written in a moment.

    Raises:
        PermissionRefused: not the issuer, nor operations. InvalidTransition: it is not pending review.
    """
    at = at or clock.now()
    require_issuer(invoice.issuer, by)
    with transaction.atomic():
        return approved(invoice_locked(invoice, InvoiceStatus.PENDING_REVIEW), by=by, at=at)


def approved(invoice: Invoice, *, by: Actor, at: datetime) -> Invoice:
    """A locked, pending application is being issued from here on; in the caller's transaction."""
    before = invoice.status
    invoice.approve(at, by=by.label[:200])
    invoice.save(update_fields=["status", "decided_at", "decided_by"])
    record(invoice, before, by=by, at=at)
    publish(InvoiceApproved(invoice=invoice.number), at=at)
    return invoice


def reject_application(invoice: Invoice, *, reason: str, by: Actor, at: datetime | None = None) -> Invoice:
    """Refuse it with a reason; what it names can be applied for again.

    Raises:
        PermissionRefused, InvalidTransition: see above. InvalidInput: no reason.
    """
    at = at or clock.now()
    require_issuer(invoice.issuer, by)
    reason = required_reason(reason)
    with transaction.atomic():
        invoice = invoice_locked(invoice, InvoiceStatus.PENDING_REVIEW)
        before = invoice.status
        invoice.reject(at, by=by.label[:200], reason=reason)
        invoice.save(update_fields=["status", "decided_at", "decided_by", "reason"])
        record(invoice, before, by=by, at=at, note=reason)
        publish(InvoiceRejected(invoice=invoice.number, reason=reason), at=at)
    return invoice
