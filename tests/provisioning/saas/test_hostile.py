"""Sellers' servers that misbehave: orders stay right, nobody else waits, and it is said in words what was wrong."""

import json
import threading
import time
from datetime import timedelta

import pytest
from django.db import connection

from koogallery.kernel import clock
from koogallery.kernel.books import breaches
from koogallery.kernel.pool import Pool
from orders.models import Order
from provisioning.models import Call, Exchange, Instance, SellerLine
from provisioning.saas import signing
from tests.hostile import drip, flood, hostile, http, raw, silence
from tests.provisioning.saas.conftest import a_shop, in_hours, key_of, later

pytestmark = pytest.mark.django_db


def signed(body, key):
    data = json.dumps(body).encode()
    return http(data, Body_Sign=signing.body_sign_header(key, data))


GOOD = {"resultCode": "000000", "instanceId": "app-1"}

MISBEHAVIOUR = {
    "silence": lambda key: silence(1),
    "byte by byte": lambda key: drip(b"HTTP/1.1 200 OK\r\n" * 50),
    "flood": lambda key: flood(b"HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n"),
    "redirect to itself": lambda key: http(b"", "302 Found", Location="http://127.0.0.1:1/"),
    "redirect to metadata": lambda key: http(b"", "307 Moved", Location="http://169.254.169.254/"),
    "wrong signature": lambda key: signed(GOOD, "another key"),
    "no signature": lambda key: http(json.dumps(GOOD).encode()),
    "HTML": lambda key: http(b"<html>Welcome</html>", Body_Sign=signing.body_sign_header(key, b"<html>Welcome</html>")),
    "error code": lambda key: signed({"resultCode": "000106"}, key),
    "server error": lambda key: http(b"oops", "500 Internal Server Error"),
    "another protocol": lambda key: raw(b"220 mail.example ESMTP\r\n"),
}


@pytest.mark.parametrize("kind", MISBEHAVIOUR)
def test_an_order_ends_refunded_and_says_why(settings, kind):
    settings.SELLER_CALL_SECONDS, settings.INSTANCE_TRIED_FOR = 0.2, settings.SELLER_LINE_RESTS / 3
    shop = a_shop()
    with hostile(MISBEHAVIOUR[kind](key_of(shop))) as server:
        shop.connect(server.url())
        order = shop.buy()
        later(0.1)
        assert server.requests
    order = shop.now(order)
    assert order.status == "cancelled"
    assert order.allocations.get().payment.status == "refunded"
    assert not list(breaches())
    call = Call.objects.get()
    assert (call.status, bool(call.error)) == ("failed", True)
    assert Exchange.objects.filter(call=call).exclude(fault="").exists()
    assert not Instance.objects.exclude(instance_id="").exists()


def test_an_answer_for_another_order_is_not_taken(reference):
    first = a_shop()
    first.connect(f"{reference(key_of(first))}/v2")
    order = first.buy()
    later(0.01)
    made = Instance.objects.get().instance_id
    with hostile(signed({"resultCode": "000000", "instanceId": made}, key_of(first))) as server:
        first.connect(server.url())
        second = first.buy()
        later(0.01)
    assert first.now(second).status == "processing"
    assert first.calls(second)[0].error == "instanceId belongs to another order."
    assert first.now(order).status == "completed"
    assert Instance.objects.get(subscription=first.app(second)).instance_id == ""


def test_a_replayed_answer_is_another_orders_instance_and_a_changed_mind_is_refused():
    shop = a_shop()
    with hostile(signed({"resultCode": "000004", "instanceId": "app-1"}, key_of(shop))) as server:
        shop.connect(server.url())
        first, second = shop.buy(), shop.buy()
        later(0.01)
    assert [one.activity for one in shop.calls(first)] == ["create", "query"]
    assert shop.calls(second)[0].error == "instanceId belongs to another order."


def test_a_seller_who_does_not_answer_is_left_alone_for_a_while():
    shop = a_shop()
    with hostile(raw(b"")) as server:
        shop.connect(server.url())
        for _ in range(6):
            shop.buy()
        later(0.001)
        # Three in a row without an answer; the others are put off without a call.
        assert len(server.requests) == 3
    line = SellerLine.objects.get()
    assert line.rests_until > clock.now()
    waiting = Call.objects.waiting()
    assert waiting.count() == 6
    assert waiting.filter(tries=0).count() == 3


def test_when_he_answers_again_everything_is_delivered(reference):
    shop = a_shop()
    orders = [shop.buy() for _ in range(6)]
    later(0.001)
    shop.connect(f"{reference(key_of(shop))}/v2")
    later(0.5)
    assert {shop.now(one).status for one in orders} == {"completed"}
    assert SellerLine.objects.get().failures == 0


def test_an_answer_that_was_lost_is_asked_for_with_the_same_business_id(reference, tmp_path):
    shop = a_shop()
    heard = []

    def forget(sock, request):
        heard.append(json.loads(request.partition(b"\r\n\r\n")[2]))

    with hostile(forget) as server:
        shop.connect(server.url())
        order = shop.buy()
        later(0.003)
    assert len({one["businessId"] for one in heard}) == 1
    assert len(heard) >= 2
    shop.connect(f"{reference(key_of(shop))}/v2")
    later(0.5)
    assert shop.now(order).status == "completed"


def test_what_is_made_after_the_order_ended_is_released(reference):
    """The answer comes when the order is over: the instance is deleted at the seller."""
    from provisioning.saas import outcomes
    from provisioning.saas.answers import Outcome, Verdict

    shop = a_shop()
    order = shop.buy()
    later(3.1)
    assert shop.now(order).status == "cancelled"
    call = shop.calls(order)[0]
    late = Verdict(Outcome.DONE, code="000000", instance_id="app-late", status=200)
    outcomes.record_outcome(call.pk, "", late, seconds=1.0, at=in_hours(3.2))
    assert [one.activity for one in shop.calls(order)] == ["create", "release"]


def test_too_many_failed_orders_take_the_product_off_sale_until_operations_lift_it(settings):
    from koogallery.kernel.errors import DomainError
    from orders.errors import NotForSale
    from orders.ports import sale_refusal
    from provisioning.saas.interfaces import lift_delisting
    from tests.factories import an_operator

    assert settings.FAILED_ORDERS_MOST == 5
    settings.FAILED_ORDERS_MOST, settings.INSTANCE_TRIED_FOR = 1, timedelta(minutes=1)
    shop = a_shop()
    shop.buy()
    later(3.1)
    assert sale_refusal(shop.product) is None
    shop.buy(at=in_hours(4))
    later(8)
    product = Order.objects.first().product
    assert "could not be delivered" in sale_refusal(product)
    assert product.public_sales is False
    with pytest.raises(NotForSale):
        shop.buy(at=in_hours(9))
    lift_delisting(product, by=an_operator(), at=in_hours(9))
    product.refresh_from_db()
    assert product.public_sales is True
    assert sale_refusal(product) is None
    shop.buy(at=in_hours(10))
    with pytest.raises(DomainError):
        lift_delisting(product, by=an_operator())


def test_other_calls_are_given_up_after_an_hour_and_restarted_by_the_seller(reference, timers):
    from provisioning.saas.calls import replay

    shop = a_shop()
    url = reference(key_of(shop))
    shop.connect(f"{url}/v2")
    order = shop.buy()
    timers.run()
    app = shop.app(order)
    shop.connect("http://127.0.0.1:9/")
    timers.run(app.expires_at + timedelta(hours=2))
    freeze = shop.calls(order)[-1]
    assert (freeze.activity, freeze.status) == ("freeze", "failed")
    assert freeze.ended_at - freeze.created_at == timedelta(hours=1)
    assert shop.now(order).status == "completed", "it is not refunded"
    shop.connect(f"{url}/v2")
    replay(freeze, by=shop.selling)
    timers.run()
    freeze.refresh_from_db()
    assert freeze.status == "done"


@pytest.mark.django_db(transaction=True)
def test_two_hanging_sellers_hold_up_nobody(settings, reference):
    """In threads, as the caller process does it."""
    settings.SELLER_CALL_SECONDS = 8.0
    shops = [a_shop() for _ in range(3)]
    with hostile(silence(20)) as first, hostile(silence(20)) as second:
        for shop, server in zip(shops, (first, second), strict=False):
            shop.connect(server.url())
        shops[2].connect(f"{reference(key_of(shops[2]))}/v2")
        orders = [shop.buy() for shop in shops]
        done = []

        def watch() -> None:
            while not Call.objects.filter(order=orders[2], activity="query", status="done").exists():
                time.sleep(0.05)
            done.append(time.monotonic())
            connection.close()

        began, watcher = time.monotonic(), threading.Thread(target=watch, daemon=True)
        watcher.start()
        Pool("sellers", threads=4).deliver(seconds=2)
        watcher.join(5)
    assert shops[2].now(orders[2]).status == "completed"
    assert done[0] - began < 6, "the others' calls take eight seconds"
    assert {shop.now(order).status for shop, order in zip(shops[:2], orders, strict=False)} == {"processing"}
