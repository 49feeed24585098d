"""What anybody with a document's code can check: that it is ours, what it says, and whether it stands."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from billing.invoices.choices import DocumentKind, InvoiceStatus
from billing.invoices.models import InvoiceDocument


@require_safe
@never_cache
def verify_form(request: HttpRequest) -> HttpResponse:
    """`/invoices/verify/`: type the code that stands at the end of the address on the document."""
    code = request.GET.get("code", "").strip().upper()[:40]
    if code:
        return redirect("billing:verify", code)
    return render(request, "billing/verify.html", {})


@require_safe
@never_cache
def verify(request: HttpRequest, code: str) -> HttpResponse:
    """`/invoices/verify/<code>/`: where the QR code leads. The code cannot be guessed; it shows what the document prints."""
    rows = InvoiceDocument.objects.select_related("invoice", "seal")
    document = rows.filter(code=code.upper()).first() if code.isascii() and code.isalnum() else None
    returned = bool(
        document and document.kind == DocumentKind.INVOICE and document.invoice.status == InvoiceStatus.RETURNED
    )
    context = {"asked": code[:40], "document": document, "returned": returned}
    return render(request, "billing/verify.html", context, status=200 if document else 404)
