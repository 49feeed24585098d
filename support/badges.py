"""How the statuses of service tickets look."""

from koogallery.kernel.web.badges import Badge, register
from support.tickets.models import TicketStatus

register(
    "ticket",
    {
        TicketStatus.OPEN: Badge("wait", "hourglass"),
        TicketStatus.ANSWERED: Badge("info", "messages"),
        TicketStatus.RESOLVED: Badge("ok", "circle-check"),
        TicketStatus.CLOSED: Badge("neutral", "ban"),
    },
)
