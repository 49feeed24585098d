"""SIGKILL of the process that calls sellers, while a seller has a request in hand: made once, delivered once."""

import contextlib
import json
import re
import socket
import subprocess
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from django.conf import settings

from koogallery.kernel import clock
from koogallery.kernel.books import breaches
from koogallery.kernel.models import OutboxMessage
from koogallery.kernel.quiet import run_until_quiet
from koogallery.kernel.running import celery_commands
from orders.models import Order
from provisioning.models import Application, Call, Exchange, Instance
from provisioning.saas import signing
from tests.faults.test_celery_worker import kill, wait_until
from tests.hostile import hostile
from tests.processes import ROOT, environment
from tests.provisioning.saas.conftest import a_shop, key_of

pytestmark = pytest.mark.django_db(transaction=True)


@contextlib.contextmanager
def caller(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The caller as bin/up starts it, with a beat of its own that wakes it."""
    command = [*celery_commands(folder)["caller"], "--beat", "--schedule", str(folder / "beat")]
    patient = environment() | {"SELLER_CALL_SECONDS": "60"}
    with (folder / "worker.log").open("ab") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env=patient, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            yield process
        finally:
            kill(process)


class Seller:
    """Makes an instance an order line, and is killed at: its first answers never find whom they are for."""

    def __init__(self) -> None:
        self.key = ""
        self.instances: dict[str, str] = {}
        self.asked: list[tuple[str, str]] = []
        self.gone = threading.Event()

    def __call__(self, sock: socket.socket, request: bytes) -> None:
        told = json.loads(request.partition(b"\r\n\r\n")[2])
        self.asked.append((told["activity"], told.get("businessId") or told["instanceId"]))
        answer: dict[str, object] = {"resultCode": "000000"}
        if told["activity"] == "newInstance":
            answer["instanceId"] = self.instances.setdefault(told["businessId"], f"app-{len(self.instances)}")
            self.gone.wait(60)
        else:
            app = {"frontEndUrl": "https://app.example/", "userName": "admin", "password": "Secret-1"}
            answer["info"] = [{"instanceId": told["instanceId"], "appInfo": app}]
        body = json.dumps(answer).encode()
        sign = signing.body_sign_header(self.key, body)
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nBody-Sign: {sign}\r\n\r\n"
        sock.sendall(head.encode() + body)


def test_a_caller_killed_within_a_creation_asks_again_with_the_same_business_id(tmp_path: Path) -> None:
    redis.Redis.from_url(settings.REDIS_URL).flushall()
    seller, shop = Seller(), a_shop()
    seller.key = key_of(shop)
    with hostile(seller) as server:
        shop.connect(server.url())
        order = shop.buy()
        with caller(tmp_path) as process:
            wait_until(lambda: bool(seller.asked), tmp_path)
            kill(process)
        assert not Exchange.objects.exists(), "nothing was written down"
        assert (Call.objects.get().status, Call.objects.get().tries) == ("waiting", 0)
        assert shop.now(order).status == "processing"
        message = OutboxMessage.objects.open().get(subscriber="provisioning.call")
        assert message.lease_until is not None
        assert message.lease_until > clock.machine_now(), "nobody else has it meanwhile"

        seller.gone.set()
        # The minute for which the dead process had it is over.
        OutboxMessage.objects.filter(pk=message.pk).update(lease_until=clock.machine_now())
        redis.Redis.from_url(settings.REDIS_URL).flushall()
        with caller(tmp_path):
            called = OutboxMessage.objects.filter(subscriber="provisioning.call")
            wait_until(lambda: called.count() == 2 and not called.open().exists(), tmp_path)
        run_until_quiet(at=clock.now() + timedelta(minutes=5))

    create = [name for activity, name in seller.asked if activity == "newInstance"]
    assert create == [Call.objects.get(activity="create").business_id] * 2
    assert len(seller.instances) == 1
    order = Order.objects.get()
    assert (order.status, shop.app(order).status) == ("completed", "enabled")
    assert Instance.objects.get().instance_id == "app-0"
    assert Application.objects.count() == 1, "handed over once"
    assert [one.status for one in Call.objects.all()] == ["done", "done"]
    assert not OutboxMessage.objects.open().exists()
    assert [str(one) for one in breaches() if one.invariant.name != "listing_repeats_prices"] == []
    assert not re.search(r"Secret-1|access-key-of", (tmp_path / "worker.log").read_text())
