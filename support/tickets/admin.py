"""Operations' queue of service tickets: whose answer is due first, the thread, answering it."""

from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html

from billing.admin_verbs import VerbAdmin, operator
from koogallery.kernel import clock
from koogallery.kernel.errors import DomainError
from koogallery.kernel.web.admin_site import Queue, register_queue
from supervision.views.pages import download
from support.tickets import services
from support.tickets.forms import AnswerForm
from support.tickets.models import Ticket, TicketFile, TicketStatus
from support.tickets.views import put_errors, thread_of, with_thread

HOUR = timedelta(hours=1)


class TurnFilter(admin.SimpleListFilter):
    """What waits for operations comes first."""

    title = "turn"
    parameter_name = "turn"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("mine", "Mine, waiting for us"), ("late", "Past the service level"), ("all", "All")]

    def choices(self, changelist: Any) -> Any:
        yield {
            "selected": self.value() is None,
            "query_string": changelist.get_query_string(remove=[self.parameter_name]),
            "display": "Waiting for us",
        }
        yield from list(super().choices(changelist))[1:]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Ticket]) -> QuerySet[Ticket]:
        waiting = queryset.filter(status=TicketStatus.OPEN)
        match self.value():
            case "mine":
                return waiting.filter(handler=request.user.pk)
            case "late":
                return waiting.filter(answer_due_at__lte=clock.now())
            case "all":
                return queryset
        return waiting


@admin.register(Ticket)
class TicketAdmin(VerbAdmin):
    """Service tickets by the time at which their answer is due."""

    list_display = ["thread", "kind", "subject", "account", "order", "status", "due", "handler", "created_at"]
    list_display_links = None
    list_filter = [TurnFilter, "kind", "status"]
    list_select_related = ["account", "order", "handler"]
    search_fields = ["number", "subject", "account__name", "order__number", "invoice__number"]
    ordering = ["answer_due_at", "-id"]
    actions = ["take", "close"]
    show_full_result_count = False

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        own = [
            path("<int:pk>/thread/", wrap(self.thread_page), name="support_ticket_thread"),
            path("<int:pk>/files/<str:key>/", wrap(self.file), name="support_ticket_file"),
        ]
        return [*own, *super().get_urls()]

    @admin.display(description="ticket", ordering="number")
    def thread(self, ticket: Ticket) -> str:
        return format_html(
            '<a href="{}">{}</a>', reverse("admin:support_ticket_thread", args=[ticket.pk]), ticket.number
        )

    @admin.display(description="answer due", ordering="answer_due_at")
    def due(self, ticket: Ticket) -> str:
        """How much of the service level is left, in hours; negative: how late it is."""
        if ticket.answer_due_at is None:
            return "-"
        left = ticket.answer_due_at - clock.now()
        late = "late by " if left < timedelta(0) else "in "
        return f"{late}{abs(left) / HOUR:.1f} h"

    @admin.action(description="Take on", permissions=["verb"])
    def take(self, request: HttpRequest, queryset: QuerySet[Ticket]) -> None:
        self.each(request, queryset, lambda one: services.take(one, by=operator(request)))

    @admin.action(description="Close", permissions=["verb"])
    def close(self, request: HttpRequest, queryset: QuerySet[Ticket]) -> None:
        self.each(request, queryset, lambda one: services.close_ticket(one, by=operator(request)))

    def thread_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The thread with what goes along, and the answer."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        ticket = get_object_or_404(with_thread(Ticket.objects.all()), pk=pk)
        form = AnswerForm(request.POST or None, request.FILES or None)
        if request.method == "POST":
            if not self.has_verb_permission(request):
                raise PermissionDenied
            if form.is_valid() and self._answered(request, ticket, form):
                return redirect("admin:support_ticket_thread", pk)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"{ticket.number}: {ticket.subject}",
            "ticket": ticket,
            "due": self.due(ticket),
            "records": thread_of(
                ticket, internal=True, url_of=lambda one: reverse("admin:support_ticket_file", args=[pk, one.public_id])
            ),
            "form": form,
            "may_answer": self.has_verb_permission(request) and not ticket.is_closed,
        }
        status = 422 if form.errors else 200
        return TemplateResponse(request, "admin/support/ticket.html", context, status=status)

    def _answered(self, request: HttpRequest, ticket: Ticket, form: AnswerForm) -> bool:
        outcome = form.cleaned_data["outcome"]
        try:
            services.answer(
                ticket,
                text=form.cleaned_data["text"],
                files=form.cleaned_data["attachment"],
                resolved=outcome == "resolve",
                internal=outcome == "note",
                by=operator(request),
            )
        except DomainError as refused:
            put_errors(form, refused)
            return False
        self.message_user(request, "Sent." if outcome != "note" else "Noted.", messages.SUCCESS)
        return True

    def file(self, request: HttpRequest, pk: int, key: str) -> HttpResponseBase:
        """A file, also of an internal note."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return download(get_object_or_404(TicketFile, message__ticket=pk, public_id=key))


register_queue(Queue("Service tickets", lambda: Ticket.objects.filter(status=TicketStatus.OPEN), since="updated_at"))
