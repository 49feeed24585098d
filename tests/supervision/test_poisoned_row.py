"""A deal whose data is broken stops nobody else's, and operations read of it."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from billing import ledger
from billing.choices import EntryKind, Ledger
from koogallery.kernel import clock
from koogallery.kernel.models import OutboxMessage, TimerFailure
from koogallery.kernel.money import Money
from koogallery.kernel.sweep import sweep
from orders.choices import OrderStatus
from orders.models import Order
from supervision import services
from tests.supervision.conftest import make_deal

pytestmark = pytest.mark.django_db


def test_one_poisoned_order_stops_no_other_keeps_its_date_and_is_shown_to_operators(client: Client, monkeypatch):
    monkeypatch.setattr("koogallery.kernel.outbox.wake_worker", lambda: None)
    deals = [make_deal() for _ in range(3)]
    for at, deal in enumerate(deals):
        services.deliver(deal.flow, note="Key.", by=deal.seller)
        services.accept_delivery(deal.flow, by=deal.buyer, at=clock.now() - timedelta(hours=9 - at))
    # The first that is due has been released already, as no code of ours would do: its release is refused.
    poisoned, *others = [Order.objects.get(pk=deal.flow.order_id) for deal in deals]
    sides = [ledger.Side(Ledger.HELD, Money(Decimal(amount), "USD")) for amount in (1, -1)]
    ledger.post(EntryKind.RELEASE, sides, at=clock.now(), order=poisoned)
    before = OutboxMessage.objects.count()

    tally = sweep()["complete_accepted_orders"]

    assert (tally.fired, tally.failed) == (2, 1)
    assert {Order.objects.get(pk=one.pk).status for one in others} == {OrderStatus.COMPLETED}
    after = Order.objects.get(pk=poisoned.pk)
    assert (after.status, after.completes_at) == (OrderStatus.PROCESSING, poisoned.completes_at)
    # Two people are told of each that completed, nobody of the one that did not.
    assert OutboxMessage.objects.count() == before + 4
    failure = TimerFailure.objects.get()
    assert (failure.timer, failure.object_id) == ("complete_accepted_orders", poisoned.pk)

    client.force_login(User.objects.create_superuser("operator@demo.example", "correct-horse-battery"))
    page = client.get(reverse("admin:kernel_timerfailure_changelist")).content.decode()
    assert "complete_accepted_orders" in page
    assert "an_order_is_released_once" in page
