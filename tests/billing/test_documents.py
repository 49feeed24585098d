"""Receipts and agreements as PDF: the same bytes each time, and nothing in them is markup."""

import io
import subprocess
import sys
from datetime import timedelta
from importlib import import_module

import pytest
from django.db import connection
from django.test import Client
from pypdf import PdfReader
from time_machine import travel

from accounts.models import Account, Reseller, Seller, User
from billing.documents import receipt_pdf
from billing.services import PaymentRequest, pay_order, propose_refund
from catalog.models import Product
from koogallery.kernel import clock
from koogallery.kernel.errors import NotFound
from orders.documents import agreement_pdf
from orders.models import AcceptedAgreement, Order
from tests.factories import AgreementFactory
from tests.processes import ROOT

HOSTILE = "#panic() *bold* $x$ <b> 阿里 Ærø Київ"


def text_of(pdf: bytes) -> str:
    return " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages).split())


def paid(shopper) -> Order:
    shopper.card()
    order = pay_order(shopper.order(months=3), PaymentRequest(), by=shopper.by)
    return Order.objects.select_related("account", "seller", "product").get(pk=order.pk)


def test_a_receipt_says_what_was_paid_and_stays_the_same(shopper, timers):
    order = paid(shopper)
    first = receipt_pdf(order)
    propose_refund(order, None, reason="Ended.", by=shopper.operator)
    timers.run()
    with travel(clock.now() + timedelta(days=400)):
        order = Order.objects.select_related("account", "seller", "product").get(pk=order.pk)
        assert receipt_pdf(order) == first
    text = text_of(first)
    assert order.number in text
    assert "$15.00 USD" in text
    assert "$5.00 USD/month x 3 month(s)" in text
    assert "Visa ending in 4242" in text


def test_another_process_makes_the_same_bytes(db):
    script = (
        "import django, hashlib; django.setup()\n"
        "from koogallery.kernel.pdf import render\n"
        "data = {'site': 'S', 'title': 'T', 'day': [2026, 1, 2], 'facts': [['a', 'b']], 'paragraphs': ['one']}\n"
        "print(hashlib.sha256(render('agreement', data)).hexdigest())"
    )
    made = {subprocess.check_output([sys.executable, "-c", script], cwd=ROOT) for _time in range(2)}
    assert len(made) == 1


def test_names_are_printed_and_never_run(shopper):
    Product.objects.update(name=HOSTILE)
    order = paid(shopper)
    order.customer_name = HOSTILE
    assert HOSTILE.replace(" ", "") in text_of(receipt_pdf(order)).replace(" ", "")


def test_letters_that_we_have_no_font_for_do_not_stop_a_receipt(shopper):
    Product.objects.update(name="مرحبا 🚀")
    assert receipt_pdf(paid(shopper)).startswith(b"%PDF")


def test_other_names_do_not_change_a_receipt(shopper):
    order = paid(shopper)
    first = receipt_pdf(order)
    Product.objects.update(name="Renamed")
    Account.objects.update(name="Somebody else")
    Seller.objects.update(name="Other seller")
    assert receipt_pdf(Order.objects.get()) == first


def test_a_reseller_who_comes_later_does_not_take_receipts_away(shopper):
    paid(shopper)
    shopper.through(Reseller.objects.create(name="Cloudhaus"))
    assert receipt_pdf(Order.objects.get()).startswith(b"%PDF")
    client = Client()
    client.force_login(User.objects.get(pk=shopper.by.user_id))
    for page in ("/billing/orders/{}/", "/purchase/orders/{}/done/"):
        assert b"receipt.pdf" in client.get(page.format(Order.objects.get().number)).content


def test_what_a_reseller_paid_gets_no_receipt_when_he_goes(shopper):
    shopper.through(Reseller.objects.create(name="Cloudhaus"))
    order = shopper.order()
    Account.objects.update(reseller=None)
    with pytest.raises(NotFound):
        receipt_pdf(Order.objects.get())
    client = Client()
    client.force_login(User.objects.get(pk=shopper.by.user_id))
    for page in ("/billing/orders/{}/", "/purchase/orders/{}/done/"):
        content = client.get(page.format(order.number)).content
        assert b"receipt.pdf" not in content
        assert b"Cloudhaus" not in content


def test_names_are_filled_in_on_orders_of_before(shopper):
    shopper.order()
    shopper.order()
    Order.objects.update(customer_name="", seller_name="")
    fill = import_module("orders.migrations.0011_fill_order_names")
    with connection.schema_editor() as editor:
        fill.fill(None, editor)
    assert {(one.customer_name, one.seller_name) for one in Order.objects.select_related("seller", "account")} == {
        (shopper.account.name, Seller.objects.get().name)
    }


def test_no_receipt_without_a_payment_here(shopper):
    with pytest.raises(NotFound):
        receipt_pdf(shopper.order())
    shopper.through(Reseller.objects.create(name="Cloudhaus"))
    with pytest.raises(NotFound):
        receipt_pdf(shopper.order())


def test_an_agreement_is_downloaded_word_for_word(shopper):
    AgreementFactory(text="You pay.\n\nWe keep #the *money*.")
    shopper.order()
    accepted = AcceptedAgreement.objects.select_related("order").get()
    assert agreement_pdf(accepted) == agreement_pdf(accepted)
    assert "We keep #the *money*." in text_of(agreement_pdf(accepted))
    client = Client()
    client.force_login(User.objects.get(pk=shopper.by.user_id))
    answer = client.get(f"/my/agreements/{accepted.pk}/agreement.pdf")
    assert (answer["Content-Type"], answer.content[:5]) == ("application/pdf", b"%PDF-")
