"""What tiers and surcharges of a price look like, checked once for the admin, imports and the model."""

import re
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from catalog.choices import METERED_METHODS, BillingMode, PriceScheme

MOST_TIERS = 20
HIGHEST_COUNT = 10**9
_AMOUNT = re.compile(r"[0-9]{1,10}(\.[0-9]{1,8})?")


def check_mode(billing_mode: str, delivery_method: str) -> None:
    """Refuse a billing mode that products of this delivery method cannot be ordered in (`Price.objects.offered`).

    Raises:
        ValidationError: pay-per-use of what has no meter.
    """
    if billing_mode == BillingMode.PAY_PER_USE and delivery_method not in METERED_METHODS:
        why = _(
            "Pay-per-use is sold with images only: nothing would measure this product. Choose another billing mode."
        )
        raise ValidationError({"billing_mode": why})


def checked_tiers(scheme: str, tiers: Any) -> list[dict[str, Any]]:
    """The tiers in their stored form; none for a linear price.

    Raises:
        ValidationError: not a list of `{"from", "amount"}` in rising order, or tiers where the scheme has none.
    """
    if scheme == PriceScheme.LINEAR:
        if tiers:
            raise ValidationError({"tiers": _("A linear price has no tiers.")})
        return []
    if not isinstance(tiers, list) or not 1 <= len(tiers) <= MOST_TIERS:
        raise ValidationError({"tiers": _("Give 1 to %(most)d tiers.") % {"most": MOST_TIERS}})
    before = 1
    checked = []
    for tier in tiers:
        if not isinstance(tier, Mapping) or set(tier) != {"from", "amount"}:
            raise ValidationError({"tiers": _("Each tier has a from and an amount.")})
        start = tier["from"]
        if isinstance(start, bool) or not isinstance(start, int) or not before < start <= HIGHEST_COUNT:
            raise ValidationError({"tiers": _("Each tier begins at a whole number above the one before it.")})
        checked.append({"from": start, "amount": _amount(tier["amount"], "tiers")})
        before = start
    return checked


def checked_surcharges(surcharges: Any) -> dict[str, dict[str, str]]:
    """The surcharges in their stored form.

    Raises:
        ValidationError: not `{"attribute code": {"choice code": "amount"}}`.
    """
    if not isinstance(surcharges, Mapping):
        raise ValidationError({"surcharges": _("Give an object of attribute codes.")})
    checked: dict[str, dict[str, str]] = {}
    for attribute, choices in surcharges.items():
        if not isinstance(choices, Mapping):
            raise ValidationError({"surcharges": _("Give an object of choice codes and amounts.")})
        checked[str(attribute)] = {str(choice): _amount(value, "surcharges") for choice, value in choices.items()}
    return checked


def _amount(value: Any, field: str) -> str:
    """An amount in plain digits, at most 8 of them after the point."""
    if not isinstance(value, str) or not _AMOUNT.fullmatch(value):
        raise ValidationError({field: _('Write amounts as texts in plain digits, such as "8.00".')})
    return value
