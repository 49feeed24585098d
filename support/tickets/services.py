"""The verbs of service tickets: opening, writing, answering, resolving, closing; what the clock does."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from accounts.actor import Actor, Party
from accounts.models import Account, Membership, User
from accounts.permissions import ALLOWED, Permission, require
from billing.invoices.models import Invoice
from billing.invoices.services import ask_return
from koogallery.kernel import clock
from koogallery.kernel.errors import InvalidInput, InvalidTransition, NotFound, PermissionRefused, Throttled
from koogallery.kernel.ids import ticket_number
from koogallery.kernel.text import clean_text
from notifications import services as notifications
from notifications import ticket_notices as notices
from notifications.notice import Written
from orders.models import Order
from orders.terms import until_text
from supervision.files import Attachable, CheckedFile
from supervision.services.uploads import files_for_a_verb
from support.models import Requirement
from support.tickets.models import Ticket, TicketFile, TicketKind, TicketMessage, TicketStatus

LONGEST_TEXT, LONGEST_SUBJECT = 4000, 120
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class NewTicket:
    """What is asked, about what, with what goes along.

    Attributes:
        order, invoice: numbers; the order that it was opened from, the invoice that is returned.
        files: up to ten, as with service flows.
    """

    kind: str
    subject: str
    text: str
    order: str = ""
    invoice: str = ""
    files: Sequence[Attachable] = ()
    requirement: Requirement | None = None


def open_ticket(new: NewTicket, *, account: Account, by: Actor, at: datetime | None = None) -> Ticket:
    """Ask operations. A ticket that returns an invoice sets the return going (guide 8 NOTE).

    Raises:
        PermissionRefused: the role may not. Throttled: too many today.
        InvalidInput, AttachmentRefused: the texts, the kind, a file. NotFound: another account's order or invoice.
        InvalidTransition: the invoice cannot be returned.
    """
    at = at or clock.now()
    require(by, Permission.ASK)
    subject, text = _texts(new)
    with files_for_a_verb(new.files) as files, transaction.atomic():
        Account.objects.select_for_update(no_key=True).get(pk=account.pk)
        if Ticket.objects.for_account(account).filter(created_at__gt=at - DAY).count() >= settings.TICKETS_A_DAY:
            raise Throttled("You have opened many service tickets today. Write on one of them, or try again tomorrow.")
        order = _order(new.order, account)
        invoice = _invoice(new, account)
        ticket = Ticket.objects.create(
            number=ticket_number(at),
            account=account,
            opened_by_id=by.user_id,
            kind=new.kind,
            subject=subject,
            order=order or _order_of(invoice),
            invoice=invoice,
            requirement=new.requirement,
            created_at=at,
            updated_at=at,
            answer_due_at=at + settings.TICKET_ANSWER_WITHIN,
        )
        message = _write(ticket, text, files, by=by, at=at)
        if invoice is not None:
            ask_return(invoice, reason=text[:1000], by=by, at=at)
        # A requirement has told them already.
        if new.requirement is None:
            _tell_operators(ticket, message, notices.TICKET_OPENED)
    return ticket


def _texts(new: NewTicket) -> tuple[str, str]:
    errors: dict[str, list[str]] = {}
    cleaned = {}
    for field, value, limit, missing in (
        ("subject", " ".join(new.subject.split(" ")), LONGEST_SUBJECT, "Enter a subject."),
        ("text", new.text, LONGEST_TEXT, "Describe what you need."),
    ):
        try:
            cleaned[field] = clean_text(value)
        except ValueError as refused:
            errors[field], cleaned[field] = [str(refused)], ""
            continue
        if not cleaned[field]:
            errors[field] = [missing]
        elif len(cleaned[field]) > limit:
            errors[field] = [f"Enter at most {limit:,} characters."]
    if new.kind not in TicketKind.values:
        errors["kind"] = ["Select what it is about."]
    if new.kind == TicketKind.INVOICE_RETURN and not new.invoice:
        errors["invoice"] = ["Name the invoice that you return."]
    if errors:
        raise InvalidInput(next(iter(errors.values()))[0], errors=errors)
    return cleaned["subject"].replace("\n", " "), cleaned["text"]


def _order(number: str, account: Account) -> Order | None:
    if not number:
        return None
    found = Order.objects.for_account(account).filter(number=number).first()
    if found is None:
        raise NotFound("There is no such order.")
    return found


def _invoice(new: NewTicket, account: Account) -> Invoice | None:
    if new.kind != TicketKind.INVOICE_RETURN:
        return None
    rows = Invoice.objects.for_account(account)
    found = rows.filter(number=new.invoice).first() or rows.filter(documents__number=new.invoice).first()
    if found is None:
        raise NotFound("There is no such invoice.")
    return found


def _order_of(invoice: Invoice | None) -> Order | None:
    """An invoice over one order brings it along."""
    orders = [one.order for one in invoice.items.select_related("order")[:2]] if invoice else []
    return orders[0] if len(orders) == 1 else None


def reply(
    ticket: Ticket, *, text: str, files: Sequence[Attachable] = (), by: Actor, at: datetime | None = None
) -> TicketMessage:
    """The customer writes; after an answer it is operations' turn again.

    Raises:
        PermissionRefused: the role may not. InvalidInput, AttachmentRefused: the text or a file.
        InvalidTransition: it is closed. Throttled: too much today.
    """
    at = at or clock.now()
    require(by, Permission.ASK)
    cleaned = checked_text(text)
    with files_for_a_verb(files) as stored, transaction.atomic():
        ticket = _locked(ticket)
        written = TicketMessage.objects.filter(ticket__account=ticket.account_id, party=Party.BUYER, at__gt=at - DAY)
        if written.count() >= settings.TICKET_MESSAGES_A_DAY:
            raise Throttled("Your account has written many messages today. Try again tomorrow.")
        message = _write(ticket, cleaned, stored, by=by, at=at)
        if ticket.status in (TicketStatus.ANSWERED, TicketStatus.RESOLVED):
            ticket.reopen(due_at=at + settings.TICKET_ANSWER_WITHIN)
        ticket.updated_at = at
        ticket.save()
        _tell_operators(ticket, message, notices.TICKET_WRITTEN)
    return message


def answer(
    ticket: Ticket,
    *,
    text: str,
    resolved: bool = False,
    internal: bool = False,
    files: Sequence[Attachable] = (),
    by: Actor,
    at: datetime | None = None,
) -> TicketMessage:
    """Operations write: an answer, the last one (`resolved`), or a note of their own, which stops no clock.

    Raises:
        PermissionRefused: not operations. InvalidInput, AttachmentRefused: the text or a file.
        InvalidTransition: it is closed.
    """
    at = at or clock.now()
    if by.party is not Party.OPERATIONS:
        raise PermissionRefused("Only operations answer service tickets.")
    cleaned = checked_text(text)
    with files_for_a_verb(files) as stored, transaction.atomic():
        ticket = _locked(ticket)
        message = _write(ticket, cleaned, stored, by=by, at=at, internal=internal)
        ticket.handler_id = ticket.handler_id or by.user_id
        if not internal:
            _answered(ticket, message, resolved=resolved, at=at)
        ticket.save()
    return message


def answer_by_itself(ticket: Ticket, *, text: str, by: Actor, at: datetime) -> TicketMessage | None:
    """Something that the ticket asked for is done: the thread says so, and it is resolved. A closed one stays closed."""
    with transaction.atomic():
        ticket = Ticket.objects.select_for_update(of=("self",)).get(pk=ticket.pk)
        if ticket.status in (TicketStatus.CLOSED, TicketStatus.RESOLVED):
            return None
        message = _write(ticket, text, (), by=by, at=at)
        _answered(ticket, message, resolved=True, at=at)
        ticket.save()
    return message


def _answered(ticket: Ticket, message: TicketMessage, *, resolved: bool, at: datetime) -> None:
    silent_until = at + settings.TICKET_CLOSES_AFTER
    if resolved and ticket.status != TicketStatus.RESOLVED:
        ticket.resolve(at, silent_until=silent_until)
    elif ticket.status == TicketStatus.OPEN:
        ticket.answer(at, silent_until=silent_until)
    else:
        ticket.silent_until = silent_until
    ticket.updated_at = at
    row = notices.TICKET_RESOLVED if resolved else notices.TICKET_ANSWERED
    _tell_customer(ticket, row, cause=str(message.pk), words={"text": message.text}, at=at)


def take(ticket: Ticket, *, by: Actor) -> Ticket:
    """An operator takes a ticket on, from whoever had it.

    Raises:
        PermissionRefused: not operations. InvalidTransition: it is closed.
    """
    if by.party is not Party.OPERATIONS:
        raise PermissionRefused("Only operations take service tickets on.")
    with transaction.atomic():
        ticket = _locked(ticket)
        ticket.handler_id = by.user_id
        ticket.save(update_fields=["handler"])
    return ticket


def close_ticket(ticket: Ticket, *, by: Actor, at: datetime | None = None) -> Ticket:
    """The customer, or operations, close it; nobody writes on it any more.

    Raises:
        PermissionRefused: the role may not. InvalidTransition: it is closed already.
    """
    at = at or clock.now()
    require(by, Permission.ASK)
    with transaction.atomic():
        ticket = _locked(ticket)
        ticket.close(at)
        ticket.updated_at = at
        ticket.save()
        if by.party is Party.BUYER:
            _tell_handler(ticket, at=at)
        else:
            _tell_closed(ticket, "Operations closed it.", at=at)
    return ticket


def close_silent_ticket(pk: int, *, at: datetime, by: Actor) -> None:
    """Timer: the customer was silent after the answer."""
    with transaction.atomic():
        ticket = Ticket.objects.select_for_update(of=("self",)).get(pk=pk)
        waits = ticket.status in (TicketStatus.ANSWERED, TicketStatus.RESOLVED)
        if waits and ticket.silent_until and ticket.silent_until <= at:
            ticket.close(at)
            ticket.updated_at = at
            ticket.save()
            _tell_closed(ticket, "Nobody wrote on it after the answer.", at=at)


def escalate_ticket(pk: int, *, at: datetime, by: Actor) -> None:
    """Timer: nobody answered within the service level; all operators hear of it, once a turn."""
    with transaction.atomic():
        ticket = Ticket.objects.select_for_update(of=("self",)).get(pk=pk)
        due = ticket.answer_due_at
        if ticket.status != TicketStatus.OPEN or ticket.escalated_at or due is None or due > at:
            return
        ticket.escalated_at = at
        ticket.save(update_fields=["escalated_at"])
        notifications.write_row(
            notices.TICKET_LATE,
            [(one, None, None) for one in User.objects.filter(is_staff=True, is_active=True)],
            cause=f"ticket:{ticket.number}:late:{at.isoformat()}",
            words=_words(ticket) | {"since": until_text(due - settings.TICKET_ANSWER_WITHIN)},
            url=_admin_url(ticket),
            at=at,
        )


def checked_text(text: str) -> str:
    """A message made clean.

    Raises:
        InvalidInput: empty, too long, or characters that cannot be stored.
    """
    try:
        cleaned = clean_text(text)
    except ValueError as refused:
        raise InvalidInput(str(refused), errors={"text": [str(refused)]}) from refused
    if not cleaned or len(cleaned) > LONGEST_TEXT:
        why = f"Enter at most {LONGEST_TEXT:,} characters." if cleaned else "Enter a message."
        raise InvalidInput(why, errors={"text": [why]})
    return cleaned


def _locked(ticket: Ticket) -> Ticket:
    found = Ticket.objects.select_for_update(of=("self",)).get(pk=ticket.pk)
    if found.is_closed:
        raise InvalidTransition("This service ticket is closed. Open another one.")
    return found


def _write(
    ticket: Ticket, text: str, files: Sequence[CheckedFile], *, by: Actor, at: datetime, internal: bool = False
) -> TicketMessage:
    message = TicketMessage.objects.create(
        ticket=ticket, at=at, party=by.party, by=by.label[:200], user_id=by.user_id, text=text, internal=internal
    )
    TicketFile.objects.bulk_create(
        TicketFile(
            message=message,
            public_id=one.key.rpartition("/")[2],
            name=one.name,
            size=one.size,
            content_type=one.content_type,
            sha256=one.sha256,
            file=one.key,
        )
        for one in files
    )
    return message


def _admin_url(ticket: Ticket) -> str:
    return reverse("admin:support_ticket_thread", args=[ticket.pk])


def _words(ticket: Ticket) -> dict[str, str]:
    return {"subject": ticket.subject, "ticket": ticket.number, "account": ticket.account.name}


def _tell_operators(ticket: Ticket, message: TicketMessage, row: Written) -> None:
    staff = User.objects.filter(is_staff=True, is_active=True)
    told = staff.filter(pk=ticket.handler_id) if ticket.handler_id else staff
    notifications.write_row(
        row,
        [(one, None, None) for one in told],
        cause=f"ticket:{ticket.number}:{message.pk}",
        words=_words(ticket) | {"text": message.text},
        url=_admin_url(ticket),
        at=message.at,
    )


def _tell_handler(ticket: Ticket, *, at: datetime) -> None:
    handler = User.objects.filter(pk=ticket.handler_id or 0, is_active=True)
    notifications.write_row(
        notices.TICKET_CLOSED_BY_CUSTOMER,
        [(one, None, None) for one in handler],
        cause=f"ticket:{ticket.number}:closed",
        words=_words(ticket),
        url=_admin_url(ticket),
        at=at,
    )


def _tell_closed(ticket: Ticket, why: str, *, at: datetime) -> None:
    _tell_customer(ticket, notices.TICKET_CLOSED, cause="closed", words={"why": why}, at=at)


def _tell_customer(ticket: Ticket, row: Written, *, cause: str, words: dict[str, str], at: datetime) -> None:
    roles = [str(role) for role in ALLOWED[Permission.ASK]]
    members = Membership.objects.filter(account=ticket.account_id, role__in=roles, user__is_active=True)
    own = members.filter(user=ticket.opened_by_id)
    told = own if own.exists() else members
    notifications.write_row(
        row,
        [(one.user, ticket.account, None) for one in told.select_related("user")],
        cause=f"ticket:{ticket.number}:{cause}",
        words=_words(ticket) | words,
        url=ticket.get_absolute_url(),
        at=at,
    )
