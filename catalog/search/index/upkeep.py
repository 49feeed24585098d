"""Building the index anew and checking it against the catalogue: what the commands and the hourly task do."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
import structlog
from django.conf import settings

from catalog.feed import KEEP_FEED, PlaceLost, changes_since, place_now, purge
from catalog.models import Product
from catalog.search.index import segment as segments
from catalog.search.index.documents import are_at_most, documents
from catalog.search.index.follower import INDEXED_IN_MEMORY, Follower
from koogallery.kernel import clock

log = structlog.get_logger(__name__)

# So many changes beside the built segment, or one in so many products, and it is built anew.
CHANGES_BEFORE_REBUILD = 2_000
SHARE_BEFORE_REBUILD = 50
REBUILD_DAILY = timedelta(days=1)
COMPARED_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Breach:
    """A product that the index and the catalogue see differently."""

    product: int
    what: str

    def __str__(self) -> str:
        return f"product {self.product}: {self.what}"


@contextmanager
def _building(folder: Path, *, wait: bool) -> Iterator[bool]:
    """Only one process of a machine builds at a time; False when another one does and `wait` is off."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
            return
        yield True


def rebuild(*, wait: bool = True) -> int | None:
    """Build a new segment from the whole catalogue while the old one serves.

    What changes meanwhile is in the feed after the place noted at the beginning, and taken in by the followers.

    Returns:
        How many products it has; None when another process is building and `wait` is off.
    """
    folder = settings.SEARCH_INDEX_DIR
    with _building(folder, wait=wait) as mine:
        if not mine:
            return None
        place = place_now()
        built = segments.write(folder, documents(), place)
        main, _place = segments.read(built)
        log.info("search_index_built", products=main.size, segment=built.name)
        return main.size


def rebuild_if_worn() -> bool:
    """Build anew when too much has changed since, or when nothing is built for a catalogue that needs it."""
    built = segments.current(settings.SEARCH_INDEX_DIR)
    if built is None:
        return not are_at_most(INDEXED_IN_MEMORY) and rebuild(wait=False) is not None
    try:
        main, place = segments.read(built)
        changed = changes_since(place).count
    except (OSError, ValueError, KeyError, PlaceLost):
        return rebuild(wait=False) is not None
    old = changed and segments.age(built) > REBUILD_DAILY
    if not old and changed <= max(CHANGES_BEFORE_REBUILD, main.size // SHARE_BEFORE_REBUILD):
        return False
    return rebuild(wait=False) is not None


def purge_feed() -> int:
    """Remove what is older than three days from the feed; no segment of that age is read any more."""
    return purge(clock.machine_now() - KEEP_FEED)


def breaches() -> Iterator[Breach]:
    """Every difference between the index, brought up to date, and the catalogue, in batches of products.

    Compared are which products are listed, and for each: category, seller, filters, price, date and popularity,
    and the words of its name.
    """
    follower = Follower(settings.SEARCH_INDEX_DIR)
    follower.follow()
    state = follower.state()
    indexed = np.sort(state.products)
    listed = Product.objects.published().order_by("pk").values_list("pk", flat=True)
    known = np.fromiter(listed.iterator(chunk_size=COMPARED_AT_ONCE), np.int64)
    for pk in np.setdiff1d(known, indexed):
        yield Breach(int(pk), "is listed but not in the index")
    for pk in np.setdiff1d(indexed, known):
        yield Breach(int(pk), "is in the index but not listed")
    both = np.intersect1d(known, indexed)
    for at in range(0, len(both), COMPARED_AT_ONCE):
        part = [int(pk) for pk in both[at : at + COMPARED_AT_ONCE]]
        for document in documents(part):
            if wrong := state.differences(document):
                yield Breach(document.pk, f"has another {', '.join(wrong)} in the index")
