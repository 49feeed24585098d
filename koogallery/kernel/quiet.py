"""Runs timers and outbox in this process until nothing is due any more: `manage.py run_timers`, demos, tests."""

import contextlib
import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from koogallery.kernel import clock
from koogallery.kernel.delivery import Delivered, Delivery
from koogallery.kernel.outbox import delivering_here
from koogallery.kernel.sweep import Sweep, Tally
from koogallery.kernel.timers import timers_named

# How long to wait for rows that another process has in hand before leaving them to it.
PATIENCE_SECONDS = 60.0
LOOK_AGAIN_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Run:
    """What a run did: by timer, and with the outbox."""

    timers: dict[str, Tally]
    outbox: Delivered

    @property
    def failed(self) -> int:
        """Firings and deliveries that failed; each will be tried again by itself."""
        return sum(tally.failed for tally in self.timers.values()) + self.outbox.failed


def run_until_quiet(at: datetime | None = None, names: Collection[str] | None = None) -> Run:
    """Fire everything that is due, in order of due time, and deliver what it publishes, until nothing is left.

    After each firing its events are delivered, with the calls outside that they ask for, before the next row fires: a
    renewal's charge is settled before the expiry that was due after it. What fails is left for its next try.

    Args:
        at: business time stands there throughout (aware); None: the clock's own time.
        names: only these timers; what waits in the outbox is delivered all the same.

    Raises:
        UnknownTimer: a name is not registered.
    """
    timers = timers_named(names)
    standing = clock.standing_at(at) if at is not None else contextlib.nullcontext()
    with standing, delivering_here():
        walk, delivery = Sweep(timers), Delivery()
        last_progress = time.monotonic()
        while True:
            delivered = False
            with walk.watching():
                while delivery.step():
                    delivered = True
            if walk.step() or delivered:
                last_progress = time.monotonic()
                continue
            others_at_work = walk.taken or delivery.others_at_work()
            if not others_at_work or time.monotonic() - last_progress > PATIENCE_SECONDS:
                return Run(walk.tallies, delivery.tally)
            time.sleep(LOOK_AGAIN_SECONDS)
            walk.restart()
