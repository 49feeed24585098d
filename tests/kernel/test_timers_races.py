"""Several sweepers and deliverers at once, processes that die, connections that break: on real connections."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection, connections, transaction
from django.db.models import Q

from koogallery.kernel import clock
from koogallery.kernel.db import claim_for_transaction, retry_on_serialization
from koogallery.kernel.deadlines import on_deadline
from koogallery.kernel.delivery import deliver
from koogallery.kernel.models import Deadline, OutboxMessage, TimerFailure
from koogallery.kernel.outbox import Event, publish, subscribe
from koogallery.kernel.quiet import run_until_quiet
from koogallery.kernel.sweep import COMPANY, sweep
from koogallery.kernel.timers import Timer, register
from tests.processes import ROOT, environment

pytestmark = pytest.mark.django_db(transaction=True)

SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class BoxMoved(Event):
    """Something to tell of in these tests."""

    box: int
    step: int

    @property
    def subject(self) -> str:
        return f"box:{self.box}"


def in_threads(work: Callable[[], object], count: int = 2) -> None:
    """Run `work` in several threads at once, each with its own connection, and raise what they raise."""
    start = threading.Barrier(count)

    def run() -> None:
        try:
            start.wait(10)
            work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        for future in [pool.submit(run) for _ in range(count)]:
            future.result(60)


def aside(work: Callable[[], object]) -> threading.Thread:
    """Start `work` in a thread with a connection of its own."""

    def run() -> None:
        try:
            work()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def make_due(name: str, count: int, owner_type: str = "thing") -> None:
    """Deadlines of `count` owners, a second apart, the last one a second ago."""
    now = clock.now()
    Deadline.objects.bulk_create(
        Deadline(owner_type=owner_type, owner_id=n, name=name, due_at=now - (count - n) * SECOND) for n in range(count)
    )


def test_two_sweepers_at_once_fire_every_row_once() -> None:
    fired: list[int] = []
    on_deadline("charge")(lambda owner_id, /, *, at, by: fired.append(owner_id))
    make_due("charge", 120)

    in_threads(sweep, count=3)

    assert sorted(fired) == list(range(120))
    assert TimerFailure.objects.count() == 0


@pytest.mark.parametrize("together", [False, True])
def test_two_sweepers_at_once_fire_rows_without_a_lane_once_and_leave_none(together: bool) -> None:
    fired: list[int] = []

    def fire(pk: int, /, *, at: datetime, by: Any) -> None:
        fired.append(pk)
        Deadline.objects.filter(pk=pk).update(fired_at=at)

    def several(due: Mapping[int, datetime], /, *, by: Any) -> None:
        for pk, at in due.items():
            fire(pk, at=at, by=by)

    open_ones = Q(name="alone", fired_at__isnull=True)
    register(Timer("alone", Deadline, "due_at", open_ones, fire, together=several if together else None))
    make_due("alone", 400)

    in_threads(sweep, count=2)

    assert sorted(fired) == sorted(Deadline.objects.values_list("pk", flat=True))
    assert not Deadline.objects.filter(fired_at__isnull=True).exists()
    assert TimerFailure.objects.count() == 0


def test_a_row_that_another_sweeper_has_is_passed_over_without_waiting() -> None:
    fired: list[int] = []
    holding, let_go = threading.Event(), threading.Event()

    @on_deadline("charge")
    def charge(owner_id: int, /, *, at: datetime, by: Any) -> None:
        if owner_id == 0:
            holding.set()
            assert let_go.wait(20)
        fired.append(owner_id)

    make_due("charge", 3)
    slow = aside(lambda: sweep(seconds=0.05))
    assert holding.wait(10)
    sweep()
    assert fired == [1, 2]

    let_go.set()
    slow.join()
    assert fired == [1, 2, 0]


def test_a_later_row_of_a_lane_does_not_overtake_the_one_that_another_sweeper_has() -> None:
    fired: list[tuple[str, int]] = []
    holding, let_go = threading.Event(), threading.Event()

    @on_deadline("renew")
    def renew(owner_id: int, /, *, at: datetime, by: Any) -> None:
        if owner_id == 0:
            holding.set()
            assert let_go.wait(20)
        fired.append(("renew", owner_id))

    @on_deadline("expire")
    def expire(owner_id: int, /, *, at: datetime, by: Any) -> None:
        fired.append(("expire", owner_id))

    now = clock.now()
    for owner_id in (0, 1):
        Deadline.objects.create(owner_type="app", owner_id=owner_id, name="renew", due_at=now - 9 * SECOND)
        Deadline.objects.create(owner_type="app", owner_id=owner_id, name="expire", due_at=now - 8 * SECOND)
    slow = aside(lambda: sweep(seconds=0.05))
    assert holding.wait(10)
    sweep()
    assert fired == [("renew", 1), ("expire", 1)]

    run = aside(lambda: run_until_quiet())
    time.sleep(0.3)
    assert run.is_alive(), "it waits for what another sweeper has in hand"
    let_go.set()
    slow.join()
    run.join(20)
    assert fired[2:] == [("renew", 0), ("expire", 0)]


def test_a_service_that_deadlocks_with_a_request_is_fired_again() -> None:
    first = Deadline.objects.create(owner_type="row", owner_id=1, name="a", due_at=clock.now() + 99 * SECOND)
    second = Deadline.objects.create(owner_type="row", owner_id=2, name="b", due_at=clock.now() + 99 * SECOND)
    tries: list[int] = []
    has_first, has_second = threading.Event(), threading.Event()

    def lock(row: Deadline) -> None:
        Deadline.objects.select_for_update().get(pk=row.pk)

    @on_deadline("careless")
    def careless(owner_id: int, /, *, at: datetime, by: Any) -> None:
        tries.append(1)
        with connection.cursor() as cursor:  # so that this side is the one that is broken off
            cursor.execute("SET LOCAL deadlock_timeout = '50ms'")
        lock(first)
        has_first.set()
        has_second.wait(5)
        lock(second)

    def request() -> None:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL deadlock_timeout = '30s'")
            lock(second)
            has_second.set()
            assert has_first.wait(5)
            lock(first)

    make_due("careless", 1)
    thread = aside(request)
    assert has_second.wait(5)
    tally = sweep()["careless"]
    thread.join(20)

    assert (tally.fired, tally.failed, len(tries)) == (1, 0, 2)


def test_a_lost_race_is_not_run_again_inside_somebody_elses_transaction() -> None:
    calls: list[int] = []

    @retry_on_serialization
    def loses() -> None:
        calls.append(1)
        with connection.cursor() as cursor:
            cursor.execute("DO $$ BEGIN RAISE EXCEPTION 'lost' USING ERRCODE = 'serialization_failure'; END $$")

    with pytest.raises(OperationalError), transaction.atomic():
        loses()
    assert len(calls) == 1
    with pytest.raises(OperationalError):
        loses()
    assert len(calls) == 1 + 4


def test_a_claim_is_held_until_the_transaction_ends() -> None:
    def somebody_else_gets_it() -> bool:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(attempt).result(10)

    def attempt() -> bool:
        try:
            with transaction.atomic():
                return claim_for_transaction("timer", "x", 1)
        finally:
            connections.close_all()

    with transaction.atomic():
        assert claim_for_transaction("timer", "x", 1)
        assert not somebody_else_gets_it()
    assert somebody_else_gets_it()


def test_a_broken_connection_fails_its_row_and_the_others_still_fire() -> None:
    fired: list[int] = []

    @on_deadline("charge")
    def charge(owner_id: int, /, *, at: datetime, by: Any) -> None:
        if owner_id == 0:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        fired.append(owner_id)

    make_due("charge", 3)
    sweep()

    assert fired == [1, 2]
    assert TimerFailure.objects.get().object_id == Deadline.objects.get(owner_id=0).pk


KILLED_SWEEPER = """
import os, sys, django
django.setup()
from koogallery.kernel.deadlines import on_deadline
from koogallery.kernel.models import Deadline
from koogallery.kernel.sweep import sweep

@on_deadline("charge")
def charge(owner_id, /, *, at, by):
    Deadline.objects.create(owner_type="effect", owner_id=owner_id, name="effect", due_at=at.replace(year=2099))
    if owner_id == 5 and len(sys.argv) > 1:
        os.kill(os.getpid(), 9)

sweep()
"""


KILLED_IN_COMPANY = """
import os, sys, django
django.setup()
from django.db.models import Q
from koogallery.kernel.models import Deadline
from koogallery.kernel.sweep import sweep
from koogallery.kernel.timers import Timer, register

def fire(pk, /, *, at, by):
    row = Deadline.objects.get(pk=pk)
    Deadline.objects.create(owner_type="effect", owner_id=row.owner_id, name="effect", due_at=at.replace(year=2099))
    Deadline.objects.filter(pk=pk).update(fired_at=at)
    if row.owner_id == 20 and len(sys.argv) > 1:
        os.kill(os.getpid(), 9)

def several(due, /, *, by):
    for pk, at in due.items():
        fire(pk, at=at, by=by)

register(Timer("charge", Deadline, "due_at", Q(name="charge", fired_at__isnull=True), fire, together=several))
sweep()
"""


def run_python(code: str, *args: str) -> int:
    """Run code in a process of its own on the test's database; says its exit status."""
    return subprocess.run([sys.executable, "-c", code, *args], env=environment(), cwd=ROOT, timeout=60).returncode


def test_a_sweeper_killed_half_way_leaves_nothing_half_done() -> None:
    on_deadline("charge")(lambda owner_id, /, *, at, by: None)
    make_due("charge", 10)

    assert run_python(KILLED_SWEEPER, "die") == -signal.SIGKILL
    effects = Deadline.objects.filter(owner_type="effect")
    assert sorted(effects.values_list("owner_id", flat=True)) == [0, 1, 2, 3, 4]

    assert run_python(KILLED_SWEEPER) == 0
    assert sorted(effects.values_list("owner_id", flat=True)) == list(range(10))


def test_a_sweeper_killed_while_several_fire_leaves_all_of_them_due() -> None:
    make_due("charge", 30)

    assert run_python(KILLED_IN_COMPANY, "die") == -signal.SIGKILL
    effects = Deadline.objects.filter(owner_type="effect")
    assert sorted(effects.values_list("owner_id", flat=True)) == list(range(COMPANY))

    assert run_python(KILLED_IN_COMPANY) == 0
    assert sorted(effects.values_list("owner_id", flat=True)) == list(range(30))


def test_deliverers_at_once_deliver_each_message_once_and_each_subject_in_order() -> None:
    got: list[tuple[int, int]] = []

    @subscribe(BoxMoved, name="test.inside")
    def inside(event: BoxMoved, at: datetime) -> None:
        got.append((event.box, event.step))
        time.sleep(0.002)

    with transaction.atomic():
        for step in range(8):
            for box in range(10):
                publish(BoxMoved(box, step), at=clock.now())

    in_threads(lambda: deliver(seconds=60), count=3)

    assert len(got) == 80
    for box in range(10):
        assert [step for other, step in got if other == box] == list(range(8))
    assert OutboxMessage.objects.open().count() == 0


def test_a_slow_outside_call_holds_up_only_its_own_subject() -> None:
    got: list[tuple[int, int]] = []
    calling, let_go = threading.Event(), threading.Event()

    @subscribe(BoxMoved, name="test.outside", outside=True)
    def outside(event: BoxMoved, at: datetime) -> None:
        if (event.box, event.step) == (0, 0):
            calling.set()
            assert let_go.wait(20)
        got.append((event.box, event.step))

    with transaction.atomic():
        for box, step in ((0, 0), (0, 1), (1, 0), (1, 1)):
            publish(BoxMoved(box, step), at=clock.now())
    slow = aside(lambda: deliver(seconds=0.05))
    assert calling.wait(10)
    deliver()
    assert got == [(1, 0), (1, 1)]

    let_go.set()
    slow.join()
    deliver()
    assert got == [(1, 0), (1, 1), (0, 0), (0, 1)]
