"""What support does when it hears of something: a returned invoice answers the ticket that returned it."""

from datetime import datetime

from accounts.actor import Actor
from billing.invoices.events import InvoiceReturned, InvoiceReturnRejected
from koogallery.kernel.outbox import subscribe
from support.tickets.models import Ticket
from support.tickets.services import answer_by_itself


def _answer(number: str, text: str, at: datetime) -> None:
    for ticket in Ticket.objects.filter(invoice__number=number).order_by("-id")[:1]:
        answer_by_itself(ticket, text=text, by=Actor.system("invoicing"), at=at)


@subscribe(InvoiceReturned, name="support.invoice_returned")
def returned(event: InvoiceReturned, at: datetime) -> None:
    """The thread says so."""
    text = f"The invoice was returned with the credit note {event.document}. What it named can be invoiced again."
    _answer(event.invoice, text, at)


@subscribe(InvoiceReturnRejected, name="support.invoice_return_rejected")
def rejected(event: InvoiceReturnRejected, at: datetime) -> None:
    """The thread says why."""
    _answer(event.invoice, f"The issuer does not take the invoice back: {event.reason}", at)
