"""Buying without a card in a real browser: monthly settlement and its statement, through a reseller; and an upgrade."""

from decimal import Decimal

import pytest
from playwright.sync_api import expect

from accounts.models import Membership, Reseller
from accounts.web import buyer_actor
from billing.choices import Ledger
from billing.gateways.sandbox import SandboxGateway
from billing.models import CreditLine, Payment, Posting, Statement
from billing.services import PaymentRequest, bind_card, pay_order
from catalog.models import Price, Specification, UpgradeRule
from catalog.services import refresh_listing
from koogallery.kernel.books import breaches
from koogallery.kernel.quiet import run_until_quiet
from orders.choices import OrderKind
from orders.models import Order, Subscription
from orders.services import Placement, place_order
from pricing.values import Duration, QuoteRequest
from supervision import services as supervision
from supervision.models import ServiceFlow
from tests.browser.buying import come_in, come_to_pay, configure, enter_card, now, pay_now, submit
from tests.browser.conftest import PASSWORD, on_sale
from tests.factories import AttributeFactory, MembershipFactory, SellerMemberFactory, UserFactory, a_seller
from tests.supervision.test_flow import a_file

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _books(transactional_db):
    """Whatever is bought here, the books are right afterwards."""
    yield
    assert [str(breach) for breach in breaches()] == []


def test_monthly_settlement_is_granted_used_stated_and_paid(person, templates):
    product, buyer, operator = on_sale(), person("buyer"), person("operator")
    member = come_in(buyer)
    operator.log_in(UserFactory(email="olu@ops.example", is_staff=True, is_superuser=True))
    configure(buyer, product)
    order = submit(buyer)
    page = buyer.page
    expect(page.get_by_text("To enable credit payment, submit a service ticket.").first).to_be_visible()
    assert page.get_by_role("button", name="Pay Now").count() == 0
    buyer.look("pay-no-method")
    buyer.goto("/billing/statements/")
    buyer.look("settlement-not-granted")

    desk = operator.goto("/admin/billing/creditline/add/")
    desk.fill("#id_account", member.account.name)
    desk.fill("#id_limit", "8.00")
    desk.fill("#id_ticket", "TK-17")
    operator.look("grant-credit")
    desk.get_by_role("button", name="Save").click()
    desk.wait_for_url("**/creditline/")
    assert CreditLine.objects.get().limit == 8

    buyer.goto(f"/purchase/orders/{order.number}/pay/")
    page.get_by_label("Monthly Settlement").check()
    buyer.look("pay-monthly")
    pay_now(buyer)
    page.wait_for_url("**/done/")
    assert (now(order).status, Payment.objects.get().method) == ("processing", "monthly_settlement")
    assert CreditLine.objects.get().used == 5
    configure(buyer, product)
    second = submit(buyer)
    expect(page.get_by_label("Monthly Settlement")).to_be_disabled()
    buyer.look("pay-limit-reached")
    assert now(second).status == "pending_payment"
    buyer.goto("/billing/statements/")
    buyer.look("settlement")

    for _month in range(2):  # early in a month the next statement is of the month before
        if not Statement.objects.exists():
            run_until_quiet(at=CreditLine.objects.get().next_statement_at, names=["issue_statements"])
    page.reload()
    buyer.look("statements")
    run_until_quiet(at=Statement.objects.get().due_at, names=["statements_fall_overdue"])
    enter_card(buyer, "success")
    buyer.goto("/billing/statements/")
    page.locator("main").get_by_role("link", name="Details").click()
    buyer.look("statement-overdue")
    expect(page.locator("main").get_by_text(order.number).first).to_be_visible()
    page.get_by_role("button", name="Pay Now").click()
    expect(page.get_by_role("heading", name="Paid", exact=True)).to_be_visible()
    buyer.look("statement-paid")
    assert (Statement.objects.get().status, CreditLine.objects.get().used) == ("paid", 0)
    assert Payment.objects.filter(method="card", status="succeeded").get().money.digits() == "5.00"


def test_the_seller_reads_what_is_held_for_him(person, templates):
    product, buyer, seller = on_sale(), person("buyer"), person("seller")
    working = SellerMemberFactory(seller=product.seller, user=UserFactory(email="ravi@seller.example"))
    order = come_to_pay(buyer, product, "success")
    pay_now(buyer)
    buyer.page.wait_for_url("**/done/")
    seller.log_in(working.user)
    page = seller.goto("/seller/orders/")
    expect(page.locator("main")).to_contain_text(order.number)
    expect(page.locator("main")).to_contain_text("Held")
    seller.look("seller-orders")


def test_a_resellers_customer_submits_and_never_pays(person, templates):
    product, buyer = on_sale(), person("buyer")
    member = come_in(buyer)
    member.account.reseller = Reseller.objects.create(name="Cloudhaus")
    member.account.save()
    configure(buyer, product)
    page = buyer.page
    sentence = (
        "You do not need to select a payment method or pay for the order. The displayed amount due is for reference "
        "only. Confirm the amount with the reseller before placing the order."
    )
    expect(page.get_by_text(sentence).first).to_be_visible()
    assert page.get_by_text("Pay Now").count() == 0
    buyer.look("confirm-reseller")
    order = submit(buyer, "Submit")
    page.wait_for_url("**/done/")
    expect(page.get_by_role("heading", name="Order submitted").first).to_be_visible()
    buyer.look("done-reseller")
    assert now(order).status == "processing"
    assert page.goto(f"{buyer.base}/purchase/orders/{order.number}/pay/").url.endswith("/done/")
    owed = Posting.objects.get(ledger=Ledger.RESELLER_OWES)
    assert (owed.reseller.name, owed.money.digits()) == ("Cloudhaus", "5.00")
    buyer.goto(f"/billing/orders/{order.number}/")
    assert page.get_by_text("Download receipt").count() == 0
    buyer.look("order-reseller")


@pytest.fixture
def saas(transactional_db):
    """A SaaS at 2.00 USD a user and month, whose seller lets the number of users be raised."""
    product = on_sale(saas_supervised=True)
    specification = Specification.objects.get()
    users = AttributeFactory(specification=specification, minimum=1, maximum=1000, step=1)
    Price.objects.update(amount=Decimal("2.00"), per=users)
    UpgradeRule.objects.create(specification=specification, attributes=["users"])
    return refresh_listing(product)


def running(membership: Membership) -> Subscription:
    """Ten users for three months: bought, requested, delivered, accepted; and the order completed three hours later."""
    buyer, account = buyer_actor(membership.user, membership), membership.account
    bind_card(account, SandboxGateway().enter_card("success"), by=buyer)
    request = QuoteRequest(Specification.objects.get().pk, "monthly", Duration(3, "month"))
    order = place_order(Placement(request, agreements_accepted=True), account=account, by=buyer)
    order = pay_order(order, PaymentRequest(), by=buyer)
    flow, seller = ServiceFlow.objects.get(order=order), a_seller(order.seller)
    supervision.submit_request(flow, description="Ten seats.", files=[a_file()], by=buyer)
    supervision.confirm_request(flow, by=seller)
    supervision.deliver(flow, note="They are there.", by=seller)
    supervision.accept_delivery(flow, by=buyer)
    run_until_quiet(at=now(order).completes_at)
    assert now(order).status == "completed"
    return Subscription.objects.get()


def test_an_upgrade_costs_what_is_shown_and_raises_the_configuration(person, templates, saas):
    buyer = person("buyer")
    app = running(come_in(buyer))

    page = buyer.goto("/my/apps/")
    page.locator("main").get_by_role("link", name="Upgrade").click()
    page.wait_for_url("**/upgrade/")
    buyer.look("upgrade")
    users, cost = page.get_by_label("Number of Users", exact=True), page.locator("#cost")
    expect(page.get_by_role("button", name="Update price")).to_be_hidden()
    expect(page.get_by_role("button", name="Pay Now")).to_be_hidden()
    page.get_by_role("button", name="Increase Number of Users").click()
    expect(cost.get_by_text("New configuration:")).to_contain_text("x 11")
    expect(cost.locator("div", has_text="Current configuration")).to_contain_text("x 10")
    expect(cost.locator("div", has_text="Current configuration")).to_contain_text("days left)")
    buyer.look("upgrade-cost")
    users.fill("9")
    expect(cost).to_contain_text("The upgrade cost cannot be negative.")
    expect(page.get_by_role("button", name="Pay Now")).to_be_hidden()
    buyer.look("upgrade-negative")
    users.fill("51")
    expect(cost).to_contain_text("50 at the most")
    users.fill("20")
    expect(cost.get_by_text("New configuration:")).to_contain_text("x 20")
    shown = cost.locator("[data-total]").inner_text()
    page.get_by_role("button", name="Pay Now").click()
    page.wait_for_url("**/pay/")
    order = Order.objects.latest("id")
    assert (order.kind, order.status) == (OrderKind.UPGRADE, "pending_payment")
    assert order.payable_money.digits() in shown
    buyer.goto(f"/my/apps/{app.public_id}/upgrade/")
    buyer.look("upgrade-waiting")
    page.get_by_role("link", name="View order").click()
    page.locator("main").get_by_role("link", name="Pay Now").click()
    pay_now(buyer)
    page.wait_for_url("**/done/")
    expect(page.get_by_text("The new configuration is in force").first).to_be_visible()
    buyer.look("done-upgrade")
    run_until_quiet()
    after = Subscription.objects.get()
    assert (after.attributes, after.expires_at) == ({"users": 20}, app.expires_at)
    assert now(order).status == "completed"
    assert Payment.objects.get(allocations__order=order).money == order.payable_money
    page = buyer.goto(f"/my/apps/{app.public_id}/")
    expect(page.locator("main").get_by_text("20", exact=True).first).to_be_visible()
    buyer.goto(f"/billing/orders/{order.number}/")
    expect(page.get_by_role("link", name="View Resource Details").first).to_be_visible()
    buyer.look("order-upgrade")


def test_a_price_that_was_not_shown_yet_is_not_ordered(person, templates, saas):
    buyer = person("buyer")
    app = running(come_in(buyer))
    page = buyer.goto(f"/my/apps/{app.public_id}/upgrade/")
    users, pay = page.get_by_label("Number of Users", exact=True), page.get_by_role("button", name="Pay Now")
    users.fill("11")
    expect(pay).to_be_visible()
    page.route("**/upgrade/quote/**", lambda route: route.abort())
    users.fill("12")
    pay.click()
    expect(page.get_by_role("button", name="Update price")).to_be_visible()
    pay.click()
    assert Order.objects.count() == 1
    buyer.faults.clear()  # the request that was aborted on purpose
    page.get_by_role("button", name="Update price").click()
    page.wait_for_url("**/upgrade/?**users=12**")
    expect(page.locator("#cost")).to_contain_text("x 12")
    pay.click()
    page.wait_for_url("**/pay/")
    assert Order.objects.latest("id").lines.get().attributes == {"users": 12}


def test_an_upgrade_without_javascript(templates, saas, browser, live_server):
    member = MembershipFactory(user=UserFactory(email="mara@contoso.example", password=PASSWORD))
    app = running(member)
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{live_server}/account/login/")
    page.fill("input[name=login]", member.user.email)
    page.fill("input[name=password]", PASSWORD)
    page.click("main button[type=submit]")
    page.goto(f"{live_server}/my/apps/{app.public_id}/upgrade/")
    page.get_by_label("Number of Users", exact=True).fill("9")
    page.get_by_role("button", name="Update price").click()
    expect(page.get_by_text("The upgrade cost cannot be negative.").first).to_be_visible()
    page.get_by_label("Number of Users", exact=True).fill("12")
    page.get_by_role("button", name="Update price").click()
    assert "csrf" not in page.url
    page.get_by_role("button", name="Pay Now").click()
    page.wait_for_url("**/pay/")
    assert Order.objects.latest("id").lines.get().attributes == {"users": 12}
    context.close()
