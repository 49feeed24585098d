"""How the sweeper reads due rows: each timer's conditions compiled to SQL once, because it asks very often.

Building a query costs Django more than running it costs Postgres, and after each firing every timer that may be
concerned is asked again.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Exists, F, Lookup, OuterRef, QuerySet, TextField, Value

from koogallery.kernel import backoff
from koogallery.kernel.models import TimerFailure
from koogallery.kernel.timers import Timer

# Stand in the compiled SQL for what is only known when it runs.
_AT = datetime(1, 1, 1, tzinfo=UTC)
_BEFORE = datetime(2, 1, 1, tzinfo=UTC)
_PK = -(2**62)
_WITHOUT = object()

_TABLES = re.compile(r'(?:FROM|JOIN) "(\w+)"')


class _NotAny(Lookup):
    """`column <> ALL(%s)`: not one of a list that is known when the query runs."""

    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        column, params = self.process_lhs(compiler, connection)
        return f"{column} <> ALL(%s)", [*params, _WITHOUT]


@dataclass(frozen=True, slots=True)
class _Compiled:
    timer: Timer
    to_fire: str
    to_fire_params: tuple[Any, ...]
    due_time: str
    due_time_params: tuple[Any, ...]
    tables: frozenset[str]


_compiled: dict[str, _Compiled] = {}


def _queries(timer: Timer) -> _Compiled:
    known = _compiled.get(timer.name)
    if known is None or known.timer is not timer:
        known = _compiled[timer.name] = _compile(timer)
    return known


def _compile(timer: Timer) -> _Compiled:
    rows = timer.model._base_manager.filter(timer.open)
    failures = TimerFailure.objects.filter(timer=timer.name, object_id=OuterRef("pk"))
    to_fire = (
        rows.filter(**{f"{timer.due_column}__lt": _BEFORE})
        .filter(_NotAny(F("pk"), _WITHOUT), ~Exists(failures.waiting(_AT)))
        .order_by(timer.due_column, "pk")
        .values_list(
            F(timer.due_column),
            Value(timer.rank),
            Value(timer.name, output_field=TextField()),
            F("pk"),
            timer.lane or Value("", output_field=TextField()),
            Exists(failures.open()),
        )
    )
    due_time = rows.filter(pk=_PK, **{f"{timer.due_column}__lte": _AT}).values_list(timer.due_column)
    due_time_sql, due_time_params = _sql(due_time)
    return _Compiled(timer, *_sql(to_fire), due_time_sql, due_time_params, frozenset(_TABLES.findall(due_time_sql)))


def _sql(query: QuerySet[Any, Any]) -> tuple[str, tuple[Any, ...]]:
    sql, params = query.query.get_compiler(connection=connection).as_sql()
    return sql, tuple(params)


def _fill(params: Iterable[Any], values: Mapping[Any, Any], without: Collection[int]) -> list[Any]:
    return [
        list(without) if param is _WITHOUT else values.get(param, param) if type(param) in (datetime, int) else param
        for param in params
    ]


def tables_read(timer: Timer) -> frozenset[str]:
    """The tables whose rows decide what is due."""
    return _queries(timer).tables


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
    end = at + timedelta(microseconds=1)
    times = {_AT: at, _AT + backoff.LONGEST: at + backoff.LONGEST, _BEFORE: min(end, before or end)}
    branches, params = [], []
    for timer in timers:
        queries = _queries(timer)
        branches.append(f"({queries.to_fire} LIMIT {limit})")
        params += _fill(queries.to_fire_params, times, without.get(timer.name, ()))
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(branches), params)
        return sorted(cursor.fetchall())[:limit]


def due_time(timer: Timer, pk: int, at: datetime) -> datetime | None:
    """When the row was due, or None when it is not due at `at` (any more)."""
    queries = _queries(timer)
    with connection.cursor() as cursor:
        cursor.execute(queries.due_time, _fill(queries.due_time_params, {_AT: at, _PK: pk}, ()))
        row = cursor.fetchone()
    return row[0] if row else None
