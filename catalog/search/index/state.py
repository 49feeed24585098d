"""One state of the index: what a question is asked against. Immutable; a new state replaces it as a whole."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from catalog.search.engine import Answer
from catalog.search.index.analysis import fold, words_of
from catalog.search.index.build import COLUMNS
from catalog.search.index.columns import Bitmap, Columns, Matching, Order, pack, unpack
from catalog.search.index.documents import NAME, Document
from catalog.search.index.question import Question, Reader, Thesaurus
from catalog.search.index.ranking import Ranked, rank
from catalog.search.index.segment import Segment
from catalog.search.query import GROUPS, CategoryTree, Search

# Words after the last that are looked through for suggestions, the most frequent first.
MOST_COMPLETIONS = 50
LOOKED_THROUGH = 2_000
# Fewer results than this, and another spelling is tried for "Did you mean".
FEW = 3
# Up to so many documents are looked at from the front of an order before all are.
FRONT = 1 << 16


class State:
    """A large segment, mapped from files, and a small one of what changed since.

    Args:
        main: the segment that was built.
        base: its columns.
        changed: documents of products that changed since, or are new.
        gone: ids of products that changed or vanished since: their documents in `main` are dead.
    """

    def __init__(
        self,
        main: Segment,
        base: Columns,
        thesaurus: Thesaurus,
        changed: Iterable[Document] = (),
        gone: Iterable[int] = (),
    ) -> None:
        self.main, self.base, self.thesaurus = main, base, thesaurus
        self.changed = {document.pk: document for document in changed}
        self.gone = frozenset(gone)
        self._segments = [main]
        self._columns = base
        if self.changed or self.gone:
            delta = Segment.of(self.changed.values())
            self._segments = [main, delta]
            self._columns = base.changed(base.documents_of(self.gone), delta.arrays)
        self._reader = Reader(self._segments, thesaurus)
        self._newest = int(self._columns.published.max(initial=0))

    def with_changes(self, changed: Iterable[Document], gone: Iterable[int], thesaurus: Thesaurus | None) -> "State":
        """The next state: `gone` products are taken out, those of `changed` put in."""
        out = frozenset(gone)
        left = {pk: document for pk, document in self.changed.items() if pk not in out}
        left |= {document.pk: document for document in changed}
        return State(self.main, self.base, thesaurus or self.thesaurus, left.values(), self.gone | out)

    @property
    def products(self) -> NDArray[np.int64]:
        """Ids of all products in the index."""
        return self._columns.pk[unpack(self._columns.alive, self._columns.size)]

    def differences(self, document: Document) -> list[str]:
        """The columns and texts in which the index differs from a product's document."""
        segment, own = self._segments[-1], self._segments[-1].arrays["pk"]
        at = np.flatnonzero(own == document.pk) if len(self._segments) > 1 else np.empty(0, np.int64)
        if not len(at):
            segment, at = self.main, self.base.documents_of([document.pk])
        if not len(at):
            return ["place"]
        wrong = [name for name in COLUMNS if int(segment.arrays[name][at[0]]) != getattr(document, name)]
        numbers = map(segment.word_number, document.words[NAME])
        if not all(number is not None and at[0] in segment.named(number) for number in numbers):
            wrong.append("name")
        return wrong

    # --- questions ----------------------------------------------------------------------------------------------

    def answer(self, search: Search, tree: CategoryTree, sellers: dict[str, int], *, first: int, size: int) -> Answer:
        """See `engine.SearchEngine.answer`; `sellers` are the ids of those in the search, by slug."""
        question = self._reader.read(search.text) if search.text else None
        ranked = self._rank(question) if question else None
        matching = self._matching(search, tree, sellers, ranked)
        documents = self._page(search.ordering, matching, ranked, first, size)
        return Answer(
            products=[int(pk) for pk in self._columns.pk[documents]],
            total=matching.total,
            counts=matching.counts(GROUPS),
            corrected=question.corrected if question and matching.total else "",
            meant=self._meant(question, matching.total) if question else "",
        )

    def count(self, search: Search, tree: CategoryTree, sellers: dict[str, int]) -> int:
        """How many products match."""
        question = self._reader.read(search.text) if search.text else None
        return self._matching(search, tree, sellers, self._rank(question) if question else None).total

    def _rank(self, question: Question) -> Ranked:
        return rank(question, self._segments, self._columns, newest=self._newest)

    def _matching(self, search: Search, tree: CategoryTree, sellers: dict[str, int], ranked: Ranked | None) -> Matching:
        text: Bitmap | None = None
        if ranked is not None:
            member = np.zeros(self._columns.size, bool)
            member[ranked.documents] = True
            text = pack(member)
        return self._columns.matching(search, tree, sellers, text)

    def _page(
        self, ordering: str, matching: Matching, ranked: Ranked | None, first: int, size: int
    ) -> NDArray[np.int64]:
        if first >= matching.total:
            return np.empty(0, np.int64)
        member = unpack(matching.all, self._columns.size)
        if ranked is None or ordering != "relevance":
            order = self._columns.orders["popular" if ordering == "relevance" else ordering]
            return _front(order, member, first, size)
        keep = member[ranked.documents]
        documents, scores = ranked.documents[keep], ranked.scores[keep]
        return _best(documents, scores, first, size)

    def _meant(self, question: Question, total: int) -> str:
        """A text that finds something where this one found little: the corrected one, or one with its rarest word mended."""
        if question.corrected and total:
            return ""
        return question.corrected if total < FEW else ""

    # --- suggestions --------------------------------------------------------------------------------------------

    def suggest(self, text: str, size: int) -> list[int]:
        """Products whose name has the words, the last of which may be unfinished; most bought first."""
        words = (
            words_of(text) if text.isascii() else [word for word in words_of(text) if len(word) > 1] or words_of(text)
        )
        if not words:
            words = fold(text).split()
        if not words:
            return []
        unfinished = words[-1] if not text[-1].isspace() else ""
        found = [self._named(words[:-1] if unfinished else words, unfinished, at) for at in range(len(self._segments))]
        documents = np.concatenate(found)
        documents = documents[self._columns.are_alive(documents)]
        best = documents[np.argsort(self._columns.orders["popular"].rank[documents])][:size]
        return [int(pk) for pk in self._columns.pk[best]]

    def _named(self, words: list[str], unfinished: str, at: int) -> NDArray[np.int64]:
        """Documents of a segment by the words of their names, at most some thousand, most bought first."""
        segment = self._segments[at]
        offset = sum(one.size for one in self._segments[:at])
        documents: NDArray[np.uint32] | None = None
        for word in words:
            number = segment.word_number(word)
            named = segment.named(number) if number is not None else np.empty(0, np.uint32)
            documents = named if documents is None else documents[np.isin(documents, named, assume_unique=True)]
        if unfinished:
            among = segment.words_beginning(unfinished)
            counts = segment.arrays["word_count"][among.start : among.stop]
            frequent = np.argsort(-counts, kind="stable")[:MOST_COMPLETIONS]
            parts = [segment.named(among.start + int(one)) for one in frequent]
            parts = [part if documents is not None else part[:LOOKED_THROUGH] for part in parts]
            completed = np.unique(np.concatenate(parts)) if parts else np.empty(0, np.uint32)
            documents = completed if documents is None else documents[np.isin(documents, completed)]
        found = documents if documents is not None else np.empty(0, np.uint32)
        return found[:LOOKED_THROUGH].astype(np.int64) + offset


def _front(order: Order, member: NDArray[np.bool_], first: int, size: int) -> NDArray[np.int64]:
    """The members from the `first` on, in the order; only the front of the order is looked at when that is enough."""
    for until in (FRONT, len(order.documents)):
        documents = order.documents[:until]
        inside = documents[member[documents]]
        if len(inside) >= first + size:
            break
    return inside[first : first + size].astype(np.int64)


def _best(documents: NDArray[np.int64], scores: NDArray[np.float32], first: int, size: int) -> NDArray[np.int64]:
    """The documents of a page by score, ties by document: the same on every page, however deep.

    Only the front is sorted. Scores are positive floats, whose bits sort as they do.
    """
    keys = scores.astype(np.float32).view(np.uint32).astype(np.uint64) << np.uint64(32) | (
        np.uint64(2**32 - 1) - documents.astype(np.uint64)
    )
    last = min(first + size, len(keys))
    front = np.argpartition(keys, len(keys) - last)[len(keys) - last :]
    front = front[np.argsort(keys[front])[::-1]]
    return documents[front[first:last]]
