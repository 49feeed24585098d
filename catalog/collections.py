"""Collections that operators keep, as the home page and category pages show them."""

from dataclasses import dataclass

from django.db.models import F, Window
from django.db.models.functions import RowNumber

from catalog.listing import card
from catalog.models import Category, Collection, CollectionItem, Product
from koogallery.kernel.web.parts import ProductCard

SHOWN = 6


@dataclass(frozen=True, slots=True)
class Shelf:
    """A collection with its first products."""

    title: str
    text: str
    url: str
    cards: list[ProductCard]


def shelves(category: Category | None) -> list[Shelf]:
    """The collections of the home page (None) or of a category's page that have something on sale, in two queries."""
    rows = Collection.objects.on_home() if category is None else Collection.objects.of_category(category)
    collections = list(rows)
    if not collections:
        return []
    listed = Product.objects.published()
    place = Window(RowNumber(), partition_by="collection", order_by=["position", "id"])
    ranked = CollectionItem.objects.filter(collection__in=collections, product__in=listed).annotate(place=place)
    items = (
        ranked.filter(place__lte=SHOWN)
        .select_related("product__seller", "product__category")
        .defer("product__description", "product__search_vector", "product__requirement_template")
        .order_by("collection", F("place"))
    )
    cards: dict[int, list[ProductCard]] = {}
    for item in items:
        cards.setdefault(item.collection_id, []).append(card(item.product))
    return [Shelf(one.title, one.text, one.get_absolute_url(), cards[one.pk]) for one in collections if one.pk in cards]
