"""Keeps a process's state of the index in step with the catalogue: reads the feed, takes in what changed.

A web process follows in a thread of its own, so no visitor waits for it. What takes long (a hundred thousand products
changed at once) is left to `rebuild_search`, whose new segment every process notices by itself.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog
from django.conf import settings
from django.db import close_old_connections, connection

from catalog.feed import MOST_CHANGES, Changes, PlaceLost, changes_since, place_now
from catalog.models import Synonym
from catalog.search.engine import EngineUnavailable
from catalog.search.index import segment as segments
from catalog.search.index.columns import Columns
from catalog.search.index.documents import are_at_most, documents
from catalog.search.index.question import Thesaurus
from catalog.search.index.segment import Segment
from catalog.search.index.state import State

log = structlog.get_logger(__name__)

POLL_SECONDS = 1.0
# A change must be found within five seconds; this long without a look at the feed, and the index is not answered from.
TOO_OLD_SECONDS = 15.0
# So many products are indexed in memory when there is no built index; more wait for `rebuild_search`.
INDEXED_IN_MEMORY = 5_000
# So many changed products are read at a time.
AT_ONCE = 2_000


@dataclass(frozen=True, slots=True)
class Generation:
    """What the pages' cache asks: which state of the catalogue this process knows, and how fresh that is.

    Attributes:
        shop: rises with every change that concerns more than single products.
        anything: rises with every change at all.
        looked_at: monotonic seconds of the last look at the feed.
    """

    shop: int = 0
    anything: int = 0
    looked_at: float = float("-inf")


class Follower:
    """Holds the state of the index and brings it up to date with each `follow()`.

    Args:
        folder: where `rebuild_search` puts its segments.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._state: State | None = None
        self._built: Path | None = None
        self._place = ""
        self._behind = False
        self._lock = threading.Lock()
        self.generation = Generation()
        self.last_changes: dict[int, int] = {}
        """For each product that changed of late, the number of the change (`Generation.anything`)."""

    def state(self) -> State:
        """The state to answer from.

        Raises:
            EngineUnavailable: nothing is built yet, or the feed was not read for too long.
        """
        state = self._state
        if state is None:
            raise EngineUnavailable("The search index is not built yet: run manage.py rebuild_search.")
        if time.monotonic() - self.generation.looked_at > TOO_OLD_SECONDS:
            raise EngineUnavailable("The search index does not follow the catalogue at present.")
        return state

    def follow(self) -> None:
        """Take in everything that changed since the last time. Any thread may call it; one at a time works."""
        with self._lock:
            self._open_newer()
            try:
                changes = changes_since(self._place) if self._place else None
            except PlaceLost:
                log.warning("search_feed_lost")
                self._state = None
                changes = None
            if changes is None or self._state is None:
                self._begin()
            else:
                self._take_in(changes)

    def forget(self) -> None:
        """Begin anew at the next `follow()`: the database is another one, or went back."""
        with self._lock:
            self._state, self._built, self._place = None, None, ""

    def _open_newer(self) -> None:
        """Map the segment that was built last, if it is another one than ours."""
        built = segments.current(self._folder)
        if built is None or built == self._built:
            return
        try:
            main, place = segments.read(built)
            changes_since(place)
        except (OSError, ValueError, KeyError, PlaceLost) as error:
            log.error("search_index_unreadable", segment=built.name, error=str(error))
            self._built = built
            return
        self._state = State(main, Columns(main.arrays), _thesaurus())
        self._built, self._place, self._behind = built, place, False
        log.info("search_index_opened", segment=built.name, products=main.size)

    def _begin(self) -> None:
        """Without a built segment: index a small catalogue here and now; only watch the feed of a large one."""
        self._place = place_now()
        self._state = None
        if are_at_most(INDEXED_IN_MEMORY):
            main = Segment.of(documents())
            self._state = State(main, Columns(main.arrays), _thesaurus())
        self._note(Changes(self._place, frozenset(), shop=True, count=1))

    def _take_in(self, changes: Changes) -> None:
        state = self._state
        if state is None or not changes.count:
            self._place = changes.place
            self._note(changes)
            return
        if changes.count >= MOST_CHANGES or len(state.gone | changes.products) > MOST_CHANGES:
            # The state as it is goes on answering until a rebuilt segment takes over (catalog/tasks.py), and nothing
            # is kept meanwhile: the place stays, so each look finds the same again.
            if not self._behind:
                log.warning("search_index_behind", changes=changes.count)
            self._behind = True
            self._note(Changes(self._place, frozenset(), shop=True, count=1))
            return
        thesaurus = _thesaurus() if changes.shop else None
        changed = sorted(changes.products)
        for at in range(0, max(len(changed), 1), AT_ONCE):
            part = changed[at : at + AT_ONCE]
            state = state.with_changes(documents(part) if part else (), part, thesaurus)
        self._state, self._place = state, changes.place
        self._note(changes)

    def _note(self, changes: Changes) -> None:
        """Tell the pages' cache; a product's note is dropped once every cached page is younger than it."""
        before = self.generation
        number = before.anything + (1 if changes.count else 0)
        if changes.products:
            kept = self.last_changes if len(self.last_changes) < MOST_CHANGES else {}
            self.last_changes = kept | dict.fromkeys(changes.products, number)
            if not kept:
                changes = Changes(changes.place, changes.products, shop=True, count=changes.count)
        self.generation = Generation(before.shop + (1 if changes.shop else 0), number, time.monotonic())


def _thesaurus() -> Thesaurus:
    return Thesaurus(synonym.alternatives for synonym in Synonym.objects.all())


class Thread:
    """Calls `follow()` once a second for as long as the process lives, with a database connection of its own."""

    def __init__(self, follow: Callable[[], None]) -> None:
        self._follow = follow
        self._first = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="catalogue-follower", daemon=True)
        self._thread.start()

    def wait_for_first(self, seconds: float) -> None:
        """Wait until the catalogue was read once, at most so long."""
        self._first.wait(seconds)

    def stop(self) -> None:
        """End the thread and wait for it."""
        self._stop.set()
        self._thread.join(10)

    def _run(self) -> None:
        while not self._stop.is_set():
            began = time.monotonic()
            try:
                self._follow()
            except Exception as error:  # whatever happens to one look, the next is tried
                log.error("search_follow_failed", error=type(error).__name__, detail=str(error))
                connection.close()
            finally:
                close_old_connections()
                self._first.set()
            took = time.monotonic() - began
            # A look that takes long (many changes) leaves the processor to the visitors for longer.
            self._stop.wait(min(max(POLL_SECONDS, 3 * took), settings.SEARCH_FOLLOW_WITHIN_SECONDS))
        connection.close()
