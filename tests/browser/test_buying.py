"""Buying in a real browser: by card, with a declined card, 3-D Secure, a coupon, several orders in one charge."""

import pytest
from playwright.sync_api import expect

from billing.models import Payment
from koogallery.kernel.books import breaches
from koogallery.kernel.quiet import run_until_quiet
from orders.models import Order
from pricing.models import Coupon, Discount
from tests.browser.buying import come_in, come_to_pay, configure, enter_card, now, pay_now, submit
from tests.browser.conftest import on_sale
from tests.factories import a_coupon

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _books(transactional_db):
    """Whatever is bought here, the books are right afterwards."""
    yield
    assert [str(breach) for breach in breaches()] == []


def paid_by(order: Order) -> Payment:
    """The one payment that paid the order."""
    return Payment.objects.get(allocations__order=order, status="succeeded")


def test_an_order_is_paid_by_card_and_its_receipt_kept(person, templates):
    product, buyer = on_sale(), person("buyer")
    come_in(buyer)
    enter_card(buyer, "success")
    buyer.look("cards")
    configure(buyer, product, months=2)
    page = buyer.page
    terms = page.locator("main").get_by_role("link", name="KooGallery Terms and Conditions")
    buyer.goto(terms.get_attribute("href"))
    buyer.look("agreement-in-force")
    page.go_back()
    order = submit(buyer)
    assert order.status == "pending_payment"
    buyer.goto(f"/billing/orders/{order.number}/")
    buyer.look("order-unpaid")
    page.get_by_role("link", name="Cancel order").click()
    buyer.look("order-cancel")
    page.get_by_role("link", name="Keep order").click()
    page.locator("main").get_by_role("link", name="Pay Now").click()
    pay_now(buyer)
    page.wait_for_url("**/done/")
    expect(page.get_by_role("heading", name="Payment successful").first).to_be_visible()
    assert now(order).status == "processing"
    assert paid_by(order).money.digits() == "10.00"
    with page.expect_download() as download:
        page.get_by_role("link", name="Download receipt (PDF)").click()
    assert download.value.path().read_bytes().startswith(b"%PDF-")
    buyer.goto("/my/agreements/")
    page.locator("main").get_by_role("link", name="View").first.click()
    buyer.look("agreement")
    with page.expect_download() as download:
        page.locator("main").get_by_role("link", name="Download (PDF)").first.click()
    assert download.value.path().read_bytes().startswith(b"%PDF-")


def test_the_bar_of_small_screens_repeats_the_live_total(person, templates):
    product, buyer = on_sale({"monthly": "5.00", "yearly": "50.00"}), person("buyer")
    page = buyer.goto(f"/products/{product.slug}/")
    page.set_viewport_size({"width": 390, "height": 844})
    bar = page.get_by_role("region", name="Total")
    expect(bar).to_contain_text("$5.00 USD")
    page.fill("input[name=duration]", "3")
    expect(bar).to_contain_text("$15.00 USD")
    page.check("input[value=yearly]")
    expect(bar).to_contain_text("$50.00 USD")
    page.fill("input[name=duration]", "99")
    expect(bar).to_contain_text("—")


def test_back_reload_and_a_second_click_pay_once(person, templates):
    buyer = person("buyer")
    order = come_to_pay(buyer, on_sale(), "slow")
    page = buyer.page
    page.locator(".buy-col button:has-text('Pay Now')").dblclick()
    page.wait_for_url("**/done/")
    page.go_back()
    page.wait_for_url("**/done/")
    page.reload()
    assert now(order).status == "processing"
    assert Payment.objects.get().status == "succeeded"


def test_a_declined_card_says_why_and_another_one_pays(person, templates):
    buyer = person("buyer")
    order = come_to_pay(buyer, on_sale(), "insufficient_funds", "success_mastercard")
    page = buyer.page
    page.get_by_label("9995").check()
    pay_now(buyer)
    expect(page.get_by_role("alert")).to_contain_text("insufficient funds")
    expect(page.get_by_role("alert")).to_contain_text("another")
    assert page.title().startswith("Error:")
    buyer.look("pay-declined")
    assert now(order).status == "pending_payment"
    assert Payment.objects.get().failure_code == "insufficient_funds"
    page.get_by_label("4444").check()
    pay_now(buyer)
    page.wait_for_url("**/done/")
    assert now(order).status == "processing"
    assert paid_by(order).card.last4 == "4444"
    buyer.goto(f"/billing/orders/{order.number}/")
    buyer.look("order-after-decline")


def test_3d_secure_refused_and_then_confirmed_at_the_bank(person, templates):
    buyer = person("buyer")
    order = come_to_pay(buyer, on_sale(), "authentication")
    page = buyer.page
    pay_now(buyer)
    page.wait_for_url("**/sandbox/confirm/**")
    buyer.look("bank")
    assert Payment.objects.get().status == "action_required"
    page.goto(f"{buyer.base}/purchase/orders/{order.number}/done/")
    buyer.look("done-bank-asks")
    page.get_by_role("link", name="Confirm payment").click()
    page.get_by_role("button", name="Refuse payment").click()
    page.wait_for_url("**/pay/")
    buyer.look("pay-refused")
    assert now(order).status == "pending_payment"
    pay_now(buyer)
    page.wait_for_url("**/sandbox/confirm/**")
    page.get_by_role("button", name="Confirm payment").click()
    page.wait_for_url("**/done/")
    expect(page.get_by_role("heading", name="Payment successful").first).to_be_visible()
    assert now(order).status == "processing"
    assert sorted(Payment.objects.values_list("status", flat=True)) == ["failed", "succeeded"]


def test_an_answer_that_was_lost_is_found_out(person, templates):
    buyer = person("buyer")
    order = come_to_pay(buyer, on_sale(), "lost_answer")
    pay_now(buyer)
    page = buyer.page
    page.wait_for_url("**/done/")
    buyer.look("done-being-found-out")
    assert now(order).status == "pending_payment"
    expect(page.get_by_role("link", name="Check again")).to_be_visible()
    run_until_quiet(at=Payment.objects.get().ask_gateway_at)
    # The page finds it out by itself.
    expect(page.get_by_role("heading", name="Payment successful")).to_be_visible(timeout=20_000)
    assert now(order).status == "processing"


def test_a_coupon_is_redeemed_and_lowers_the_order_in_words(person, templates):
    product, buyer = on_sale(), person("buyer")
    come_in(buyer)
    enter_card(buyer, "success")
    Discount.objects.create(kind="promotional", name="Autumn", percent=20)
    page = buyer.goto("/my/discounts/")
    buyer.look("discounts-empty")
    page.get_by_label("Coupon code").fill("NOSUCHCOUPON0000")
    page.get_by_role("button", name="Redeem").click()
    buyer.look("discounts-refused")
    coupon = a_coupon(combinable={"promotional": True})
    page.get_by_label("Coupon code").fill(coupon.code.lower())
    page.get_by_role("button", name="Redeem").click()
    expect(page.get_by_text("is on the account")).to_be_visible()
    buyer.look("discounts")
    configure(buyer, product)
    page.get_by_label("Coupon code").fill("NOSUCHCOUPON0000")
    page.get_by_role("button", name="Use coupon").click()
    buyer.look("confirm-no-such-coupon")
    page.get_by_label("Coupon code").fill(coupon.code)
    page.get_by_role("button", name="Use coupon").click()
    cost = page.locator(".buy-col .cost")
    expect(cost).to_contain_text("Autumn, 20% off")
    expect(cost).to_contain_text(f"Cash coupon ending in {coupon.code[-4:]}")
    expect(cost.locator("[data-total]")).to_contain_text("$1.00")
    buyer.look("confirm-coupon")
    order = submit(buyer)
    assert Coupon.objects.get().remaining == 0
    pay_now(buyer)
    page.wait_for_url("**/done/")
    order = now(order)
    assert (order.status, order.payable_money.digits(), order.coupon, order.discount) == ("processing", "1.00", 3, 1)
    assert paid_by(order).money == order.payable_money
    buyer.goto(f"/billing/orders/{order.number}/")
    expect(page.locator(".cost")).to_contain_text(f"Cash coupon ending in {coupon.code[-4:]}")
    buyer.goto("/my/discounts/?show=past")
    expect(page.locator("main")).to_contain_text(coupon.code)
    buyer.look("discounts-past")


def test_three_orders_are_paid_in_one_charge(person, templates):
    product, buyer = on_sale(), person("buyer")
    come_in(buyer)
    enter_card(buyer, "success")
    orders = []
    for months in (1, 2, 3):
        configure(buyer, product, months)
        orders.append(submit(buyer))
    page = buyer.goto("/billing/orders/")
    buyer.look("orders-unpaid")
    for order in orders:
        page.get_by_label(f"Select order {order.number}").check()
    page.get_by_role("button", name="Pay selected orders together").click()
    page.wait_for_url("**/purchase/pay/**")
    expect(page.get_by_role("heading", name="Pay for 3 orders").first).to_be_visible()
    buyer.look("pay-together")
    pay_now(buyer)
    page.wait_for_url("**/purchase/done/**")
    buyer.look("done-together")
    payment = Payment.objects.get()
    assert (payment.status, payment.money.digits(), payment.allocations.count()) == ("succeeded", "30.00", 3)
    assert {now(order).status for order in orders} == {"processing"}
