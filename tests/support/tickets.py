"""Service tickets of the tests."""

from accounts.models import Account
from orders.models import Order
from support.tickets.models import Ticket, TicketFile
from support.tickets.services import NewTicket, open_ticket
from tests.factories import a_buyer
from tests.supervision.test_flow import a_file


def a_ticket(account: Account, *, by=None, kind: str = "problem", **fields) -> Ticket:
    """An open ticket of an account."""
    new = NewTicket(
        kind, fields.pop("subject", "It does not start"), fields.pop("text", "The page stays white."), **fields
    )
    return open_ticket(new, account=account, by=by or a_buyer("owner", account))


def a_ticket_with_a_file(order: Order) -> TicketFile:
    """A file of a ticket that was opened from an order."""
    ticket = a_ticket(Account.objects.get(pk=order.account_id), order=order.number, files=[a_file()])
    return TicketFile.objects.get(message__ticket=ticket)
