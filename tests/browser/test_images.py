"""Images become servers in a real browser: quick and customized provisioning, the ECS console, stop and delete."""

import re

import pytest
from playwright.sync_api import expect

from billing.gateways.sandbox import SandboxGateway
from billing.services import bind_card
from orders.models import Order
from provisioning.compute.models import Deployment, SecurityGroup, Server
from tests.browser.buying import come_in
from tests.factories import AgreementFactory, a_buyer
from tests.provisioning.compute.conftest import PASSWORD, a_region, an_image, let_pass

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def image(transactional_db, settings):
    settings.SIMULATOR_FAILURES_PERCENT = settings.SIMULATOR_LOST_ANSWERS_PERCENT = 0
    AgreementFactory(title="Image Disclaimer")
    a_region("ap-singapore", "AP-Singapore")
    a_region()
    return an_image()


def come_with_card(buyer):
    account = come_in(buyer).account
    bind_card(account, SandboxGateway().enter_card("success"), by=a_buyer("owner", account))
    return account


def test_an_image_is_enabled_quickly_stopped_and_deleted(image, person):
    buyer = person("buyer")
    come_with_card(buyer)
    page = buyer.goto(f"/products/{image.slug}/?billing_mode=pay_per_use")
    buyer.look("image-product")
    page.select_option("select[name=region]", label="EU-Dublin")
    page.wait_for_url("**region=eu-dublin**")
    expect(page.locator("tr", has_text="s6.large.2")).to_contain_text("5.0536")
    page.click(".buy-col button:has-text('Continue to Submit')")
    page.wait_for_url("**/provision/")
    buyer.look("image-provision")
    page.get_by_role("link", name="Buy", exact=True).click()
    page.wait_for_url("**/quick/")
    # Another flavor: the price at the foot follows.
    page.get_by_role("radio", name="s6.xlarge.2").check()
    expect(page.locator("#bar")).to_contain_text("$0.1072 USD/hour")
    # The rules are ticked while the password is typed, and the eye shows it.
    field, ticked = page.locator("#id_password"), page.locator(".pw-rules li.is-met")
    field.fill("root")
    expect(ticked).to_have_count(1)
    field.fill(PASSWORD)
    expect(ticked).to_have_count(4)
    page.get_by_role("button", name="Show Password", exact=True).click()
    expect(field).to_have_attribute("type", "text")
    page.fill("#id_confirm_password", "Another-1!")
    page.get_by_text("Security Group Rules").click()
    expect(page.get_by_text("TCP: 443")).to_be_visible()
    page.check("#agreements")
    buyer.look("image-quick")
    page.get_by_role("button", name="Quickly Enable").click()
    expect(page.get_by_role("alert")).to_contain_text("The two passwords are different.")
    expect(page.locator("#id_password")).to_have_value("")
    for name in ("#id_password", "#id_confirm_password"):
        page.fill(name, PASSWORD)
    page.check("#agreements")
    page.get_by_role("button", name="Quickly Enable").click()
    page.wait_for_url("**/my/servers/**")
    expect(page.locator("#servers")).to_contain_text("Creating")
    let_pass(3)
    # The page follows by itself.
    expect(page.locator("#servers")).to_contain_text("Running", timeout=20_000)
    server = Server.objects.get()
    assert server.deployment.flavor.code == "s6.xlarge.2"
    page.get_by_role("link", name=server.name, exact=True).click()
    expect(page.get_by_role("heading", name="Remote Login")).to_be_visible()
    expect(page.get_by_text(f"ssh root@{server.private_ip}")).to_be_visible()
    buyer.look("image-server")
    page.get_by_role("link", name="Stop").click()
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#server")).to_contain_text("Stopping")
    # Each time further ahead of the machine's clock than the last.
    let_pass(6)
    expect(page.locator("#server .ph")).to_contain_text("Stopped", timeout=20_000)
    page.get_by_role("link", name="Delete").click()
    buyer.look("image-delete")
    page.get_by_role("button", name="Delete").click()
    page.wait_for_url("**/my/servers/")
    let_pass(9)
    page.reload()
    expect(page.get_by_text("You have no servers.")).to_be_visible()
    assert Server.objects.get().status == "deleted"


def test_an_image_is_customized_in_four_steps_and_paid(image, person):
    buyer = person("buyer")
    come_with_card(buyer)
    page = buyer.goto(f"/products/{image.slug}/?billing_mode=monthly&region=eu-dublin")
    page.click(".buy-col button:has-text('Continue to Submit')")
    page.wait_for_url("**/provision/")
    page.get_by_role("link", name="Customize Config").click()
    page.wait_for_url("**/custom/basic/")
    page.get_by_role("radio", name="s6.xlarge.2").check()
    page.locator("input[name=zone][value=AZ2]").check()
    page.get_by_role("button", name="Add Data Disk").click()
    page.fill("#data_disk_gb_1", "200")
    page.fill("#quantity", "2")
    buyer.look("image-custom-basic")
    page.get_by_role("button", name="Next: Configure Network").click()
    page.wait_for_url("**/custom/network/")
    # A security group of one's own, and back to the step.
    page.get_by_role("link", name="Create Security Group").click()
    page.fill("#id_name", "web")
    page.get_by_role("button", name="Create Security Group").click()
    page.wait_for_url("**/custom/network/")
    page.select_option("#id_security_group", label="web")
    page.get_by_role("radio", name="Auto assign").check()
    buyer.look("image-custom-network")
    page.get_by_role("button", name="Next: Configure Advanced Settings").click()
    page.wait_for_url("**/custom/advanced/")
    page.fill("#id_name", "shop")
    for name in ("#id_password", "#id_confirm_password"):
        page.fill(name, PASSWORD)
    buyer.look("image-custom-advanced")
    page.get_by_role("button", name="Next: Confirm").click()
    page.wait_for_url("**/custom/confirm/")
    assert PASSWORD not in page.content()
    for words in ("AZ2", "s6.xlarge.2", "200 GiB", "5 Mbit/s", "web", "shop"):
        expect(page.locator("main")).to_contain_text(words)
    # An edit link leads back, and what was chosen is kept.
    page.get_by_role("link", name="Edit Advanced").click()
    expect(page.locator("#id_name")).to_have_value("shop")
    page.get_by_role("button", name="Next: Confirm").click()
    page.wait_for_url("**/custom/confirm/")
    page.check("#agreements")
    buyer.look("image-custom-confirm")
    page.get_by_role("button", name="Submit", exact=True).click()
    page.wait_for_url(re.compile(r"/purchase/orders/.+/pay/"))
    page.click(".buy-col button:has-text('Pay Now')")
    page.wait_for_url("**/done/")
    order = Order.objects.get()
    assert [line.quantity for line in order.lines.all()] == [2, 2]
    let_pass(4)
    assert [one.name for one in Server.objects.order_by("id")] == ["shop-0001", "shop-0002"]
    assert {one.status for one in Server.objects.all()} == {"running"}
    assert Deployment.objects.get().password is None
    page = buyer.goto(f"/my/security-groups/{SecurityGroup.objects.get(name='web').public_id}/")
    page.fill("#id_ports", "443")
    page.get_by_role("button", name="Add Rule").click()
    expect(page.get_by_role("cell", name="TCP: 443", exact=True)).to_be_visible()
    buyer.look("image-security-group")
    page = buyer.goto("/my/servers/")
    buyer.look("image-servers")
