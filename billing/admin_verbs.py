"""What operations' screens of money share: who acts, and rows whose verbs are actions."""

from collections.abc import Callable
from typing import Any, cast

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.actor import Actor
from accounts.models import User
from accounts.web import operator_actor
from koogallery.kernel.admin import ReadOnlyAdmin
from koogallery.kernel.errors import DomainError
from koogallery.kernel.web.address import client_address


def operator(request: HttpRequest) -> Actor:
    """Who acts."""
    return operator_actor(cast(User, request.user), address=client_address(request))


class VerbAdmin(ReadOnlyAdmin):
    """Read-only rows with verbs as actions; a refusal is a message for the operator."""

    def each(self, request: HttpRequest, rows: QuerySet[Any], verb: Callable[[Any], Any]) -> None:
        """Carry the verb out for each selected row."""
        for row in rows:
            try:
                done = verb(row)
            except DomainError as refused:
                self.message_user(request, f"{row}: {refused.message}", messages.ERROR)
            else:
                status = getattr(done, "get_status_display", lambda: "done")()
                self.message_user(request, f"{row}: {status}", messages.SUCCESS)

    def has_verb_permission(self, request: HttpRequest) -> bool:
        """Whether the operator may act on these rows."""
        return bool(request.user.has_perm(f"{self.opts.app_label}.change_{self.opts.model_name}"))
