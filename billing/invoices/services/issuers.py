"""Who issues: a seller or the platform, with his own details and numbers, kept apart (RULES 5)."""

import re

from django.conf import settings
from django.db import transaction

from accounts.actor import Actor, Party
from accounts.models import Seller
from billing.invoices.models import Issuer
from billing.invoices.services.headers import HeaderData, checked_header
from koogallery.kernel.errors import InvalidInput, PermissionRefused

PREFIX = re.compile(r"[A-Z0-9][A-Z0-9-]{0,22}[A-Z0-9]|[A-Z0-9]", re.ASCII)


def issuer_of(seller: Seller | None) -> Issuer:
    """The issuer for a seller's own sales, or the platform (None); made at first use, from what is known."""
    if seller is None:
        defaults = {
            "company_name": settings.SITE_CLOUD_NAME,
            "country": settings.SITE_COUNTRY,
            "prefix": settings.INVOICE_PREFIX,
        }
        return Issuer.objects.get_or_create(is_platform=True, defaults=defaults)[0]
    defaults = {
        "company_name": seller.name,
        "country": seller.country,
        "email": seller.email,
        "prefix": _free_prefix(seller),
    }
    return Issuer.objects.select_related("seller").get_or_create(seller=seller, defaults=defaults)[0]


def _free_prefix(seller: Seller) -> str:
    wanted = re.sub(r"[^A-Z0-9]+", "-", seller.slug.upper()).strip("-")[:20].strip("-") or "S"
    taken = Issuer.objects.filter(prefix=wanted).exclude(seller=seller).exists()
    return f"{wanted[:14].strip('-')}-{seller.pk}" if taken or wanted == settings.INVOICE_PREFIX else wanted


def save_issuer(issuer: Issuer, given: HeaderData, *, prefix: str, by: Actor) -> Issuer:
    """Change what an issuer's documents print from now on; issued ones keep what they have.

    Raises:
        PermissionRefused: another seller's. InvalidInput: names each field.
    """
    if not may_issue(issuer, by):
        raise PermissionRefused("Only the issuer changes his own details.")
    prefix = prefix.strip().upper()
    if not PREFIX.fullmatch(prefix):
        raise InvalidInput(
            "Use up to 24 letters, digits and hyphens.",
            errors={"number_prefix": ["Use up to 24 letters, digits and hyphens."]},
        )
    data = checked_header(given, country=issuer.country)
    with transaction.atomic():
        issuer = Issuer.objects.select_for_update(of=("self",)).get(pk=issuer.pk)
        if Issuer.objects.filter(prefix=prefix).exclude(pk=issuer.pk).exists():
            raise InvalidInput(
                "Another issuer uses this prefix.", errors={"number_prefix": ["Another issuer uses this prefix."]}
            )
        issuer.company_name, issuer.tax_number, issuer.country = data.company_name, data.tax_number, data.country
        issuer.address, issuer.email, issuer.prefix = data.address, data.email, prefix
        issuer.save()
    return issuer


def may_issue(issuer: Issuer, by: Actor) -> bool:
    """Whether `by` decides on the issuer's applications: operations for all, a seller for his own."""
    if by.party is Party.OPERATIONS:
        return True
    return by.party is Party.SELLER and issuer.seller_id is not None and by.seller_id == issuer.seller_id


def require_issuer(issuer: Issuer, by: Actor) -> None:
    """Refuse everybody but the issuer; operations act for all of them.

    Raises:
        PermissionRefused
    """
    if not may_issue(issuer, by):
        raise PermissionRefused("Only the issuer decides on this invoice.")
