"""Specifications as pricing reads them: each with its attributes and prices, in one statement.

Every page of a purchase reads them anew, so that no price is ever an old one.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db import DEFAULT_DB_ALIAS
from django.db.models import F, OuterRef, QuerySet, TextField
from django.db.models.functions import Cast, JSONObject

from catalog.models import Agreement, Attribute, Price, Product, Specification
from koogallery.kernel.compiled import Children, Compiled, OneOf, Param, hang, reader
from koogallery.kernel.errors import NotFound

_ATTRIBUTE = ("id", "code", "name", "kind", "position", "choices", "minimum", "maximum", "step", "default", "unit")
_PRICE = ("id", "billing_mode", "amount", "currency", "per_id", "scheme", "tiers", "surcharges")


def _with_parts(rows: QuerySet[Specification]) -> QuerySet[Specification]:
    """What hangs below each, as plain objects; amounts as texts, which lose no digit."""
    attributes = {name: name for name in _ATTRIBUTE}
    prices: dict[str, Any] = {name: name for name in _PRICE} | {"amount": Cast("amount", TextField())}
    of_it = OuterRef("pk")
    return rows.annotate(
        listed_attributes=ArraySubquery(
            Attribute.objects.filter(specification=of_it).values(one=JSONObject(**attributes))
        ),
        listed_prices=ArraySubquery(
            Price.objects.offered().filter(specification=of_it).values(one=JSONObject(**prices))
        ),
    )


def _on_sale(**which: Param) -> QuerySet[Specification]:
    rows = (
        Specification.objects.select_related("product", "product__seller")
        .defer(*(f"product__{column}" for column in Product.LONG_COLUMNS))
        .filter(removed_at=None, product__in=Product.objects.reachable(), **which)
        .annotate(
            agreements=ArraySubquery(
                Agreement.objects.in_force_for(OuterRef("product")).values(
                    one=JSONObject(id="pk", title="title", version="version")
                )
            )
        )
    )
    return _with_parts(rows)


_ON_SALE = Compiled(lambda: _on_sale(pk=Param("pk")))
_ON_SALE_AT = Compiled(lambda: _on_sale(product__slug=Param("slug")))
_OF_PRODUCT = Compiled(lambda: _with_parts(Specification.objects.filter(product=Param("product"), removed_at=None)))

_attribute = reader(Attribute, DEFAULT_DB_ALIAS, _ATTRIBUTE)
_price = reader(Price, DEFAULT_DB_ALIAS, _PRICE)


def _whole(rows: Iterable[Any]) -> list[Specification]:
    """The specifications with what was read beside them as the objects that it is."""
    found = list(rows)
    for row in found:
        attributes = [_attribute([one[name] for name in _ATTRIBUTE]) for one in row.listed_attributes]
        prices = [_price([one[name] for name in _PRICE]) for one in row.listed_prices]
        for price in prices:
            price.amount = Decimal(price.amount)
        hang(attributes, row, name="attributes", of="specification")
        hang(prices, row, name="prices", of="specification")
    return found


def specifications_of(product: Product) -> list[Specification]:
    """The product's specifications on sale with their attributes and prices, in the seller's order."""
    return _whole(_OF_PRODUCT.all(product=product.pk))


def specification_on_sale(specification: int) -> Specification:
    """The specification with its product and `agreements` (what its buyer accepts now), for quoting and ordering.

    Raises:
        NotFound: unknown, removed, or its product is not reachable.
    """
    found = _whole(_ON_SALE.all(pk=specification))
    if not found:
        raise NotFound("There is no such specification.")
    return found[0]


def specifications_on_sale(slug: str) -> list[Specification]:
    """All of a product, as `specification_on_sale` reads one, in the seller's order; none of one that is not reachable."""
    return _whole(_ON_SALE_AT.all(slug=slug))


def agreements_of(specification: Specification) -> list[dict[str, Any]]:
    """What `specification_on_sale` has read beside the specification."""
    found: list[dict[str, Any]] = specification.agreements  # type: ignore[attr-defined]
    return found


_ATTRIBUTES = Compiled(lambda: Attribute.objects.filter(OneOf(F("specification_id"), Param("parents"))))
_PRICES = Compiled(lambda: Price.objects.filter(OneOf(F("specification_id"), Param("parents"))))


def parts_of_specification(parent: str) -> list[Children]:
    """What hangs below a specification and decides its price, for compiled reads of other rows.

    Args:
        parent: the way from their rows to the specification.
    """
    return [
        Children("attributes", of="specification", rows=_ATTRIBUTES, parent=parent),
        Children("prices", of="specification", rows=_PRICES, parent=parent),
    ]
