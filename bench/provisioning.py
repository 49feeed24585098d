"""How long SaaS orders of sellers whose servers answer take while others hang.

    .venv/bin/python bench/provisioning.py [--orders 10000] [--sellers 20] [--hanging 2] [--threads 16] [--json FILE]

On servers of its own: two rounds of orders, first to the sellers that answer alone, then to all of them, some of whom never
answer. Each round ends when the last order of the sellers that answer is completed. The second may take 1.2 times as long as
the first. The calls are made as the caller process makes them, by the threads of `koogallery.kernel.pool`.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
# A script's own folder comes first, where `orders` and others could be files of this folder.
sys.path[0] = str(ROOT)

from koogallery.kernel import embedded  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

ALLOWED = 1.2
LONGEST_SECONDS = 3_600


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="bench.provisioning", description="Deliver SaaS orders while sellers hang.")
    parser.add_argument("--orders", type=int, default=10_000)
    parser.add_argument("--sellers", type=int, default=20)
    parser.add_argument("--hanging", type=int, default=2)
    parser.add_argument("--threads", type=int, default=16)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    if not asked.inside:
        with embedded.throwaway() as names:
            environ = {**os.environ, **names, "DJANGO_SETTINGS_MODULE": "koogallery.settings"}
            for command in (
                ["manage.py", "migrate", "-v0", "--no-input"],
                ["-m", "bench.provisioning", "--inside", *arguments],
            ):
                if code := subprocess.call([sys.executable, *command], cwd=ROOT, env=environ):
                    return code
        return 0
    import django

    django.setup()
    return _measure(asked)


def _measure(asked: argparse.Namespace) -> int:
    each = asked.orders // asked.sellers
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        answering = asked.sellers - asked.hanging
        keys = [f"bench-access-key-{number}" for number in range(asked.sellers)]
        port = stack.enter_context(_sellers_that_answer(keys[:answering], Path(folder)))
        silent = stack.enter_context(_sellers_that_hang())
        urls = [f"http://127.0.0.1:{port}/{number}/v2" for number in range(answering)]
        urls += [f"http://127.0.0.1:{silent}/v2"] * asked.hanging
        shops = [_shop(number, key, url) for number, (key, url) in enumerate(zip(keys, urls, strict=True))]
        alone = _round(shops[:answering], shops[:answering], each, asked.threads)
        together = _round(shops, shops[:answering], each, asked.threads)
    found = {
        "orders": each * asked.sellers,
        "sellers": asked.sellers,
        "hanging": asked.hanging,
        "threads": asked.threads,
        "cores": os.cpu_count(),
        "alone": alone,
        "together": together,
        "ratio_of_seconds": round(together["seconds"] / alone["seconds"], 3),
        "ratio_of_cpu": round(together["cpu_seconds"] / alone["cpu_seconds"], 3),
        "allowed": ALLOWED,
    }
    print(json.dumps(found, indent=1))
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1), encoding="utf-8")
    return 0 if found["ratio_of_seconds"] <= ALLOWED else 1


def _round(shops: list[Any], counted: list[Any], each: int, threads: int) -> dict[str, Any]:
    """Place `each` orders with every shop, in turn; deliver; stop when those of the counted ones are completed."""
    from koogallery.kernel.pool import Pool
    from orders.models import Order

    wanted: list[int] = []
    began = time.monotonic()
    for _ in range(each):
        for shop in shops:
            number = _order(shop)
            if shop in counted:
                wanted.append(number)
    print(f"{each * len(shops):,} orders placed in {time.monotonic() - began:.0f} s; delivering.", flush=True)
    ended: list[float] = []
    cpu, began = time.process_time(), time.monotonic()
    first, last = min(wanted), max(wanted)
    products = [shop[1].product_id for shop in counted]

    def watch() -> None:
        from django.db import connection

        while time.monotonic() - began < LONGEST_SECONDS:
            done = Order.objects.filter(pk__gte=first, pk__lte=last, product__in=products, status="completed").count()
            if done == len(wanted):
                ended.append(time.monotonic())
                break
            time.sleep(0.25)
        connection.close()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    while not ended and watcher.is_alive():
        Pool("sellers", threads=threads).deliver(20.0)
    seconds = ended[0] - began
    return {
        "orders": len(wanted),
        "seconds": round(seconds, 1),
        "orders_a_second": round(len(wanted) / seconds, 1),
        "cpu_seconds": round(time.process_time() - cpu, 1),
    }


def _shop(number: int, key: str, url: str) -> tuple[Any, Any, Any]:
    """A seller with one product that costs nothing; returns (account, specification, buyer)."""
    from accounts.models import Account, Seller, SellerMember, User
    from accounts.services import open_account
    from accounts.web import buyer_actor, seller_actor
    from catalog.models import Category, Price, Product, Specification
    from koogallery.kernel import clock
    from provisioning.saas.interfaces import set_interface
    from provisioning.saas.keys import create_access_key

    user = User.objects.create_user(f"bench{number}@bench.example")
    account: Account = open_account(user, f"Bench {number}")
    seller = Seller.objects.create(slug=f"bench-{number}", name=f"Bench seller {number}", email=user.email)
    SellerMember.objects.create(seller=seller, user=user)
    category, _new = Category.objects.get_or_create(slug="bench", defaults={"name": "Bench"})
    product = Product.objects.create(
        seller=seller, category=category, slug=f"bench-{number}", name=f"Bench {number}", delivery_method="saas",
        supervised=False, status="published", published_at=clock.now(), operating_systems=["web"],
    )  # fmt: skip
    specification = Specification.objects.create(product=product, code="one", name="One")
    Price.objects.create(specification=specification, billing_mode="monthly", amount=0)
    by = seller_actor(user, seller)
    create_access_key(seller, by=by, secret=key)
    set_interface(product, version="v2", url=url, urls={}, by=by)
    return account, specification, buyer_actor(user, account.memberships.get())


def _order(shop: tuple[Any, Any, Any]) -> int:
    from orders.services import Placement, place_order
    from pricing.rules import Duration, QuoteRequest

    account, specification, buyer = shop
    request = QuoteRequest(specification.pk, "monthly", Duration(1, "month"))
    return int(place_order(Placement(request, agreements_accepted=True), account=account, by=buyer).pk)


@contextmanager
def _sellers_that_answer(keys: list[str], folder: Path) -> "Iterator[int]":
    """One process with the example's server for each key, under a path of its own; yields the port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    environ = {**os.environ, "BENCH_KEYS": json.dumps(keys), "BENCH_FOLDER": str(folder)}
    command = [
        sys.executable, "-m", "granian", "--interface", "wsgi", "--factory", "--host", "127.0.0.1", "--port", str(port),
        "--workers", "1", "--blocking-threads", "16", "--no-ws", "--log-level", "error", "bench.provisioning:sellers_app",
    ]  # fmt: skip
    process = subprocess.Popen(command, cwd=ROOT, env=environ)
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(20)


def sellers_app() -> Any:
    """The WSGI application of that process."""
    from werkzeug.middleware.dispatcher import DispatcherMiddleware

    from examples.saas_seller.seller import create_app

    folder = Path(os.environ["BENCH_FOLDER"])
    apps: dict[str, Any] = {
        f"/{number}": create_app(
            ACCESS_KEY=key, MARKETPLACE_URL="", DATABASE=str(folder / f"{number}.sqlite"), READY_SECONDS=0.0
        )
        for number, key in enumerate(json.loads(os.environ["BENCH_KEYS"]))
    }
    return DispatcherMiddleware(next(iter(apps.values())), apps)


@contextmanager
def _sellers_that_hang() -> "Iterator[int]":
    """A port that takes every connection and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        held: list[socket.socket] = []

        def hold() -> None:
            while True:
                try:
                    held.append(listener.accept()[0])
                except OSError:
                    return

        threading.Thread(target=hold, daemon=True).start()
        yield int(listener.getsockname()[1])


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
