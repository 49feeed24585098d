"""Products out of the database as JSON Lines or CSV, in constant memory."""

import csv
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import IO, Any

from django.db.models import Prefetch

from catalog.exchange.reading import BOOLEANS, COLUMNS, FORMULA_STARTS, NESTED
from catalog.models import Product, Specification

BATCH = 500


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


def rows(seller: str = "") -> Iterator[dict[str, Any]]:
    """The records as plain objects; one batch is in memory at a time."""
    sold = Specification.objects.filter(removed_at=None).prefetch_related("attributes", "prices__per")
    found = Product.objects.filter(status__in=["draft", "published"]).select_related("seller", "category")
    if seller:
        found = found.filter(seller__slug=seller)
    found = found.defer("search_vector").prefetch_related(
        Prefetch("specifications", sold), "customer_cases", "release_notes"
    )
    after = 0
    while batch := list(found.filter(pk__gt=after).order_by("pk")[:BATCH]):
        for product in batch:
            if product.specifications.all():
                yield _row(product)
        after = batch[-1].pk


def _row(product: Product) -> dict[str, Any]:
    plain = {
        name: getattr(product, name) for name in COLUMNS if name not in (*NESTED, "seller", "category", "published_at")
    }
    return {
        **plain,
        "seller": product.seller.slug,
        "category": product.category.slug,
        "published_at": product.published_at.isoformat() if product.published_at else None,
        "highlights": product.highlights,
        "operating_systems": product.operating_systems,
        "badges": product.badges,
        "specifications": [_specification(one) for one in product.specifications.all()],
        "customer_cases": [
            {"customer": one.customer, "title": one.title, "text": one.text} for one in product.customer_cases.all()
        ],
        "release_notes": [
            {"version": one.version, "released_at": one.released_at.isoformat(), "text": one.text}
            for one in product.release_notes.all()
        ],
    }


def _specification(one: Specification) -> dict[str, Any]:
    names = ("code", "name", "kind", "default", "choices", "minimum", "maximum", "step", "unit")
    return {
        "code": one.code,
        "name": one.name,
        "max_quantity": one.max_quantity,
        "longest_years": one.longest_years,
        "attributes": [{name: getattr(attribute, name) for name in names} for attribute in one.attributes.all()],
        "prices": [
            {
                "billing_mode": price.billing_mode,
                "amount": _digits(price.amount),
                "currency": price.currency,
                "per": price.per.code if price.per else "",
            }
            for price in one.prices.all()
        ],
    }


def _digits(amount: Decimal) -> str:
    return format(amount.normalize(), "f")


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
