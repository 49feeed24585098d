"""The demo's invoices and tickets are written over whatever was completed before."""

import pytest

from accounts.models import Account
from billing.models import Invoice
from demo.paperwork import write
from demo.people import People
from koogallery.kernel import clock
from support.models import Ticket
from tests.billing import cloud
from tests.billing.conftest import a_shopper
from tests.billing.invoicing import completed
from tests.factories import a_specification, an_operator

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("orders", [0, 3])
def test_invoices_in_several_states_and_two_tickets(settings, timers, orders):
    settings.FULFILMENT = cloud.FULFILMENT
    shop = a_shopper()
    shop.specification = a_specification(saas=True)
    shop.card()
    for _one in range(orders):
        completed(shop)
    operator = an_operator()
    account = Account.objects.get(pk=shop.account.pk)
    write(People(account, account, shop.by, shop.by, {}, operator, operator), clock.now())
    timers.run()
    states = ["issued", "pending_review", "rejected"] if orders else []
    assert sorted(Invoice.objects.values_list("status", flat=True)) == states
    assert sorted(Ticket.objects.values_list("status", flat=True)) == ["answered", "open"]
