"""Secrets shown to people and their keys: how often, and who has seen what when."""

import math
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from accounts.actor import Actor
from accounts.models import Reveal, User
from koogallery.kernel.errors import PermissionRefused, Throttled

HOUR = timedelta(hours=1)


def record_reveal(*, what: str, of: str, by: Actor, at: datetime) -> Reveal:
    """Write down that a secret is about to be shown. Without this row nothing is.

    Args:
        what: the secret ("License key of delivery 1"); of: what it belongs to ("order CS...").

    Raises:
        PermissionRefused: nobody in particular asks.
        Throttled: this person has had too many secrets shown within an hour; `retry_after` says when the next one is.
    """
    if by.user_id is None:
        raise PermissionRefused("Secrets are shown to people only.")
    with transaction.atomic():
        # One after the other for one person, whatever he asks for: two at once would both find room for one.
        User.objects.select_for_update(of=("self",), no_key=True).only("pk").get(pk=by.user_id)
        most: int = settings.REVEALS_PER_HOUR
        recent = list(
            Reveal.objects.filter(user_id=by.user_id, at__gt=at - HOUR)
            .order_by("-at")
            .values_list("at", flat=True)[:most]
        )
        if len(recent) >= most:
            rest = (min(recent) + HOUR - at) if recent else HOUR
            raise Throttled(
                f"Passwords and keys can be shown {most} times an hour. Try again in {math.ceil(rest.total_seconds() / 60)} min.",
                extra={"retry_after": max(1, int(rest.total_seconds()))},
            )
        return Reveal.objects.create(
            user_id=by.user_id,
            account_id=by.account_id,
            key_id=by.key_id,
            by=by.label,
            role=by.role,
            what=what,
            of=of,
            at=at,
            address=by.address,
        )
