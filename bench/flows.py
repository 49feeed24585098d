"""Open service flows, some of them due, and what the database says while they fire: its own process, as bench/history.py.

`python -m bench.flows open NUMBER` makes flows whose seller has yet to deliver; nothing of them is due.
`python -m bench.flows due TIMER NUMBER PLACE` makes flows of which that timer is due; PLACE orders the timers in time.
`python -m bench.flows analyze` lets the planner know what there is, as autovacuum would within the minute.
`python -m bench.flows empty NUMBER` runs so many sweeps that find nothing and prints what one costs.
`python -m bench.flows watch WORKER SECONDS TIMER...` prints samples until nothing is due or waits in the outbox.
`python -m bench.flows check` prints what does not add up afterwards.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import django

django.setup()

from django.db import connection, transaction  # noqa: E402

from accounts.actor import Actor  # noqa: E402
from accounts.models import Account, Membership, User  # noqa: E402
from accounts.permissions import Role  # noqa: E402
from bench.history import Owner, accepted, copy, open_accounts, owner, paid, sold  # noqa: E402
from koogallery.kernel import clock  # noqa: E402
from koogallery.kernel.books import breaches  # noqa: E402
from koogallery.kernel.models import OutboxMessage, TimerFailure  # noqa: E402
from koogallery.kernel.outbox import delivering_here  # noqa: E402
from koogallery.kernel.sweep import Sweep, sweep  # noqa: E402
from koogallery.kernel.timers import Timer, all_timers, timers_named  # noqa: E402
from orders.models import Order  # noqa: E402
from supervision.models import ServiceFlow  # noqa: E402
from supervision.services import send_due_notice  # noqa: E402

HOUR = timedelta(hours=1)
# Younger than the first reminder of a seller's silence.
OPEN_SINCE = timedelta(days=2)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
SAMPLE_SECONDS = 1.0
TICKS = os.sysconf("SC_CLK_TCK")


# --- flows -----------------------------------------------------------------------------------------------------------


def make_open(number: int) -> None:
    """Flows that wait for their sellers, paid in the last two days."""
    with delivering_here():
        bought = _originals("open", lambda one, who: paid(one, who, clock.now() - HOUR))
    open_accounts(number)
    _people()
    copy(bought, number, oldest=OPEN_SINCE)
    connection.cursor().execute("VACUUM ANALYZE")


def make_due(timer: str, number: int, place: int) -> None:
    """Flows of which the timer is due, one after the other, within an hour that is `place` hours later than the first.

    Raises:
        KeyError: it is not known how such flows come about.
    """
    originals, fell_due = _DUE[timer]
    with delivering_here():
        bought = _originals(timer, originals)
    due_at = fell_due(bought[-1])
    newest = due_at - (clock.now() - timedelta(hours=12 - place))
    open_accounts(number)
    _people()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM orders_order")
        first = int(cursor.fetchone()[0])
    copy(bought, number, oldest=newest + HOUR, youngest=newest, first=first)


def _accepted(specification: Any, who: Owner) -> Order:
    at = clock.now() - 6 * HOUR
    order = paid(specification, who, at)
    accepted(order, who, at)
    order.refresh_from_db(fields=["completes_at"])
    return order


def _completes_at(order: Order) -> datetime:
    assert order.completes_at is not None
    return order.completes_at


def _opened(specification: Any, who: Owner) -> Order:
    return paid(specification, who, clock.now() - HOUR)


def _given_up(specification: Any, who: Owner) -> Order:
    """Whoever lets a flow come to its end has been told of everything long before."""
    order = _opened(specification, who)
    flow = ServiceFlow.objects.get(order=order)
    while flow.next_notice_at:
        with transaction.atomic():
            send_due_notice(flow.pk, at=flow.next_notice_at, by=Actor.timer("send_flow_notices"))
        flow = ServiceFlow.objects.get(order=order)
    return order


def _noticed_at(order: Order) -> datetime:
    at = ServiceFlow.objects.get(order=order).next_notice_at
    assert at is not None
    return at


_DUE: dict[str, tuple[Callable[[Any, Owner], Order], Callable[[Order], datetime]]] = {
    "complete_accepted_orders": (_accepted, _completes_at),
    "send_flow_notices": (_opened, _noticed_at),
    "close_overdue_flows": (_given_up, lambda order: ServiceFlow.objects.get(order=order).closes_at),
}


def _originals(kind: str, make: Callable[[Any, Owner], Order]) -> list[Order]:
    who, made = owner(f"{kind}@bench.example", kind)
    if made:
        for one in sold():
            make(one, who)
        # What they publish is no part of the measurement.
        OutboxMessage.objects.open().update(done_at=clock.now())
    return list(Order.objects.filter(account=who.account).order_by("created_at", "id"))


def _people() -> None:
    """Everybody who buys has one person who is told."""
    nobody = Account.objects.filter(memberships=None)
    accounts = list(nobody.filter(name__startswith="History "))
    people = User.objects.bulk_create(
        User(email=f"flows-{one.pk}@bench.example", full_name=one.name, password="!") for one in accounts
    )
    Membership.objects.bulk_create(
        Membership(user=user, account=account, role=Role.OWNER) for user, account in zip(people, accounts, strict=True)
    )


# --- measuring -------------------------------------------------------------------------------------------------------


def empty(number: int) -> dict[str, Any]:
    """What a sweep costs that finds nothing: medians of `number` of them, after one that is told apart."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        backend = int(cursor.fetchone()[0])
    # What a process does once in its life is no part of it: connections, statements and their plans.
    long_ago = Sweep(all_timers(), horizon=lambda: LONG_AGO)
    for _ in range(10):
        long_ago.restart()
        long_ago.step()
    spent: list[tuple[float, int]] = []
    with _timing() as statements:
        for _ in range(number + 1):
            statements.clear()
            fired = sum(tally.fired + tally.failed for tally in sweep().values())
            if fired:
                sys.exit(f"The sweep was not empty: {fired} rows.")
            spent.append((sum(statements), len(statements)))
            if len(spent) == 1:
                mine, theirs = time.process_time(), processor_of(backend)
        processor, of_database = time.process_time() - mine, processor_of(backend) - theirs
    return {
        "first_ms": round(1000 * spent[0][0], 2),
        "database_ms": round(1000 * median(seconds for seconds, _count in spent[1:]), 2),
        "statements": spent[-1][1],
        "database_processor_ms": round(1000 * of_database / number, 2),
        "processor_ms": round(1000 * processor / number, 2),
    }


@contextmanager
def _timing() -> Iterator[list[float]]:
    """How long each statement took, as its client sees it."""
    seconds: list[float] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        began = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            seconds.append(time.perf_counter() - began)

    with connection.execute_wrapper(note):
        yield seconds


def processor_of(process: int, *, ended: bool = False) -> float:
    """Seconds of processor time that a process has had; with those of its children that have ended."""
    return sum(map(int, _stat(process)[11 : 15 if ended else 13])) / TICKS


def _stat(process: int) -> list[str]:
    """What Linux says of a process, from its state on (proc_pid_stat(5), field 3)."""
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()


def _of_database() -> float:
    """Seconds of processor time that Postgres has had, all of it but the process that answers us."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        mine = int(cursor.fetchone()[0])
    postmaster = int(_stat(mine)[1])
    others = [one for one in _children(postmaster) if one != mine]
    return processor_of(postmaster, ended=True) + sum(_of_living(others, processor_of))


def _of_living(processes: Iterable[int], measure: Callable[[int], float]) -> Iterator[float]:
    """The measure of those that have not ended meanwhile, as some do that a process starts for a moment."""
    for one in processes:
        with suppress(FileNotFoundError, ProcessLookupError):
            yield measure(one)


def _resident_mb(process: int) -> float:
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def _children(process: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def watch(worker: int, seconds: float, names: Iterable[str]) -> dict[str, Any]:
    """Samples until nothing is due and nothing waits in the outbox, or the time is up."""
    began, at = time.monotonic(), clock.now()
    timers = timers_named(names)
    samples: list[dict[str, Any]] = []
    most_mb = 0.0
    while True:
        processes = _children(worker)
        most_mb = max([most_mb, *_of_living(processes, _resident_mb)])
        waiting = OutboxMessage.objects.open().count()
        samples.append(
            {
                "second": round(time.monotonic() - began, 2),
                "due": {one.name: _due(one, at) for one in timers},
                "outbox": waiting,
                "delivered": _published() - waiting,
                "worker_processor": round(sum(_of_living(processes, processor_of)), 2),
                "database_processor": round(_of_database(), 2),
            }
        )
        idle = not any(samples[-1]["due"].values()) and not samples[-1]["outbox"]
        # The demo has rows of other timers that came due meanwhile: the sweeps after this are to find none of them.
        idle = idle and not any(_due(one, clock.now()) for one in all_timers())
        if idle or time.monotonic() - began > seconds:
            break
        time.sleep(SAMPLE_SECONDS)
    return {"samples": samples, "worker_mb": round(most_mb, 1), "worker_processes": len(processes)}


def _published() -> int:
    """How many messages were ever published: counting those that are delivered would cost more than delivering them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT last_value FROM kernel_outboxmessage_id_seq")
        return int(cursor.fetchone()[0])


def _due(timer: Timer, at: datetime) -> int:
    rows = timer.model._base_manager.filter(timer.open, **{f"{timer.due_column}__lte": at})
    return rows.count()


_INDEXES = """
    SELECT indexrelname, pg_relation_size(indexrelid) / 1024 FROM pg_stat_user_indexes
    WHERE indexrelname IN ('order_completion_due', 'flow_end_due', 'kernel_outbox_open', 'kernel_outbox_lane')
    ORDER BY indexrelname
"""
_TABLES = """
    SELECT relname, n_dead_tup, autovacuum_count FROM pg_stat_user_tables
    WHERE relname IN ('orders_order', 'supervision_serviceflow', 'kernel_outboxmessage') ORDER BY relname
"""


_TWICE = """
    SELECT count(*) FROM (
        SELECT 1 FROM billing_journalentry WHERE kind IN ('release', 'refund_owed') GROUP BY order_id, kind HAVING count(*) > 1
        UNION ALL
        SELECT 1 FROM supervision_flowrecord WHERE action = 'reminded' GROUP BY flow_id, at HAVING count(*) > 1
    ) AS twice
"""


def check(*, books: bool = True) -> dict[str, Any]:
    """What is wrong afterwards, and how the busy tables look."""
    with connection.cursor() as cursor:
        cursor.execute(_INDEXES)
        indexes = dict(cursor.fetchall())
        cursor.execute(_TABLES)
        tables = {name: {"dead": dead, "autovacuums": count} for name, dead, count in cursor.fetchall()}
    return {
        "failures": TimerFailure.objects.count(),
        "stuck": OutboxMessage.objects.stuck().count(),
        "retried": OutboxMessage.objects.filter(tries__gt=0).count(),
        "twice": twice()["twice"],
        "breaches": [str(one) for one in breaches()] if books else [],
        "indexes_kb": indexes,
        "tables": tables,
    }


def twice() -> dict[str, int]:
    """How many orders have two entries of one kind and flows two reminders at one time; the demo refunds an order in two parts."""
    with connection.cursor() as cursor:
        cursor.execute(_TWICE)
        return {"twice": int(cursor.fetchone()[0])}


def main(arguments: list[str]) -> None:
    """One of them."""
    match arguments:
        case ["open", number]:
            make_open(int(number))
        case ["due", timer, number, place]:
            make_due(timer, int(number), int(place))
        case ["analyze"]:
            connection.cursor().execute("VACUUM ANALYZE")
        case ["empty", number]:
            print(json.dumps(empty(int(number))))
        case ["watch", worker, seconds, *names]:
            print(json.dumps(watch(int(worker), float(seconds), names)))
        case ["twice"]:
            print(json.dumps(twice()))
        case ["check"]:
            print(json.dumps(check()))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
