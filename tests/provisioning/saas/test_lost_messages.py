"""Whatever is lost on the way, and whenever an order ends: one instance, one charge, none left behind at the seller."""

import json
import random
from datetime import timedelta

import pytest
from django.test.utils import override_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from koogallery.kernel import backoff, clock
from koogallery.kernel.books import breaches
from koogallery.kernel.quiet import run_until_quiet
from orders.services import take_back
from provisioning.models import Application, Call, Instance
from provisioning.saas import signing
from provisioning.saas.calling import make_call
from tests.factories import an_operator
from tests.hostile import hostile
from tests.provisioning.saas.conftest import a_shop, key_of

pytestmark = pytest.mark.django_db

# What may happen to a request: it never arrives, its answer is lost, is garbled or late, or all is well.
FAULTS = ["lost on the way", "answer lost", "garbled", "server error", "still working", "auth failed", "well"]


class Seller:
    """A correct V2 seller behind a bad line: what he does stands, whatever becomes of his answers."""

    def __init__(self, key: str, faults: list[str]) -> None:
        self.key, self.faults = key, list(faults)
        self.instances: dict[str, str] = {}
        self.released: set[str] = set()

    def __call__(self, sock, request: bytes) -> None:
        fault = self.faults.pop(0) if self.faults else "well"
        if fault == "lost on the way":
            return
        told = json.loads(request.partition(b"\r\n\r\n")[2])
        answer = {"resultCode": "000001"} if fault == "auth failed" else self.act(told, fault)
        body = json.dumps(answer).encode()
        header = signing.body_sign_header(self.key, body)
        status = "500 Internal Server Error" if fault == "server error" else "200 OK"
        body = b"<html>" if fault == "garbled" else body
        if fault != "answer lost":
            head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nBody-Sign: {header}\r\n\r\n"
            sock.sendall(head.encode() + body)

    def act(self, told: dict, fault: str) -> dict:
        if told["activity"] == "newInstance":
            name = self.instances.setdefault(told["orderLineId"], f"app-{len(self.instances)}-{told['orderId']}")
            return {"resultCode": "000004", "instanceId": name}
        if told["activity"] == "queryInstance" and fault != "still working":
            app = {"frontEndUrl": "https://app.example/", "userName": "admin", "password": "Secret-1"}
            return {"resultCode": "000000", "info": [{"instanceId": told["instanceId"], "appInfo": app}]}
        if told["activity"] == "releaseInstance":
            self.released.add(told["instanceId"])
        return {"resultCode": "000004" if fault == "still working" else "000000"}


@given(
    faults=st.lists(st.sampled_from(FAULTS), max_size=6),
    ends_after=st.none() | st.integers(0, 120),
    twice=st.booleans(),
    seed=st.integers(0, 99),
)
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_one_instance_whatever_is_lost_and_none_left_behind(faults, ends_after, twice, seed):
    random.seed(seed)
    shop = a_shop()
    seller = Seller(key_of(shop), faults)
    with hostile(seller) as server, override_settings(SELLER_CALL_SECONDS=2.0):
        shop.connect(server.url())
        begun = clock.now()
        order = shop.buy(at=begun)
        if ends_after is not None:
            run_until_quiet(at=begun + timedelta(seconds=ends_after))
            if shop.now(order).status == "processing":
                money = order.payable_money
                take_back(
                    order,
                    money,
                    whole=True,
                    reason="Ended.",
                    by=an_operator(),
                    at=begun + timedelta(seconds=ends_after),
                )
        if twice:
            for call in Call.objects.filter(order=order):
                make_call(call.public_id, at=begun)
        run_until_quiet(at=begun + timedelta(hours=4))
        run_until_quiet(at=begun + timedelta(hours=8))
    order = shop.now(order)
    assert len(seller.instances) <= 1, "nothing is made twice"
    assert not list(breaches())
    if order.status == "completed":
        assert Application.objects.filter(subscription=shop.app(order)).count() == 1
        assert Instance.objects.get(subscription=shop.app(order)).instance_id in seller.instances.values()
        assert not seller.released
    else:
        assert order.status in ("refunded", "cancelled")
        assert order.allocations.get().payment.status == "refunded"
        assert set(seller.instances.values()) == seller.released, "no orphan"
    assert not Call.objects.waiting().filter(order=order).exists()
    assert timedelta(hours=1) == backoff.LONGEST
