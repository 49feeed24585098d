"""Celery entry points. Beat wakes them every few seconds; two at once, late or lost ones do no harm."""

from celery import shared_task
from django.conf import settings

from koogallery.kernel import clock
from koogallery.kernel.api.idempotency import purge_old_keys
from koogallery.kernel.delivery import deliver, purge_delivered
from koogallery.kernel.pool import Pool
from koogallery.kernel.sweep import sweep


@shared_task
def sweep_timers() -> None:
    """Fire what is due."""
    sweep()


@shared_task
def deliver_outbox() -> None:
    """Deliver what waits in the outbox."""
    deliver()


@shared_task
def deliver_pool(pool: str) -> None:
    """Deliver what waits in the outbox for a pool of threads."""
    Pool(pool, threads=settings.OUTBOX_POOLS[pool]).deliver()


@shared_task
def purge_outbox() -> None:
    """Remove messages that were delivered long ago, and old idempotency keys (once a day is enough)."""
    purge_delivered(clock.now())
    purge_old_keys()
