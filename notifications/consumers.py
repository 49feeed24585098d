"""Subscribes every row of the table, and the sending of e-mails."""

import hashlib
import json
from collections.abc import Callable
from datetime import datetime

from koogallery.kernel.outbox import Event, subscribe
from notifications import services
from notifications.events import MessagesWritten
from notifications.notice import Notice
from notifications.table import NOTICES


def cause_of(notice: Notice, event: Event, at: datetime) -> str:
    """A name for what happened: the same event gives the same name whenever it is delivered."""
    facts = json.dumps([event.payload(), at.isoformat(), notice.audience.name], sort_keys=True, default=str)
    digest = hashlib.sha256(facts.encode()).hexdigest()[:24]
    return f"{type(event).__name__}:{digest}"


def _teller(notice: Notice) -> Callable[[Event, datetime], None]:
    def handle(event: Event, at: datetime) -> None:
        services.tell(notice, event, cause_of(notice, event, at), at)

    return handle


def _concerned(notice: Notice) -> Callable[[Event], bool] | None:
    """Which events the notice tells of, where they say their order's kind; `tell` looks again."""
    kinds = notice.kinds
    return None if kinds is None else lambda event: getattr(event, "kind", "") in {"", *kinds}


for _notice in NOTICES:
    _name = f"notifications.{_notice.event.__name__}.{_notice.audience.name.lower()}"
    subscribe(_notice.event, name=_name, wanted=_concerned(_notice))(_teller(_notice))


@subscribe(MessagesWritten, name="notifications.mail", outside=True)
def send(event: MessagesWritten, at: datetime) -> None:
    """E-mails go out outside any transaction."""
    services.mail(event.cause)
