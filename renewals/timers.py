"""Deductions, notices, expiry, grace and retention become due by themselves; of one subscription one after the other."""

from django.db.models import Q

from koogallery.kernel.timers import Timer, lane, register
from orders.choices import SubscriptionStatus
from orders.models import Subscription
from renewals import services
from renewals.models import RenewalPlan

_APP, _PLAN = lane("subscription"), lane("subscription", "subscription_id")

register(
    Timer(
        name="deduct_renewals",
        model=RenewalPlan,
        due_column="deduct_at",
        open=Q(deduct_at__isnull=False),
        fire=services.deduct,
        lane=_PLAN,
    )
)
register(
    Timer(
        name="announce_renewals",
        model=RenewalPlan,
        due_column="notice_at",
        open=Q(notice_at__isnull=False),
        fire=services.tell_in_time,
        lane=_PLAN,
        rank=1,
    )
)
register(
    Timer(
        name="expire_subscriptions",
        model=Subscription,
        due_column="expires_at",
        # A deduction that was due before and whose outcome is not known yet comes first.
        open=Q(status=SubscriptionStatus.ENABLED, expires_at__isnull=False, renewal_plan__charging_since=None),
        fire=services.expire,
        lane=_APP,
    )
)
register(
    Timer(
        name="freeze_subscriptions",
        model=Subscription,
        due_column="grace_until",
        open=Q(status=SubscriptionStatus.EXPIRED),
        fire=services.freeze,
        lane=_APP,
    )
)
register(
    Timer(
        name="release_subscriptions",
        model=Subscription,
        due_column="retention_until",
        open=Q(status=SubscriptionStatus.FROZEN),
        fire=services.release,
        lane=_APP,
    )
)
