"""A statement of account: opening and closing balance, and the running one between them."""

from datetime import UTC, date, datetime

import pytest
from django.test import Client
from time_machine import travel

from accounts.models import User
from billing.account_statement import Asked, closing, opening, rows
from billing.choices import Ledger
from billing.models import Statement
from billing.services import PaymentRequest, pay_order, record_transfer, top_up
from tests.billing.conftest import usd

PAGE = "/admin/billing/posting/statement/"
MARCH = {"first": "2026-03-01", "last": "2026-03-31", "currency": "USD"}


@pytest.fixture
def spent(shopper):
    """50 in February, 5 spent twice in March (the second at 23:59 of its last day in GMT+08:00), 5 in April."""
    with travel(datetime(2026, 2, 10, tzinfo=UTC), tick=False):
        top_up(shopper.account, usd("50.00"), reference="BANK-1", by=shopper.operator)
    for at in ((3, 10, 0, 0), (3, 31, 15, 59), (3, 31, 16, 0)):
        with travel(datetime(2026, *at, tzinfo=UTC), tick=False):
            pay_order(shopper.order(), PaymentRequest("balance"), by=shopper.by)
    return shopper


@pytest.fixture
def operations(shopper) -> Client:
    User.objects.filter(pk=shopper.operator.user_id).update(is_superuser=True)
    browser = Client()
    browser.force_login(User.objects.get(pk=shopper.operator.user_id))
    return browser


def test_it_begins_and_ends_with_a_balance_and_runs_between(spent):
    asked = Asked(spent.account, Ledger.BALANCE, "USD", date(2026, 3, 1), date(2026, 3, 31))
    assert (opening(asked), closing(asked)) == (usd("-50.00"), usd("-40.00"))
    found = list(rows(asked))
    assert [row.balance for row in found] == [usd("-45.00"), usd("-40.00")]
    assert [(row.debit, row.credit) for row in found] == [(usd("5.00"), None)] * 2


def test_a_period_without_postings_keeps_its_balance(spent):
    asked = Asked(spent.account, Ledger.BALANCE, "USD", date(2026, 5, 1), date(2026, 5, 31))
    assert (opening(asked), list(rows(asked)), closing(asked)) == (usd("-35.00"), [], usd("-35.00"))


def test_what_is_owed_on_monthly_settlement_is_an_accounts_usual_statement(shopper, operations, timers):
    with travel(datetime(2026, 3, 10, tzinfo=UTC), tick=False):
        shopper.credit()
        pay_order(shopper.order(), PaymentRequest("monthly_settlement"), by=shopper.by)
    timers.run(datetime(2026, 4, 3, tzinfo=UTC), "issue_statements")
    with travel(datetime(2026, 4, 5, tzinfo=UTC), tick=False):
        record_transfer(Statement.objects.get(), "BANK-7", by=shopper.operator)
    asked = {"account": shopper.account.public_id, "currency": "USD", "first": "2026-04-01", "last": "2026-04-30"}
    page = operations.get(PAGE, asked)
    assert (page.status_code, page.context["opening"], page.context["closing"]) == (200, usd("5.00"), usd("0.00"))
    assert "BANK-7" in page.content.decode()


@pytest.mark.parametrize("how", ["id", "name", "e-mail", "order"])
def test_the_account_is_found_by(spent, operations, how):
    account = {
        "id": spent.account.public_id,
        "name": spent.account.name,
        "e-mail": User.objects.get(pk=spent.by.user_id).email.upper(),
        "order": spent.account.orders.first().number,
    }[how]
    page = operations.get(PAGE, MARCH | {"account": account, "ledger": "balance"})
    assert page.context["asked"].party == spent.account
    assert len(page.context["rows"]) == 2


def test_it_is_exported_whole(spent, operations):
    answer = operations.get(PAGE, MARCH | {"account": spent.account.name, "ledger": "balance", "export": "csv"})
    lines = b"".join(answer.streaming_content).decode().splitlines()
    assert answer["Content-Type"].startswith("text/csv")
    assert lines[1].endswith(",-50.00,USD")
    assert lines[2].endswith(",5.00,,-45.00,USD")
    assert lines[-1] == "2026-03-31,closing balance,,,,,,-40.00,USD"


@pytest.mark.parametrize(
    ("label", "given"),
    [
        ("nobody", {}),
        ("unknown", {"account": "nobody"}),
        ("two parties", {"account": "x", "seller": "y"}),
        ("backwards", {"last": "2026-02-01"}),
        ("no day", {"first": "yesterday"}),
        ("no currency", {"currency": "usd"}),
        ("no ledger", {"ledger": "everything"}),
    ],
)
def test_bad_input_is_said(spent, operations, label, given):
    asked = (
        MARCH | ({"account": spent.account.name} if label not in ("nobody", "unknown", "two parties") else {}) | given
    )
    page = operations.get(PAGE, asked)
    assert (page.status_code, "asked" in page.context) == (422, False)


def test_only_operations_see_it(spent):
    browser = Client()
    browser.force_login(User.objects.get(pk=spent.by.user_id))
    assert browser.get(PAGE, MARCH).status_code in (302, 403)
    clerk = User.objects.get(pk=spent.by.user_id)
    clerk.is_staff = True
    clerk.save()
    assert browser.get(PAGE, MARCH).status_code in (403, 404)


def test_the_list_of_postings_leads_to_it(spent, operations):
    assert PAGE in operations.get("/admin/billing/posting/").content.decode()
