"""Supervised SaaS whose request the seller has confirmed: its delivery gives application information."""

import pytest

from accounts.models import Account
from orders.models import Subscription
from orders.ports import ApplicationGiven
from supervision import services
from tests.factories import AgreementFactory
from tests.supervision.conftest import Deal, make_deal
from tests.supervision.test_flow import a_file

PASSWORD = "Tr0ub4dor &  <three>"
GIVEN = ApplicationGiven(
    "admin@contoso", PASSWORD, "https://app.crm.example/contoso", "https://admin.crm.example/?tenant=contoso"
)


def ready(**traits) -> Deal:
    """The seller delivers next."""
    AgreementFactory()
    deal = make_deal(saas_supervised=True, **traits)
    services.submit_request(deal.flow, description="Ten accounts.", files=[a_file()], by=deal.buyer)
    services.confirm_request(deal.flow, by=deal.seller)
    return deal


def app_of(deal: Deal) -> Subscription:
    return Subscription.objects.get(line__order=deal.flow.order_id)


def owner_of(deal: Deal):
    return Account.objects.get(pk=deal.buyer.account_id).memberships.get(role="owner").user


@pytest.fixture
def deal(db) -> Deal:
    return ready()


@pytest.fixture
def delivered(deal) -> Deal:
    services.deliver(deal.flow, application=GIVEN, by=deal.seller)
    return deal
