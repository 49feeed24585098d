"""Invariants that span tables: every app's `books.py` lists its own, `manage.py check_books` walks them all.

An invariant is a sentence and a query for the rows that break it. What one table can promise alone is a constraint
in the database and not repeated here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection

MOST_BREACHES = 20


@dataclass(frozen=True, slots=True)
class Invariant:
    """Something that is always true at every commit.

    Attributes:
        name: unique, for tests and for a person who looks it up.
        sentence: what is true.
        breaches: SQL whose rows break it; the first column names the row for a person.
    """

    name: str
    sentence: str
    breaches: str


@dataclass(frozen=True, slots=True)
class Breach:
    """One row that breaks an invariant."""

    invariant: Invariant
    row: tuple[Any, ...]

    def __str__(self) -> str:
        facts = ", ".join(str(value) for value in self.row)
        return f"{self.invariant.name}: {self.invariant.sentence} Broken by {facts}"


_invariants: dict[str, Invariant] = {}


def register(*invariants: Invariant) -> None:
    """Add an app's list. Called when its `books.py` is imported."""
    for invariant in invariants:
        if invariant.name in _invariants:
            raise ValueError(f"There are two invariants named {invariant.name}.")
        _invariants[invariant.name] = invariant


def invariants() -> list[Invariant]:
    """All of them, in the order of the apps."""
    return list(_invariants.values())


def breaches() -> Iterator[Breach]:
    """Walk every invariant; at most 20 rows of each, so that one fault does not hide the others."""
    for invariant in invariants():
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM ({invariant.breaches}) AS broken LIMIT {MOST_BREACHES}")
            rows = cursor.fetchall()
        yield from (Breach(invariant, row) for row in rows)
