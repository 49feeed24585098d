"""When a refund is over, and what the books say meanwhile."""

from datetime import timedelta
from decimal import Decimal

import pytest

from billing.choices import PaymentStatus, RefundStatus
from billing.models import CreditLine, Payment, Refund, SandboxCharge
from billing.services import (
    PaymentRequest,
    pay_order,
    pay_orders,
    propose_refund,
    record_refund_by_hand,
    revoke_credit,
)
from koogallery.kernel import clock
from koogallery.kernel.books import breaches
from koogallery.kernel.errors import InvalidInput, PermissionRefused
from notifications.models import Message
from orders.choices import OrderStatus
from orders.models import Order
from orders.services import cancel_order
from pricing.models import CouponUse
from supervision import services as supervision
from supervision.models import ServiceFlow
from tests.billing.conftest import usd
from tests.billing.test_charge_backs import charge_back
from tests.billing.test_gateway import completed
from tests.factories import a_coupon, a_seller

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


@pytest.mark.parametrize("delivered", [False, True])
def test_an_order_that_a_coupon_paid_is_taken_back_without_money(shopper, timers, delivered):
    coupon = a_coupon(shopper.account, value=Decimal("5.00"))
    order = shopper.order(coupon=coupon.code)
    assert (order.status, order.payable) == (OrderStatus.PROCESSING, 0)
    if delivered:
        flow = ServiceFlow.objects.get(order=order)
        supervision.deliver(flow, note="Key.", by=a_seller(order.seller))
        supervision.accept_delivery(flow, by=shopper.by)
        timers.run(clock.now() + timedelta(hours=3))
    with pytest.raises(InvalidInput):
        propose_refund(order, usd("0"), reason="Nothing.", by=shopper.operator)
    proposal = propose_refund(order, None, reason="It never worked.", by=shopper.operator)
    timers.run()
    assert (proposal.status, proposal.refund, proposal.money) == ("done", None, usd("0"))
    assert Order.objects.get().status == OrderStatus.REFUNDED
    assert CouponUse.objects.get().status == "returned"
    assert not Refund.objects.exists()
    assert Message.objects.filter(event="OrderTakenBack").exists()
    assert not Message.objects.filter(event="OrderRefunded").exists()


def test_an_order_whose_money_a_bank_took_is_taken_back_without_money(shopper, timers):
    order = completed(shopper, timers)
    charge_back("5.00")
    assert propose_refund(order, None, reason="Taken back.", by=shopper.operator).status == "done"
    assert Order.objects.get().status == OrderStatus.REFUNDED
    assert not Refund.objects.exists()


def test_only_operations_revoke_credit(shopper):
    shopper.credit()
    with pytest.raises(PermissionRefused):
        revoke_credit(shopper.account, by=shopper.by)
    assert CreditLine.objects.get().revoked_at is None
