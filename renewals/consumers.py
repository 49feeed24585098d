"""What renewals does when it hears of something."""

from datetime import datetime

from koogallery.kernel.outbox import subscribe
from orders.events import RenewalTakenBack, SubscriptionRenewed, SubscriptionStarted
from orders.models import Subscription
from renewals import services


@subscribe(SubscriptionStarted, name="renewals.plan")
def plan(event: SubscriptionStarted, at: datetime) -> None:
    """A subscription started: write down how it renews."""
    started = Subscription.objects.select_related("line", "line__order")
    services.plan_for(started.get(public_id=event.subscription), at=at)


@subscribe(SubscriptionRenewed, name="renewals.renewed")
def renewed(event: SubscriptionRenewed, at: datetime) -> None:
    """A renewal is paid: the next deduction and notices follow from the new expiry."""
    services.renewed(event.subscription, order_number=event.order_number, at=at)


@subscribe(RenewalTakenBack, name="renewals.taken_back")
def taken_back(event: RenewalTakenBack, at: datetime) -> None:
    """A renewal was refunded: they follow from the expiry before."""
    services.taken_back(event.subscription, at=at)
