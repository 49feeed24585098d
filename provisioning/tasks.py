"""Celery entry points of provisioning."""

from celery import shared_task

from koogallery.kernel import clock
from provisioning.saas.outcomes import purge_tries


@shared_task
def purge_old_tries() -> None:
    """Remove what was said in calls long ago (once a day)."""
    purge_tries(clock.machine_now())
