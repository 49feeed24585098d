"""Loads the hand-written catalogue of `demo/data/`: sellers, their products, the platform's agreements, synonyms."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from accounts.models import Seller
from catalog.choices import ProductStatus
from catalog.models import (
    AcceptanceCriteria,
    Agreement,
    Attribute,
    Category,
    Collection,
    CollectionItem,
    CustomerCase,
    Price,
    Product,
    ReleaseNote,
    Specification,
    Synonym,
    UpgradeRule,
)
from catalog.services import refresh_listing
from demo.logos import logo_svg
from demo.pictures import add_pictures

DATA = Path(__file__).parent / "data"

Progress = Callable[[str, int, int], None]


def _read(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return loaded


def load_categories() -> dict[str, Category]:
    """The category tree of guide 9.2, by slug."""
    found: dict[str, Category] = {}

    def add(entries: list[dict[str, Any]], parent: Category | None) -> None:
        for position, entry in enumerate(entries):
            category, _new = Category.objects.update_or_create(
                slug=entry["slug"],
                defaults={
                    "name": entry["name"], "text": entry.get("text", ""), "parent": parent, "position": position
                },
            )  # fmt: skip
            found[category.slug] = category
            add(entry.get("children", []), category)

    add(_read(DATA / "categories.yaml")["categories"], None)
    return found


def load_agreements(at: datetime) -> None:
    """The platform's own agreements."""
    for position, entry in enumerate(_read(DATA / "agreements.yaml")["agreements"]):
        Agreement.objects.get_or_create(
            product=None,
            code=entry["code"],
            version=entry["version"],
            defaults={"title": entry["title"], "text": entry["text"], "position": position, "in_force_since": at},
        )


def load_synonyms() -> None:
    """What means the same to search; kept when it is there already."""
    for words in _read(DATA / "synonyms.yaml")["synonyms"]:
        Synonym.objects.get_or_create(words=words)


def load_collections() -> None:
    """What operators put together; kept when it is there already."""
    for position, entry in enumerate(_read(DATA / "collections.yaml")["collections"]):
        category = Category.objects.get(slug=entry["category"]) if "category" in entry else None
        values = {"title": entry["title"], "text": entry["text"], "category": category, "position": position}
        collection, is_new = Collection.objects.get_or_create(slug=entry["slug"], defaults=values)
        if is_new:
            products = Product.objects.in_bulk(entry["products"], field_name="slug")
            CollectionItem.objects.bulk_create(
                CollectionItem(collection=collection, product=products[slug], position=place)
                for place, slug in enumerate(entry["products"])
            )


def load_pictures() -> None:
    """Pictures and a guide for the products of the home page's first collection and the first seller."""
    featured = Product.objects.filter(collection_items__collection__slug="featured")
    own = Product.objects.filter(seller__slug="northwind-digital")
    for product in {*featured, *own}:
        add_pictures(product)


def seller_files() -> Iterator[Path]:
    """One file a seller, in order of name."""
    return iter(sorted((DATA / "sellers").glob("*.yaml")))


def load_sellers(at: datetime, progress: Progress) -> None:
    """All sellers with their products; `at` is now, so that dates stay relative to it."""
    categories = load_categories()
    files = list(seller_files())
    for number, path in enumerate(files, 1):
        data = _read(path)
        seller = _seller(data["seller"], at)
        for entry in data["products"]:
            _product(seller, entry, categories, at)
        progress("sellers", number, len(files))


def _seller(entry: dict[str, Any], at: datetime) -> Seller:
    return Seller.objects.create(
        slug=entry["slug"],
        name=entry["name"],
        country=entry["country"],
        about=entry["about"].strip(),
        email=entry["email"],
        phone=entry["phone"],
        website=entry.get("website", ""),
        support_hours=entry["support_hours"],
        created_at=at - timedelta(days=900),
    )


def _product(seller: Seller, entry: dict[str, Any], categories: dict[str, Category], at: datetime) -> Product:
    support = entry["support"]
    published_at = at - timedelta(days=entry["published_days_ago"])
    product = Product.objects.create(
        seller=seller,
        category=categories[entry["category"]],
        slug=entry["slug"],
        name=entry["name"],
        tagline=entry["tagline"],
        guide_url=f"{seller.website}/guides/{entry['slug']}"
        if seller.website and entry["delivery_method"] == "saas"
        else "",
        description=entry["description"].strip(),
        highlights=entry.get("highlights") or [],
        version=entry["version"],
        logo=logo_svg(entry["logo"]["shape"], entry["logo"]["hue"], entry["name"]),
        delivery_method=entry["delivery_method"],
        supervised=entry["supervised"],
        flow_type=entry.get("flow_type") or "",
        operating_systems=entry["operating_systems"],
        status=ProductStatus.PUBLISHED,
        auto_renewal_supported=entry["auto_renewal"],
        badges=entry.get("badges") or [],
        support_hours=support["hours"],
        support_content=support["content"],
        support_hotline=support["hotline"],
        support_email=support["email"],
        requirement_template=(entry.get("requirement_template") or "").strip(),
        popularity=entry["popularity"],
        published_at=published_at,
        created_at=published_at,
        updated_at=published_at,
    )
    for position, specification in enumerate(entry["specifications"]):
        _specification(product, specification, position)
    _texts(product, entry, at)
    if lines := entry.get("acceptance_criteria"):
        AcceptanceCriteria.objects.create(product=product, version=1, lines=lines, created_at=published_at)
    return refresh_listing(product)


def _specification(product: Product, entry: dict[str, Any], position: int) -> None:
    specification = Specification.objects.create(
        product=product,
        code=entry["code"],
        name=entry["name"],
        position=position,
        max_quantity=entry.get("max_quantity", 1),
        longest_years=3 if any(price["billing_mode"] == "yearly" for price in entry["prices"]) else 1,
    )
    attributes = {}
    for order, one in enumerate(entry.get("attributes") or []):
        attributes[one["code"]] = Attribute.objects.create(
            specification=specification,
            code=one["code"],
            name=one["name"],
            kind=one["kind"],
            position=order,
            choices=one.get("choices") or [],
            minimum=one.get("min"),
            maximum=one.get("max"),
            step=one.get("step"),
            default=str(one["default"]),
            unit=one.get("unit", ""),
        )
    if codes := entry.get("upgrade_rule"):
        UpgradeRule.objects.create(specification=specification, attributes=codes)
    Price.objects.bulk_create(
        Price(
            specification=specification,
            billing_mode=price["billing_mode"],
            amount=Decimal(price["amount"]),
            per=attributes.get(price.get("per")),
            scheme=price.get("scheme", "linear"),
            tiers=price.get("tiers", []),
            surcharges=price.get("surcharges", {}),
        )
        for price in entry["prices"]
    )


def _texts(product: Product, entry: dict[str, Any], at: datetime) -> None:
    CustomerCase.objects.bulk_create(
        CustomerCase(
            product=product,
            customer=case["customer"],
            title=case["title"],
            text=case["text"].strip(),
            position=position,
        )
        for position, case in enumerate(entry.get("customer_cases") or [])
    )
    ReleaseNote.objects.bulk_create(
        ReleaseNote(
            product=product,
            version=note["version"],
            released_at=at - timedelta(days=note["date_days_ago"]),
            text=note["text"].strip(),
        )
        for note in entry.get("release_notes") or []
    )
    Agreement.objects.bulk_create(
        Agreement(
            product=product,
            code=f"terms-{position}",
            title=agreement["title"],
            text=agreement["text"].strip(),
            position=10 + position,
            in_force_since=product.published_at or at,
        )
        for position, agreement in enumerate(entry.get("agreements") or [])
    )
