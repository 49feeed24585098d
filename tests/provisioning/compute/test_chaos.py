"""Crashes and lost messages at any point of the saga: no orphan, no double, no lost refund."""

from contextlib import suppress
from datetime import datetime, timedelta

import pytest
from django.db import transaction
from django_fsm import TransitionNotAllowed
from hypothesis import HealthCheck, given
from hypothesis import settings as profile
from hypothesis import strategies as st

from billing.models import Refund
from koogallery.kernel import clock
from koogallery.kernel.books import breaches
from koogallery.kernel.errors import DomainError
from koogallery.kernel.models import OutboxMessage
from orders.models import Order, Subscription
from orders.services import take_back
from provisioning.compute.choices import ServerAct
from provisioning.compute.models import CloudResource, Server, ServerRun, SimulatedResource
from provisioning.compute.services.living import act_on_server
from tests.factories import an_operator
from tests.provisioning.compute import chaos
from tests.provisioning.compute.conftest import let_pass, next_due

pytestmark = pytest.mark.django_db

# The long profile comes in parts that each take a minute or two, so that they run beside each other and one by one.
EXAMPLES, PARTS = {"default": 8, "long": 25}, 16
plan = st.fixed_dictionaries(
    {
        "fates": st.lists(st.sampled_from(chaos.FATES), max_size=24),
        "lost": st.lists(st.integers(0, 20), max_size=6),
        "seed": st.sampled_from(["a", "b", "c", "d"]),
        "mode": st.sampled_from(["monthly", "pay_per_use"]),
        "quantity": st.integers(1, 2),
        "failures": st.sampled_from([0, 0, 50, 100]),
        # What the buyer or operations do, and after how many steps.
        "act": st.sampled_from([None, "delete", "take back", "stop"]),
        "after": st.integers(0, 15),
    }
)


def run(shop, given_, configuration) -> None:
    """One order under a plan, then two undisturbed hours; asserts what must hold."""
    configuration.COMPUTE_PROVIDER = "tests.provisioning.compute.chaos.ChaosCloud"
    configuration.SIMULATOR_SEED, configuration.SIMULATOR_FAILURES_PERCENT = given_["seed"], given_["failures"]
    chaos.script = iter(())
    order = shop.buy(given_["mode"], quantity=given_["quantity"], bandwidth=1)
    chaos.script = iter(given_["fates"])
    at, lost = clock.now(), set(given_["lost"])
    for step in range(30):
        at = once(at, lose=step in lost)
        if step == given_["after"]:
            interfere(given_["act"], shop, at)
    chaos.script = iter(())
    # Two hours: what was given up is taken back, what was lost is sent again.
    let_pass(125, at=at, quietly=True)
    check(order.pk)


def in_a_world_of_its_own(shop, given_, configuration) -> None:
    """What an example did is gone after it. No atomic block: workers' own must be the outermost."""
    before = transaction.savepoint()
    run(shop, given_, configuration)
    transaction.savepoint_rollback(before)


def once(at: datetime, *, lose: bool = False) -> datetime:
    """A worker takes what is due now, and may die of it; messages may be lost. Returns a little later."""
    try:
        let_pass(0, at=at, quietly=True)
    except chaos.ProcessDied:
        # Its lease is by the machine's clock: the next worker finds it expired.
        OutboxMessage.objects.filter(done_at=None).update(lease_until=None)
    if lose:
        OutboxMessage.objects.filter(done_at=None, subscriber__startswith="compute.").delete()
    return max(at + timedelta(seconds=1), min(next_due() or at, at + timedelta(minutes=11)))


def interfere(act: str | None, shop, at: datetime) -> None:
    """The buyer deletes or stops a server, or operations take the whole order back, at this point."""
    order, server = Order.objects.get(), Server.objects.order_by("id").first()
    with suppress(DomainError, TransitionNotAllowed):  # not allowed in this state: nothing was changed
        if act == "take back":
            take_back(order, order.payable_money, whole=True, reason="Chaos.", by=an_operator(), at=at)
        elif act and server:
            act_on_server(server, ServerAct(act), by=shop.buyer, at=at)


def check(pk: int) -> None:
    """No orphan, no double, no lost refund; the books are right."""
    order = Order.objects.get(pk=pk)
    assert order.status in ("completed", "cancelled", "refunded"), order.status
    there = list(SimulatedResource.objects.exclude(state="deleting").values_list("name", flat=True))
    assert len(there) == len(set(there)), "made twice"
    wanted = set(CloudResource.objects.live().values_list("token", flat=True))
    assert set(there) == wanted, "orphans, or things that are not there"
    servers = list(Server.objects.order_by("id"))
    for server in servers:
        assert server.status in ("running", "stopped", "deleted"), server.status
        kept = server.resources.live().count()
        assert kept == (0 if server.status == "deleted" else 3)
        assert ServerRun.objects.filter(server=server, stopped_at=None).exists() == (server.status == "running")
    if order.status == "completed":
        assert all(one.built_at for one in servers)
    else:
        assert not there
        assert {app.status for app in Subscription.objects.all()} == {"closed"}
        back = sum(refund.amount for refund in Refund.objects.filter(status="succeeded"))
        assert back == order.payable
    assert not list(breaches())


@profile(
    max_examples=EXAMPLES["default"],
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(given_=plan)
def test_whatever_happens_nothing_is_orphaned_doubled_or_unpaid(shop, settings, given_):
    in_a_world_of_its_own(shop, given_, settings)


@pytest.mark.long
@pytest.mark.parametrize("part", range(PARTS))
@profile(
    max_examples=EXAMPLES["long"],
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(given_=plan)
def test_the_same_for_long(shop, settings, part, given_):
    in_a_world_of_its_own(shop, given_, settings)
