"""The verbs of the catalogue: publishing, taking down, saving to a list."""

from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.core import signing
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.module_loading import import_string

from accounts.actor import Actor
from accounts.models import Account
from accounts.permissions import Permission, require
from catalog.choices import BillingMode
from catalog.events import ProductPublished, ProductTakenDown
from catalog.models import AcceptanceCriteria, Price, Product, SavedProduct
from catalog.models.criteria import checked_lines
from koogallery.kernel import clock
from koogallery.kernel.errors import InvalidInput, InvalidTransition, NotFound
from koogallery.kernel.outbox import publish

MODE_ORDER = [BillingMode.MONTHLY, BillingMode.YEARLY, BillingMode.ONE_TIME, BillingMode.PAY_PER_USE]
MOST_SAVED = 500
REMOVED_SALT = "catalog.removed"
UNDO_LIFETIME = timedelta(hours=1)


def refresh_listing(product: Product) -> Product:
    """Write into the product what its prices say, for lists that sort and filter by it.

    The lowest price is the lowest of the first billing mode that is sold, so that a card never compares an hour
    with a year.
    """
    prices = list(
        Price.objects.offered()
        .filter(specification__product=product, specification__removed_at=None)
        .select_related("per")
    )
    sold = {price.billing_mode for price in prices}
    product.billing_modes = [mode for mode in MODE_ORDER if mode in sold]
    product.has_several_prices = len(prices) > 1
    if prices:
        mode = product.billing_modes[0]
        lowest = min((price for price in prices if price.billing_mode == mode), key=lambda price: price.amount)
        counted = (lowest.per.unit or lowest.per.name) if lowest.per else ""
        product.lowest_price, product.lowest_price_mode = lowest.amount, mode
        product.lowest_price_unit = "/".join(part for part in (counted, BillingMode(mode).unit) if part)
        product.currency = lowest.currency
    else:
        product.lowest_price, product.lowest_price_mode, product.lowest_price_unit = None, "", ""
    product.save(
        update_fields=[
            "billing_modes",
            "has_several_prices",
            "lowest_price",
            "lowest_price_mode",
            "lowest_price_unit",
            "currency",
        ]
    )
    return product


def publish_product(product: Product, *, by: Actor, at: datetime | None = None) -> Product:
    """Operations put a product on sale.

    Raises:
        InvalidTransition: it is on sale, was taken down, has no price, or what its delivery needs is not ready.
    """
    at = at or clock.now()
    # Before the transaction: a check may ask the seller's server.
    for path in settings.RELEASE_CHECKS:
        if product.status in ("draft", "in_review") and (refusal := import_string(path)(product, by=by)):
            raise InvalidTransition(refusal)
    with transaction.atomic():
        product = Product.objects.select_for_update(of=("self",)).get(pk=product.pk)
        if product.status not in ("draft", "in_review"):
            raise InvalidTransition(f"A product that is {product.get_status_display().lower()} cannot be published.")
        refresh_listing(product)
        if not product.billing_modes:
            raise InvalidTransition("A product needs a specification with a price before it is published.")
        product.publish(at)
        product.updated_at = at
        product.save(update_fields=["status", "published_at", "updated_at"])
        publish(ProductPublished(slug=product.slug), at=at)
    return product


def take_down_product(product: Product, *, by: Actor, at: datetime | None = None) -> Product:
    """Operations or the seller take a product off sale; it cannot be restored (RULES 9).

    Raises:
        InvalidTransition: it is not on sale.
    """
    at = at or clock.now()
    with transaction.atomic():
        product = Product.objects.select_for_update(of=("self",)).get(pk=product.pk)
        if product.status != "published":
            raise InvalidTransition("Only a published product can be taken down.")
        product.take_down()
        product.updated_at = at
        product.save(update_fields=["status", "updated_at"])
        publish(ProductTakenDown(slug=product.slug), at=at)
    return product


def set_criteria(
    product: Product, lines: list[str], *, by: Actor, at: datetime | None = None
) -> AcceptanceCriteria | None:
    """Give a product these acceptance criteria from now on: a new version, unless they are in force already.

    Requests that were submitted keep the version that they were pinned to.

    Returns:
        The version in force; None when the product has no criteria.

    Raises:
        InvalidInput: a line is empty, too long, repeated; too many; or the product is not supervised.
    """
    at = at or clock.now()
    try:
        wanted = checked_lines(lines)
    except ValidationError as refused:
        raise InvalidInput(refused.messages[0], errors={"lines": refused.messages}) from refused
    with transaction.atomic():
        product = Product.objects.select_for_update(of=("self",)).get(pk=product.pk)
        if wanted and not product.supervised:
            why = "Only a product under service supervision has acceptance criteria: nobody accepts the others."
            raise InvalidInput(why, errors={"lines": [why]})
        newest = AcceptanceCriteria.objects.filter(product=product).first()
        if (newest.lines if newest else []) != wanted:
            number = newest.version + 1 if newest else 1
            newest = AcceptanceCriteria.objects.create(product=product, version=number, lines=wanted, created_at=at)
    return newest if newest and newest.lines else None


def save_product(product: Product, *, account: Account, by: Actor, at: datetime | None = None) -> SavedProduct:
    """Put a product on the account's My Saved List, with today's price beside it. Idempotent.

    Raises:
        PermissionRefused: the role may not buy.
        InvalidTransition: the product is no longer sold, or the list is full.
    """
    at = at or clock.now()
    require(by, Permission.BUY)
    entries = SavedProduct.objects.for_account(account)
    if saved := entries.filter(product=product).first():
        return saved
    if not product.is_on_sale:
        raise InvalidTransition(f"{product.name} is not available for purchase.")
    if entries.count() >= MOST_SAVED:
        raise InvalidTransition(f"My Saved List holds up to {MOST_SAVED} products. Remove one first.")
    saved, _created = SavedProduct.objects.get_or_create(
        account=account,
        product=product,
        defaults={
            "saved_by_id": by.user_id,
            "saved_at": at,
            "price_then": product.lowest_price,
            "currency": product.currency,
            "unit_then": product.lowest_price_unit,
        },
    )
    return saved


def remove_saved(product: Product, *, account: Account, by: Actor) -> str:
    """Take a product off the list.

    Returns:
        What `restore_saved` puts the very entry back with, for an hour; empty when the product was not on the list.

    Raises:
        PermissionRefused: the role may not buy.
    """
    require(by, Permission.BUY)
    with transaction.atomic():
        saved = (
            SavedProduct.objects.for_account(account).select_for_update(of=("self",)).filter(product=product).first()
        )
        if saved is None:
            return ""
        saved.delete()
    return signing.dumps(
        {
            "account": account.pk,
            "product": product.pk,
            "by": saved.saved_by_id,
            "at": saved.saved_at.isoformat(),
            "price": None if saved.price_then is None else str(saved.price_then),
            "currency": saved.currency,
            "unit": saved.unit_then,
        },
        salt=REMOVED_SALT,
    )


def restore_saved(removed: str, *, account: Account, by: Actor) -> SavedProduct:
    """Put an entry back as it was, with its date and price. A second time, or when saved anew, nothing happens.

    Raises:
        PermissionRefused: the role may not buy.
        NotFound: the token is none of this account's, or the product is gone.
        InvalidTransition: the removal is more than an hour ago, or the list has been filled since.
    """
    require(by, Permission.BUY)
    try:
        entry = signing.loads(removed, salt=REMOVED_SALT, max_age=UNDO_LIFETIME)
    except signing.SignatureExpired:
        raise InvalidTransition("A removal can be undone for an hour. Save the product again from its page.") from None
    except signing.BadSignature:
        raise NotFound("This removal can no longer be undone.") from None
    if entry["account"] != account.pk or not Product.objects.filter(pk=entry["product"]).exists():
        raise NotFound("This removal can no longer be undone.")
    entries = SavedProduct.objects.for_account(account)
    if entries.count() >= MOST_SAVED and not entries.filter(product_id=entry["product"]).exists():
        raise InvalidTransition(f"My Saved List holds up to {MOST_SAVED} products. Remove one first.")
    saved, _created = SavedProduct.objects.get_or_create(
        account=account,
        product_id=entry["product"],
        defaults={
            "saved_by_id": entry["by"],
            "saved_at": datetime.fromisoformat(entry["at"]),
            "price_then": None if entry["price"] is None else Decimal(entry["price"]),
            "currency": entry["currency"],
            "unit_then": entry["unit"],
        },
    )
    return saved
