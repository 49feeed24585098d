"""What may be invoiced, by whom, and whether a tax number can be right. Pure (RULES 5)."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _
from stdnum import get_cc_module

from catalog.choices import DeliveryMethod
from koogallery.kernel.money import Money

# What python-stdnum calls the numbers that companies put on invoices, country by country.
TAX_NUMBERS = (
    "vat", "tin", "ein", "uen", "uscc", "gstin", "abn", "cn", "siren", "siret", "uid", "utr", "stnr", "nif", "brn", "ird", "ubn",
    "rfc", "rut", "ruc", "cuit", "nit", "inn", "edrpou", "vkn", "tn", "pin",
)  # fmt: skip


def is_platforms(delivery_method: str, *, joint_operation: bool) -> bool:
    """Whether the platform issues the invoice: for joint-operation products and cloud services; sellers for the rest."""
    return joint_operation or delivery_method == DeliveryMethod.ECS


def share_of(part: Money, *, amount: Money, whole: Money) -> Money:
    """The share of `part` (such as an order's tax) that falls on `amount` of `whole`, rounded once."""
    if not whole or not part:
        return Money.zero(amount.currency)
    if amount == whole:
        return part
    return (part * (amount.amount / whole.amount)).rounded()


@dataclass(frozen=True, slots=True)
class Cash:
    """What is left to invoice of an issuer's part of an order: paid in cash, less refunds, less what is invoiced."""

    paid: Money
    refunded: Money
    invoiced: Money

    @property
    def left(self) -> Money:
        """Never below zero: what was refunded after it was invoiced is `outstanding`."""
        return max(self.difference, Money.zero(self.paid.currency))

    @property
    def outstanding(self) -> Money:
        """What an invoice names beyond the cash that stayed: offset before the next invoice."""
        return max(-self.difference, Money.zero(self.paid.currency))

    @property
    def difference(self) -> Money:
        return self.paid - self.refunded - self.invoiced


def tax_lines(items: Iterable[tuple[str, Money, Money]], currency: str) -> list[tuple[str, Money, Money]]:
    """(label, net, tax) for each tax of (label, gross, tax); what bears none is under an empty label, last."""
    found: dict[str, tuple[Money, Money]] = {}
    zero = Money.zero(currency)
    for label, gross, tax in items:
        net, taxes = found.get(label, (zero, zero))
        found[label] = (net + gross - tax, taxes + tax)
    return [(label, *found[label]) for label in sorted(found, key=lambda one: (one == "", one))]


def tax_number_warning(country: str, number: str) -> str | None:
    """Why a tax number looks wrong, where the country's numbers have a check that is known; None otherwise.

    It warns only: a number may be newer than the rule.
    """
    if not number.strip():
        return None
    known = [module for name in TAX_NUMBERS if (module := _module(country, name)) is not None]
    if not known or any(module.is_valid(number) for module in known):
        return None
    return _(
        "%(number)s does not look like a tax number of %(country)s: a digit may be wrong. It is kept as you typed it."
    ) % {
        "number": number,
        "country": country.upper(),
    }


def _module(country: str, name: str):  # type: ignore[no-untyped-def]
    try:
        return get_cc_module(country.lower(), name)
    except (ImportError, ValueError):
        return None
