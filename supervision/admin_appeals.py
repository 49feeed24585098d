"""Operations staff's queue of appeals, and the one screen on which an appeal is read and decided."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Prefetch
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from accounts.actor import Actor, Party
from accounts.web import operator_actor
from koogallery.kernel import clock
from koogallery.kernel.admin import ReadOnlyAdmin
from koogallery.kernel.errors import DomainError
from koogallery.kernel.money import Money, round_money
from koogallery.kernel.web.address import client_address
from koogallery.kernel.web.parts import StoredFile
from orders import ports
from orders.models import Order
from supervision import services
from supervision.choices import UNANSWERED, Action, AppealStatus, Decision
from supervision.evidence import evidence_of, files_of, with_evidence
from supervision.models import Appeal, FlowRecord, Ruling, ServiceFlow, StatementRequest
from supervision.views import pages

HOUR = timedelta(hours=1)


def operator_of(request: HttpRequest) -> Actor:
    """The operator who acts, from where."""
    assert request.user.is_authenticated
    return operator_actor(request.user, address=client_address(request))


class DecisionForm(forms.Form):
    """Decide an appeal; the reason is shown to both sides."""

    verb = "decide"
    button = _("Decide")
    decision = forms.ChoiceField(choices=Decision.choices)
    refund = forms.DecimalField(
        required=False,
        min_value=Decimal("0.01"),
        max_digits=14,
        help_text=_("Only with a refund: empty gives all back."),
    )
    hours = forms.IntegerField(required=False, min_value=1, max_value=720, label=_("New deadline, hours"))
    reason = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 5}), max_length=1000, help_text=_("Both sides read it.")
    )

    def __init__(self, flow: ServiceFlow, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        usual = flow.graph.parameters.redeliver_within // HOUR
        self.fields["hours"].help_text = _("Only when it goes back to the seller: empty gives %(n)d.") % {"n": usual}

    def carry_out(self, flow: ServiceFlow, by: Actor) -> None:
        given = self.cleaned_data
        currency = flow.order.currency
        services.decide_appeal(
            flow,
            decision=Decision(given["decision"]),
            reason=given["reason"],
            refund=Money(round_money(given["refund"], currency), currency) if given["refund"] else None,
            deliver_within=given["hours"] * HOUR if given["hours"] else None,
            by=by,
        )


class AskForm(forms.Form):
    """Ask a side for a statement."""

    verb = "ask"
    button = _("Ask for a statement")
    party = forms.ChoiceField(choices=[(one.value, one.label) for one in (Party.BUYER, Party.SELLER)], label=_("Ask"))
    hours = forms.IntegerField(required=False, min_value=1, max_value=720, label=_("Hours to answer"))
    question = forms.CharField(widget=forms.Textarea(attrs={"rows": 3}), max_length=1000)

    def __init__(self, flow: ServiceFlow, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        usual = flow.graph.parameters.statement_within // HOUR
        self.fields["hours"].help_text = _("Empty gives %(n)d.") % {"n": usual}

    def carry_out(self, flow: ServiceFlow, by: Actor) -> None:
        given = self.cleaned_data
        hours = given["hours"] * HOUR if given["hours"] else None
        services.ask_statement(flow, party=Party(given["party"]), question=given["question"], within=hours, by=by)


class ConfirmForm(forms.Form):
    """Confirm another operator's refund above the limit."""

    verb = "confirm"
    button = _("Confirm the decision")

    def __init__(self, _flow: ServiceFlow, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)

    def carry_out(self, flow: ServiceFlow, by: Actor) -> None:
        services.confirm_ruling(flow, by=by)


class DeclineForm(ConfirmForm):
    """Do not confirm it, or take one's own back."""

    verb = "decline"
    button = _("Decline: another decision is needed")

    def carry_out(self, flow: ServiceFlow, by: Actor) -> None:
        services.decline_ruling(flow, by=by)


CaseForm = DecisionForm | AskForm | ConfirmForm
FORMS: dict[str, tuple[type[CaseForm], ...]] = {
    AppealStatus.OPEN: (DecisionForm, AskForm),
    AppealStatus.UNDER_REVIEW: (DecisionForm, AskForm),
    AppealStatus.AWAITING_CONSENT: (ConfirmForm, DeclineForm, AskForm),
}


class Phase(admin.SimpleListFilter):
    """What waits for us comes first."""

    title = _("phase")
    parameter_name = "phase"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("announced", _("Decided, not yet in effect")), ("ended", _("Ended")), ("all", _("All"))]

    def choices(self, changelist: Any) -> Any:
        yield {
            "selected": self.value() is None,
            "query_string": changelist.get_query_string(remove=[self.parameter_name]),
            "display": _("Waits for us"),
        }
        yield from list(super().choices(changelist))[1:]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        match self.value():
            case "all":
                return queryset
            case "announced":
                return queryset.filter(status=AppealStatus.ANNOUNCED)
            case "ended":
                return queryset.filter(status__in=[AppealStatus.WITHDRAWN, AppealStatus.DECIDED])
        return queryset.filter(status__in=UNANSWERED)


@dataclass(frozen=True, slots=True)
class Side:
    """One side of the case: what it says and what it did, newest first."""

    label: str
    name: str
    appealed: bool
    statements: list[tuple[StatementRequest, list[StoredFile]]]
    records: list[tuple[FlowRecord, list[StoredFile]]]


@dataclass(frozen=True, slots=True)
class Stake:
    """The money at stake: what was paid, what of it went back before, what is held and could still go back."""

    paid: Money
    returned: Money
    held: Money


def stake_of(order: Order) -> Stake:
    """The money at stake in an order that is not completed."""
    held = ports.money().refundable(order)
    return Stake(order.payable_money, order.payable_money - held, held)


@admin.register(Appeal)
class AppealAdmin(ReadOnlyAdmin):
    """The queue: oldest first, with the service level's clock. Appeals of one's own companies are not shown."""

    list_display = ["case", "product", "customer", "seller", "party", "phase", "filed_at", "answer_due", "paid"]
    list_filter = [Phase, "party"]
    list_select_related = ["flow__order__product", "flow__account", "flow__seller"]
    search_fields = ["flow__order__number", "flow__account__name", "flow__seller__name"]
    ordering = ["filed_at", "id"]
    list_display_links = None
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> Any:
        assert request.user.pk is not None
        return Appeal.objects.decidable_by(request.user.pk)

    @admin.display(description=_("order no."), ordering="flow__order__number")
    def case(self, appeal: Appeal) -> SafeString:
        url = reverse("admin:supervision_appeal_case", args=[appeal.pk])
        return format_html('<a href="{}">{}</a>', url, appeal.flow.order.number)

    @admin.display(description=_("product"))
    def product(self, appeal: Appeal) -> str:
        return appeal.flow.order.product.name

    @admin.display(description=_("customer"))
    def customer(self, appeal: Appeal) -> str:
        return appeal.flow.account.name

    @admin.display(description=_("seller"))
    def seller(self, appeal: Appeal) -> str:
        return appeal.flow.seller.name

    @admin.display(description=_("phase"), ordering="status")
    def phase(self, appeal: Appeal) -> str:
        return str(AppealStatus(appeal.status).label)

    @admin.display(description=_("answer due"), ordering="answer_due_at")
    def answer_due(self, appeal: Appeal) -> SafeString | str:
        """The service level's clock; what is late is marked."""
        if not appeal.is_unanswered:
            return "—"
        due = services.until_text(appeal.answer_due_at)
        late = appeal.answer_due_at <= clock.now()
        return format_html('<strong class="overdue">{}</strong> {}', _("Overdue"), due) if late else due

    @admin.display(description=_("paid"))
    def paid(self, appeal: Appeal) -> str:
        return appeal.flow.order.payable_money.display()

    def may_act(self, request: HttpRequest) -> bool:
        """Whether the operator has the right to decide; the screen itself edits nothing."""
        return self.has_retry_permission(request)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/case/", view(self.case_page), name="supervision_appeal_case"),
            path("<int:pk>/case.zip", view(self.case_zip), name="supervision_appeal_zip"),
            path("<int:pk>/records.pdf", view(self.records_pdf), name="supervision_appeal_pdf"),
            *super().get_urls(),
        ]

    def _found(self, request: HttpRequest, pk: int) -> tuple[Appeal, ServiceFlow]:
        """The appeal and its flow with all that the screen prints; 404 for one's own company's."""
        if not self.has_view_permission(request):
            raise Http404
        appeal = get_object_or_404(self.get_queryset(request), pk=pk)
        rulings = Prefetch("appeals__rulings", Ruling.objects.select_related("decided_by", "confirmed_by"))
        flow = with_evidence(ServiceFlow.objects.all(), rulings).get(pk=appeal.flow_id)
        return next(one for one in flow.appeals.all() if one.pk == appeal.pk), flow

    def case_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Both sides, evidence, money at stake, and the forms that fit the phase."""
        appeal, flow = self._found(request, pk)
        kinds = FORMS.get(appeal.status, ()) if self.may_act(request) else ()
        sent = request.POST.get("verb") if request.method == "POST" else None
        shown: list[CaseForm] = [
            kind(flow, request.POST if kind.verb == sent else None, prefix=kind.verb, label_suffix="") for kind in kinds
        ]
        asked = next((form for form in shown if form.verb == sent), None)
        if sent and asked is None:
            messages.error(
                request, _("This is not possible in the appeal's present phase. Another operator was first.")
            )
            return redirect("admin:supervision_appeal_case", pk)
        if asked is not None and asked.is_valid():
            try:
                asked.carry_out(flow, operator_of(request))
            except DomainError as refused:
                asked.add_error(None, refused.message)
            else:
                messages.success(request, _("Done: %(number)s.") % {"number": flow.order.number})
                return redirect("admin:supervision_appeal_case", pk)
        context = {
            **self.admin_site.each_context(request),
            "title": f"{_('Appeal')} {flow.order.number}: {AppealStatus(appeal.status).label}",
            "appeal": appeal,
            "flow": flow,
            "forms": shown,
            "late": appeal.is_unanswered and appeal.answer_due_at <= clock.now(),
            "sides": [_side(appeal, flow, Party.BUYER), _side(appeal, flow, Party.SELLER)],
            "stake": stake_of(flow.order),
            "rulings": [(one, services.outcome_text(flow, one)) for one in appeal.rulings.all()],
            "previous": [(one, one.ruling()) for one in flow.appeals.all() if one.pk != appeal.pk],
            "records": [(one, files_of(flow, one, Party.OPERATIONS)) for one in flow.records.all()],
            "evidence": evidence_of(flow, Party.OPERATIONS),
            "opts": self.opts,
        }
        status = 422 if asked is not None and asked.errors else 200
        return TemplateResponse(request, "admin/supervision/case.html", context, status=status)

    def case_zip(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """The whole case as one zip."""
        return pages.case_zip(self._found(request, pk)[1], Party.OPERATIONS)

    def records_pdf(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Operation Records as PDF."""
        return pages.records_pdf(self._found(request, pk)[1], Party.OPERATIONS)


# What a side does in answer to the appeal stands in its column of its own.
_ASIDE = (Action.STATEMENT, Action.WAIVE_REVIEW)


def _side(appeal: Appeal, flow: ServiceFlow, party: Party) -> Side:
    records = {entry.pk: entry for entry in flow.records.all()}
    return Side(
        label=str(party.label),
        name=flow.account.name if party is Party.BUYER else flow.seller.name,
        appealed=appeal.party == party,
        statements=[
            (one, files_of(flow, records.get(one.record_id or 0), Party.OPERATIONS))
            for one in appeal.requests
            if one.party == party
        ],
        records=[
            (entry, files_of(flow, entry, Party.OPERATIONS))
            for entry in records.values()
            if entry.party == party and entry.action not in _ASIDE
        ],
    )
