"""Upgrading a purchased SaaS app (guide 2.2, RULES 7): quoted, ordered, effective at payment, undone when it fails."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta

from django.conf import settings
from django.db import transaction

from accounts.actor import Actor
from accounts.models import Account
from accounts.permissions import Permission, require
from catalog.choices import SUBSCRIPTION_MODES, DeliveryMethod
from catalog.models import UpgradeRule
from koogallery.kernel import clock
from koogallery.kernel.errors import DomainError
from koogallery.kernel.ids import order_number
from orders import ports
from orders.choices import OrderKind, OrderStatus, SubscriptionStatus
from orders.errors import FlowFrozen, PendingOrderExists
from orders.models import Order, OrderLine, Subscription
from orders.services.ordering import check_coupon, ordering_account, take_up, write_order
from orders.terms import BILLING_ZONE
from pricing import services as pricing
from pricing import upgrades
from pricing.context import price_context
from pricing.errors import UpgradeNotAllowed
from pricing.upgrades import UpgradeFacts
from pricing.values import Quote

UNDER_WAY = (OrderStatus.PENDING_PAYMENT, OrderStatus.PROCESSING)


@dataclass(frozen=True, slots=True)
class UpgradeWish:
    """What a buyer asks for.

    Attributes:
        attributes: codes of attributes with their new values; what is left out stays.
        quote: the signed quote that was shown; without it today's price is taken.
        coupon: the code of a coupon to use.
    """

    attributes: dict[str, str | int] = field(default_factory=dict)
    quote: str = ""
    coupon: str = ""


def upgrade_refusal(subscription: Subscription, *, at: datetime) -> DomainError | None:
    """Why the subscription cannot be upgraded at all now, or None; not raised.

    Needs `product`, `specification` and `line__order` of the subscription.
    """
    if ports.is_frozen(subscription.line.order):
        return FlowFrozen()
    if why := _never(subscription, at):
        return UpgradeNotAllowed(why)
    if not UpgradeRule.objects.filter(specification=subscription.specification).exists():
        return UpgradeNotAllowed("The seller has made no upgrade rule for this specification.")
    waiting = subscription.change_orders.filter(status__in=UNDER_WAY).order_by("id").first()
    if waiting is None:
        return None
    why = None if waiting.is_payable else "A change of this subscription is being delivered. Wait until it is done."
    return PendingOrderExists(why, extra={"order": waiting.number})


def _never(subscription: Subscription, at: datetime) -> str | None:
    """What its own state says against an upgrade."""
    expires_at, specification = subscription.expires_at, subscription.specification
    if subscription.delivery_method != DeliveryMethod.SAAS:
        return "Only SaaS products can be upgraded."
    if subscription.billing_mode not in SUBSCRIPTION_MODES:
        return "Only yearly and monthly subscriptions can be upgraded."
    if subscription.line.order.status != OrderStatus.COMPLETED:
        return "The order of this subscription is not completed yet."
    if subscription.status != SubscriptionStatus.ENABLED or expires_at is None or expires_at <= at:
        return "Only a subscription in its validity period can be upgraded."
    if not subscription.product.is_on_sale:
        return "The seller has taken this product off sale."
    if specification is None or specification.removed_at is not None:
        return "This specification is not sold any more."
    return None


def upgradable(subscriptions: Collection[Subscription], *, at: datetime) -> set[int]:
    """Ids of those that may be upgraded now, in two queries; of none that could be at all in none.

    Needs `product`, `specification` and `line__order` of each. An order that is completed is under no appeal.
    """
    running = [one for one in subscriptions if _never(one, at) is None]
    if not running:
        return set()
    changed = Order.objects.filter(subject__in=[one.pk for one in running], status__in=UNDER_WAY)
    busy = set(changed.values_list("subject", flat=True))
    rules = UpgradeRule.objects.filter(specification__in=[one.specification_id for one in running])
    ruled = set(rules.values_list("specification", flat=True))
    return {one.pk for one in running if one.specification_id in ruled and one.pk not in busy}


def quote_upgrade(
    subscription: Subscription, wish: UpgradeWish, *, account: Account, at: datetime | None = None
) -> Quote:
    """What the upgrade costs now, signed; stores nothing.

    Raises:
        UpgradeNotAllowed: the subscription or the target does not allow it; the message says why.
        PendingOrderExists: an order on the subscription waits or is being delivered.
        NotConfigurable: an attribute value that is not sold.
        CouponInvalid: the coupon may not be used for it.
    """
    at = at or clock.now()
    quote = _quote(subscription, wish, account=account, at=at)
    return replace(quote, token=pricing.sign(quote, account))


def _quote(subscription: Subscription, wish: UpgradeWish, *, account: Account, at: datetime) -> Quote:
    if refusal := upgrade_refusal(subscription, at=at):
        raise refusal
    assert subscription.specification is not None
    assert subscription.expires_at is not None
    facts = pricing.facts_for(subscription.specification, account)
    if subscription.line.currency != facts.currency or subscription.billing_mode not in facts.prices:
        raise UpgradeNotAllowed("This specification is not sold in this billing mode or currency any more.")
    running = UpgradeFacts(
        specification=facts,
        billing_mode=subscription.billing_mode,
        old=subscription.attributes,
        quantity=subscription.quantity,
        raisable=frozenset(subscription.specification.upgrade_rule.attributes),
        change=at.astimezone(BILLING_ZONE).date(),
        expiry=subscription.expires_at.astimezone(BILLING_ZONE).date(),
        most_times=settings.UPGRADE_MOST_TIMES,
        purpose=f"upgrade:{subscription.public_id}",
    )
    context = price_context(subscription.product, account=account, at=at, coupon=wish.coupon)
    # What remains of the term is counted in days: tomorrow the price is another one.
    lifetime = min(settings.QUOTE_LIFETIME, _end_of_day(at) - at)
    quote = upgrades.quote_upgrade(running, wish.attributes, context=context, at=at, lifetime=lifetime)
    renews = replace(quote.renews, at=subscription.expires_at) if quote.renews else None
    return replace(quote, renews=renews)


def _end_of_day(at: datetime) -> datetime:
    """The last moment of the day of `at` in GMT+08:00."""
    following = at.astimezone(BILLING_ZONE).date() + timedelta(days=1)
    return datetime.combine(following, time(0), BILLING_ZONE) - timedelta.resolution


def place_upgrade(subscription: Subscription, wish: UpgradeWish, *, by: Actor, at: datetime | None = None) -> Order:
    """Order an upgrade at the price that was shown; it waits for payment for 7 days.

    Raises:
        PermissionRefused: the actor's role may not buy.
        AccountFrozen: the account cannot place orders.
        QuoteExpired, PriceChanged: the quote no longer holds.
        See `quote_upgrade`.
    """
    at = at or clock.now()
    require(by, Permission.BUY)
    with transaction.atomic():
        account = ordering_account(subscription.account_id)
        subscription = subscription_locked(subscription.pk)
        check_coupon(wish.quote, wish.coupon)
        quote, number = _quote(subscription, wish, account=account, at=at), order_number(at)
        if wish.quote:
            quote = pricing.confirmed(wish.quote, quote, account=account, at=at)
            pricing.claim(wish.quote, at=at, order_number=number)
        order = _create(number, subscription, quote, account=account, by=by, at=at)
        return take_up(order, quote, account=account, by=by, at=at)


def _create(
    number: str, subscription: Subscription, quote: Quote, *, account: Account, by: Actor, at: datetime
) -> Order:
    product = subscription.product
    order = write_order(
        number, product, quote, account=account, by=by, at=at, kind=OrderKind.UPGRADE, subject=subscription
    )
    OrderLine.objects.create(
        order=order,
        delivery_method=product.delivery_method,
        specification=subscription.specification,
        product_name=product.name,
        specification_name=subscription.line.specification_name,
        attributes=dict(quote.attributes),
        previous_attributes=subscription.attributes,
        quantity=subscription.quantity,
        billing_mode=subscription.billing_mode,
        currency=quote.currency,
        amount=quote.payable.amount,
    )
    return order


def subscription_locked(pk: int) -> Subscription:
    """The subscription, read afresh under its lock, with what quoting needs."""
    rows = Subscription.objects.select_for_update(of=("self",))
    return rows.select_related("product", "product__seller", "specification", "line", "line__order").get(pk=pk)
