"""The verbs of coupons: granting, redeeming a code, reserving for an order, spending, giving back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.core.cache import cache
from django.db import transaction

from accounts.actor import Actor, Party
from accounts.models import Account, Seller
from accounts.permissions import Permission, require
from catalog.models import Product
from koogallery.kernel import clock
from koogallery.kernel.compiled import Compiled, Param
from koogallery.kernel.errors import InvalidInput, PermissionRefused, Throttled
from koogallery.kernel.money import Money, round_money
from pricing.choices import CouponKind, CouponUseStatus
from pricing.errors import CouponInvalid
from pricing.models import CODE_LENGTH, Coupon, CouponUse
from pricing.reductions import HUNDRED, CouponFacts

UNKNOWN = "There is no such coupon, or it belongs to another account."
TRIES_PERIOD_SECONDS = 3600
MOST_OFFERED = 50
_OFFERED = Compiled(
    lambda: (
        Coupon.objects.filter(account=Param("account")).usable(Param("at")).order_by("valid_until", "id")[:MOST_OFFERED]
    )
)


@dataclass(frozen=True, slots=True)
class CouponTerms:
    """What an operator grants: `value` in `currency` for cash, a percentage for a discount coupon."""

    kind: str
    name: str
    value: Decimal
    valid_until: datetime
    valid_from: datetime | None = None
    currency: str = "USD"
    minimum_spend: Decimal = Decimal(0)
    product: Product | None = None
    seller: Seller | None = None
    combinable: Mapping[str, bool] | None = None


def offered_coupons(account: Account, *, at: datetime) -> list[Coupon]:
    """The account's coupons that may be used now, for a form to choose from; what ends first stands first."""
    return _OFFERED.all(account=account.pk, at=at)


def grant_coupon(terms: CouponTerms, *, account: Account | None, by: Actor, at: datetime | None = None) -> Coupon:
    """Make a coupon for `account`, or for whoever redeems its code first (None).

    Raises:
        PermissionRefused: not operations.
        InvalidInput: worth nothing, more than all, a fraction of a cent, or never valid.
    """
    at = at or clock.now()
    if by.party is not Party.OPERATIONS:
        raise PermissionRefused("Only operations grant coupons.")
    check_terms(terms, at=at)
    cash = terms.kind == CouponKind.CASH
    flags = {f"with_{kind}": combines for kind, combines in (terms.combinable or {}).items()}
    return Coupon.objects.create(
        kind=terms.kind,
        name=terms.name,
        account=account,
        currency=terms.currency,
        amount=terms.value if cash else 0,
        percent=0 if cash else terms.value,
        remaining=terms.value if cash else 1,
        minimum_spend=terms.minimum_spend,
        product=terms.product,
        seller=terms.seller,
        valid_from=terms.valid_from or at,
        valid_until=terms.valid_until,
        created_at=at,
        redeemed_at=at if account else None,
        **flags,
    )


def check_terms(terms: CouponTerms, *, at: datetime) -> None:
    """Refuse a coupon that makes no sense.

    Raises:
        InvalidInput: worth nothing, more than all, a fraction of a cent, or never valid; `errors` names the columns.
    """
    cash = terms.kind == CouponKind.CASH
    wrong = {}
    if cash and (terms.value <= 0 or round_money(terms.value, terms.currency) != terms.value):
        wrong["amount"] = "A cash coupon is worth an amount in whole units of its currency."
    if not cash and not 0 < terms.value <= HUNDRED:
        wrong["percent"] = "A discount coupon takes off more than 0 and at most 100 per cent."
    if terms.valid_until <= (terms.valid_from or at):
        wrong["valid_until"] = "A coupon ends after it begins."
    if terms.minimum_spend < 0:
        wrong["minimum_spend"] = "Enter a minimum spend of 0 or more."
    if wrong:
        raise InvalidInput(" ".join(wrong.values()), errors={name: [text] for name, text in wrong.items()})


def redeem_code(code: str, *, account: Account, by: Actor, at: datetime | None = None) -> Coupon:
    """Put a coupon on the account by its 16-character code; redeeming one's own again changes nothing.

    Raises:
        PermissionRefused: the role may not buy.
        CouponInvalid: unknown, another account's, or expired.
        Throttled: too many wrong codes within an hour.
    """
    at = at or clock.now()
    require(by, Permission.BUY)
    with transaction.atomic():
        coupon = _readable(code, account, lock=True)
        if coupon.valid_until <= at:
            raise _invalid("This coupon has expired.")
        _bind(coupon, account, at)
    return coupon


def coupon_facts(code: str, *, account: Account | None) -> CouponFacts:
    """The coupon as pricing sees it; stores nothing but a count of wrong codes.

    Raises:
        CouponInvalid: no account, unknown, or another account's.
        Throttled: too many wrong codes within an hour.
    """
    if account is None:
        raise _invalid("Log in to use a coupon.")
    return facts_of(_readable(code, account))


def facts_of(coupon: Coupon) -> CouponFacts:
    """A coupon's row as frozen facts."""
    return CouponFacts(
        code=coupon.code,
        kind=coupon.kind,
        currency=coupon.currency,
        value=coupon.remaining if coupon.kind == CouponKind.CASH else coupon.percent,
        minimum_spend=coupon.minimum_spend,
        valid_from=coupon.valid_from,
        valid_until=coupon.valid_until,
        combines_with=coupon.combines_with,
        product=coupon.product_id,
        seller=coupon.seller_id,
        usable=coupon.remaining > 0,
    )


def reserve_coupon(code: str, amount: Money, *, account: Account, order_number: str, at: datetime) -> CouponUse:
    """Take what the order uses of the coupon, in the order's transaction; locks the coupon's row.

    The price was quoted under no lock: another order may have taken the coupon since.

    Raises:
        CouponInvalid: not enough is left.
    """
    coupon = _readable(code, account, lock=True)
    taken = amount.amount if coupon.kind == CouponKind.CASH else Decimal(1)
    if coupon.remaining < taken or not taken:
        raise _invalid("This coupon is used up, or reserved by another order.")
    _bind(coupon, account, at)
    coupon.remaining -= taken
    coupon.save(update_fields=["remaining"])
    return CouponUse.objects.create(
        coupon=coupon,
        order_number=order_number,
        currency=amount.currency,
        amount=amount.amount,
        taken=taken,
        reserved_at=at,
    )


def spend_coupon(order_number: str, *, at: datetime) -> CouponUse | None:
    """The order is paid: what it reserved is used. None when it has no coupon."""
    use = _use(order_number)
    if use is not None and use.status == CouponUseStatus.RESERVED:
        use.spend(at)
        use.save(update_fields=["status", "ended_at"])
    return use


def return_coupon(order_number: str, *, at: datetime, cash_only: bool = False) -> CouponUse | None:
    """The order will not be paid, or was refunded in whole: what it took is free again. None without a coupon.

    Args:
        cash_only: a discount coupon stays used.
    """
    with transaction.atomic():
        use = _use(order_number)
        if use is None or (cash_only and use.coupon.kind != CouponKind.CASH):
            return None
        coupon = Coupon.objects.select_for_update(of=("self",)).get(pk=use.coupon_id)
        use.give_back(at)
        use.save(update_fields=["status", "ended_at"])
        coupon.remaining += use.taken
        coupon.save(update_fields=["remaining"])
    return use


def _use(order_number: str) -> CouponUse | None:
    rows = CouponUse.objects.select_related("coupon").exclude(status=CouponUseStatus.RETURNED)
    return rows.filter(order_number=order_number).first()


def _bind(coupon: Coupon, account: Account, at: datetime) -> None:
    if coupon.account_id is None:
        coupon.account, coupon.redeemed_at = account, at
        coupon.save(update_fields=["account", "redeemed_at"])


def _readable(code: str, account: Account, *, lock: bool = False) -> Coupon:
    """The coupon if it is the account's or nobody's yet; wrong codes are counted, so that none is guessed."""
    key = f"coupon-tries:{account.pk}"
    if (cache.get(key) or 0) >= settings.COUPON_TRIES_PER_HOUR:
        raise Throttled(
            "Too many wrong coupon codes. Try again in an hour.", extra={"retry_after": TRIES_PERIOD_SECONDS}
        )
    plain = plain_code(code)
    rows = Coupon.objects.select_for_update(of=("self",)) if lock else Coupon.objects.all()
    coupon = rows.filter(code=plain).first() if len(plain) == CODE_LENGTH else None
    if coupon is None or coupon.account_id not in (None, account.pk):
        cache.add(key, 0, TRIES_PERIOD_SECONDS)
        cache.incr(key)
        raise _invalid(UNKNOWN)
    return coupon


def plain_code(code: str) -> str:
    """A code as it is stored: people type it in groups, and in small letters."""
    return code.replace("-", "").replace(" ", "").upper()


def _invalid(why: str) -> CouponInvalid:
    return CouponInvalid(why, errors={"coupon": [why]})
