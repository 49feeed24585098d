"""New products by COPY, the way that Postgres takes in many rows fastest."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from io import StringIO
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Model

from catalog.exchange.records import ProductRecord, SpecificationRecord, listing_of
from catalog.models import (
    AcceptanceCriteria,
    Attribute,
    CustomerCase,
    Price,
    Product,
    ReleaseNote,
    Specification,
    UpgradeRule,
)
from koogallery.kernel import clock

_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})

Row = Sequence[Any]

# Taken over from a record as they are.
PLAIN = (
    "slug", "name", "tagline", "description", "highlights", "version", "delivery_method", "supervised", "flow_type",
    "joint_operation", "operating_systems", "status", "public_sales", "auto_renewal_supported", "badges",
    "support_hours", "support_content", "support_hotline", "support_email", "guide_url", "requirement_template",
    "popularity",
)  # fmt: skip
LISTING = (
    "billing_modes", "has_several_prices", "lowest_price", "lowest_price_mode", "lowest_price_unit", "currency"
)  # fmt: skip


def insert_products(
    records: Sequence[ProductRecord], *, sellers: Mapping[str, int], categories: Mapping[str, int], at: datetime
) -> list[int]:
    """Insert new products with everything that hangs on them, within the caller's transaction.

    The records are valid and their slugs new (`reading.py` sees to that); what the database forbids is refused by it.

    Args:
        sellers, categories: ids by slug.
        at: when, for `created_at`, and for `published_at` of published records that do not say it.

    Returns:
        The ids, in the order of the records.
    """
    ids = _ids(Product, len(records))
    _copy(
        Product,
        ("id", "seller_id", "category_id", *PLAIN, *LISTING, "logo", "published_at", "created_at", "updated_at"),
        (_product_row(pk, record, sellers, categories, at) for pk, record in zip(ids, records, strict=True)),
    )
    specifications = [
        (pk, place, one)
        for pk, record in zip(ids, records, strict=True)
        for place, one in enumerate(record.specifications)
    ]
    insert_specifications(specifications)
    insert_texts(zip(ids, records, strict=True))
    insert_criteria([(pk, 1, one.acceptance_criteria) for pk, one in zip(ids, records, strict=True)], at=at)
    return ids


def insert_criteria(criteria: Sequence[tuple[int, int, list[str]]], *, at: datetime) -> None:
    """Insert acceptance criteria, each with its product's id and its version; a first version says something."""
    rows = ((pk, version, lines, at) for pk, version, lines in criteria if lines or version > 1)
    _copy(AcceptanceCriteria, ("product_id", "version", "lines", "created_at"), rows)


def insert_specifications(specifications: Sequence[tuple[int, int, SpecificationRecord]]) -> None:
    """Insert specifications with attributes and prices; each with its product's id and its place on the page."""
    ids = _ids(Specification, len(specifications))
    _copy(
        Specification,
        ("id", "product_id", "position", "code", "name", "max_quantity", "longest_years", "removed_at"),
        (
            (pk, product, place, one.code, one.name, one.max_quantity, one.longest_years, None)
            for pk, (product, place, one) in zip(ids, specifications, strict=True)
        ),
    )
    attribute_ids = iter(_ids(Attribute, sum(len(one.attributes) for _product, _place, one in specifications)))
    attributes: dict[tuple[int, str], int] = {}
    rows: list[Row] = []
    for pk, (_product, _place, one) in zip(ids, specifications, strict=True):
        for place, attribute in enumerate(one.attributes):
            attributes[pk, attribute.code] = attribute_id = next(attribute_ids)
            rows.append(
                (
                    attribute_id,
                    pk,
                    attribute.code,
                    attribute.name,
                    attribute.kind,
                    place,
                    json.dumps(attribute.choices),
                    attribute.minimum,
                    attribute.maximum,
                    attribute.step,
                    attribute.default,
                    attribute.unit,
                )
            )
    columns = ("id", "specification_id", "code", "name", "kind", "position", "choices", "minimum", "maximum", "step", "default", "unit")  # fmt: skip
    _copy(Attribute, columns, rows)
    ruled = [(pk, one) for pk, (_product, _place, one) in zip(ids, specifications, strict=True) if one.upgrade_rule]
    if ruled:
        rules = ((pk, json.dumps(one.upgrade_rule), clock.now()) for pk, one in ruled)
        _copy(UpgradeRule, ("specification_id", "attributes", "created_at"), rules)
    _copy(
        Price,
        ("specification_id", "billing_mode", "amount", "currency", "per_id", "scheme", "tiers", "surcharges"),
        (
            (
                pk,
                price.billing_mode,
                price.amount,
                price.currency,
                attributes[pk, price.per] if price.per else None,
                price.scheme,
                json.dumps(price.tiers),
                json.dumps(price.surcharges),
            )
            for pk, (_product, _place, one) in zip(ids, specifications, strict=True)
            for price in one.prices
        ),
    )


def insert_texts(products: Iterable[tuple[int, ProductRecord]]) -> None:
    """Insert customer cases and release notes."""
    pairs = [(pk, record) for pk, record in products if record.customer_cases or record.release_notes]
    _copy(
        CustomerCase,
        ("product_id", "customer", "title", "text", "position"),
        (
            (pk, case.customer, case.title, case.text, place)
            for pk, record in pairs
            for place, case in enumerate(record.customer_cases)
        ),
    )
    _copy(
        ReleaseNote,
        ("product_id", "version", "released_at", "text"),
        ((pk, note.version, note.released_at, note.text) for pk, record in pairs for note in record.release_notes),
    )


def _product_row(
    pk: int, record: ProductRecord, sellers: Mapping[str, int], categories: Mapping[str, int], at: datetime
) -> Row:
    listing = listing_of(record, settings.SITE_CURRENCY)
    published_at = (record.published_at or at) if record.status == "published" else None
    plain = [getattr(record, name) for name in PLAIN]
    listed = [getattr(listing, name) for name in LISTING]
    return (pk, sellers[record.seller], categories[record.category], *plain, *listed, "", published_at, at, at)


def _ids(model: type[Model], number: int) -> list[int]:
    """Fresh ids from the model's sequence."""
    if not number:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
            [model._meta.db_table, number],
        )
        return [pk for (pk,) in cursor.fetchall()]


def _copy(model: type[Model], columns: Sequence[str], rows: Iterable[Row]) -> None:
    text = StringIO()
    text.writelines(_lines(rows))
    if not text.tell():
        return
    text.seek(0)
    quoted = ", ".join(f'"{column}"' for column in columns)
    # Django wraps the errors of the cursor's methods that it knows; COPY is none of them.
    with connection.cursor() as cursor, connection.wrap_database_errors:
        cursor.copy_expert(f'COPY "{model._meta.db_table}" ({quoted}) FROM STDIN', text)


def _lines(rows: Iterable[Row]) -> Iterator[str]:
    for row in rows:
        yield "\t".join([_cell(value) for value in row]) + "\n"


def _cell(value: Any) -> str:
    """A value in COPY's text format."""
    if type(value) is str:
        return value.translate(_ESCAPES)
    if value is None:
        return "\\N"
    if value is True or value is False:
        return "t" if value else "f"
    if isinstance(value, list):
        quoted = ",".join('"' + str(one).replace("\\", "\\\\").replace('"', '\\"') + '"' for one in value)
        return f"{{{quoted}}}".translate(_ESCAPES)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(value).translate(_ESCAPES)
