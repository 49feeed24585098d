"""The verbs of the catalogue: publishing, taking down, saving to a list."""

from datetime import datetime

from django.db import transaction

from accounts.actor import Actor
from accounts.models import Account
from accounts.permissions import Permission, require
from catalog.choices import BillingMode
from catalog.events import ProductPublished, ProductTakenDown
from catalog.models import Price, Product, SavedProduct
from koogallery.kernel import clock
from koogallery.kernel.errors import InvalidTransition
from koogallery.kernel.outbox import publish

MODE_ORDER = [BillingMode.MONTHLY, BillingMode.YEARLY, BillingMode.ONE_TIME, BillingMode.PAY_PER_USE]
MOST_SAVED = 500


def refresh_listing(product: Product) -> Product:
    """Write into the product what its prices say, for lists that sort and filter by it.

    The lowest price is the lowest of the first billing mode that is sold, so that a card never compares an hour
    with a year.
    """
    prices = list(
        Price.objects.filter(specification__product=product, specification__removed_at=None).select_related("per")
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
        InvalidTransition: it is on sale, was taken down, or has no price.
    """
    at = at or clock.now()
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


def save_product(product: Product, *, account: Account, by: Actor, at: datetime | None = None) -> SavedProduct:
    """Put a product on the account's My Saved List, with today's price beside it. Idempotent.

    Raises:
        PermissionRefused: the role may not buy.
        InvalidTransition: the list is full.
    """
    at = at or clock.now()
    require(by, Permission.BUY)
    if SavedProduct.objects.for_account(account).count() >= MOST_SAVED:
        raise InvalidTransition(f"My Saved List holds up to {MOST_SAVED} products. Remove one first.")
    saved, _created = SavedProduct.objects.get_or_create(
        account=account,
        product=product,
        defaults={
            "saved_by_id": by.user_id,
            "saved_at": at,
            "price_then": product.lowest_price,
            "currency": product.currency,
        },
    )
    return saved


def remove_saved(product: Product, *, account: Account, by: Actor) -> bool:
    """Take a product off the list; True when it was on it.

    Raises:
        PermissionRefused: the role may not buy.
    """
    require(by, Permission.BUY)
    removed, _each = SavedProduct.objects.for_account(account).filter(product=product).delete()
    return bool(removed)
