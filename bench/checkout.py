"""Whole checkouts a second through HTTP: quote, order, pay by the sandbox, with concurrent buyers.

    .venv/bin/python -m bench.checkout [--buyers 16] [--seconds 20]

The shop is served as `bin/up` serves it, the database and this program share its cores. Each buyer is an account of its
own with a bound card; each checkout is one order that is charged once, which is counted in the database afterwards.
"""

import argparse
import http.client
import json
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import place
from bench.load import percentile

SHOP = "koogallery.wsgi:application"
STEPS = ("quote", "order", "pay")

MAKE_BUYERS = """
import json
from accounts.models import User
from accounts.services import create_api_key, open_account
from accounts.models import Membership
from accounts.web import buyer_actor
from billing.gateways.sandbox import SandboxGateway
from billing.services import bind_card
from catalog.models import Specification
keys = []
for number in range({buyers}):
    user = User.objects.create(email=f"bench{{number}}@bench.example")
    account = open_account(user, f"Bench {{number}}")
    by = buyer_actor(user, Membership.objects.get(user=user))
    bind_card(account, SandboxGateway().enter_card("success"), by=by)
    keys.append(create_api_key(user, name="bench", account=account)[1])
sold = Specification.objects.filter(product__delivery_method="license", product__status="published", prices__billing_mode="monthly")
print(json.dumps({{"keys": keys, "specifications": list(sold.values_list("pk", flat=True).order_by("pk")[:40])}}))
"""
COUNT = """
import json
from billing.models import SandboxCharge
from koogallery.kernel.books import breaches
from orders.models import Order
bought = Order.objects.filter(account__name__startswith="Bench")
print(json.dumps({
    "paid": bought.exclude(paid_at=None).count(),
    "charges": SandboxCharge.objects.filter(key__in=bought.values("allocations__payment__public_id")).count(),
    "breaches": [str(one) for one in breaches()],
}))
"""


@dataclass(slots=True)
class Buyer:
    """One buyer's connection and what it saw."""

    port: int
    key: str
    specifications: list[int]
    checkouts: list[float] = field(default_factory=list)
    steps: dict[str, list[float]] = field(default_factory=lambda: {step: [] for step in STEPS})
    failed: int = 0

    def buy_until(self, end: float, start: threading.Barrier) -> None:
        """Check out again and again until `end` on the monotonic clock."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        start.wait()
        number = 0
        while time.monotonic() < end:
            number += 1
            try:
                self._checkout(connection, self.specifications[number % len(self.specifications)])
            except (OSError, http.client.HTTPException, KeyError, ValueError):
                self.failed += 1
                connection.close()
        connection.close()

    def _checkout(self, connection: http.client.HTTPConnection, specification: int) -> None:
        began = time.perf_counter()
        body: dict[str, Any] = {
            "specification": specification,
            "billing_mode": "monthly",
            "duration": {"value": 1, "unit": "month"},
        }
        quote = self._post(connection, "quote", "quotes/", body)
        order = self._post(
            connection, "order", "orders/", body | {"agreements_accepted": True, "quote": quote["quote"]}
        )
        self._post(connection, "pay", f"orders/{order['number']}/pay/", {"method": "card"})
        self.checkouts.append(time.perf_counter() - began)

    def _post(self, connection: http.client.HTTPConnection, step: str, path: str, body: dict[str, Any]) -> Any:
        began = time.perf_counter()
        headers = {"Authorization": f"Token {self.key}", "Content-Type": "application/json"}
        connection.request("POST", f"/api/v1/{path}", json.dumps(body), headers)
        answer = connection.getresponse()
        told = json.loads(answer.read())
        self.steps[step].append(time.perf_counter() - began)
        if answer.status >= http.client.BAD_REQUEST:
            raise ValueError(told)
        return told


def main(arguments: list[str]) -> int:
    """Measure, print, and say by the exit code whether every checkout was charged once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--buyers", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--data", type=Path, help="keep the database in this folder")
    asked = parser.parse_args(arguments)
    try:
        with place.opened(asked.data) as here:
            place.prepare(here, 0)
            return measure(here, asked.buyers, asked.seconds)
    except place.CannotMeasure as why:
        print(why, file=sys.stderr)
        return 2


def measure(here: place.Place, number: int, seconds: float) -> int:
    """Run the buyers against a fresh server and count what they bought."""
    made = json.loads(place.run(here, "manage.py", "shell", "-v0", "-c", MAKE_BUYERS.format(buyers=number)))
    with place.serving(here, SHOP, ready="/readyz") as port:
        buyers = [Buyer(port, key, made["specifications"]) for key in made["keys"]]
        start = threading.Barrier(number)
        began = time.monotonic()
        threads = [threading.Thread(target=one.buy_until, args=(began + seconds, start)) for one in buyers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took = time.monotonic() - began
    seen = [latency for one in buyers for latency in one.checkouts]
    told = json.loads(place.run(here, "manage.py", "shell", "-v0", "-c", COUNT))
    print(f"{len(seen)} checkouts by {number} buyers in {took:.1f} s: {len(seen) / took:.1f} a second")
    print(f"  whole checkout: p50 {1000 * percentile(seen, 0.5):.0f} ms, p99 {1000 * percentile(seen, 0.99):.0f} ms")
    for step in STEPS:
        waits = [latency for one in buyers for latency in one.steps[step]]
        print(f"  {step}: p50 {1000 * percentile(waits, 0.5):.0f} ms, p99 {1000 * percentile(waits, 0.99):.0f} ms")
    failed = sum(one.failed for one in buyers)
    print(f"  failed {failed}; paid {told['paid']}, charges {told['charges']}, breaches {len(told['breaches'])}")
    for breach in told["breaches"]:
        print(f"  {breach}")
    # A checkout that was under way when the time was over is paid as well, but not counted.
    agree = told["paid"] == told["charges"] and len(seen) <= told["paid"] <= len(seen) + number
    return 0 if agree and not failed and not told["breaches"] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
