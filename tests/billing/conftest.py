"""A buying account with orders to pay, and the books checked after every test."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction

from accounts.actor import Actor
from accounts.models import Account, Reseller
from billing.gateways.sandbox import SandboxGateway
from billing.models import PaymentMethod
from billing.services import CreditTerms, bind_card, grant_credit, top_up
from catalog.models import Specification
from koogallery.kernel.books import breaches
from koogallery.kernel.money import Money
from orders.models import Order
from orders.services import Placement, place_order
from pricing.values import Duration, QuoteRequest
from supervision.models import FlowTemplate
from tests.factories import a_buyer, a_specification, an_operator


def usd(amount: str) -> Money:
    return Money(Decimal(amount), "USD")


@dataclass
class Shopper:
    """A buying account, its owner, an operator, and something that it may buy."""

    by: Actor
    account: Account
    operator: Actor
    specification: Specification

    def card(self, scenario: str = "success") -> PaymentMethod:
        return bind_card(self.account, SandboxGateway().enter_card(scenario), by=self.by)

    def order(self, *, months: int = 1, coupon: str = "", **placement: Any) -> Order:
        request = QuoteRequest(self.specification.pk, "monthly", Duration(months, "month"))
        return place_order(
            Placement(request, agreements_accepted=True, coupon=coupon, **placement), account=self.account, by=self.by
        )

    def credit(self, limit: str = "100.00") -> None:
        grant_credit(self.account, CreditTerms(usd(limit), "TK-1"), by=self.operator)

    def balance(self, amount: str) -> None:
        top_up(self.account, usd(amount), reference="BANK-1", by=self.operator)

    def through(self, reseller: Reseller) -> None:
        self.account.reseller = reseller
        self.account.save()


def a_shopper(price: str = "5.00", **traits: Any) -> Shopper:
    FlowTemplate.objects.get_or_create(flow_type="license", version=1, defaults={"appeal_on_acceptance_after": 2})
    by = a_buyer()
    specification = a_specification(prices={"monthly": price}, **traits)
    return Shopper(by, Account.objects.get(pk=by.account_id), an_operator(), specification)


@pytest.fixture
def shopper(db: None) -> Iterator[Shopper]:
    """Whatever a test does, the books must be right afterwards."""
    one = a_shopper()
    yield one
    assert [str(breach) for breach in breaches() if breach.invariant.name != "listing_repeats_prices"] == []


@pytest.fixture(scope="module")
def one_shop(django_db_setup: None, django_db_blocker: Any) -> Iterator[Any]:
    """Made once for all rows: what is refused changes nothing, and the few tests that change something are rolled back."""
    from tests.billing.bad_input import a_shop

    with django_db_blocker.unblock(), transaction.atomic():
        yield a_shop()
        transaction.set_rollback(True)


@pytest.fixture
def shop(one_shop: Any, db: None) -> Any:
    return one_shop
