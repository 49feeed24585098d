"""Finding products with nothing but Postgres: full text, trigrams for mistyped names, and grouped counts.

The shop goes on with it while the index is not there. Up to some ten thousand products it is fast as well.
"""

from django.contrib.postgres.search import SearchQuery, SearchRank, TrigramWordSimilarity
from django.db.models import Count, F, Func, Q, TextField, Value

from catalog.models import Product, ProductQuerySet
from catalog.search.engine import Answer, Suggested
from catalog.search.query import PRICE_RANGE_BY_SLUG, PRICE_RANGES, CategoryTree, Search

SIMILAR_ENOUGH = 0.45


class PostgresEngine:
    """`SearchEngine` on the tables themselves: always current, never unavailable."""

    def answer(self, search: Search, tree: CategoryTree, *, first: int, size: int) -> Answer:
        rows = _filtered(search, tree)
        products = list(_ordered(rows, search).values_list("pk", flat=True)[first : first + size])
        return Answer(products, rows.count(), _counts(search, tree))

    def count(self, search: Search, tree: CategoryTree) -> int:
        return _filtered(search, tree).count()

    def suggest(self, text: str, *, size: int) -> Suggested:
        rows = Product.objects.published()
        for word in text.split():
            rows = rows.filter(name__icontains=word)
        return Suggested(list(rows.order_by("-popularity", "id").values_list("pk", flat=True)[:size]))


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
        rows = _priced(rows, search)
    return rows


def _priced(rows: ProductQuerySet, search: Search) -> ProductQuerySet:
    if search.price:
        within = Q()
        for slug in search.price:
            within |= _within(slug)
        rows = rows.filter(within)
    if search.min_price is not None:
        rows = rows.filter(lowest_price__gte=search.min_price)
    if search.max_price is not None:
        rows = rows.filter(lowest_price__lte=search.max_price)
    return rows


def _within(slug: str) -> Q:
    one = PRICE_RANGE_BY_SLUG[slug]
    low = Q(lowest_price__gte=one.low)
    return low if one.high is None else low & Q(lowest_price__lt=one.high)


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


def _counts(search: Search, tree: CategoryTree) -> dict[str, dict[int, int] | dict[str, int]]:
    """The counts of every group in one query."""
    columns = {
        "category": Func(F("category_id"), function="text", output_field=TextField()),
        "operating_system": Func(F("operating_systems"), function="unnest", output_field=TextField()),
        "delivery_method": F("delivery_method"),
        "pricing": Func(F("billing_modes"), function="unnest", output_field=TextField()),
        "seller": Func(F("seller_id"), function="text", output_field=TextField()),
    }
    parts = [
        _filtered(search, tree, without=group)
        .order_by()
        .annotate(group=Value(group, output_field=TextField()), value=value)
        .values("group", "value")
        .annotate(products=Count("pk"))
        .values_list("group", "value", "products")
        for group, value in columns.items()
    ]
    parts += [
        _filtered(search, tree, without="price")
        .filter(_within(one.slug))
        .order_by()
        .annotate(group=Value("price", output_field=TextField()), value=Value(one.slug, output_field=TextField()))
        .values("group", "value")
        .annotate(products=Count("pk"))
        .values_list("group", "value", "products")
        for one in PRICE_RANGES
    ]
    counted: dict[str, dict[str, int]] = {group: {} for group in (*columns, "price")}
    for group, value, products in parts[0].union(*parts[1:], all=True):
        counted[group][value] = products
    by_id = {group: {int(pk): products for pk, products in counted[group].items()} for group in ("category", "seller")}
    return {**counted, **by_id}
