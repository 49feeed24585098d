"""One Django project on one Postgres; Celery on Redis wakes what is due."""

from koogallery.celery import app as celery_app

__all__ = ["celery_app"]
