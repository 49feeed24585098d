"""Who may do what in a buying account (RULES 6: roles of an account).

Owner everything; purchaser buys, submits, accepts, rejects, appeals; finance pays, renews, invoices,
unsubscribes; viewer reads.
"""

from enum import Enum

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.actor import Actor, Party
from koogallery.kernel.errors import PermissionRefused


class Role(models.TextChoices):
    """A member's role in a buying account."""

    OWNER = "owner", _("Owner")
    PURCHASER = "purchaser", _("Purchaser")
    FINANCE = "finance", _("Finance")
    VIEWER = "viewer", _("Viewer")


class Permission(Enum):
    """What an act needs; the value says it in words for the refusal."""

    READ = "look at this"
    BUY = "buy products"
    SUPERVISE = "act on a service flow"
    REVEAL = "see passwords and license keys"
    PAY = "pay"
    CANCEL = "cancel orders"
    RENEW = "renew products"
    INVOICE = "apply for invoices"
    UNSUBSCRIBE = "unsubscribe products"
    ASK = "write service tickets"
    MANAGE = "manage the account"


ALLOWED: dict[Permission, tuple[Role, ...]] = {
    Permission.READ: (Role.OWNER, Role.PURCHASER, Role.FINANCE, Role.VIEWER),
    Permission.BUY: (Role.OWNER, Role.PURCHASER),
    Permission.SUPERVISE: (Role.OWNER, Role.PURCHASER),
    Permission.REVEAL: (Role.OWNER, Role.PURCHASER),
    Permission.PAY: (Role.OWNER, Role.FINANCE),
    # A renewal that waits for payment was ordered by finance, any other order by a purchaser.
    Permission.CANCEL: (Role.OWNER, Role.PURCHASER, Role.FINANCE),
    Permission.RENEW: (Role.OWNER, Role.FINANCE),
    Permission.INVOICE: (Role.OWNER, Role.FINANCE),
    Permission.UNSUBSCRIBE: (Role.OWNER, Role.FINANCE),
    Permission.ASK: (Role.OWNER, Role.PURCHASER, Role.FINANCE),
    Permission.MANAGE: (Role.OWNER,),
}


def may(role: str, permission: Permission) -> bool:
    """Whether a member with `role` may do what `permission` names."""
    return role in ALLOWED[permission]


def require(actor: Actor, permission: Permission) -> None:
    """Refuse a buyer whose role does not allow it.

    Timers, operations and the platform itself are not bound by an account's roles.

    Raises:
        PermissionRefused: names the roles that are needed.
    """
    if actor.party is not Party.BUYER or may(actor.role, permission):
        return
    needed = " or ".join(str(role.label) for role in ALLOWED[permission])
    raise PermissionRefused(f"To {permission.value} you need the role {needed} in this account.")
