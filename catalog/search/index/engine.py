"""`SearchEngine` over the index of this process."""

import threading
from dataclasses import replace

from cachetools import LRUCache
from django.conf import settings
from django.db import connection

from accounts.models import Seller
from catalog.search.engine import Answer, Suggested
from catalog.search.index.follower import Follower, Thread
from catalog.search.index.state import State
from catalog.search.query import CategoryTree, Search

# The first visitor after a start waits for the index at most so long; the next are answered by Postgres meanwhile.
FIRST_WAIT_SECONDS = 2.0
KEPT_ANSWERS = 1_000


class IndexEngine:
    """Answers from memory; follows the catalogue in a thread, or before each question where the settings say so."""

    def __init__(self) -> None:
        self.follower = Follower(settings.SEARCH_INDEX_DIR)
        self._thread: Thread | None = None
        self._starting = threading.Lock()
        self._transaction: str | None = None
        self._answers: LRUCache[tuple[Search, int, int], Answer] = LRUCache(KEPT_ANSWERS)
        self._answers_of: State | None = None
        self._answers_lock = threading.Lock()

    def answer(self, search: Search, tree: CategoryTree, *, first: int, size: int) -> Answer:
        state = self._state()
        # A state never changes, so what it answered once is true for as long as it is the state.
        asked = (replace(search, page=1, ignored=()), first, size)
        with self._answers_lock:
            if self._answers_of is not state:
                self._answers_of = state
                self._answers.clear()
            known = self._answers.get(asked)
        if known is None:
            known = state.answer(search, tree, _seller_ids(search), first=first, size=size)
            with self._answers_lock:
                if self._answers_of is state:
                    self._answers[asked] = known
        return known

    def count(self, search: Search, tree: CategoryTree) -> int:
        return self._state().count(search, tree, _seller_ids(search))

    def suggest(self, text: str, *, size: int) -> Suggested:
        return Suggested(self._state().suggest(text, size))

    def start(self) -> None:
        """Begin to follow, once a process."""
        if settings.SEARCH_FOLLOW == "thread" and self._thread is None:
            with self._starting:
                if self._thread is None:
                    self._thread = Thread(self.follower.follow)

    def _state(self) -> State:
        if settings.SEARCH_FOLLOW == "question":
            self._follow_now()
        else:
            self.start()
            if self._thread is not None and self.follower.generation.anything == 0:
                self._thread.wait_for_first(FIRST_WAIT_SECONDS)
        return self.follower.state()

    def _follow_now(self) -> None:
        """Follow before a question is answered. What an unfinished transaction wrote is forgotten when it is over."""
        transaction = _transaction() if connection.in_atomic_block else ""
        if self._transaction != transaction:
            if self._transaction:
                self.follower.forget()
            self._transaction = transaction
        self.follower.follow()


def _transaction() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(pg_current_xact_id_if_assigned()::text, '')")
        return str(cursor.fetchone()[0])


def _seller_ids(search: Search) -> dict[str, int]:
    if not search.seller:
        return {}
    return dict(Seller.objects.filter(slug__in=search.seller, frozen_at=None).values_list("slug", "pk"))
