"""REST: invoices of an account; a seller's applications and returns (API.md)."""

from typing import Any

from django.http import Http404, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import Permission, require
from accounts.resources import BuyerAPIView, SellerAPIView
from billing.invoices.choices import DocumentKind
from billing.invoices.models import LONGEST_NAME, Invoice
from billing.invoices.rules import tax_number_warning
from billing.invoices.services import (
    Application,
    HeaderData,
    apply_for_invoice,
    approve_application,
    cancel_application,
    finish_return,
    reject_application,
    reject_return,
)
from billing.invoices.services.applying import LONGEST_NOTE, MOST_ORDERS
from billing.invoices.services.recording import LONGEST_REASON
from billing.invoices.views.buyer import document_response
from koogallery.kernel.api.idempotency import idempotent
from koogallery.kernel.api.input import CleanCharField, StrictSerializer
from koogallery.kernel.api.output import MoneySerializer, NewestFirst


class HeaderSerializer(serializers.Serializer[Any]):
    """To whom it is made out."""

    company_name = serializers.CharField()
    tax_number = serializers.CharField()
    country = serializers.CharField()
    address = serializers.CharField()
    email = serializers.CharField()


class InvoiceSerializer(serializers.Serializer[Any]):
    """An application and what became of it; `invoice_number` is the issued invoice's own."""

    number = serializers.CharField()
    status = serializers.CharField()
    issuer = serializers.SerializerMethodField()
    issuer_name = serializers.CharField(source="issuer.company_name")
    basis = serializers.CharField()
    amount = MoneySerializer(source="money")
    orders = serializers.SerializerMethodField()
    header = serializers.SerializerMethodField()
    invoice_number = serializers.SerializerMethodField()
    credit_note_number = serializers.SerializerMethodField()
    replaces = serializers.SerializerMethodField()
    reason = serializers.CharField()
    return_answer = serializers.CharField()
    warnings = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()
    issued_at = serializers.DateTimeField(allow_null=True)

    def get_issuer(self, one: Invoice) -> str:
        """A seller's slug, or `platform`."""
        return one.issuer.slug

    def get_orders(self, one: Invoice) -> list[str]:
        return [item.order.number for item in one.items.all()]

    def get_header(self, one: Invoice) -> dict[str, str]:
        return one.header()

    def get_invoice_number(self, one: Invoice) -> str | None:
        return one.invoice_number or None

    def get_credit_note_number(self, one: Invoice) -> str | None:
        note = one.document(DocumentKind.CREDIT_NOTE)
        return note.number if note else None

    def get_replaces(self, one: Invoice) -> str | None:
        return one.replaces.number if one.replaces else None

    def get_warnings(self, one: Invoice) -> list[str]:
        """What looks wrong but is kept."""
        warning = tax_number_warning(one.country, one.tax_number)
        return [warning] if warning else []


class HeaderInput(StrictSerializer):
    """A header as it is typed; `country` is the account's where it is left out."""

    company_name = CleanCharField(max_length=LONGEST_NAME)
    tax_number = CleanCharField(required=False, allow_blank=True, max_length=40)
    address = CleanCharField(required=False, allow_blank=True, max_length=300)
    email = CleanCharField(required=False, allow_blank=True, max_length=254)
    country = CleanCharField(required=False, allow_blank=True, max_length=2)


class InvoiceInput(StrictSerializer):
    """What is applied for: orders, or a closed cycle's paid statement or usage `bill`; `issuer` where an order has parts of two."""

    orders = serializers.ListField(child=CleanCharField(max_length=20), required=False, max_length=MOST_ORDERS)
    statement = CleanCharField(required=False, allow_blank=True, max_length=16)
    bill = CleanCharField(required=False, allow_blank=True, max_length=16)
    issuer = CleanCharField(required=False, allow_blank=True, max_length=64)
    header = HeaderInput()
    note = CleanCharField(required=False, allow_blank=True, max_length=LONGEST_NOTE)
    replaces = CleanCharField(required=False, allow_blank=True, max_length=20)

    def as_application(self) -> Application:
        data = self.validated_data
        return Application(
            header=HeaderData(**data["header"]),
            orders=data.get("orders", []),
            statement=data.get("statement", ""),
            usage_bill=data.get("bill", ""),
            issuer=data.get("issuer", ""),
            note=data.get("note", ""),
            replaces=data.get("replaces", ""),
        )


def _rows(rows: Any) -> Any:
    return rows.with_table_columns().select_related("replaces").prefetch_related("items__order")


def as_json(invoice: Invoice) -> dict[str, Any]:
    """The invoice, read afresh."""
    found = _rows(Invoice.objects.filter(pk=invoice.pk)).get()
    return InvoiceSerializer(found).data


def _own(view: BuyerAPIView, number: str) -> Invoice:
    rows = _rows(Invoice.objects.for_account(view.account))
    found = rows.filter(number=number).first() or rows.filter(documents__number=number).first()
    if found is None:
        raise Http404
    return found


class InvoiceList(BuyerAPIView):
    """The account's applications and invoices, newest first; applying for one."""

    @extend_schema(operation_id="invoices_list", responses=InvoiceSerializer(many=True))
    def get(self, request: Request) -> Response:
        pages = NewestFirst()
        found = pages.paginate_queryset(_rows(Invoice.objects.for_account(self.account)), request, self)
        return pages.get_paginated_response(InvoiceSerializer(found, many=True).data)

    @extend_schema(operation_id="invoices_create", request=InvoiceInput, responses={201: InvoiceSerializer})
    @idempotent()
    def post(self, request: Request) -> Response:
        require(self.actor, Permission.INVOICE)
        given = InvoiceInput(data=request.data)
        given.is_valid(raise_exception=True)
        made = apply_for_invoice(given.as_application(), account=self.account, by=self.actor)
        return Response(as_json(made), status=201)


class InvoiceDetail(BuyerAPIView):
    """One, by the application's number or the invoice's."""

    @extend_schema(operation_id="invoices_retrieve", responses=InvoiceSerializer)
    def get(self, request: Request, number: str) -> Response:
        return Response(InvoiceSerializer(_own(self, number)).data)


class InvoicePdf(BuyerAPIView):
    """The issued invoice as PDF/A-3: the same bytes each time."""

    @extend_schema(operation_id="invoices_pdf", responses={(200, "application/pdf"): OpenApiTypes.BINARY})
    def get(self, request: Request, number: str) -> HttpResponse:
        return document_response(_own(self, number), DocumentKind.INVOICE)


class InvoiceCancel(BuyerAPIView):
    """Take back an application that is pending review."""

    @extend_schema(operation_id="invoices_cancel", request=None, responses={200: InvoiceSerializer})
    @idempotent()
    def post(self, request: Request, number: str) -> Response:
        invoice = _own(self, number)
        StrictSerializer(data=request.data).is_valid(raise_exception=True)
        return Response(as_json(cancel_application(invoice, by=self.actor)))


class ReasonInput(StrictSerializer):
    """Why."""

    reason = CleanCharField(max_length=LONGEST_REASON)


class SellerInvoiceList(SellerAPIView):
    """Applications to the seller, and what he issued, newest first."""

    @extend_schema(operation_id="seller_invoices_list", responses=InvoiceSerializer(many=True))
    def get(self, request: Request) -> Response:
        pages = NewestFirst()
        found = pages.paginate_queryset(_rows(Invoice.objects.for_seller(self.seller)), request, self)
        return pages.get_paginated_response(InvoiceSerializer(found, many=True).data)


ACTIONS = {
    "issue": approve_application,
    "reject": reject_application,
    "take-back": finish_return,
    "reject-return": reject_return,
}


class SellerInvoiceAction(SellerAPIView):
    """`issue`, `reject`, `take-back` (with a credit note) or `reject-return`."""

    @extend_schema(operation_id="seller_invoices_action", request=ReasonInput, responses={200: InvoiceSerializer})
    @idempotent()
    def post(self, request: Request, number: str, action: str) -> Response:
        found = _rows(Invoice.objects.for_seller(self.seller)).filter(number=number).first()
        if found is None or action not in ACTIONS:
            raise Http404
        reasons: dict[str, str] = {}
        if action.startswith("reject"):
            given = ReasonInput(data=request.data)
            given.is_valid(raise_exception=True)
            reasons = dict(given.validated_data)
        else:
            StrictSerializer(data=request.data).is_valid(raise_exception=True)
        return Response(as_json(ACTIONS[action](found, by=self.actor, **reasons)))  # type: ignore[operator]
