"""Completed orders to invoice, and invoices in any state."""

from datetime import datetime, timedelta

import pytest

from accounts.actor import Actor
from accounts.models import Account
from billing.invoices.models import Invoice, InvoiceHeader
from billing.invoices.services import (
    Application,
    HeaderData,
    apply_for_invoice,
    approve_application,
    ask_return,
    carry_out_issue,
    finish_return,
    save_header,
)
from billing.services import PaymentRequest, pay_order
from koogallery.kernel import clock
from orders.models import Order
from tests.billing import cloud
from tests.factories import a_buyer, a_specification, an_operator

HEADER = HeaderData("Contoso Retail", "201912345K", "1 Raffles Place", "finance@contoso.example", "SG")


@pytest.fixture
def shop(settings, shopper):
    """The shopper, whose orders are delivered and completed as they are paid."""
    settings.FULFILMENT = cloud.FULFILMENT
    shopper.specification = a_specification(saas=True)
    shopper.card()
    return shopper


def now_of(invoice: Invoice) -> Invoice:
    return Invoice.objects.get(pk=invoice.pk)


def completed(shopper, *, months: int = 1, method: str = "card", **placement) -> Order:
    """An order of the shopper's that is paid, and completed with that (`tests.billing.cloud` delivers)."""
    order = shopper.order(months=months, **placement)
    if order.is_payable:
        pay_order(order, PaymentRequest(method), by=shopper.by)
    return Order.objects.get(pk=order.pk, status="completed")


def applied(shopper, *orders: Order, **application) -> Invoice:
    wanted = Application(HEADER, orders=[one.number for one in orders], **application)
    return apply_for_invoice(wanted, account=shopper.account, by=shopper.by)


def issued(invoice: Invoice, by: Actor | None = None, at: datetime | None = None) -> Invoice:
    approve_application(invoice, by=by or an_operator(), at=at)
    return carry_out_issue(invoice.number, at=at or clock.now())


def an_invoice(order: Order) -> Invoice:
    """A pending application over an order of somebody else's test, which is completed for it first."""
    owner = a_buyer("owner", order.account)
    _complete(order)
    save_header(order.account, HEADER, by=owner)
    wanted = Application(HEADER, orders=[order.number])
    return apply_for_invoice(wanted, account=Account.objects.get(pk=order.account_id), by=owner)


def a_returned_invoice(order: Order) -> Invoice:
    """An invoice with both documents; what it named can be invoiced again."""
    invoice = issued(an_invoice(order))
    ask_return(invoice, reason="Wrong header", by=a_buyer("owner", order.account))
    finish_return(invoice, by=an_operator())
    extra = InvoiceHeader.objects.filter(account=order.account).order_by("pk")[1:]
    InvoiceHeader.objects.filter(pk__in=[one.pk for one in extra]).delete()
    return Invoice.objects.get(pk=invoice.pk)


def _complete(order: Order) -> None:
    at = clock.now()
    Order.objects.filter(pk=order.pk).exclude(status="completed").update(
        status="completed", completed_at=at, accepted_at=at, completes_at=at + timedelta(hours=3)
    )
