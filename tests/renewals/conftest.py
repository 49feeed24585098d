"""Running subscriptions, bought and delivered through the real verbs."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from accounts.actor import Actor
from accounts.models import Account
from billing.gateways.sandbox import SandboxGateway
from billing.services import PaymentRequest, bind_card, pay_order
from catalog.models import Product, Specification
from catalog.services import refresh_listing
from koogallery.kernel import clock
from koogallery.kernel.books import breaches
from koogallery.kernel.quiet import run_until_quiet
from orders.models import Order, Subscription
from orders.services import Placement, RenewalWish, delivery_done, place_order, place_renewal
from orders.terms import BILLING_ZONE
from pricing.values import Duration, QuoteRequest
from renewals.models import RenewalPlan
from tests.factories import a_buyer, a_specification, an_operator
from tests.orders.conftest import asked

NOTING = ["tests.orders.conftest.NotingDeliverer"]
MONTH, YEAR = Duration(1, "month"), Duration(1, "year")


def day(text: str, clock_time: str = "12:00") -> datetime:
    """A time of a day in GMT+08:00, in UTC: `day("2024-03-31")`."""
    return datetime.fromisoformat(f"{text} {clock_time}").replace(tzinfo=BILLING_ZONE).astimezone(UTC)


@dataclass
class Running:
    """An account with a card and what it bought."""

    by: Actor
    specification: Specification
    pk: int

    @property
    def account(self) -> Account:
        return Account.objects.get(pk=self.by.account_id)

    @property
    def app(self) -> Subscription:
        return Subscription.objects.with_table_columns().get(pk=self.pk)

    @property
    def plan(self) -> RenewalPlan:
        return RenewalPlan.objects.with_table_columns().get(subscription=self.app)

    def renewal(self, duration: Duration | None = MONTH, *, at: datetime, **wish: Any) -> Order:
        return place_renewal(self.app, RenewalWish(duration, **wish), by=self.by, at=at)

    def renew(self, duration: Duration | None = MONTH, *, at: datetime, **wish: Any) -> Order:
        order = pay_order(self.renewal(duration, at=at, **wish), PaymentRequest(), by=self.by, at=at)
        run_until_quiet(at=at)
        return Order.objects.get(pk=order.pk)


def a_running(
    bought: datetime,
    *,
    duration: Duration = MONTH,
    card: str = "success",
    by: Actor | None = None,
    specification: Specification | None = None,
    auto_renew: bool = False,
    attributes: dict[str, str | int] | None = None,
    prices: dict[str, str] | None = None,
    **traits: Any,
) -> Running:
    """A subscription bought and delivered at `bought`: a licence at 5.00 USD a month and 50.00 a year unless told otherwise."""
    specification = specification or a_specification(prices=prices or {"monthly": "5.00", "yearly": "50.00"}, **traits)
    buyer = by or a_buyer()
    account = Account.objects.get(pk=buyer.account_id)
    with clock.standing_at(bought):
        if by is None and card:
            bind_card(account, SandboxGateway().enter_card(card), by=buyer, at=bought)
        mode = "yearly" if duration.unit == "year" else "monthly"
        request = QuoteRequest(specification.pk, mode, duration, attributes=attributes or {})
        placement = Placement(request, auto_renew=auto_renew, agreements_accepted=True)
        order = place_order(placement, account=account, by=buyer, at=bought)
        if order.is_payable:
            order = pay_order(order, PaymentRequest(), by=buyer, at=bought)
        delivery_done(order, deliverer="noting", accepted=False, by=an_operator(), at=bought)
        run_until_quiet(at=bought)
    return Running(buyer, specification, Subscription.objects.get(line__order=order).pk)


@pytest.fixture(autouse=True)
def _noting_and_books(settings: Any, request: pytest.FixtureRequest) -> Iterator[None]:
    """All is delivered by `NotingDeliverer`; whatever happens, the books are right afterwards."""
    if request.node.get_closest_marker("django_db") is None:
        yield
        return
    request.getfixturevalue("db")
    methods = [("license", True), ("professional_service", True), ("saas", False), ("image", False)]
    settings.FULFILMENT = dict.fromkeys(methods, NOTING)
    asked.clear()
    yield
    for product in Product.objects.all():
        refresh_listing(product)
    # The noting deliverer opens no flow.
    wrong = [one for one in breaches() if one.invariant.name != "supervised_orders_have_a_flow"]
    assert [str(one) for one in wrong] == []
