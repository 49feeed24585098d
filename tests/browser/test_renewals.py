"""Renewing in a real browser: by hand, many at once, by itself, to the renewal date, and rescued in retention."""

from datetime import timedelta
from decimal import Decimal

import pytest
from playwright.sync_api import expect

from accounts.web import buyer_actor
from billing.models import Payment
from catalog.services import refresh_listing
from koogallery.kernel import clock
from koogallery.kernel.quiet import run_until_quiet
from orders.models import Order, Subscription
from orders.terms import last_day
from renewals.models import RenewalPlan, RenewalSettings
from tests.browser.buying import come_in, enter_card, pay_now
from tests.renewals.conftest import NOTING, a_running

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def bought(person, templates, settings):
    """Mara at her browser, and what she bought 25 days ago: a licence by the month."""
    methods = [("license", True), ("saas", False)]
    settings.FULFILMENT = dict.fromkeys(methods, NOTING)
    buyer = person("buyer")
    member = come_in(buyer)
    enter_card(buyer, "success")
    by = buyer_actor(member.user, member)
    one = a_running(clock.now() - timedelta(days=25), by=by)
    refresh_listing(one.app.product)
    return buyer, one


def test_by_hand_many_at_once_and_to_the_renewal_date(bought):
    buyer, one = bought
    page = buyer.goto("/billing/renewals/")
    buyer.look("renewals")
    page.locator("main").get_by_role("link", name=f"Renew {one.app.product.name}").click()
    page.wait_for_url(f"**/billing/renewals/{one.app.public_id}/")
    cost = page.locator("#cost")
    expect(cost.locator("[data-total]")).to_contain_text("50.00")  # 1 year is preferred where it is sold
    page.get_by_role("radio", name="2 months", exact=True).check()
    expect(cost.locator("[data-total]")).to_contain_text("10.00")
    buyer.look("renew")
    before = one.app.expires_at
    page.get_by_role("button", name="Pay Now").click()
    page.wait_for_url("**/pay/")
    pay_now(buyer)
    page.wait_for_url("**/done/")
    buyer.look("renew-done")
    assert Order.objects.latest("id").status == "completed"
    months = (last_day(one.app.expires_at).year - last_day(before).year) * 12
    assert months + last_day(one.app.expires_at).month - last_day(before).month == 2

    for _ in range(2):
        a_running(clock.now() - timedelta(days=20), by=one.by, specification=one.specification)
    saas = a_running(clock.now() - timedelta(days=3), by=one.by, saas=True)
    page = buyer.goto("/billing/renewals/date/")
    page.get_by_label("Renewal date: day of the month").select_option("31")
    buyer.look("renewal-date")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The renewal date is saved.")).to_be_visible()
    assert RenewalSettings.objects.get().renewal_day == 31
    page = buyer.goto("/billing/renewals/")
    for box in page.locator("input[name=app]").all():
        box.check()
    page.get_by_role("button", name="Renew selected").click()
    page.wait_for_url("**/batch/**")
    page.get_by_role("radio", name="1 month", exact=True).check()
    page.get_by_label("Renew to the renewal date").check()
    expect(page.locator("#cost input[name=to_date]")).to_have_count(1)
    buyer.look("renew-batch")
    total = page.locator("#cost [data-total]").inner_text()
    page.get_by_role("button", name="Pay Now").click()
    page.wait_for_url("**/purchase/pay/**")
    pay_now(buyer)
    page.wait_for_url("**/done/**")
    payment = Payment.objects.latest("id")
    assert payment.allocations.count() == 4
    assert payment.money.digits() in total
    ends = {last_day(app.expires_at) + timedelta(days=1) for app in Subscription.objects.all()}
    assert {day.day for day in ends} == {1}
    page = buyer.goto(f"/my/apps/{saas.app.public_id}/")
    expect(page.get_by_text("This product does not support auto-renewal.")).to_be_visible()
    buyer.look("app-renewable")
    buyer.goto(f"/billing/renewals/{saas.app.public_id}/plan/")
    buyer.look("renewal-plan-unsupported")


def test_by_itself_changed_foreseen_and_stopped(bought):
    buyer, one = bought
    page = buyer.goto("/billing/renewals/")
    page.get_by_role("link", name="Enable Auto-Renewal").click()
    page.locator("input[name=mode][value=auto]").check()
    page.get_by_role("radio", name="1 month", exact=True).check()
    page.get_by_label("Auto-renewals", exact=True).fill("100")
    page.locator("form[data-once]").evaluate("form => form.noValidate = true")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("from 0 (no limit) to 99")
    buyer.look("renewal-plan")
    page.get_by_label("Auto-renewals", exact=True).fill("3")
    page.get_by_label("Deducted so many days").select_option("2")
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**/billing/renewals/")
    buyer.goto("/billing/renewals/?mode=auto")
    expect(page.locator("main").get_by_text("3 more times")).to_be_visible()
    buyer.look("renewals-auto")
    buyer.goto("/billing/renewals/forecast/")
    expect(page.get_by_role("img", name="Renewed by itself")).to_be_visible()
    buyer.look("renewal-forecast")
    plan = RenewalPlan.objects.get()
    assert plan.deduct_at is not None
    run_until_quiet(at=plan.deduct_at)
    plan = RenewalPlan.objects.get()
    assert (plan.count, Order.objects.filter(kind="renewal", status="completed").count()) == (2, 1)
    buyer.goto(f"/billing/renewals/{one.app.public_id}/stop/")
    buyer.look("renewal-stop")
    page.get_by_role("button", name="Disable Auto-Renewal").click()
    expect(page.get_by_text("is off.")).to_be_visible()
    assert RenewalPlan.objects.get().mode == "manual"
    buyer.goto("/my/messages/")
    buyer.look("renewal-messages")


def test_expired_frozen_and_rescued(person, templates, settings):
    settings.FULFILMENT = {("license", True): NOTING}
    buyer = person("buyer")
    member = come_in(buyer)
    enter_card(buyer, "success")
    one = a_running(clock.now() - timedelta(days=50), by=buyer_actor(member.user, member))
    refresh_listing(one.app.product)
    run_until_quiet()
    assert one.app.status == "frozen"
    before = one.app.expires_at
    page = buyer.goto("/billing/renewals/")
    expect(page.locator("main")).to_contain_text("data kept until")
    buyer.look("renewals-frozen")
    buyer.goto(f"/billing/renewals/{one.app.public_id}/?duration=2-month")
    expect(page.get_by_text("The renewed period starts on")).to_be_visible()
    buyer.look("renew-frozen")
    page.get_by_role("button", name="Pay Now").click()
    pay_now(buyer)
    page.wait_for_url("**/done/")
    assert (one.app.status, Order.objects.latest("id").payable) == ("enabled", Decimal(10))
    assert one.app.expires_at > before + timedelta(days=55)
