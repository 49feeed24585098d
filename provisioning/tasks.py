"""Celery entry points of provisioning."""

from celery import shared_task

from koogallery.kernel import clock
from provisioning.saas.purging import purge_debug_runs, purge_tries


@shared_task
def purge_old_tries() -> None:
    """Remove what was said in calls and debugging cases long ago (once a day)."""
    purge_tries(clock.machine_now())
    purge_debug_runs(clock.machine_now())
