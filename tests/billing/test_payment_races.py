"""Eight at once on real Postgres: exactly one effect each, and nobody waits for ever (issue: races)."""

from functools import partial

import pytest

from accounts.models import Membership
from accounts.services import create_api_key
from billing.errors import PaymentActionRequired
from billing.gateways.sandbox import SandboxGateway
from billing.models import JournalEntry, Payment, SandboxCharge
from billing.services import PaymentRequest, pay_order, pay_orders, propose_refund, receive_webhook, resume_payment
from koogallery.kernel.books import breaches
from koogallery.kernel.quiet import run_until_quiet
from orders.choices import OrderStatus
from orders.models import Order, Subscription
from orders.services import Placement, cancel_order, place_order
from pricing.models import Coupon, CouponUse
from pricing.services import quote_purchase
from pricing.values import Duration, QuoteRequest
from supervision import services as supervision
from supervision.models import ServiceFlow
from tests.api.conftest import Api, order_body
from tests.billing.conftest import Shopper, a_shopper, usd
from tests.factories import a_coupon, a_seller
from tests.supervision.test_races import at_once, done

pytestmark = pytest.mark.django_db(transaction=True)
THREADS = 8


@pytest.fixture
def eight() -> Shopper:
    shopper = a_shopper()
    shopper.card()
    return shopper


def books_are_right() -> None:
    run_until_quiet()
    assert [str(one) for one in breaches() if one.invariant.name != "listing_repeats_prices"] == []


def test_one_order_paid_by_eight_tabs_is_charged_once(eight):
    order = eight.order()
    outcomes = at_once(*[lambda: pay_order(order, PaymentRequest(), by=eight.by)] * THREADS)
    assert done(outcomes) == 1
    assert SandboxCharge.objects.count() == 1
    books_are_right()


def test_one_order_paid_by_all_methods_at_once_is_paid_once(eight):
    eight.balance("50.00")
    eight.credit()
    order = eight.order()
    methods = ["card", "balance", "monthly_settlement"] * 3
    outcomes = at_once(*[lambda m=m: pay_order(order, PaymentRequest(m), by=eight.by) for m in methods[:THREADS]])
    assert done(outcomes) == 1
    books_are_right()


def test_overlapping_combined_payments_do_not_wait_for_each_other(eight):
    orders = [eight.order() for _number in range(4)]
    wanted = [orders[:2], orders[1:3], orders[2:], [orders[3], orders[0]]] * 2
    outcomes = at_once(*[lambda some=some: pay_orders(some, PaymentRequest(), by=eight.by) for some in wanted])
    assert 1 <= done(outcomes) <= 2
    books_are_right()


def test_one_coupon_in_ten_orders_is_spent_once(eight):
    coupon = a_coupon(eight.account)
    request = QuoteRequest(eight.specification.pk, "monthly", Duration(1, "month"))
    placement = Placement(request, agreements_accepted=True, coupon=coupon.code)
    outcomes = at_once(*[lambda: place_order(placement, account=eight.account, by=eight.by)] * 10)
    assert done(outcomes) == 1
    assert CouponUse.objects.get().amount == 3
    assert Coupon.objects.get().remaining == 0
    books_are_right()


def test_the_balance_is_not_overdrawn_by_eight_orders(eight):
    eight.balance("12.00")
    orders = [eight.order() for _number in range(THREADS)]
    outcomes = at_once(*[lambda o=o: pay_order(o, PaymentRequest("balance"), by=eight.by) for o in orders])
    assert done(outcomes) == 2
    books_are_right()


def test_the_credit_limit_holds_against_eight_orders(eight):
    eight.credit("12.00")
    orders = [eight.order() for _number in range(THREADS)]
    outcomes = at_once(*[lambda o=o: pay_order(o, PaymentRequest("monthly_settlement"), by=eight.by) for o in orders])
    assert done(outcomes) == 2
    books_are_right()


def test_cancelling_against_paying_leaves_one_of_both(eight):
    for _time in range(3):
        order = eight.order()
        acts = [partial(pay_order, order, PaymentRequest(), by=eight.by), partial(cancel_order, order, by=eight.by)]
        at_once(*acts * 4)
        books_are_right()
        order = Order.objects.get(pk=order.pk)
        counted = order.allocations.filter(counted_at__isnull=False).count()
        assert (order.status, counted) in ((OrderStatus.PROCESSING, 1), (OrderStatus.CANCELLED, 0))


def test_a_webhook_against_the_return_page_pays_once(eight):
    eight.card("authentication")
    order = eight.order()
    card = eight.account.payment_methods.get(is_default=False)
    with pytest.raises(PaymentActionRequired):
        pay_order(order, PaymentRequest("card", card.public_id), by=eight.by)
    payment = Payment.objects.get()
    sandbox = SandboxGateway()
    sandbox.confirm(payment.reference, approved=True)
    told = sandbox.signed({"id": "evt_1", "kind": "charge", "key": payment.public_id})
    at_once(
        *[lambda: resume_payment(payment, by=eight.by)] * 3,
        *[lambda: receive_webhook(*told)] * 3,
        *[lambda: run_until_quiet()] * 2,
    )
    assert JournalEntry.objects.filter(kind="charge").count() == 1
    books_are_right()


def test_refunding_in_eight_tabs_refunds_once(eight):
    order = pay_order(eight.order(), PaymentRequest(), by=eight.by)
    outcomes = at_once(*[lambda: propose_refund(order, usd("5.00"), reason="R.", by=eight.operator)] * THREADS)
    assert done(outcomes) == 1
    books_are_right()


def test_one_idempotency_key_ten_times_orders_once_and_pays_once(eight):
    membership = Membership.objects.select_related("user").get(user_id=eight.by.user_id)
    _row, key = create_api_key(membership.user, name="test", account=eight.account)
    api = Api(key)
    body = order_body(eight.specification)
    answers = at_once(*[lambda: api.post("orders/", body, idempotency_key="order")] * 10)
    order = Order.objects.get()
    assert {one.status_code for one in answers} <= {201, 409}
    assert {one.json()["number"] for one in answers if one.status_code == 201} == {order.number}
    answers = at_once(
        *[lambda: api.post(f"orders/{order.number}/pay/", {"method": "card"}, idempotency_key="pay")] * 10
    )
    assert {one.status_code for one in answers} <= {200, 409}
    assert {one.json()["code"] for one in answers if one.status_code == 409} <= {"idempotency_conflict"}
    assert any(one.status_code == 200 for one in answers)
    assert (SandboxCharge.objects.count(), Payment.objects.count()) == (1, 1)
    books_are_right()


@pytest.mark.parametrize("amount", ["5.00", "2.00"], ids=["whole", "part"])
def test_a_refund_against_acceptance_leaves_one_end(eight, amount):
    for _time in range(2):
        order = pay_order(eight.order(), PaymentRequest(), by=eight.by)
        flow = ServiceFlow.objects.get(order=order)
        supervision.deliver(flow, note="Key.", by=a_seller(order.seller))
        outcomes = at_once(
            *[partial(supervision.accept_delivery, flow, by=eight.by)] * 4,
            *[partial(propose_refund, order, usd(amount), reason="R.", by=eight.operator)] * 4,
        )
        accepted, refunds = done(outcomes[:4]), done(outcomes[4:])
        run_until_quiet()
        order = Order.objects.get(pk=order.pk)
        back = sum(one.amount for one in order.refunds.all())
        app = Subscription.objects.get(line__order=order)
        if amount == "5.00":
            # Accepted and then taken back, or taken back at once: either way the money is back and nothing is in use.
            assert (refunds, accepted in (0, 1)) == (1, True)
            assert (order.status, back, app.status) == (OrderStatus.REFUNDED, 5, "closed")
        else:
            # A part may be refunded twice of 5.00, not more often; acceptance goes on beside it, once.
            assert (accepted, refunds, back) == (1, 2, 4)
            assert (order.status, app.status) == (OrderStatus.PROCESSING, "enabled")
        books_are_right()


def test_one_quote_buys_once(eight):
    request = QuoteRequest(eight.specification.pk, "monthly", Duration(1, "month"))
    token = quote_purchase(request, account=eight.account).token
    placement = Placement(request, agreements_accepted=True, quote=token)
    outcomes = at_once(*[lambda: place_order(placement, account=eight.account, by=eight.by)] * THREADS)
    assert done(outcomes) == 1
    assert Order.objects.count() == 1
