"""Documents of invoices: numbers without gaps, PDF/A-3 that never changes, taxes apart, and who can check them."""

import hashlib
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django.urls import reverse

from billing.invoices.models import InvoiceDocument, InvoiceSeal, Issuer
from billing.invoices.rules import tax_lines
from billing.invoices.services import (
    Application,
    HeaderData,
    apply_for_invoice,
    approve_application,
    ask_return,
    finish_return,
    issuer_of,
    save_issuer,
)
from billing.invoices.services.issuing import sealed_pdf
from koogallery.kernel import clock
from koogallery.kernel.errors import InvalidInput
from pricing.models import TaxRate
from tests.billing.conftest import a_shopper, usd
from tests.billing.invoicing import HEADER, applied, completed, issued, now_of
from tests.billing.invoicing import shop as shop  # a fixture
from tests.factories import SellerFactory, UserFactory, a_seller, a_specification

pytestmark = pytest.mark.django_db


def test_tax_is_printed_apart(shop):
    TaxRate.objects.create(country=shop.account.country, name="GST", percent=Decimal("9"))
    order = completed(shop)
    document = issued(applied(shop, order)).document()
    assert document.facts["taxes"] == [{"label": "GST 9%", "net": "$5.00 USD", "tax": "$0.45 USD"}]
    assert (document.tax, document.total, document.facts["total"]) == (Decimal("0.45"), Decimal("5.45"), "$5.45 USD")
    rows = [("GST 9%", usd("5.45"), usd("0.45")), ("", usd("1.00"), usd("0")), ("GST 9%", usd("-1.09"), usd("-0.09"))]
    assert tax_lines(rows, "USD") == [("GST 9%", usd("4.00"), usd("0.36")), ("", usd("1.00"), usd("0"))]


def test_the_pdf_is_pdf_a_3_in_any_script_and_the_same_bytes_each_time(shop, timers):
    header = HeaderData(
        "北京云端科技有限公司 شركة บริษัท 회사 उदाहरण דוגמה",
        "91110000600037341L",
        "#panic() *not bold*",
        "a@b.example",
        "CN",
    )
    order = completed(shop)
    wanted = Application(header, orders=[order.number])
    invoice = apply_for_invoice(wanted, account=shop.account, by=shop.by)
    approve_application(invoice, by=shop.operator)
    timers.run()
    document = now_of(invoice).document()
    first, second = sealed_pdf(document), sealed_pdf(InvoiceDocument.objects.get(pk=document.pk))
    assert first == second
    assert hashlib.sha256(first).hexdigest() == InvoiceSeal.objects.get(document=document).sha256
    from io import BytesIO

    from pypdf import PdfReader

    reader = PdfReader(BytesIO(first))
    assert b"pdfaid" in first
    assert b"<pdfaid:part>3</pdfaid:part>" in first
    text = reader.pages[0].extract_text()
    for word in (document.number, "北京云端科技有限公司", "회사", "#panic() *not bold*", document.code[:8]):
        assert word in text, word
    fonts = str([one.get_object()["/BaseFont"] for one in reader.pages[0]["/Resources"]["/Font"].values()])
    for script in ("SC", "Arabic", "Thai", "KR", "Devanagari", "Hebrew"):
        assert f"NotoSans{script}" in fonts, script
    # A name that changes later changes nothing.
    Issuer.objects.filter(pk=invoice.issuer_id).update(company_name="Another name")
    assert sealed_pdf(InvoiceDocument.objects.get(pk=document.pk)) == first


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE billing_invoicedocument SET total = 1",
        "UPDATE billing_invoicedocument SET facts = '{}'",
        "DELETE FROM billing_invoicedocument",
        "UPDATE billing_invoiceitem SET amount = 1",
        "DELETE FROM billing_invoiceitem",
        "DELETE FROM billing_invoicerecord",
        "UPDATE billing_invoice SET amount = 1",
        "UPDATE billing_invoice SET company_name = 'Somebody else'",
        "UPDATE billing_invoice SET status = 'pending_review'",
        "UPDATE billing_invoice SET issued_at = now()",
        "DELETE FROM billing_invoice",
    ],
)
def test_an_issued_invoice_is_changed_by_nobody(shop, sql):
    issued(applied(shop, completed(shop)))
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


def test_numbers_and_dates_rise_together_and_a_year_begins_anew(shop):
    late, early = datetime(2026, 12, 31, 15, 0, tzinfo=UTC), datetime(2026, 12, 31, 14, 0, tzinfo=UTC)
    new_year = datetime(2026, 12, 31, 16, 0, tzinfo=UTC)  # 2027 in GMT+08:00
    made = [issued(applied(shop, completed(shop)), at=at).document() for at in (late, early, new_year)]
    assert [(one.year, one.sequence) for one in made] == [(2026, 1), (2026, 2), (2027, 1)]
    assert made[1].issued_at == late
    assert made[2].facts["date"] == "2027-01-01"


def test_a_number_of_a_failed_issue_is_given_again(shop, monkeypatch):
    invoice = applied(shop, completed(shop))
    approve_application(invoice, by=shop.operator)
    from billing.invoices.services import carry_out_issue, issuing

    with monkeypatch.context() as patched:
        patched.setattr(issuing, "facts_of", lambda *_args, **_named: 1 / 0)
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            carry_out_issue(invoice.number, at=clock.now())
    assert carry_out_issue(invoice.number, at=clock.now()).document().sequence == 1
    carry_out_issue(invoice.number, at=clock.now())
    assert InvoiceDocument.objects.count() == 1


def test_the_verification_page_tells_anybody_whether_it_stands(shop, client):
    invoice = issued(applied(shop, completed(shop)))
    document = invoice.document()
    page = client.get(f"/invoices/verify/{document.code}/")
    assert not page.cookies
    assert "This document is genuine" in page.content.decode()
    assert document.number in page.content.decode()
    assert client.get("/invoices/verify/", {"code": document.code.lower()})["Location"].endswith(f"/{document.code}/")
    ask_return(invoice, reason="Wrong", by=shop.by)
    finish_return(invoice, by=shop.operator)
    assert "This invoice was returned" in client.get(f"/invoices/verify/{document.code}/").content.decode()
    for wrong in ("0000000000000000", "%00", "x" * 60, "<script>"):
        assert client.get(f"/invoices/verify/{wrong}/").status_code in (400, 404)


def test_operators_are_told_beside_the_field_what_an_issuer_cannot_have(client):
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    ours = issuer_of(None)
    address = reverse("admin:billing_issuer_change", args=[ours.pk])
    given = ours.header() | {"company_name": "Cloud Pte. Ltd.", "prefix": "kg new"}
    refused = client.post(address, given)
    assert refused.context["adminform"].form.errors == {"prefix": ["Use up to 24 letters, digits and hyphens."]}
    assert client.post(address, given | {"prefix": "kg-new", "country": "S1"}).status_code == 200
    assert Issuer.objects.get(pk=ours.pk).prefix == "KG"
    assert client.post(address, given | {"prefix": "kg-new"}).status_code == 302
    assert Issuer.objects.get(pk=ours.pk).prefix == "KG-NEW"


@pytest.mark.parametrize("prefix", ["FIRST", "LATER", "THEIRS-CN", "KG", "no good", ""])
def test_no_prefix_can_make_two_documents_of_one_number(shop, prefix):
    """Another's, one that another's documents had once, one of credit notes, the platform's before it has issued any."""
    first, second = completed(shop), completed(a_shop_of_another())
    seller = a_seller(first.seller)
    issuer = issuer_of(first.seller)
    save_issuer(issuer, HEADER, prefix="FIRST", by=seller)
    issued(applied(shop, first))
    save_issuer(issuer, HEADER, prefix="LATER", by=seller)
    theirs = issuer_of(second.seller)
    with pytest.raises(InvalidInput) as refused:
        save_issuer(theirs, HEADER, prefix=prefix, by=a_seller(second.seller))
    assert refused.value.errors["number_prefix"]
    assert issuer_of(SellerFactory(slug="acme-cn")).prefix.startswith("ACME-CN-")


def test_another_ones_longer_prefix_takes_nothing_away(shop):
    """Numbers of NEXT-DOOR only begin like those of NEXT: NEXT, and the platform likewise, still changes its details."""
    first, second = completed(shop), completed(a_shop_of_another())
    save_issuer(issuer_of(first.seller), HEADER, prefix="NEXT-DOOR", by=a_seller(first.seller))
    issued(applied(shop, first))
    theirs = save_issuer(issuer_of(second.seller), HEADER, prefix="NEXT", by=a_seller(second.seller))
    assert theirs.prefix == "NEXT"


def a_shop_of_another():
    one = a_shopper()
    one.specification = a_specification(saas=True)
    one.card()
    return one
