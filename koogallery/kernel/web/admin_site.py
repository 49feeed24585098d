"""The operations staff's own admin site."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig
from django.db.models import Count, Min, QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse

from koogallery.kernel.web.request_lines import acting


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits for operations: rows of a model, the oldest first.

    Attributes:
        rows: those that wait.
        since: the column that says since when.
        query: narrows the model's list to them.
    """

    title: str
    rows: Callable[[], "QuerySet[Any]"]
    since: str
    query: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A queue as the first page shows it."""

    title: str
    url: str
    count: int
    oldest: datetime | None


_queues: list[Queue] = []


def register_queue(queue: Queue) -> None:
    """Show a queue on the first page. Called when an app's `admin.py` is imported."""
    _queues.append(queue)


class OperationsSite(AdminSite):
    """Django admin for operations staff: queues first, records read-only."""

    site_title = site_header = "KooGallery Operations"
    index_template = "admin/operations.html"

    def has_permission(self, request: HttpRequest) -> bool:
        """As Django says; who is let in is named in the request's log lines."""
        allowed = super().has_permission(request)
        if allowed:
            acting(user_id=request.user.pk)
        return allowed

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """The queues with how many wait and since when the oldest does; below them Django's own list."""
        return super().index(request, {"queues": self._waiting(request), **(extra_context or {})})

    def _waiting(self, request: HttpRequest) -> list[Waiting]:
        found = []
        for queue in _queues:
            rows = queue.rows()
            meta = rows.model._meta
            if not request.user.has_perm(f"{meta.app_label}.view_{meta.model_name}"):
                continue
            sums = rows.order_by().aggregate(count=Count("pk"), oldest=Min(queue.since))
            url = reverse(f"{self.name}:{meta.app_label}_{meta.model_name}_changelist")
            found.append(Waiting(queue.title, url + queue.query, sums["count"], sums["oldest"]))
        return found


class OperationsAdminConfig(AdminConfig):
    """Makes `OperationsSite` the default admin site."""

    default_site = "koogallery.kernel.web.admin_site.OperationsSite"
