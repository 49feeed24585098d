"""Documents into the arrays of a segment."""

from array import array
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catalog.search.index.analysis import WORD_BYTES, key, stem
from catalog.search.index.documents import FIELDS, NAME, Document, in_chunks

Arrays = dict[str, NDArray[Any]]

# A word that stands in the right places several times says little more than one that stands there once.
SATURATION = 4.0
# How much a field's length beyond its usual one lowers what a word in it says (the b of BM25).
LENGTH_MATTERS = 0.6
# Between the fields of the stream, so that no phrase reaches from one into the next.
FIELD_END = np.uint32(2**32 - 1)

CHUNK = 20_000
COLUMNS = {
    "pk": np.int64,
    "category": np.int32,
    "seller": np.int32,
    "method": np.uint8,
    "systems": np.uint16,
    "modes": np.uint8,
    "price": np.int64,
    "published": np.int64,
    "popularity": np.int32,
}


class Builder:
    """Collects documents and makes the arrays of a segment.

    The arrays, with D documents, S stems and W words as written:

    - one of length D for each of `COLUMNS`, in the order in which the documents came;
    - `stems` (S, sorted), `postings_start` (S + 1), and for each posting of a stem, documents ascending,
      `posting_document` and `posting_impact` (0 to 255: how much the word says about the product);
    - `words` (W, sorted) with `word_stem` and `word_count`, for prefixes and typing mistakes, and
      `names_start` (W + 1) and `name_document`: the documents with the word in their name;
    - `stream_start` (D + 1) and `stream`: the stems of each document in order, for phrases.
    """

    def __init__(self) -> None:
        self._stem_numbers: dict[str, int] = {}
        self._word_numbers: dict[str, int] = {}
        self._word_stem = array("I")
        self._columns: dict[str, list[NDArray[Any]]] = {name: [] for name in COLUMNS}
        self._postings: list[tuple[NDArray[np.uint32], NDArray[np.uint32], NDArray[np.uint8]]] = []
        self._names: list[tuple[NDArray[np.uint32], NDArray[np.uint32]]] = []
        self._word_counts: list[NDArray[np.int64]] = []
        self._stream: list[NDArray[np.uint32]] = []
        self._stream_lengths: list[NDArray[np.int64]] = []
        self.documents = 0

    def add(self, documents: Iterable[Document]) -> None:
        """Take in documents; memory beyond the arrays is one chunk of them."""
        for chunk in in_chunks(documents, CHUNK):
            self._add_chunk(chunk)

    def _add_chunk(self, chunk: list[Document]) -> None:
        for name, kind in COLUMNS.items():
            self._columns[name].append(np.fromiter((getattr(one, name) for one in chunk), kind, len(chunk)))
        word_of = self._number_of
        words, lengths = array("I"), array("I")
        for one in chunk:
            for field in one.words:
                words.extend(map(word_of, field))
                lengths.append(len(field))
        self._index(np.asarray(words, np.uint32), np.asarray(lengths, np.int64), len(chunk))
        self.documents += len(chunk)

    def _number_of(self, word: str) -> int:
        number = self._word_numbers.get(word)
        if number is None:
            number = self._word_numbers[word] = len(self._word_numbers)
            root = stem(word)
            self._word_stem.append(self._stem_numbers.setdefault(root, len(self._stem_numbers)))
        return number

    def _index(self, words: NDArray[np.uint32], lengths: NDArray[np.int64], documents: int) -> None:
        fields = len(FIELDS)
        field_of = np.repeat(np.tile(np.arange(fields), documents), lengths)
        document_of = np.repeat(np.arange(documents), lengths.reshape(documents, fields).sum(axis=1))
        stems = np.asarray(self._word_stem, np.uint32)[words]

        weight, usual = (np.array(part, np.float32) for part in zip(*FIELDS.values(), strict=True))
        per_word = weight[np.tile(np.arange(fields), documents)] / (
            1 - LENGTH_MATTERS + LENGTH_MATTERS * np.maximum(lengths, 1) / np.tile(usual, documents)
        )
        said = np.repeat(per_word, lengths).astype(np.float32)

        keys = stems.astype(np.uint64) << np.uint64(32) | document_of.astype(np.uint64)
        order = np.argsort(keys)
        keys, said = keys[order], said[order]
        first = np.flatnonzero(np.concatenate(([True], keys[1:] != keys[:-1]))) if len(keys) else np.empty(0, np.int64)
        total = np.add.reduceat(said, first) if len(first) else said
        impact = np.maximum(1, np.rint(255 * total / (total + SATURATION))).astype(np.uint8)
        unique = keys[first]
        base = np.uint32(self.documents)
        self._postings.append(
            (
                (unique >> np.uint64(32)).astype(np.uint32),
                (unique & np.uint64(2**32 - 1)).astype(np.uint32) + base,
                impact,
            )
        )

        named = field_of == NAME
        pairs = np.unique(words[named].astype(np.uint64) << np.uint64(32) | document_of[named].astype(np.uint64))
        self._names.append(
            ((pairs >> np.uint64(32)).astype(np.uint32), (pairs & np.uint64(2**32 - 1)).astype(np.uint32) + base)
        )
        self._word_counts.append(np.bincount(words, minlength=len(self._word_numbers)))
        self._keep_stream(stems, lengths, documents)

    def _keep_stream(self, stems: NDArray[np.uint32], lengths: NDArray[np.int64], documents: int) -> None:
        """The stems with a mark after each field."""
        ends = np.cumsum(lengths)
        self._stream.append(np.insert(stems, ends, FIELD_END))
        self._stream_lengths.append(lengths.reshape(documents, -1).sum(axis=1) + len(FIELDS))

    def arrays(self) -> Arrays:
        """Everything collected, as the arrays of a segment."""
        made: Arrays = {name: _joined(parts, COLUMNS[name]) for name, parts in self._columns.items()}
        stems, stem_rank = _sorted_keys(self._stem_numbers)
        words, word_rank = _sorted_keys(self._word_numbers)
        made["stems"], made["words"] = stems, words

        word_stem = np.empty(len(words), np.uint32)
        word_stem[word_rank] = stem_rank[np.asarray(self._word_stem, np.uint32)] if len(words) else 0
        counts = np.zeros(len(words), np.int64)
        for part in self._word_counts:
            counts[word_rank[: len(part)]] += part
        made["word_stem"], made["word_count"] = word_stem, counts

        stem_of = stem_rank[_joined([part[0] for part in self._postings], np.uint32)]
        order = np.argsort(stem_of, kind="stable")
        made["postings_start"] = _starts(stem_of, len(stems))
        made["posting_document"] = _joined([part[1] for part in self._postings], np.uint32)[order]
        made["posting_impact"] = _joined([part[2] for part in self._postings], np.uint8)[order]

        word_of = word_rank[_joined([part[0] for part in self._names], np.uint32)]
        order = np.argsort(word_of, kind="stable")
        made["names_start"] = _starts(word_of, len(words))
        made["name_document"] = _joined([part[1] for part in self._names], np.uint32)[order]

        stream = _joined(self._stream, np.uint32)
        inside = stream != FIELD_END
        stream[inside] = stem_rank[stream[inside]]
        made["stream"] = stream
        made["stream_start"] = np.concatenate(([0], np.cumsum(_joined(self._stream_lengths, np.int64))))
        return made


def _sorted_keys(numbers: dict[str, int]) -> tuple[NDArray[np.bytes_], NDArray[np.uint32]]:
    """The words sorted, and for each number the place that its word has there.

    Two words that were cut to the same key are one from here on.
    """
    keys = np.array([key(word) for word in numbers], dtype=f"S{WORD_BYTES}")
    unique, rank = np.unique(keys, return_inverse=True)
    return unique, rank.astype(np.uint32)


def _joined(parts: list[NDArray[Any]], kind: type) -> NDArray[Any]:
    return np.concatenate(parts) if parts else np.empty(0, kind)


def _starts(sorted_later: NDArray[np.uint32], length: int) -> NDArray[np.int64]:
    return np.concatenate(([0], np.cumsum(np.bincount(sorted_later, minlength=length))))
