"""SaaS made by machine: the reference seller and hostile ones, as real servers on loopback."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from werkzeug.serving import make_server

from accounts.actor import Actor
from accounts.models import Account
from billing.gateways.sandbox import SandboxGateway
from billing.services import PaymentRequest, bind_card, pay_order
from catalog.models import Product, Specification
from catalog.services import refresh_listing
from examples.saas_seller.seller import create_app
from koogallery.kernel import clock
from koogallery.kernel.quiet import run_until_quiet
from orders.models import Order, Subscription
from orders.services import Placement, place_order
from pricing.rules import Duration, QuoteRequest
from provisioning.models import Call, ProductInterface
from provisioning.saas.interfaces import set_interface
from provisioning.saas.keys import create_access_key
from tests.factories import AgreementFactory, a_buyer, a_seller, a_specification

KEY = "access-key-of-the-tests"


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """A WSGI application on loopback; yields its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@dataclass
class Shop:
    """A SaaS product that is sold, its seller's key, and somebody who buys."""

    specification: Specification
    selling: Actor
    buyer: Actor
    account: Account
    orders: list[Order] = field(default_factory=list)

    @property
    def product(self) -> Product:
        return self.specification.product

    def buy(
        self, *, at: datetime | None = None, mode: str = "monthly", attributes: dict[str, Any] | None = None
    ) -> Order:
        """A paid order."""
        term = {"monthly": Duration(1, "month"), "yearly": Duration(1, "year")}.get(mode)
        request = QuoteRequest(self.specification.pk, mode, term, attributes=attributes or {})
        order = place_order(Placement(request, agreements_accepted=True), account=self.account, by=self.buyer, at=at)
        self.orders.append(pay_order(order, PaymentRequest(), by=self.buyer, at=at))
        return self.orders[-1]

    def now(self, order: Order) -> Order:
        return Order.objects.get(pk=order.pk)

    def app(self, order: Order) -> Subscription:
        return Subscription.objects.get(line__order=order)

    def calls(self, order: Order) -> list[Call]:
        return list(Call.objects.filter(instance__subscription__line__order=order).order_by("id"))

    def connect(self, url: str, version: str = "v2") -> ProductInterface:
        return set_interface(self.product, version=version, url=url, urls={}, by=self.selling)


def a_shop(url: str = "http://127.0.0.1:9/", version: str = "v2", **traits: Any) -> Shop:
    """A monthly SaaS product whose seller listens at `url`."""
    AgreementFactory()
    prices = traits.pop("prices", {"monthly": "5.00"})
    specification = a_specification(prices=prices, **({"saas": True} | traits))
    refresh_listing(specification.product)
    selling, buyer = a_seller(specification.product.seller), a_buyer()
    account = Account.objects.get(pk=buyer.account_id)
    bind_card(account, SandboxGateway().enter_card("success"), by=buyer)
    create_access_key(specification.product.seller, by=selling, secret=f"{KEY}-{specification.pk}")
    shop = Shop(specification, selling, buyer, account)
    shop.connect(url, version)
    return shop


def key_of(shop: Shop) -> str:
    return f"{KEY}-{shop.specification.pk}"


MakeSeller = Callable[..., str]


@pytest.fixture
def reference(tmp_path) -> Iterator[MakeSeller]:
    """`reference(shop)`: the example's server with the shop's key; returns its address."""
    stacks = []

    def start(access_key: str, **config: Any) -> str:
        values = {"READY_SECONDS": 0, "DATABASE": str(tmp_path / f"seller{len(stacks)}.sqlite"), "MARKETPLACE_URL": ""}
        context = serving(create_app(ACCESS_KEY=access_key, **values | config))
        stacks.append(context)
        return context.__enter__()

    yield start
    for one in reversed(stacks):
        one.__exit__(None, None, None)


def in_hours(hours: float) -> datetime:
    return clock.now() + timedelta(hours=hours)


def later(hours: float) -> None:
    """Everything that is due until then happens."""
    run = run_until_quiet(at=in_hours(hours))
    assert not run.failed, run
