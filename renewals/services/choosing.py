"""What an account chooses for all its renewals: the renewal date, the use of coupons, the calendar's address (RULES 3.2, 3.3)."""

from dataclasses import dataclass
from datetime import datetime

from accounts.actor import Actor
from accounts.models import Account
from accounts.permissions import Permission, require
from koogallery.kernel import clock
from koogallery.kernel.errors import InvalidInput
from renewals.choices import CouponUse
from renewals.models import RenewalSettings

LAST_DAY = 31
LATEST_DAY = 28


@dataclass(frozen=True, slots=True)
class SettingsWish:
    """`renewal_day` 1 to 28, or 31 for the last day of each month; `coupons` a `CouponUse`."""

    renewal_day: int
    coupons: str


def settings_of(account: Account) -> RenewalSettings:
    """What the account has chosen, or the defaults, which are not stored."""
    try:
        return account.renewal_settings
    except RenewalSettings.DoesNotExist:
        return RenewalSettings(account=account)


def renewal_day_of(account: Account) -> int:
    """The day of the account's renewal date: 1 until it chooses another."""
    return settings_of(account).renewal_day


def choose_settings(account: Account, wish: SettingsWish, *, by: Actor, at: datetime | None = None) -> RenewalSettings:
    """Set the account's renewal date and whether auto-renewals use coupons.

    Raises:
        PermissionRefused: the actor's role may not renew.
        InvalidInput: no such day or use.
    """
    require(by, Permission.RENEW)
    if not (1 <= wish.renewal_day <= LATEST_DAY or wish.renewal_day == LAST_DAY):
        why = f"Choose a day from 1 to {LATEST_DAY}, or the last day of the month."
        raise InvalidInput(why, errors={"renewal_day": [why]})
    if wish.coupons not in CouponUse.values:
        raise InvalidInput("Choose how coupons are used.", errors={"coupons": ["Choose how coupons are used."]})
    values = {"renewal_day": wish.renewal_day, "coupons": wish.coupons, "changed_at": at or clock.now()}
    chosen, _new = RenewalSettings.objects.update_or_create(account=account, defaults=values)
    return chosen
