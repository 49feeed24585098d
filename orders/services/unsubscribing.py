"""The order side of an unsubscription: what was paid for a subscription term by term, its order, its end (RULES 4)."""

from datetime import datetime, timedelta

from django.db.models import Prefetch, QuerySet

from accounts.actor import Actor
from koogallery.kernel.ids import order_number
from koogallery.kernel.money import Money
from orders import ports
from orders.choices import OrderKind, OrderStatus, SubscriptionStatus
from orders.models import Order, OrderLine, Subscription, SubscriptionTerm
from orders.services.locking import order_locked
from orders.services.payment import cancel_outdated
from pricing.unsubscriptions import PaidTerm
from pricing.values import Duration, Quote, QuoteRequest

SECOND = timedelta(seconds=1)


def locked_with_orders(subscription: Subscription) -> Subscription:
    """The subscription under its lock, after those of every order that paid or changes it; in a transaction."""
    base = OrderLine.objects.values_list("order_id", flat=True).get(pk=subscription.line_id)
    changes = Order.objects.filter(subject=subscription.pk).values_list("pk", flat=True)
    for pk in sorted({base, *changes}):
        order_locked(pk)
    rows = Subscription.objects.select_for_update(of=("self",)).with_table_columns()
    return rows.select_related("account", "line__order__product").get(pk=subscription.pk)


def paid_terms(subscription: Subscription) -> list[tuple[Order, PaidTerm]]:
    """What was paid for a started subscription, term by term: by its first order, then by each renewal in force.

    One server of several bought together pays its part of their line. Needs `terms_in_force` (`with_paid_terms`) for more
    than one; a later term begins in the second after the one before.
    """
    found: list[tuple[Order, PaidTerm]] = []
    for term in _in_force(subscription):
        line = term.line
        sharing = sorted(one.subscription_id for one in line.terms.all())
        paid = line.money.split(len(sharing))[sharing.index(subscription.pk)]
        duration = Duration(line.duration_value or 1, line.duration_unit or "month")
        starts_at = term.starts_at + SECOND if found else term.starts_at
        found.append((line.order, PaidTerm(line.order.number, paid, starts_at, term.ends_at, duration)))
    return found


def with_paid_terms(rows: "QuerySet[Subscription]") -> "QuerySet[Subscription]":
    """Subscriptions with what `paid_terms` reads, in a fixed number of queries."""
    terms = SubscriptionTerm.objects.in_force().select_related("line__order").prefetch_related("line__terms")
    return rows.prefetch_related(Prefetch("terms", terms, to_attr="terms_in_force"))


def _in_force(subscription: Subscription) -> list[SubscriptionTerm]:
    read: list[SubscriptionTerm] | None = getattr(subscription, "terms_in_force", None)
    if read is None:
        rows = SubscriptionTerm.objects.in_force().filter(subscription=subscription)
        read = list(rows.select_related("line__order").prefetch_related("line__terms"))
    return sorted(read, key=lambda one: one.starts_at)


def unsubscription_request(subscription: Subscription) -> QuoteRequest:
    """The configuration that is given up, for its quote."""
    return QuoteRequest(
        specification=subscription.specification_id or 0,
        billing_mode=subscription.billing_mode,
        duration=None,
        quantity=subscription.quantity,
        attributes=subscription.attributes,
    )


def place_unsubscription(subscription: Subscription, quote: Quote, *, by: Actor, at: datetime) -> Order:
    """The unsubscription's order, processing at once: nothing is paid for it."""
    product, zero = subscription.product, Money.zero(quote.currency)
    order = Order.objects.create(
        number=order_number(at),
        account=subscription.account,
        seller=product.seller,
        product=product,
        customer_name=subscription.account.name,
        seller_name=product.seller.name,
        placed_by_id=by.user_id,
        kind=OrderKind.UNSUBSCRIPTION,
        subject=subscription,
        currency=quote.currency,
        list_price=zero.amount,
        payable=zero.amount,
        quote=quote.as_json(),
        created_at=at,
        unpaid_until=at,
    )
    OrderLine.objects.create(
        order=order,
        delivery_method=subscription.delivery_method,
        specification=subscription.specification,
        product_name=subscription.line.product_name,
        specification_name=subscription.line.specification_name,
        attributes=subscription.attributes,
        quantity=subscription.quantity,
        billing_mode=subscription.billing_mode,
        currency=quote.currency,
        amount=zero.amount,
    )
    order.mark_paid(at)
    order.save(update_fields=["status", "paid_at"])
    return order


def refund_term(order: Order, amount: Money, *, whole: bool, reason: str, by: Actor, at: datetime) -> Order:
    """Give back what a term returns; a renewal that is returned whole is over, and its cash coupon free again."""
    order = order_locked(order)
    if amount:
        ports.money().refund(order, amount, reason=reason, by=by, at=at)
    if whole:
        SubscriptionTerm.objects.in_force().filter(line__order=order).update(undone_at=at)
        order.start_refund()
        order.save(update_fields=["status", "completes_at"])
        ports.money().return_coupon(order, cash_only=True, by=by, at=at)
        ports.money().ended(order, by=by, at=at)
        if not amount:
            order.finish_refund()
            order.save(update_fields=["status"])
    return order


def close_unsubscribed(order: Order, subscription: Subscription, *, by: Actor, at: datetime) -> Order:
    """The unsubscription takes effect: the deliverers release what was used, its order is completed."""
    for waiting in Order.objects.filter(subject=subscription, status=OrderStatus.PENDING_PAYMENT).order_by("pk"):
        cancel_outdated(waiting, reason="The subscription was unsubscribed.", at=at)
    if subscription.status != SubscriptionStatus.CLOSED:
        subscription.close(at)
        subscription.save(update_fields=["status", "closed_at"])
        for one in ports.deliverers(subscription.delivery_method, supervised=subscription.product.supervised):
            one.release(subscription, by=by, at=at)
    order.complete(at)
    order.save(update_fields=["status", "completed_at"])
    return order


def cancel_unsubscription(order: Order, *, reason: str, at: datetime) -> Order:
    """The review refused it: the subscription goes on."""
    order.cancel_undeliverable(at, reason)
    order.save(update_fields=["status", "cancelled_at", "cancel_reason", "completes_at"])
    return order
