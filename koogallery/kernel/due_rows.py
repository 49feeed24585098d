"""How the sweeper reads due rows: each timer's conditions compiled to SQL once, because it asks very often.

After each firing every timer that may be concerned is asked again; these reads are what a firing costs beside its service.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django.db import connection
from django.db.models import Exists, F, OuterRef, Q, QuerySet, TextField, Value

from koogallery.kernel.compiled import Compiled, Moment, OneOf, Param, tables_of
from koogallery.kernel.models import TimerFailure
from koogallery.kernel.timers import Timer

MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class _Reads:
    """What is asked of one timer."""

    due_time: Compiled[Any]
    due_times: Compiled[Any]
    tables: frozenset[str]


@cache
def _reads(timer: Timer) -> _Reads:
    rows = timer.model._base_manager.filter(timer.open)
    come = rows.filter(**{f"{timer.due_column}__lte": Moment("at")})
    due = come.filter(pk=Param("pk")).values_list(timer.due_column)
    several = come.filter(OneOf(F("pk"), Param("pks"))).values_list("pk", timer.due_column)
    return _Reads(Compiled(lambda: due), Compiled(lambda: several), frozenset(tables_of(due)))


def _rows(timer: Timer, limit: int) -> "QuerySet[Any, Any]":
    failures = TimerFailure.objects.filter(timer=timer.name, object_id=OuterRef("pk"))
    return (
        timer.model._base_manager.filter(timer.open)
        .filter(
            ~Q(OneOf(F("pk"), Param(f"without {timer.name}"))),
            ~Exists(failures.waiting(Moment("at"))),
            **{f"{timer.due_column}__lt": Moment("before")},
        )
        .order_by(timer.due_column, "pk")
        .values_list(
            F(timer.due_column),
            Value(timer.rank),
            Value(timer.name, output_field=TextField()),
            F("pk"),
            timer.lane or Value("", output_field=TextField()),
            Exists(failures.open()),
        )[:limit]
    )


@cache
def _to_fire(timers: tuple[Timer, ...], limit: int) -> Compiled[Any]:
    first, *others = (_rows(timer, limit) for timer in timers)
    # Planning it costs many times what it takes when nothing is due, so the plan is kept; see `replan`.
    return Compiled(lambda: first.union(*others, all=True) if others else first)


def replan() -> None:
    """Have what this connection keeps planned anew: by what the tables hold now, whatever they held when it was planned."""
    with connection.cursor() as cursor:
        cursor.execute("DISCARD PLANS")


def tables_read(timer: Timer) -> frozenset[str]:
    """The tables whose rows decide what is due."""
    return _reads(timer).tables


def to_fire(
    timers: Collection[Timer],
    at: datetime,
    *,
    before: datetime | None,
    without: Mapping[str, Collection[int]],
    limit: int,
) -> list[tuple[Any, ...]]:
    """Rows as (due time, rank, timer, pk, lane, failed before), the first `limit` of all timers in that order.

    Args:
        at: rows are due until then, and failed ones wait when their next try is later.
        before: only rows due earlier than that.
        without: rows to leave out, by timer.
    """
    if not timers:
        return []
    end = at + MICROSECOND
    passed_over = {f"without {timer.name}": list(without.get(timer.name, ())) for timer in timers}
    found = _to_fire(tuple(timers), limit).all(at=at, before=min(end, before or end), **passed_over)
    return sorted(found)[:limit]


def due_time(timer: Timer, pk: int, at: datetime) -> datetime | None:
    """When the row was due, or None when it is not due at `at` (any more)."""
    row = _reads(timer).due_time.first(pk=pk, at=at)
    return row[0] if row else None


def due_times(timer: Timer, pks: Collection[int], at: datetime) -> dict[int, datetime]:
    """When those of the rows that are due at `at` were due."""
    return dict(_reads(timer).due_times.all(pks=list(pks), at=at))
