"""What the card processor does and says: late, twice, never, wrongly; and what operations refund."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client

from billing import ledger
from billing.choices import DisputeStatus, Ledger, PaymentStatus, ProposalStatus, RefundStatus
from billing.errors import PaymentActionRequired, PaymentDeclined
from billing.gateways.base import DisputeState
from billing.gateways.sandbox import SandboxGateway, signature
from billing.models import (
    Dispute,
    GatewayMessage,
    JournalEntry,
    Payment,
    Posting,
    Refund,
    RefundProposal,
    SandboxCharge,
    SandboxWebhook,
)
from billing.services import (
    PaymentRequest,
    carry_out_refund,
    consent_to_refund,
    decline_refund,
    pay_order,
    pay_out,
    propose_refund,
    record_refund_by_hand,
    resume_payment,
)
from koogallery.kernel import clock
from koogallery.kernel.errors import InvalidInput, InvalidTransition, PermissionRefused
from orders.choices import OrderStatus
from orders.errors import OrderNotPayable
from orders.models import Order
from orders.services import cancel_order
from supervision import services as supervision
from supervision.models import ServiceFlow
from tests.billing.conftest import usd
from tests.factories import a_seller, an_operator

CARD = PaymentRequest()


def paid(shopper, **configured):
    shopper.card()
    return pay_order(shopper.order(**configured), CARD, by=shopper.by)


def completed(shopper, timers):
    """A paid order that was delivered, accepted and completed three hours later."""
    order = paid(shopper)
    flow = ServiceFlow.objects.get(order=order)
    supervision.deliver(flow, note="Key.", by=a_seller(order.seller))
    supervision.accept_delivery(flow, by=shopper.by)
    timers.run(clock.now() + timedelta(hours=3))
    return Order.objects.get(pk=order.pk)


@pytest.mark.parametrize(
    ("card", "reason"),
    [("declined", "card_declined"), ("insufficient_funds", "insufficient_funds"), ("expired_card",) * 2],
)
def test_a_decline_names_its_reason_and_another_card_pays(shopper, card, reason):
    shopper.card(card)
    order = shopper.order()
    with pytest.raises(PaymentDeclined) as declined:
        pay_order(order, CARD, by=shopper.by)
    assert declined.value.extra == {"reason": reason}
    good = shopper.card()
    assert pay_order(order, PaymentRequest("card", good.public_id), by=shopper.by).status == OrderStatus.PROCESSING


def test_authentication_is_confirmed_at_the_bank(shopper):
    shopper.card("authentication")
    order = shopper.order()
    with pytest.raises(PaymentActionRequired):
        pay_order(order, CARD, by=shopper.by)
    SandboxGateway().confirm(SandboxCharge.objects.get().reference, approved=True)
    resume_payment(Payment.objects.get(), by=shopper.by)
    assert Order.objects.get().status == OrderStatus.PROCESSING


@pytest.mark.parametrize("card", ["lost_answer", "webhook_late"])
def test_a_lost_answer_is_found_out_and_charges_once(shopper, timers, card):
    shopper.card(card)
    order = pay_order(shopper.order(), CARD, by=shopper.by)
    assert order.status == OrderStatus.PENDING_PAYMENT
    with pytest.raises(OrderNotPayable, match="under way"):
        pay_order(order, CARD, by=shopper.by)
    timers.run(clock.now() + timedelta(minutes=15))
    assert Order.objects.get().status == OrderStatus.PROCESSING
    assert SandboxCharge.objects.count() == 1


def test_a_late_webhook_pays_before_the_timer_asks(shopper, timers):
    shopper.card("webhook_late")
    pay_order(shopper.order(), CARD, by=shopper.by)
    timers.run(clock.now() + timedelta(seconds=61), "send_sandbox_webhooks")
    assert Order.objects.get().status == OrderStatus.PROCESSING


def test_a_webhook_that_comes_twice_counts_once(shopper, timers):
    shopper.card("webhook_twice")
    pay_order(shopper.order(), CARD, by=shopper.by)
    timers.run()
    assert GatewayMessage.objects.count() == 1
    assert JournalEntry.objects.filter(kind="charge").count() == 1


def send(told: dict, *, age: float = 0, spoil: bool = False) -> int:
    """Post a message to the webhook's address; the answer's status."""
    body = json.dumps(told).encode()
    sent = str(int(clock.machine_now().timestamp() - age))
    mark = "0" * 64 if spoil else signature(sent, body)
    answer = Client().post(
        "/webhooks/sandbox/",
        body,
        content_type="application/json",
        headers={"Sandbox-Signature": f"t={sent},v1={mark}"},
    )
    return answer.status_code


@pytest.mark.parametrize(
    ("label", "given", "status"),
    [
        ("good", {}, 200),
        ("wrong signature", {"spoil": True}, 400),
        ("six minutes old", {"age": 361}, 400),
        ("from the future", {"age": -361}, 400),
    ],
)
def test_only_signed_and_fresh_webhooks_are_taken(db, label, given, status):
    assert send({"id": "evt_1", "kind": "charge", "key": "x"}, **given) == status
    assert GatewayMessage.objects.count() == (status == 200)


@pytest.mark.parametrize(
    "told", [[], {}, {"id": "e", "kind": "nothing"}, {"id": "e", "kind": "dispute", "dispute": {"a": 1}}]
)
def test_a_signed_message_that_is_none_is_refused(db, told):
    assert send(told) == 400


def test_a_webhook_cannot_pay_an_order_that_the_processor_did_not_charge(shopper, timers):
    shopper.card("lost_answer")
    pay_order(shopper.order(), CARD, by=shopper.by)
    SandboxCharge.objects.all().delete()
    assert send({"id": "evt_1", "kind": "charge", "key": Payment.objects.get().public_id}) == 200
    timers.run()
    assert Order.objects.get().status == OrderStatus.PENDING_PAYMENT
    assert Payment.objects.get().failure_code == "not_arrived"


@pytest.mark.parametrize("amount", ["4.99", "500.00"])
def test_another_amount_than_asked_for_pays_nothing_and_goes_back(shopper, timers, amount):
    shopper.card("lost_answer")
    order = pay_order(shopper.order(), CARD, by=shopper.by)
    SandboxCharge.objects.update(amount=amount)
    timers.run(clock.now() + timedelta(minutes=15))
    order = Order.objects.get()
    assert order.status == OrderStatus.PENDING_PAYMENT
    payment = Payment.objects.get()
    assert (payment.status, payment.failure_code) == (PaymentStatus.FAILED, "amount_differs")
    assert [str(one.amount) for one in SandboxCharge.objects.exclude(refund_of=None)] == [f"{amount}00"]
    # All of it is back but what the processor keeps of the charge.
    assert sum(one.amount for one in Posting.objects.filter(ledger=Ledger.GATEWAY)) == Decimal("-0.15")
    assert sum(one.amount for one in Posting.objects.filter(ledger=Ledger.PROCESSOR_FEES)) == Decimal("0.15")


def test_a_payment_that_arrives_for_a_cancelled_order_goes_back(shopper, timers):
    shopper.card("lost_answer")
    order = pay_order(shopper.order(), CARD, by=shopper.by)
    cancel_order(order, by=shopper.by)
    timers.run(clock.now() + timedelta(minutes=15))
    assert Payment.objects.get().status == PaymentStatus.REFUNDED
    assert Refund.objects.get().status == RefundStatus.SUCCEEDED


def test_a_charge_that_arrives_after_the_order_was_paid_otherwise_goes_back(shopper, timers):
    shopper.card("lost_answer")
    shopper.balance("5.00")
    order = pay_order(shopper.order(), CARD, by=shopper.by)
    late = SandboxCharge.objects.get()
    SandboxCharge.objects.all().delete()
    timers.run(clock.now() + timedelta(minutes=15))
    assert Payment.objects.get().failure_code == "not_arrived"
    pay_order(order, PaymentRequest("balance"), by=shopper.by)
    late.save(force_insert=True)
    assert send({"id": "evt_1", "kind": "charge", "key": late.key}) == 200
    timers.run()
    assert Order.objects.get().status == OrderStatus.PROCESSING
    assert {(one.method, one.status) for one in Payment.objects.all()} == {
        ("balance", "succeeded"),
        ("card", "refunded"),
    }
    assert ledger.held_for(order) == usd("5.00")


def test_an_order_is_refunded_only_when_all_of_its_money_is_back(shopper, timers):
    order = paid(shopper)
    propose_refund(order, usd("1.00"), reason="Sorry.", by=shopper.operator)
    propose_refund(order, None, reason="Ended.", by=shopper.operator)
    first, second = Refund.objects.order_by("id")
    carry_out_refund(first.public_id, at=clock.now())
    assert Order.objects.get().status == OrderStatus.REFUNDING
    carry_out_refund(second.public_id, at=clock.now())
    assert Order.objects.get().status == OrderStatus.REFUNDED
    timers.run()


@pytest.mark.parametrize(("state", "kind"), [(DisputeState.WON, "dispute_won"), (DisputeState.LOST, "dispute_lost")])
def test_a_charge_back_is_booked_and_ends_once(shopper, timers, state, kind):
    shopper.card("disputed")
    pay_order(shopper.order(), CARD, by=shopper.by)
    timers.run()
    assert Dispute.objects.get().status == DisputeStatus.OPEN
    SandboxGateway().dispute(Payment.objects.get().reference, state)
    SandboxGateway().dispute(Payment.objects.get().reference, state)
    timers.run()
    assert SandboxWebhook.objects.filter(due_at__isnull=False).count() == 0
    assert Dispute.objects.get().status == state.value
    assert JournalEntry.objects.filter(kind=kind).count() == 1
    assert sum(one.amount for one in Posting.objects.filter(ledger=Ledger.DISPUTED)) == 0


# --- what operations refund --------------------------------------------------------------------------------------


def test_a_small_refund_is_made_at_once_and_the_order_goes_on(shopper, timers):
    order = paid(shopper, months=3)
    proposal = propose_refund(order, usd("5.00"), reason="Goodwill.", by=shopper.operator)
    timers.run()
    assert proposal.status == ProposalStatus.DONE
    assert Order.objects.get().status == OrderStatus.PROCESSING
    assert Payment.objects.get().status == PaymentStatus.PARTLY_REFUNDED
    assert ledger.held_for(order) == usd("10.00")


def test_a_whole_refund_ends_the_order(shopper, timers):
    order = paid(shopper)
    propose_refund(order, None, reason="It never worked.", by=shopper.operator)
    timers.run()
    assert Order.objects.get().status == OrderStatus.REFUNDED
    assert Payment.objects.get().status == PaymentStatus.REFUNDED


@pytest.mark.parametrize("amount", ["1.00", "5.00"])
def test_a_completed_order_is_refunded_by_its_seller_us_and_the_tax_office(shopper, timers, amount):
    order = completed(shopper, timers)
    assert ledger.payable_to(order.seller, "USD") == usd("4.25")
    propose_refund(order, usd(amount), reason="Agreed.", by=shopper.operator)
    timers.run()
    assert (
        ledger.payable_to(order.seller, "USD") == usd("4.25") - usd(amount) + (usd(amount) * Decimal("0.15")).rounded()
    )
    assert Order.objects.get().status == (OrderStatus.REFUNDED if amount == "5.00" else OrderStatus.COMPLETED)


@pytest.mark.parametrize("amount", ["0.00", "-1.00", "5.01", "0.001"])
def test_an_amount_that_cannot_be_refunded_is_refused(shopper, amount):
    order = paid(shopper)
    with pytest.raises(InvalidInput):
        propose_refund(order, usd(amount), reason="No.", by=shopper.operator)
    assert not RefundProposal.objects.exists()


def test_only_operations_refund(shopper):
    with pytest.raises(PermissionRefused):
        propose_refund(paid(shopper), None, reason="Mine.", by=shopper.by)


@pytest.fixture
def large(shopper, settings):
    settings.REFUND_CONSENT_ABOVE = usd("4.00").amount
    return propose_refund(paid(shopper), None, reason="Large.", by=shopper.operator)


def test_a_large_refund_waits_for_another_operator(shopper, large, timers):
    assert large.status == ProposalStatus.AWAITING_CONSENT
    with pytest.raises(PermissionRefused, match="Another operator"):
        consent_to_refund(large, by=shopper.operator)
    consent_to_refund(large, by=an_operator())
    timers.run()
    assert Order.objects.get().status == OrderStatus.REFUNDED


def test_a_proposal_lapses_after_three_days(shopper, large, timers):
    timers.run(large.lapses_at)
    large = RefundProposal.objects.get()
    assert large.status == ProposalStatus.LAPSED
    with pytest.raises(InvalidTransition):
        consent_to_refund(large, by=an_operator())
    assert not Refund.objects.exists()


def test_a_declined_proposal_refunds_nothing_and_makes_room_for_another(shopper, large):
    with pytest.raises(InvalidTransition, match="Another refund"):
        propose_refund(large.order, usd("1.00"), reason="Small.", by=shopper.operator)
    decline_refund(large, by=an_operator())
    assert propose_refund(large.order, usd("1.00"), reason="Small.", by=shopper.operator).status == ProposalStatus.DONE


def test_a_large_refund_cannot_be_cut_into_small_ones(shopper, settings):
    settings.REFUND_CONSENT_ABOVE = usd("4.00").amount
    order = paid(shopper)
    assert propose_refund(order, usd("3.00"), reason="One.", by=shopper.operator).status == ProposalStatus.DONE
    second = propose_refund(order, usd("1.50"), reason="Two.", by=shopper.operator)
    assert second.status == ProposalStatus.AWAITING_CONSENT


def test_a_refund_that_the_processor_refuses_is_paid_by_hand(shopper, timers):
    order = paid(shopper)
    SandboxCharge.objects.update(outcome="declined")
    propose_refund(order, usd("1.00"), reason="Goodwill.", by=shopper.operator)
    timers.run()
    refund = Refund.objects.get()
    assert refund.status == RefundStatus.FAILED
    record_refund_by_hand(refund, "BANK-9", by=shopper.operator)
    assert Refund.objects.get().status == RefundStatus.SUCCEEDED
    SandboxCharge.objects.update(outcome="succeeded")
    assert Posting.objects.filter(ledger=Ledger.BANK).get().money == usd("-1.00")


def test_a_seller_is_paid_what_is_payable_and_no_more(shopper, timers):
    order = completed(shopper, timers)
    with pytest.raises(InvalidInput, match=r"4\.25"):
        pay_out(order.seller, usd("4.26"), reference="B", by=shopper.operator)
    pay_out(order.seller, usd("4.25"), reference="B", by=shopper.operator)
    assert not ledger.payable_to(order.seller, "USD")
