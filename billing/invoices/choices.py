"""The words of invoices: API.md's codes with the labels of UX 3.4."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class InvoiceStatus(models.TextChoices):
    """An invoice's life (RULES 5)."""

    PENDING_REVIEW = "pending_review", _("Pending review")
    REJECTED = "rejected", _("Rejected")
    CANCELLED = "cancelled", _("Canceled")
    ISSUING = "issuing", _("Issuing")
    ISSUED = "issued", _("Issued")
    RETURNING = "returning", _("Returning")
    RETURN_REJECTED = "return_rejected", _("Return rejected")
    RETURNED = "returned", _("Returned")


# An application in one of these takes the amounts that it names: they cannot be invoiced again.
COUNTED = (
    InvoiceStatus.PENDING_REVIEW,
    InvoiceStatus.ISSUING,
    InvoiceStatus.ISSUED,
    InvoiceStatus.RETURNING,
    InvoiceStatus.RETURN_REJECTED,
)
# It stands: what it names cannot be unsubscribed before it is returned (guide 7.1 NOTICE).
STANDING = (InvoiceStatus.ISSUING, InvoiceStatus.ISSUED, InvoiceStatus.RETURNING, InvoiceStatus.RETURN_REJECTED)
APPLICATIONS = (
    InvoiceStatus.PENDING_REVIEW,
    InvoiceStatus.ISSUING,
    InvoiceStatus.REJECTED,
    InvoiceStatus.CANCELLED,
)
ISSUED_ONES = (
    InvoiceStatus.ISSUED,
    InvoiceStatus.RETURNING,
    InvoiceStatus.RETURN_REJECTED,
    InvoiceStatus.RETURNED,
)


class Basis(models.TextChoices):
    """By what something is invoiced: prepaid by order, postpaid by the bill of a closed cycle (RULES 5)."""

    ORDER = "order", _("By order")
    CYCLE = "cycle", _("By closed cycle")


class DocumentKind(models.TextChoices):
    """What is issued, each in a series of its own."""

    INVOICE = "invoice", _("Invoice")
    CREDIT_NOTE = "credit_note", _("Credit note")
