"""What becomes due by itself on service tickets."""

from django.db.models import Q

from koogallery.kernel.timers import Timer, register
from support.tickets.models import Ticket, TicketStatus
from support.tickets.services import close_silent_ticket, escalate_ticket

register(
    Timer(
        name="tickets_wait_too_long",
        model=Ticket,
        due_column="answer_due_at",
        open=Q(status=TicketStatus.OPEN, escalated_at=None),
        fire=escalate_ticket,
    )
)
register(
    Timer(
        name="close_silent_tickets",
        model=Ticket,
        due_column="silent_until",
        open=Q(status__in=[TicketStatus.ANSWERED, TicketStatus.RESOLVED]),
        fire=close_silent_ticket,
    )
)
