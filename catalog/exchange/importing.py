"""Taking in a file of products: in batches, repeatable, and going on where a broken run stopped."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import DatabaseError, transaction

from accounts.models import Seller
from catalog.choices import ProductStatus
from catalog.exchange.copying import LISTING, PLAIN, insert_products, insert_specifications, insert_texts
from catalog.exchange.reading import BadRow, GoodRow, read_rows
from catalog.exchange.records import ProductRecord, listing_of
from catalog.models import Attribute, Category, CustomerCase, ImportRun, Price, Product, ReleaseNote, Specification
from koogallery.kernel import clock

BATCH = 500

Report = Callable[[BadRow], None]


@dataclass(slots=True)
class Imported:
    """What a run did. `resumed_after` is the line behind which it went on."""

    imported: int = 0
    bad: int = 0
    resumed_after: int = 0


@dataclass(slots=True)
class _Batch:
    rows: list[GoodRow] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)
    line: int = 0


class DryRun(Exception):
    """Ends the transaction of a dry run's batch without leaving anything."""


def import_products(
    path: Path, kind: str, report: Report, *, dry_run: bool = False, resume: bool = False, at: datetime | None = None
) -> Imported:
    """Import a file. Products are new or, by their slug, changed; a bad row is reported and left out.

    A product of another seller is never touched. Specifications that a changed product's record does not name are
    taken off sale. A published product stays published whatever the record's status.

    Args:
        kind: "jsonl" or "csv".
        dry_run: read, check and try everything, keep nothing.
        resume: go on behind the last batch that an earlier run of the same content committed.
    """
    at = at or clock.now()
    digest = _digest(path)
    done = Imported()
    run = None if dry_run else _open_run(path, digest, resume=resume, at=at)
    if run is not None:
        done.resumed_after = run.line
    with path.open("rb") as file:
        for batch in _batches(read_rows(file, kind, after=done.resumed_after)):
            done.bad += len(batch.bad)
            for bad in batch.bad:
                report(bad)
            imported, refused = _take_in(batch, run, at, dry_run=dry_run)
            done.imported += imported
            done.bad += len(refused)
            for bad in refused:
                report(bad)
    if run is not None:
        run.finished_at = clock.now()
        run.save(update_fields=["finished_at"])
    return done


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _open_run(path: Path, digest: str, *, resume: bool, at: datetime) -> ImportRun:
    found = ImportRun.objects.filter(digest=digest, finished_at=None).first()
    if found is not None and resume:
        return found
    if found is not None:
        found.delete()
    return ImportRun.objects.create(digest=digest, name=path.name[:200], started_at=at)


def _batches(rows: Iterable[GoodRow | list[BadRow]]) -> Iterator[_Batch]:
    walk = iter(rows)
    while part := list(islice(walk, BATCH)):
        batch = _Batch()
        for row in part:
            if isinstance(row, GoodRow):
                batch.rows.append(row)
                batch.line = max(batch.line, row.line)
            else:
                batch.bad += row
                batch.line = max(batch.line, row[0].line)
        yield batch


def _take_in(batch: _Batch, run: ImportRun | None, at: datetime, *, dry_run: bool) -> tuple[int, list[BadRow]]:
    """Write a batch in one transaction; when the database refuses it, row by row, so that only the bad one is left out."""
    try:
        return _write(batch.rows, batch, run, at, dry_run=dry_run)
    except DatabaseError:
        imported = 0
        bad: list[BadRow] = []
        for row in batch.rows:
            try:
                one, refused = _write([row], batch, None, at, dry_run=dry_run)
            except DatabaseError as error:
                bad.append(BadRow(row.line, row.record.slug, "", f"The database refuses it: {error}".split("\n")[0]))
            else:
                imported += one
                bad += refused
        if run is not None:
            _note(run, batch, imported, bad)
        return imported, bad


def _write(
    rows: list[GoodRow], batch: _Batch, run: ImportRun | None, at: datetime, *, dry_run: bool
) -> tuple[int, list[BadRow]]:
    imported = 0
    bad: list[BadRow] = []
    try:
        with transaction.atomic():
            imported, bad = _upsert(rows, at)
            if run is not None:
                _note(run, batch, imported, bad)
            if dry_run:
                raise DryRun
    except DryRun:
        return imported, bad
    return imported, bad


def _note(run: ImportRun, batch: _Batch, imported: int, bad: list[BadRow]) -> None:
    run.line, run.imported, run.bad = batch.line, run.imported + imported, run.bad + len(batch.bad) + len(bad)
    run.save(update_fields=["line", "imported", "bad"])


def _upsert(rows: list[GoodRow], at: datetime) -> tuple[int, list[BadRow]]:
    """Insert and change; a slug that comes twice counts as it stands last."""
    records = {row.record.slug: row for row in rows}
    sellers = dict(Seller.objects.filter(slug__in={row.record.seller for row in rows}).values_list("slug", "pk"))
    categories = dict(Category.objects.filter(slug__in={row.record.category for row in rows}).values_list("slug", "pk"))
    there = {one.slug: one for one in Product.objects.select_for_update(of=("self",)).filter(slug__in=records)}
    bad: list[BadRow] = []
    new: list[ProductRecord] = []
    changed: list[tuple[Product, ProductRecord]] = []
    for row in records.values():
        record, known = row.record, there.get(row.record.slug)
        if record.seller not in sellers:
            bad.append(BadRow(row.line, record.slug, "seller", f"There is no seller {record.seller}."))
        elif record.category not in categories:
            bad.append(BadRow(row.line, record.slug, "category", f"There is no category {record.category}."))
        elif known is None:
            new.append(record)
        elif known.seller_id != sellers[record.seller]:
            bad.append(BadRow(row.line, record.slug, "slug", "A product of another seller has this slug."))
        elif known.status == ProductStatus.TAKEN_DOWN:
            bad.append(BadRow(row.line, record.slug, "status", "A product that was taken down cannot be restored."))
        else:
            changed.append((known, record))
    if new:
        insert_products(new, sellers=sellers, categories=categories, at=at)
    for product, record in changed:
        _change(product, record, categories[record.category], at)
    return len(new) + len(changed), bad


def _change(product: Product, record: ProductRecord, category_id: int, at: datetime) -> None:
    """Make a product what its record says; what was sold of a specification keeps it, so none is deleted."""
    listing = listing_of(record, settings.SITE_CURRENCY)
    values: dict[str, Any] = {name: getattr(record, name) for name in PLAIN if name not in ("slug", "status")}
    values |= {name: getattr(listing, name) for name in LISTING}
    values |= {"category_id": category_id, "updated_at": at}
    if product.status != ProductStatus.PUBLISHED and record.status == ProductStatus.PUBLISHED:
        product.publish(record.published_at or at)
        values |= {"status": product.status, "published_at": product.published_at}
    elif record.published_at and product.status == ProductStatus.PUBLISHED:
        values["published_at"] = record.published_at
    Product.objects.filter(pk=product.pk).update(**values)

    known = {one.code: one for one in Specification.objects.filter(product=product)}
    named = {one.code for one in record.specifications}
    Specification.objects.filter(product=product, removed_at=None).exclude(code__in=named).update(removed_at=at)
    fresh = []
    for place, one in enumerate(record.specifications):
        specification = known.get(one.code)
        if specification is None:
            fresh.append((product.pk, place, one))
            continue
        specification.name, specification.position, specification.removed_at = one.name, place, None
        specification.max_quantity, specification.longest_years = one.max_quantity, one.longest_years
        specification.save()
        _reprice(specification, one)
    insert_specifications(fresh)
    CustomerCase.objects.filter(product=product).delete()
    ReleaseNote.objects.filter(product=product).delete()
    insert_texts([(product.pk, record)])


def _reprice(specification: Specification, record: Any) -> None:
    """Attributes and prices by their codes; what an attribute was called on an order is kept in the order."""
    attributes = {}
    for place, one in enumerate(record.attributes):
        values = {
            "name": one.name, "kind": one.kind, "position": place, "choices": one.choices, "minimum": one.minimum,
            "maximum": one.maximum, "step": one.step, "default": one.default, "unit": one.unit,
        }  # fmt: skip
        attributes[one.code], _new = Attribute.objects.update_or_create(
            specification=specification, code=one.code, defaults=values
        )
    wanted = {(one.billing_mode, one.currency): one for one in record.prices}
    for price in Price.objects.filter(specification=specification):
        if (price.billing_mode, price.currency) not in wanted:
            price.delete()
    for (mode, currency), one in wanted.items():
        Price.objects.update_or_create(
            specification=specification,
            billing_mode=mode,
            currency=currency,
            defaults={"amount": one.amount, "per": attributes.get(one.per)},
        )
    Attribute.objects.filter(specification=specification).exclude(code__in=attributes).delete()
