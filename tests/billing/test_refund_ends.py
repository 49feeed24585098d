"""When a refund is over, and what the books say meanwhile."""

from datetime import timedelta

from billing.choices import PaymentStatus, RefundStatus
from billing.models import Payment, Refund, SandboxCharge
from billing.services import PaymentRequest, pay_order, pay_orders, propose_refund, record_refund_by_hand
from koogallery.kernel import clock
from koogallery.kernel.books import breaches
from orders.choices import OrderStatus
from orders.models import Order
from orders.services import cancel_order
from tests.billing.conftest import usd

CARD = PaymentRequest()


def test_an_order_is_refunded_with_the_last_of_its_refunds(shopper, timers):
    shopper.card()
    order = pay_order(shopper.order(months=3), CARD, by=shopper.by)
    part = propose_refund(order, usd("5.00"), reason="A part.", by=shopper.operator).refund
    SandboxCharge.objects.update(outcome="declined")
    timers.run()
    SandboxCharge.objects.update(outcome="succeeded")
    propose_refund(order, None, reason="All of it.", by=shopper.operator)
    timers.run()
    assert sorted(Refund.objects.values_list("status", flat=True)) == [RefundStatus.FAILED, RefundStatus.SUCCEEDED]
    assert Order.objects.get().status == OrderStatus.REFUNDING
    record_refund_by_hand(part, "BANK-1", by=shopper.operator)
    assert Order.objects.get().status == OrderStatus.REFUNDED
    assert Payment.objects.get().status == PaymentStatus.REFUNDED


def test_a_charge_that_went_back_does_not_count_as_a_refund_of_the_order(shopper, timers):
    """Two orders in one charge, one cancelled before it is known: all of it goes back, the other order is paid anew."""
    shopper.card("lost_answer")
    kept, dropped = shopper.order(), shopper.order()
    pay_orders([kept, dropped], CARD, by=shopper.by)
    cancel_order(dropped, by=shopper.by)
    timers.run(clock.now() + timedelta(minutes=15))
    shopper.balance("20.00")
    pay_order(kept, PaymentRequest("balance"), by=shopper.by)
    assert [str(one) for one in breaches() if one.invariant.name != "listing_repeats_prices"] == []
    propose_refund(kept, usd("2.00"), reason="A part.", by=shopper.operator)
    timers.run()
    assert [str(one) for one in breaches() if one.invariant.name != "listing_repeats_prices"] == []
