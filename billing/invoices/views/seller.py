"""Invoices in the seller portal: applications to decide on, returns, what was issued, the issuer's own details."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from accounts.web import SellerRequest, seller_required
from billing.invoices.choices import DocumentKind, InvoiceStatus
from billing.invoices.forms import IssuerForm, ReasonForm
from billing.invoices.models import Invoice
from billing.invoices.rules import tax_number_warning
from billing.invoices.services import (
    approve_application,
    finish_return,
    issuer_of,
    reject_application,
    reject_return,
    save_issuer,
)
from billing.invoices.views.buyer import detail_context, document_response
from koogallery.kernel.errors import DomainError, InvalidInput
from koogallery.kernel.web.parts import Link

PAGE_SIZE = 50
WAITING = (InvoiceStatus.PENDING_REVIEW, InvoiceStatus.RETURNING)


@require_safe
@seller_required
def invoice_list(request: SellerRequest) -> HttpResponse:
    """`/seller/invoices/`: what waits for the seller first."""
    rows = Invoice.objects.for_seller(request.seller)
    waiting = request.GET.get("show") != "all"
    shown = rows.filter(status__in=WAITING) if waiting else rows
    context = {
        "page": Paginator(shown.newest_first().with_table_columns(), PAGE_SIZE).get_page(request.GET.get("page")),
        "tabs": [Link(_("Waiting for you"), "?", current=waiting), Link(_("All"), "?show=all", current=not waiting)],
        "waiting": waiting,
    }
    return render(request, "billing/seller_invoices.html", context)


def _own(request: SellerRequest, number: str) -> Invoice:
    found = Invoice.objects.for_seller(request.seller).with_table_columns().filter(number=number).first()
    if found is None:
        raise Http404
    return found


VERBS = {
    "issue": approve_application,
    "reject": reject_application,
    "take-back": finish_return,
    "reject-return": reject_return,
}
SAID = {
    "issue": gettext_lazy("The invoice is being issued."),
    "reject": gettext_lazy("The application was rejected."),
    "take-back": gettext_lazy("The invoice was taken back with a credit note."),
    "reject-return": gettext_lazy("The return was rejected."),
}


@require_http_methods(["GET", "HEAD", "POST"])
@seller_required
def invoice_detail(request: SellerRequest, number: str) -> HttpResponse:
    """`/seller/invoices/<number>/`: what it names, and the decision: issue it, reject it, take it back or not."""
    invoice = _own(request, number)
    act = request.POST.get("act", "")
    form = ReasonForm(request.POST if act.startswith("reject") else None)
    error: DomainError | None = None
    if request.method == "POST":
        if act not in VERBS:
            raise Http404
        reasons = {"reason": form.cleaned_data["reason"]} if form.is_bound and form.is_valid() else {}
        if not form.is_bound or reasons:
            try:
                VERBS[act](invoice, by=request.actor, **reasons)  # type: ignore[operator]
            except DomainError as refused:
                error = refused
            else:
                messages.success(request, str(SAID[act]))
                return redirect("billing:seller_invoice", invoice.number)
    context = {**detail_context(request, invoice, side="seller"), "form": form, "error": error, "act": act}
    return render(request, "billing/invoice_detail.html", context, status=422 if error or form.errors else 200)


@require_safe
@seller_required
def invoice_pdf(request: SellerRequest, number: str) -> HttpResponse:
    """`/seller/invoices/<number>/invoice.pdf`."""
    return document_response(_own(request, number), DocumentKind.INVOICE)


@require_safe
@seller_required
def credit_note_pdf(request: SellerRequest, number: str) -> HttpResponse:
    """`/seller/invoices/<number>/credit-note.pdf`."""
    return document_response(_own(request, number), DocumentKind.CREDIT_NOTE)


@require_http_methods(["GET", "HEAD", "POST"])
@seller_required
def issuer(request: SellerRequest) -> HttpResponse:
    """`/seller/invoices/issuer/`: name, tax number, address and prefix that his invoices print from now on."""
    found = issuer_of(request.seller)
    form = IssuerForm(found, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            saved = save_issuer(found, form.data_given(), prefix=form.cleaned_data["number_prefix"], by=request.actor)
        except InvalidInput as refused:
            for field, texts in refused.errors.items():
                form.add_error(field if field in form.fields else None, texts)
        else:
            if warning := tax_number_warning(saved.country, saved.tax_number):
                messages.warning(request, warning)
            messages.success(request, _("Your invoice details were saved."))
            return redirect("billing:seller_issuer")
    return render(request, "billing/seller_issuer.html", {"form": form}, status=422 if form.errors else 200)
