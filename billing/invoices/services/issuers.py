"""Who issues: a seller or the platform, with his own details and numbers, kept apart (RULES 5)."""

import re

from django.conf import settings
from django.db import transaction

from accounts.actor import Actor, Party
from accounts.models import Seller
from billing.invoices.models import InvoiceDocument, Issuer
from billing.invoices.services.headers import HeaderData, checked_header
from koogallery.kernel.errors import InvalidInput, PermissionRefused

CREDIT_NOTES = "-CN"
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
    own = Issuer(seller=seller)
    return f"{wanted[:14].strip('-')}-{seller.pk}" if prefix_refusal(wanted, own) else wanted


def prefix_refusal(prefix: str, issuer: Issuer) -> str | None:
    """Why an issuer's numbers cannot begin so, or None: no two documents ever have the same number."""
    if not PREFIX.fullmatch(prefix):
        return "Use up to 24 letters, digits and hyphens."
    if prefix.endswith(CREDIT_NOTES):
        return f"Numbers of credit notes begin with a prefix and {CREDIT_NOTES}-. Use a prefix that does not end so."
    others = Issuer.objects.filter(prefix=prefix).exclude(pk=issuer.pk)
    # What another one's documents began with before he changed it stays his.
    numbers = InvoiceDocument.objects.filter(number__startswith=f"{prefix}-").exclude(issuer=issuer.pk)
    used = numbers.filter(number__regex=rf"^{prefix}({CREDIT_NOTES})?-\d{{4}}-\d+$")
    ours = prefix == settings.INVOICE_PREFIX and not issuer.is_platform
    return "Another issuer uses this prefix." if ours or others.exists() or used.exists() else None


def checked_issuer(issuer: Issuer, given: HeaderData, *, prefix: str) -> tuple[HeaderData, str]:
    """An issuer's details and prefix made clean.

    Raises:
        InvalidInput: names each field; the prefix as `number_prefix`.
    """
    prefix = prefix.strip().upper()
    data = checked_header(given, country=issuer.country)
    if why := prefix_refusal(prefix, issuer):
        raise InvalidInput(why, errors={"number_prefix": [why]})
    return data, prefix


def save_issuer(issuer: Issuer, given: HeaderData, *, prefix: str, by: Actor) -> Issuer:
    """Change what an issuer's documents print from now on; issued ones keep what they have.

    Raises:
        PermissionRefused: another seller's. InvalidInput: names each field.
    """
    if not may_issue(issuer, by):
        raise PermissionRefused("Only the issuer changes his own details.")
    with transaction.atomic():
        issuer = Issuer.objects.select_for_update(of=("self",)).get(pk=issuer.pk)
        data, prefix = checked_issuer(issuer, given, prefix=prefix)
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
