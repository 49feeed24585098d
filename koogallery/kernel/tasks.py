"""Celery entry points. Beat wakes them every few seconds; two at once, late or lost ones do no harm."""

import time
from collections.abc import Callable

from celery import shared_task
from django.conf import settings

from koogallery.kernel import clock
from koogallery.kernel.api.idempotency import purge_old_keys
from koogallery.kernel.delivery import DELIVER_SECONDS, deliver, purge_delivered
from koogallery.kernel.pool import Pool
from koogallery.kernel.sweep import SWEEP_SECONDS, sweep

# One task works for about so long, in turns, before it gives its Celery worker back; what is left is for the next.
SHIFT_SECONDS = 15.0

Turn = tuple[Callable[[float], object], float]
SWEEPING: Turn = (sweep, SWEEP_SECONDS)
DELIVERING: Turn = (deliver, DELIVER_SECONDS)


@shared_task
def sweep_timers() -> None:
    """Fire what is due."""
    _shift(SWEEPING, DELIVERING)


@shared_task
def deliver_outbox() -> None:
    """Deliver what waits in the outbox."""
    _shift(DELIVERING, SWEEPING)


def _shift(mine: Turn, other: Turn) -> None:
    """Do one thing; and the other one too, in turns, as long as there is more of either than fits into a turn.

    Then each process of the worker may be as busy, and what beat asks for meanwhile expires before one of them reads
    it: sweepers that did nothing but sweep once kept the outbox from every turn, for as long as many rows were due.
    """
    end = time.monotonic() + SHIFT_SECONDS
    busy = _used_up(mine)
    while busy and time.monotonic() < end:
        busy = _used_up(other)
        busy = _used_up(mine) or busy


def _used_up(turn: Turn) -> bool:
    """Take a turn; whether all of its time was needed."""
    work, seconds = turn
    began = time.monotonic()
    work(seconds)
    return time.monotonic() - began >= seconds


@shared_task
def deliver_pool(pool: str) -> None:
    """Deliver what waits in the outbox for a pool of threads."""
    Pool(pool, threads=settings.OUTBOX_POOLS[pool]).deliver()


@shared_task
def purge_outbox() -> None:
    """Remove messages that were delivered long ago, and old idempotency keys (once a day is enough)."""
    purge_delivered(clock.now())
    purge_old_keys()
