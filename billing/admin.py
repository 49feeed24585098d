"""Operations staff's screens of money: refunds to decide, credit, the journal. Nothing is edited, all has a verb."""

from collections.abc import Callable, Iterator
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import path, reverse

from billing.admin_forms import ByHandForm, CreditForm, ReasonActionForm, ReferenceActionForm, RefundForm
from billing.admin_payments import DisputeAdmin, PaymentAdmin, RefundAdmin
from billing.admin_statement import statement_page
from billing.admin_usage import UsageAccountAdmin, UsageBillAdmin
from billing.admin_verbs import VerbAdmin, operator
from billing.choices import EntryKind, ProposalStatus, UnsubscriptionStatus
from billing.invoices import admin as _of_invoices  # noqa: F401  (registers)
from billing.models import (
    AccountBalance,
    CreditLine,
    GatewayMessage,
    JournalEntry,
    PaymentMethod,
    Posting,
    ProductFee,
    Reconciliation,
    RefundProposal,
    Statement,
    UnsubscribedTerm,
    Unsubscription,
)
from billing.services import (
    Adjustment,
    CreditTerms,
    adjust_balance,
    approve_unsubscription,
    consent_to_refund,
    decline_refund,
    decline_unsubscription,
    grant_credit,
    pay_out,
    propose_refund,
    receive_from_gateway,
    receive_from_reseller,
    record_transfer,
    remit_tax,
    revoke_credit,
    top_up,
)
from koogallery.kernel.admin import ReadOnlyAdmin, money_column
from koogallery.kernel.errors import DomainError
from koogallery.kernel.money import Money
from koogallery.kernel.text import csv_cell
from koogallery.kernel.web.admin_site import Queue, register_queue
from koogallery.kernel.web.csv_export import csv_file
from orders.admin import ReadOnlyInline


@admin.register(RefundProposal)
class RefundProposalAdmin(VerbAdmin):
    """Refunds by operations: add one to refund an order; large ones wait here for another operator."""

    form = RefundForm
    list_display = [
        "order",
        money_column("amount"),
        "status",
        "reason",
        "note",
        "proposed_by",
        "proposed_at",
        "lapses_at",
        "decided_by",
    ]
    list_filter = ["status"]
    list_select_related = ["order", "proposed_by", "decided_by"]
    search_fields = ["order__number", "public_id"]
    actions = ["consent", "decline"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("billing.add_refundproposal"))

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        form = RefundForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                assert form.found is not None
                made = propose_refund(
                    form.found, form.money(), reason=form.cleaned_data["reason"], by=operator(request)
                )
            except DomainError as refused:
                form.add_error(None, refused.message)
            else:
                self.message_user(request, f"{made}: {made.get_status_display()}", messages.SUCCESS)
                if made.note:
                    self.message_user(request, made.note, messages.WARNING)
                return HttpResponseRedirect(reverse("admin:billing_refundproposal_changelist"))
        return form_page(self, request, form, "Refund an order")

    @admin.action(description="Consent to the refund", permissions=["verb"])
    def consent(self, request: HttpRequest, queryset: QuerySet[RefundProposal]) -> None:
        self.each(request, queryset, lambda one: consent_to_refund(one, by=operator(request)))

    @admin.action(description="Decline the refund", permissions=["verb"])
    def decline(self, request: HttpRequest, queryset: QuerySet[RefundProposal]) -> None:
        self.each(request, queryset, lambda one: decline_refund(one, by=operator(request)))


class TermInline(ReadOnlyInline):
    model = UnsubscribedTerm


@admin.register(Unsubscription)
class UnsubscriptionAdmin(VerbAdmin):
    """Unsubscriptions; large refunds wait here for a review, and are approved by themselves after 24 hours."""

    list_display = [
        "order",
        "subscription",
        money_column("refund"),
        "status",
        "requested_at",
        "reviewed_until",
        "reason",
    ]
    list_filter = ["status"]
    list_select_related = ["order", "subscription__product"]
    search_fields = ["order__number", "subscription__public_id", "subscription__account__name"]
    inlines = [TermInline]
    action_form = ReasonActionForm
    actions = ["approve", "decline"]

    @admin.action(description="Approve the unsubscription", permissions=["verb"])
    def approve(self, request: HttpRequest, queryset: QuerySet[Unsubscription]) -> None:
        self.each(request, queryset, lambda one: approve_unsubscription(one, by=operator(request)))

    @admin.action(description="Decline the unsubscription (give the reason)", permissions=["verb"])
    def decline(self, request: HttpRequest, queryset: QuerySet[Unsubscription]) -> None:
        reason = request.POST.get("reason", "")
        self.each(request, queryset, lambda one: decline_unsubscription(one, reason=reason, by=operator(request)))


def form_page(model_admin: Any, request: HttpRequest, form: Any, title: str) -> HttpResponse:
    """A form of our own inside the admin's frame."""
    context = {**model_admin.admin_site.each_context(request), "opts": model_admin.opts, "form": form, "title": title}
    return TemplateResponse(request, "admin/verb_form.html", context, status=422 if form.errors else 200)


@admin.register(Reconciliation)
class ReconciliationAdmin(ReadOnlyAdmin):
    """The card processors' own lists against the books, once a day."""

    list_display = ["until", "made_at", "number"]
    ordering = ["-until"]
    fields = ["since", "until", "made_at", "all_of_them"]
    readonly_fields = ["since", "until", "made_at", "all_of_them"]

    @admin.display(description="differences")
    def number(self, row: Reconciliation) -> str:
        return str(len(row.differences)) if row.made_at else "not made yet"

    @admin.display(description="differences")
    def all_of_them(self, row: Reconciliation) -> str:
        return "\n".join(row.differences) or "—"


@admin.register(GatewayMessage)
class GatewayMessageAdmin(ReadOnlyAdmin):
    """Webhook messages that were taken in."""

    list_display = ["gateway", "event_id", "kind", "key", "received_at"]
    list_filter = ["gateway", "kind"]
    search_fields = ["event_id", "key"]
    show_full_result_count = False


@admin.register(CreditLine)
class CreditLineAdmin(VerbAdmin):
    """Monthly settlement: granted after a service ticket, changed by granting anew, revoked by the action."""

    list_display = [
        "account",
        money_column("limit"),
        money_column("used"),
        "ticket",
        "granted_by",
        "granted_at",
        "revoked_at",
    ]
    list_select_related = ["account"]
    search_fields = ["account__name", "ticket"]
    actions = ["revoke"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("billing.add_creditline"))

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        form = CreditForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            data = form.cleaned_data
            terms = CreditTerms(Money(data["limit"], data["currency"]), data["ticket"])
            try:
                line = grant_credit(data["account"], terms, by=operator(request))
            except DomainError as refused:
                form.add_error(None, refused.message)
            else:
                self.message_user(request, f"{line}", messages.SUCCESS)
                return HttpResponseRedirect(reverse("admin:billing_creditline_changelist"))
        return form_page(self, request, form, "Grant credit")

    @admin.action(description="Revoke: no new orders on credit", permissions=["verb"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[CreditLine]) -> None:
        self.each(request, queryset, lambda one: revoke_credit(one.account, by=operator(request)))


@admin.register(Statement)
class StatementAdmin(VerbAdmin):
    """Monthly statements; a transfer that arrived is recorded by the action."""

    list_display = ["account", "month", money_column("amount"), "status", "due_at", "froze_at", "paid_at"]
    list_filter = ["status", "month"]
    list_select_related = ["account"]
    search_fields = ["account__name", "public_id"]
    action_form = ReferenceActionForm
    actions = ["transfer"]

    @admin.action(description="A transfer of its amount arrived (give the bank's reference)", permissions=["verb"])
    def transfer(self, request: HttpRequest, queryset: QuerySet[Statement]) -> None:
        reference = request.POST.get("reference", "")
        self.each(request, queryset, lambda one: record_transfer(one, reference, by=operator(request)))


@admin.register(AccountBalance)
class AccountBalanceAdmin(ReadOnlyAdmin):
    """What accounts have paid in advance; moved by journal entries only."""

    list_display = ["account", money_column("amount")]
    list_select_related = ["account"]
    search_fields = ["account__name"]


class PostingInline(ReadOnlyInline):
    model = Posting


VERBS: dict[str, Callable[..., JournalEntry]] = {
    EntryKind.TOP_UP: lambda data, money, by: top_up(
        data["party"], money, reference=data["text"], key=data["key"], by=by
    ),
    EntryKind.ADJUSTMENT: lambda data, money, by: adjust_balance(
        data["party"], Adjustment(money, data["cause"], data["text"]), key=data["key"], by=by
    ),
    EntryKind.RESELLER_PAID: lambda data, money, by: receive_from_reseller(
        data["party"], money, reference=data["text"], key=data["key"], by=by
    ),
    EntryKind.PAYOUT: lambda data, money, by: pay_out(data["party"], money, reference=data["text"], by=by),
    EntryKind.GATEWAY_PAYOUT: lambda data, money, by: receive_from_gateway(money, reference=data["text"], by=by),
    EntryKind.TAX_REMITTED: lambda data, money, by: remit_tax(money, reference=data["text"], by=by),
}


@admin.register(JournalEntry)
class JournalEntryAdmin(ReadOnlyAdmin):
    """The books. Adding one posts a top-up, an adjustment, a payment of a reseller or of the
    card processor, a payout, or tax that was remitted."""

    list_display = ["at", "kind", "cause", "order", "payment", "refund", "by", "text"]
    list_filter = ["kind", "cause", "at"]
    list_select_related = ["order", "payment", "refund"]
    search_fields = ["order__number", "payment__public_id"]
    date_hierarchy = "at"
    inlines = [PostingInline]
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("billing.add_journalentry"))

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        form = ByHandForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            data = form.cleaned_data
            try:
                entry = VERBS[data["kind"]](data, form.money(), operator(request))
            except DomainError as refused:
                form.add_error(None, refused.message)
            else:
                self.message_user(request, f"{entry.get_kind_display()}: {form.money().display()}", messages.SUCCESS)
                return HttpResponseRedirect(reverse("admin:billing_journalentry_changelist"))
        return form_page(self, request, form, "Post by hand")


@admin.register(Posting)
class PostingAdmin(ReadOnlyAdmin):
    """Single postings, to search and export; what an account, seller or reseller owes or has is a statement of account."""

    list_display = ["entry", "ledger", "account", "seller", "reseller", money_column("amount")]
    list_filter = ["ledger", "currency", "entry__kind", "entry__at"]
    list_select_related = ["entry", "account", "seller", "reseller"]
    search_fields = ["account__name", "account__public_id", "seller__slug", "reseller__name", "entry__order__number"]
    ordering = ["-id"]
    actions = ["export"]

    def get_urls(self) -> list[Any]:
        own = path("statement/", self.admin_site.admin_view(self.statement), name="billing_posting_statement")
        return [own, *super().get_urls()]

    def statement(self, request: HttpRequest) -> HttpResponseBase:
        """One ledger of one party over some days, with opening, running and closing balance."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        frame = {**self.admin_site.each_context(request), "opts": self.opts, "title": "Statement of account"}
        return statement_page(request, frame)

    show_full_result_count = False

    @admin.action(description="Export as CSV")
    def export(self, request: HttpRequest, queryset: QuerySet[Posting]) -> StreamingHttpResponse:
        head = [
            "time",
            "kind",
            "order",
            "payment",
            "ledger",
            "account",
            "seller",
            "reseller",
            "amount",
            "currency",
            "text",
        ]
        rows = queryset.select_related("entry", "entry__order", "entry__payment", "account", "seller", "reseller")

        def lines() -> Iterator[list[str]]:
            yield head
            for one in rows.order_by("id").iterator(chunk_size=2000):
                yield [
                    one.entry.at.isoformat(timespec="seconds"),
                    one.entry.kind,
                    one.entry.order.number if one.entry.order else "",
                    one.entry.payment.public_id if one.entry.payment else "",
                    one.ledger,
                    csv_cell(one.account.name if one.account else ""),
                    one.seller.slug if one.seller else "",
                    csv_cell(one.reseller.name if one.reseller else ""),
                    one.money.digits(),
                    one.currency,
                    csv_cell(one.entry.text),
                ]

        return csv_file(lines(), "postings.csv")


@admin.register(ProductFee)
class ProductFeeAdmin(admin.ModelAdmin):
    """Our share of a product's sales, where it differs from the settings'."""

    list_display = ["product", "percent"]
    search_fields = ["product__name"]
    autocomplete_fields = ["product"]


@admin.register(PaymentMethod)
class PaymentMethodAdmin(ReadOnlyAdmin):
    """Bound cards: brand and last digits, as the processor tells them."""

    list_display = ["account", "brand", "last4", "expires_year", "expires_month", "is_default", "unbound_at"]
    list_select_related = ["account"]
    search_fields = ["account__name", "last4"]
    fields = [
        "account", "brand", "last4", "expires_year", "expires_month", "is_default", "gateway", "bound_at", "unbound_at",
    ]  # fmt: skip


__all__ = ["DisputeAdmin", "PaymentAdmin", "RefundAdmin", "UsageAccountAdmin", "UsageBillAdmin"]


for _queue in (
    Queue(
        "Unsubscriptions to review",
        lambda: Unsubscription.objects.filter(status=UnsubscriptionStatus.IN_REVIEW),
        since="requested_at",
        query="?status__exact=in_review",
    ),
    Queue(
        "Refunds that need consent",
        lambda: RefundProposal.objects.filter(status=ProposalStatus.AWAITING_CONSENT),
        since="proposed_at",
        query="?status__exact=awaiting_consent",
    ),
):
    register_queue(_queue)
