"""What is asked: reading it from an address, and writing it into one. The address is the state of every listing."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from catalog.choices import BillingMode, DeliveryMethod, OperatingSystem
from catalog.models import Category
from koogallery.kernel.text import clean_text

PAGE_SIZE = 20
LONGEST_TEXT = 200
MOST_VALUES = 50
DEEPEST_PAGE = 100_000
HIGHEST_PRICE = Decimal(10**9)

# Filters whose values are OR-ed; between them stands AND. "price" also takes in the two bounds.
GROUPS = ("category", "operating_system", "delivery_method", "pricing", "seller", "price")

ORDERINGS = {
    "relevance": _("Relevance"),
    "newest": _("Newest"),
    "price": _("Price: low to high"),
    "-price": _("Price: high to low"),
    "popular": _("Most purchased"),
}


@dataclass(frozen=True, slots=True)
class PriceRange:
    """From `low` up to, not including, `high`, in the site's currency; None: without end."""

    low: Decimal
    high: Decimal | None

    @property
    def slug(self) -> str:
        return f"{self.low}-{'' if self.high is None else self.high}"


_EDGES = [Decimal(edge) for edge in (0, 10, 50, 200, 1_000, 5_000)]
PRICE_RANGES = [PriceRange(low, high) for low, high in zip(_EDGES, [*_EDGES[1:], None], strict=True)]
PRICE_RANGE_BY_SLUG = {one.slug: one for one in PRICE_RANGES}


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for. Prices are in the site's currency, for the lowest list price of a product.

    `price` are slugs of `PRICE_RANGES`; `min_price` and `max_price` narrow further, both included. `ignored` names
    the parameters that made no sense.
    """

    text: str = ""
    category: tuple[str, ...] = ()
    operating_system: tuple[str, ...] = ()
    delivery_method: tuple[str, ...] = ()
    pricing: tuple[str, ...] = ()
    seller: tuple[str, ...] = ()
    price: tuple[str, ...] = ()
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    ordering: str = "relevance"
    page: int = 1
    ignored: tuple[str, ...] = ()

    @property
    def has_price(self) -> bool:
        """Whether the price is narrowed in any way."""
        return bool(self.price) or self.min_price is not None or self.max_price is not None

    @property
    def is_filtered(self) -> bool:
        """Whether any filter is set, the text aside."""
        return self.has_price or any(getattr(self, group) for group in GROUPS)


@dataclass(frozen=True, slots=True)
class CategoryTree:
    """All categories, read once: names, children and what a slug includes."""

    roots: list[Category]
    by_slug: dict[str, Category]
    children: dict[int, list[Category]]

    def ids_below(self, slug: str) -> list[int]:
        """The category and its descendants."""
        category = self.by_slug[slug]
        return [category.pk, *(child.pk for child in self.children.get(category.pk, []))]


def category_tree() -> CategoryTree:
    """The whole tree in one query."""
    every = list(Category.objects.all())
    children: dict[int, list[Category]] = {}
    for category in every:
        if category.parent_id:
            children.setdefault(category.parent_id, []).append(category)
    return CategoryTree(
        [category for category in every if category.parent_id is None],
        {category.slug: category for category in every},
        children,
    )


def read_search(data: QueryDict, tree: CategoryTree) -> Search:
    """What the address or the API's query asks for; what makes no sense is left out and named in `ignored`."""
    ignored: list[str] = []

    def chosen(name: str, known: Callable[[str], bool]) -> tuple[str, ...]:
        every = data.getlist(name)
        given = list(dict.fromkeys(value for value in every[:MOST_VALUES] if value))
        kept = tuple(value for value in given if known(value))
        if len(every) > MOST_VALUES or len(kept) != len(given):
            ignored.append(name)
        return kept

    ordering = data.get("ordering") or "relevance"
    if ordering not in ORDERINGS:
        ignored.append("ordering")
        ordering = "relevance"
    low, high = _price(data, "min_price", ignored), _price(data, "max_price", ignored)
    if low is not None and high is not None and low > high:
        ignored.append("max_price")
        high = None
    return Search(
        text=_text(data.get("q", ""), ignored),
        category=chosen("category", tree.by_slug.__contains__),
        operating_system=chosen("operating_system", OperatingSystem.values.__contains__),
        delivery_method=chosen("delivery_method", DeliveryMethod.values.__contains__),
        pricing=chosen("pricing", BillingMode.values.__contains__),
        seller=chosen("seller", lambda slug: len(slug) <= 64 and slug.isascii() and slug.isprintable()),
        price=chosen("price_range", PRICE_RANGE_BY_SLUG.__contains__),
        min_price=low,
        max_price=high,
        ordering=ordering,
        page=_page(data.get("page", "1"), ignored),
        ignored=tuple(ignored),
    )


def _text(given: str, ignored: list[str]) -> str:
    # Cut first: no work is done on what nobody typed by hand.
    if len(given) > LONGEST_TEXT:
        ignored.append("q")
        given = given[:LONGEST_TEXT]
    try:
        return clean_text(given)
    except ValueError:
        if "q" not in ignored:
            ignored.append("q")
        return ""


def _price(data: QueryDict, name: str, ignored: list[str]) -> Decimal | None:
    given = data.get(name, "").strip()
    if not given:
        return None
    try:
        price = Decimal(given[:40])
    except InvalidOperation:
        price = Decimal(-1)
    if not (price.is_finite() and 0 <= price <= HIGHEST_PRICE) or "e" in given.lower() or not given.isascii():
        ignored.append(name)
        return None
    return price


def _page(given: str, ignored: list[str]) -> int:
    if len(given) <= 12 and given.isascii() and given.isdigit() and 1 <= int(given) <= DEEPEST_PAGE:
        return int(given)
    if given:
        ignored.append("page")
    return 1


def without(search: Search, group: str, value: str) -> Search:
    """The search with one choice removed: what a filter chip leads to."""
    if group == "bounds":
        return replace(search, min_price=None, max_price=None, page=1)
    if group == "q":
        return replace(search, text="", page=1)
    left: dict[str, Any] = {group: tuple(one for one in getattr(search, group) if one != value)}
    return replace(search, page=1, **left)


def as_query(search: Search) -> str:
    """The address's query of a search."""
    query = QueryDict(mutable=True)
    if search.text:
        query["q"] = search.text
    for group in ("category", "operating_system", "delivery_method", "pricing", "seller"):
        if values := getattr(search, group):
            query.setlist(group, list(values))
    if search.price:
        query.setlist("price_range", list(search.price))
    for name in ("min_price", "max_price"):
        if (price := getattr(search, name)) is not None:
            query[name] = format(price, "f")
    if search.ordering != "relevance":
        query["ordering"] = search.ordering
    if search.page > 1:
        query["page"] = str(search.page)
    return query.urlencode()
