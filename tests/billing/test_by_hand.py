"""What operations post by hand: adjustments on an account of their own, payouts to sellers, each once (RULES 9)."""

from decimal import Decimal

import pytest
from django.test import Client

from accounts.models import User
from billing import ledger
from billing.choices import Ledger
from billing.models import AccountBalance, JournalEntry, Posting
from billing.services import (
    Adjustment,
    PaymentRequest,
    adjust_balance,
    pay_order,
    pay_out,
    propose_refund,
    receive_from_gateway,
    remit_tax,
    top_up,
)
from koogallery.kernel.errors import InvalidInput, PermissionRefused
from koogallery.kernel.money import Money
from orders.models import Order
from orders.services import complete_order
from pricing.models import TaxRate
from tests.billing.conftest import a_shopper, usd
from tests.billing.test_gateway import completed
from tests.factories import SellerMemberFactory
from tests.supervision.test_races import at_once, done


@pytest.fixture
def sold(shopper, timers) -> Order:
    """A completed order of 5.00 USD, of which 4.25 USD are payable to its seller."""
    return completed(shopper, timers)


def on(name: Ledger) -> Decimal:
    return sum((one.amount for one in Posting.objects.filter(ledger=name)), Decimal(0))


# --- adjustments ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cause", ["goodwill", "correction", "rounding"])
def test_an_adjustment_stands_on_its_own_account_and_says_why(shopper, cause):
    adjust_balance(shopper.account, Adjustment(usd("3.00"), cause, "Sorry."), by=shopper.operator)
    adjust_balance(shopper.account, Adjustment(usd("-1.00"), cause, "Too much."), by=shopper.operator)
    assert (on(Ledger.ADJUSTMENTS), on(Ledger.BALANCE), on(Ledger.SERVICE_FEES)) == (2, -2, 0)
    assert {(one.cause, bool(one.by)) for one in JournalEntry.objects.all()} == {(cause, True)}


@pytest.mark.parametrize(
    ("label", "amount", "cause", "reason"),
    [
        ("no cause", "1.00", "", "Sorry."),
        ("an unknown cause", "1.00", "gift", "Sorry."),
        ("no reason", "1.00", "goodwill", " "),
        ("nothing", "0.00", "goodwill", "Sorry."),
        ("a fraction of a cent", "0.001", "goodwill", "Sorry."),
        ("more taken than there is", "-0.01", "correction", "Sorry."),
    ],
)
def test_an_adjustment_that_makes_no_sense_posts_nothing(shopper, label, amount, cause, reason):
    with pytest.raises(InvalidInput):
        adjust_balance(shopper.account, Adjustment(usd(amount), cause, reason), by=shopper.operator)
    assert not JournalEntry.objects.exists()


def test_only_operations_post_by_hand(shopper, sold):
    posted = JournalEntry.objects.count()
    with pytest.raises(PermissionRefused):
        adjust_balance(shopper.account, Adjustment(usd("1.00"), "goodwill", "Me."), by=shopper.by)
    with pytest.raises(PermissionRefused):
        pay_out(sold.seller, usd("1.00"), reference="B", by=shopper.by)
    assert JournalEntry.objects.count() == posted


def test_a_form_that_is_sent_twice_posts_once(shopper):
    client = Client()
    client.force_login(User.objects.get(pk=shopper.operator.user_id))
    page = "/admin/billing/journalentry/add/"
    key = client.get(page).context["form"]["key"].value()
    entry = {
        "kind": "adjustment", "account": shopper.account.name, "amount": "30.00", "currency": "USD", "text": "Sorry.",
        "cause": "goodwill", "key": key,
    }  # fmt: skip
    assert [client.post(page, entry).status_code for _click in range(2)] == [302, 302]
    assert AccountBalance.objects.get().money == usd("30.00")
    assert client.post(page, entry | {"amount": "31.00"}).status_code == 422
    assert client.post(page, entry | {"key": "another", "cause": ""}).status_code == 422
    assert client.post(page, entry | {"key": "another"}).status_code == 302
    assert AccountBalance.objects.get().money == usd("60.00")


# --- between the bank and what belongs to no party ----------------------------------------------------------------


def test_what_the_processor_pays_out_is_at_the_bank(shopper, sold):
    there = on(Ledger.GATEWAY)
    entry = receive_from_gateway(usd("4.00"), reference="PO-1", by=shopper.operator)
    assert receive_from_gateway(usd("4.00"), reference="po-1 ", by=shopper.operator) == entry
    assert (on(Ledger.GATEWAY), on(Ledger.BANK)) == (there - 4, 4)
    for amount, reference in ((usd("3.00"), "PO-1"), (usd("4.00"), "PO-2"), (usd("0.50"), " "), (usd("-1.00"), "PO-3")):
        with pytest.raises(InvalidInput):
            receive_from_gateway(amount, reference=reference, by=shopper.operator)
    with pytest.raises(PermissionRefused):
        receive_from_gateway(usd("0.10"), reference="PO-4", by=shopper.by)


def test_tax_that_was_collected_is_remitted(shopper, timers):
    TaxRate.objects.create(country="SG", name="GST", percent=Decimal(9))
    completed(shopper, timers)
    collected = -on(Ledger.TAX)
    assert collected > 0
    with pytest.raises(InvalidInput):
        remit_tax(Money(collected + 1, "USD"), reference="TAX-2026", by=shopper.operator)
    client = Client()
    client.force_login(User.objects.get(pk=shopper.operator.user_id))
    entry = {"kind": "tax_remitted", "amount": str(collected), "currency": "USD", "text": "TAX-2026"}
    assert client.post("/admin/billing/journalentry/add/", entry).status_code == 302
    assert (on(Ledger.TAX), on(Ledger.BANK)) == (0, -collected)
    with pytest.raises(PermissionRefused):
        remit_tax(usd("0.01"), reference="TAX-2027", by=shopper.by)


# --- payouts ----------------------------------------------------------------------------------------------------------


def test_a_payout_is_never_above_what_is_payable_in_its_currency(shopper, sold):
    for amount in (usd("4.26"), Money(Decimal(1), "JPY"), usd("-1.00"), usd("0.00"), usd("0.001")):
        with pytest.raises(InvalidInput):
            pay_out(sold.seller, amount, reference="BANK-1", by=shopper.operator)
    with pytest.raises(InvalidInput):
        pay_out(sold.seller, usd("1.00"), reference=" ", by=shopper.operator)
    entry = pay_out(sold.seller, usd("4.25"), reference="BANK-1", by=shopper.operator)
    assert (entry.text, entry.by) == ("BANK-1", shopper.operator.label)
    assert not ledger.payable_to(sold.seller, "USD")


def test_what_is_held_is_not_paid_out(shopper):
    shopper.card()
    order = pay_order(shopper.order(), PaymentRequest(), by=shopper.by)
    with pytest.raises(InvalidInput, match=r"Only \$0\.00 USD is payable"):
        pay_out(order.seller, usd("0.01"), reference="BANK-1", by=shopper.operator)


def test_the_same_payout_again_is_the_one_that_was_made(shopper, sold):
    first = pay_out(sold.seller, usd("2.00"), reference="BANK-1", by=shopper.operator)
    assert pay_out(sold.seller, usd("2.00"), reference=" bank-1", by=shopper.operator) == first
    with pytest.raises(InvalidInput, match="posted already"):
        pay_out(sold.seller, usd("2.25"), reference="BANK-1", by=shopper.operator)
    assert ledger.payable_to(sold.seller, "USD") == usd("2.25")
    pay_out(sold.seller, usd("2.00"), reference="BANK-2", by=shopper.operator)
    assert ledger.payable_to(sold.seller, "USD") == usd("0.25")


def test_a_refund_after_the_payout_is_set_off(shopper, sold, timers):
    pay_out(sold.seller, usd("4.25"), reference="BANK-1", by=shopper.operator)
    propose_refund(sold, None, reason="Ended.", by=shopper.operator)
    timers.run()
    [money] = ledger.money_of(sold.seller)
    assert (money.payable, money.owes, money.paid_out) == (usd("-4.25"), usd("4.25"), usd("4.25"))
    with pytest.raises(InvalidInput):
        pay_out(sold.seller, usd("0.01"), reference="BANK-2", by=shopper.operator)


def test_the_seller_reads_what_is_held_payable_and_paid_out(shopper, sold):
    pay_order(shopper.order(months=2), PaymentRequest(), by=shopper.by)
    pay_out(sold.seller, usd("4.00"), reference="BANK-77", by=shopper.operator)
    client = Client()
    client.force_login(SellerMemberFactory(seller=sold.seller).user)
    page = " ".join(client.get("/seller/orders/").content.decode().split())
    for text in (
        "$0.25",
        "$10.00",
        "$4.00",
        "BANK-77",
        "held until the customer has accepted",
        "payable to the seller",
    ):
        assert text in page, text
    other = Client()
    other.force_login(SellerMemberFactory().user)
    assert "BANK-77" not in other.get("/seller/orders/").content.decode()


@pytest.mark.django_db(transaction=True)
def test_one_payout_in_eight_tabs_and_two_payouts_at_once():
    shopper = a_shopper()
    shopper.card()
    order = complete_order(pay_order(shopper.order(), PaymentRequest(), by=shopper.by), by=shopper.operator)
    outcomes = at_once(*[lambda: pay_out(order.seller, usd("2.00"), reference="B-1", by=shopper.operator)] * 8)
    assert len({one.pk for one in outcomes}) == 1
    outcomes = at_once(
        *[lambda n=n: pay_out(order.seller, usd("2.00"), reference=f"C-{n}", by=shopper.operator) for n in range(8)]
    )
    assert done(outcomes) == 1
    assert ledger.payable_to(order.seller, "USD") == usd("0.25")
    at_once(*[lambda: top_up(shopper.account, usd("1.00"), reference="T", key="k", by=shopper.operator)] * 8)
    assert AccountBalance.objects.get().money == usd("1.00")
