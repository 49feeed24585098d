"""The Celery application: it only wakes; what is due and what is to be delivered stands in Postgres."""

import os

from celery import Celery
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "koogallery.settings")

app = Celery("koogallery")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["koogallery.kernel", "catalog", "provisioning"])


@setup_logging.connect
def use_our_logging(**_arguments: object) -> None:
    """Keep Django's logging configuration, which settings have set up already."""
