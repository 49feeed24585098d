"""SIGKILL of the web process at each step of a payment: charged once or not at all, and the books balance."""

import contextlib
import http.client
import json
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from accounts.models import Membership
from accounts.services import create_api_key
from billing.models import Payment, SandboxCharge
from billing.services import PaymentRequest, pay_order
from koogallery.kernel import clock
from koogallery.kernel.books import breaches
from koogallery.kernel.quiet import run_until_quiet
from orders.choices import OrderStatus
from orders.models import Order
from tests.billing.conftest import Shopper, a_shopper
from tests.processes import START_SECONDS, web_server

pytestmark = pytest.mark.django_db(transaction=True)


@contextlib.contextmanager
def web(folder: Path, kill_at: str) -> Iterator[int]:
    """The web server as bin/up starts it, on the test's database; yields its port."""
    with web_server(folder, DJANGO_SETTINGS_MODULE="tests.faults.killing_settings", KILL_AT=kill_at) as server:
        yield server.port


def post(port: int, path: str, key: str, body: dict[str, object]) -> int | None:
    """The answer's status; None when the process died before it answered."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    headers = {"Authorization": f"Token {key}", "Content-Type": "application/json", "Idempotency-Key": "one"}
    try:
        connection.request("POST", path, json.dumps(body), headers)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def a_key(shopper: Shopper) -> str:
    membership = Membership.objects.get(account=shopper.account, user_id=shopper.by.user_id)
    _key, secret = create_api_key(membership.user, name="test", account=shopper.account)
    return secret


@pytest.mark.parametrize(
    ("step", "charged"),
    [("before the call", 0), ("after the call", 1), ("before the commit", 1), ("before the answer", 1)],
)
def test_a_web_process_killed_in_a_payment_leaves_it_paid_once_or_payable(
    tmp_path: Path, step: str, charged: int
) -> None:
    shopper = a_shopper()
    shopper.card()
    order, key = shopper.order(), a_key(shopper)
    with web(tmp_path, step) as port:
        assert post(port, f"/api/v1/orders/{order.number}/pay/", key, {"method": "card"}) is None
    run_until_quiet(at=clock.now() + timedelta(minutes=15))

    assert SandboxCharge.objects.count() == charged
    order = Order.objects.get()
    assert order.status == (OrderStatus.PROCESSING if charged else OrderStatus.PENDING_PAYMENT)
    assert [str(one) for one in breaches() if one.invariant.name != "listing_repeats_prices"] == []

    # What was not charged can be paid now; what was charged is not charged again.
    if not charged:
        assert Payment.objects.get().failure_code == "not_arrived"
        assert pay_order(order, PaymentRequest(), by=shopper.by).status == OrderStatus.PROCESSING
    assert SandboxCharge.objects.count() == 1


def test_the_same_key_answers_after_a_restart(tmp_path: Path) -> None:
    shopper = a_shopper()
    shopper.card()
    order, key = shopper.order(), a_key(shopper)
    path = f"/api/v1/orders/{order.number}/pay/"
    with web(tmp_path, "before the answer") as port:
        assert post(port, path, key, {"method": "card"}) is None
    with web(tmp_path, "") as port:
        assert post(port, path, key, {"method": "card"}) in (200, 409)
    assert SandboxCharge.objects.count() == 1


def test_a_web_process_killed_while_the_processor_is_slow_charges_nobody_twice(tmp_path: Path) -> None:
    shopper = a_shopper()
    shopper.card("slow")
    order, key = shopper.order(), a_key(shopper)
    with web(tmp_path, "") as port, contextlib.ExitStack() as asking:
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        asking.callback(client.close)
        headers = {"Authorization": f"Token {key}", "Content-Type": "application/json"}
        client.request("POST", f"/api/v1/orders/{order.number}/pay/", '{"method": "card"}', headers)
        start = time.monotonic()
        while not Payment.objects.exists():
            assert time.monotonic() - start < START_SECONDS
            time.sleep(0.05)
    run_until_quiet(at=clock.now() + timedelta(minutes=15))
    assert not SandboxCharge.objects.exists()
    assert Order.objects.get().status == OrderStatus.PENDING_PAYMENT
