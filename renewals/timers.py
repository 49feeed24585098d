"""Expiry, grace and retention become due by themselves."""

from django.db.models import Q

from koogallery.kernel.timers import Timer, register
from orders.choices import SubscriptionStatus
from orders.models import Subscription
from renewals import services

register(
    Timer(
        name="expire_subscriptions",
        model=Subscription,
        due_column="expires_at",
        open=Q(status=SubscriptionStatus.ENABLED, expires_at__isnull=False),
        fire=services.expire,
    )
)
register(
    Timer(
        name="freeze_subscriptions",
        model=Subscription,
        due_column="grace_until",
        open=Q(status=SubscriptionStatus.EXPIRED),
        fire=services.freeze,
    )
)
register(
    Timer(
        name="release_subscriptions",
        model=Subscription,
        due_column="retention_until",
        open=Q(status=SubscriptionStatus.FROZEN),
        fire=services.release,
    )
)
