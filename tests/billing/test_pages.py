"""The pages of paying and of the Billing Center, by plain forms; and what operations do in Django admin."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils.html import strip_tags
from time_machine import travel

from accounts.models import Reseller, User
from billing import ledger
from billing.gateways import ChargeOutcome, GatewayAnswer
from billing.models import (
    AccountBalance,
    CreditLine,
    JournalEntry,
    Payment,
    RefundProposal,
    SandboxCharge,
    Statement,
    UsageBill,
)
from billing.services import PaymentRequest, pay_order, pay_orders, propose_refund, resolve_payment
from billing.services.outcomes import record_outcome
from koogallery.kernel import clock
from koogallery.kernel.quiet import run_until_quiet
from orders.choices import OrderStatus
from orders.models import Order, PurchaseDraft
from orders.services import cancel_order
from pricing.models import Coupon, Discount
from supervision.models import FlowTemplate
from tests.api.conftest import buyer_api
from tests.billing.conftest import usd
from tests.factories import AgreementFactory, a_buyer, a_coupon, a_statement, a_usage_bill


@pytest.fixture
def browser(shopper) -> Client:
    client = Client()
    client.force_login(User.objects.get(pk=shopper.by.user_id))
    return client


@pytest.fixture
def operations(shopper) -> Client:
    client = Client()
    client.force_login(User.objects.get(pk=shopper.operator.user_id))
    return client


def confirmed(browser, shopper) -> PurchaseDraft:
    AgreementFactory()
    FlowTemplate.objects.get_or_create(flow_type="license", version=1, defaults={"appeal_on_acceptance_after": 2})
    product = shopper.specification.product
    query = {"specification": shopper.specification.pk, "billing_mode": "monthly", "duration": 1}
    answer = browser.get(f"/purchase/new/{product.slug}/", query)
    assert answer.status_code == 302, answer.content
    return PurchaseDraft.objects.get()


def submit(browser, draft):
    address = f"/purchase/{draft.public_id}/confirm/"
    return browser.post(address, {"agreements": "on", **hidden(browser.get(address).content.decode())})


def hidden(page: str) -> dict[str, str]:
    """What Confirm sends along: the quote and the agreements that it showed."""
    return {name: page.split(f'name="{name}" value="')[1].split('"')[0] for name in ("quote", "agreements_shown")}


def test_a_coupon_is_used_on_confirm_and_taken_off_again(browser, shopper):
    draft, coupon = confirmed(browser, shopper), a_coupon(shopper.account)
    address = f"/purchase/{draft.public_id}/coupon/"
    browser.post(address, {"coupon": coupon.code.lower()})
    page = browser.get(f"/purchase/{draft.public_id}/confirm/").content.decode()
    assert "Cash coupon ending in" in page
    assert "$2.00 USD" in page
    browser.post(address, {"coupon": ""})
    assert "Cash coupon ending in" not in browser.get(f"/purchase/{draft.public_id}/confirm/").content.decode()
    browser.post(address, {"coupon": coupon.code})
    submit(browser, draft)
    assert (Order.objects.get().payable, Coupon.objects.get().remaining) == (2, 0)


def test_a_wrong_coupon_says_why_and_keeps_what_was_typed(browser, shopper):
    draft = confirmed(browser, shopper)
    answer = browser.post(f"/purchase/{draft.public_id}/coupon/", {"coupon": "NOSUCHCOUPON0000"})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "<title>Error: Confirm" in page
    assert '<a href="#coupon">There is no such coupon' in page
    assert 'value="NOSUCHCOUPON0000"' in page


def test_a_changed_price_shows_old_and_new_and_asks_again(browser, shopper):
    draft = confirmed(browser, shopper)
    page = browser.get(f"/purchase/{draft.public_id}/confirm/").content.decode()
    Discount.objects.create(kind="promotional", name="Autumn", percent=20)
    answer = browser.post(f"/purchase/{draft.public_id}/confirm/", {"agreements": "on", **hidden(page)})
    assert answer.status_code == 422
    text = answer.content.decode()
    assert "it was $5.00 USD and is $4.00 USD now" in text
    assert not Order.objects.exists()
    submit(browser, draft)
    assert Order.objects.get().payable == 4


def test_a_resellers_customer_reads_the_guides_sentence_and_submits(browser, shopper):
    shopper.through(Reseller.objects.create(name="Cloudhaus"))
    draft = confirmed(browser, shopper)
    page = browser.get(f"/purchase/{draft.public_id}/confirm/").content.decode()
    assert (
        "The displayed amount due is for reference only. Confirm the amount with the reseller before placing the order."
        in page
    )
    assert "Pay Now" not in page
    answer = browser.get(submit(browser, draft)["Location"], follow=True)
    assert "Order submitted" in answer.content.decode()
    assert Order.objects.get().status == OrderStatus.PROCESSING


@pytest.mark.parametrize("method", ["balance", "monthly_settlement"])
def test_the_pay_page_offers_and_takes_other_methods(browser, shopper, method):
    shopper.balance("20.00")
    shopper.credit()
    order = shopper.order()
    page = browser.get(f"/purchase/orders/{order.number}/pay/").content.decode()
    assert f'value="{method}"' in page
    assert browser.post(f"/purchase/orders/{order.number}/pay/", {"method": method}).status_code == 302
    assert Order.objects.get().status == OrderStatus.PROCESSING


def test_a_method_that_was_not_granted_is_refused_in_words(browser, shopper):
    order = shopper.order()
    answer = browser.post(f"/purchase/orders/{order.number}/pay/", {"method": "monthly_settlement"})
    assert answer.status_code == 422
    assert "submit a service ticket" in answer.content.decode()


def test_members_are_offered_what_their_roles_may_do(browser, shopper):
    order = shopper.order()
    shopper.card()
    assert "Cancel order" in browser.get(f"/purchase/orders/{order.number}/pay/").content.decode()
    offered = {}
    for role in ("finance", "purchaser", "viewer"):
        member = Client()
        member.force_login(User.objects.get(pk=a_buyer(role, shopper.account).user_id))
        page = member.get(f"/purchase/orders/{order.number}/pay/").content.decode()
        offered[role] = ("Pay Now" in page, "Cancel order" in page)
    assert offered == {"finance": (True, True), "purchaser": (False, True), "viewer": (False, False)}


def test_selected_orders_are_paid_together(browser, shopper):
    card = shopper.card()
    orders = [shopper.order() for _number in range(3)]
    page = browser.get("/billing/orders/").content.decode()
    assert "Pay selected orders together" in page
    address = "/purchase/pay/?" + "&".join(f"order={order.number}" for order in orders)
    assert "$15.00" in browser.get(address).content.decode()
    answer = browser.post(address, {"method": f"card:{card.public_id}"}, follow=True)
    assert "Orders paid in one charge" in answer.content.decode()


def test_what_cannot_be_paid_in_one_charge_is_said_before_anything_is_shown(browser, shopper):
    orders = [shopper.order() for _number in range(2)]
    Order.objects.filter(pk=orders[1].pk).update(currency="EUR")
    page = browser.get("/purchase/pay/", {"order": [order.number for order in orders]}, follow=True)
    assert page.redirect_chain == [("/billing/orders/", 302)]
    assert "Orders that are paid together are in one currency." in page.content.decode()
    Order.objects.filter(pk=orders[1].pk).update(currency="USD")

    orders += [shopper.order() for _number in range(29)]
    page = browser.get("/purchase/pay/", {"order": [order.number for order in orders]}, follow=True)
    assert "Select 1 to 30 orders." in page.content.decode()
    page = browser.get("/purchase/pay/", {"order": [order.number for order in orders[:30]]})
    assert "$150.00" in page.content.decode()


def test_an_order_says_its_share_of_a_charge_and_what_of_it_went_back(browser, shopper):
    shopper.card()
    orders = [shopper.order(), shopper.order(months=2)]
    pay_orders(orders, PaymentRequest(), by=shopper.by)
    page = browser.get(f"/billing/orders/{orders[1].number}/").content.decode()
    assert "of $15.00 USD with 1 other order" in words(page)
    assert "Refunds" not in page

    propose_refund(Order.objects.get(pk=orders[1].pk), usd("3.50"), reason="Downtime.", by=shopper.operator)
    page = words(browser.get(f"/billing/orders/{orders[1].number}/").content.decode())
    assert "On its way" in page
    assert "$3.50 USD" in page
    run_until_quiet()
    assert "Given back" in browser.get(f"/billing/orders/{orders[1].number}/").content.decode()
    assert "Given back" not in browser.get(f"/billing/orders/{orders[0].number}/").content.decode()


def test_operations_read_amounts_as_people_do(operations, shopper):
    shopper.card()
    order = pay_order(shopper.order(), PaymentRequest(), by=shopper.by)
    propose_refund(order, usd("2.00"), reason="Downtime.", by=shopper.operator)
    own, payment = f"orders/order/{order.pk}/change/", f"billing/payment/{Payment.objects.get().pk}/change/"
    for path in (own, payment):
        page = words(operations.get(f"/admin/{path}").content.decode())
        for said in ("Refunding", "$5.00 USD", "$2.00 USD", order.number, "Downtime."):
            assert said in page, (path, said)
    assert "Processing" in operations.get(f"/admin/{own}").content.decode()
    for path in ("orders/order/", "billing/payment/"):
        page = operations.get(f"/admin/{path}").content.decode()
        assert ("$5.00 USD" in page, "5.0000" in page) == (True, False), path
    form = operations.get("/admin/billing/journalentry/add/").content.decode()
    assert 'name="key"' in form
    assert "Key:" not in form


def words(page: str) -> str:
    """A page's text, with single blanks."""
    return " ".join(strip_tags(page).split())


def test_what_became_of_a_charge_over_several_orders_is_said_while_it_is_found_out(browser, shopper):
    card = shopper.card("lost_answer")
    query = "?" + "&".join(f"order={shopper.order().number}" for _number in range(2))
    answer = browser.post(f"/purchase/pay/{query}", {"method": f"card:{card.public_id}"})
    waiting = browser.get(answer.headers["Location"]).content.decode()
    assert "The payment is being processed" in waiting
    assert "data-refresh" in waiting

    payment = Payment.objects.get()
    record_outcome(payment, GatewayAnswer(ChargeOutcome.DECLINED), by=shopper.by, at=clock.now())
    SandboxCharge.objects.update(outcome="declined")
    after = browser.get(answer.headers["Location"])
    assert after.status_code == 302
    assert after.headers["Location"].startswith("/purchase/pay/?order=")


def test_a_charge_that_came_too_late_for_one_of_several_orders_is_said(browser, shopper):
    card, orders = shopper.card("lost_answer"), [shopper.order(), shopper.order()]
    query = f"?order={orders[0].number}&order={orders[1].number}"
    browser.post(f"/purchase/pay/{query}", {"method": f"card:{card.public_id}"})
    cancel_order(orders[0], by=shopper.by)
    resolve_payment(Payment.objects.get().public_id, last_call=False, at=clock.now())
    page = browser.get(f"/purchase/done/{query}").content.decode()
    assert "Not all of these orders are paid" in page
    assert "data-refresh" not in page


def test_orders_that_ended_without_a_charge_are_not_being_processed(browser, shopper):
    orders = [shopper.order() for _number in range(2)]
    for order in orders:
        cancel_order(order, by=shopper.by)
    page = browser.get("/purchase/done/", {"order": [order.number for order in orders]}).content.decode()
    assert "Not all of these orders are paid" in page
    assert "being processed" not in page
    assert "data-refresh" not in page


def test_orders_of_others_are_not_paid_together(browser, shopper):
    assert browser.get("/purchase/pay/?order=CS2600000000").status_code == 404


def test_a_statement_is_read_and_paid(browser, shopper):
    shopper.credit()
    shopper.card()
    pay_order(shopper.order(), PaymentRequest("monthly_settlement"), by=shopper.by)
    statement = a_statement(shopper.account)
    assert "October 2026" in browser.get("/billing/statements/").content.decode()
    card = shopper.account.payment_methods.get()
    answer = browser.post(statement.get_absolute_url(), {"method": f"card:{card.public_id}"}, follow=True)
    assert "Paid" in answer.content.decode()
    assert CreditLine.objects.get().used == 0


def test_the_first_page_of_the_billing_center_says_what_waits(browser, shopper, timers):
    empty = browser.get("/billing/").content.decode()
    assert "Nothing" in empty
    shopper.credit()
    shopper.card()
    with travel(datetime(2026, 3, 10, tzinfo=UTC), tick=False):
        CreditLine.objects.update(next_statement_at=datetime(2026, 4, 2, 16, tzinfo=UTC))
        order = pay_order(shopper.order(), PaymentRequest("monthly_settlement"), by=shopper.by)
    with travel(datetime(2026, 4, 3, tzinfo=UTC), tick=False):
        timers.run()
        shopper.order()
        a_usage_bill(shopper.account, "7.00")
        browser.force_login(User.objects.get(pk=shopper.by.user_id))
        page = browser.get("/billing/")
        assert page.context["due"] == [usd("12.00")]
        assert (page.context["unpaid"], page.context["applications"]) == (1, 0)
        ((shares, _chart),) = page.context["spent"]
        assert [(one.name, one.money) for one in shares if one.money] == [("2026-03", usd("5.00"))]
        statement = Statement.objects.get()
        bill = buyer_api("owner", shopper.account, card=False).get("bills/").json()["results"]
        assert {(one["kind"], one["amount"]["amount"]) for one in bill} == {
            ("usage", "7.00"),
            ("monthly_settlement", "5.00"),
        }
        one = buyer_api("owner", shopper.account, card=False).get(f"bills/{statement.public_id}/").json()
        assert [(entry["order"], entry["amount"]["amount"]) for entry in one["entries"]] == [(order.number, "5.00")]
        assert one["due_at"] == "2026-04-17T16:00:00Z"
        file = browser.get(f"/billing/statements/{statement.public_id}/export.csv")
        rows = b"".join(file.streaming_content).decode().splitlines()
        assert (order.number in rows[1], rows[-1]) == (True, "total,,,,,5.00,USD")
        paid = buyer_api("owner", shopper.account, card=False).post(
            f"bills/{statement.public_id}/pay/", {"method": "card"}
        )
        assert (paid.status_code, paid.json()["status"]) == (200, "paid")
    UsageBill.objects.all().delete()


def test_contracts_are_the_agreements_by_the_month_of_their_acceptance(browser, shopper):
    assert "You have not accepted any agreements." in browser.get("/billing/contracts/").content.decode()
    AgreementFactory()
    with travel(datetime(2025, 12, 31, 17, tzinfo=UTC), tick=False):  # January in GMT+08:00
        first = shopper.order()
    with travel(datetime(2026, 3, 10, tzinfo=UTC), tick=False):
        shopper.order()
        browser.force_login(User.objects.get(pk=shopper.by.user_id))
        page = browser.get("/billing/contracts/")
        assert [f"{month:%Y-%m}" for month, _rows in page.context["months"]] == ["2026-03", "2026-01"]
        assert first.number in page.content.decode()
        assert page.content.decode().count("Download (PDF)") == 2
        assert first.number in browser.get("/billing/contracts/?year=2026").content.decode()
        for unknown in ("2025", "9" * 5000, "x"):
            assert browser.get("/billing/contracts/", {"year": unknown}).context["tabs"][0].current


def test_discounts_lists_coupons_and_redeems_codes(browser, shopper):
    assert "You have no discounts." in browser.get("/my/discounts/").content.decode()
    coupon = a_coupon()
    answer = browser.post("/my/discounts/", {"code": coupon.code}, follow=True)
    page = answer.content.decode()
    for shown in (coupon.code, f'data-copy="{coupon.code}"', "Use now"):
        assert shown in page
    assert browser.post("/my/discounts/", {"code": "X" * 16}).status_code == 422
    # One that begins later is neither used up nor expired, and says from when.
    Coupon.objects.update(valid_from=clock.now() + timedelta(days=1))
    page = browser.get("/my/discounts/").content.decode()
    assert "Not valid yet" in page
    assert "Use now" not in page
    assert coupon.code not in browser.get("/my/discounts/?show=past").content.decode()


def test_either_side_reads_why_the_money_is_held(browser, shopper):
    shopper.card()
    order = pay_order(shopper.order(), PaymentRequest(), by=shopper.by)
    assert "held until the customer has accepted" in browser.get(order.get_absolute_url()).content.decode()


# --- operations ---------------------------------------------------------------------------------------------------


def test_operations_refund_an_order(operations, shopper, timers):
    shopper.card()
    order = pay_order(shopper.order(), PaymentRequest(), by=shopper.by)
    form = {"order_number": order.number, "amount": "9.00", "reason": "Too much."}
    assert operations.post("/admin/billing/refundproposal/add/", form).status_code == 422
    assert operations.post("/admin/billing/refundproposal/add/", form | {"amount": "1.00"}).status_code == 302
    timers.run()
    assert RefundProposal.objects.get().status == "done"
    assert ledger.held_for(order) == usd("4.00")


def test_operations_grant_credit_and_top_up(operations, shopper):
    credit = {"account": shopper.account.public_id, "limit": "100.00", "currency": "USD", "ticket": "TK-9"}
    assert operations.post("/admin/billing/creditline/add/", credit).status_code == 302
    assert operations.post("/admin/billing/creditline/add/", credit | {"limit": "200.00"}).status_code == 302
    assert CreditLine.objects.get().limit == 200
    entry = {"kind": "top_up", "account": shopper.account.name, "amount": "30.00", "currency": "USD", "text": "BANK-3"}
    assert operations.post("/admin/billing/journalentry/add/", entry).status_code == 302
    assert AccountBalance.objects.get().money == usd("30.00")
    assert operations.post("/admin/billing/journalentry/add/", entry | {"amount": "0.001"}).status_code == 422
    assert JournalEntry.objects.get().by


def test_operations_grant_a_coupon(operations, shopper):
    coupon = {
        "kind": "cash", "name": "Sorry", "account": shopper.account.pk, "currency": "USD", "amount": "10.00", "percent": "0",
        "minimum_spend": "0", "valid_from_0": "2026-01-01", "valid_from_1": "00:00", "valid_until_0": "2036-01-01",
        "valid_until_1": "00:00", "with_commercial": "on",
    }  # fmt: skip
    answer = operations.post("/admin/pricing/coupon/add/", coupon)
    assert answer.status_code == 302, answer.content.decode()[-3000:]
    granted = Coupon.objects.get()
    assert (granted.remaining, granted.combines_with) == (10, {"commercial"})
    for wrong, told in (
        ({"amount": "0"}, ["A cash coupon is worth an amount in whole units of its currency."]),
        ({"kind": "discount", "percent": "101"}, ["A discount coupon takes off more than 0 and at most 100 per cent."]),
        ({"valid_until_0": "2025-01-01"}, ["A coupon ends after it begins."]),
        ({"minimum_spend": "-1"}, ["Enter a minimum spend of 0 or more."]),
        ({"percent": "5"}, ["A cash coupon is worth an amount, a discount coupon takes off more than 0 and at most 100 per cent; the other field stays 0."]),
    ):  # fmt: skip
        refused = operations.post("/admin/pricing/coupon/add/", coupon | wrong)
        found = refused.context["adminform"].form.errors
        assert [one for texts in found.values() for one in texts] == told, wrong
    assert Coupon.objects.count() == 1


def test_operations_export_a_statement_of_account(operations, shopper):
    shopper.account.name = "=HYPERLINK(1)"
    shopper.account.save()
    shopper.balance("5.00")
    act = {"action": "export", "_selected_action": list(ledger.Posting.objects.values_list("pk", flat=True))}
    text = b"".join(operations.post("/admin/billing/posting/", act).streaming_content).decode()
    assert "balance,'=HYPERLINK(1)" in text
    assert "-5.00,USD,BANK-1" in text
