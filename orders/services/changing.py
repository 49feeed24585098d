"""What a paid upgrade does to its subscription, and how it is taken back (RULES 7)."""

from datetime import datetime

from accounts.actor import Actor
from koogallery.kernel.outbox import publish
from orders import ports
from orders.choices import OrderKind, OrderStatus, SubscriptionStatus
from orders.events import UpgradePaid
from orders.models import Order, OrderDelivery, Subscription
from orders.services.extending import still_renews

CHANGES = (OrderKind.UPGRADE, OrderKind.RENEWAL)
STANDING = (OrderStatus.PROCESSING, OrderStatus.COMPLETED)


def still_fits(order: Order, *, at: datetime) -> bool:
    """Whether the subscription is still what its change was ordered for at `at`.

    For an upgrade: running, with the same configuration; for a renewal: not released, with the same expiry.
    """
    if order.kind == OrderKind.RENEWAL:
        return still_renews(order)
    if order.kind != OrderKind.UPGRADE:
        return True
    line = order.lines.get()
    return Subscription.objects.filter(
        change_orders=order,
        status=SubscriptionStatus.ENABLED,
        expires_at__gt=at,
        attributes=line.previous_attributes,
    ).exists()


def paid_changes(order: Order) -> list[Order]:
    """The upgrades and renewals of what the order brought that are paid and stand, the newest first."""
    paid = Order.objects.filter(subject__line__order=order, kind__in=CHANGES, status__in=STANDING)
    return list(paid.order_by("-id"))


def taking_back_refusal(order: Order) -> str | None:
    """Why the whole of an order cannot be taken back now, or None: changes go back in turn, the newest first.

    The newer ones were priced as steps from the configuration, or begin at the end of the term, that an older one brought.
    """
    if order.kind not in CHANGES:
        return None
    later = Order.objects.filter(subject=order.subject_id, kind__in=CHANGES, status__in=STANDING, pk__gt=order.pk)
    if newest := later.order_by("-id").first():
        how = "upgraded" if newest.kind == OrderKind.UPGRADE else "renewed"
        return f"The app was {how} again by order {newest.number}. Refund that one first."
    return None


def apply_upgrade(order: Order, *, by: Actor, at: datetime) -> None:
    """The upgrade is paid: the new configuration is in force, its deliverers bring it about."""
    subscription = Subscription.objects.select_for_update(of=("self",)).get(change_orders=order)
    subscription.attributes = order.lines.get().attributes
    subscription.save(update_fields=["attributes"])
    publish(UpgradePaid(order_number=order.number, subscription=subscription.public_id), at=at)
    parts = ports.deliverers_of(order)
    OrderDelivery.objects.bulk_create(OrderDelivery(order=order, deliverer=one.name, started_at=at) for one in parts)
    for one in parts:
        one.upgrade(order, subscription, by=by, at=at)


def undo_upgrade(order: Order) -> None:
    """The upgrade could not be delivered, or was refunded in whole: the old configuration stands again."""
    if order.kind != OrderKind.UPGRADE:
        return
    line = order.lines.get()
    subscription = Subscription.objects.select_for_update(of=("self",)).get(change_orders=order)
    if subscription.attributes == line.attributes:
        subscription.attributes = line.previous_attributes or {}
        subscription.save(update_fields=["attributes"])
