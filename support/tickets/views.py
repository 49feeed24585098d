"""Pages of service tickets in My KooGallery (UX 3.3): the list, a new one, the thread."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import FileResponse, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import Account
from accounts.permissions import Permission, may
from accounts.web import BuyerRequest, buyer_required
from billing.invoices.models import Invoice
from koogallery.kernel.errors import DomainError, InvalidInput
from koogallery.kernel.web.parts import Link, Record, StoredFile
from orders.models import Order
from supervision.errors import AttachmentRefused
from supervision.views.pages import download
from support.tickets import services
from support.tickets.forms import MessageForm, ReturnForm, TicketForm
from support.tickets.models import Ticket, TicketFile, TicketKind, TicketStatus

PAGE_SIZE = 20


@require_safe
@buyer_required()
def ticket_list(request: BuyerRequest) -> HttpResponse:
    """`/my/tickets/`: the account's tickets, newest first."""
    status = request.GET.get("status", "")
    rows = Ticket.objects.for_account(request.account).newest_first()
    if status in TicketStatus.values:
        rows = rows.filter(status=status)
    tabs = [Link(_("All"), "?", current=status not in TicketStatus.values)]
    tabs += [Link(one.label, f"?status={one.value}", current=status == one.value) for one in TicketStatus]
    context = {
        "page": Paginator(rows.select_related("order"), PAGE_SIZE).get_page(request.GET.get("page")),
        "tabs": tabs,
        "filtered": status in TicketStatus.values,
        "may_ask": may(request.membership.role, Permission.ASK),
    }
    return render(request, "support/ticket_list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@buyer_required(Permission.ASK)
def ticket_new(request: BuyerRequest) -> HttpResponse:
    """`/my/tickets/new/?kind=&order=`: a ticket; the order that it was opened from goes along."""
    asked = request.POST if request.method == "POST" else request.GET
    order = _order(asked.get("order", ""), request.account)
    kind = request.GET.get("kind", "")
    initial = {"kind": kind if kind in TicketKind.values else TicketKind.PROBLEM}
    form = TicketForm(request.POST or None, request.FILES or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        new = services.NewTicket(
            kind=form.cleaned_data["kind"],
            subject=form.cleaned_data["subject"],
            text=form.cleaned_data["text"],
            order=order.number if order else "",
            files=form.cleaned_data["attachment"],
        )
        if ticket := _opened(request, form, new):
            return redirect(ticket)
    context = {"form": form, "order": order}
    return render(request, "support/ticket_new.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@buyer_required(Permission.INVOICE)
def invoice_return(request: BuyerRequest, number: str) -> HttpResponse:
    """`/my/tickets/return/<invoice>/`: the ticket that returns an invoice (guide 8 NOTE)."""
    rows = Invoice.objects.for_account(request.account).select_related("issuer").prefetch_related("documents")
    invoice = get_object_or_404(rows, number=number)
    form = ReturnForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        new = services.NewTicket(
            kind=TicketKind.INVOICE_RETURN,
            subject=_("Return of invoice %(number)s") % {"number": invoice.shown_number},
            text=form.cleaned_data["text"],
            invoice=invoice.number,
            files=form.cleaned_data["attachment"],
        )
        if ticket := _opened(request, form, new):
            return redirect(ticket)
    context = {"form": form, "invoice": invoice}
    return render(request, "support/invoice_return.html", context, status=422 if form.errors else 200)


def _opened(request: BuyerRequest, form: forms.Form, new: services.NewTicket) -> Ticket | None:
    try:
        ticket = services.open_ticket(new, account=request.account, by=request.actor)
    except DomainError as refused:
        put_errors(form, refused)
        return None
    messages.success(request, _("Service ticket %(number)s was submitted.") % {"number": ticket.number})
    return ticket


def put_errors(form: forms.Form, refused: DomainError) -> None:
    """A refusal beside the fields that it names."""
    if isinstance(refused, AttachmentRefused):
        form.add_error("attachment", refused.message)
    elif isinstance(refused, InvalidInput) and refused.errors:
        for field, texts in refused.errors.items():
            form.add_error(field if field in form.fields else None, texts)
    else:
        form.add_error(None, refused.message)


def _order(number: str, account: Account) -> Order | None:
    if not number:
        return None
    rows = Order.objects.for_account(account).select_related("product", "seller")
    return get_object_or_404(rows, number=number[:20])


def thread_of(ticket: Ticket, *, internal: bool, url_of: Any) -> list[Record]:
    """The messages, newest first, with addresses of their files; needs `messages__files`."""
    shown = [one for one in ticket.messages.all() if internal or not one.internal]
    return [
        Record(
            title=_("Note for operations") if one.internal else one.get_party_display(),
            who=one.by,
            at=one.at,
            text=one.text,
            quote=True,
            icon="lock" if one.internal else "messages",
            files=[StoredFile(file.name, file.size, url_of(file)) for file in one.files.all()],
        )
        for one in reversed(shown)
    ]


def with_thread(rows: Any) -> Any:
    """Tickets with everything that a thread prints, in a fixed number of queries."""
    return rows.select_related("account", "order__product", "order__seller", "invoice", "handler").prefetch_related(
        "messages__files", "invoice__documents"
    )


@require_http_methods(["GET", "HEAD", "POST"])
@buyer_required()
def ticket_detail(request: BuyerRequest, number: str) -> HttpResponse:
    """`/my/tickets/<number>/`: the thread, and writing on."""
    ticket = get_object_or_404(with_thread(Ticket.objects.for_account(request.account)), number=number)
    may_ask = may(request.membership.role, Permission.ASK)
    form = MessageForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.reply(
                ticket, text=form.cleaned_data["text"], files=form.cleaned_data["attachment"], by=request.actor
            )
        except DomainError as refused:
            put_errors(form, refused)
        else:
            messages.success(request, _("Your message was sent."))
            return redirect(ticket)
    context = {
        "ticket": ticket,
        "records": thread_of(ticket, internal=False, url_of=lambda file: f"files/{file.public_id}/"),
        "form": form,
        "may_ask": may_ask,
    }
    return render(request, "support/ticket_detail.html", context, status=422 if form.errors else 200)


@require_POST
@buyer_required(Permission.ASK)
def ticket_close(request: BuyerRequest, number: str) -> HttpResponse:
    """`/my/tickets/<number>/close/`."""
    ticket = get_object_or_404(Ticket.objects.for_account(request.account), number=number)
    services.close_ticket(ticket, by=request.actor)
    messages.success(request, _("Service ticket %(number)s is closed.") % {"number": ticket.number})
    return redirect(ticket)


@require_safe
@buyer_required()
def ticket_file(request: BuyerRequest, number: str, key: str) -> FileResponse:
    """`/my/tickets/<number>/files/<key>/`: always a download; files of internal notes are not there."""
    rows = TicketFile.objects.filter(message__ticket__account=request.account, message__internal=False)
    return download(get_object_or_404(rows, message__ticket__number=number, public_id=key))
