"""Giving numbers without gaps and writing documents that never change (RULES 5).

The counter of an issuer's year is locked, counted up, and the document with that number written, in one short transaction:
what is rolled back gives its number back, and two at once wait for each other. The PDF is set after that, outside of it.
"""

import hashlib
from datetime import datetime

import structlog
from django.db import transaction

from accounts.actor import Actor
from billing.invoices.choices import DocumentKind, InvoiceStatus
from billing.invoices.documents import TEMPLATE, Mark, facts_of, pdf_of
from billing.invoices.events import DocumentWritten, InvoiceIssued
from billing.invoices.models import Invoice, InvoiceDocument, InvoiceItem, InvoiceSeal, IssuerCounter
from billing.invoices.services.issuers import CREDIT_NOTES
from billing.invoices.services.recording import invoice_locked, record
from koogallery.kernel import clock
from koogallery.kernel.compiled import Compiled, Param
from koogallery.kernel.outbox import publish
from koogallery.kernel.stored import insert, update
from orders.terms import BILLING_ZONE

log = structlog.get_logger(__name__)

# A month's end issues many: what each asks is compiled once.
_KEY = Compiled(lambda: Invoice.objects.filter(number=Param("number")).values_list("pk"))
_ITEMS = Compiled(lambda: InvoiceItem.objects.filter(invoice=Param("invoice")).select_related("order").order_by("id"))
_COUNTER = Compiled(
    lambda: IssuerCounter.objects.select_for_update(of=("self",)).filter(
        issuer=Param("issuer"), kind=Param("kind"), year=Param("year")
    )
)


def carry_out_issue(number: str, *, at: datetime) -> Invoice:
    """Give an approved application its number and write its document; again changes nothing."""
    with transaction.atomic():
        invoice = invoice_locked(_KEY.get(number=number)[0])
        if invoice.status != InvoiceStatus.ISSUING:
            return invoice
        document = write_document(invoice, DocumentKind.INVOICE, at=at)
        before = invoice.status
        invoice.issue(document.issued_at)
        update(invoice, "status", "issued_at")
        record(invoice, before, by=Actor.system("invoicing"), at=at, note=document.number)
        publish(InvoiceIssued(invoice=invoice.number, document=document.number), at=at)
    return invoice


def write_document(invoice: Invoice, kind: DocumentKind, *, at: datetime) -> InvoiceDocument:
    """Take the issuer's next number of the year (GMT+08:00) and freeze what the document prints; in a transaction."""
    # Everything slow comes before the counter's lock, for which all of an issuer's documents wait.
    mark, items = Mark.new(), _ITEMS.all(invoice=invoice.pk)
    counter = _next(invoice, kind, at)
    issued_at = counter.last_at or at
    series = invoice.issuer.prefix + ("" if kind == DocumentKind.INVOICE else CREDIT_NOTES)
    number = f"{series}-{counter.year}-{counter.last:06d}"
    facts = facts_of(invoice, items, kind=kind, number=number, mark=mark, at=issued_at)
    document = InvoiceDocument(
        invoice=invoice,
        kind=kind,
        issuer=invoice.issuer,
        year=counter.year,
        sequence=counter.last,
        number=number,
        code=mark.code,
        issued_at=issued_at,
        currency=invoice.currency,
        tax=sum(one.tax for one in items),
        total=invoice.amount,
        template=TEMPLATE,
        facts=facts,
    )
    insert([document])
    publish(DocumentWritten(invoice=invoice.number, document=number), at=at)
    return document


def _next(invoice: Invoice, kind: DocumentKind, at: datetime) -> IssuerCounter:
    year = at.astimezone(BILLING_ZONE).year
    key = {"issuer": invoice.issuer_id, "kind": str(kind), "year": year}
    counter = _COUNTER.first(**key)
    if counter is None:
        first = IssuerCounter(issuer_id=invoice.issuer_id, kind=kind, year=year)
        IssuerCounter.objects.bulk_create([first], ignore_conflicts=True)
        counter = _COUNTER.get(**key)
    counter.last += 1
    # Numbers and dates rise together, whatever the order in which messages come.
    counter.last_at = max(at, counter.last_at) if counter.last_at else at
    update(counter, "last", "last_at")
    return counter


def seal_document(number: str, *, at: datetime) -> InvoiceSeal:
    """Set the PDF once and keep its digest; outside any transaction, again changes nothing."""
    document = InvoiceDocument.objects.get(number=number)
    found = InvoiceSeal.objects.filter(document=document).first()
    if found is not None:
        return found
    pdf = pdf_of(document)
    digest = hashlib.sha256(pdf).hexdigest()
    seal, _new = InvoiceSeal.objects.get_or_create(
        document=document, defaults={"sha256": digest, "size": len(pdf), "at": at or clock.now()}
    )
    return seal


def sealed_pdf(document: InvoiceDocument) -> bytes:
    """The document's PDF, the same bytes as when it was issued."""
    pdf = pdf_of(document)
    seal = InvoiceSeal.objects.filter(document=document).first()
    if seal is not None and seal.sha256 != hashlib.sha256(pdf).hexdigest():
        # Another version of the typesetter: the facts are the same, somebody should know.
        log.error("invoice_bytes_differ", document=document.number)
    return pdf
