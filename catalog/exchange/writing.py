"""Products out of the database as JSON Lines or CSV, in constant memory."""

import csv
import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from typing import IO, Any

from django.db.models import OuterRef, Prefetch, QuerySet

from catalog.exchange.reading import BOOLEANS, COLUMNS, FORMULA_STARTS, NESTED
from catalog.exchange.records import (
    AttributeRecord,
    CaseRecord,
    NoteRecord,
    PriceRecord,
    ProductRecord,
    SpecificationRecord,
)
from catalog.models import AcceptanceCriteria, Product, Specification

# A product with all that hangs on it takes some 15 kB as objects, which refer to each other: the collector is late.
BATCH = 200
_OF_OTHER_TABLES = (
    "seller", "category", "specifications", "customer_cases", "release_notes", "acceptance_criteria",
)  # fmt: skip
_ATTRIBUTE = tuple(one.name for one in fields(AttributeRecord))


def export_products(file: IO[str], kind: str, *, seller: str = "") -> int:
    """Write all drafts and published products, or those of one seller, by id.

    Args:
        kind: "jsonl" or "csv"; importing what was exported changes nothing.

    Returns:
        How many products were written.
    """
    number = 0
    if kind == "csv":
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for row in rows(seller):
            writer.writerow(_csv(row))
            number += 1
        return number
    for row in rows(seller):
        file.write(json.dumps(row, ensure_ascii=False) + "\n")
        number += 1
    return number


def whole(products: QuerySet[Product]) -> QuerySet[Product]:
    """With everything that a record says, in a few queries for all of them."""
    sold = Specification.objects.filter(removed_at=None).select_related("upgrade_rule")
    sold = sold.prefetch_related("attributes", "prices__per")
    return (
        products.select_related("seller", "category")
        .defer("search_vector", "logo")
        .prefetch_related(Prefetch("specifications", sold), "customer_cases", "release_notes")
        .annotate(criteria_in_force=AcceptanceCriteria.lines_of(OuterRef("pk")))
    )


def rows(seller: str = "") -> Iterator[dict[str, Any]]:
    """The records as plain objects; one batch is in memory at a time. What has no specification is no record yet."""
    found = whole(Product.objects.filter(status__in=["draft", "published"]))
    if seller:
        found = found.filter(seller__slug=seller)
    after = 0
    while batch := list(found.filter(pk__gt=after).order_by("pk")[:BATCH]):
        for product in batch:
            if product.specifications.all():
                yield _row(record_of(product))
        after = batch[-1].pk


def record_of(product: Product) -> ProductRecord:
    """The record of a product that was read by `whole`."""
    plain = {name: getattr(product, name) for name in COLUMNS if name not in _OF_OTHER_TABLES}
    return ProductRecord(
        **plain,
        seller=product.seller.slug,
        category=product.category.slug,
        specifications=[_specification(one) for one in product.specifications.all()],
        customer_cases=[CaseRecord(one.customer, one.title, one.text) for one in product.customer_cases.all()],
        release_notes=[NoteRecord(one.version, one.released_at, one.text) for one in product.release_notes.all()],
        acceptance_criteria=list(product.criteria_in_force or []),  # type: ignore[attr-defined]
    )


def _specification(one: Specification) -> SpecificationRecord:
    attributes = [
        AttributeRecord(**{name: getattr(attribute, name) for name in _ATTRIBUTE}) for attribute in one.attributes.all()
    ]
    prices = [
        PriceRecord(
            price.billing_mode,
            price.amount,
            price.currency,
            price.per.code if price.per else "",
            price.scheme,
            price.tiers,
            price.surcharges,
        )
        for price in one.prices.all()
    ]
    rule = getattr(one, "upgrade_rule", None)
    raisable = list(rule.attributes) if rule else []
    return SpecificationRecord(one.code, one.name, prices, attributes, one.max_quantity, one.longest_years, raisable)


def _row(record: ProductRecord) -> dict[str, Any]:
    return {name: _plain(getattr(record, name)) for name in COLUMNS}


def _plain(value: Any) -> Any:
    """As JSON writes it: amounts are text, so that no reader makes a binary fraction of them."""
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if is_dataclass(value):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    return value.isoformat() if isinstance(value, datetime) else value


def _csv(row: dict[str, Any]) -> dict[str, str]:
    cells = {}
    for name, value in row.items():
        if name in NESTED:
            text = json.dumps(value, ensure_ascii=False)
        elif name in BOOLEANS:
            text = "true" if value else "false"
        else:
            text = "" if value is None else str(value)
        cells[name] = f"'{text}" if text.startswith(FORMULA_STARTS) else text
    return cells
