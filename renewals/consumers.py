"""What renewals does when it hears of something."""

from datetime import datetime

from koogallery.kernel.outbox import subscribe
from orders.events import SubscriptionStarted
from orders.models import Subscription
from renewals import services


@subscribe(SubscriptionStarted, name="renewals.plan")
def plan(event: SubscriptionStarted, at: datetime) -> None:
    """A subscription started: write down how it renews."""
    started = Subscription.objects.select_related("line", "line__order")
    services.plan_for(started.get(public_id=event.subscription), at=at)
