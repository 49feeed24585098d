"""Fires what is due, in order of due time across all timers, each row in a short transaction of its own, or a few together.

Rows fire together where many are due and their timers say how. Whatever goes wrong then (one of them fails, or makes
something due that comes before the last of them) undoes all of it, and each fires alone: so none harms its neighbours.

Any number of sweepers may run at once, and any of them may be killed at any moment: a row's firing and the move of
its due date are one transaction, so a row is fired or still due, never half.
"""

import enum
import heapq
import re
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import groupby
from typing import Any

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.db import connection, transaction

from koogallery.kernel import backoff, clock
from koogallery.kernel.db import (
    claim_without_waiting_for_disk,
    claims_hardly_waiting,
    retry_on_serialization,
)
from koogallery.kernel.due_rows import MICROSECOND, due_time, due_times, replan, tables_read, to_fire
from koogallery.kernel.models import TimerFailure
from koogallery.kernel.outbox import gathering
from koogallery.kernel.timers import Timer, actor, all_timers

log = structlog.get_logger(__name__)

BATCH = 100

# So many rows fire together at most: their orders stay locked meanwhile, which is not long.
COMPANY = 16

# How long one sweep works before it goes on to something else; what is left is still due for the next.
SWEEP_SECONDS = 5.0

# After so many failures of one row (about five minutes) the later rows of its lane no longer wait for it.
LANE_PATIENCE = 6

_WRITES = re.compile(r'(?:INSERT INTO|UPDATE|DELETE FROM) "?(\w+)"?')


@lru_cache(4096)
def _tables_written(sql: str) -> tuple[str, ...]:
    return tuple(_WRITES.findall(sql))


class StillDue(Exception):
    """A service fired and left its row due: it would fire at every sweep for ever."""


class Overtaken(Exception):
    """Rows that fired together made something due that comes before the last of them."""


class Outcome(enum.Enum):
    """What came of one due row."""

    FIRED = enum.auto()
    TAKEN = enum.auto()  # another sweeper has the row or its lane
    GONE = enum.auto()  # no longer due: another sweeper has fired it, or somebody dealt with it
    MOVED = enum.auto()  # due at another time


@dataclass(slots=True)
class Tally:
    """What a run did with one timer."""

    fired: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True, order=True)
class Due:
    """A row that is due; compares in the order of firing."""

    due_at: datetime
    rank: int
    timer: str
    pk: int
    lane: str
    failing: bool

    @property
    def claim(self) -> tuple[object, ...]:
        """The name that a sweeper claims before it fires the row."""
        return ("lane", self.lane) if self.lane else ("timer", self.timer, self.pk)


class Sweep:
    """One walk over everything that is due.

    Rows are read in batches, without locks. After a firing that wrote to a table which some timer reads, that timer is
    asked again for rows due before the next one, so what a firing makes due earlier is not overtaken.

    Args:
        timers: which ones.
        horizon: says up to when rows are due; asked again at each reading.
        together: whether rows whose timers say how may fire together.

    Attributes:
        tallies: what was done, by name of timer.
        taken: rows that another sweeper had; they may be due still.
    """

    def __init__(
        self, timers: Collection[Timer], horizon: Callable[[], datetime] = clock.now, *, together: bool = False
    ) -> None:
        self.horizon = horizon
        self.together = together
        self.tallies = {timer.name: Tally() for timer in timers}
        self._timers = {timer.name: timer for timer in timers}
        self._written: set[str] = set()
        self._planned = False
        self.restart()

    def restart(self) -> None:
        """Begin again with the earliest row, trying anew what another sweeper had."""
        self.taken = 0
        self._queue: list[Due] = []
        self._passed_over: dict[str, set[int]] = defaultdict(set)
        self._left: dict[str, set[int]] = defaultdict(set)
        self._alone = 0
        at = self.horizon()
        _settle_failures(self._timers, at)
        self._blocked_lanes = _lanes_with_failures(at) if any(t.lane for t in self._timers.values()) else {}

    def step(self) -> bool:
        """Fire the next row, or a few, or pass it over. False when nothing is due."""
        due = self._next()
        if due is None:
            return False
        if self._alone:
            self._alone -= 1
        elif len(company := self._company(due)) > 1:
            self._step_together(company)
            return True
        blocked_since = self._blocked_lanes.get(due.lane)
        if blocked_since is not None and blocked_since <= due.due_at:
            self._passed_over[due.timer].add(due.pk)
            return True
        try:
            with self.watching():
                outcome = retry_on_serialization(_fire)(self._timers[due.timer], due, self.horizon())
        except Exception as error:
            self.tallies[due.timer].failed += 1
            tries = _record_failure(due, error)
            if due.lane and tries < LANE_PATIENCE:
                self._blocked_lanes.setdefault(due.lane, due.due_at)
            if isinstance(error, SoftTimeLimitExceeded):
                raise
            return True
        if outcome is Outcome.FIRED:
            self.tallies[due.timer].fired += 1
        elif outcome is Outcome.MOVED:
            self._queue.clear()
        elif outcome is Outcome.TAKEN:
            self.taken += 1
            self._passed_over[due.timer].add(due.pk)
            if due.lane:
                self._blocked_lanes.setdefault(due.lane, due.due_at)
            else:
                self._keep_apart()
        return True

    def _company(self, due: Due) -> list[Due]:
        """The row and those that follow it directly, as many as may fire together."""
        company = [due]
        if self.together and self._joins(due):
            while self._queue and len(company) < COMPANY and self._joins(self._queue[0]):
                company.append(heapq.heappop(self._queue))
        return company

    def _joins(self, due: Due) -> bool:
        return self._timers[due.timer].together is not None and not due.lane and not due.failing

    def _step_together(self, company: list[Due]) -> None:
        """Fire several rows in one transaction; or undo it, so that each fires alone next."""
        try:
            with self.watching():
                fired = self._fire_together(company)
        except Exception as error:
            log.info("timers_fire_alone", rows=len(company), error=type(error).__name__)
            if not connection.in_atomic_block:
                connection.close_if_unusable_or_obsolete()
            for due in company:
                heapq.heappush(self._queue, due)
            self._alone = len(company)
            if isinstance(error, SoftTimeLimitExceeded):
                raise
            return
        for name, count in fired.items():
            self.tallies[name].fired += count

    def _fire_together(self, company: list[Due]) -> dict[str, int]:
        """Claim, look again, fire, see whether the order held, commit. Says how many fired, by timer.

        Raises:
            Overtaken, StillDue, and whatever a service raises: nothing has fired then.
        """
        at, fired, moved = self.horizon(), dict.fromkeys(self._timers, 0), False
        with transaction.atomic(durable=True):
            mine = self._claimed(company)
            with gathering():
                for name, run in groupby(mine, key=lambda due: due.timer):
                    ready, elsewhere = _fire_run(self._timers[name], {due.pk: due.due_at for due in run}, at)
                    fired[name] += ready
                    moved = moved or elsewhere
            following = self._queue[0] if self._queue else company[-1]
            earlier = self._earlier_than(following)
            if earlier and earlier[0] < company[-1]:
                raise Overtaken
        self._written.clear()
        if moved:
            self._queue.clear()
        elif self._queue:
            self._put_before(earlier)
        return fired

    def _claimed(self, company: list[Due]) -> list[Due]:
        """Those that no other sweeper has; the others are left to it."""
        claims = claims_hardly_waiting([due.claim for due in company])
        mine = [due for due, claimed in zip(company, claims, strict=True) if claimed]
        if len(mine) < len(company):
            for due in set(company) - set(mine):
                self._passed_over[due.timer].add(due.pk)
            self.taken += len(company) - len(mine)
            self._keep_apart()
        return mine

    def _keep_apart(self) -> None:
        """Leave rows to a sweeper that works on the same ones: it comes to them; if not, they are read again.

        Otherwise both would try each row. Rows of a lane stay, because they have an order.
        """
        rows = sorted(self._queue)
        self._queue = [due for at, due in enumerate(rows) if due.lane or at >= BATCH // 2]
        for due in rows[: BATCH // 2]:
            if not due.lane:
                self._left[due.timer].add(due.pk)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Note which tables are written within the block, to know which timers to ask again."""

        def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            self._written.update(_tables_written(sql))
            return execute(sql, params, many, context)

        with connection.execute_wrapper(note):
            yield

    def _next(self) -> Due | None:
        """The earliest row that is due and was not passed over."""
        if not self._queue:
            self._left.clear()
            self._queue = self._read(list(self._timers.values()))
            if len(self._queue) == BATCH and not self._planned:
                # There is much to do: no plan from when there was little serves for that.
                replan()
                self._planned = True
        elif self._written:
            self._put_before(self._earlier_than(self._queue[0]))
        self._written.clear()
        return heapq.heappop(self._queue) if self._queue else None

    def _earlier_than(self, following: Due) -> list[Due]:
        """Rows that come before one, at the same instant by rank, of the timers that the last firing may concern."""
        concerned = [timer for timer in self._timers.values() if tables_read(timer) & self._written]
        found = self._read(concerned, before=following.due_at + MICROSECOND) if concerned else []
        return [due for due in found if due < following]

    def _put_before(self, earlier: list[Due]) -> None:
        """Put rows before the queue that the last firing made due."""
        if len(earlier) == BATCH:  # there may be more of them, and they come before the rest of the queue
            self._queue.clear()
        for due in earlier:
            heapq.heappush(self._queue, due)

    def _read(self, timers: Collection[Timer], before: datetime | None = None) -> list[Due]:
        """The next rows that are due, sorted, at most a batch; none that were passed over or left to another sweeper."""
        without = {one.name: self._passed_over[one.name] | self._left[one.name] for one in timers}
        rows = to_fire(timers, self.horizon(), before=before, without=without, limit=BATCH)
        return [Due(*row) for row in rows]


def _fire(timer: Timer, due: Due, at: datetime) -> Outcome:
    """Claim, look again, fire, commit. The claim is no row lock, so services keep their own order of locks."""
    with transaction.atomic(durable=True):
        if not claim_without_waiting_for_disk(*due.claim):
            return Outcome.TAKEN
        due_at = due_time(timer, due.pk, at)
        if due_at != due.due_at:
            return Outcome.GONE if due_at is None else Outcome.MOVED
        timer.fire(due.pk, at=due.due_at, by=actor(timer.name))
        still_due_at = due_time(timer, due.pk, at)
        if still_due_at is not None and still_due_at <= due.due_at:
            raise StillDue(f"{timer.name} fired and its row {due.pk} is still due at {still_due_at:%Y-%m-%d %H:%M:%S}.")
        if due.failing:
            TimerFailure.objects.open().filter(timer=timer.name, object_id=due.pk).update(resolved_at=at)
    return Outcome.FIRED


def _fire_run(timer: Timer, rows: dict[int, datetime], at: datetime) -> tuple[int, bool]:
    """Look again and fire rows of one timer together. Says how many, and whether others are due at another time."""
    assert timer.together is not None
    due = due_times(timer, rows, at)
    ready = {pk: due_at for pk, due_at in rows.items() if due.get(pk) == due_at}
    if ready:
        timer.together(ready, by=actor(timer.name))
        left = due_times(timer, ready, at)
        if wrong := [pk for pk, due_at in left.items() if due_at <= ready[pk]]:
            raise StillDue(f"{timer.name} fired and its rows {wrong} are still due.")
    return len(ready), len(ready) < len(due)


def _record_failure(due: Due, error: Exception) -> int:
    """Store, in a transaction of its own, that the row could not fire and when to try again. Says how many tries."""
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()
    at = clock.now()
    with transaction.atomic(durable=True):
        TimerFailure.objects.bulk_create(
            [
                TimerFailure(
                    timer=due.timer, object_id=due.pk, lane=due.lane, due_at=due.due_at, first_at=at, last_at=at
                )
            ],
            ignore_conflicts=True,
        )
        failure = TimerFailure.objects.open().select_for_update().get(timer=due.timer, object_id=due.pk)
        failure.tries += 1
        failure.retry_at = backoff.next_try(failure.tries, at)
        failure.error = backoff.describe(error)
        failure.due_at = due.due_at
        failure.last_at = at
        failure.save()
    log.error(
        "timer_failed",
        timer=due.timer,
        object_id=due.pk,
        tries=failure.tries,
        error=type(error).__name__,
        exc_info=error,
    )
    return failure.tries


def _settle_failures(timers: dict[str, Timer], at: datetime) -> None:
    """Close failures whose row is no longer due: somebody dealt with it by hand."""
    retried = TimerFailure.objects.open().filter(backoff.ready("retry_at", at), timer__in=timers)[:BATCH]
    for failure in retried:
        if due_time(timers[failure.timer], failure.object_id, at) is None:
            failure.resolved_at = at
            failure.save(update_fields=["resolved_at"])


def _lanes_with_failures(at: datetime) -> dict[str, datetime]:
    """Lanes that wait for a failed row, with the time from which on they wait."""
    waiting = TimerFailure.objects.waiting(at).exclude(lane="").filter(tries__lt=LANE_PATIENCE)
    blocked: dict[str, datetime] = {}
    for lane, due_at in waiting.order_by("due_at").values_list("lane", "due_at"):
        blocked.setdefault(lane, due_at)
    return blocked


def sweep(seconds: float = SWEEP_SECONDS) -> dict[str, Tally]:
    """Fire what is due now, earliest first, until nothing is or the time is up. Says what was done, by timer."""
    walk = Sweep(all_timers(), together=True)
    give_back_at = time.monotonic() + seconds
    while time.monotonic() < give_back_at and walk.step():
        continue
    return walk.tallies
