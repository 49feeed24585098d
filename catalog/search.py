"""Finding products: text, facets with true counts, order, page. One function behind the page and the API.

OR inside a group of filters, AND between groups; a group's own choice does not narrow its own counts.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from django.contrib.postgres.search import SearchQuery, SearchRank, TrigramWordSimilarity
from django.core.paginator import Page, Paginator
from django.db.models import Count, F, Func, Q, TextField, Value
from django.http import QueryDict

from catalog.choices import BillingMode, DeliveryMethod, OperatingSystem
from catalog.models import Category, Product, ProductQuerySet
from koogallery.kernel.text import clean_text

PAGE_SIZE = 20
LONGEST_TEXT = 200
MOST_VALUES = 50
DEEPEST_PAGE = 100_000
SIMILAR_ENOUGH = 0.45

GROUPS = ("category", "operating_system", "delivery_method", "pricing", "seller", "price")

ORDERINGS = {
    "relevance": "Relevance",
    "newest": "Newest",
    "price": "Price: low to high",
    "-price": "Price: high to low",
    "popular": "Most purchased",
}


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for. Prices are in the site's currency, for the lowest list price of a product."""

    text: str = ""
    category: tuple[str, ...] = ()
    operating_system: tuple[str, ...] = ()
    delivery_method: tuple[str, ...] = ()
    pricing: tuple[str, ...] = ()
    seller: tuple[str, ...] = ()
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    ordering: str = "relevance"
    page: int = 1
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Facet:
    """One value of a group: how many products there would be with it."""

    slug: str
    name: str
    count: int


@dataclass(frozen=True, slots=True)
class Found:
    """A page of products with the counts of every group."""

    search: Search
    page: Page[Product]
    total: int
    facets: dict[str, list[Facet]] = field(default_factory=dict)


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


# --- reading what was asked ------------------------------------------------------------------------------------


def read_search(data: QueryDict, tree: CategoryTree) -> Search:
    """What the address or the API's query asks for; what makes no sense is left out and named in `ignored`."""
    ignored: list[str] = []

    def chosen(name: str, known: Callable[[str], bool]) -> tuple[str, ...]:
        given = list(dict.fromkeys(value for value in data.getlist(name)[:MOST_VALUES] if value))
        if len(kept := [value for value in given if known(value)]) != len(given):
            ignored.append(name)
        return tuple(kept)

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
        seller=chosen("seller", lambda slug: len(slug) <= 64 and slug.isascii()),
        min_price=low,
        max_price=high,
        ordering=ordering,
        page=_page(data.get("page", "1"), ignored),
        ignored=tuple(ignored),
    )


def _text(given: str, ignored: list[str]) -> str:
    try:
        text = clean_text(given)
    except ValueError:
        ignored.append("q")
        return ""
    if len(text) > LONGEST_TEXT:
        ignored.append("q")
    return text[:LONGEST_TEXT]


def _price(data: QueryDict, name: str, ignored: list[str]) -> Decimal | None:
    given = data.get(name, "").strip()
    if not given:
        return None
    try:
        price = Decimal(given)
    except InvalidOperation:
        price = Decimal(-1)
    if not (price.is_finite() and 0 <= price <= 10**9) or "e" in given.lower():
        ignored.append(name)
        return None
    return price


def _page(given: str, ignored: list[str]) -> int:
    if given.isascii() and given.isdigit() and 1 <= int(given[:12]) <= DEEPEST_PAGE and len(given) <= 12:
        return int(given)
    if given:
        ignored.append("page")
    return 1


# --- answering -------------------------------------------------------------------------------------------------


def find(search: Search, tree: CategoryTree, *, page_size: int = PAGE_SIZE) -> Found:
    """The asked page and all counts, in three queries."""
    rows = _filtered(search, tree)
    total = rows.count()
    ordered = _ordered(rows, search).with_card_columns()
    paginator = Paginator(ordered, page_size)
    paginator.count = total  # counted above already
    return Found(search, paginator.get_page(search.page), total, _facets(search, tree))


def count(search: Search, tree: CategoryTree) -> int:
    """How many products match."""
    return _filtered(search, tree).count()


def _filtered(search: Search, tree: CategoryTree, without: str = "") -> ProductQuerySet:
    """Published products that match, the group `without` left out."""
    rows = Product.objects.published()
    if search.text:
        query = SearchQuery(search.text, config="english", search_type="websearch")
        similar = TrigramWordSimilarity(search.text, "name")
        rows = rows.annotate(similar=similar).filter(
            Q(search_vector=query) | Q(similar__gte=SIMILAR_ENOUGH) | Q(seller__name__icontains=search.text)
        )
    if search.category and without != "category":
        rows = rows.filter(category_id__in={pk for slug in search.category for pk in tree.ids_below(slug)})
    if search.operating_system and without != "operating_system":
        rows = rows.filter(operating_systems__overlap=list(search.operating_system))
    if search.delivery_method and without != "delivery_method":
        rows = rows.filter(delivery_method__in=search.delivery_method)
    if search.pricing and without != "pricing":
        rows = rows.filter(billing_modes__overlap=list(search.pricing))
    if search.seller and without != "seller":
        rows = rows.filter(seller__slug__in=search.seller)
    if without != "price":
        if search.min_price is not None:
            rows = rows.filter(lowest_price__gte=search.min_price)
        if search.max_price is not None:
            rows = rows.filter(lowest_price__lte=search.max_price)
    return rows


def _ordered(rows: ProductQuerySet, search: Search) -> ProductQuerySet:
    match search.ordering:
        case "newest":
            return rows.order_by("-published_at", "id")
        case "price":
            return rows.order_by(F("lowest_price").asc(nulls_last=True), "id")
        case "-price":
            return rows.order_by(F("lowest_price").desc(nulls_last=True), "id")
        case "relevance" if search.text:
            query = SearchQuery(search.text, config="english", search_type="websearch")
            rank = SearchRank(F("search_vector"), query) + F("similar")
            return rows.annotate(rank=rank).order_by("-rank", "-popularity", "id")
    return rows.order_by("-popularity", "id")


def _facets(search: Search, tree: CategoryTree) -> dict[str, list[Facet]]:
    """The counts of every group in one query."""
    columns = {
        "category": (F("category__slug"), Value("")),
        "operating_system": (Func(F("operating_systems"), function="unnest", output_field=TextField()), Value("")),
        "delivery_method": (F("delivery_method"), Value("")),
        "pricing": (Func(F("billing_modes"), function="unnest", output_field=TextField()), Value("")),
        "seller": (F("seller__slug"), F("seller__name")),
    }
    parts = [
        _filtered(search, tree, without=group)
        .order_by()
        .annotate(group=Value(group, output_field=TextField()), slug_=slug, label=label)
        .values("group", "slug_", "label")
        .annotate(products=Count("pk"))
        .values_list("group", "slug_", "label", "products")
        for group, (slug, label) in columns.items()
    ]
    counted: dict[str, dict[str, tuple[str, int]]] = {group: {} for group in columns}
    for group, slug, label, products in parts[0].union(*parts[1:], all=True):
        counted[group][slug] = (label, products)
    return {
        "category": _category_facets(counted["category"], tree),
        "operating_system": _known(counted["operating_system"], OperatingSystem.choices),
        "delivery_method": _known(
            counted["delivery_method"], [one for one in DeliveryMethod.choices if one[0] != DeliveryMethod.ECS]
        ),
        "pricing": _known(counted["pricing"], BillingMode.choices),
        "seller": sorted(
            (Facet(slug, label, products) for slug, (label, products) in counted["seller"].items()),
            key=lambda facet: (-facet.count, facet.name),
        ),
    }


def _known(counted: dict[str, tuple[str, int]], choices: Iterable[tuple[str, object]]) -> list[Facet]:
    """Every known value, with 0 where nothing has it."""
    return [Facet(slug, str(label), counted.get(slug, ("", 0))[1]) for slug, label in choices]


def _category_facets(counted: dict[str, tuple[str, int]], tree: CategoryTree) -> list[Facet]:
    """A parent counts its descendants (API.md)."""
    facets = []
    for root in tree.roots:
        children = tree.children.get(root.pk, [])
        own = counted.get(root.slug, ("", 0))[1]
        below = [Facet(child.slug, child.name, counted.get(child.slug, ("", 0))[1]) for child in children]
        facets.append(Facet(root.slug, root.name, own + sum(one.count for one in below)))
        facets += below
    return facets


def without(search: Search, group: str, value: str) -> Search:
    """The search with one choice removed: what a filter chip leads to."""
    if group == "price":
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
    for name in ("min_price", "max_price"):
        if (price := getattr(search, name)) is not None:
            query[name] = format(price, "f")
    if search.ordering != "relevance":
        query["ordering"] = search.ordering
    if search.page > 1:
        query["page"] = str(search.page)
    return query.urlencode()
