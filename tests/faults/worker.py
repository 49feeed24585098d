"""The Celery application as it runs, with a timer and a subscriber that exist for tests only.

Started as `celery -A tests.faults.worker worker`. Every effect is a row in `Deadline` of owner type "effect".
"""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import django

from koogallery.celery import app

django.setup()

from koogallery.kernel import clock  # noqa: E402
from koogallery.kernel.deadlines import on_deadline  # noqa: E402
from koogallery.kernel.models import Deadline  # noqa: E402
from koogallery.kernel.outbox import Event, publish, subscribe  # noqa: E402

__all__ = ["app"]

NEVER = timedelta(days=9999)


@dataclass(frozen=True, slots=True)
class BellRang(Event):
    """The test's timer fired."""

    bell: int

    @property
    def subject(self) -> str:
        return f"bell:{self.bell}"


def leave_effect(name: str, number: int) -> None:
    """Leave a row that tells of an effect; a second one of the same kind would show as such."""
    Deadline.objects.create(owner_type=f"effect {name}", owner_id=number, name=clock.now().isoformat(), due_at=FAR)


FAR = clock.now() + NEVER


@on_deadline("ring_test_bell")
def ring(owner_id: int, /, *, at: datetime, by: Any) -> None:
    """Take a little time, so that a kill hits a batch half way."""
    time.sleep(0.002)
    leave_effect("timer", owner_id)
    publish(BellRang(owner_id), at=at)


@subscribe(BellRang, name="tests.hear_bell")
def hear(event: BellRang, at: datetime) -> None:
    """The consequence, in the transaction that marks the message as delivered."""
    leave_effect("outbox", event.bell)
