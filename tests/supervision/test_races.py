"""Two at once: exactly one effect, and nobody waits for ever."""

import threading
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.models import Q

from accounts.models import Reveal
from billing.models import Payment
from billing.services import PaymentRequest, pay_order
from koogallery.kernel import clock, timers
from koogallery.kernel.errors import DomainError
from koogallery.kernel.models import Deadline, TimerFailure
from koogallery.kernel.sweep import sweep
from koogallery.kernel.timers import Timer, register
from orders.models import Order
from orders.services import order_locked
from supervision import services
from supervision.models import Appeal, FlowRecord, FlowTemplate, Ruling, ServiceFlow
from tests.supervision.conftest import make_deal

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _templates(transactional_db: None) -> None:
    """The flush of transactional tests takes the first templates, which a migration made, with it."""
    FlowTemplate.objects.get_or_create(flow_type="license", version=1, defaults={"appeal_on_acceptance_after": 2})


def at_once(*acts) -> list[object]:
    """Run the acts in threads that start together; what each returned or was refused with."""
    barrier, outcomes = threading.Barrier(len(acts)), [None] * len(acts)

    def run(number: int, act) -> None:
        barrier.wait()
        try:
            outcomes[number] = act()
        except DomainError as refused:
            outcomes[number] = refused
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number, act)) for number, act in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert not any(thread.is_alive() for thread in threads)
    return outcomes


def done(outcomes: list[object]) -> int:
    return sum(not isinstance(one, DomainError) for one in outcomes)


def test_accepting_twice_accepts_once():
    deal = make_deal()
    services.deliver(deal.flow, note="Key.", by=deal.seller)
    outcomes = at_once(*[lambda: services.accept_delivery(deal.flow, by=deal.buyer)] * 4)
    assert done(outcomes) == 1
    assert FlowRecord.objects.filter(action="accept").count() == 1


def test_accepting_and_rejecting_at_once_does_one():
    deal = make_deal()
    services.deliver(deal.flow, note="Key.", by=deal.seller)
    outcomes = at_once(
        lambda: services.accept_delivery(deal.flow, by=deal.buyer),
        lambda: services.reject_delivery(deal.flow, reason="No.", by=deal.buyer),
    )
    assert done(outcomes) == 1


def test_paying_an_order_in_many_tabs_charges_once():
    from accounts.models import Account
    from orders.services import Placement, place_order
    from pricing.rules import Duration, QuoteRequest

    deal = make_deal()
    specification = deal.flow.order.lines.get().specification
    placement = Placement(QuoteRequest(specification.pk, "monthly", Duration(1, "month")), agreements_accepted=True)
    order = place_order(placement, account=Account.objects.get(pk=deal.buyer.account_id), by=deal.buyer)
    at_once(*[lambda: pay_order(order, PaymentRequest(), by=deal.buyer)] * 6)
    assert Payment.objects.filter(allocations__order=order, status="succeeded").count() == 1
    assert Order.objects.get(pk=order.pk).status == "processing"


def test_secrets_asked_for_at_once_do_not_slip_through_the_throttle(settings):
    settings.REVEALS_PER_HOUR = 2
    deals = [make_deal() for _ in range(4)]
    for one in deals:
        services.deliver(one.flow, license_key="K-1", by=one.seller)
    person = deals[0].buyer.user_id

    def ask(one):
        return lambda: services.reveal_license_key(one.flow, round=1, by=replace(one.buyer, user_id=person))

    outcomes = at_once(*[ask(one) for one in deals])
    assert sorted(str(type(one).__name__) for one in outcomes) == ["Throttled", "Throttled", "str", "str"]
    assert Reveal.objects.count() == FlowRecord.objects.filter(action="reveal-license-key").count() == 2


def under_appeal(decision: str = ""):
    """A deal under appeal; with a decision that is not in effect yet."""
    from datetime import timedelta

    from koogallery.kernel import clock

    deal = make_deal()
    services.file_appeal(deal.flow, reason="Silence.", by=deal.buyer, at=deal.flow.waiting_since + timedelta(days=6))
    if decision:
        services.decide_appeal(deal.flow, decision=decision, reason="Heard both.", by=deal.operator, at=clock.now())
    return deal


def test_two_operators_deciding_at_once_decide_once():
    deal = under_appeal()
    outcomes = at_once(
        lambda: services.decide_appeal(deal.flow, decision="refund", reason="A.", by=deal.operator),
        lambda: services.decide_appeal(deal.flow, decision="resume", reason="B.", by=deal.reviewer),
        lambda: services.decide_appeal(deal.flow, decision="accept", reason="C.", by=deal.reviewer),
    )
    assert done(outcomes) == 1
    assert Ruling.objects.count() == 1


def test_waiving_against_asking_for_a_second_look_does_one_of_them():
    deal = under_appeal("refund")
    services.waive_review(deal.flow, by=deal.buyer)
    outcomes = at_once(
        lambda: services.waive_review(deal.flow, by=deal.seller),
        lambda: services.ask_review(deal.flow, reason="Look.", by=deal.seller),
    )
    assert done(outcomes) == 1
    status = Appeal.objects.get().status
    assert (status, deal.now().status) in (("decided", "closed"), ("under_review", "under_appeal"))


def test_withdrawing_against_deciding_does_one_of_them():
    deal = under_appeal()
    outcomes = at_once(
        lambda: services.withdraw_appeal(deal.flow, by=deal.buyer),
        lambda: services.decide_appeal(deal.flow, decision="refund", reason="Nothing came.", by=deal.operator),
    )
    assert done(outcomes) == 1
    assert Appeal.objects.get().status in ("withdrawn", "announced")


def test_both_sides_asking_for_a_second_look_at_once_get_one():
    deal = under_appeal("accept")
    outcomes = at_once(
        lambda: services.ask_review(deal.flow, reason="Look.", by=deal.seller),
        lambda: services.ask_review(deal.flow, reason="Look.", by=deal.buyer),
    )
    assert done(outcomes) == 1
    assert FlowRecord.objects.filter(action="review").count() == 1


def test_filing_twice_files_once():
    from datetime import timedelta

    deal = make_deal()
    at = deal.flow.waiting_since + timedelta(days=6)
    outcomes = at_once(*[lambda: services.file_appeal(deal.flow, reason="Silence.", by=deal.buyer, at=at)] * 3)
    assert done(outcomes) == 1
    assert Appeal.objects.count() == 1


def waits_for_a_lock() -> bool:
    """Whether anybody in the database waits for a row that another one has."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(cursor.fetchone()[0])


def wait_until(true, seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_request_that_locks_several_orders_is_no_victim_of_rows_that_fire_together(monkeypatch):
    """The company has the second order by one timer and wants the first by another; the request has the first."""
    now = clock.now()
    first, second = make_deal(), make_deal()
    since = now - timedelta(hours=72, minutes=30)
    ServiceFlow.objects.filter(pk=first.flow.pk).update(
        waiting_since=since, next_notice_at=since + timedelta(hours=72), respond_by=since + timedelta(hours=120)
    )
    services.deliver(second.flow, note="Key.", by=second.seller, at=now - timedelta(hours=5))
    services.accept_delivery(second.flow, by=second.buyer, at=now - timedelta(hours=4))
    request_has_first, company_has_second = threading.Event(), threading.Event()

    def until_the_request_waits(due, /, *, by):
        company_has_second.set()
        wait_until(waits_for_a_lock)
        Deadline.objects.filter(pk__in=due).update(fired_at=now)

    monkeypatch.setattr(timers, "_timers", dict(timers._timers))
    pause = Deadline.objects.create(owner_type="pause", owner_id=1, name="pause", due_at=now - timedelta(minutes=45))
    register(
        Timer(
            "pause",
            Deadline,
            "due_at",
            Q(name="pause", fired_at=None),
            lambda pk, /, *, at, by: Deadline.objects.filter(pk=pk).update(fired_at=at),
            together=until_the_request_waits,
        )
    )

    def request() -> str:
        with transaction.atomic():
            order_locked(first.flow.order_id)
            request_has_first.set()
            assert company_has_second.wait(10)
            order_locked(second.flow.order_id)
        return "done"

    outcomes = at_once(request, lambda: request_has_first.wait(10) and sweep(seconds=20))

    assert outcomes[0] == "done"
    assert Order.objects.get(pk=second.flow.order_id).status == "completed"
    assert first.now().next_notice_at == since + timedelta(hours=96)
    pause.refresh_from_db()
    assert pause.fired_at
    assert not TimerFailure.objects.exists()
