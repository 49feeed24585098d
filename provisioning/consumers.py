"""What provisioning does when it hears of something."""

from datetime import datetime, timedelta

from koogallery.kernel.outbox import subscribe
from orders.events import RenewalTakenBack, SubscriptionStarted
from provisioning.saas.calling import make_call
from provisioning.saas.events import CallDue
from provisioning.saas.fulfilment import tell_expiry, tell_renewal_taken_back


@subscribe(CallDue, name="provisioning.call", outside=True, pool="sellers", lease=timedelta(minutes=1))
def call(event: CallDue, at: datetime) -> None:
    """A call to a seller, in the threads that are there for that."""
    make_call(event.call, at=at)


@subscribe(SubscriptionStarted, name="provisioning.tell_expiry")
def started(event: SubscriptionStarted, at: datetime) -> None:
    """The real end of a term may be another than the seller was told when he made the instance (RULES 2.6)."""
    tell_expiry(event.subscription, at=at)


@subscribe(RenewalTakenBack, name="provisioning.renewal_taken_back")
def renewal_taken_back(event: RenewalTakenBack, at: datetime) -> None:
    """A renewal was refunded in whole: the seller hears that the instance expires earlier again."""
    tell_renewal_taken_back(event.subscription, event.order_number, at=at)
