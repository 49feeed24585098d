"""The columns of all products in memory, with a bitmap for each value of a filter: exact counts in microseconds.

A bitmap has one bit a product, packed into 64-bit words; AND, OR and counting run over a million products in some
twenty microseconds, so no count is ever estimated or left out.
"""

from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from catalog.search.index.build import Arrays
from catalog.search.index.documents import METHODS, MODES, NO_PRICE, SYSTEMS, scaled
from catalog.search.query import PRICE_RANGES, CategoryTree, Search

Bitmap = NDArray[np.uint64]
WORD = 64


def pack(member: NDArray[np.bool_]) -> Bitmap:
    """A bitmap from one boolean a product."""
    packed = np.packbits(member, bitorder="little")
    padded = np.zeros(-(-len(member) // WORD) * 8, np.uint8)
    padded[: len(packed)] = packed
    return padded.view(np.uint64)


def unpack(bitmap: Bitmap, size: int) -> NDArray[np.bool_]:
    """One boolean a product from a bitmap."""
    return np.unpackbits(bitmap.view(np.uint8), count=size, bitorder="little").view(np.bool_)


def ones(bitmap: Bitmap) -> int:
    """How many products are in it."""
    return int(np.bitwise_count(bitmap).sum(dtype=np.int64))


@dataclass(frozen=True, slots=True)
class Order:
    """All products in one order: `documents` in that order, `rank` the place of each, `keys` what was sorted by."""

    documents: NDArray[np.uint32]
    rank: NDArray[np.uint32]
    keys: NDArray[np.int64]

    @classmethod
    def by(cls, keys: NDArray[np.int64]) -> "Order":
        """Ascending by key, ties by document."""
        documents = np.argsort(keys, kind="stable").astype(np.uint32)
        return cls(documents, _ranks(documents), keys[documents])

    def with_more(self, keys: NDArray[np.int64]) -> "Order":
        """The same with further documents, found their places without sorting everything again."""
        more = np.argsort(keys, kind="stable")
        places = np.searchsorted(self.keys, keys[more], side="right")
        documents = np.insert(self.documents, places, (more + len(self.documents)).astype(np.uint32))
        return Order(documents, _ranks(documents), np.insert(self.keys, places, keys[more]))


def _ranks(documents: NDArray[np.uint32]) -> NDArray[np.uint32]:
    rank = np.empty(len(documents), np.uint32)
    rank[documents] = np.arange(len(documents), dtype=np.uint32)
    return rank


def _sort_keys(values: Arrays) -> dict[str, NDArray[np.int64]]:
    """What each order sorts by, ascending; products without a price come last both ways."""
    price = values["price"].astype(np.int64)
    last = np.iinfo(np.int64).max
    return {
        "popular": -values["popularity"].astype(np.int64),
        "newest": -values["published"].astype(np.int64),
        "price": np.where(price == NO_PRICE, last, price),
        "-price": np.where(price == NO_PRICE, last, -price),
    }


def _members(values: Arrays) -> dict[str, dict[str, NDArray[np.bool_]]]:
    """For each filter with fixed values: which products have the value."""
    price = values["price"]
    return {
        "delivery_method": {one: values["method"] == at for at, one in enumerate(METHODS)},
        "operating_system": {one: values["systems"] >> at & 1 > 0 for at, one in enumerate(SYSTEMS)},
        "pricing": {one: values["modes"] >> at & 1 > 0 for at, one in enumerate(MODES)},
        "price": {
            one.slug: (price >= scaled(one.low)) & (True if one.high is None else price < scaled(one.high))
            for one in PRICE_RANGES
        },
    }


class Columns:
    """The columns of one state of the catalogue; never changed once made, so any number of threads may read."""

    def __init__(self, values: Arrays) -> None:
        self.size = len(values["pk"])
        self.pk = np.asarray(values["pk"])
        self.price = np.asarray(values["price"])
        self.published = np.asarray(values["published"])
        self.alive = pack(np.ones(self.size, bool))
        self.categories, category = np.unique(values["category"], return_inverse=True)
        self.sellers, seller = np.unique(values["seller"], return_inverse=True)
        self._seller = seller.astype(np.int32)
        self._seller_totals = np.bincount(self._seller, minlength=len(self.sellers))
        self._bitmaps = {
            group: {value: pack(member) for value, member in members.items()}
            for group, members in _members(values).items()
        }
        self._by_category = [pack(category == at) for at in range(len(self.categories))]
        self.orders = {name: Order.by(keys) for name, keys in _sort_keys(values).items()}
        # How much a product is bought, from 0 to 1; a word's weight is raised by it a little.
        self._most = max(1.0, float(np.log1p(values["popularity"].max(initial=0))))
        self.favour = self._favour(values)
        by_pk = np.argsort(self.pk)
        self._by_pk = by_pk, self.pk[by_pk]

    def _favour(self, values: Arrays) -> NDArray[np.float32]:
        return np.minimum(1, np.log1p(values["popularity"]) / self._most).astype(np.float32)

    def documents_of(self, products: Iterable[int]) -> NDArray[np.int64]:
        """The documents of these product ids, of those that are here."""
        by_pk, pk = self._by_pk
        wanted = np.fromiter(products, np.int64)
        at = np.searchsorted(pk, wanted)
        there = at < len(pk)
        there[there] = pk[at[there]] == wanted[there]
        return by_pk[at[there]]

    def are_alive(self, documents: NDArray[np.int64]) -> NDArray[np.bool_]:
        """For a few documents, whether they are still there."""
        octets = self.alive.view(np.uint8)
        return (octets[documents >> 3] >> (documents & 7).astype(np.uint8) & 1).astype(bool)

    def changed(self, dead: NDArray[np.int64], added: Arrays) -> "Columns":
        """The state in which the `dead` documents are gone and those of `added` follow after the last.

        Costs some milliseconds for a million products: nothing that is sorted is sorted again.
        """
        new = copy(self)
        more = len(added["pk"])
        new.size = self.size + more
        new.pk = np.concatenate([self.pk, added["pk"]])
        new.price = np.concatenate([self.price, added["price"]])
        new.published = np.concatenate([self.published, added["published"]])
        new.favour = np.concatenate([self.favour, self._favour(added)])
        new.categories, category = _numbered(self.categories, added["category"])
        new.sellers, seller = _numbered(self.sellers, added["seller"])
        new._seller = np.concatenate([self._seller, seller.astype(np.int32)])
        # No bitmap but this one knows the dead: every question begins with it.
        new.alive = self._grown(self.alive, np.ones(more, bool))
        np.bitwise_and.at(new.alive.view(np.uint8), dead >> 3, ~(1 << (dead & 7)).astype(np.uint8))
        new._seller_totals = np.bincount(new._seller[unpack(new.alive, new.size)], minlength=len(new.sellers))
        new._bitmaps = {
            group: {value: self._grown(self._bitmaps[group][value], member) for value, member in members.items()}
            for group, members in _members(added).items()
        }
        nothing = np.zeros_like(self.alive)
        known = [*self._by_category, *(nothing for _one in range(len(new.categories) - len(self.categories)))]
        new._by_category = [self._grown(bitmap, category == at) for at, bitmap in enumerate(known)]
        keys = _sort_keys(added)
        new.orders = {name: order.with_more(keys[name]) for name, order in self.orders.items()}
        return new

    def _grown(self, bitmap: Bitmap, member: NDArray[np.bool_]) -> Bitmap:
        grown = np.zeros(-(-(self.size + len(member)) // WORD), np.uint64)
        grown[: len(bitmap)] = bitmap
        at = self.size + np.flatnonzero(member)
        np.bitwise_or.at(grown.view(np.uint8), at >> 3, (1 << (at & 7)).astype(np.uint8))
        return grown

    def matching(self, search: Search, tree: CategoryTree, sellers: dict[str, int], text: Bitmap | None) -> "Matching":
        """What the filters of `search`, and the text's own matches, leave over.

        Args:
            sellers: seller ids by slug, for those in the search.
            text: the products that match the text; None without text.
        """
        chosen: dict[str, Bitmap] = {}
        if search.category:
            wanted = {pk for slug in search.category for pk in tree.ids_below(slug)}
            chosen["category"] = self._any(
                self._by_category[at] for at, pk in enumerate(self.categories) if pk in wanted
            )
        for group in ("delivery_method", "operating_system", "pricing"):
            if values := getattr(search, group):
                chosen[group] = self._any(self._bitmaps[group][value] for value in values)
        if search.seller:
            chosen["seller"] = pack(
                np.isin(self._seller, np.flatnonzero(np.isin(self.sellers, list(sellers.values()))))
            )
        if search.has_price:
            chosen["price"] = self._priced(search)
        return Matching(self, chosen, text)

    def _any(self, bitmaps: Iterable[Bitmap]) -> Bitmap:
        found = np.zeros_like(self.alive)
        for bitmap in bitmaps:
            found |= bitmap
        return found

    def _priced(self, search: Search) -> Bitmap:
        by_range = self._bitmaps["price"]
        found = self._any(by_range[slug] for slug in search.price) if search.price else self.alive
        if search.min_price is not None:
            found = found & pack(self.price >= -scaled(-search.min_price))
        if search.max_price is not None:
            found = found & pack((self.price != NO_PRICE) & (self.price <= scaled(search.max_price)))
        return found

    def counts_of(self, group: str, within: Bitmap) -> dict[int, int] | dict[str, int]:
        """Products by value of the group, among those of `within`."""
        if group == "category":
            bitmaps = zip(self.categories, self._by_category, strict=True)
            return {int(pk): ones(within & bitmap) for pk, bitmap in bitmaps}
        if group == "seller":
            return self._seller_counts(within)
        return {value: ones(within & bitmap) for value, bitmap in self._bitmaps[group].items()}

    def _seller_counts(self, within: Bitmap) -> dict[int, int]:
        if within is self.alive:
            counted = self._seller_totals
        else:
            counted = np.bincount(self._seller[unpack(within, self.size)], minlength=len(self.sellers))
        return {int(self.sellers[at]): int(counted[at]) for at in np.flatnonzero(counted)}


class Matching:
    """The products that pass all filters, and those that pass all but one group's."""

    def __init__(self, columns: Columns, chosen: dict[str, Bitmap], text: Bitmap | None) -> None:
        self._columns = columns
        self._chosen = chosen
        self._start = columns.alive if text is None else text & columns.alive
        self.all = self._but("")
        self.total = ones(self.all)

    def _but(self, group: str) -> Bitmap:
        found = self._start
        for name, bitmap in self._chosen.items():
            if name != group:
                found = found & bitmap
        return found

    def counts(self, groups: Iterable[str]) -> dict[str, dict[int, int] | dict[str, int]]:
        """Products by value for each group, its own choice left out."""
        return {
            group: self._columns.counts_of(group, self._but(group) if group in self._chosen else self.all)
            for group in groups
        }


def _numbered(known: NDArray[Any], values: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """The known values with the new ones behind them, and the number of each of `values` among them."""
    every = np.concatenate([known, np.setdiff1d(values, known)])
    order = np.argsort(every)
    return every, order[np.searchsorted(every, values, sorter=order)]
