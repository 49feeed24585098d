"""Renewing a purchased app (guide 6.1, RULES 3): quoted, ordered, in force at payment from the expiry before."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.conf import settings
from django.db import transaction

from accounts.actor import Actor
from accounts.models import Account
from accounts.permissions import Permission, require
from catalog.choices import DeliveryMethod
from koogallery.kernel import clock
from koogallery.kernel.errors import DomainError
from koogallery.kernel.ids import order_number
from koogallery.kernel.stored import insert
from orders.choices import OrderKind, OrderStatus, SubscriptionStatus
from orders.errors import NotRenewable, PendingOrderExists
from orders.models import Order, OrderLine, Subscription, SubscriptionTerm
from orders.services.ordering import check_coupon, ordering_account, take_up, write_order
from orders.services.upgrading import subscription_locked
from orders.terms import end_of, last_day, renewal_date, renewed_until
from pricing import services as pricing
from pricing.context import price_context, price_contexts
from pricing.errors import NotConfigurable
from pricing.models import Coupon
from pricing.reductions import PriceContext
from pricing.renewals import MODE_OF_UNIT, ExtraDays, preferred_duration, quote_renewal, renewal_durations
from pricing.servers import server_key, server_specifications
from pricing.values import ECS, Duration, LineKind, Quote, QuoteRequest, Renewal, SpecificationFacts


@dataclass(frozen=True, slots=True)
class RenewalWish:
    """What is asked for.

    Attributes:
        duration: how long; None: what a renewal form opens with.
        renewal_day: extend the term to the account's renewal date, a day of the month (31: the last one); 0: do not.
        quote: the signed quote that was shown; without it today's price is taken.
        coupon: the code of a coupon to use.
        automatic: an auto-renewal that was switched on before; it goes on when the product is taken off sale (RULES 3.1).
        unpaid_until: until when it may be paid (UTC); None: for as long as any order.
    """

    duration: Duration | None = None
    renewal_day: int = 0
    quote: str = ""
    coupon: str = ""
    automatic: bool = False
    unpaid_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class RenewalPrices:
    """List prices by specification and what lowers them by product, read at once for many renewals."""

    facts: Mapping[int, SpecificationFacts]
    contexts: Mapping[int, PriceContext]
    servers: Mapping[tuple[str, str], SpecificationFacts] = field(default_factory=dict)

    def of(self, subscription: Subscription) -> SpecificationFacts | None:
        """What is sold of it today; None where nothing is."""
        if subscription.delivery_method == DeliveryMethod.ECS:
            return self.servers.get(server_key(subscription.attributes))
        return self.facts.get(subscription.specification_id or 0)


def renewal_prices(subscriptions: Collection[Subscription], *, account: Account, at: datetime) -> RenewalPrices:
    """What renewing these subscriptions of an account costs, in a fixed number of queries."""
    specifications = [one.specification for one in subscriptions if one.specification]
    products = {one.product_id: one.product for one in subscriptions}
    return RenewalPrices(
        facts=pricing.facts_of(specifications, account),
        contexts=price_contexts(products.values(), account=account, at=at),
        servers=_servers(subscriptions),
    )


def _servers(subscriptions: Collection[Subscription]) -> dict[tuple[str, str], SpecificationFacts]:
    """What the servers among them cost, in the currencies that they were bought in."""
    found: dict[tuple[str, str], SpecificationFacts] = {}
    servers = [one for one in subscriptions if one.delivery_method == DeliveryMethod.ECS]
    for currency in {one.line.currency for one in servers}:
        found |= server_specifications([one.attributes for one in servers if one.line.currency == currency], currency)
    return found


def sold_today(
    subscription: Subscription, *, account: Account, prices: RenewalPrices | None = None
) -> SpecificationFacts | None:
    """What a renewal of the subscription may buy, a server's by what its region sells; None where nothing is sold of it.

    Args:
        prices: of `renewal_prices`, when many are asked about.
    """
    if prices is not None:
        facts = prices.of(subscription)
    elif subscription.delivery_method == DeliveryMethod.ECS:
        facts = _servers([subscription]).get(server_key(subscription.attributes))
    else:
        facts = None
    if facts is None and subscription.specification is not None:
        facts = pricing.facts_for(subscription.specification, account)
    return facts


def renewal_refusal(
    subscription: Subscription, *, automatic: bool = False, waiting: Order | None = None
) -> DomainError | None:
    """Why the subscription cannot be renewed now, or None; not raised.

    Needs `product` and `specification` of the subscription.

    Args:
        automatic: by an auto-renewal that is on already.
        waiting: the unpaid order of the subscription, if it has one.
    """
    if why := _never(subscription, automatic):
        return NotRenewable(why)
    if waiting is not None:
        return PendingOrderExists(extra={"order": waiting.number})
    return None


def _never(subscription: Subscription, automatic: bool) -> str | None:
    """What its own state says against a renewal."""
    if not subscription.has_term:
        return "Only yearly and monthly subscriptions can be renewed."
    if subscription.status == SubscriptionStatus.PENDING:
        return "The term has not begun: there is nothing to renew yet."
    if subscription.status == SubscriptionStatus.CLOSED or subscription.expires_at is None:
        return "This resource was released and cannot be renewed."
    if not not_for_sale(subscription):
        return None
    if subscription.specification is None:
        return "This specification is not sold any more."
    if automatic:
        return None
    if not subscription.product.is_on_sale:
        return "The seller has taken this product off sale: it is no longer available and cannot be renewed."
    return "This specification is no longer available and cannot be renewed."


def not_for_sale(subscription: Subscription) -> bool:
    """Whether what it is of can be bought no more (RULES 3.1: delisted).

    A server goes on whatever becomes of the image: each is renewed by itself (guide 3.4).
    """
    if subscription.delivery_method == DeliveryMethod.ECS:
        return False
    specification = subscription.specification
    return specification is None or specification.removed_at is not None or not subscription.product.is_on_sale


def waiting_orders(subscriptions: Collection[Subscription]) -> dict[int, Order]:
    """Subscription id -> its unpaid order, in one query."""
    rows = Order.objects.filter(subject__in=[one.pk for one in subscriptions], status=OrderStatus.PENDING_PAYMENT)
    return {order.subject_id: order for order in rows if order.subject_id}


def offered_durations(subscription: Subscription, facts: SpecificationFacts, *, at: datetime) -> tuple[Duration, ...]:
    """The durations that a renewal may have: those sold whose term is not over before it is bought."""
    assert subscription.expires_at is not None
    anchor = subscription.anchor_day or last_day(subscription.expires_at).day
    return tuple(one for one in renewal_durations(facts) if renewed_until(subscription.expires_at, anchor, one) > at)


def quote_for_renewal(
    subscription: Subscription,
    wish: RenewalWish,
    *,
    account: Account,
    at: datetime | None = None,
    prices: RenewalPrices | None = None,
    waiting: Order | None = None,
) -> Quote:
    """What the renewal costs now, signed; stores nothing.

    Args:
        prices: of `renewal_prices`, when many are quoted.
        waiting: the unpaid order of the subscription, if it has one.

    Raises:
        NotRenewable: the subscription cannot be renewed, or not so; the message says why.
        PendingOrderExists: an order on the subscription waits for payment.
        CouponInvalid: the coupon may not be used for it.
    """
    at = at or clock.now()
    quote = price_of_renewal(subscription, wish, account=account, at=at, prices=prices, waiting=waiting)
    return replace(quote, token=pricing.sign(quote, account))


def price_of_renewal(
    subscription: Subscription,
    wish: RenewalWish,
    *,
    account: Account,
    at: datetime,
    prices: RenewalPrices | None = None,
    waiting: Order | None = None,
) -> Quote:
    """The same without a signature, for what is only shown."""
    if refusal := renewal_refusal(subscription, automatic=wish.automatic, waiting=waiting):
        raise refusal
    return _quote(subscription, wish, account=account, at=at, prices=prices)[0]


def _quote(
    subscription: Subscription, wish: RenewalWish, *, account: Account, at: datetime, prices: RenewalPrices | None
) -> tuple[Quote, SubscriptionTerm]:
    """The price, and the term that it buys."""
    is_server = subscription.delivery_method == DeliveryMethod.ECS
    facts = sold_today(subscription, account=account, prices=prices)
    if facts is None:
        raise NotRenewable("This server is not sold in the region any more.")
    offered = offered_durations(subscription, facts, at=at)
    duration = wish.duration or preferred_duration(offered)
    if duration is None or duration not in offered:
        named = ", ".join(map(str, offered)) or "none: it is not sold by the month or year any more"
        raise NotRenewable(
            f"This duration is not sold, or its term would be over already. Durations: {named}.",
            errors={"duration": [f"Choose one of: {named}."]},
        )
    term, extra = renewed_term(subscription, duration, wish.renewal_day)
    request = QuoteRequest(
        specification=subscription.specification_id or 0,
        billing_mode=MODE_OF_UNIT[duration.unit],
        duration=duration,
        quantity=subscription.quantity,
        attributes={} if is_server else subscription.attributes,
    )
    context = (prices.contexts.get(subscription.product_id) if prices and not wish.coupon else None) or price_context(
        subscription.product, account=account, at=at, coupon=wish.coupon
    )
    if is_server:
        # Discounts and coupons are for the seller's product; the server under it is only taxed.
        context = replace(context, discounts=(), coupon=None)
    try:
        quote = quote_renewal(
            facts,
            request,
            purpose=f"renewal:{subscription.public_id}:{last_day(term.starts_at)}:{last_day(term.ends_at)}",
            extra=extra,
            context=context,
            at=at,
            lifetime=settings.QUOTE_LIFETIME,
        )
    except NotConfigurable as gone:
        raise NotRenewable(f"It is not sold so any more: {gone.message}") from gone
    if is_server:
        lines = tuple(replace(one, item=ECS) if one.kind == LineKind.CHARGE else one for one in quote.lines)
        quote = replace(quote, lines=lines)
    renews = replace(quote.renews, at=term.ends_at) if isinstance(quote.renews, Renewal) else None
    return replace(quote, renews=renews), term


def renewed_term(
    subscription: Subscription, duration: Duration, renewal_day: int
) -> tuple[SubscriptionTerm, ExtraDays | None]:
    """The term that a renewal buys, not stored, and the days of it that lead to the renewal date, if it goes there.

    Raises:
        NotRenewable: an expired subscription is not renewed to the renewal date (RULES 3.3).
    """
    assert subscription.expires_at is not None
    anchor = subscription.anchor_day or last_day(subscription.expires_at).day
    ends_at, extra = renewed_until(subscription.expires_at, anchor, duration), None
    if renewal_day:
        if subscription.status != SubscriptionStatus.ENABLED:
            raise NotRenewable(
                "An expired subscription cannot be renewed to the renewal date. Renew it first.",
                errors={"to_renewal_date": ["Not for an expired subscription."]},
            )
        after, anchor = last_day(ends_at), renewal_day
        until = renewal_date(after, renewal_day)
        ends_at, extra = end_of(until), ExtraDays(after, until)
    term = SubscriptionTerm(
        subscription=subscription, starts_at=subscription.expires_at, ends_at=ends_at, anchor_day=anchor
    )
    return term, extra


def place_renewal(subscription: Subscription, wish: RenewalWish, *, by: Actor, at: datetime | None = None) -> Order:
    """Order a renewal at the price that was shown; it waits for payment.

    Raises:
        PermissionRefused: the actor's role may not renew.
        AccountFrozen: the account cannot place orders.
        QuoteExpired, PriceChanged: the quote no longer holds.
        See `quote_for_renewal`.
    """
    at = at or clock.now()
    require(by, Permission.RENEW)
    with transaction.atomic():
        account = ordering_account(subscription.account_id)
        subscription = subscription_locked(subscription.pk)
        waiting = waiting_orders([subscription]).get(subscription.pk)
        return place_locked_renewal(subscription, wish, account=account, waiting=waiting, by=by, at=at)


def place_locked_renewal(
    subscription: Subscription, wish: RenewalWish, *, account: Account, waiting: Order | None, by: Actor, at: datetime
) -> Order:
    """The same where the caller has locked the account, which is not frozen, and then the subscription.

    Args:
        waiting: the unpaid order of the subscription, read since, if it has one.
    """
    if refusal := renewal_refusal(subscription, automatic=wish.automatic, waiting=waiting):
        raise refusal
    check_coupon(wish.quote, wish.coupon)
    quote, term = _quote(subscription, wish, account=account, at=at, prices=None)
    number = order_number(at)
    if wish.quote:
        quote = pricing.confirmed(wish.quote, quote, account=account, at=at)
        pricing.claim(wish.quote, at=at, order_number=number)
    order = _create(number, term, quote, account=account, by=by, at=at, unpaid_until=wish.unpaid_until)
    return take_up(order, quote, account=account, by=by, at=at, announced=not wish.automatic)


def _create(
    number: str,
    term: SubscriptionTerm,
    quote: Quote,
    *,
    account: Account,
    by: Actor,
    at: datetime,
    unpaid_until: datetime | None,
) -> Order:
    subscription, duration = term.subscription, quote.request.duration
    assert duration is not None
    product, is_server = subscription.product, subscription.delivery_method == DeliveryMethod.ECS
    order = write_order(
        number,
        product,
        quote,
        account=account,
        by=by,
        at=at,
        kind=OrderKind.RENEWAL,
        subject=subscription,
        unpaid_until=unpaid_until,
    )
    term.line = OrderLine(
        order=order,
        delivery_method=subscription.delivery_method,
        specification=subscription.specification,
        product_name=subscription.line.product_name if is_server else product.name,
        specification_name=subscription.line.specification_name,
        attributes=subscription.attributes if is_server else dict(quote.attributes),
        quantity=subscription.quantity,
        billing_mode=quote.request.billing_mode,
        duration_value=duration.value,
        duration_unit=duration.unit,
        currency=quote.currency,
        amount=quote.payable.amount,
    )
    insert([term.line])
    term.line_id = term.line.pk
    insert([term])
    return order


def usable_coupon(
    coupons: Collection[Coupon], subscription: Subscription, wish: RenewalWish, *, account: Account, at: datetime
) -> str:
    """The first of these coupons that the renewal may use, by its code; empty when none fits."""
    for one in coupons:
        try:
            quote, _term = _quote(subscription, replace(wish, coupon=one.code), account=account, at=at, prices=None)
        except DomainError:
            continue
        if quote.coupon:
            return one.code
    return ""
