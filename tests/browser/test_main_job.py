"""The whole main job in three browsers: found, configured, paid, delivered, accepted, completed."""

import pytest
from playwright.sync_api import expect

from koogallery.kernel.quiet import run_until_quiet
from orders.models import Order
from tests.browser.conftest import PASSWORD, on_sale
from tests.factories import MembershipFactory, SellerMemberFactory, UserFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PDF = {"name": "requirements.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7\n%%EOF"}


def buy(buyer, product) -> str:
    """From the home page to a paid order; its number."""
    page = buyer.goto("/")
    buyer.look("home")
    page.goto(f"{buyer.base}/products/")
    buyer.look("catalogue")
    page.click(f"text={product.name}")
    buyer.look("product")
    page.fill("input[name=duration]", "3")
    page.wait_for_selector("#cost :text('15.00')")
    page.click(".buy-col button:has-text('Continue to Submit')")
    page.wait_for_url("**/confirm/")
    buyer.look("confirm")
    page.check("input[name=agreements]")
    page.click(".buy-col button:has-text('Pay Now')")
    page.wait_for_url("**/pay/")
    page.click("main a:has-text('Bind a credit card')")
    page.wait_for_url("**/payment-methods/")
    buyer.look("payment-methods")
    page.click("main button:has-text('Bind a credit card')")
    page.wait_for_url("**/sandbox/card/**")
    buyer.look("sandbox-card")
    page.click("text=Bind this card")
    page.wait_for_url("**/payment-methods/")
    order = Order.objects.get()
    buyer.goto(f"/purchase/orders/{order.number}/pay/")
    buyer.look("pay")
    page.click(".buy-col button:has-text('Pay Now')")
    page.wait_for_url("**/done/")
    buyer.look("done")
    return order.number


def people(person, product):
    member = MembershipFactory(user=UserFactory(email="mara@contoso.example", password=PASSWORD))
    working = SellerMemberFactory(
        seller=product.seller, user=UserFactory(email="ravi@seller.example", password=PASSWORD)
    )
    UserFactory(email="olu@ops.example", password=PASSWORD, is_staff=True, is_superuser=True)
    buyer, seller, operator = person("buyer"), person("seller"), person("operator")
    buyer.log_in_by_form(member.user.email)
    seller.log_in_by_form(working.user.email)
    operator.log_in_by_form("olu@ops.example")
    return buyer, seller, operator


def test_a_licence_from_the_home_page_to_completed(person, templates):
    product = on_sale()
    buyer, seller, operator = people(person, product)
    number = buy(buyer, product)

    seller.goto("/seller/")
    seller.look("seller-dashboard")
    seller.goto("/seller/supervision/")
    seller.look("seller-list")
    page = seller.goto(f"/seller/supervision/{number}/")
    seller.look("seller-detail")
    page.click("text=Deliver service")
    seller.look("seller-deliver")
    page.fill("textarea", "The key is in the file.")
    page.set_input_files("input[type=file]", PDF)
    page.click("main button:has-text('Deliver service')")
    page.wait_for_url(f"**/{number}/")

    page = buyer.goto(f"/my/supervision/{number}/reject/")
    buyer.look("reject")
    page.fill("textarea", "The key is for another version.")
    page.click("main button:has-text('Reject service')")
    page.wait_for_url(f"**/{number}/")
    page = seller.goto(f"/seller/supervision/{number}/deliver/")
    page.fill("textarea", "A key for your version.")
    page.click("main button:has-text('Deliver service')")
    page.wait_for_url(f"**/{number}/")

    buyer.goto("/my/supervision/")
    buyer.look("supervision-list")
    page = buyer.goto(f"/my/supervision/{number}/")
    buyer.look("supervision-detail")
    page.click("a:has-text('Accept service')")
    page.wait_for_selector("dialog[open]")
    page.click("dialog[open] button:has-text('OK')")
    page.wait_for_selector("text=Service accepted.")
    order = Order.objects.get()
    assert order.status == "processing"

    buyer.goto("/my/apps/")
    expect(buyer.page.locator("text=Enabled").first).to_be_visible()
    buyer.look("apps")
    buyer.page.click("text=View Resource Details")
    buyer.look("app")
    for path, title in (
        ("/my/saved/", "saved"),
        ("/my/agreements/", "agreements"),
        ("/billing/orders/", "orders"),
        (f"/billing/orders/{number}/", "order"),
        ("/my/messages/", "messages"),
        ("/account/settings/", "settings"),
        ("/account/api-keys/", "api-keys"),
        ("/account/switch/", "switch"),
        (f"/sellers/{product.seller.slug}/", "seller-page"),
    ):
        buyer.goto(path)
        buyer.look(title)
    run_until_quiet(at=order.completes_at)
    buyer.goto(f"/billing/orders/{number}/")
    expect(buyer.page.locator("main :text('Completed')").first).to_be_visible()

    page = operator.goto("/admin/orders/order/")
    expect(page.locator(f"text={number}").first).to_be_visible()
    page = operator.goto(f"/admin/supervision/flowrecord/?q={number}")
    assert page.locator("#result_list tbody tr").count() == 5


def test_a_service_is_requested_confirmed_delivered_and_accepted(person, templates):
    product = on_sale(service=True)
    buyer, seller, _operator = people(person, product)
    number = buy(buyer, product)
    page = buyer.goto(f"/my/supervision/{number}/")
    page.click("a:has-text('Submit request')")
    buyer.look("request")
    page.fill("textarea", "Two tenants, one weekend.")
    page.set_input_files("input[type=file]", PDF)
    page.click("main form button:has-text('Submit request')")
    page.click("dialog[open] button:has-text('OK')")
    page.wait_for_url(f"**/{number}/")
    page = seller.goto(f"/seller/supervision/{number}/")
    page.click("a:has-text('Confirm request')")
    page.click("dialog[open] button:has-text('OK')")
    page.wait_for_selector("a:has-text('Deliver service')")
    page = seller.goto(f"/seller/supervision/{number}/deliver/")
    page.fill("textarea", "Both tenants run.")
    page.click("main button:has-text('Deliver service')")
    page.wait_for_url(f"**/{number}/")
    page = buyer.goto(f"/my/supervision/{number}/")
    page.click("a:has-text('Accept service')")
    expect(page.locator("dialog[open] :text('Confirmed')").first).to_be_visible()
    page.click("dialog[open] button:has-text('OK')")
    page.wait_for_selector("text=Service accepted.")


def test_visitors_pages_carry_no_cookie_and_no_token(person, templates):
    product = on_sale()
    visitor = person("visitor")
    for path in ("/", "/products/", f"/products/{product.slug}/", f"/sellers/{product.seller.slug}/"):
        page = visitor.goto(path)
        assert not visitor.context.cookies()
        assert page.locator("input[name=csrfmiddlewaretoken]").count() == 0
    visitor.goto("/account/signup/")
    visitor.look("register")
    visitor.goto("/account/login/")
    visitor.look("login")
    visitor.goto("/nowhere/")
    visitor.faults.clear()  # the 404 itself
    visitor.look("not-found")
