"""Dates in 1900 and 9999, impossible ones and no dates in everything of bills, spend, statements and filters that takes one."""

import pytest
from django.test import Client

from accounts.models import Account, User
from tests.api.conftest import buyer_api
from tests.billing.conftest import a_shopper
from tests.factories import a_statement

pytestmark = pytest.mark.django_db
FAR = ["1900-01-01", "9999-12-31", "0001-01-01", "2026-02-30", "10000-01-01", "-1", "x" * 300, "2026-01-01T00:00:00Z"]


@pytest.fixture
def shop():
    return a_shopper()


@pytest.fixture
def buyer(shop) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.get(pk=shop.by.user_id))
    return client


@pytest.fixture
def desk(shop) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.get(pk=shop.operator.user_id))
    return client


@pytest.mark.parametrize("day", FAR)
def test_statements_of_account_refuse_them_with_a_sentence(shop, buyer, desk, day):
    for first, last in ((day, "2026-03-31"), ("2026-03-01", day)):
        asked = {"ledger": "balance", "first": first, "last": last}
        answer = buyer.get("/billing/account-statement/", asked)
        assert (answer.status_code, bool(answer.context["form"].errors)) == (422, True)
        assert buyer.get("/billing/account-statement/", asked | {"export": "csv"}).status_code == 422
        own = {"account": shop.account.public_id, "currency": "USD", "first": first, "last": last}
        assert desk.get("/admin/billing/posting/statement/", own).status_code == 422


@pytest.mark.parametrize("day", FAR)
def test_where_no_date_is_taken_none_is_minded(shop, buyer, desk, day):
    a_statement(Account.objects.get(pk=shop.account.pk))
    for path in ("bills", "statements", "spend", "orders", "contracts", "invoices", "unsubscriptions", ""):
        address = f"/billing/{path}/".replace("//", "/")
        assert buyer.get(address, {"page": day, "month": day, "year": day}).status_code == 200, path
    for name in ("journalentry/?at__year", "usagebill/?until__year", "invoicedocument/?issued_at__year"):
        assert desk.get(f"/admin/billing/{name}={day[:5]}").status_code in (200, 302, 400), name


@pytest.mark.parametrize("day", FAR)
def test_programs_are_told(shop, day):
    api = buyer_api("owner", shop.account, card=False)
    for path in ("usage/", "usage/month/"):
        answer = api.get(path, month=day)
        assert (answer.status_code, answer.json()["code"]) == (400, "validation_error"), path
    for path in ("bills/", "invoices/", "tickets/", "statements/", "orders/"):
        assert api.get(path, month=day, created_after=day).status_code == 200, path
    assert api.get("invoices/", cursor=day).status_code in (200, 400, 404)
