"""A text that somebody typed, taken apart: words, phrases, and for each word what it may stand for.

A word stands for its stem. A word that no product has is, in this order: the beginning of words, two words written
together, or mistyped. Every alternative weighs less than the word itself.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import OSA

from catalog.search.index.analysis import STOP_WORDS, fold, is_cjk, key, stem, words_of
from catalog.search.index.segment import Segment

MOST_WORDS = 24
SHORTEST_PREFIX = 2
MOST_COMPLETIONS = 64
SHORTEST_MISTYPED = 4
SHORTEST_MISTYPED_TWICE = 8
MOST_CORRECTIONS = 3

# What an alternative is worth beside the word as typed.
SYNONYM = 0.85
COMPLETION = 0.8
TOGETHER = 0.9
CORRECTION = 0.7

_quoted = re.compile(r'"([^"]*)"|“([^”]*)”|「([^」]*)」')


@dataclass(slots=True)
class Alternative:
    """Stems that a document must have, all of them, to be found by this reading of a word."""

    stems: tuple[str, ...]
    weight: float


@dataclass(slots=True)
class Term:
    """One word, or one phrase with blanks that has synonyms, and what it may stand for."""

    typed: str
    alternatives: list[Alternative] = field(default_factory=list)
    corrected: str = ""


@dataclass(slots=True)
class Question:
    """The whole text.

    Attributes:
        terms: the words; a product is found by most of them (see `ranking.py`).
        phrases: stems that must stand side by side.
        corrected: the text with mistyped words replaced; empty when none was.
        typed: the words as typed, for exact names.
    """

    terms: list[Term]
    phrases: list[list[str]]
    corrected: str
    typed: list[str]


class Thesaurus:
    """Synonyms: groups of words and phrases that mean the same, by the stems of each."""

    def __init__(self, groups: Iterable[Sequence[str]]) -> None:
        self._others: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
        self.longest = 1
        for group in groups:
            members = [tuple(map(stem, words_of(text))) for text in group]
            members = [member for member in dict.fromkeys(members) if member]
            for member in members:
                self._others.setdefault(member, []).extend(other for other in members if other != member)
                self.longest = max(self.longest, len(member))

    def others(self, stems: tuple[str, ...]) -> list[tuple[str, ...]]:
        """What else means the same."""
        return self._others.get(stems, [])


class Reader:
    """Takes texts apart with the words of the segments at hand."""

    def __init__(self, segments: Sequence[Segment], thesaurus: Thesaurus) -> None:
        self._segments = segments
        self._thesaurus = thesaurus
        self._lexicons = [_Lexicon(segment) for segment in segments]

    def read(self, text: str) -> Question:
        """The question that the text asks. Quotes that do not close are nothing."""
        phrases = []
        for groups in _quoted.findall(text):
            stems = [stem(word) for word in words_of(next(filter(None, groups), ""))]
            if len(stems) > 1:
                phrases.append(stems[:MOST_WORDS])
        words = _asked(text)
        terms, at = [], 0
        while at < len(words):
            length, term = self._term(words, at)
            terms.append(term)
            at += length
        terms = _without_seams(terms)
        corrected = ""
        if any(term.corrected for term in terms):
            corrected = " ".join(term.corrected or term.typed for term in terms)
        return Question(terms, phrases, corrected, words)

    def known(self, word: str) -> bool:
        """Whether a product has the word or another form of it."""
        return self._frequency(stem(word)) > 0

    def _frequency(self, stem_: str) -> int:
        return sum(
            segment.frequency(number)
            for segment in self._segments
            if (number := segment.stem_number(stem_)) is not None
        )

    def _term(self, words: list[str], at: int) -> tuple[int, Term]:
        """The term that begins at a word, and how many words it takes: synonyms may be phrases."""
        for length in range(min(self._thesaurus.longest, len(words) - at), 1, -1):
            part = tuple(map(stem, words[at : at + length]))
            if others := self._thesaurus.others(part):
                alternatives = [Alternative(part, 1.0), *(Alternative(other, SYNONYM) for other in others)]
                return length, Term(" ".join(words[at : at + length]), alternatives)
        word = words[at]
        term = Term(word)
        own = (stem(word),)
        synonyms = [Alternative(other, SYNONYM) for other in self._thesaurus.others(own)]
        # "help desk" finds a helpdesk.
        joined = [word + words[at + 1]] if at + 1 < len(words) else []
        joined += [words[at - 1] + word] if at else []
        together = [Alternative((stem(one),), TOGETHER) for one in joined if self.known(one)]
        if self.known(word):
            term.alternatives = [Alternative(own, 1.0), *synonyms, *together]
        else:
            term.alternatives = [*synonyms, *together] or self._guesses(word, term)
        return 1, term

    def _guesses(self, word: str, term: Term) -> list[Alternative]:
        """What a word that no product has may stand for."""
        if is_cjk(word):
            return []
        if completions := self._completions(word):
            return [Alternative((one,), COMPLETION) for one in completions]
        if parts := self._two_words(word):
            return [Alternative(parts, TOGETHER)]
        if corrections := self._corrections(word):
            term.corrected = corrections[0]
            found = [Alternative((stem(one),), CORRECTION) for one in corrections]
            return found + [
                Alternative(other, CORRECTION * SYNONYM) for other in self._thesaurus.others((stem(corrections[0]),))
            ]
        return []

    def _completions(self, prefix: str) -> list[str]:
        """The stems of the most frequent words that begin so."""
        if len(prefix) < SHORTEST_PREFIX:
            return []
        counted: dict[str, int] = {}
        for segment in self._segments:
            among = segment.words_beginning(prefix)
            counts = segment.arrays["word_count"][among.start : among.stop]
            for at in np.argsort(-counts, kind="stable")[:MOST_COMPLETIONS]:
                word = segment.words[among.start + int(at)].decode()
                counted[stem(word)] = counted.get(stem(word), 0) + int(counts[at])
        return sorted(counted, key=lambda one: -counted[one])[:MOST_COMPLETIONS]

    def _two_words(self, word: str) -> tuple[str, ...] | None:
        """The two known words that it is made of, the more frequent pair first."""
        cuts = [(word[:at], word[at:]) for at in range(3, len(word) - 2)]
        best = max(cuts, key=lambda cut: min(map(self._frequency, map(stem, cut))), default=None)
        if best is None or not all(map(self.known, best)):
            return None
        return tuple(map(stem, best))

    def _corrections(self, word: str) -> list[str]:
        """The nearest words that products have, best first."""
        if len(word) < SHORTEST_MISTYPED or word.isdigit():
            return []
        found: dict[str, tuple[int, int, int]] = {}
        for lexicon in self._lexicons:
            for near, distance, count in lexicon.near(word):
                before = found.get(near)
                found[near] = (distance, int(near[0] != word[0]), -count + (before[2] if before else 0))
        if not found:
            return []
        ranked = sorted(found, key=lambda near: found[near])
        nearest = found[ranked[0]][:2]
        return [near for near in ranked if found[near][:2] == nearest][:MOST_CORRECTIONS]


def _without_seams(terms: list[Term]) -> list[Term]:
    """Two words written without a blank make a pair of signs that no text has where they meet: that asks nothing."""
    signs = [term for term in terms if is_cjk(term.typed)]
    known = [term for term in signs if term.alternatives]
    if 2 * len(known) < len(signs):
        return terms
    return [term for term in terms if term.alternatives or not is_cjk(term.typed)]


def _asked(text: str) -> list[str]:
    """The words of a question. Stop words count only where nothing else is left; signs that pair up need no singles."""
    found = [word for word in words_of(text) if not (len(word) == 1 and is_cjk(word))]
    if not found:
        found = words_of(text) or [word for word in fold(text).split() if word in STOP_WORDS]
    return list(dict.fromkeys(found))[:MOST_WORDS]


class _Lexicon:
    """The words of a segment for finding mistyped ones: letters as bits first, the edit distance for the few left."""

    def __init__(self, segment: Segment) -> None:
        self._segment = segment
        self._signatures: NDArray[np.uint64] | None = None
        self._lengths: NDArray[np.int64] | None = None

    def near(self, word: str) -> list[tuple[str, int, int]]:
        """Words within one typing mistake, two for long ones, with the number of mistakes and of uses."""
        if not len(self._segment.words) or not word.isascii():
            return []
        most = 2 if len(word) >= SHORTEST_MISTYPED_TWICE else 1
        if self._signatures is None or self._lengths is None:
            self._lengths, self._signatures = _signatures(self._segment.words)
        # A mistake changes at most two letters of the set.
        differing = np.bitwise_count(self._signatures ^ np.uint64(_signature(key(word))))
        close = np.flatnonzero((differing <= 2 * most) & (np.abs(self._lengths - len(word)) <= most))
        counts = self._segment.arrays["word_count"]
        found = []
        for at in close:
            candidate = self._segment.words[at].decode()
            distance = OSA.distance(word, candidate, score_cutoff=most)
            if distance <= most and not candidate.isdigit() and counts[at] and _plausible(word, candidate):
                found.append((candidate, distance, int(counts[at])))
        return found


def _plausible(word: str, candidate: str) -> bool:
    """In four letters another letter makes another word, so only swapped, missing and doubled letters count there."""
    return len(word) > SHORTEST_MISTYPED or len(candidate) != len(word) or sorted(word) == sorted(candidate)


def _signature(word: bytes) -> int:
    bits = 0
    for letter in word:
        bits |= 1 << (letter & 63)
    return bits


def _signatures(words: NDArray[np.bytes_]) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """The length in bytes of each word, and the set of its letters as bits."""
    letters = words.view(np.uint8).reshape(len(words), -1) if len(words) else np.zeros((0, 1), np.uint8)
    bits = np.zeros(len(words), np.uint64)
    for column in letters.T:
        bits |= np.where(column > 0, np.uint64(1) << (column & 63).astype(np.uint64), np.uint64(0))
    return (letters > 0).sum(axis=1), bits
