"""Reads that are built once in a process and run many times.

Django takes several times as long to build a query and turn it into SQL as Postgres takes to answer it by a key. What
every checkout asks is therefore compiled at its first use; later uses only fill in the values:

    _LOCKED = Compiled(lambda: Order.objects.select_related("product").select_for_update().filter(pk=Param("pk")))
    order = _LOCKED.get(pk=7)

It gives the same objects as the queryset. For reads on a hot path only; everywhere else a QuerySet reads better.

Postgres keeps the statement too (PREPARE), once a connection, because planning a join by keys costs it more than the
join. `DATABASE_PREPARED_READS` switches that off for poolers that hand a connection on between transactions.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from operator import attrgetter
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

from django.conf import settings
from django.core.exceptions import MultipleObjectsReturned
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import DateTimeField, Expression, Field, Lookup, Model, QuerySet
from django.db.models.base import ModelState
from django.db.models.query import ValuesListIterable, get_related_populators
from django.db.models.signals import post_init, pre_init
from django.db.transaction import TransactionManagementError
from psycopg2.extensions import AsIs

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Slot:
    """Stands among the parameters of the compiled SQL for a value that comes with each use."""

    name: str


_numbers = count(1)
# The names that each open connection knows; it forgets them with the connection.
_known: "WeakKeyDictionary[Any, set[str]]" = WeakKeyDictionary()


class Param(Expression):
    """A value that is only known when the read is used, by its name: `filter(pk=Param("pk"))`."""

    def __init__(self, name: str, output_field: "Field[Any, Any] | None" = None) -> None:
        super().__init__(output_field=output_field)
        self.name = name

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        return "%s", [Slot(self.name)]


class Moment(Param):
    """A time that comes with each use; Postgres cannot tell its type where an interval is added."""

    def __init__(self, name: str) -> None:
        super().__init__(name, output_field=DateTimeField())

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        sql, params = super().as_sql(compiler, connection)
        return f"{sql}::timestamptz", params


class OneOf(Lookup):
    """`OneOf(F("order_id"), Param("orders"))`: the column's value is one of a list that comes with each use."""

    prepare_rhs = False
    lookup_name = "one_of"

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        column, params = self.process_lhs(compiler, connection)
        value, more = compiler.compile(self.rhs)
        return f"{column} = ANY({value})", [*params, *more]


@dataclass(frozen=True, slots=True)
class Children:
    """Rows that hang below those of a compiled read, as `prefetch_related` would attach them.

    Attributes:
        name: the related manager of the parent, such as "lines".
        of: the child's foreign key, such as "order".
        rows: reads them by `Param("parents")`, a list of the parents' numbers.
        parent: the way from a row to what the children hang below ("specification", "line.specification"); empty: the row.
    """

    name: str
    of: str
    rows: "Compiled[Any]"
    parent: str = ""


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL that a process runs again and again, which each of its connections prepares once.

    Attributes:
        note: told with each use, as a comment: what a statement does that is known by its name alone.
        prepared: False: Postgres plans it anew each time, by what its tables hold at that moment.
    """

    name: str
    sql: str
    params: tuple[Any, ...]
    note: str = ""
    prepared: bool = True

    @classmethod
    def of(cls, kind: str, sql: str, params: Sequence[Any], note: str = "", *, prepared: bool = True) -> "Statement":
        """Under a name of its own, which begins with `kind`."""
        return cls(f"{kind}_{next(_numbers)}", sql, tuple(params), note and f" /* {note} */", prepared)

    def filled(self, values: Mapping[str, Any]) -> tuple[str, list[Any]]:
        """What a cursor executes, with these values in the places of its `Param`s."""
        given = [values[one.name] for one in self.params if type(one) is Slot]
        if not (self.prepared and settings.DATABASE_PREPARED_READS):
            missing = iter(given)
            return self.sql, [next(missing) if type(one) is Slot else one for one in self.params]
        self._prepare()
        places = f"({', '.join(['%s'] * len(given))})" if given else ""
        return f"EXECUTE {self.name}{places}{self.note}", given

    def _prepare(self) -> None:
        """Let the connection know it, once. It stays known whatever becomes of the transaction."""
        database = connections[DEFAULT_DB_ALIAS]
        # One that turns out to be dead is opened anew, and then knows nothing.
        database.close_if_health_check_failed()
        database.ensure_connection()
        known = _known.get(database.connection)
        if known is None:
            known = _known[database.connection] = set()
        if self.name in known:
            return
        places = count(1)
        params = [AsIs(f"${next(places)}") if type(one) is Slot else one for one in self.params]
        # Past Django's own cursor: what is counted or logged as a query of the page is the statement alone.
        with database.wrap_database_errors, database.connection.cursor() as cursor:
            cursor.execute(f"PREPARE {self.name} AS {self.sql}", params)
        known.add(self.name)


@dataclass(frozen=True, slots=True)
class _Plan:
    statement: Statement
    locks: bool
    converters: tuple[tuple[int, Sequence[Any], Any], ...]
    make: Callable[[Sequence[Any]], Any]


class Compiled(Generic[Row]):
    """A queryset without its values.

    Args:
        build: the queryset with a `Param` wherever a value differs from use to use; called once. It may select
            related rows, defer columns, lock, annotate, slice, or give `values_list` tuples; it may not prefetch.
        children: what hangs below its rows.
        prepared: False for a table that is empty now and has many rows in a minute: a plan that was made for the one
            would be used for the other.
    """

    def __init__(
        self, build: Callable[[], "QuerySet[Any, Row]"], children: Sequence[Children] = (), *, prepared: bool = True
    ) -> None:
        self._build = build
        self._prepared = prepared
        self._children = children
        self._plan: _Plan | None = None

    def all(self, **values: Any) -> list[Row]:
        """Every row, in the queryset's order.

        Raises:
            KeyError: a value is missing.
            TransactionManagementError: it locks, and there is no transaction.
        """
        plan = self._plan
        if plan is None:
            plan = self._plan = _compiled(self._build(), prepared=self._prepared)
        database = connections[DEFAULT_DB_ALIAS]
        if plan.locks and database.get_autocommit():
            raise TransactionManagementError("A read that locks belongs into a transaction.")
        sql, params = plan.statement.filled(values)
        with database.cursor() as cursor:
            cursor.execute(sql, params)
            found = cursor.fetchall()
        if plan.converters:
            found = [_converted(row, plan, database) for row in found]
        rows = [plan.make(row) for row in found]
        for children in self._children:
            _attach(children, rows)
        return rows

    def first(self, **values: Any) -> Row | None:
        """The first row, or None. Say `[:1]` in the queryset where there may be many."""
        rows = self.all(**values)
        return rows[0] if rows else None

    def get(self, **values: Any) -> Row:
        """The only row.

        Raises:
            ObjectDoesNotExist, MultipleObjectsReturned: the model's own, as of `QuerySet.get`.
        """
        rows = self.all(**values)
        if len(rows) == 1:
            return rows[0]
        model = self._build().model
        if not rows:
            raise model.DoesNotExist(f"There is no such {model._meta.verbose_name}.")
        raise getattr(model, "MultipleObjectsReturned", MultipleObjectsReturned)(f"There are {len(rows)}.")


_TABLES = re.compile(r'(?:FROM|JOIN) "(\w+)"')


def tables_of(rows: "QuerySet[Any, Any]") -> list[str]:
    """The tables that a queryset, which may have `Param`s, reads."""
    sql, _params = rows.query.get_compiler(connection=connection).as_sql()
    return _TABLES.findall(sql)


def _compiled(rows: "QuerySet[Any, Any]", *, prepared: bool) -> _Plan:
    if rows._prefetch_related_lookups:  # type: ignore[attr-defined]
        raise ValueError("A compiled read names what hangs below its rows as `children`.")
    compiler = rows.query.get_compiler(connection=connection)
    sql, params = compiler.as_sql()
    chosen = [one[0] for one in compiler.select[: compiler.col_count]]
    converters = tuple(
        (position, functions, expression)
        for position, (functions, expression) in compiler.get_converters(chosen).items()
    )
    make = tuple if rows._iterable_class is ValuesListIterable else _maker(rows, compiler)
    return _Plan(Statement.of("read", sql, params, prepared=prepared), rows.query.select_for_update, converters, make)


def _maker(rows: "QuerySet[Any, Any]", compiler: Any) -> Callable[[Sequence[Any]], Any]:
    """How a row becomes an object, its related objects and annotations: as `ModelIterable` does."""
    using = rows.db
    model: type[Model] = compiler.klass_info["model"]
    first, *_middle, last = compiler.klass_info["select_fields"]
    names = [one[0].target.attname for one in compiler.select[first : last + 1]]
    # The stubs are those of a later Django.
    populators = get_related_populators(compiler.klass_info, compiler.select, using)  # type: ignore[call-arg]
    related = [_populator(one) for one in populators]
    annotations: Mapping[str, int] = compiler.annotation_col_map or {}
    read = reader(model, using, names)

    def make(row: Sequence[Any]) -> Any:
        made = read(row[first : last + 1])
        for populate in related:
            populate(row, made)
        for name, position in annotations.items():
            setattr(made, name, row[position])
        return made

    return make


def _populator(django: Any) -> Callable[[Sequence[Any], Any], None]:
    """What Django's `RelatedPopulator` does, with its own findings."""
    read = reader(django.model_cls, django.db, django.init_list)
    below = [_populator(one) for one in django.related_populators]
    start, end, reorder, key = django.cols_start, django.cols_end, django.reorder_for_init, django.pk_idx

    def populate(row: Sequence[Any], parent: Any) -> None:
        values = reorder(row) if reorder else row[start:end]
        made = None
        if values[key] is not None:
            made = read(values)
            for one in below:
                one(row, made)
        django.local_setter(parent, made)
        if made is not None:
            django.remote_setter(made, parent)

    return populate


def reader(model: type[Model], using: str, names: Sequence[str]) -> Callable[[Sequence[Any]], Any]:
    """`model.from_db` for columns of these names. Where nobody has a say in it, the values are put into the object as
    they are, which takes a third of the time: `Model.__init__` looks at each column for what only new objects need."""
    plain = model.__init__ is Model.__init__ and model.from_db.__func__ is Model.from_db.__func__  # type: ignore[attr-defined]
    if not plain or pre_init.has_listeners(model) or post_init.has_listeners(model):
        return lambda values: model.from_db(using, names, values)

    def read(values: Sequence[Any]) -> Any:
        made = model.__new__(model)
        state = made._state = ModelState()
        state.adding, state.db = False, using
        made.__dict__.update(zip(names, values, strict=True))
        return made

    return read


def _converted(row: Sequence[Any], plan: _Plan, database: Any) -> Sequence[Any]:
    values = list(row)
    for position, functions, expression in plan.converters:
        for convert in functions:
            values[position] = convert(values[position], expression, database)
    return values


def _attach(children: Children, rows: Sequence[Any]) -> None:
    """Give every parent its children, and every child its parent."""
    parents = list(map(attrgetter(children.parent), rows)) if children.parent else rows
    parents = [one for one in parents if one is not None]
    below: dict[int, list[Any]] = {one.pk: [] for one in parents}
    found = children.rows.all(parents=list(below)) if below else []
    for child in found:
        below[getattr(child, f"{children.of}_id")].append(child)
    for parent in parents:
        hang(below[parent.pk], parent, name=children.name, of=children.of)


def hang(children: Sequence[Any], parent: Any, *, name: str, of: str) -> None:
    """Make these rows all that is below `parent`, as `prefetch_related` would; arguments as of `Children`."""
    for child in children:
        setattr(child, of, parent)
    known = getattr(parent, name).all()
    known._result_cache, known._prefetch_done = list(children), True
    parent._prefetched_objects_cache = {**getattr(parent, "_prefetched_objects_cache", {}), name: known}
