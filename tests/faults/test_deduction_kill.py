"""SIGKILL of the worker while it charges cards for renewals: nobody is charged twice, nobody is forgotten."""

import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import redis

from accounts.models import Account
from billing.choices import PaymentStatus
from billing.gateways.sandbox import SandboxGateway
from billing.models import Payment, SandboxCharge
from billing.services import bind_card
from koogallery.kernel import clock
from koogallery.kernel.books import breaches
from koogallery.kernel.models import OutboxMessage, TimerFailure
from koogallery.kernel.quiet import run_until_quiet
from orders.models import Order, Subscription
from orders.terms import last_day
from renewals.models import RenewalPlan
from tests.factories import a_buyer, a_specification
from tests.faults.test_celery_worker import wait_until, worker
from tests.renewals.many import Sold, sell

pytestmark = pytest.mark.django_db(transaction=True)

ACCOUNTS, APPS_EACH = 4, 3
ELSEWHERE = {"supervised_orders_have_a_flow", "listing_repeats_prices"}
"""Books of how it was bought, which is not the matter here."""


def due_tonight() -> list[Subscription]:
    """Apps of several accounts with a card each, whose deductions are due now."""
    specification = a_specification(prices={"monthly": "5.00"})
    until = last_day(clock.now()) + timedelta(days=7)
    sold = []
    for _ in range(ACCOUNTS):
        buyer = a_buyer()
        account = Account.objects.get(pk=buyer.account_id)
        bind_card(account, SandboxGateway().enter_card("success"), by=buyer)
        sold += [Sold(account, specification, until, until.day, mode="auto")] * APPS_EACH
    apps = sell(sold, at=clock.now() - timedelta(days=30))
    RenewalPlan.objects.update(deduct_at=clock.now())
    return apps


def test_a_worker_killed_in_every_charge_charges_nobody_twice_and_forgets_nobody(
    tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    apps = due_tonight()
    before = {app.pk: app.expires_at for app in apps}
    queue = redis.Redis.from_url(settings.REDIS_URL)
    queue.flushall()

    # A process of the worker dies each time that the processor has charged and before we have written that down;
    # then all of it is killed, and the queue is lost.
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "tests.faults.killing_settings")
    monkeypatch.setenv("KILL_AT", "after the call")
    with worker(tmp_path) as process:
        wait_until(lambda: SandboxCharge.objects.count() >= 3, tmp_path)
        assert isinstance(process, subprocess.Popen)
    queue.flushall()
    charged = set(SandboxCharge.objects.values_list("key", flat=True))
    unknown = set(Payment.objects.filter(status=PaymentStatus.AUTHORISING).values_list("public_id", flat=True))
    assert charged
    assert charged <= unknown, "charged, and nothing of ours knows it"
    # The leases of the dead end by the machine's clock, two minutes later.
    OutboxMessage.objects.filter(lease_until__isnull=False).update(lease_until=clock.machine_now())

    run_until_quiet(at=clock.now() + timedelta(minutes=15))

    assert SandboxCharge.objects.count() == len(apps), "each charged once"
    assert set(Payment.objects.values_list("status", flat=True)) == {PaymentStatus.SUCCEEDED}
    renewals = Order.objects.filter(kind="renewal")
    assert sorted(renewals.values_list("subject", flat=True)) == sorted(before), "each ordered once"
    assert set(renewals.values_list("status", flat=True)) == {"completed"}
    for app in Subscription.objects.all():
        assert app.expires_at is not None
        assert app.expires_at > before[app.pk] + timedelta(days=27)  # type: ignore[operator]
    assert not RenewalPlan.objects.filter(charging_since__isnull=False).exists()
    assert not TimerFailure.objects.open().exists()
    assert [str(one) for one in breaches() if one.invariant.name not in ELSEWHERE] == []
