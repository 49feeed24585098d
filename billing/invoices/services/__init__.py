"""The verbs of invoices: applying, reviewing, issuing, returning; the header book; who issues."""

from billing.invoices.services.applying import (
    Application,
    Preview,
    apply_for_invoice,
    cancel_application,
    preview_of,
)
from billing.invoices.services.automatic import (
    invoice_automatically,
    invoice_bill_automatically,
    invoice_statement_automatically,
)
from billing.invoices.services.blocking import cancel_pending_of, refuse_invoiced
from billing.invoices.services.headers import HeaderData, checked_header, remove_header, save_header
from billing.invoices.services.issuers import checked_issuer, issuer_of, save_issuer
from billing.invoices.services.issuing import carry_out_issue, seal_document
from billing.invoices.services.returning import ask_return, finish_return, reject_return
from billing.invoices.services.reviewing import approve_application, reject_application
from billing.invoices.services.sources import Source, sources_of, usage_sources_of

__all__ = [
    "Application",
    "HeaderData",
    "Preview",
    "Source",
    "apply_for_invoice",
    "approve_application",
    "ask_return",
    "cancel_application",
    "cancel_pending_of",
    "carry_out_issue",
    "checked_header",
    "checked_issuer",
    "finish_return",
    "invoice_automatically",
    "invoice_bill_automatically",
    "invoice_statement_automatically",
    "issuer_of",
    "preview_of",
    "refuse_invoiced",
    "reject_application",
    "reject_return",
    "remove_header",
    "save_header",
    "save_issuer",
    "seal_document",
    "sources_of",
    "usage_sources_of",
]
