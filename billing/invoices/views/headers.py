"""The header book in the Billing Center."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Permission, may
from accounts.web import BuyerRequest, buyer_required
from billing.invoices.forms import HeaderBookForm
from billing.invoices.models import InvoiceHeader
from billing.invoices.rules import tax_number_warning
from billing.invoices.services import remove_header, save_header
from koogallery.kernel.errors import DomainError, InvalidInput


@require_safe
@buyer_required()
def header_list(request: BuyerRequest) -> HttpResponse:
    """`/billing/invoice-headers/`: the book, each with what looks wrong in its tax number."""
    headers = InvoiceHeader.objects.for_account(request.account)
    context = {
        "headers": [(one, tax_number_warning(one.country, one.tax_number)) for one in headers],
        "may_edit": may(request.membership.role, Permission.INVOICE),
    }
    return render(request, "billing/header_list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@buyer_required(Permission.INVOICE)
def header_new(request: BuyerRequest) -> HttpResponse:
    """`/billing/invoice-headers/new/`; with `?next=` back to the application."""
    initial = {"company_name": request.account.name, "country": request.account.country, "email": request.user.email}
    return _edit(request, None, HeaderBookForm(request.POST or None, initial=initial))


@require_http_methods(["GET", "HEAD", "POST"])
@buyer_required(Permission.INVOICE)
def header_edit(request: BuyerRequest, public_id: str) -> HttpResponse:
    """`/billing/invoice-headers/<id>/`."""
    header = get_object_or_404(InvoiceHeader.objects.for_account(request.account), public_id=public_id)
    initial = {**header.header(), "default": header.is_default}
    return _edit(request, header, HeaderBookForm(request.POST or None, initial=initial))


def _edit(request: BuyerRequest, header: InvoiceHeader | None, form: HeaderBookForm) -> HttpResponse:
    back = request.GET.get("next", "")
    back = back if url_has_allowed_host_and_scheme(back, allowed_hosts=None) else ""
    if request.method == "POST" and form.is_valid():
        try:
            saved = save_header(
                request.account,
                form.data_given(),
                header=header,
                default=form.cleaned_data["default"],
                by=request.actor,
            )
        except InvalidInput as refused:
            for field, texts in refused.errors.items():
                form.add_error(field if field in form.fields else None, texts)
        except DomainError as refused:
            form.add_error(None, refused.message)
        else:
            if warning := tax_number_warning(saved.country, saved.tax_number):
                messages.warning(request, warning)
            messages.success(request, _("The invoice header was saved."))
            return redirect(back or "billing:headers")
    context = {"form": form, "header": header, "back": back}
    return render(request, "billing/header_edit.html", context, status=422 if form.errors else 200)


@require_POST
@buyer_required(Permission.INVOICE)
def header_remove(request: BuyerRequest, public_id: str) -> HttpResponse:
    """`/billing/invoice-headers/<id>/remove/`: out of the book; invoices keep what they have."""
    header = get_object_or_404(InvoiceHeader.objects.for_account(request.account), public_id=public_id)
    remove_header(header, by=request.actor)
    messages.success(request, _("The invoice header was removed."))
    return redirect("billing:headers")
