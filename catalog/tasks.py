"""Celery entry points of the catalogue."""

from celery import shared_task

from catalog.search.index import upkeep


@shared_task(soft_time_limit=1700, time_limit=1800)
def tend_search_index() -> None:
    """Build the index anew when it is worn (every minute it is asked)."""
    upkeep.rebuild_if_worn()


@shared_task
def purge_catalogue_feed() -> None:
    """Remove old changes from the feed (once a day)."""
    upkeep.purge_feed()
