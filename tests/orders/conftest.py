"""A deliverer of the tests, behind the real port: it notes what it is asked and finishes when told."""

from collections.abc import Iterable, Iterator
from datetime import datetime

import pytest
from django.db.models import QuerySet
from pytest_django import Settings as SettingsWrapper

from accounts.actor import Actor
from catalog.models import Product
from orders import ports
from orders.models import Order, Subscription

asked: list[str] = []


class NotingDeliverer:
    """Implements `orders.ports.Fulfilment` by writing down every call."""

    name = "noting"

    def refusal(self, product: Product) -> str | None:
        return None

    def with_terms(self, products: QuerySet[Product]) -> QuerySet[Product]:
        return products

    def terms(self, product: Product) -> ports.DeliveryTerms:
        return ports.DeliveryTerms()

    def start(self, order: Order, *, by: Actor, at: datetime) -> None:
        asked.append("start")

    def renew(self, order: Order, subscription: Subscription, *, by: Actor, at: datetime) -> None:
        asked.append("renew")

    def upgrade(self, order: Order, subscription: Subscription, *, by: Actor, at: datetime) -> None:
        asked.append("upgrade")

    def freeze(self, subscription: Subscription, *, by: Actor, at: datetime) -> None:
        asked.append("freeze")

    def unfreeze(self, subscription: Subscription, *, by: Actor, at: datetime) -> None:
        asked.append("unfreeze")

    def release(self, subscription: Subscription, *, by: Actor, at: datetime) -> None:
        asked.append("release")

    def abort(self, order: Order, *, reason: str, by: Actor, at: datetime) -> None:
        asked.append("abort")

    def is_frozen(self, order: Order) -> bool:
        return False

    def summaries(self, orders: Iterable[Order]) -> dict[int, ports.DeliverySummary]:
        return {}


@pytest.fixture
def deliverer(settings: SettingsWrapper) -> Iterator[list[str]]:
    """Licences are delivered by `NotingDeliverer`; yields what it was asked."""
    settings.FULFILMENT = {("license", True): ["tests.orders.conftest.NotingDeliverer"]}
    asked.clear()
    return asked
