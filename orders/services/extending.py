"""What a paid renewal does to its subscription, and how it is taken back (RULES 3.1)."""

from datetime import datetime

from accounts.actor import Actor
from koogallery.kernel.compiled import Compiled, Param
from koogallery.kernel.outbox import publish
from koogallery.kernel.stored import update
from orders import ports
from orders.choices import RENEWABLE, OrderKind, SubscriptionStatus
from orders.events import RenewalTakenBack, SubscriptionRenewed
from orders.models import Order, Subscription, SubscriptionTerm
from orders.services.completing import complete_locked
from orders.terms import last_day

_WHERE = Compiled(
    lambda: SubscriptionTerm.objects.filter(line__order=Param("order")).values_list(
        "starts_at", "subscription__expires_at", "subscription__status"
    )
)
_LOCKED = Compiled(
    lambda: (
        SubscriptionTerm.objects.select_for_update(of=("subscription",))
        .select_related("subscription", "line")
        .filter(line__order=Param("order"))
    )
)


def still_renews(order: Order) -> bool:
    """Whether the subscription is still where the renewal was ordered to begin, and not released."""
    ((begins_at, expires_at, status),) = _WHERE.all(order=order.pk)
    return status in RENEWABLE and expires_at == begins_at


def apply_renewal(order: Order, *, by: Actor, at: datetime, unwritten: tuple[str, ...] = ()) -> None:
    """The renewal is paid: the subscription runs on, its deliverers hear of it, and the order is complete at once.

    There is no new service flow (guide 6.2 NOTE). What a deliverer cannot bring about is not refunded (RULES 2.5).

    Args:
        unwritten: fields of the order that were set and are stored with its completion.
    """
    term = _LOCKED.get(order=order.pk)
    subscription = term.subscription
    was_frozen = subscription.status == SubscriptionStatus.FROZEN
    subscription.renew(expires_at=term.ends_at, anchor_day=term.anchor_day, billing_mode=term.line.billing_mode)
    update(subscription, "status", "expires_at", "anchor_day", "billing_mode", "grace_until", "retention_until")
    term.bought_at = at
    update(term, "bought_at")
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
    complete_locked(order, by=by, at=at, unwritten=unwritten)


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
