"""The only place that asks what time it is.

Business time may be set ahead for a demo (`bin/up --clock +40d`) and stands still while `run_timers --at`
works. Signatures, one-time codes, login throttles and caches use the machine's real time instead.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta

_standing: ContextVar[datetime | None] = ContextVar("koogallery_clock_standing", default=None)

OFFSET_VARIABLE = "KOOGALLERY_CLOCK_OFFSET_SECONDS"


def offset() -> timedelta:
    """How far business time runs ahead of the machine (demo only; production settings refuse it)."""
    return timedelta(seconds=int(os.environ.get(OFFSET_VARIABLE) or 0))


def now() -> datetime:
    """Business time now: aware, in UTC."""
    standing = _standing.get()
    if standing is not None:
        return standing
    return datetime.now(UTC) + offset()


def stands() -> bool:
    """Whether business time stands still (`run_timers --at`): what follows is counted from when something was due."""
    return _standing.get() is not None


def machine_now() -> datetime:
    """The machine's real time, aware, in UTC: for leases, signatures, one-time codes and throttles."""
    return datetime.now(UTC)


@contextmanager
def standing_at(at: datetime) -> Iterator[None]:
    """Let business time stand at `at` (aware) within the block, in this thread or task only."""
    if at.tzinfo is None:
        raise ValueError("A clock needs an aware time.")
    token = _standing.set(at.astimezone(UTC))
    try:
        yield
    finally:
        _standing.reset(token)
