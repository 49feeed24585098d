"""Operations' queue of invoice applications and returns; issuers; documents. Issued ones are only looked at."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import path
from django.utils.html import format_html

from billing.admin_forms import ReasonActionForm
from billing.admin_verbs import VerbAdmin, operator
from billing.invoices.choices import DocumentKind, InvoiceStatus
from billing.invoices.models import Invoice, InvoiceDocument, InvoiceItem, InvoiceRecord, Issuer
from billing.invoices.services import (
    HeaderData,
    approve_application,
    checked_issuer,
    finish_return,
    reject_application,
    reject_return,
    save_issuer,
)
from billing.invoices.services.issuing import sealed_pdf
from koogallery.kernel.admin import ReadOnlyAdmin
from koogallery.kernel.errors import InvalidInput
from koogallery.kernel.web.admin_site import Queue, register_queue
from koogallery.kernel.web.files import pdf_response
from orders.admin import ReadOnlyInline


class ItemInline(ReadOnlyInline):
    model = InvoiceItem


class RecordInline(ReadOnlyInline):
    model = InvoiceRecord


class WaitingFilter(admin.SimpleListFilter):
    """What waits for the platform comes first: sellers decide on their own."""

    title = "waits for"
    parameter_name = "waits"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("platform", "us"), ("sellers", "a seller")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Invoice]) -> QuerySet[Invoice]:
        if self.value() is None:
            return queryset
        waiting = queryset.filter(status__in=[InvoiceStatus.PENDING_REVIEW, InvoiceStatus.RETURNING])
        return waiting.filter(issuer__is_platform=self.value() == "platform")


@admin.register(Invoice)
class InvoiceAdmin(VerbAdmin):
    """Applications and invoices. The status moves by the actions; operations act for sellers too."""

    list_display = [
        "number", "invoice", "issuer", "account", "company_name", "amount", "currency", "status", "created_at",
    ]  # fmt: skip
    list_filter = [WaitingFilter, "status", "issuer__is_platform", "created_at"]
    list_select_related = ["issuer", "account"]
    search_fields = ["number", "documents__number", "company_name", "account__name", "items__order__number"]
    ordering = ["-created_at", "-id"]
    inlines = [ItemInline, RecordInline]
    action_form = ReasonActionForm
    actions = ["issue", "reject", "take_back", "refuse_return"]
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Invoice]:
        return super().get_queryset(request).prefetch_related("documents")

    @admin.display(description="invoice")
    def invoice(self, one: Invoice) -> str:
        return one.invoice_number or "-"

    @admin.action(description="Issue the invoice", permissions=["verb"])
    def issue(self, request: HttpRequest, queryset: QuerySet[Invoice]) -> None:
        self.each(request, queryset, lambda one: approve_application(one, by=operator(request)))

    @admin.action(description="Reject the application (give the reason)", permissions=["verb"])
    def reject(self, request: HttpRequest, queryset: QuerySet[Invoice]) -> None:
        reason = request.POST.get("reason", "")
        self.each(request, queryset, lambda one: reject_application(one, reason=reason, by=operator(request)))

    @admin.action(description="Take back with a credit note", permissions=["verb"])
    def take_back(self, request: HttpRequest, queryset: QuerySet[Invoice]) -> None:
        self.each(request, queryset, lambda one: finish_return(one, by=operator(request)))

    @admin.action(description="Reject the return (give the reason)", permissions=["verb"])
    def refuse_return(self, request: HttpRequest, queryset: QuerySet[Invoice]) -> None:
        reason = request.POST.get("reason", "")
        self.each(request, queryset, lambda one: reject_return(one, reason=reason, by=operator(request)))


@admin.register(InvoiceDocument)
class InvoiceDocumentAdmin(ReadOnlyAdmin):
    """Issued invoices and credit notes: nobody changes them, the database refuses it too."""

    list_display = ["number", "kind", "issuer", "total", "currency", "issued_at", "pdf"]
    list_filter = ["kind", "year", "issuer__is_platform"]
    list_select_related = ["issuer"]
    search_fields = ["number", "code", "invoice__number", "invoice__company_name"]
    date_hierarchy = "issued_at"
    show_full_result_count = False

    def get_urls(self) -> list[Any]:
        own = path("<int:pk>/pdf/", self.admin_site.admin_view(self.download), name="billing_invoicedocument_pdf")
        return [own, *super().get_urls()]

    @admin.display(description="PDF")
    def pdf(self, one: InvoiceDocument) -> str:
        return format_html('<a href="{}/pdf/">Download</a>', one.pk)

    def download(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The document as it was issued."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        document = get_object_or_404(InvoiceDocument, pk=pk)
        return pdf_response(sealed_pdf(document), f"{DocumentKind(document.kind).replace('_', '-')}-{document.number}")


class IssuerDetailsForm(forms.ModelForm):
    """What an issuer's documents print; what is wrong stands beside its field."""

    class Meta:
        model = Issuer
        fields = ["company_name", "tax_number", "country", "address", "email", "prefix"]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        header = HeaderData(**{name: data.get(name) or "" for name in self.fields if name != "prefix"})
        try:
            checked_issuer(self.instance, header, prefix=data.get("prefix") or "")
        except InvalidInput as refused:
            for field, texts in refused.errors.items():
                name = "prefix" if field == "number_prefix" else field
                if name not in self.errors:
                    self.add_error(name, texts)
        return data


@admin.register(Issuer)
class IssuerAdmin(admin.ModelAdmin):
    """What issuers' documents print from now on; the platform's own details are kept here."""

    form = IssuerDetailsForm
    list_display = ["company_name", "prefix", "seller", "country", "tax_number"]
    search_fields = ["company_name", "prefix", "seller__slug"]
    readonly_fields = ["seller"]
    fields = ["seller", "company_name", "tax_number", "country", "address", "email", "prefix"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Issuer, form: Any, change: bool) -> None:
        """Through the verb, which cleans the texts."""
        save_issuer(obj, HeaderData(**obj.header()), prefix=obj.prefix, by=operator(request))


WAITING = [InvoiceStatus.PENDING_REVIEW, InvoiceStatus.RETURNING]
register_queue(
    Queue(
        "Invoice applications and returns",
        lambda: Invoice.objects.of_platform().filter(status__in=WAITING),
        since="created_at",
        query="?waits=platform",
    )
)
