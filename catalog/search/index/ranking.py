"""The ranking: which products a question finds, and how well each fits.

A product is found when it has enough of what was asked for: the words that it has must carry `ENOUGH` of the weight of
all words, where a rare word weighs more than a frequent one, and a word that no product has weighs most. So two words
must both be there, three words may miss one, and a question about something that nobody sells finds nothing. What
lacks a word must have another one in a prominent place (`PROMINENT`): a mention in passing is no answer.

How well it fits is the sum over the words of rarity times what the word says about the product (where it stands, how
often; `build.py`), lowered for what is missing, raised when the name has the words, and raised a little by how much a
product is bought and how new it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from catalog.search.index.columns import Columns
from catalog.search.index.question import Alternative, Question, Term
from catalog.search.index.segment import Segment

ENOUGH = 0.65
# What a word says about a product (0 to 1) when it stands in its tagline or category, or repeatedly in the text.
PROMINENT = 0.4
NAME_BONUS = 0.6
WHOLE_NAME_BONUS = 0.5
FAVOUR = 0.2
FRESH = 0.08
FRESH_SECONDS = 180 * 86_400


@dataclass(frozen=True, slots=True)
class Ranked:
    """The products found, as documents ascending, with how well each fits."""

    documents: NDArray[np.int64]
    scores: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Hits:
    """Where a term's alternatives stand: documents ascending, and how much that says about each, from 0 to 1."""

    documents: NDArray[np.int64]
    says: NDArray[np.float32]


def rank(question: Question, segments: Sequence[Segment], columns: Columns, *, newest: int) -> Ranked:
    """What the question finds among all segments.

    Args:
        newest: the time of the newest product, in seconds since 1970, from which freshness is counted.
    """
    offsets = np.concatenate(([0], np.cumsum([segment.size for segment in segments])))
    found = [_hits(term, segments, offsets) for term in question.terms]
    rarities = [_rarity(len(hits.documents), columns.size) for hits in found]
    if not found:
        nothing = np.empty(0, np.int64)
        return Ranked(nothing, nothing.astype(np.float32))
    documents, scores, covered = _combined(found, rarities, columns.size)
    keep = covered >= ENOUGH
    if not keep.all():
        documents, scores, covered = documents[keep], scores[keep], covered[keep]
    for phrase in question.phrases:
        has = _has_phrase(phrase, segments, offsets, documents)
        documents, scores, covered = documents[has], scores[has], covered[has]
    scores = scores * covered * covered * _in_name(question, segments, offsets, documents, columns.size)
    age = np.maximum(0, newest - columns.published[documents])
    fresh = np.exp(-age / FRESH_SECONDS).astype(np.float32)
    scores *= 1 + FAVOUR * columns.favour[documents] + FRESH * fresh
    return Ranked(documents, scores)


def _combined(
    found: list[_Hits], rarities: list[float], size: int
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
    """Documents of any term with the sum of the scores and the covered share of the question."""
    whole = sum(rarities)
    if len(found) == 1:
        hits = found[0]
        return hits.documents, hits.says * np.float32(rarities[0]), np.ones(len(hits.documents), np.float32)
    scores, covered, best = (np.zeros(size, np.float32) for _array in range(3))
    for hits, rarity in zip(found, rarities, strict=True):
        scores[hits.documents] += hits.says * np.float32(rarity)
        covered[hits.documents] += np.float32(rarity / whole)
        best[hits.documents] = np.maximum(best[hits.documents], hits.says)
    # The sum of all shares may fall a hair short of one.
    documents = np.flatnonzero((covered >= ENOUGH - 1e-4) & ((covered >= 1 - 1e-4) | (best >= PROMINENT)))
    return documents, scores[documents], np.minimum(covered[documents] + 1e-4, 1)


def _rarity(frequency: int, size: int) -> float:
    """The usual inverse document frequency; never nothing, so that a word of every product still counts."""
    return float(np.log(1 + (size - frequency + 0.5) / (frequency + 0.5))) + 0.1


def _hits(term: Term, segments: Sequence[Segment], offsets: NDArray[np.int64]) -> _Hits:
    """The documents of any alternative, the best one counting."""
    parts = [
        hits
        for alternative in term.alternatives
        for segment, offset in zip(segments, offsets, strict=False)
        if (hits := _of_alternative(alternative, segment, int(offset))) is not None
    ]
    if not parts:
        return _Hits(np.empty(0, np.int64), np.empty(0, np.float32))
    if len(parts) == 1:
        return parts[0]
    documents = np.concatenate([part.documents for part in parts])
    says = np.concatenate([part.says for part in parts])
    order = np.lexsort((-says, documents))
    documents, says = documents[order], says[order]
    first = np.concatenate(([True], documents[1:] != documents[:-1]))
    return _Hits(documents[first], says[first])


def _of_alternative(alternative: Alternative, segment: Segment, offset: int) -> _Hits | None:
    """The documents of a segment that have all its stems."""
    numbers = [segment.stem_number(one) for one in alternative.stems]
    if any(number is None for number in numbers):
        return None
    rarest_first = sorted((number for number in numbers if number is not None), key=segment.frequency)
    postings = segment.postings(rarest_first[0])
    documents, says = postings.documents, postings.impacts.astype(np.float32)
    for number in rarest_first[1:]:
        other = segment.postings(number)
        at = np.minimum(np.searchsorted(other.documents, documents), len(other.documents) - 1)
        both = other.documents[at] == documents
        documents, says = documents[both], np.minimum(says[both], other.impacts[at[both]])
    return _Hits(documents.astype(np.int64) + offset, says * np.float32(alternative.weight / 255))


def _in_name(
    question: Question, segments: Sequence[Segment], offsets: NDArray[np.int64], documents: NDArray[np.int64], size: int
) -> NDArray[np.float32]:
    """The factor by which names that have the words as typed, or corrected, are raised."""
    words = (question.corrected or " ".join(question.typed)).split()
    named = np.zeros(size, np.uint8)
    for word in words:
        for segment, offset in zip(segments, offsets, strict=False):
            if (number := segment.word_number(word)) is not None:
                named[segment.named(number) + offset] += 1
    share = named[documents].astype(np.float32) / max(1, len(words))
    raised = 1 + np.float32(NAME_BONUS) * share + np.float32(WHOLE_NAME_BONUS) * (share >= 1)
    return raised.astype(np.float32)


def _has_phrase(
    phrase: list[str], segments: Sequence[Segment], offsets: NDArray[np.int64], documents: NDArray[np.int64]
) -> NDArray[np.bool_]:
    has = np.zeros(len(documents), bool)
    for segment, low in zip(segments, offsets, strict=False):
        numbers = [segment.stem_number(one) for one in phrase]
        inside = (documents >= low) & (documents < low + segment.size)
        if any(number is None for number in numbers) or not inside.any():
            continue
        stems = [number for number in numbers if number is not None]
        has[inside] = segment.has_phrase(stems, (documents[inside] - low).astype(np.uint32))
    return has
