"""Rows written on hot paths: `Model.save` and `bulk_create` without building their statement anew each time.

    insert([entry])                     # as JournalEntry.objects.bulk_create([entry]), which sets its number
    update(order, "status", "paid_at")  # as order.save(update_fields=["status", "paid_at"])

Nothing of ours listens to signals of saving, and neither of the two sends any. The database's own rules hold as ever.
For the few writes that each firing, delivery or checkout makes; everywhere else Django's own methods read better.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from django.db import connection
from django.db.models import Field, Model

from koogallery.kernel.compiled import Slot, Statement
from koogallery.kernel.db import NOT_WAITING_FOR_DISK

# So many rows go into one statement: each number of them is a statement of its own.
MOST_ROWS = 16


def insert(rows: Sequence[Model]) -> None:
    """Insert rows of one model in this order; each row knows the number that the database gave it, if it does.

    Raises:
        IntegrityError, DataError: as the database says.
    """
    for start in range(0, len(rows), MOST_ROWS):
        _insert(rows[start : start + MOST_ROWS])


def _insert(rows: Sequence[Model]) -> None:
    model = type(rows[0])
    values = [_value(row, field, add=True) for row in rows for field in _inserted(model)]
    if any(hasattr(one, "resolve_expression") for one in values):
        model._base_manager.bulk_create(rows)
        return
    sql, params = _insertion(model, len(rows)).filled({str(at): value for at, value in enumerate(values)})
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        numbers = cursor.fetchall()
    for row, (number,) in zip(rows, numbers, strict=True):
        row.pk = number
        row._state.adding, row._state.db = False, connection.alias


def insert_new(rows: Sequence[Model]) -> int:
    """Insert those rows of one model whose unique keys are not there yet, and say how many; rows do not learn their numbers."""
    made = 0
    for first in range(0, len(rows), MOST_ROWS):
        some = rows[first : first + MOST_ROWS]
        model = type(some[0])
        values = [_value(row, field, add=True) for row in some for field in _inserted(model)]
        assert not any(hasattr(one, "resolve_expression") for one in values), "its rows bring every value"
        sql, params = _insertion(model, len(some), new=True).filled({str(at): one for at, one in enumerate(values)})
        with connection.cursor() as cursor:
            cursor.execute(sql, params)
            made += cursor.rowcount
    return made


def update(row: Model, *names: str, wait_for_disk: bool = True) -> None:
    """Store these fields of a row that exists.

    Args:
        wait_for_disk: False: the transaction's commit does not, as after `db.claim_without_waiting_for_disk`.

    Raises:
        ObjectDoesNotExist: the row is gone; the model's own.
        IntegrityError, DataError: as the database says.
    """
    model = type(row)
    fields = [model._meta.get_field(name) for name in names]
    values = {str(at): _value(row, field, add=False) for at, field in enumerate(fields)}
    sql, params = _change(model, names, wait_for_disk).filled(values | {"pk": row.pk})
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        if cursor.rowcount != 1:
            raise model.DoesNotExist(f"There is no such {model._meta.verbose_name}.")  # type: ignore[attr-defined]


def _value(row: Model, field: Any, *, add: bool) -> Any:
    return field.get_db_prep_save(field.pre_save(row, add), connection)


@cache
def _inserted(model: type[Model]) -> "list[Field[Any, Any]]":
    """Its columns, the key among them where the row brings it and not the database."""
    # Not `db_returning`: that holds of columns with a database default too, whose values the row may well bring.
    numbered = [one for one in (model._meta.auto_field,) if one is not None]
    return [one for one in model._meta.local_concrete_fields if not one.generated and one not in numbered]


@cache
def _insertion(model: type[Model], rows: int, *, new: bool = False) -> Statement:
    key = model._meta.pk
    assert key is not None
    columns = [_quoted(one.column) for one in _inserted(model)]
    table = _quoted(model._meta.db_table)
    places = ", ".join(["(" + ", ".join(["%s"] * len(columns)) + ")"] * rows)
    doubled = " ON CONFLICT DO NOTHING" if new else ""
    sql = f"INSERT INTO {table} ({', '.join(columns)}) VALUES {places}{doubled} RETURNING {_quoted(key.column)}"
    slots = [Slot(str(at)) for at in range(rows * len(columns))]
    return Statement.of("insert", sql, slots, note=f"INSERT INTO {table}")


@cache
def _change(model: type[Model], names: tuple[str, ...], wait_for_disk: bool) -> Statement:
    key = model._meta.pk
    assert key is not None
    table = _quoted(model._meta.db_table)
    fields: list[Any] = [model._meta.get_field(name) for name in names]
    sets = ", ".join(f"{_quoted(one.column)} = %s" for one in fields)
    sql = f"UPDATE {table} SET {sets} WHERE {_quoted(key.column)} = %s"
    if not wait_for_disk:
        sql += f" RETURNING {NOT_WAITING_FOR_DISK}"
    slots = [Slot(str(at)) for at in range(len(fields))]
    return Statement.of("update", sql, [*slots, Slot("pk")], note=f"UPDATE {table}")


def _quoted(name: str | None) -> str:
    return connection.ops.quote_name(name or "")
