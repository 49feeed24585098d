"""Settings of a web process whose pages name static files as they lie in the repository: nothing was collected."""

from koogallery.settings import *  # noqa: F403
from koogallery.settings import STORAGES as PLAIN

STORAGES = {**PLAIN, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
