"""Supervised SaaS to its end in two browsers, with what the buyer logs in to (guide 3.3), and the eye beside a secret."""

import time

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import expect

from accounts.models import Reveal
from catalog.services import refresh_listing
from koogallery.kernel.secrets import DOTS
from orders.ports import ApplicationGiven
from supervision import services
from supervision.choices import Action
from supervision.models import FlowRecord
from tests.browser.conftest import PASSWORD
from tests.browser.test_delivery import log_in
from tests.browser.test_main_job import PDF
from tests.factories import AgreementFactory
from tests.supervision.conftest import make_deal
from tests.supervision.test_flow import a_file

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SECRET = "Tr0ub4dor &  <three>"
GUIDE = "https://docs.crm.example/start"
LABELS = ["Username", "Password", "Management URL", "Frontend URL", "Product Guide"]


def an_age_passes() -> None:
    """Everybody's log-in is 16 minutes old."""
    for session in Session.objects.all():
        data = session.get_decoded()
        for one in data.get("account_authentication_methods", []):
            one["at"] = time.time() - 16 * 60
        session.session_data = Session.get_session_store_class()().encode(data)
        session.save()


def reveal(page, *, in_page: str = "#application") -> None:
    """Press the eye; the secret stands there, the button says what it does now."""
    eye = page.locator(f"{in_page} [data-reveal] button[type=submit]")
    expect(eye).to_have_attribute("aria-pressed", "false")
    assert eye.get_attribute("aria-label").startswith("Show ")
    eye.click()
    page.wait_for_selector(f"{in_page} [data-reveal] button[aria-pressed=true]")
    assert eye.get_attribute("aria-label").startswith("Hide ")


def shown(page) -> str:
    return page.locator("#application [data-reveal-value]").text_content()


def test_supervised_saas_from_request_to_purchased_apps(person, templates):
    AgreementFactory()
    deal = make_deal(saas_supervised=True)
    product = refresh_listing(deal.flow.order.product)
    product.guide_url = GUIDE
    product.save()
    number = deal.flow.order.number
    buyer, seller, _operator = log_in(person, deal)

    # A SaaS request needs its template filled in (guide 4.3).
    page = buyer.goto(f"/my/supervision/{number}/")
    expect(page.locator("text=The seller has not provided the application information yet.").first).to_be_visible()
    page = buyer.goto(f"/my/supervision/{number}/request/")
    page.fill("textarea", "Ten accounts, one administrator.")
    page.set_input_files("input[type=file]", PDF)
    page.wait_for_timeout(500)
    page.click("main form button:has-text('Submit request')")
    page.click("dialog[open] button:has-text('OK')")
    page.wait_for_url(f"**/{number}/")
    services.confirm_request(deal.flow, by=deal.seller)

    # The seller delivers nothing but the application information.
    page = seller.goto(f"/seller/supervision/{number}/deliver/")
    page.fill("input[name=application_username]", "admin@contoso")
    page.fill("input[name=application_password]", SECRET)
    page.fill("input[name=application_management_url]", "admin.crm.example")
    page.fill("input[name=application_frontend_url]", "https://app.crm.example/contoso")
    page.click("main form button:has-text('Deliver service')")
    page.wait_for_selector(".field-error")
    assert "Enter a full address" in page.locator(".field-error").first.inner_text()
    assert page.input_value("input[name=application_password]") == ""  # typed again, never printed
    seller.look("deliver-application")
    page.fill("input[name=application_password]", SECRET)
    page.fill("input[name=application_management_url]", "https://admin.crm.example/")
    page.click("main form button:has-text('Deliver service')")
    page.wait_for_url(f"**/{number}/")
    expect(page.locator("text=Given; only the customer can have it shown.").first).to_be_visible()
    assert "Tr0ub4dor" not in page.content()
    seller.look("seller-application")

    # The service page, before acceptance.
    page = buyer.goto(f"/my/supervision/{number}/")
    assert page.locator("#application dt").all_inner_texts() == LABELS
    assert shown(page) == DOTS
    assert page.get_attribute("#application a:has-text('View')", "href") == GUIDE
    buyer.look("service-application")
    page.clock.install()
    page = buyer.goto(f"/my/supervision/{number}/")
    reveal(page)
    assert shown(page) == SECRET
    assert page.inner_text("#application [role=status]").lower() == "password shown"
    page.clock.fast_forward(25_000)
    assert shown(page) == SECRET
    page.clock.fast_forward(6_000)
    assert shown(page) == DOTS
    assert page.inner_text("#application [role=status]").lower() == "password hidden"
    assert "Tr0ub4dor" not in page.content()
    reveal(page)
    buyer.look("service-application-shown")
    page.click("#application [data-reveal] button[aria-pressed=true]")
    assert shown(page) == DOTS
    assert Reveal.objects.count() == FlowRecord.objects.filter(action=Action.REVEAL_PASSWORD).count() == 2
    buyer.goto(f"/my/supervision/{number}/")
    expect(page.locator("text=Application password shown").first).to_be_visible()

    # Accepted, it is in Purchased Apps.
    page.click("a:has-text('Accept service')")
    page.click("dialog[open] button:has-text('OK')")
    page.wait_for_selector("text=Service accepted.")
    page = buyer.goto("/my/apps/")
    page.click("a:has-text('View Resource Details')")
    page.wait_for_selector("#application")
    assert page.locator("#application dt").all_inner_texts() == LABELS
    buyer.look("app-details")
    buyer.context.grant_permissions(["clipboard-read", "clipboard-write"])
    reveal(page)
    assert shown(page) == SECRET
    page.click("#application button:has([href*='#copy'])")
    page.wait_for_function("async secret => await navigator.clipboard.readText() === secret", arg=SECRET)

    # After a quarter of an hour the password is asked for again, and leads back.
    an_age_passes()
    page = buyer.goto(page.url.removeprefix(buyer.base))
    page.click("#application [data-reveal] button[type=submit]")
    page.wait_for_selector("h1:has-text('Confirm Access')")
    # The refusal of the request is noted by Chromium as a failed resource.
    assert ["403" in one for one in buyer.faults] == [True]
    buyer.faults.clear()
    buyer.look("confirm-access")
    page.fill("input[name=password]", PASSWORD)
    page.click("main button[type=submit]")
    page.wait_for_selector("#application")
    reveal(page)
    assert shown(page) == SECRET


def test_without_javascript_the_password_has_a_page_of_its_own(person, browser, live_server, templates, settings):
    settings.REVEALS_PER_HOUR = 1
    AgreementFactory()
    deal = make_deal(saas_supervised=True)
    refresh_listing(deal.flow.order.product)
    services.submit_request(deal.flow, description="Ten accounts.", files=[a_file()], by=deal.buyer)
    services.confirm_request(deal.flow, by=deal.seller)
    given = ApplicationGiven("admin", SECRET, "https://app.crm.example/")
    services.deliver(deal.flow, application=given, by=deal.seller)
    buyer, _seller, _operator = log_in(person, deal)
    context = browser.new_context(java_script_enabled=False, storage_state=buyer.context.storage_state())
    page = context.new_page()
    page.goto(f"{live_server}/my/supervision/{deal.flow.order.number}/")
    page.click("#application [data-reveal] button[type=submit]")
    expect(page.locator("main code")).to_have_text(["admin", SECRET])
    page.goto(f"{live_server}/my/supervision/{deal.flow.order.number}/application/")
    page.click("main button:has-text('Show password')")
    expect(page.locator("text=Passwords and keys can be shown 1 times an hour.").first).to_be_visible()
    context.close()
    buyer.goto(f"/my/supervision/{deal.flow.order.number}/application/")
    buyer.look("password-ask")
    settings.REVEALS_PER_HOUR = 30
    buyer.page.click("main button:has-text('Show password')")
    buyer.page.wait_for_selector("main code")
    buyer.look("password-page")
