"""Delivers the outbox: claims a message whose turn it is, carries it out, notes the outcome.

Any number of processes may deliver at once. A message is first in its lane (subscriber, subject) or waits.
"""

import secrets
import time
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.db import connection, transaction
from django.db.models import F

from koogallery.kernel import backoff, clock
from koogallery.kernel.compiled import Compiled, Moment, OneOf, Param, Slot, Statement
from koogallery.kernel.db import NOT_WAITING_FOR_DISK, retry_on_serialization
from koogallery.kernel.models import OutboxMessage
from koogallery.kernel.outbox import Subscription, read_event, subscriptions
from koogallery.kernel.stored import update

log = structlog.get_logger(__name__)

# How long one turn of a task delivers. Much shorter than a sweep: while many rows are due, messages may wait, not stand.
DELIVER_SECONDS = 0.75
BATCH = 100

KEEP_DELIVERED = timedelta(days=30)
PURGE_BATCH = 5000


# Two steps, as the sweeper has them. What waits is read a batch at a time, planned by what the table holds at that
# moment; a message is then claimed by its number, which is cheap however many wait and whatever the planner believes.
_WAITING = Compiled(
    lambda: (
        OutboxMessage.objects.ready(Moment("at"), Moment("machine_at"))
        .filter(OneOf(F("subscriber"), Param("subscribers")), id__gt=Param("after"))
        .order_by("id")
        .values_list("id", "subscriber", "subject", OutboxMessage.objects.earlier_in_lane())[:BATCH]
    ),
    prepared=False,
)
_CLAIMED = Compiled(
    lambda: (
        OutboxMessage.objects.deliverable(Moment("at"), Moment("machine_at"))
        .filter(pk=Param("pk"))
        .select_for_update(skip_locked=True, of=("self",))
    )
)

# What a turn writes of its message.
_OUTCOME = ("done_at", "error", "tries", "lease", "lease_until", "stuck_at", "retry_at")
# What was carried out outside is done, if it is still ours. What is lost of this in a crash is a lease that ends: the
# message comes again, as it may.
_TABLE = OutboxMessage._meta.db_table
_FINISH = Statement.of(
    "update",
    f"UPDATE \"{_TABLE}\" SET done_at = %s, lease = '', lease_until = NULL, error = ''"
    f" WHERE id = %s AND lease = %s AND done_at IS NULL RETURNING {NOT_WAITING_FOR_DISK}",
    [Slot("at"), Slot("pk"), Slot("lease")],
    note=f"UPDATE {_TABLE}",
)


class LeaseLost(Exception):
    """An earlier process took this message outside and never came back; what it did there is unknown."""


@dataclass(slots=True)
class Delivered:
    """What a run delivered."""

    done: int = 0
    failed: int = 0


@dataclass(slots=True)
class _Turn:
    """The message that a process has in hand, and the lease under which the database knows it."""

    message: OutboxMessage
    subscription: Subscription
    lease: str


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A message that may be next; `behind` another one of its lane that was open when this one was read."""

    pk: int
    subscriber: str
    subject: str
    behind: bool

    @property
    def lane(self) -> tuple[str, str]:
        return self.subscriber, self.subject


class Delivery:
    """One or more walks over the open messages, oldest first.

    Args:
        pool: only messages of that pool's subscribers; None: all.
    """

    def __init__(self, pool: str | None = None) -> None:
        self.tally = Delivered()
        self._subscriptions = {name: one for name, one in subscriptions().items() if pool is None or one.pool == pool}
        self._after = 0
        self._progress = False
        self._waiting: deque[_Waiting] = deque()
        self._carried: set[tuple[str, str]] = set()
        self._taken: set[int] = set()

    def step(self) -> bool:
        """Carry out the next message whose turn it is. False when a whole walk found none.

        The walk goes upwards by id and never back, so messages that wait (for a retry, behind a stuck one) are
        looked at once a walk and not once a message. It begins again as long as it made progress.
        """
        while True:
            if not self._waiting and not self._read():
                again, self._after, self._progress = self._progress, 0, False
                return again
            one = self._waiting.popleft()
            self._after = one.pk
            if one.behind and one.lane not in self._carried:
                continue
            if self.take(one.pk):
                self._carried.add(one.lane)
                self._progress = True
                return True
            if not one.behind:
                self._keep_apart(one)

    def _read(self) -> bool:
        """The next messages upwards. False when there are none."""
        rows = _WAITING.all(
            at=clock.now(),
            machine_at=clock.machine_now(),
            after=self._after,
            subscribers=list(self._subscriptions),
        )
        self._waiting.extend(_Waiting(*row) for row in rows)
        self._carried.clear()
        return bool(rows)

    def _keep_apart(self, one: _Waiting) -> None:
        """Another process has this message: leave it those that come next too, or both would try each of them.

        If it does not come to them, because this one takes long, another walk does.
        """
        if one.pk in self._taken:
            return
        self._taken.add(one.pk)
        for _ in range(min(len(self._waiting), BATCH // 2)):
            self._after = self._waiting.popleft().pk
            self._progress = True

    def others_at_work(self) -> bool:
        """Whether another process has a message in hand, after which more may follow."""
        known = OutboxMessage.objects.filter(subscriber__in=self._subscriptions)
        return known.under_way().exists() or known.deliverable(clock.now(), clock.machine_now()).exists()

    def take(self, pk: int) -> bool:
        """Carry out this very message. False when another process has it or it is not its turn."""
        in_hand: list[_Turn] = []
        try:
            turn = retry_on_serialization(self._carry_out_or_lease)(pk, in_hand)
            if turn is not None and turn.subscription.outside and not turn.message.stuck_at:
                _carry_out_outside(turn)
        except Exception as error:
            if not in_hand:
                raise
            turn = in_hand[-1]
            self.tally.failed += 1
            _record_failure(turn, error)
            if isinstance(error, SoftTimeLimitExceeded):
                raise
        else:
            if turn is not None:
                self.tally.done += not turn.message.stuck_at
        return turn is not None

    def _carry_out_or_lease(self, pk: int, in_hand: list[_Turn]) -> _Turn | None:
        """In one transaction: lock the message and deliver it, or lease it when it must be done outside."""
        in_hand.clear()  # of a try that lost a race
        with transaction.atomic(durable=True):
            message = _CLAIMED.first(pk=pk, at=clock.now(), machine_at=clock.machine_now())
            if message is None:
                return None
            turn = _Turn(message, self._subscriptions[message.subscriber], lease=message.lease)
            in_hand.append(turn)
            if turn.subscription.outside:
                # It is on the disk before the call, and with it everything that was committed before.
                _lease(turn)
            else:
                turn.subscription.handle(read_event(message.event, message.payload), message.at)
                message.done_at, message.error = clock.now(), ""
                message.lease, message.lease_until = "", None
            update(message, *_OUTCOME, wait_for_disk=turn.subscription.outside)
        turn.lease = message.lease
        return turn


def _lease(turn: _Turn) -> None:
    """Take the message for `subscription.lease`; an expired lease of another process counts as a failed try."""
    message = turn.message
    if message.lease:
        log.warning("outbox_lease_expired", message_id=message.pk, subscriber=message.subscriber)
        _count_failure(turn, LeaseLost("The process that carried this out did not come back."))
        if message.stuck_at:
            return
    message.lease = secrets.token_hex(8)
    message.lease_until = clock.machine_now() + turn.subscription.lease


def _carry_out_outside(turn: _Turn) -> None:
    message = turn.message
    turn.subscription.handle(read_event(message.event, message.payload), message.at)
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute(*_FINISH.filled({"at": clock.now(), "pk": message.pk, "lease": message.lease}))
        if not cursor.rowcount:
            log.warning("outbox_finished_after_lease", message_id=message.pk, subscriber=message.subscriber)


def _count_failure(turn: _Turn, error: Exception) -> None:
    """Note a failed try in the object: when to try again, or that it is stuck."""
    message, at = turn.message, clock.now()
    message.tries += 1
    message.error = backoff.describe(error)
    message.lease, message.lease_until = "", None
    if message.tries >= turn.subscription.tries:
        message.stuck_at = at
        log.error("outbox_stuck", message_id=message.pk, subscriber=message.subscriber, subject=message.subject)
    else:
        message.retry_at = backoff.next_try(message.tries, at)


def _record_failure(turn: _Turn, error: Exception) -> None:
    """Store a failed try, in a transaction of its own, unless the message went to somebody else meanwhile."""
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()
    log.error(
        "outbox_failed",
        message_id=turn.message.pk,
        subscriber=turn.message.subscriber,
        error=type(error).__name__,
        exc_info=error,
    )
    with transaction.atomic(durable=True):
        turn.message = OutboxMessage.objects.select_for_update().get(pk=turn.message.pk)
        if turn.message.done_at or turn.message.stuck_at or turn.message.lease != turn.lease:
            return
        _count_failure(turn, error)
        turn.message.save(update_fields=["tries", "error", "lease", "lease_until", "stuck_at", "retry_at"])


def deliver(seconds: float = DELIVER_SECONDS) -> Delivered:
    """Deliver what can be delivered now, until nothing can or the time is up; what has a pool is left to it."""
    delivery = Delivery(pool="")
    give_back_at = time.monotonic() + seconds
    while time.monotonic() < give_back_at and delivery.step():
        continue
    return delivery.tally


def retry_now(messages: "list[int]", *, at: datetime) -> int:
    """Put stuck or waiting messages in line again, their tries forgotten. Says how many."""
    rows = OutboxMessage.objects.open().filter(pk__in=messages)
    return rows.update(stuck_at=None, retry_at=at, tries=0)


def purge_delivered(at: datetime) -> int:
    """Remove messages delivered more than 30 days before `at`, in small bites. Says how many."""
    removed = 0
    while True:
        old = OutboxMessage.objects.filter(done_at__lt=at - KEEP_DELIVERED).order_by("id").values("pk")[:PURGE_BATCH]
        count = OutboxMessage.objects.filter(pk__in=list(old.values_list("pk", flat=True)))._raw_delete("default")
        removed += count
        if count < PURGE_BATCH:
            return removed
