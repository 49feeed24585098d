"""The invoice and the credit note as PDF: facts that are frozen once, set by a template that never changes.

A layout that looks otherwise is another template (`invoice-2`): documents keep the one that they were issued with.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any

import segno
from django.conf import settings
from django.urls import reverse

from billing.documents import time_text
from billing.invoices.choices import DocumentKind
from billing.invoices.rules import tax_lines
from koogallery.kernel.ids import public_id
from koogallery.kernel.money import Money
from koogallery.kernel.pdf import day_of, render
from orders.terms import BILLING_ZONE

if TYPE_CHECKING:
    from billing.invoices.models import Invoice, InvoiceDocument, InvoiceItem

TEMPLATE = "invoice-1"


def verification_url(code: str) -> str:
    """Where anybody can check a document: what its QR code says."""
    return f"{settings.SITE_URL}{reverse('billing:verify', args=[code])}"


@dataclass(frozen=True, slots=True)
class Mark:
    """What a document is verified by: its code, the address that it leads to, and the QR code of that as SVG."""

    code: str
    url: str
    qr: str

    @classmethod
    def new(cls) -> "Mark":
        """One that nobody can guess; drawing it takes milliseconds."""
        code = public_id()
        url = verification_url(code)
        return cls(code, url, _qr(url))


def facts_of(
    invoice: "Invoice", items: Sequence["InvoiceItem"], *, kind: str, number: str, mark: Mark, at: datetime
) -> dict[str, Any]:
    """Everything that the document prints; nothing else is ever looked up for it."""
    sign = 1 if kind == DocumentKind.INVOICE else -1
    currency = invoice.currency
    rows = [(one, one.money * sign, Money(one.tax, currency) * sign) for one in items]
    taxes = tax_lines(((one.tax_label, gross, tax) for one, gross, tax in rows), currency)
    net = Money.total((part for _label, part, _tax in taxes), currency)
    tax = Money.total((part for _label, _net, part in taxes), currency)
    title = str(DocumentKind(kind).label)
    original = invoice.document() if kind == DocumentKind.CREDIT_NOTE else None
    return {
        "site": settings.SITE_CLOUD_NAME,
        "title": f"{title} {number}",
        "heading": title,
        "number": number,
        "day": day_of(at.astimezone(BILLING_ZONE)),
        "date": f"{at.astimezone(BILLING_ZONE):%Y-%m-%d}",
        "issued": time_text(at),
        "application": invoice.number,
        "refers_to": original.number if original else "",
        "reason": invoice.return_reason if original else "",
        "issuer": invoice.issuer.header(),
        "customer": invoice.header(),
        "items": [
            {
                "description": one.description,
                "details": one.details,
                "tax_label": one.tax_label,
                "amount": gross.display(),
            }
            for one, gross, _tax in rows
        ],
        "taxes": [
            {"label": label or "No tax", "net": part.display(), "tax": taxed.display()} for label, part, taxed in taxes
        ],
        "net": net.display(),
        "tax": tax.display(),
        "total": (net + tax).display(),
        "note": invoice.note,
        "verify": mark.url,
        "qr": mark.qr,
    }


def _qr(text: str) -> str:
    """The QR code as SVG; frozen with the facts, so that another version of its maker changes no document."""
    drawn = BytesIO()
    segno.make(text, error="m", micro=False).save(drawn, kind="svg", border=0, xmldecl=False, nl=False)
    return drawn.getvalue().decode()


def pdf_of(document: "InvoiceDocument") -> bytes:
    """The document as PDF/A-3; the same bytes each time."""
    return render(document.template, document.facts)
