"""The stages of a subscription after its purchase: grace, retention, release; and how it renews."""

from collections.abc import Callable
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from accounts.actor import Actor
from koogallery.kernel import clock
from koogallery.kernel.outbox import publish
from orders import ports
from orders.choices import DurationUnit, OrderKind, OrderStatus, SubscriptionStatus
from orders.models import Order, Subscription
from orders.services import cancel_outdated, order_locked
from renewals import rules
from renewals.choices import RenewalMode
from renewals.events import SubscriptionExpired, SubscriptionFrozen, SubscriptionReleased
from renewals.models import RenewalPlan
from supervision.models import ServiceFlow
from supervision.services import reveal_application


def plan_for(subscription: Subscription, *, at: datetime) -> RenewalPlan | None:
    """Write down at its start how a subscription renews: as chosen at purchase (RULES 3.2). Idempotent.

    A monthly subscription renews one month, a yearly one a year, whatever term was bought. None without a term.
    """
    line = subscription.line
    if not subscription.has_term or not line.duration_unit:
        return None
    order: Order = line.order
    plan, _created = RenewalPlan.objects.get_or_create(
        subscription=subscription,
        defaults={
            "mode": RenewalMode.AUTO if order.auto_renew else RenewalMode.MANUAL,
            "period_value": 1,
            "period_unit": DurationUnit(line.duration_unit),
            "changed_at": at,
        },
    )
    return plan


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
        subscription = Subscription.objects.select_for_update(of=("self",)).select_related("product").get(pk=pk)
        due = getattr(subscription, column)
        if subscription.status == status and due is not None and due <= at:
            move(subscription)
            subscription.save()
            for order in locked:
                if order.kind == OrderKind.UPGRADE and order.is_payable:
                    cancel_outdated(order, reason="The subscription's term is over.", at=at)


def expire(pk: int, *, at: datetime, by: Actor) -> None:
    """Timer: the term is over; the grace period begins at the expiry, not at the firing."""

    def move(subscription: Subscription) -> None:
        assert subscription.expires_at is not None
        grace = rules.days_for(settings.GRACE_PERIODS, subscription.delivery_method)
        subscription.enter_grace(rules.period_after(subscription.expires_at, grace))
        publish(SubscriptionExpired(subscription=subscription.public_id), at=at)

    _when_due(pk, SubscriptionStatus.ENABLED, "expires_at", at, move)


def freeze(pk: int, *, at: datetime, by: Actor) -> None:
    """Timer: the grace period is over; the deliverers take the app out of use, its data is kept."""

    def move(subscription: Subscription) -> None:
        assert subscription.grace_until is not None
        retention = rules.days_for(settings.RETENTION_PERIODS, subscription.delivery_method)
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


def _deliverers(subscription: Subscription) -> list[ports.Fulfilment]:
    return ports.deliverers(subscription.delivery_method, supervised=subscription.product.supervised)


@sensitive_variables()
def reveal_password(app: Subscription, *, by: Actor, at: datetime | None = None) -> ports.Credentials:
    """Show what the buyer logs in with; while the app's delivery is under supervision its flow records it too.

    Raises:
        NotFound: there is no password, or it has not reached the buyer. Throttled: too many secrets within an hour.
    """
    flow = ServiceFlow.objects.filter(order=app.line.order_id).first()
    if flow is not None:
        return reveal_application(flow, by=by, at=at)
    return ports.applications().reveal(app, by=by, at=at or clock.now())
