"""Cards bound to an account (guide 2.1, prerequisite)."""

from datetime import UTC, datetime

from django.db import transaction

from accounts.actor import Actor
from accounts.models import Account
from accounts.permissions import Permission, require
from billing.events import CardExpiring, CardUnbound
from billing.gateways import gateway, gateway_named
from billing.models import GatewayCustomer, PaymentMethod
from billing.services.methods import usable_cards
from koogallery.kernel import clock
from koogallery.kernel.errors import InvalidInput
from koogallery.kernel.outbox import publish


def start_binding(account: Account, return_to: str, *, by: Actor) -> str:
    """The address of the processor's hosted page where a card is entered; it returns to `return_to`.

    Raises:
        PermissionRefused: the role may not pay.
        GatewayUnavailable: the processor does not answer.
    """
    require(by, Permission.PAY)
    processor = gateway()
    known = GatewayCustomer.objects.filter(account=account, gateway=processor.name).first()
    if known is None:
        # The key makes the processor answer two tabs with the same customer.
        reference = processor.create_customer(account.public_id, account.name)
        known, _new = GatewayCustomer.objects.get_or_create(
            account=account, gateway=processor.name, defaults={"reference": reference}
        )
    return processor.binding_url(known.reference, return_to)


def bind_card(account: Account, reference: str, *, by: Actor, at: datetime | None = None) -> PaymentMethod:
    """Bind the card that the gateway's hosted page returned; the first one becomes the default. Idempotent.

    Raises:
        PermissionRefused: the role may not pay.
        InvalidInput: the gateway does not know the card, it was entered for another account, or bound by one.
    """
    at = at or clock.now()
    require(by, Permission.PAY)
    processor = gateway()
    details = processor.card_details(reference)
    if details is None:
        raise InvalidInput("The card processor does not know this card. Enter it again.")
    ours = GatewayCustomer.objects.filter(account=account, gateway=processor.name)
    if details.customer is not None and not ours.filter(reference=details.customer).exists():
        raise InvalidInput("This card was entered for another account. Enter it again.")
    with transaction.atomic():
        Account.objects.select_for_update(of=("self",), no_key=True).get(pk=account.pk)
        bound = PaymentMethod.objects.filter(gateway=processor.name, reference=details.reference).first()
        if bound is not None:
            if bound.account_id != account.pk or bound.unbound_at is not None:
                raise InvalidInput("This card cannot be bound again. Enter it anew.")
            return bound
        first = not usable_cards(account)
        if first:  # the default card of a processor that was in use before is none any more
            PaymentMethod.objects.filter(account=account, is_default=True).update(is_default=False)
        return PaymentMethod.objects.create(
            account=account,
            gateway=processor.name,
            reference=details.reference,
            brand=details.brand,
            last4=details.last4,
            expires_year=details.expires_year,
            expires_month=details.expires_month,
            is_default=first,
            bound_at=at,
            expiry_notice_at=datetime(details.expires_year, details.expires_month, 1, tzinfo=UTC),
        )


def make_default_card(card: PaymentMethod, *, by: Actor) -> PaymentMethod:
    """Pay with this card unless another is chosen."""
    require(by, Permission.PAY)
    with transaction.atomic():
        card = _locked(card)
        PaymentMethod.objects.filter(account=card.account, is_default=True).update(is_default=False)
        card.is_default = True
        card.save(update_fields=["is_default"])
    return card


def unbind_card(card: PaymentMethod, *, by: Actor, at: datetime | None = None) -> PaymentMethod:
    """Take the card off the account; the oldest of the others becomes the default."""
    at = at or clock.now()
    require(by, Permission.PAY)
    with transaction.atomic():
        card = _locked(card)
        card.unbound_at = at
        was_default, card.is_default = card.is_default, False
        card.save(update_fields=["unbound_at", "is_default"])
        if was_default and (others := usable_cards(card.account)):
            following = others[0]
            following.is_default = True
            following.save(update_fields=["is_default"])
        publish(CardUnbound(card=card.public_id), at=at)
    return card


def warn_of_expiry(pk: int, *, at: datetime, by: Actor) -> None:
    """Timer: a card's last month has begun."""
    with transaction.atomic():
        card = PaymentMethod.objects.select_for_update(of=("self",)).get(pk=pk)
        if card.unbound_at is None and card.expiry_notice_at is not None and card.expiry_notice_at <= at:
            card.expiry_notice_at = None
            card.save(update_fields=["expiry_notice_at"])
            publish(CardExpiring(card=card.public_id), at=at)


def forget_card(public_id: str) -> None:
    """Have the processor forget an unbound card; outside any transaction."""
    card = PaymentMethod.objects.get(public_id=public_id)
    gateway_named(card.gateway).forget_card(card.reference)


def _locked(card: PaymentMethod) -> PaymentMethod:
    """The card, read afresh while its account's row is locked.

    Raises:
        InvalidInput: it was unbound meanwhile.
    """
    Account.objects.select_for_update(of=("self",), no_key=True).get(pk=card.account_id)
    fresh = PaymentMethod.objects.get(pk=card.pk)
    if fresh.unbound_at is not None:
        raise InvalidInput("This card is not bound to the account any more.")
    return fresh
