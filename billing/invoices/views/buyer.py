"""Invoices in the Billing Center (guide 8, UX 3.5): to be invoiced, applications, issued; one invoice; its PDF."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Permission, may
from accounts.web import BuyerRequest, buyer_required
from billing.invoices.choices import APPLICATIONS, ISSUED_ONES, Basis, DocumentKind, InvoiceStatus
from billing.invoices.forms import ApplicationForm
from billing.invoices.models import Invoice, InvoiceHeader, InvoiceItem, InvoiceRecord
from billing.invoices.rules import tax_number_warning
from billing.invoices.services import (
    Application,
    Source,
    apply_for_invoice,
    cancel_application,
    sources_of,
    usage_sources_of,
)
from billing.invoices.services.applying import MOST_ORDERS
from billing.invoices.services.issuing import sealed_pdf
from billing.invoices.services.sources import parts_of, prepaid
from koogallery.kernel.errors import DomainError
from koogallery.kernel.money import Money
from koogallery.kernel.web.files import pdf_response
from koogallery.kernel.web.parts import Link, Record

PAGE_SIZE = 50
TO_BE_INVOICED, APPLIED, ISSUED = "to-be-invoiced", "applications", "issued"
TABS = {
    TO_BE_INVOICED: gettext_lazy("To be invoiced"),
    APPLIED: gettext_lazy("Applications"),
    ISSUED: gettext_lazy("Issued"),
}


@dataclass(frozen=True, slots=True)
class Group:
    """What one issuer can invoice, in one currency: their rows share a form, because they can share an invoice."""

    issuer: str
    name: str
    rows: list[Source]
    total: Money


@require_safe
@buyer_required()
def invoice_list(request: BuyerRequest) -> HttpResponse:
    """`/billing/invoices/`: the three tabs."""
    tab = request.GET.get("tab", TO_BE_INVOICED)
    tab = tab if tab in TABS else TO_BE_INVOICED
    context: dict[str, Any] = {
        "tab": tab,
        "tabs": [Link(label, f"?tab={name}", current=name == tab) for name, label in TABS.items()],
        "may_apply": may(request.membership.role, Permission.INVOICE),
        "through_reseller": request.account.reseller_id is not None,
    }
    if tab == TO_BE_INVOICED:
        page = Paginator(prepaid(request.account), PAGE_SIZE).get_page(request.GET.get("page"))
        context |= {
            "page": page,
            "groups": _groups(page),
            "cycles": [*sources_of(request.account), *usage_sources_of(request.account)],
        }
    else:
        wanted = APPLICATIONS if tab == APPLIED else ISSUED_ONES
        rows = Invoice.objects.for_account(request.account).filter(status__in=wanted)
        rows = rows.newest_first().with_table_columns()
        page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
        again = reissues_of(list(page))
        context |= {"page": page, "rows": [(one, again.get(one.pk, "")) for one in page]}
    return render(request, "billing/invoice_list.html", context)


def reissues_of(invoices: Sequence[Invoice]) -> dict[int, str]:
    """Returned invoice -> where it is applied for again, as long as no other stands or waits in its place."""
    returned = [one.pk for one in invoices if one.status == InvoiceStatus.RETURNED]
    if not returned:
        return {}
    replaced = set(Invoice.objects.counted().filter(replaces__in=returned).values_list("replaces", flat=True))
    items = InvoiceItem.objects.filter(invoice__in=set(returned) - replaced, amount__gt=0).order_by("id")
    asked: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for item in items.select_related("invoice__issuer__seller", "order", "statement", "usage_bill"):
        if not (known := asked[item.invoice_id]):
            known += [("replaces", item.invoice.number), ("issuer", item.invoice.issuer.slug)]
        if item.statement or item.usage_bill:
            cycle = ("statement", item.statement) if item.statement else ("bill", item.usage_bill)
            if cycle[0] not in dict(known):
                known.append((cycle[0], cycle[1].public_id))  # type: ignore[union-attr]
        else:
            known.append(("order", item.order.number))
    return {pk: f"{reverse('billing:invoice_apply')}?{urlencode(one)}" for pk, one in asked.items()}


def _groups(page: Page) -> list[Group]:
    found: dict[tuple[str, str], list[Source]] = defaultdict(list)
    for part in parts_of(page.object_list):
        if part.cash.left:
            source = Source(Basis.ORDER, [part])
            found[part.issuer, part.order.currency].append(source)
    return [
        Group(issuer, rows[0].issuer_name, rows, Money.total((one.left for one in rows), currency))
        for (issuer, currency), rows in sorted(found.items())
    ]


@require_http_methods(["GET", "HEAD", "POST"])
@buyer_required(Permission.INVOICE)
def apply(request: BuyerRequest) -> HttpResponse:
    """`/billing/invoices/apply/?order=...`: what was selected, the header, and the application."""
    asked = request.POST if request.method == "POST" else request.GET
    orders, statement = asked.getlist("order")[: MOST_ORDERS + 1], asked.get("statement", "")[:16]
    bill = asked.get("bill", "")[:16]
    issuer, replaces = asked.get("issuer", "")[:64], asked.get("replaces", "")[:20]
    headers = list(InvoiceHeader.objects.for_account(request.account))
    form = ApplicationForm(headers, request.POST or None)
    error: DomainError | None = None
    if request.method == "POST" and form.is_valid():
        wanted = Application(
            form.chosen(),
            orders=orders,
            statement=statement,
            usage_bill=bill,
            issuer=issuer,
            note=form.cleaned_data["note"],
            replaces=replaces,
        )
        try:
            made = apply_for_invoice(wanted, account=request.account, by=request.actor)
        except DomainError as refused:
            error = refused
        else:
            if warning := tax_number_warning(made.country, made.tax_number):
                messages.warning(request, warning)
            messages.success(request, _("You applied for invoice %(number)s.") % {"number": made.number})
            return redirect(made)
    context = {
        "form": form,
        "error": error,
        "headers": headers,
        "warnings": [one for header in headers if (one := tax_number_warning(header.country, header.tax_number))],
        "chosen": _chosen(request, orders, statement, bill, issuer),
        "hidden": [("order", one) for one in orders]
        + [
            (name, value)
            for name, value in (("statement", statement), ("bill", bill), ("issuer", issuer), ("replaces", replaces))
            if value
        ],
        "new_header": f"{reverse('billing:header_new')}?{urlencode({'next': request.get_full_path()})}",
    }
    return render(request, "billing/invoice_apply.html", context, status=422 if error or form.errors else 200)


def _chosen(request: BuyerRequest, orders: list[str], statement: str, bill: str, issuer: str) -> list[Source]:
    """What the application is over, as far as it can be invoiced."""
    if bill:
        found = usage_sources_of(request.account, bill=bill)
    elif statement:
        found = [one for one in sources_of(request.account) if one.statement and one.statement.public_id == statement]
    else:
        rows = prepaid(request.account).filter(number__in=orders)
        found = [Source(Basis.ORDER, [one]) for one in parts_of(rows) if one.cash.left]
    return [one for one in found if not issuer or one.issuer == issuer]


def own_invoice(request: BuyerRequest, number: str) -> Invoice:
    """One of the account's, with what its page prints; found by either number.

    Raises:
        Http404
    """
    rows = Invoice.objects.for_account(request.account).with_table_columns()
    found = rows.filter(number=number).first() or rows.filter(documents__number=number).first()
    if found is None:
        raise Http404
    return found


@require_safe
@buyer_required()
def invoice_detail(request: BuyerRequest, number: str) -> HttpResponse:
    """`/billing/invoices/<number>/`: who issues it, how far it is, what it names, what can be done."""
    invoice = own_invoice(request, number)
    return render(request, "billing/invoice_detail.html", detail_context(request, invoice, side="buyer"))


def detail_context(request: HttpRequest, invoice: Invoice, *, side: str) -> dict[str, Any]:
    """What both sides' pages of an invoice print."""
    return {
        "invoice": invoice,
        "items": list(invoice.items.select_related("order")),
        "records": [_record(one) for one in reversed(invoice.history.all())],
        "document": invoice.document(),
        "credit_note": invoice.document(DocumentKind.CREDIT_NOTE),
        "warning": tax_number_warning(invoice.country, invoice.tax_number),
        "reissued": list(invoice.replaced_by.counted()),
        "reissue": reissues_of([invoice]).get(invoice.pk, "") if side == "buyer" else "",
        "layout": "layouts/seller.html" if side == "seller" else "layouts/billing.html",
        "may_apply": side == "buyer" and may(request.membership.role, Permission.INVOICE),  # type: ignore[attr-defined]
        "side": side,
    }


def _record(one: InvoiceRecord) -> Record:
    return Record(title=InvoiceStatus(one.to_status).label, who=one.by, at=one.at, text=one.note, icon="file-invoice")


@require_safe
@buyer_required()
def invoice_pdf(request: BuyerRequest, number: str) -> HttpResponse:
    """`/billing/invoices/<number>/invoice.pdf`."""
    return document_response(own_invoice(request, number), DocumentKind.INVOICE)


@require_safe
@buyer_required()
def credit_note_pdf(request: BuyerRequest, number: str) -> HttpResponse:
    """`/billing/invoices/<number>/credit-note.pdf`."""
    return document_response(own_invoice(request, number), DocumentKind.CREDIT_NOTE)


def document_response(invoice: Invoice, kind: DocumentKind) -> HttpResponse:
    """A document to download.

    Raises:
        Http404: it is not issued (yet).
    """
    document = invoice.document(kind)
    if document is None:
        raise Http404
    return pdf_response(sealed_pdf(document), f"{kind.replace('_', '-')}-{document.number}")


@require_POST
@buyer_required(Permission.INVOICE)
def invoice_cancel(request: BuyerRequest, number: str) -> HttpResponse:
    """`/billing/invoices/<number>/cancel/`: the buyer takes a pending application back."""
    invoice = get_object_or_404(Invoice.objects.for_account(request.account), number=number)
    cancel_application(invoice, by=request.actor)
    messages.success(request, _("Invoice application %(number)s was canceled.") % {"number": invoice.number})
    return redirect(invoice)
