"""What was used: the usage page with its chart, the bill that could not be charged and is paid, spend."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from accounts.actor import Actor
from accounts.models import Account, User
from billing.gateways.sandbox import SandboxGateway
from billing.models import UsageAccount, UsageBill
from billing.rules.cycles import next_statement
from billing.services import bill_month, bind_card
from billing.services.usage_charges import charge_usage_bill
from koogallery.kernel import clock
from provisioning.metering.recording import catch_up
from provisioning.metering.services import start_meter, stop_meter
from tests.factories import MembershipFactory, UserFactory
from tests.provisioning.servers import a_server

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def account(transactional_db: None) -> Account:
    """Two servers since 40 days; last month's bill was declined, and a good card is bound since."""
    user: User = UserFactory(email="ada@contoso.example")
    membership = MembershipFactory(user=user)
    account, now = membership.account, clock.now()
    begun = now - timedelta(days=40)
    first, second = a_server(account, "0.05", at=begun), a_server(account, "0.0136", at=begun, tax_percent="9")
    start_meter(first, at=begun)
    stop_meter(first, at=begun + timedelta(days=30, hours=3, seconds=9))
    start_meter(second, at=begun)
    catch_up(now, at=now)
    due = next_statement(begun)
    row = UsageAccount.objects.create(account=account, currency="USD", next_bill_at=due)
    bill_month(row.pk, at=due, by=Actor.system("usage"))
    charge_usage_bill(UsageBill.objects.get().public_id, at=due)
    bind_card(account, SandboxGateway().enter_card("success"), by=Actor.system("test"))
    return account


def test_usage_bill_and_spend(account, person):
    buyer = person("buyer")
    buyer.log_in(User.objects.get(email="ada@contoso.example"))

    page = buyer.goto("/billing/usage/")
    expect(page.get_by_role("heading", name="Usage of", exact=False)).to_be_visible()
    expect(page.get_by_text("Estimate of the month")).to_be_visible()
    expect(page.get_by_role("img", name="Cost by day (USD)")).to_be_visible()
    page.get_by_text("View data").click()
    expect(page.get_by_role("columnheader", name="Cost before tax")).to_be_visible()
    buyer.look("usage")
    with page.expect_download() as download:
        page.get_by_role("link", name="Export CSV").click()
    assert download.value.suggested_filename.startswith("usage-")

    page = buyer.goto("/billing/bills/")
    expect(page.get_by_text("could not be charged", exact=False)).to_be_visible()
    page.get_by_role("link", name="Details").click()
    expect(page.get_by_text("Your pay-per-use servers run on until", exact=False)).to_be_visible()
    buyer.look("bill-arrears")
    page.get_by_role("button", name="Pay Now").click()
    expect(page.get_by_role("heading", name="Paid")).to_be_visible()

    page = buyer.goto("/billing/spend/")
    expect(page.get_by_role("img", name="Spend by month (USD)")).to_be_visible()
    buyer.look("spend")

    page = buyer.goto("/billing/account-statement/")
    expect(page.get_by_role("heading", name="Account Statement")).to_be_visible()
    buyer.look("account-statement")
