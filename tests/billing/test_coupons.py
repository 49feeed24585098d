"""Coupons in orders: reserved, spent, given back; codes that cannot be guessed (RULES 6)."""

from datetime import timedelta
from decimal import Decimal

import pytest

from accounts.models import Account
from billing.models import JournalEntry
from billing.services import PaymentRequest, pay_order, propose_refund
from koogallery.kernel import clock
from koogallery.kernel.errors import Throttled
from orders.choices import OrderStatus
from orders.models import Order
from orders.services import cancel_order
from pricing.coupons import redeem_code
from pricing.errors import CouponInvalid, QuoteExpired
from pricing.models import Coupon, CouponUse
from pricing.services import quote_purchase
from pricing.values import Duration, QuoteRequest
from tests.factories import AccountFactory, a_buyer, a_coupon


def test_a_coupon_is_reserved_by_its_order_spent_at_payment_and_earned_at_completion(shopper, timers):
    coupon = a_coupon(shopper.account)
    shopper.card()
    order = shopper.order(coupon=coupon.code)
    assert (order.coupon, order.payable) == (3, 2)
    assert (CouponUse.objects.get().status, Coupon.objects.get().remaining) == ("reserved", 0)
    pay_order(order, PaymentRequest(), by=shopper.by)
    assert CouponUse.objects.get().status == "spent"
    assert JournalEntry.objects.filter(kind="coupon").count() == 1


def test_a_cancelled_order_gives_its_coupon_back(shopper):
    coupon = a_coupon(shopper.account)
    cancel_order(shopper.order(coupon=coupon.code), by=shopper.by)
    assert Coupon.objects.get().remaining == 3


def test_an_order_that_is_not_paid_in_seven_days_gives_its_coupon_back(shopper, timers):
    coupon = a_coupon(shopper.account)
    shopper.order(coupon=coupon.code)
    timers.run(clock.now() + timedelta(days=7, seconds=1), "cancel_unpaid_orders")
    assert (Order.objects.get().status, Coupon.objects.get().remaining) == (OrderStatus.CANCELLED, 3)


def test_a_whole_refund_gives_the_coupon_back(shopper, timers):
    coupon = a_coupon(shopper.account)
    shopper.card()
    order = pay_order(shopper.order(coupon=coupon.code), PaymentRequest(), by=shopper.by)
    propose_refund(order, None, reason="Ended.", by=shopper.operator)
    timers.run()
    assert Coupon.objects.get().remaining == 3


def test_cash_is_spent_in_parts(shopper):
    coupon = a_coupon(shopper.account, value=Decimal("8.00"))
    first, second = shopper.order(coupon=coupon.code), shopper.order(coupon=coupon.code)
    assert (first.payable, second.payable, Coupon.objects.get().remaining) == (0, 2, 0)
    # Nothing is left to pay: the order is processing at once.
    assert first.status == OrderStatus.PROCESSING


def test_a_discount_coupon_is_used_once(shopper):
    coupon = a_coupon(shopper.account, kind="discount", value=Decimal("20"))
    assert shopper.order(coupon=coupon.code).payable == 4
    with pytest.raises(CouponInvalid, match="used up"):
        shopper.order(coupon=coupon.code)


def test_a_code_is_put_on_the_account_of_whoever_redeems_it_first(shopper):
    coupon = a_coupon()
    typed = "-".join(coupon.code[at : at + 4] for at in range(0, 16, 4)).lower()
    assert redeem_code(typed, account=shopper.account, by=shopper.by).account_id == shopper.account.pk
    assert redeem_code(typed, account=shopper.account, by=shopper.by)
    other = a_buyer()
    with pytest.raises(CouponInvalid, match="no such coupon"):
        redeem_code(typed, account=Account.objects.get(pk=other.account_id), by=other)


def test_anothers_coupon_and_an_unknown_one_read_the_same(shopper):
    foreign = a_coupon(AccountFactory())
    answers = []
    for code in (foreign.code, "A" * 16, "x", ""):
        try:
            redeem_code(code, account=shopper.account, by=shopper.by)
        except CouponInvalid as refused:
            answers.append(refused.message)
    assert len(answers) == 4
    assert len(set(answers)) == 1


def test_codes_cannot_be_guessed(shopper, settings):
    for _time in range(settings.COUPON_TRIES_PER_HOUR):
        with pytest.raises(CouponInvalid):
            redeem_code("A" * 16, account=shopper.account, by=shopper.by)
    with pytest.raises(Throttled):
        redeem_code(a_coupon(shopper.account).code, account=shopper.account, by=shopper.by)


def test_a_quote_holds_for_its_own_coupon_only(shopper):
    coupon = a_coupon(shopper.account)
    request = QuoteRequest(shopper.specification.pk, "monthly", Duration(1, "month"))
    token = quote_purchase(request, account=shopper.account, coupon=coupon.code).token
    with pytest.raises(QuoteExpired, match="another coupon"):
        shopper.order(quote=token)
    assert shopper.order(quote=token, coupon=coupon.code).payable == 2
