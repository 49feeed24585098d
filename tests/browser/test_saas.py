"""SaaS by machine in the browser: the seller connects his server, a buyer pays, logs in; and with supervision."""

import pytest
from playwright.sync_api import expect

from accounts.models import Account, User
from catalog.models import UpgradeRule
from koogallery.kernel.quiet import run_until_quiet
from provisioning.models import AccessKey
from supervision import services
from supervision.models import ServiceFlow
from tests.browser.test_application import LABELS, reveal, shown
from tests.factories import AttributeFactory
from tests.provisioning.saas.conftest import a_shop, key_of
from tests.provisioning.saas.conftest import reference as reference  # a fixture
from tests.supervision.test_flow import a_file

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_from_the_sellers_key_to_the_buyers_log_in(person, templates, reference):
    shop = a_shop()
    AttributeFactory(specification=shop.specification)
    UpgradeRule.objects.create(specification=shop.specification, attributes=["users"])
    AccessKey.objects.all().delete()
    slug = shop.product.slug
    seller, buyer = person("seller"), person("buyer")
    seller.log_in(User.objects.get(pk=shop.selling.user_id))

    # A key, shown this once.
    page = seller.goto("/seller/access-keys/")
    expect(page.locator("text=You have no access key.")).to_be_visible()
    page.click("main button:has-text('Create access key')")
    key = page.locator("main code.wrap-any").nth(1)
    expect(key).to_be_visible()
    secret = key.inner_text()
    seller.look("access-keys")
    page = seller.goto("/seller/access-keys/")
    assert secret not in page.content()

    # Where orders go, and the debugger: first a server that nobody runs, then the real one.
    page = seller.goto("/seller/interfaces/")
    seller.look("interfaces")
    page.click(f"main a:has-text('{shop.product.name}')")
    page.fill("input[name=url]", "https://10.0.0.1/production")
    page.click("main button:has-text('Save')")
    expect(page.locator(".field-error").first).to_contain_text("domain name")
    page.fill("input[name=url]", "http://127.0.0.1:9/v2")
    page.click("main button:has-text('Save')")
    expect(page.locator("text=Saved. Orders are sent there from now on.")).to_be_visible()
    page.click("button:has-text('Debug and save all cases')")
    expect(page.locator("text=The connection failed").first).to_be_visible()
    seller.look("debugger-failed")
    page.fill("input[name=url]", f"{reference(secret)}/v2")
    page.click("main button:has-text('Save')")
    expect(page.locator("text=0 of 7 pass")).to_be_visible()
    page.click("button:has-text('Debug and save all cases')")
    expect(page.locator("text=7 of 7 pass")).to_be_visible(timeout=30_000)
    seller.look("debugger-passed")

    # A paid order becomes an account to log in with.
    order = shop.buy()
    buyer.log_in(User.objects.get(pk=shop.buyer.user_id))
    page = buyer.goto(f"/my/apps/{shop.app(order).public_id}/")
    expect(page.locator("text=The seller has not provided the application information yet.")).to_be_visible()
    run_until_quiet()
    page = buyer.goto("/my/apps/")
    page.click("a:has-text('View Resource Details')")
    page.wait_for_selector("#application")
    assert page.locator("#application dt").all_inner_texts() == LABELS
    expect(page.locator("text=Basic Information")).to_be_visible()
    expect(page.locator("text=Seller Information")).to_be_visible()
    reveal(page)
    assert len(shown(page)) == 16
    buyer.look("saas-app")
    page.click("a:has-text('Show Memo')")
    page.click("button:has-text('Show password')")
    expect(page.get_by_text("Change the password when you log in first.")).to_be_visible()
    buyer.look("saas-memo")

    # Every call is there to read, and can be made again.
    page = seller.goto("/seller/interface-messages/")
    expect(page.locator("main tbody tr")).to_have_count(2)
    seller.look("interface-messages")
    page.locator("main tbody a").last.click()
    expect(page.locator("text=newInstance").first).to_be_visible()
    seller.look("interface-message")
    page.click("button:has-text('Restart Debugging')")
    expect(page.locator("text=The call is made again within seconds.")).to_be_visible()
    assert slug


def test_with_supervision_the_account_stands_on_the_service_page_first(person, templates, reference):
    shop = a_shop(saas=False, saas_supervised=True)
    shop.connect(f"{reference(key_of(shop))}/v2")
    order = shop.buy()
    flow = ServiceFlow.objects.get(order=order)
    run_until_quiet()
    buyer = person("buyer")
    buyer.log_in(Account.objects.get(pk=shop.buyer.account_id).memberships.get().user)
    page = buyer.goto(f"/my/supervision/{order.number}/")
    assert page.locator("#application dt").all_inner_texts() == LABELS
    reveal(page)
    password = shown(page)
    buyer.look("saas-supervised")
    services.submit_request(flow, description="Ten accounts.", files=[a_file()], by=shop.buyer)
    services.confirm_request(flow, by=shop.selling)
    services.deliver(flow, note="It is set up.", by=shop.selling)
    page = buyer.goto(f"/my/supervision/{order.number}/")
    page.click("a:has-text('Accept service')")
    page.click("dialog[open] button:has-text('OK')")
    page.wait_for_selector("text=Service accepted.")
    page = buyer.goto(f"/my/apps/{shop.app(order).public_id}/")
    reveal(page)
    assert shown(page) == password
