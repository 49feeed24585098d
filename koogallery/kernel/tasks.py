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


@shared_task
def sweep_timers() -> None:
    """Fire what is due; then let the outbox have its turn, if there was so much."""
    if _used_up(sweep, SWEEP_SECONDS):
        deliver()


@shared_task
def deliver_outbox() -> None:
    """Deliver what waits in the outbox; then let the timers have their turn, if there was so much."""
    if _used_up(deliver, DELIVER_SECONDS):
        sweep()


def _used_up(work: Callable[[float], object], seconds: float) -> bool:
    """Whether it worked as long as it may.

    Then each process of the worker may be as busy, and what beat asks for meanwhile expires before one of them reads
    it. Two sweepers of 20 seconds once kept the outbox from every turn so, for as long as many rows were due.
    """
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
