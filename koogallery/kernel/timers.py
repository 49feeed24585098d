"""What becomes due by itself: every app's `timers.py` declares it here, the sweeper fires it.

A due date is a column of the row that it concerns, with a partial index on the open rows. A `Timer` says which
column, which rows are open, and which service to call. The sweeper is in `sweep.py`; an owner with many due dates
uses `deadlines.py`.
"""

import pkgutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Protocol

from django.conf import settings
from django.db import models
from django.db.models import F, Q, TextField, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Concat

from koogallery.kernel.errors import DomainError


class UnknownTimer(DomainError):
    """A timer was asked for by a name that nobody registered."""

    code = "unknown_timer"


class Fire(Protocol):
    """A service that carries out what is due for one row.

    It runs in the sweeper's transaction, locks as every service does, and returns quietly when it finds
    under its locks that nothing is due any more.

    Args:
        pk: the row of the timer's model.
        at: when it was due: the value of the due column, never the moment of firing.
        by: the actor that records name.
    """

    def __call__(self, pk: int, /, *, at: datetime, by: Any) -> object: ...


class FireTogether(Protocol):
    """A service that carries out what is due for several rows, as `Fire` would for one after the other.

    It locks all that they need first, does little for each, and calls nobody outside. The transaction may hold what
    rows of other timers needed, so it waits for no lock that a request may have: it asks with NOWAIT, and what it raises
    then lets each fire alone.

    Args:
        due: when each was due, by the row; in the order of firing.
        by: the actor that records name.
    """

    def __call__(self, due: Mapping[int, datetime], /, *, by: Any) -> object: ...


# Compared by identity: conditions are slow to hash, and the sweeper looks its compiled reads up by timer.
@dataclass(frozen=True, slots=True, eq=False)
class Timer:
    """One kind of due date.

    Attributes:
        name: unique; used by `run_timers NAME`, failures, records.
        model: whose rows become due.
        due_column: the column with the due time. A firing must move, empty or close it: a row that is still due
            after it fired counts as failed.
        open: which rows count at all; the same condition as the column's partial index.
        fire: the service.
        lane: what the order of firing matters for, as an expression that gives text (see `lane`). Rows of one lane
            wait for each other even when several sweepers work, and for a while when one of them fails; rows of
            different lanes never do. None: the row alone.
        rank: at the same instant, timers with a lower rank fire first.
        together: fires several rows in one transaction, where many become due; None: each has one of its own.
    """

    name: str
    model: type[models.Model]
    due_column: str
    open: Q
    fire: Fire
    lane: Combinable | None = None
    rank: int = 0
    together: FireTogether | None = None


def lane(kind: str, column: str = "pk") -> Concat:
    """The lane of a row as `kind:number`: `lane("subscription", "subscription_id")`."""
    return Concat(Value(f"{kind}:"), Cast(F(column), TextField()), output_field=TextField())


_timers: dict[str, Timer] = {}


def register(timer: Timer) -> Timer:
    """Let the sweeper know the timer. Called when an app's `timers.py` is imported."""
    if timer.name in _timers:
        raise ValueError(f"There are two timers named {timer.name}.")
    if " " in timer.name or not timer.name:
        raise ValueError("A timer's name is one word.")
    _timers[timer.name] = timer
    return timer


def all_timers() -> list[Timer]:
    """Every registered timer, by rank and name."""
    return sorted(_timers.values(), key=lambda timer: (timer.rank, timer.name))


def timers_named(names: Iterable[str] | None) -> list[Timer]:
    """The timers of these names; all of them for None or no names.

    Raises:
        UnknownTimer: a name is not registered; the message lists those that are.
    """
    wanted = set(names or ())
    unknown = sorted(wanted - _timers.keys())
    if unknown:
        known = ", ".join(sorted(_timers)) or "none"
        raise UnknownTimer(f"There is no timer named {', '.join(unknown)}. Timers: {known}.")
    return [timer for timer in all_timers() if not wanted or timer.name in wanted]


@lru_cache
def _actor_factory(path: str) -> Any:
    return pkgutil.resolve_name(path)


def actor(name: str) -> Any:
    """Who acts when the timer fires: made by `settings.TIMER_ACTOR`, because the kernel knows no app."""
    return _actor_factory(settings.TIMER_ACTOR)(name)
