"""What a processor tells late, early, twice or otherwise than before; and what its own records must agree with."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from billing.choices import Ledger, PaymentStatus, RefundStatus
from billing.errors import PaymentActionRequired
from billing.gateways import ChargeOutcome, GatewayAnswer
from billing.gateways.sandbox import SandboxGateway
from billing.models import Dispute, GatewayMessage, JournalEntry, Payment, PaymentMethod, Refund, SandboxCharge
from billing.services import (
    PaymentRequest,
    bind_card,
    give_up_payment,
    methods_of,
    pay_order,
    pay_statement,
    propose_refund,
    record_refund_by_hand,
    resolve_payment,
    resolve_refund,
    start_binding,
)
from billing.services.intents import record_card_intent
from billing.services.outcomes import record_outcome
from koogallery.kernel import clock
from koogallery.kernel.books import breaches
from koogallery.kernel.errors import InvalidInput
from notifications.models import Message
from orders.choices import OrderStatus
from orders.models import Order
from tests.billing.conftest import usd
from tests.factories import MembershipFactory, a_statement

CARD = PaymentRequest()


def broken() -> set[str]:
    return {one.invariant.name for one in breaches()}


# --- another amount, late ------------------------------------------------------------------------------------------


def test_a_call_that_arrives_late_and_takes_another_amount_goes_back(shopper, timers):
    shopper.card("lost_answer")
    pay_order(shopper.order(), CARD, by=shopper.by)
    payment = record_outcome(
        Payment.objects.get(), GatewayAnswer(ChargeOutcome.NOT_FOUND), by=shopper.by, at=clock.now()
    )
    assert payment.never_arrived
    SandboxCharge.objects.update(amount="4.99")
    payment = resolve_payment(payment.public_id, last_call=False, at=clock.now())
    timers.run()
    assert (payment.status, payment.failure_code) == (PaymentStatus.FAILED, "amount_differs")
    assert str(SandboxCharge.objects.exclude(refund_of=None).get().amount) == "4.9900"
    assert Message.objects.filter(event="PaymentFailed", text__contains="another amount").exists()


def test_what_became_of_a_statements_payment_reaches_its_payers(shopper, timers):
    card = shopper.card("declined")
    statement = a_statement(shopper.account)
    Payment(
        account=shopper.account, method="card", card=card, statement=statement, amount=5, gateway="sandbox",
        status="authorising", ask_gateway_at=clock.now(),
    ).save()  # fmt: skip
    payment = Payment.objects.get()
    SandboxGateway().charge(payment.public_id, card.reference, payment.money, "")  # and the process died
    timers.run(clock.now() + timedelta(minutes=15), "ask_about_payments")
    told = Message.objects.get(event="StatementPaymentFailed")
    assert "declined the card" in told.text
    assert told.url == statement.get_absolute_url()
    statement.payments.all().delete()
    SandboxCharge.objects.all().delete()
    statement.delete()


# --- disputes before their charge ----------------------------------------------------------------------------------


def test_a_dispute_that_comes_before_our_outcome_is_matched_later(shopper, timers):
    shopper.card("disputed")
    order = shopper.order()
    payment = record_card_intent([order], CARD, at=clock.now())
    SandboxGateway().charge(payment.public_id, payment.card.reference, payment.money, "")  # and the process died
    timers.run()
    assert not Dispute.objects.exists()
    assert GatewayMessage.objects.get().match_at is not None
    timers.run(clock.now() + timedelta(minutes=15))
    timers.run(clock.now() + timedelta(hours=1))
    assert Order.objects.get().status == OrderStatus.PROCESSING
    assert Dispute.objects.get().payment == payment
    assert GatewayMessage.objects.get().match_at is None


def test_a_dispute_of_a_charge_that_is_not_ours_is_given_up(shopper, timers):
    shopper.card("disputed")
    pay_order(shopper.order(), CARD, by=shopper.by)
    Payment.objects.update(reference="ch_of_another_shop")
    timers.run()
    for days in range(1, 70, 4):
        timers.run(clock.now() + timedelta(days=days), "match_early_disputes")
    assert GatewayMessage.objects.get().match_at is None
    assert not Dispute.objects.exists()


# --- the card holder does not confirm ------------------------------------------------------------------------------


@pytest.fixture
def waiting(shopper) -> Payment:
    shopper.card("authentication")
    with pytest.raises(PaymentActionRequired):
        pay_order(shopper.order(), CARD, by=shopper.by)
    return Payment.objects.get()


def test_another_card_is_charged_instead_of_the_one_that_waits(shopper, waiting):
    good = shopper.card("success")
    order = pay_order(Order.objects.get(), PaymentRequest("card", good.public_id), by=shopper.by)
    assert order.status == OrderStatus.PROCESSING
    waiting.refresh_from_db()
    assert waiting.status == PaymentStatus.FAILED
    assert list(SandboxCharge.objects.order_by("created_at").values_list("outcome", flat=True)) == [
        "declined",
        "succeeded",
    ]


def test_the_balance_pays_instead_of_the_card_that_waits(shopper, waiting):
    shopper.balance("5.00")
    order = pay_order(Order.objects.get(), PaymentRequest("balance"), by=shopper.by)
    assert order.status == OrderStatus.PROCESSING


@pytest.mark.parametrize("named", [True, False])
def test_the_same_card_again_asks_for_the_same_confirmation(shopper, waiting, named):
    request = PaymentRequest("card", waiting.card.public_id if named else "")
    with pytest.raises(PaymentActionRequired):
        pay_order(Order.objects.get(), request, by=shopper.by)
    assert Payment.objects.count() == 1


def test_a_payment_that_was_confirmed_meanwhile_is_not_paid_twice(shopper, waiting):
    good = shopper.card("success")
    SandboxGateway().confirm(waiting.reference, approved=True)
    order = pay_order(Order.objects.get(), PaymentRequest("card", good.public_id), by=shopper.by)
    assert order.status == OrderStatus.PROCESSING
    assert SandboxCharge.objects.count() == 1


def test_the_buyer_cancels_a_payment_that_waits(shopper, waiting):
    browser = Client()
    browser.force_login(User.objects.get(pk=shopper.by.user_id))
    order = Order.objects.get()
    address = reverse("billing:give_up", args=[waiting.public_id])
    assert address in browser.get(reverse("billing:done", args=[order.number])).content.decode()
    answer = browser.post(address)
    assert answer.url == reverse("billing:pay", args=[order.number])
    waiting.refresh_from_db()
    assert (waiting.status, waiting.failure_code) == (PaymentStatus.FAILED, "authentication_failed")
    assert SandboxCharge.objects.get().outcome == "declined"


def test_a_statement_is_paid_with_another_card_than_the_one_that_waits(shopper):
    card = shopper.card("authentication")
    other = shopper.card("declined")
    statement = a_statement(shopper.account)
    with pytest.raises(PaymentActionRequired):
        pay_statement(statement, PaymentRequest("card", card.public_id), by=shopper.by)
    give_up_payment(Payment.objects.get(), by=shopper.by)
    with pytest.raises(PaymentActionRequired):
        pay_statement(statement, PaymentRequest("card", card.public_id), by=shopper.by)
    with pytest.raises(Exception, match="declined"):
        pay_statement(statement, PaymentRequest("card", other.public_id), by=shopper.by)
    assert set(Payment.objects.values_list("status", flat=True)) == {PaymentStatus.FAILED}
    statement.payments.all().delete()
    SandboxCharge.objects.all().delete()
    statement.delete()


# --- whose card it is ----------------------------------------------------------------------------------------------


def test_a_card_that_was_entered_for_another_account_is_not_bound(shopper):
    start_binding(shopper.account, "/back/", by=shopper.by)
    stolen = SandboxGateway().enter_card("success", "cus_of_another_account")
    with pytest.raises(InvalidInput, match="another account"):
        bind_card(shopper.account, stolen, by=shopper.by)
    assert not PaymentMethod.objects.exists()


def test_the_hosted_page_knows_for_whom_it_was_opened(shopper):
    browser = Client()
    browser.force_login(User.objects.get(pk=shopper.by.user_id))
    page = browser.post(reverse("billing:card_new")).url
    back = browser.post(page, {"scenario": "success"}).url
    browser.get(back)
    assert PaymentMethod.objects.get().account == shopper.account
    # The same address in the session of another account binds nothing there.
    PaymentMethod.objects.all().delete()
    other = Client()
    other.force_login(MembershipFactory().user)
    other.post(reverse("billing:card_new"))
    other.get(back)
    assert not PaymentMethod.objects.exists()


def test_cards_of_a_processor_that_was_in_use_before_are_not_offered(shopper, settings):
    shopper.card()
    settings.PAYMENT_GATEWAY = "billing.gateways.stripe.StripeGateway"
    assert methods_of(shopper.account, usd("5.00")).cards == []
    with pytest.raises(Exception, match="Bind a credit card"):
        pay_order(shopper.order(), CARD, by=shopper.by)


def test_a_payment_is_asked_for_where_it_was_made(shopper, settings):
    shopper.card("lost_answer")
    pay_order(shopper.order(), CARD, by=shopper.by)
    settings.PAYMENT_GATEWAY = "billing.gateways.stripe.StripeGateway"
    resolve_payment(Payment.objects.get().public_id, last_call=False, at=clock.now())
    assert Order.objects.get().status == OrderStatus.PROCESSING


def test_a_processor_that_was_in_use_is_still_heard(shopper, settings, timers):
    shopper.card()
    pay_order(shopper.order(), CARD, by=shopper.by)
    settings.PAYMENT_GATEWAY = "billing.gateways.stripe.StripeGateway"
    headers, body = SandboxGateway().signed({"id": "evt_9", "kind": "charge", "key": "x"})
    sent = [
        Client().post(f"/webhooks/{name}/", body, content_type="application/json", headers=headers).status_code
        for name in ("sandbox", "stripe", "nobody")
    ]
    assert sent == [200, 400, 404]


# --- the processor's own records -----------------------------------------------------------------------------------


@pytest.fixture
def refunded(shopper, timers) -> Refund:
    """A part of a payment is given back."""
    shopper.card()
    order = pay_order(shopper.order(), CARD, by=shopper.by)
    propose_refund(order, usd("1.00"), reason="Late.", by=shopper.operator)
    timers.run()
    assert broken() <= {"listing_repeats_prices"}
    return Refund.objects.get()


def test_a_charge_that_only_the_processor_knows_is_found(shopper, refunded):
    orphan = SandboxCharge.objects.create(
        key="orphan", reference="ch_orphan", currency="USD", amount=77, outcome="succeeded"
    )
    assert "gateway_agrees" in broken()
    orphan.delete()


def test_a_refund_that_only_the_processor_knows_is_found(shopper, refunded):
    charge = SandboxCharge.objects.get(refund_of=None)
    orphan = SandboxCharge.objects.create(
        key="orphan", reference="re_orphan", refund_of=charge, currency="USD", amount=1, outcome="succeeded"
    )
    assert "gateway_refunds_agree" in broken()
    orphan.delete()


@pytest.mark.parametrize("change", [{"amount": Decimal("0.99")}, {"outcome": "declined"}])
def test_a_refund_that_the_processor_does_not_have_is_found(shopper, refunded, change):
    records = SandboxCharge.objects.filter(pk=refunded.public_id)
    was = records.values(*change).get()
    records.update(**change)
    assert "gateway_refunds_agree" in broken()
    records.update(**was)


def test_a_fee_that_differs_is_found(shopper, refunded):
    charge = SandboxCharge.objects.filter(refund_of=None)
    fee = charge.get().fee
    charge.update(fee=fee + 1)
    assert "gateway_keeps_its_fees" in broken()
    charge.update(fee=fee)


def test_a_refund_that_a_bank_sends_back_is_owed_again(shopper, refunded, timers):
    """The processor said that it succeeded; days later the card holder's bank refuses it."""
    SandboxCharge.objects.filter(pk=refunded.public_id).update(outcome="declined")
    resolve_refund(refunded.public_id, at=clock.now())
    resolve_refund(refunded.public_id, at=clock.now())
    timers.run()
    refunded.refresh_from_db()
    assert (refunded.status, refunded.payment.status) == (RefundStatus.FAILED, PaymentStatus.REFUNDING)
    assert Message.objects.filter(event="RefundStuck").exists()
    assert broken() <= {"listing_repeats_prices"}
    record_refund_by_hand(refunded, "BANK-7", by=shopper.operator)
    # The processor tells of its failure once more: the money is with the buyer, by transfer.
    resolve_refund(refunded.public_id, at=clock.now())
    refunded.refresh_from_db()
    assert (refunded.status, refunded.reference) == (RefundStatus.SUCCEEDED, "BANK-7")
    owed = [one.amount for entry in JournalEntry.objects.filter(refund=refunded) for one in entry.postings.all()
            if one.ledger == Ledger.REFUNDS_OWED]  # fmt: skip
    assert sum(owed) == 0


def test_a_whole_refund_that_is_sent_back_reopens_its_order(shopper, timers):
    shopper.card()
    order = pay_order(shopper.order(), CARD, by=shopper.by)
    propose_refund(order, None, reason="Ended.", by=shopper.operator)
    timers.run()
    assert Order.objects.get().status == OrderStatus.REFUNDED
    refund = Refund.objects.get()
    SandboxCharge.objects.filter(pk=refund.public_id).update(outcome="declined")
    headers, body = SandboxGateway().signed({"id": "evt_9", "kind": "refund", "key": refund.public_id})
    Client().post("/webhooks/sandbox/", body, content_type="application/json", headers=headers)
    timers.run()
    assert Order.objects.get().status == OrderStatus.REFUNDING
