"""What a paid renewal does to its subscription, and how it is taken back (RULES 3.1)."""

from datetime import datetime

from accounts.actor import Actor
from koogallery.kernel.outbox import publish
from orders import ports
from orders.choices import OrderKind, SubscriptionStatus
from orders.events import RenewalTakenBack, SubscriptionRenewed
from orders.models import Order, Subscription, SubscriptionTerm
from orders.services.completing import complete_locked
from orders.terms import last_day

RENEWABLE = (SubscriptionStatus.ENABLED, SubscriptionStatus.EXPIRED, SubscriptionStatus.FROZEN)


def still_renews(order: Order) -> bool:
    """Whether the subscription is still where the renewal was ordered to begin, and not released."""
    term = SubscriptionTerm.objects.select_related("subscription").get(line__order=order)
    return term.subscription.status in RENEWABLE and term.subscription.expires_at == term.starts_at


def apply_renewal(order: Order, *, by: Actor, at: datetime) -> None:
    """The renewal is paid: the subscription runs on, its deliverers hear of it, and the order is complete at once.

    There is no new service flow (guide 6.2 NOTE). What a deliverer cannot bring about is not refunded (RULES 2.5).
    """
    subscription = Subscription.objects.select_for_update(of=("self",)).get(change_orders=order)
    term = SubscriptionTerm.objects.select_related("line").get(line__order=order)
    was_frozen = subscription.status == SubscriptionStatus.FROZEN
    subscription.renew(expires_at=term.ends_at, anchor_day=term.anchor_day, billing_mode=term.line.billing_mode)
    subscription.save(
        update_fields=["status", "expires_at", "anchor_day", "billing_mode", "grace_until", "retention_until"]
    )
    term.bought_at = at
    term.save(update_fields=["bought_at"])
    for one in ports.deliverers_of(order):
        one.renew(order, subscription, by=by, at=at)
        if was_frozen:
            one.unfreeze(subscription, by=by, at=at)
    publish(
        SubscriptionRenewed(
            order_number=order.number,
            subscription=subscription.public_id,
            until=str(last_day(term.ends_at)),
            amount=order.payable_money.display(),
        ),
        at=at,
    )
    complete_locked(order, by=by, at=at)


def undo_renewal(order: Order, *, at: datetime) -> None:
    """The renewal was refunded in whole: the subscription expires when it would have without it."""
    if order.kind != OrderKind.RENEWAL:
        return
    subscription = Subscription.objects.select_for_update(of=("self",)).get(change_orders=order)
    term = SubscriptionTerm.objects.in_force().filter(line__order=order).first()
    if term is None or subscription.expires_at != term.ends_at:
        return
    term.undone_at = at
    term.save(update_fields=["undone_at"])
    before = subscription.terms.in_force().select_related("line").first()
    subscription.expires_at = term.starts_at
    if before is not None:
        subscription.anchor_day, subscription.billing_mode = before.anchor_day, before.line.billing_mode
    subscription.save(update_fields=["expires_at", "anchor_day", "billing_mode"])
    publish(RenewalTakenBack(order_number=order.number, subscription=subscription.public_id), at=at)
