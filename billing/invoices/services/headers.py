"""The header book: to whom an account's invoices are made out (RULES 5)."""

from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from accounts.actor import Actor
from accounts.models import Account
from accounts.permissions import Permission, require
from billing.invoices.models import LONGEST_NAME, InvoiceHeader
from koogallery.kernel import clock
from koogallery.kernel.errors import InvalidInput, InvalidTransition
from koogallery.kernel.text import clean_text

MOST_HEADERS = 50
LIMITS = {"company_name": LONGEST_NAME, "tax_number": 40, "address": 300, "email": 254}


@dataclass(frozen=True, slots=True)
class HeaderData:
    """A header as somebody typed it; `country` empty: the account's."""

    company_name: str
    tax_number: str = ""
    address: str = ""
    email: str = ""
    country: str = ""


def checked_header(given: HeaderData, *, country: str) -> HeaderData:
    """The texts made clean.

    Args:
        country: where none is given.

    Raises:
        InvalidInput: names each field.
    """
    errors: dict[str, list[str]] = {}
    clean: dict[str, str] = {}
    for field, limit in LIMITS.items():
        try:
            clean[field] = " ".join(clean_text(getattr(given, field)).split())
        except ValueError as refused:
            errors[field], clean[field] = [str(refused)], ""
        if len(clean[field]) > limit:
            errors[field] = [f"Enter at most {limit} characters."]
    if not clean["company_name"] and "company_name" not in errors:
        errors["company_name"] = ["Enter the company name."]
    code = (given.country or country).strip().upper()
    if len(code) != 2 or not (code.isascii() and code.isalpha()):
        errors["country"] = ["Enter the country as a code of two letters, such as SG."]
    if clean["email"]:
        try:
            validate_email(clean["email"])
        except ValidationError:
            errors["email"] = ["Enter a valid email address."]
    if errors:
        raise InvalidInput(next(iter(errors.values()))[0], errors=errors)
    return HeaderData(country=code, **clean)


def save_header(
    account: Account,
    given: HeaderData,
    *,
    header: InvoiceHeader | None = None,
    default: bool = False,
    by: Actor,
    at: datetime | None = None,
) -> InvoiceHeader:
    """Add a header to the book, or change one: invoices that were applied for keep what they have.

    Raises:
        PermissionRefused: the role may not apply for invoices. InvalidInput: names each field.
        InvalidTransition: the book is full, or the header was removed.
    """
    at = at or clock.now()
    require(by, Permission.INVOICE)
    data = checked_header(given, country=account.country)
    with transaction.atomic():
        # Two first headers at once are not both the default.
        Account.objects.select_for_update(no_key=True).get(pk=account.pk)
        book = InvoiceHeader.objects.for_account(account)
        if header is None:
            if book.count() >= MOST_HEADERS:
                raise InvalidTransition(f"The header book holds up to {MOST_HEADERS}. Remove one first.")
            header = InvoiceHeader(account=account, created_at=at)
        else:
            header = book.select_for_update(of=("self",)).filter(pk=header.pk).first()
            if header is None:
                raise InvalidTransition("This header was removed.")
        default = default or not book.filter(is_default=True).exclude(pk=header.pk).exists()
        if default:
            book.filter(is_default=True).exclude(pk=header.pk).update(is_default=False)
        header.company_name, header.tax_number = data.company_name, data.tax_number
        header.address, header.email, header.country = data.address, data.email, data.country
        header.is_default = default
        header.save()
    return header


def remove_header(header: InvoiceHeader, *, by: Actor, at: datetime | None = None) -> None:
    """Take a header out of the book; the next one becomes the default.

    Raises:
        PermissionRefused: the role may not apply for invoices.
    """
    require(by, Permission.INVOICE)
    with transaction.atomic():
        Account.objects.select_for_update(no_key=True).get(pk=header.account_id)
        book = InvoiceHeader.objects.for_account(header.account)
        if not book.filter(pk=header.pk).update(removed_at=at or clock.now(), is_default=False):
            return
        if not book.filter(is_default=True).exists() and (first := book.first()):
            book.filter(pk=first.pk).update(is_default=True)
