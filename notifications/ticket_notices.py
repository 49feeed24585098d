"""What service tickets, requirements and questions to sellers tell people; `support` writes them with the verb itself."""

from notifications.notice import Written

ASKER = "who opened the ticket; if he has left, the account's members who may write on it"
HANDLER = "the operator who took the ticket on; before that, operations staff"

TICKET_OPENED = Written("TicketOpened", HANDLER, "Answer a service ticket: {subject} ({ticket})", "{text}")
TICKET_WRITTEN = Written("TicketWritten", HANDLER, "Answer a service ticket: {subject} ({ticket})", "{text}")
TICKET_ANSWERED = Written(
    "TicketAnswered", ASKER, "Read the answer to your service ticket: {subject} ({ticket})", "{text}"
)
TICKET_RESOLVED = Written(
    "TicketResolved", ASKER, "Resolved, write again if not: your service ticket {subject} ({ticket})", "{text}"
)
TICKET_CLOSED = Written(
    "TicketClosed", ASKER, "Service ticket closed: {subject} ({ticket})", "{why} Open another one if something is left."
)
TICKET_CLOSED_BY_CUSTOMER = Written(
    "TicketClosedByCustomer",
    "the operator who took the ticket on",
    "Service ticket closed by {account}: {subject} ({ticket})",
    "Nothing is left to answer.",
    email=False,
)
TICKET_LATE = Written(
    "TicketLate",
    "operations staff",
    "Answer now, the service level has passed: {subject} ({ticket})",
    "Nobody has answered since {since}.",
)
REQUIREMENT_SUBMITTED = Written(
    "RequirementSubmitted", "operations staff", "Answer a requirement: {company}", "{requirements}"
)
ENQUIRY_SENT = Written(
    "SalesEnquirySent", "the seller's members", "Answer a question about {product}", "{message}\n\n{contact}"
)

WRITTEN = [
    TICKET_OPENED,
    TICKET_WRITTEN,
    TICKET_ANSWERED,
    TICKET_RESOLVED,
    TICKET_CLOSED,
    TICKET_CLOSED_BY_CUSTOMER,
    TICKET_LATE,
    REQUIREMENT_SUBMITTED,
    ENQUIRY_SENT,
]
