"""Renewing many apps at once: one order each, all or none (RULES 3.1)."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from accounts.actor import Actor
from accounts.models import Account
from koogallery.kernel import clock
from koogallery.kernel.errors import DomainError, InvalidInput
from orders.models import Order, Subscription
from orders.services import RenewalWish, place_renewal

MOST_AT_ONCE = 200


class BatchRefused(InvalidInput):
    """One of a batch was refused: nothing was ordered; `refusal` says why, `subscription` which."""

    def __init__(self, subscription: Subscription, refusal: DomainError) -> None:
        super().__init__(f"{subscription.name}: {refusal.message}")
        self.subscription, self.refusal = subscription, refusal


def place_renewals(
    wishes: Sequence[tuple[Subscription, RenewalWish]], *, by: Actor, at: datetime | None = None
) -> list[Order]:
    """Order the renewals of one account's apps, all or none of them.

    Raises:
        InvalidInput: none or more than 200.
        PermissionRefused, AccountFrozen: see `place_renewal`.
        BatchRefused: one of them is refused.
    """
    at = at or clock.now()
    if not 1 <= len(wishes) <= MOST_AT_ONCE:
        raise InvalidInput(f"Select 1 to {MOST_AT_ONCE} resources.")
    placed = []
    with transaction.atomic():
        Account.objects.select_for_update(of=("self",), no_key=True).get(pk=wishes[0][0].account_id)
        # In one order of locks, whoever else renews the same ones.
        for subscription, wish in sorted(wishes, key=lambda one: one[0].pk):
            try:
                placed.append(place_renewal(subscription, wish, by=by, at=at))
            except DomainError as refusal:
                if len(wishes) == 1:
                    raise
                raise BatchRefused(subscription, refusal) from refusal
    return placed
