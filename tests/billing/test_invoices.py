"""Invoices (guide 8, RULES 5): who moves them, never above the cash paid, headers, automatic issuing."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from time_machine import travel

from billing.errors import InvoiceMustBeReturned
from billing.invoices.errors import NotInvoiceable
from billing.invoices.models import Invoice, InvoiceHeader, InvoiceItem
from billing.invoices.rules import tax_number_warning
from billing.invoices.services import (
    Application,
    apply_for_invoice,
    approve_application,
    ask_return,
    cancel_application,
    finish_return,
    invoice_automatically,
    invoice_statement_automatically,
    reject_application,
    reject_return,
    remove_header,
    save_header,
    sources_of,
)
from billing.models import CreditLine, Statement
from billing.services import PaymentRequest, pay_statement, propose_refund, record_transfer, unsubscribe
from koogallery.kernel import clock
from koogallery.kernel.errors import InvalidTransition, NotFound, PermissionRefused
from orders.models import Subscription
from tests.billing.conftest import a_shopper, usd
from tests.billing.invoicing import HEADER, applied, completed, issued, now_of
from tests.billing.invoicing import shop as shop  # a fixture
from tests.factories import a_buyer, a_coupon, a_seller, a_specification, an_operator

pytestmark = pytest.mark.django_db


def test_from_the_application_to_the_return_and_the_reissue(shop, timers):
    order = completed(shop)
    seller = a_seller(order.seller)
    invoice = applied(shop, order, note="PO 4711")
    assert (invoice.status, invoice.money, invoice.issuer.seller) == ("pending_review", usd("5.00"), order.seller)
    with pytest.raises(NotInvoiceable, match="left to invoice"):
        applied(shop, order)
    approve_application(invoice, by=seller)
    assert now_of(invoice).status == "issuing"
    timers.run()
    invoice = now_of(invoice)
    document = invoice.document()
    assert (invoice.status, document.sequence, document.facts["note"]) == ("issued", 1, "PO 4711")
    assert document.number.endswith(f"-{invoice.issued_at:%Y}-000001")
    assert document.facts["total"] == "$5.00 USD"
    ask_return(invoice, reason="The address is wrong", by=shop.by)
    with pytest.raises(NotInvoiceable):
        applied(shop, order)
    reject_return(invoice, reason="It is right.", by=seller)
    ask_return(invoice, reason="No, it is not", by=shop.by)
    finish_return(invoice, by=seller)
    timers.run()
    note = now_of(invoice).document("credit_note")
    assert (note.facts["total"], note.facts["refers_to"]) == ("$-5.00 USD".replace("$-", "-$"), document.number)
    again = applied(shop, order, replaces=invoice.number)
    assert (again.status, again.replaces) == ("pending_review", invoice)
    assert [one.to_status for one in invoice.history.all()] == [
        "pending_review", "issuing", "issued", "returning", "return_rejected", "returning", "returned",
    ]  # fmt: skip


MOVES = {
    "cancel": lambda invoice, shop: cancel_application(invoice, by=shop.by),
    "reject": lambda invoice, shop: reject_application(invoice, reason="No.", by=an_operator()),
    "approve": lambda invoice, shop: approve_application(invoice, by=an_operator()),
    "ask_return": lambda invoice, shop: ask_return(invoice, reason="Wrong", by=shop.by),
    "finish_return": lambda invoice, shop: finish_return(invoice, by=an_operator()),
    "reject_return": lambda invoice, shop: reject_return(invoice, reason="No.", by=an_operator()),
}
# RULES 5: which moves a status allows; every other is refused.
ALLOWED = {
    "pending_review": {"cancel", "reject", "approve"},
    "rejected": set(),
    "cancelled": set(),
    "issuing": set(),
    "issued": {"ask_return"},
    "returning": {"finish_return", "reject_return"},
    "return_rejected": {"ask_return"},
    "returned": set(),
}
WAYS = {
    "pending_review": [],
    "rejected": ["reject"],
    "cancelled": ["cancel"],
    "issuing": ["approve"],
    "issued": ["issue"],
    "returning": ["issue", "ask_return"],
    "return_rejected": ["issue", "ask_return", "reject_return"],
    "returned": ["issue", "ask_return", "finish_return"],
}


@pytest.mark.parametrize("status", ALLOWED)
def test_every_status_allows_exactly_its_moves(shop, status):
    invoice = applied(shop, completed(shop))
    for step in WAYS[status]:
        issued(invoice) if step == "issue" else MOVES[step](invoice, shop)
    assert now_of(invoice).status == status
    for name, move in MOVES.items():
        with transaction.atomic():
            if name in ALLOWED[status]:
                move(invoice, shop)
            else:
                with pytest.raises(InvalidTransition):
                    move(invoice, shop)
            transaction.set_rollback(True)


def test_who_may_move_it(shop):
    invoice = applied(shop, completed(shop))
    for stranger in (a_seller(), shop.by, a_buyer("viewer", shop.account)):
        with pytest.raises(PermissionRefused):
            approve_application(invoice, by=stranger)
    with pytest.raises(PermissionRefused):
        cancel_application(invoice, by=a_buyer("purchaser", shop.account))
    with pytest.raises(PermissionRefused):
        applied(
            type(shop)(a_buyer("viewer", shop.account), shop.account, shop.operator, shop.specification),
            completed(shop),
        )
    other = a_shopper()
    with pytest.raises(NotFound):
        apply_for_invoice(
            Application(HEADER, orders=[invoice.items.get().order.number]), account=other.account, by=other.by
        )


def test_only_cash_is_invoiced_and_never_more_than_was_paid(shop):
    coupon = a_coupon(shop.account, value=Decimal("2.00"))
    with_coupon = completed(shop, coupon=coupon.code)
    assert applied(shop, with_coupon).money == usd("3.00")
    refunded = completed(shop, months=2)
    propose_refund(refunded, usd("4.00"), reason="Goodwill", by=shop.operator)
    assert applied(shop, refunded).money == usd("6.00")
    unpaid = shop.order()
    with pytest.raises(NotInvoiceable, match="not completed"):
        applied(shop, unpaid)
    nothing = completed(shop)
    propose_refund(nothing, None, reason="All of it", by=shop.operator)
    with pytest.raises(NotInvoiceable):
        applied(shop, nothing)


def test_what_was_refunded_after_the_invoice_is_offset_by_the_next(shop):
    first = completed(shop)
    issued(applied(shop, first))
    propose_refund(first, usd("2.00"), reason="Goodwill", by=shop.operator)
    second = applied(shop, completed(shop))
    assert second.money == usd("3.00")
    assert [one.amount for one in second.items.all()] == [Decimal("5.00"), Decimal("-2.00")]
    third = completed(shop)
    assert applied(shop, third).money == usd("5.00")
    propose_refund(third, usd("1.00"), reason="More", by=shop.operator)
    assert applied(shop, completed(shop)).money == usd("4.00")


def test_issuers_are_kept_apart(shop):
    own = completed(shop)
    seller_spec, shop.specification = shop.specification, a_specification(saas=True, joint_operation=True)
    joint = completed(shop)
    with pytest.raises(NotInvoiceable, match="cannot share an invoice"):
        applied(shop, own, joint)
    ours = applied(shop, joint)
    assert ours.issuer.is_platform
    assert now_of(issued(ours)).document().number.startswith("KG-")
    shop.specification = seller_spec
    with pytest.raises(PermissionRefused):
        approve_application(applied(shop, completed(shop)), by=a_seller(joint.seller))


def test_on_credit_it_goes_by_closed_cycle(shop, timers):
    shop.credit("100.00")
    order = completed(shop, method="monthly_settlement")
    assert not sources_of(shop.account)
    with pytest.raises(NotInvoiceable):
        applied(shop, order)
    shop.account.credit_line.refresh_from_db()
    timers.run(shop.account.credit_line.next_statement_at)
    statement = Statement.objects.get()
    cycle = Application(HEADER, statement=statement.public_id)
    with pytest.raises(NotInvoiceable, match="once its statement is paid"):
        apply_for_invoice(cycle, account=shop.account, by=shop.by)
    record_transfer(statement, "BANK-9", by=shop.operator)
    assert [(one.issuer, one.left) for one in sources_of(shop.account)] == [(order.seller.slug, usd("5.00"))]
    with pytest.raises(NotInvoiceable, match="closed cycle"):
        applied(shop, order)
    made = apply_for_invoice(cycle, account=shop.account, by=shop.by)
    assert (made.basis, made.money, made.items.get().statement) == ("cycle", usd("5.00"), statement)
    assert not sources_of(shop.account)


def test_a_resellers_customer_asks_the_reseller(shop):
    from accounts.models import Reseller

    order = completed(shop)
    shop.through(Reseller.objects.create(name="Fabrikam"))
    with pytest.raises(NotInvoiceable, match="reseller"):
        applied(shop, order)


def test_an_invoice_is_returned_before_the_unsubscription_and_a_pending_one_is_canceled(shop, timers):
    shop.specification = a_specification(prices={"monthly": "100.00"}, image=True)
    order = completed(shop)
    app = Subscription.objects.get()
    invoice = issued(applied(shop, order))
    with pytest.raises(InvoiceMustBeReturned) as refused:
        unsubscribe(app, by=shop.by)
    assert refused.value.code == "invoice_must_be_returned"
    assert refused.value.extra["invoice"] == invoice.number
    assert f"Return invoice {invoice.document().number} first" in refused.value.message
    ask_return(invoice, reason="Unsubscribing", by=shop.by)
    with pytest.raises(InvoiceMustBeReturned, match="being handled"):
        unsubscribe(app, by=shop.by)
    finish_return(invoice, by=shop.operator)
    pending = applied(shop, order)
    unsubscribe(app, by=shop.by)
    assert now_of(pending).status == "cancelled"
    timers.run()
    # What was used, and the fee, are cash that stayed: they can be invoiced.
    assert usd("9.99") < applied(shop, order).money < usd("11.00")


@pytest.mark.parametrize(
    ("country", "number", "warns"),
    [
        ("SG", "201912345K", True), ("SG", "00192200M", False), ("DE", "DE136695976", False), ("DE", "DE136695977", True),
        ("CN", "91110000600037341L", False), ("CN", "91110000600037342L", True), ("US", "91-1144442", False), ("GB", "GB980780684", False),
        ("GB", "980780685", True), ("FR", "FR83404833048", False), ("HK", "anything", False), ("ZZ", "1", False), ("DE", "", False),
    ],
)  # fmt: skip
def test_a_wrong_check_digit_warns_where_the_countrys_rule_is_known(country, number, warns):
    assert bool(tax_number_warning(country, number)) is warns


def test_a_wrong_tax_number_may_be_kept_and_the_book_has_one_default(shop, client):
    client.force_login(shop.account.memberships.get().user)
    wrong = {
        "company_name": "Contoso GmbH",
        "tax_number": "DE136695977",
        "country": "de",
        "address": "Berlin",
        "email": "a@b.example",
    }
    page = client.post("/billing/invoice-headers/new/", wrong, follow=True).content.decode()
    assert "a digit may be wrong" in page
    first = InvoiceHeader.objects.get()
    assert (first.tax_number, first.country, first.is_default) == ("DE136695977", "DE", True)
    second = save_header(shop.account, HEADER, default=True, by=shop.by)
    assert [one.is_default for one in InvoiceHeader.objects.order_by("pk")] == [False, True]
    remove_header(second, by=shop.by)
    assert InvoiceHeader.objects.for_account(shop.account).get().is_default


BAD_HEADERS = [
    ("company_name", ""), ("company_name", "x" * 121), ("company_name", "a\x07b"), ("company_name", "a\u202eb"), ("tax_number", "9" * 41),
    ("address", "x" * 301), ("email", "nobody"), ("email", f"{'x' * 250}@b.example"), ("country", "SGP"), ("country", "1"),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), BAD_HEADERS)
def test_bad_headers_change_nothing_by_page_and_api(shop, client, field, value):
    from tests.api.conftest import buyer_api

    order = completed(shop)
    client.force_login(shop.account.memberships.get().user)
    good = {"company_name": "Contoso", "tax_number": "", "country": "SG", "address": "", "email": ""}
    answer = client.post("/billing/invoice-headers/new/", good | {field: value})
    assert answer.status_code == 422
    assert "There is a problem" in answer.content.decode()
    api = buyer_api("owner", shop.account, card=False)
    body = {"orders": [order.number], "header": good | {field: value}}
    assert api.post("invoices/", body).json()["code"] == "validation_error"
    assert not InvoiceHeader.objects.exists()
    assert not Invoice.objects.exists()


def test_programs_apply_cancel_and_download(shop, timers):
    from tests.api.conftest import buyer_api, seller_api

    order, other = completed(shop), completed(a_shopper_with_card())
    api = buyer_api("owner", shop.account, card=False)
    header = {
        "company_name": "Contoso",
        "tax_number": "201912345K",
        "address": "1 Raffles Place",
        "email": "a@b.example",
    }
    for orders, status, code in (
        ([other.number], 404, "not_found"), ([], 400, "validation_error"), ([order.number] * 101, 400, "validation_error"),
        ([order.number[:-1] + ("1" if order.number.endswith("0") else "0")], 404, "not_found"),
    ):  # fmt: skip
        answer = api.post("invoices/", {"orders": orders, "header": header})
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert api.post("invoices/", {"orders": [order.number], "header": header, "amount": "1"}).status_code == 400
    made = api.post("invoices/", {"orders": [order.number], "header": header}, idempotency_key="a")
    assert (
        api.post("invoices/", {"orders": [order.number], "header": header}, idempotency_key="a").json() == made.json()
    )
    body = made.json()
    assert (made.status_code, body["status"], body["issuer"], body["orders"]) == (
        201,
        "pending_review",
        order.seller.slug,
        [order.number],
    )
    assert body["amount"] == {"amount": "5.00", "currency": "USD"}
    assert len(body["warnings"]) == 1
    twice = api.post("invoices/", {"orders": [order.number], "header": header})
    assert (twice.status_code, twice.json()["code"]) == (409, "not_invoiceable")
    number = body["number"]
    assert api.get(f"invoices/{number}/pdf/").status_code == 404
    assert api.post(f"invoices/{number}/cancel/").json()["status"] == "cancelled"
    assert api.post(f"invoices/{number}/cancel/").json()["code"] == "invalid_transition"
    number = api.post("invoices/", {"orders": [order.number], "header": header}).json()["number"]
    selling = seller_api(shop.specification)
    assert selling.post(f"seller/invoices/{number}/reject/").status_code == 400
    assert selling.post(f"seller/invoices/{number}/issue/").json()["status"] == "issuing"
    timers.run()
    found = api.get(f"invoices/{number}/").json()
    assert api.get(f"invoices/{found['invoice_number']}/").json() == found
    pdf = api.get(f"invoices/{number}/pdf/")
    assert (pdf["Content-Type"], pdf.content[:5]) == ("application/pdf", b"%PDF-")
    assert api.get("invoices/").json()["results"][0]["number"] == number
    assert selling.get("seller/invoices/").json()["results"][0]["status"] == "issued"


def a_shopper_with_card():
    one = a_shopper(saas=True)
    one.card()
    return one


def test_automatic_issuing_is_a_setting(shop, settings, timers):
    order = completed(shop)
    assert invoice_automatically(order.number, at=clock.now()) == []
    settings.INVOICES_AUTOMATIC = True
    assert invoice_automatically(order.number, at=clock.now()) == []  # no header in the book
    save_header(shop.account, HEADER, by=shop.by)
    (invoice,) = invoice_automatically(order.number, at=clock.now())
    assert invoice.status == "issuing"
    timers.run()
    assert now_of(invoice).document().facts["customer"]["company_name"] == HEADER.company_name
    assert invoice_automatically(order.number, at=clock.now()) == []


def test_a_closed_cycle_is_issued_automatically_too(shop, settings, timers):
    settings.INVOICES_AUTOMATIC = True
    save_header(shop.account, HEADER, by=shop.by)
    shop.credit()
    with travel(datetime(2026, 3, 10, tzinfo=UTC), tick=False):
        first, second = (completed(shop, method="monthly_settlement") for _one in range(2))
    assert invoice_automatically(first.number, at=clock.now()) == []  # its cycle is not paid yet
    CreditLine.objects.update(next_statement_at=datetime(2026, 4, 2, 16, tzinfo=UTC))
    timers.run(datetime(2026, 4, 3, tzinfo=UTC))
    statement = Statement.objects.get()
    assert invoice_statement_automatically(statement.public_id, at=clock.now()) == []
    pay_statement(statement, PaymentRequest(), by=shop.by)
    (invoice,) = invoice_statement_automatically(statement.public_id, at=clock.now())
    assert (invoice.basis, invoice.money, invoice.status) == ("cycle", usd("10.00"), "issuing")
    assert {one.order for one in invoice.items.all()} == {first, second}
    assert invoice_statement_automatically(statement.public_id, at=clock.now()) == []
    assert invoice_automatically(first.number, at=clock.now()) == []


def test_zero_orders_are_not_listed_and_the_page_adds_up(shop, client):
    coupon = a_coupon(shop.account, value=Decimal("50.00"))
    free = completed(shop, coupon=coupon.code)
    first, second = completed(shop), completed(shop)
    client.force_login(shop.account.memberships.get().user)
    page = client.get("/billing/invoices/")
    group = page.context["groups"][0]
    assert (len(group.rows), group.preview.total) == (2, usd("10.00"))
    assert free.number not in page.content.decode()
    save_header(shop.account, HEADER, by=shop.by)
    url = f"/billing/invoices/apply/?order={first.number}&order={second.number}"
    header = InvoiceHeader.objects.get().public_id
    shown = client.get(url)
    assert shown.status_code == 200
    assert client.post("/billing/invoices/apply/", {"order": [first.number], "header": "none"}).status_code == 422
    assert (
        client.post(
            "/billing/invoices/apply/", {"order": [first.number], "header": header, "note": "x" * 501}
        ).status_code
        == 422
    )
    answer = client.post("/billing/invoices/apply/", {"order": [first.number, second.number], "header": header})
    assert Invoice.objects.get().money == usd("10.00")
    assert client.get(answer["Location"]).status_code == 200
    assert InvoiceItem.objects.count() == 2
    assert client.get("/billing/invoices/?tab=applications").content.decode().count("Pending review") >= 1


def test_a_seller_decides_and_keeps_his_details(shop, client, timers):
    order = completed(shop)
    invoice = applied(shop, order)
    from tests.factories import SellerMemberFactory

    client.force_login(SellerMemberFactory(seller=order.seller).user)
    details = {
        "company_name": "Northwind Ltd.",
        "tax_number": "",
        "country": "SG",
        "address": "",
        "email": "",
        "number_prefix": "NW",
    }
    assert client.post("/seller/invoices/issuer/", details | {"number_prefix": "no good"}).status_code == 422
    assert client.post("/seller/invoices/issuer/", details).status_code == 302
    url = f"/seller/invoices/{invoice.number}/"
    assert client.post(url, {"act": "reject", "reason": ""}).status_code == 422
    assert client.post(url, {"act": "steal"}).status_code == 404
    assert client.post(url, {"act": "issue"}).status_code == 302
    timers.run()
    assert now_of(invoice).document().number.startswith(f"NW-{date.today().year}-")  # noqa: DTZ011
    assert client.post(url, {"act": "issue"}).status_code == 422
    assert client.get(f"{url}invoice.pdf").status_code == 200
    assert client.get(f"{url}credit-note.pdf").status_code == 404


@pytest.mark.parametrize("days", [-365 * 126, 365 * 7972], ids=["1900", "9999"])
def test_far_dates_make_no_trouble(shop, days):
    order = completed(shop)
    at = clock.now() + timedelta(days=days)
    invoice = applied(shop, order)
    assert issued(invoice, at=at).document().year == at.year
