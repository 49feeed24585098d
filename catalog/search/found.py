"""What a search found, as pages and programs print it; and what completes a text while it is typed."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

import structlog
from django.core.paginator import Page, Paginator
from django.db.models import Exists, OuterRef, Q

from accounts.models import Seller
from catalog.choices import BillingMode, DeliveryMethod, OperatingSystem
from catalog.models import Category, Product
from catalog.search import engine as engines
from catalog.search.engine import Answer, EngineUnavailable, Facet, SearchEngine
from catalog.search.query import DEEPEST_PAGE, PAGE_SIZE, PRICE_RANGES, CategoryTree, PriceRange, Search

log = structlog.get_logger(__name__)

# A marketplace with more sellers lists those with the most matches, and the chosen ones.
MOST_SELLERS = 40
SUGGESTED_PRODUCTS = 6
SUGGESTED_OTHERS = 3

Result = TypeVar("Result")

if TYPE_CHECKING:
    ProductPaginator = Paginator[Product]
else:
    ProductPaginator = Paginator


@dataclass(frozen=True, slots=True)
class Found:
    """A page of products with the counts of every group.

    Attributes:
        corrected: the text that was searched in place of a mistyped one; empty when it was not.
        meant: a text that would find more.
        reduced: the search index was not there; Postgres answered.
    """

    search: Search
    page: "Page[Product]"
    total: int
    facets: dict[str, list[Facet]] = field(default_factory=dict)
    corrected: str = ""
    meant: str = ""
    reduced: bool = False


@dataclass(frozen=True, slots=True)
class Suggestions:
    """What completes a text: products, sellers, categories, each best first."""

    products: list[Product]
    sellers: list[Seller]
    categories: list[Category]


class _Counted(ProductPaginator):
    """A paginator that knows how many there are; its pages are filled by an engine."""

    def __init__(self, total: int, page_size: int) -> None:
        super().__init__([], page_size)
        # The parent's cached property: nobody has to count again.
        self.__dict__["count"] = total


def find(search: Search, tree: CategoryTree, *, page_size: int = PAGE_SIZE) -> Found:
    """The asked page and all counts. A page behind the last one is the last one."""
    first = (search.page - 1) * page_size
    answer, reduced = _ask(lambda engine: engine.answer(search, tree, first=first, size=page_size))
    paginator = _Counted(answer.total, page_size)
    number = min(search.page, paginator.num_pages, DEEPEST_PAGE)
    if number != search.page:
        search = replace(search, page=number)
        first = (number - 1) * page_size
        answer, reduced = _ask(lambda engine: engine.answer(search, tree, first=first, size=page_size))
    return Found(
        search,
        Page(in_order(answer.products), number, paginator),
        answer.total,
        _facets(answer, search, tree),
        answer.corrected,
        answer.meant,
        reduced,
    )


def count(search: Search, tree: CategoryTree) -> int:
    """How many products match."""
    return _ask(lambda engine: engine.count(search, tree))[0]


def suggest(text: str, tree: CategoryTree) -> Suggestions:
    """Products, sellers and categories that the text may be the beginning of."""
    text = " ".join(text.split())
    if not text:
        return Suggestions([], [], [])
    suggested, _reduced = _ask(lambda engine: engine.suggest(text, size=SUGGESTED_PRODUCTS))
    begins = Q(name__istartswith=text) | Q(name__icontains=f" {text}")
    sellers = Seller.objects.filter(begins, frozen_at=None).order_by("name")[:SUGGESTED_OTHERS]
    wanted = text.casefold()
    categories = [
        category
        for category in tree.by_slug.values()
        if any(word.startswith(wanted) for word in (category.name.casefold(), *category.name.casefold().split()))
    ]
    return Suggestions(in_order(suggested.products), list(sellers), categories[:SUGGESTED_OTHERS])


def in_order(ids: list[int]) -> list[Product]:
    """The products of these ids that are still listed, in this order, in one query."""
    if not ids:
        return []
    rows = Product.objects.published().with_card_columns().in_bulk(ids)
    return [rows[pk] for pk in ids if pk in rows]


def _ask(question: Callable[[SearchEngine], Result]) -> tuple[Result, bool]:
    """The answer of the engine of the settings, or of Postgres and True when that cannot answer."""
    try:
        return question(engines.chosen()), False
    except EngineUnavailable as why:
        log.warning("search_reduced", why=str(why))
        return question(engines.fallback()), True


# --- facets with names ------------------------------------------------------------------------------------------


def _facets(answer: Answer, search: Search, tree: CategoryTree) -> dict[str, list[Facet]]:
    methods = [one for one in DeliveryMethod.choices if one[0] != DeliveryMethod.ECS]
    return {
        "category": _categories(answer.counts["category"], tree),
        "operating_system": _known(answer.counts["operating_system"], OperatingSystem.choices),
        "delivery_method": _known(answer.counts["delivery_method"], methods),
        "pricing": _known(answer.counts["pricing"], BillingMode.choices),
        "seller": _sellers(answer.counts["seller"], search),
        "price": _known(answer.counts["price"], [(one.slug, range_label(one)) for one in PRICE_RANGES]),
    }


def range_label(one: PriceRange) -> str:
    """Such as "10 to 50"; the upper bound is not included."""
    if one.high is None:
        return f"{one.low:,} +"
    return f"{one.low:,} – {one.high:,}"


def _known(counted: Any, choices: Any) -> list[Facet]:
    """Every known value, with 0 where nothing has it."""
    return [Facet(slug, str(label), counted.get(slug, 0)) for slug, label in choices]


def _categories(counted: Any, tree: CategoryTree) -> list[Facet]:
    """A parent counts its descendants (API.md)."""
    facets = []
    for root in tree.roots:
        below = [Facet(one.slug, one.name, counted.get(one.pk, 0)) for one in tree.children.get(root.pk, [])]
        facets.append(Facet(root.slug, root.name, counted.get(root.pk, 0) + sum(one.count for one in below)))
        facets += below
    return facets


def _sellers(counted: Any, search: Search) -> list[Facet]:
    """Every seller with something on sale, with 0 where nothing matches; of very many the best and the chosen ones."""
    sellers: list[Seller] = []
    few = len(counted) <= MOST_SELLERS
    if few:
        on_sale = Product.objects.published().filter(seller=OuterRef("pk"))
        sellers = list(Seller.objects.filter(Exists(on_sale)).only("slug", "name")[: MOST_SELLERS + 1])
    if not few or len(sellers) > MOST_SELLERS:
        best = sorted(counted, key=lambda pk: (-counted[pk], pk))[:MOST_SELLERS]
        named = Seller.objects.filter(Q(pk__in=best) | Q(slug__in=search.seller, frozen_at=None))
        sellers = list(named.only("slug", "name"))
    facets = [Facet(one.slug, one.name, counted.get(one.pk, 0)) for one in sellers]
    return sorted(facets, key=lambda facet: (-facet.count, facet.name))
