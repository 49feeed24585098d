"""What the index knows of a product, read from the database."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal
from itertools import islice
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, TextField, Value
from django.db.models.functions import Concat

from catalog.choices import BillingMode, DeliveryMethod, OperatingSystem
from catalog.models import Attribute, Category, CustomerCase, Product, Specification
from catalog.search.index.analysis import words_of

# Prices are compared as whole hundred-millionths of the currency's unit, so that a bound is exact.
PRICE_SCALE = 10**8
NO_PRICE = -1

METHODS = tuple(DeliveryMethod.values)
SYSTEMS = tuple(OperatingSystem.values)
MODES = tuple(BillingMode.values)

# How much a word says by where it stands, and how many words such a field has as a rule.
FIELDS = {
    "name": (10.0, 3.0),
    "seller": (4.0, 2.0),
    "category": (4.0, 4.0),
    "tagline": (3.5, 12.0),
    "specifications": (2.0, 4.0),
    "facts": (1.5, 4.0),
    "highlights": (1.5, 25.0),
    "description": (1.0, 90.0),
    "cases": (0.5, 60.0),
}
NAME = tuple(FIELDS).index("name")

CHUNK = 2_000
_BLANK = Value(" ")
_TEXT_OF_CASE = Concat("customer", _BLANK, "title", _BLANK, "text", output_field=TextField())


@dataclass(frozen=True, slots=True)
class Document:
    """A product as the index sees it.

    Attributes:
        words: the words of each field of `FIELDS`, in that order.
        price: the lowest list price in hundred-millionths, or `NO_PRICE`.
        systems, modes: bit sets over `SYSTEMS` and `MODES`.
        published: seconds since 1970.
    """

    pk: int
    words: tuple[list[str], ...]
    category: int
    seller: int
    method: int
    systems: int
    modes: int
    price: int
    published: int
    popularity: int


def documents(only: Iterable[int] | None = None) -> Iterator[Document]:
    """The products that the storefront lists, most bought first; with `only`, those of these ids.

    One walk with a server-side cursor; memory does not grow with the number of products.
    """
    names = {category.pk: category for category in Category.objects.all()}
    rows = Product.objects.published().order_by("-popularity", "id")
    if only is not None:
        rows = rows.filter(pk__in=list(only))
    sold = Specification.objects.filter(product=OuterRef("pk"), removed_at=None)
    attributes = Attribute.objects.filter(specification__product=OuterRef("pk"), specification__removed_at=None)
    cases = CustomerCase.objects.filter(product=OuterRef("pk"))
    values = rows.annotate(
        specification_names=ArraySubquery(sold.values("name")),
        attribute_names=ArraySubquery(attributes.values("name")),
        case_texts=ArraySubquery(cases.values(whole=_TEXT_OF_CASE)),
    ).values_list(
        "pk", "name", "seller__name", "category_id", "tagline", "specification_names", "attribute_names",
        "delivery_method", "operating_systems", "highlights", "description", "case_texts", "seller_id",
        "billing_modes", "lowest_price", "published_at", "popularity", "badges",
    )  # fmt: skip
    for row in values.iterator(chunk_size=CHUNK) if only is None else values:
        yield _document(row, names)


def _document(row: tuple[Any, ...], names: dict[int, Category]) -> Document:
    (
        pk, name, seller_name, category, tagline, specification_names, attribute_names, method, systems, highlights,
        description, case_texts, seller, modes, price, published_at, popularity, badges,
    ) = row  # fmt: skip
    place = names[category]
    parent = names[place.parent_id].name if place.parent_id else ""
    facts = [DeliveryMethod(method).label, *(OperatingSystem(one).label for one in systems), *badges]
    texts = (
        name,
        seller_name,
        f"{place.name} {parent}",
        tagline,
        " ".join([*specification_names, *attribute_names]),
        " ".join(map(str, facts)),
        " ".join(highlights),
        description,
        " ".join(case_texts),
    )
    return Document(
        pk=pk,
        words=tuple(map(words_of, texts)),
        category=category,
        seller=seller,
        method=METHODS.index(method),
        systems=bits(systems, SYSTEMS),
        modes=bits(modes, MODES),
        price=scaled(price),
        published=_seconds(published_at),
        popularity=popularity,
    )


def scaled(price: Decimal | None) -> int:
    """A price in hundred-millionths; `NO_PRICE` for none."""
    return NO_PRICE if price is None else int((price * PRICE_SCALE).to_integral_value(ROUND_FLOOR))


def bits(values: Iterable[str], known: tuple[str, ...]) -> int:
    """A bit set of the known values."""
    return sum(1 << known.index(value) for value in set(values) if value in known)


def _seconds(at: datetime) -> int:
    return int(at.timestamp())


def are_at_most(number: int) -> bool:
    """Whether the storefront lists at most so many products; no more than these are counted."""
    return Product.objects.published().order_by()[: number + 1].count() <= number


def in_chunks(found: Iterable[Document], size: int) -> Iterator[list[Document]]:
    """Lists of at most `size`."""
    walk = iter(found)
    while chunk := list(islice(walk, size)):
        yield chunk
