"""An order's page: its history, its invoices, whether another may be applied for; within the pages' budget."""

from decimal import Decimal

import pytest

from billing.services import propose_refund
from koogallery.kernel import clock
from orders.services import end_with_refund
from tests.billing import cloud
from tests.billing.conftest import usd
from tests.billing.invoicing import applied, completed, issued
from tests.factories import a_coupon, a_specification
from tests.test_budgets import count

pytestmark = pytest.mark.django_db


def test_an_order_that_a_coupon_pays_is_submitted_not_paid(shopper, client):
    order = shopper.order(coupon=a_coupon(shopper.account, value=Decimal("5.00")).code)
    client.force_login(shopper.account.memberships.get().user)
    done = f"/purchase/orders/{order.number}/done/"
    page = client.get(done).content.decode()
    assert "Order submitted" in page
    assert "Payment successful" not in page
    page = client.get(f"/billing/orders/{order.number}/").content.decode()
    assert "Nothing was to be paid." in page
    assert "Yearly/Monthly" in page
    end_with_refund(order, amount=None, reason="Not delivered.", by=shopper.operator, at=clock.now())
    assert client.get(done).headers["Location"] == f"/billing/orders/{order.number}/"


def test_an_order_tells_what_became_of_it_and_offers_an_invoice_while_something_is_left(settings, shopper, client):
    settings.FULFILMENT = cloud.FULFILMENT
    shopper.specification = a_specification(saas=True)
    shopper.card()
    order = completed(shopper)
    client.force_login(shopper.account.memberships.get().user)
    path = f"/billing/orders/{order.number}/"

    count(client, path)

    def shown(path: str = path) -> tuple[bool, list[str]]:
        page = client.get(path)
        return "Apply for invoice" in page.content.decode(), [record.title for record in page.context["records"]]

    offered, titles = shown()
    assert (offered, titles[0], titles[-1]) == (True, "Completed", "Order submitted")
    number = issued(applied(shopper, order)).document().number
    propose_refund(order, usd("2.00"), reason="Late.", by=shopper.operator)
    offered, titles = shown()
    assert not offered
    assert {f"Invoice {number} issued", "Invoice applied for", "Refund of $2.00 USD decided"} <= set(titles)
    assert number in client.get(path).content.decode()
    count(client, path)
    # The next invoice is lowered by what went back of this order: of what it names nothing is left for all that.
    second = completed(shopper)
    other = f"/billing/orders/{second.number}/"
    assert shown(other)[0]
    assert applied(shopper, second).money == usd("3.00")
    assert not shown(other)[0]
