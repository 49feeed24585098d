"""What is written down of every change of a server."""

from datetime import datetime

from accounts.actor import Actor
from provisioning.compute.models import Server, ServerRecord


def record(server: Server, text: str, *, by: Actor, at: datetime) -> None:
    """One line of the server's history, for good."""
    ServerRecord.objects.create(server=server, at=at, text=text[:200], by=by.label[:200], user_id=by.user_id)
