"""Taking in a file of products: in batches, repeatable, and going on where a broken run stopped."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.db.models import F

from accounts.models import Seller
from catalog.choices import ProductStatus
from catalog.events import ProductPublished
from catalog.exchange.copying import (
    LISTING,
    PLAIN,
    insert_criteria,
    insert_products,
    insert_specifications,
    insert_texts,
)
from catalog.exchange.reading import BadRow, GoodRow, read_rows
from catalog.exchange.records import ProductRecord, listing_of
from catalog.exchange.writing import record_of, whole
from catalog.models import (
    AcceptanceCriteria,
    Attribute,
    Category,
    CustomerCase,
    ImportRun,
    Price,
    Product,
    ReleaseNote,
    Specification,
    UpgradeRule,
)
from koogallery.kernel import clock
from koogallery.kernel.outbox import publish

BATCH = 500

Report = Callable[[BadRow], None]
Upsert = Callable[[list[GoodRow], datetime], tuple[int, list[BadRow]]]


@dataclass(slots=True)
class Imported:
    """What a run did, with what it had done before it was broken off. `resumed_after` is the line where it went on."""

    imported: int = 0
    bad: int = 0
    resumed_after: int = 0


@dataclass(slots=True)
class _Batch:
    rows: list[GoodRow] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)
    line: int = 0


def import_products(
    path: Path,
    kind: str,
    report: Report,
    *,
    dry_run: bool = False,
    resume: bool = False,
    begin: Callable[[int], None] | None = None,
    at: datetime | None = None,
) -> Imported:
    """Import a file. Products are new or, by their slug, changed; a bad row is reported and left out.

    A product of another seller is never touched. Specifications that a changed product's record does not name are
    taken off sale. A published product stays published whatever the record's status; what is as its record says
    is not written at all.

    Args:
        kind: "jsonl" or "csv".
        dry_run: read, check and try everything, keep nothing.
        resume: go on behind the last batch that an earlier run of the same content committed.
        begin: told once, before anything is reported, the line behind which the import begins.
    """
    at = at or clock.now()
    digest = _digest(path)
    done = Imported()
    run = None if dry_run else _open_run(path, digest, resume=resume, at=at)
    if run is not None:
        done = Imported(run.imported, run.bad, run.line)
    if begin is not None:
        begin(done.resumed_after)
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
        ImportRun.objects.filter(pk=run.pk).update(finished_at=clock.now())
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
    """Write a batch in one transaction; when the database refuses it, again row by row, so that only the bad are left out.

    A row that is refused is rolled back to before it; the transaction of the batch goes on.
    """
    try:
        return _write(batch, run, at, _upsert, dry_run=dry_run)
    except DatabaseError:
        return _write(batch, run, at, _upsert_one_by_one, dry_run=dry_run)


def _write(
    batch: _Batch, run: ImportRun | None, at: datetime, upsert: Upsert, *, dry_run: bool
) -> tuple[int, list[BadRow]]:
    with transaction.atomic():
        imported, bad = upsert(batch.rows, at)
        if run is not None:
            ImportRun.objects.filter(pk=run.pk).update(
                line=batch.line, imported=F("imported") + imported, bad=F("bad") + len(batch.bad) + len(bad)
            )
        transaction.set_rollback(dry_run)
    return imported, bad


def _upsert_one_by_one(rows: list[GoodRow], at: datetime) -> tuple[int, list[BadRow]]:
    imported = 0
    bad: list[BadRow] = []
    for row in rows:
        try:
            with transaction.atomic():
                one, refused = _upsert([row], at)
                # What would be refused at the end of the transaction shows now.
                connection.check_constraints()
        except DatabaseError as error:
            bad.append(BadRow(row.line, row.record.slug, "", f"The database refuses it: {error}".split("\n")[0]))
        else:
            imported += one
            bad += refused
    return imported, bad


def _upsert(rows: list[GoodRow], at: datetime) -> tuple[int, list[BadRow]]:
    """Insert and change, in the order of the file: a slug that comes again changes what came before."""
    imported = 0
    bad: list[BadRow] = []
    for part in _without_repeats(rows):
        number, refused = _upsert_distinct(part, at)
        imported += number
        bad += refused
    return imported, bad


def _without_repeats(rows: list[GoodRow]) -> Iterator[list[GoodRow]]:
    part: dict[str, GoodRow] = {}
    for row in rows:
        if row.record.slug in part:
            yield list(part.values())
            part = {}
        part[row.record.slug] = row
    yield list(part.values())


def _upsert_distinct(rows: list[GoodRow], at: datetime) -> tuple[int, list[BadRow]]:
    sellers = dict(Seller.objects.filter(slug__in={row.record.seller for row in rows}).values_list("slug", "pk"))
    categories = dict(Category.objects.filter(slug__in={row.record.category for row in rows}).values_list("slug", "pk"))
    slugs = [row.record.slug for row in rows]
    locked = Product.objects.select_for_update(of=("self",)).filter(slug__in=slugs).order_by("pk")
    there = {one.slug: one for one in whole(locked)}
    bad: list[BadRow] = []
    new: list[ProductRecord] = []
    changed: list[tuple[Product, ProductRecord]] = []
    for row in rows:
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
        elif known.status == ProductStatus.CHANGES_REQUESTED and record.status == ProductStatus.PUBLISHED:
            why = "Changes were requested: its seller submits it again before it can be published."
            bad.append(BadRow(row.line, record.slug, "status", why))
        else:
            changed.append((known, record))
    insert_products(new, sellers=sellers, categories=categories, at=at)
    for record in new:
        if record.status == ProductStatus.PUBLISHED:
            publish(ProductPublished(slug=record.slug), at=at)
    for product, record in changed:
        if not _says(product, record):
            _change(product, record, categories[record.category], at)
    return len(new) + len(changed), bad


def _says(product: Product, record: ProductRecord) -> bool:
    """Whether the product already is what the record would make of it."""
    now = record_of(product)
    published = product.status == ProductStatus.PUBLISHED
    status = now.status if published or record.status == ProductStatus.DRAFT else record.status
    published_at = record.published_at if published and record.published_at else now.published_at
    return now == replace(record, status=status, published_at=published_at)


def _change(product: Product, record: ProductRecord, category_id: int, at: datetime) -> None:
    """Make a product what its record says; what was sold of a specification keeps it, so none is deleted."""
    listing = listing_of(record, settings.SITE_CURRENCY)
    values: dict[str, Any] = {name: getattr(record, name) for name in PLAIN if name not in ("slug", "status")}
    values |= {name: getattr(listing, name) for name in LISTING}
    values |= {"category_id": category_id, "updated_at": at}
    if product.status != ProductStatus.PUBLISHED and record.status == ProductStatus.PUBLISHED:
        product.publish(record.published_at or at)
        values |= {"status": product.status, "published_at": product.published_at}
        publish(ProductPublished(slug=product.slug), at=at)
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
    newest = AcceptanceCriteria.objects.filter(product=product).first()
    if (newest.lines if newest else []) != record.acceptance_criteria:
        insert_criteria([(product.pk, newest.version + 1 if newest else 1, record.acceptance_criteria)], at=at)


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
            defaults={
                "amount": one.amount,
                "per": attributes.get(one.per),
                "scheme": one.scheme,
                "tiers": one.tiers,
                "surcharges": one.surcharges,
            },
        )
    Attribute.objects.filter(specification=specification).exclude(code__in=attributes).delete()
    if record.upgrade_rule:
        UpgradeRule.objects.update_or_create(specification=specification, defaults={"attributes": record.upgrade_rule})
    else:
        UpgradeRule.objects.filter(specification=specification).delete()
