"""Sellers' access keys: made and shown once, two valid while a seller changes over."""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from accounts.actor import Actor, Party
from accounts.models import Seller
from koogallery.kernel import clock
from koogallery.kernel.errors import PermissionRefused
from koogallery.kernel.ids import secret_token
from provisioning.saas.models import AccessKey

VALID_AT_ONCE = 2


def digest_of(secret: str) -> str:
    """What a key is found by. It has 256 random bits, so a plain digest cannot be searched."""
    return hashlib.sha256(secret.encode()).hexdigest()


@sensitive_variables()
def create_access_key(
    seller: Seller, *, by: Actor, at: datetime | None = None, secret: str = ""
) -> tuple[AccessKey, str]:
    """Make the seller's next key, which is the one in use from now on; the one before it stays valid, older ones end.

    Args:
        secret: the key itself, for the demo, whose keys are public; otherwise it is drawn.

    Returns:
        The key and its text, which is told this once.

    Raises:
        PermissionRefused: somebody else's.
    """
    at = at or clock.now()
    if by.party is Party.SELLER and by.seller_id != seller.pk:
        raise PermissionRefused("A seller makes keys for himself only.")
    text = secret or secret_token()
    with transaction.atomic():
        # One after the other, so that never more than two are valid.
        Seller.objects.select_for_update(of=("self",), no_key=True).get(pk=seller.pk)
        key = AccessKey.objects.create(
            seller=seller, secret=text, digest=digest_of(text), made_by_id=by.user_id, created_at=at
        )
        older = AccessKey.objects.for_seller(seller).valid().values_list("pk", flat=True)[VALID_AT_ONCE:]
        AccessKey.objects.filter(pk__in=list(older)).update(revoked_at=at)
    return AccessKey.objects.get(pk=key.pk), text


@sensitive_variables()
def access_keys_of(seller: Seller | int) -> Sequence[str]:
    """The texts of the valid keys, the one in use first."""
    return [one.secret.reveal() for one in AccessKey.objects.for_seller(seller).valid()]


def key_named(access: str) -> AccessKey | None:
    """A valid key by what a caller of the Open API names as AK: its id, or the key itself."""
    keys = AccessKey.objects.valid().select_related("seller")
    return keys.filter(public_id=access).first() or keys.filter(digest=digest_of(access)).first()
