"""A segment: arrays in memory, or mapped from files that all processes of a machine share."""

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catalog.feed import KEEP_FEED
from catalog.search.index.analysis import key
from catalog.search.index.build import COLUMNS, Arrays, Builder
from catalog.search.index.documents import Document

VERSION = 1
CURRENT = "current"


@dataclass(frozen=True, slots=True)
class Postings:
    """The documents of a stem, ascending, and how much it says about each (0 to 255)."""

    documents: NDArray[np.uint32]
    impacts: NDArray[np.uint8]


class Segment:
    """Reading access to the arrays that `build.Builder` describes."""

    def __init__(self, arrays: Arrays) -> None:
        self.arrays = arrays
        self.size = len(arrays["pk"])
        self.words = arrays["words"]
        self._stems = arrays["stems"]
        self._starts = arrays["postings_start"]
        self._documents = arrays["posting_document"]
        self._impacts = arrays["posting_impact"]
        self._names_start = arrays["names_start"]
        self._names = arrays["name_document"]

    @classmethod
    def of(cls, documents: Iterable[Document]) -> "Segment":
        """A segment in memory."""
        builder = Builder()
        builder.add(documents)
        return cls(builder.arrays())

    def stem_number(self, stem: str) -> int | None:
        """The number of a stem here; None where no document has it."""
        return _find(self._stems, key(stem))

    def postings(self, stem: int) -> Postings:
        """The documents of a stem by its number."""
        part = slice(self._starts[stem], self._starts[stem + 1])
        return Postings(self._documents[part], self._impacts[part])

    def frequency(self, stem: int) -> int:
        """How many documents have the stem."""
        return int(self._starts[stem + 1] - self._starts[stem])

    def word_number(self, word: str) -> int | None:
        """The number of a word as written; None where no document has it."""
        return _find(self.words, key(word))

    def word_stem_of(self, word: int) -> int:
        """The number of a word's stem."""
        return int(self.arrays["word_stem"][word])

    def words_beginning(self, prefix: str) -> range:
        """The numbers of the words that begin so."""
        low = key(prefix)
        first = int(np.searchsorted(self.words, low))
        return range(first, int(np.searchsorted(self.words, low + b"\xff")))

    def named(self, word: int) -> NDArray[np.uint32]:
        """The documents with the word, by its number, in their name, ascending."""
        return self._names[self._names_start[word] : self._names_start[word + 1]]

    def has_phrase(self, stems: list[int], documents: NDArray[np.uint32]) -> NDArray[np.bool_]:
        """For each of the documents, whether the stems stand there side by side in this order."""
        starts = self.arrays["stream_start"]
        low, high = starts[documents], starts[documents + 1]
        found = np.zeros(len(documents), bool)
        # In bites, so that a phrase of common words takes no more than some megabytes.
        for at in range(0, len(documents), 20_000):
            lengths = (high[at : at + 20_000] - low[at : at + 20_000]).astype(np.int64)
            ends = np.cumsum(lengths)
            places = np.arange(ends[-1]) + np.repeat(low[at : at + 20_000] - (ends - lengths), lengths)
            text = self.arrays["stream"][places]
            hit = np.ones(max(len(text) - len(stems) + 1, 0), bool)
            for offset, stem in enumerate(stems):
                hit &= text[offset : offset + len(hit)] == stem
            owners = np.repeat(np.arange(len(lengths)), lengths)[: len(hit)][hit]
            found[at + owners] = True
        return found


def _find(among: NDArray[Any], wanted: bytes) -> int | None:
    at = int(np.searchsorted(among, wanted))
    return at if at < len(among) and among[at] == wanted else None


# --- files ------------------------------------------------------------------------------------------------------


def write(folder: Path, documents: Iterable[Document], place: str) -> Path:
    """Build a segment into a new folder below `folder` and make it the current one. Readers notice by themselves.

    Args:
        place: where in the catalogue's feed to read on from.

    Returns:
        The new folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    new = Path(tempfile.mkdtemp(prefix="segment-", dir=folder))
    new.chmod(0o755)
    builder = Builder()
    builder.add(documents)
    for name, values in builder.arrays().items():
        np.save(new / f"{name}.npy", values)
    (new / "about.json").write_text(
        json.dumps({"version": VERSION, "place": place, "documents": builder.documents}), encoding="utf-8"
    )
    pointer = new.with_suffix(".pointer")
    pointer.write_text(new.name, encoding="utf-8")
    old = current(folder)
    os.replace(pointer, folder / CURRENT)
    _remove_older(folder, keep={new, old})
    return new


def current(folder: Path) -> Path | None:
    """The folder of the segment in use; None when nothing was built."""
    try:
        named = folder / (folder / CURRENT).read_text(encoding="utf-8").strip()
    except OSError:
        return None
    return named if (named / "about.json").exists() else None


def age(folder: Path) -> timedelta:
    """How long ago it was built, by the machine's clock."""
    return timedelta(seconds=max(0.0, time.time() - (folder / "about.json").stat().st_mtime))


def read(folder: Path) -> tuple[Segment, str]:
    """The segment in a folder, mapped, and its place in the feed.

    Raises:
        OSError, ValueError: files are missing, damaged, of another version, or so old that the feed has forgotten.
    """
    if age(folder) > KEEP_FEED:
        raise ValueError(f"The index in {folder.name} is older than the feed.")
    about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
    if about["version"] != VERSION:
        raise ValueError(f"The index in {folder.name} has another version.")
    arrays: Arrays = {}
    for file in folder.glob("*.npy"):
        values = np.load(file, mmap_mode="r")
        # Plain arrays over the same mapping: np.memmap's own bookkeeping makes each slice ten times as slow.
        arrays[file.stem] = values.view(np.ndarray)
    if missing := (COLUMNS.keys() | {"stems", "words", "stream"}) - arrays.keys():
        raise ValueError(f"The index in {folder.name} lacks {', '.join(sorted(missing))}.")
    if len(arrays["pk"]) != about["documents"]:
        raise ValueError(f"The index in {folder.name} is damaged.")
    return Segment(arrays), str(about["place"])


def _remove_older(folder: Path, keep: set[Path | None]) -> None:
    """All but the newest and the one before it, which slow readers still open; what is mapped lives on."""
    for old in folder.glob("segment-*"):
        if old.is_dir() and old not in keep:
            shutil.rmtree(old, ignore_errors=True)
