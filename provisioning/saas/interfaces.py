"""Where a product's orders are sent: set by its seller, in force at once."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from accounts.actor import Actor, Party
from catalog.choices import DeliveryMethod
from catalog.models import Product
from koogallery.kernel import clock
from koogallery.kernel.errors import InvalidInput, InvalidTransition, NotFound
from koogallery.kernel.outgoing import url_refusal
from provisioning.saas.models import LONGEST_ADDRESS, ProductInterface
from provisioning.saas.words import NAMES, Version


def interface_of(product: Product) -> ProductInterface | None:
    """A product's production interface, if its seller has set one."""
    return ProductInterface.objects.filter(product=product).first()


def set_interface(
    product: Product, *, version: str, url: str, urls: Mapping[str, str], by: Actor, at: datetime | None = None
) -> ProductInterface:
    """Say where the product's orders are sent from now on; nobody is called. Again with the same values changes nothing.

    Args:
        urls: addresses of single activities, by their names in the protocol.

    Raises:
        NotFound: another seller's product.
        InvalidInput: not SaaS, an unknown version or activity, an address that we would not go to.
    """
    at = at or clock.now()
    if by.party is Party.SELLER and by.seller_id != product.seller_id:
        raise NotFound
    if product.delivery_method != DeliveryMethod.SAAS:
        raise InvalidInput("Only SaaS products have a production interface.")
    url, urls = url.strip(), {name: address.strip() for name, address in urls.items() if address.strip()}
    errors: dict[str, list[str]] = {}
    if version not in Version.values:
        errors["version"] = [f"Choose one of {', '.join(Version.values)}."]
    if refusal := _refusal(url):
        errors["url"] = [refusal]
    known = set(NAMES[version].values()) if version in Version.values else set()
    for name, address in urls.items():
        if name not in known and "version" not in errors:
            errors["urls"] = [f"There is no {name[:40]!r} in this version. Known: {', '.join(sorted(known))}."]
        elif refusal := _refusal(address):
            errors["urls"] = [f"{name[:40]}: {refusal}"]
    if errors:
        raise InvalidInput(next(iter(errors.values()))[0], errors=errors)
    with transaction.atomic():
        Product.objects.select_for_update(of=("self",), no_key=True).get(pk=product.pk)
        kept = ProductInterface.objects.filter(product=product).first() or ProductInterface(product=product)
        if (kept.version, kept.url, kept.urls) != (version, url, urls) or kept.pk is None:
            kept.version, kept.url, kept.urls, kept.changed_at = version, url, urls, at
            kept.save()
    return kept


def _refusal(url: str) -> str | None:
    if not url:
        return "Enter the address of your production interface."
    if len(url) > LONGEST_ADDRESS:
        return f"Enter at most {LONGEST_ADDRESS} characters."
    return url_refusal(url)


def lift_delisting(product: Product, *, by: Actor, at: datetime | None = None) -> ProductInterface:
    """Operations put a product on sale again that was taken off because too many of its orders failed.

    Raises:
        InvalidTransition: it was not taken off so.
    """
    at = at or clock.now()
    with transaction.atomic():
        product = Product.objects.select_for_update(of=("self",)).get(pk=product.pk)
        kept = ProductInterface.objects.select_for_update(of=("self",)).filter(product=product).first()
        if kept is None or kept.delisted_at is None:
            raise InvalidTransition("This product was not taken off sale because of failed orders.")
        product.public_sales = kept.was_public
        product.save(update_fields=["public_sales"])
        kept.delisted_at, kept.counted_from = None, at
        kept.save(update_fields=["delisted_at", "counted_from"])
    return kept
