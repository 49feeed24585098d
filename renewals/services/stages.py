"""The stages of a subscription whose term is over: grace, retention, release (RULES 3.1)."""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from accounts.actor import Actor
from koogallery.kernel.outbox import publish
from orders import ports
from orders.choices import OrderKind, OrderStatus, SubscriptionStatus
from orders.models import Order, Subscription
from orders.services import cancel_outdated, order_locked
from renewals import rules
from renewals.events import SubscriptionExpired, SubscriptionFrozen, SubscriptionReleased
from renewals.services.planning import stage_changed


def _when_due(
    pk: int, status: SubscriptionStatus, column: str, at: datetime, move: Callable[[Subscription], None]
) -> None:
    """Lock the subscription and `move` it if it is still in `status` and its `column` is due."""
    with transaction.atomic():
        # An unpaid change is for a subscription that runs: it goes with the term. Orders are locked first, always.
        waiting = list(
            Order.objects.filter(subject=pk, status=OrderStatus.PENDING_PAYMENT).values_list("pk", flat=True)
        )
        locked = [order_locked(order) for order in waiting]
        subscription = (
            Subscription.objects.select_for_update(of=("self",)).select_related("product", "account").get(pk=pk)
        )
        due = getattr(subscription, column)
        if subscription.status == status and due is not None and due <= at:
            move(subscription)
            subscription.save()
            stage_changed(subscription, at=at)
            for order in locked:
                if order.kind == OrderKind.UPGRADE and order.is_payable:
                    cancel_outdated(order, reason="The subscription's term is over.", at=at)


def expire(pk: int, *, at: datetime, by: Actor) -> None:
    """Timer: the term is over; the grace period begins at the expiry, not at the firing."""

    def move(subscription: Subscription) -> None:
        assert subscription.expires_at is not None
        grace = _days(settings.GRACE_PERIODS, subscription)
        subscription.enter_grace(rules.period_after(subscription.expires_at, grace))
        if grace:
            # Without a grace period it is frozen at the same moment, and that is told.
            publish(SubscriptionExpired(subscription=subscription.public_id), at=at)

    _when_due(pk, SubscriptionStatus.ENABLED, "expires_at", at, move)


def freeze(pk: int, *, at: datetime, by: Actor) -> None:
    """Timer: the grace period is over; the deliverers take the app out of use, its data is kept."""

    def move(subscription: Subscription) -> None:
        assert subscription.grace_until is not None
        retention = _days(settings.RETENTION_PERIODS, subscription)
        subscription.enter_retention(rules.period_after(subscription.grace_until, retention))
        for one in _deliverers(subscription):
            one.freeze(subscription, by=by, at=at)
        publish(SubscriptionFrozen(subscription=subscription.public_id), at=at)

    _when_due(pk, SubscriptionStatus.EXPIRED, "grace_until", at, move)


def release(pk: int, *, at: datetime, by: Actor) -> None:
    """Timer: the retention period is over; it is gone and cannot be renewed."""

    def move(subscription: Subscription) -> None:
        subscription.close(at)
        for one in _deliverers(subscription):
            one.release(subscription, by=by, at=at)
        publish(SubscriptionReleased(subscription=subscription.public_id), at=at)

    _when_due(pk, SubscriptionStatus.FROZEN, "retention_until", at, move)


def _days(periods: dict[str, timedelta], subscription: Subscription) -> timedelta:
    return rules.days_for(periods, subscription.delivery_method, subscription.account.level)


def _deliverers(subscription: Subscription) -> list[ports.Fulfilment]:
    return ports.deliverers(subscription.delivery_method, supervised=subscription.product.supervised)
