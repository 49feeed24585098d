"""The port in front of whatever finds products: an index of ours, Postgres itself, later perhaps a search cluster."""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol

import structlog
from django.conf import settings
from django.utils.module_loading import import_string

from catalog.search.query import CategoryTree, Search

log = structlog.get_logger(__name__)


class EngineUnavailable(Exception):
    """The engine cannot answer now (not built yet, damaged, unreachable); the shop goes on without it."""


@dataclass(frozen=True, slots=True)
class Facet:
    """One value of a group: how many products there would be with it."""

    slug: str
    name: str
    count: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What an engine found.

    Attributes:
        products: ids of the asked page, in order.
        total: how many products match.
        counts: for each group, products by value: category and seller by id, the others by slug. A group's own
            choice does not narrow its own counts; what is not named counts 0.
        corrected: the text that was searched instead, when a word was mistyped; else empty.
        meant: a text that would find more, to be offered; else empty.
    """

    products: list[int]
    total: int
    counts: dict[str, dict[int, int] | dict[str, int]] = field(default_factory=dict)
    corrected: str = ""
    meant: str = ""


@dataclass(frozen=True, slots=True)
class Suggested:
    """What completes a text: products, best first, by id."""

    products: list[int]


class SearchEngine(Protocol):
    """What finds products. Every method may raise `EngineUnavailable`."""

    def answer(self, search: Search, tree: CategoryTree, *, first: int, size: int) -> Answer:
        """Up to `size` products from the `first` on (0: the best), the number of all, and the counts of all groups."""
        ...

    def count(self, search: Search, tree: CategoryTree) -> int:
        """How many products match."""
        ...

    def suggest(self, text: str, *, size: int) -> Suggested:
        """Products whose name has the words of `text`, the last of which may be unfinished."""
        ...


@lru_cache(maxsize=4)
def _engine(path: str) -> SearchEngine:
    made: SearchEngine = import_string(path)()
    return made


def chosen() -> SearchEngine:
    """The engine of the settings, one a process."""
    return _engine(settings.SEARCH_ENGINE)


def fallback() -> SearchEngine:
    """Plain Postgres, which is always there."""
    return _engine("catalog.search.postgres.PostgresEngine")
