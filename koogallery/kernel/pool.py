"""Delivers the outbox for a pool: messages that call others outside, in threads, so that one who is slow holds up one.

Each lane (subscriber, subject) has one message under way at a time, so the subjects of a pool's events say how many
calls one party gets at once. Threads wait for answers; the process that finds them work never does.
"""

import time
from collections import deque
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

import structlog
from django.db import close_old_connections, connection

from koogallery.kernel import clock
from koogallery.kernel.backoff import LONGEST
from koogallery.kernel.delivery import Delivered, Delivery
from koogallery.kernel.models import OutboxMessage
from koogallery.kernel.outbox import subscriptions

log = structlog.get_logger(__name__)

# How long one task delivers before it gives its Celery worker back; what is left is for the next.
DELIVER_SECONDS = 20.0
# How long to wait before looking again when nothing was found, while threads still work.
LOOK_AGAIN_SECONDS = 0.05


class Pool:
    """The threads of one pool in this process; other processes may have more of the same."""

    def __init__(self, name: str, *, threads: int) -> None:
        self.name, self.threads = name, threads
        self.tally = Delivered()
        self._subscribers = [one.name for one in subscriptions().values() if one.pool == name]
        self._under_way: dict[Future[Delivered], int] = {}

    def deliver(self, seconds: float = DELIVER_SECONDS) -> Delivered:
        """Deliver until nothing is left or the time is up; what is under way then is finished."""
        give_back_at = time.monotonic() + seconds
        with ThreadPoolExecutor(self.threads, thread_name_prefix=f"pool-{self.name}") as executor:
            try:
                while time.monotonic() < give_back_at:
                    ready = self._ready()
                    if not ready and not self._under_way:
                        break
                    self._work_off(ready, executor, give_back_at)
                    self._finished(LOOK_AGAIN_SECONDS)
                while self._under_way:
                    self._finished(None)
            finally:
                # Each thread closes its own connection before the next task has threads of its own.
                for _ in range(self.threads):
                    executor.submit(_close_connection)
        return self.tally

    def _work_off(self, ready: deque[int], executor: ThreadPoolExecutor, give_back_at: float) -> None:
        while ready and time.monotonic() < give_back_at:
            while ready and len(self._under_way) < self.threads:
                pk = ready.popleft()
                self._under_way[executor.submit(self._take, pk)] = pk
            if ready:
                self._finished(None)

    def _finished(self, timeout: float | None) -> None:
        """Wait until one of the threads is done, and count what it did."""
        if not self._under_way:
            return
        done, _others = wait(self._under_way, timeout, return_when=FIRST_COMPLETED)
        for future in done:
            del self._under_way[future]
            try:
                tally = future.result()
            except Exception as error:
                log.error("outbox_pool_failed", pool=self.name, error=type(error).__name__, exc_info=error)
                continue
            self.tally.done += tally.done
            self.tally.failed += tally.failed

    def _take(self, pk: int) -> Delivered:
        close_old_connections()
        delivery = Delivery(self.name)
        delivery.take(pk)
        return delivery.tally

    def _ready(self) -> deque[int]:
        """The first message of each lane, where it may be carried out now and is not in hand here; the oldest first."""
        heads = (
            OutboxMessage.objects.open()
            .filter(subscriber__in=self._subscribers)
            .order_by("subscriber", "subject", "id")
            .distinct("subscriber", "subject")
            .values_list("id", "retry_at", "stuck_at", "lease_until")
        )
        at, machine_at, in_hand = clock.now(), clock.machine_now(), set(self._under_way.values())
        return deque(
            sorted(
                pk
                for pk, retry_at, stuck_at, lease_until in heads
                if pk not in in_hand
                and stuck_at is None
                and (retry_at is None or retry_at <= at or retry_at > at + LONGEST)
                and (lease_until is None or lease_until <= machine_at)
            )
        )


def _close_connection() -> None:
    connection.close()
    # So that each of the threads gets one of these.
    time.sleep(0.01)
