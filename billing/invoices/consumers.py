"""What invoicing does when it hears of something."""

from datetime import datetime

from django.conf import settings

from billing.events import StatementPaid, UsageBillPaid
from billing.invoices.events import DocumentWritten, InvoiceApproved
from billing.invoices.services import (
    carry_out_issue,
    invoice_automatically,
    invoice_bill_automatically,
    invoice_statement_automatically,
    seal_document,
)
from koogallery.kernel.outbox import subscribe
from orders.events import OrderCompleted


@subscribe(InvoiceApproved, name="billing.issue_invoice")
def issue(event: InvoiceApproved, at: datetime) -> None:
    """Give the number; a repeated delivery changes nothing."""
    carry_out_issue(event.invoice, at=at)


@subscribe(DocumentWritten, name="billing.seal_document", outside=True)
def seal(event: DocumentWritten, at: datetime) -> None:
    """Set the PDF outside any transaction."""
    seal_document(event.document, at=at)


def _order(event: OrderCompleted, at: datetime) -> None:
    """What was just completed is invoiced to the account's default header."""
    invoice_automatically(event.order_number, at=at)


def _statement(event: StatementPaid, at: datetime) -> None:
    """So is a closed cycle whose statement was just paid."""
    invoice_statement_automatically(event.statement, at=at)


def _bill(event: UsageBillPaid, at: datetime) -> None:
    """And use that was just paid."""
    invoice_bill_automatically(event.bill, at=at)


# A message for each of these is only worth its row where the settings say so.
if settings.INVOICES_AUTOMATIC:
    subscribe(OrderCompleted, name="billing.invoice_automatically")(_order)
    subscribe(StatementPaid, name="billing.invoice_statement_automatically")(_statement)
    subscribe(UsageBillPaid, name="billing.invoice_bill_automatically")(_bill)
