"""Invoices in the Billing Center (guide 8, UX 3.5): to be invoiced, applications, issued; one invoice; its PDF."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import Account
from accounts.permissions import Permission, may
from accounts.web import BuyerRequest, buyer_required
from billing.invoices.choices import APPLICATIONS, ISSUED_ONES, Basis, DocumentKind, InvoiceStatus
from billing.invoices.forms import ApplicationForm
from billing.invoices.models import Invoice, InvoiceHeader, InvoiceItem, InvoiceRecord
from billing.invoices.rules import tax_number_warning
from billing.invoices.services import (
    Application,
    Preview,
    Source,
    apply_for_invoice,
    cancel_application,
    preview_of,
    sources_of,
    usage_sources_of,
)
from billing.invoices.services.applying import MOST_ORDERS
from billing.invoices.services.issuing import sealed_pdf
from billing.invoices.services.sources import outstanding, parts_of, prepaid
from catalog.models import Product
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
    preview: Preview


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
            "groups": _groups(page, request.account),
            "cycles": [*sources_of(request.account), *usage_sources_of(request.account)],
        }
    else:
        wanted = APPLICATIONS if tab == APPLIED else ISSUED_ONES
        rows = Invoice.objects.for_account(request.account).filter(status__in=wanted)
        rows = rows.newest_first().with_table_columns()
        page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
        again, named = reissues_of(list(page)), products_of(list(page))
        context |= {"page": page, "rows": [(one, again.get(one.pk, ""), named.get(one.pk, [])) for one in page]}
    return render(request, "billing/invoice_list.html", context)


def products_of(invoices: Sequence[Invoice]) -> dict[int, list[Product]]:
    """Invoice -> the products whose orders it names, in one query."""
    found: dict[int, list[Product]] = defaultdict(list)
    items = InvoiceItem.objects.filter(invoice__in=invoices, amount__gt=0).select_related("order__product")
    items = items.order_by("invoice", "order__product").distinct("invoice", "order__product")
    for item in items.only("invoice", "order__product__name", "order__product__slug"):
        found[item.invoice_id].append(item.order.product)
    return found


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


def _groups(page: Page, account: Account) -> list[Group]:
    found: dict[tuple[str, str], list[Source]] = defaultdict(list)
    for part in parts_of(page.object_list):
        if part.cash.left:
            source = Source(Basis.ORDER, [part])
            found[part.issuer, part.order.currency].append(source)
    offsets = outstanding(account) if found else []
    groups = []
    for (issuer, currency), rows in sorted(found.items()):
        theirs = [one for one in offsets if (one.issuer, one.order.currency) == (issuer, currency)]
        preview = Preview(Money.total((one.left for one in rows), currency), theirs)
        groups.append(Group(issuer, rows[0].issuer_name, rows, preview))
    return groups


@dataclass(frozen=True, slots=True)
class Selection:
    """What an application is over: orders by number, or a closed cycle; `shown` may be selected too."""

    orders: list[str]
    shown: list[str]
    statement: str
    bill: str
    issuer: str
    replaces: str

    @classmethod
    def of(cls, asked: QueryDict) -> "Selection":
        orders = asked.getlist("order")[: MOST_ORDERS + 1]
        return cls(
            orders=orders,
            shown=list(dict.fromkeys([*asked.getlist("shown")[: MOST_ORDERS + 1], *orders])),
            statement=asked.get("statement", "")[:16],
            bill=asked.get("bill", "")[:16],
            issuer=asked.get("issuer", "")[:64],
            replaces=asked.get("replaces", "")[:20],
        )

    @property
    def hidden(self) -> list[tuple[str, str]]:
        """What the form sends beside the boxes that are ticked."""
        one = {"statement": self.statement, "bill": self.bill, "issuer": self.issuer, "replaces": self.replaces}
        return [("shown", number) for number in self.shown] + [(name, value) for name, value in one.items() if value]

    def sources(self, account: Account) -> list[Source]:
        """As far as they can be invoiced."""
        if self.bill:
            found = usage_sources_of(account, bill=self.bill)
        elif self.statement:
            closed = sources_of(account)
            found = [one for one in closed if one.statement and one.statement.public_id == self.statement]
        else:
            rows = prepaid(account).filter(number__in=self.shown)
            found = [Source(Basis.ORDER, [one]) for one in parts_of(rows) if one.cash.left]
        return [one for one in found if not self.issuer or one.issuer == self.issuer]

    def by_issuer(self, sources: Sequence[Source]) -> list[Link]:
        """Where each issuer's part is applied for, if several issuers invoice what is asked for; else empty."""
        names = {one.issuer: one.issuer_name for one in sources}
        if len(names) < 2:
            return []
        kept = [(name, value) for name, value in self.hidden if name != "shown"]
        mine = {
            slug: [("order", one.order.number) for one in sources if one.cycle is None and one.issuer == slug]
            for slug in names
        }
        return [
            Link(
                _("Apply for invoice: %(issuer)s") % {"issuer": name},
                f"{reverse('billing:invoice_apply')}?{urlencode([*mine[slug], *kept, ('issuer', slug)])}",
            )
            for slug, name in sorted(names.items(), key=lambda one: one[1])
        ]

    def total(self, sources: Sequence[Source], account: Account) -> dict[str, Any]:
        """What the fragment prints: what the invoice comes to, or why there is none."""
        chosen = [one for one in sources if one.cycle or one.order.number in self.orders]
        try:
            return {"preview": preview_of([part for one in chosen for part in one.parts], account=account)}
        except DomainError as refused:
            return {"refusal": refused.message if chosen else _("Select at least one order.")}


@require_http_methods(["GET", "HEAD", "POST"])
@buyer_required(Permission.INVOICE)
def apply(request: BuyerRequest) -> HttpResponse:
    """`/billing/invoices/apply/?order=...`: what was selected, what it comes to, the header, and the application."""
    asked = Selection.of(request.POST if request.method == "POST" else request.GET)
    headers = list(InvoiceHeader.objects.for_account(request.account))
    applies = request.method == "POST" and request.POST.get("act") != "total"
    form = ApplicationForm(headers, request.POST if applies else None, initial=request.POST.dict())
    error: DomainError | None = None
    if applies and form.is_valid():
        wanted = Application(
            form.chosen(),
            orders=asked.orders,
            statement=asked.statement,
            usage_bill=asked.bill,
            issuer=asked.issuer,
            note=form.cleaned_data["note"],
            replaces=asked.replaces,
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
    sources = asked.sources(request.account)
    context = asked.total(sources, request.account) | {
        "form": form,
        "error": error,
        "headers": headers,
        "warnings": [one for header in headers if (one := tax_number_warning(header.country, header.tax_number))],
        "rows": [(one, one.cycle is None and one.order.number in asked.orders) for one in sources],
        "issuers": asked.by_issuer(sources),
        "left_out": len(set(asked.shown) - {one.order.number for one in sources if one.cycle is None}),
        "hidden": asked.hidden,
        "new_header": f"{reverse('billing:header_new')}?{urlencode({'next': request.get_full_path()})}",
    }
    return render(request, "billing/invoice_apply.html", context, status=422 if error or form.errors else 200)


@require_safe
@buyer_required(Permission.INVOICE)
def total_fragment(request: BuyerRequest) -> HttpResponse:
    """`/billing/invoices/apply/total/?order=...`: what the selected come to, alone, as the calculator fetches it."""
    asked = Selection.of(request.GET)
    context = asked.total(asked.sources(request.account), request.account)
    return render(request, "billing/_invoice_total.html", context)


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
        "items": list(invoice.items.select_related("order__product")),
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
