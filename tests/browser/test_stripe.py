"""Stripe's hosted pages in a real browser, under our own content security policy.

The marketplace is at localhost, Stripe at 127.0.0.1 on another port: another site.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from accounts.models import Account, User
from billing.gateways.base import _load
from billing.models import PaymentMethod
from orders.models import Order
from supervision.models import FlowTemplate
from tests.billing.conftest import Shopper, a_shopper
from tests.billing.stripe_server import Stripe, install, serving
from tests.factories import a_statement

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def stripe(settings, live_server) -> Iterator[Stripe]:
    with serving() as server:
        install(settings, server)
        settings.SITE_URL = live_server.url
        yield server
    _load.cache_clear()


@pytest.fixture
def shopper(transactional_db) -> Shopper:
    FlowTemplate.objects.get_or_create(flow_type="license", version=1, defaults={"appeal_on_acceptance_after": 2})
    return a_shopper()


def bind(buyer, stripe: Stripe, card: str):
    """A card is entered on Stripe's page."""
    stripe.next_card = card
    page = buyer.goto("/billing/payment-methods/")
    page.click("main button:has-text('Bind a credit card')")
    page.wait_for_url(lambda url: url.startswith(stripe.address))
    page.click("text=Save card")
    page.wait_for_url("**/payment-methods/")
    expect(page.locator("main :text('Visa ending in 4242')").first).to_be_visible()
    return page


def logged_in(person, shopper: Shopper):
    buyer = person("buyer")
    buyer.log_in(User.objects.get(pk=shopper.by.user_id))
    return buyer


def test_a_card_is_bound_at_stripe_and_pays(person, shopper, stripe):
    buyer = logged_in(person, shopper)
    bind(buyer, stripe, "pm_ok")
    assert PaymentMethod.objects.get().gateway == "stripe"
    page = buyer.goto(f"/purchase/orders/{shopper.order().number}/pay/")
    page.click(".buy-col button:has-text('Pay Now')")
    page.wait_for_url("**/done/")
    expect(page.locator("h1:has-text('Payment successful')").first).to_be_visible()


@pytest.mark.parametrize(("answer", "status"), [("Approve", "processing"), ("Refuse", "pending_payment")])
def test_the_bank_asks_the_card_holder(person, shopper, stripe, answer, status):
    buyer = logged_in(person, shopper)
    bind(buyer, stripe, "pm_authentication")
    page = buyer.goto(f"/purchase/orders/{shopper.order().number}/pay/")
    page.click(".buy-col button:has-text('Pay Now')")
    page.wait_for_url(lambda url: url.startswith(stripe.address))
    page.click(f"text={answer}")
    page.wait_for_url("**/done/" if answer == "Approve" else "**/pay/")
    assert Order.objects.get().status == status


def test_a_statement_is_confirmed_at_the_bank(person, shopper, stripe):
    buyer = logged_in(person, shopper)
    bind(buyer, stripe, "pm_authentication")
    statement = a_statement(Account.objects.get(pk=shopper.account.pk))
    page = buyer.goto(statement.get_absolute_url())
    page.click("main button:has-text('Pay Now')")
    page.wait_for_url(lambda url: url.startswith(stripe.address))
    page.click("text=Refuse")
    page.wait_for_url(f"**{statement.get_absolute_url()}")
    expect(page.locator("main :text('did not confirm the payment')").first).to_be_visible()


def test_the_page_in_between_can_be_read(person, shopper, stripe):
    """For whoever's browser does not go on by itself."""
    buyer = logged_in(person, shopper)
    buyer.page.route(lambda url: url.startswith(stripe.address), lambda route: route.fulfill(status=204))
    page = buyer.goto("/billing/payment-methods/")
    page.click("main button:has-text('Bind a credit card')")
    page.wait_for_selector("a:has-text('Continue')")
    assert page.get_attribute("a:has-text('Continue')", "href").startswith(f"{stripe.address}/c/pay/cs_")
    buyer.look("leaving")
