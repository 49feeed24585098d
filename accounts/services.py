"""The verbs of people and organisations: registering, settings, keys."""

from datetime import datetime

from django.db import transaction

from accounts.actor import Actor
from accounts.models import Account, AccountChange, ApiKey, Membership, Seller, User, hash_key
from accounts.permissions import Permission, Role, require
from koogallery.kernel import clock
from koogallery.kernel.errors import InvalidInput
from koogallery.kernel.ids import secret_token

KEY_PREFIX = "kg_"
MOST_KEYS = 50
FILED_FOR_US = "Appeals are filed for the account"
NOT_FILED_FOR_US = "Appeals are not filed for the account"
APPEAL_FILING = (FILED_FOR_US, NOT_FILED_FOR_US)


def open_account(owner: User, name: str, *, country: str = "SG", at: datetime | None = None) -> Account:
    """Make a buying organisation with its first member, the owner."""
    at = at or clock.now()
    with transaction.atomic():
        account = Account.objects.create(name=name, country=country, created_at=at)
        Membership.objects.create(account=account, user=owner, role=Role.OWNER, created_at=at)
    return account


def create_api_key(
    user: User, *, name: str, account: Account | None = None, seller: Seller | None = None, at: datetime | None = None
) -> tuple[ApiKey, str]:
    """Make a key that acts for one account or one seller; the key itself is returned this once and never stored.

    Raises:
        InvalidInput: the person is no member, or the account or seller has too many keys.
    """
    at = at or clock.now()
    if (account is None) == (seller is None):
        raise InvalidInput("A key acts for one account or one seller.")
    is_member = (
        Membership.objects.filter(account=account, user=user).exists()
        if account
        else user.seller_memberships.filter(seller=seller).exists()
    )
    if not is_member:
        raise InvalidInput("Only a member can make a key.")
    if ApiKey.objects.filter(account=account, seller=seller, revoked_at=None).count() >= MOST_KEYS:
        raise InvalidInput(f"There are {MOST_KEYS} keys already. Revoke one first.")
    secret = KEY_PREFIX + secret_token()
    key = ApiKey.objects.create(
        user=user,
        account=account,
        seller=seller,
        name=name,
        prefix=secret[:10],
        key_hash=hash_key(secret),
        created_at=at,
    )
    return key, secret


def choose_appeal_filing(account: Account, *, filed_for_us: bool, by: Actor, at: datetime | None = None) -> Account:
    """Whether the platform files the account's appeal by itself when a seller is silent for more than five days.

    A change is recorded: who made it, and when. The same choice again changes nothing.

    Raises:
        PermissionRefused: the role does not act on service flows.
    """
    at = at or clock.now()
    require(by, Permission.SUPERVISE)
    with transaction.atomic():
        account = Account.objects.select_for_update(no_key=True).get(pk=account.pk)
        if account.appeals_filed_for_us == filed_for_us:
            return account
        account.appeals_filed_for_us = filed_for_us
        account.save(update_fields=["appeals_filed_for_us"])
        AccountChange.objects.create(
            account=account,
            at=at,
            by=by.label,
            user_id=by.user_id,
            role=by.role,
            what=FILED_FOR_US if filed_for_us else NOT_FILED_FOR_US,
            address=by.address,
        )
    return account


def revoke_api_key(key: ApiKey, *, by: Actor, at: datetime | None = None) -> ApiKey:
    """Close a key for good. Its maker may, and an owner of the account may. Idempotent.

    Raises:
        PermissionRefused: somebody else's key, and not an owner.
    """
    if key.user_id != by.user_id:
        require(by, Permission.MANAGE)
    if key.revoked_at is None:
        key.revoke(at or clock.now())
    return key
