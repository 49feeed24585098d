"""A paid order under supervision, with its buyer and seller."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from accounts.actor import Actor
from accounts.models import Account
from billing.gateways.sandbox import SandboxGateway
from billing.services import PaymentRequest, bind_card, pay_order
from catalog.models import Product
from catalog.services import refresh_listing
from koogallery.kernel import clock
from koogallery.kernel.books import breaches
from orders.services import Placement, place_order
from pricing.rules import Duration, QuoteRequest
from supervision import services
from supervision.models import ServiceFlow
from tests.factories import a_buyer, a_seller, a_specification, an_operator


@dataclass
class Deal:
    """Who is in it and the flow between them."""

    flow: ServiceFlow
    buyer: Actor
    seller: Actor
    operator: Actor
    reviewer: Actor

    def now(self) -> ServiceFlow:
        """The flow as it stands."""
        return ServiceFlow.objects.with_table_columns().get(pk=self.flow.pk)


MakeDeal = Callable[..., Deal]


def assert_books_are_right(one: Deal) -> None:
    """No invariant is broken; the factories' products have their listing first, which only services refresh."""
    for product in Product.objects.all():
        refresh_listing(product)
    assert one.now().pk
    assert not list(breaches())


def make_deal(**traits: Any) -> Deal:
    """Buy a product with these traits and pay for it."""
    specification = a_specification(**traits)
    buyer = a_buyer()
    account = Account.objects.get(pk=buyer.account_id)
    bind_card(account, SandboxGateway().enter_card("success"), by=buyer)
    request = QuoteRequest(specification.pk, "monthly", Duration(1, "month"))
    order = place_order(Placement(request, agreements_accepted=True), account=account, by=buyer)
    order = pay_order(order, PaymentRequest(), by=buyer)
    seller = a_seller(specification.product.seller)
    return Deal(ServiceFlow.objects.get(order=order), buyer, seller, an_operator(), an_operator())


def fall_silent(flow: ServiceFlow) -> None:
    """Whose turn it is has had it for an hour more than five days; the notice that goes with that is due."""
    deadline = clock.now() - timedelta(hours=1)
    ServiceFlow.objects.filter(pk=flow.pk).update(
        waiting_since=deadline - timedelta(days=5), respond_by=deadline, next_notice_at=deadline + timedelta(seconds=1)
    )


@pytest.fixture
def deal(db: None) -> MakeDeal:
    return make_deal


@pytest.fixture
def case(deal) -> Deal:
    """A licence order that the buyer appealed against on the sixth day, whose `at` is a day later."""
    one = deal()
    services.file_appeal(one.flow, reason="Silence.", by=one.buyer, at=one.flow.waiting_since + timedelta(days=6))
    one.at = one.flow.waiting_since + timedelta(days=7)
    return one
