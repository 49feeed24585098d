"""What renewals does when it hears of something."""

from datetime import datetime

from billing.events import PaymentFailed, PaymentNeedsAction, PaymentReversed
from koogallery.kernel.outbox import subscribe
from orders.events import RenewalTakenBack, SubscriptionRenewed, SubscriptionStarted
from orders.models import Subscription
from renewals import services
from renewals.events import RenewalDeductionStarted


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


@subscribe(RenewalDeductionStarted, name="renewals.charge_card", outside=True)
def charge_card(event: RenewalDeductionStarted, at: datetime) -> None:
    """Charge the card outside any transaction; a repeated delivery changes nothing."""
    services.charge_card(event.payment, at=at)


@subscribe(PaymentFailed, name="renewals.deduction_failed")
def deduction_failed(event: PaymentFailed, at: datetime) -> None:
    """A declined deduction is tried again the next day."""
    services.deduction_failed(event.order_number, why=event.reason, at=at)


@subscribe(PaymentReversed, name="renewals.deduction_reversed")
def deduction_reversed(event: PaymentReversed, at: datetime) -> None:
    """The order could not be paid any more when the money came; it goes back."""
    services.deduction_failed(event.order_number, why="The order could not be paid any more.", at=at)


@subscribe(PaymentNeedsAction, name="renewals.deduction_waits")
def deduction_waits(event: PaymentNeedsAction, at: datetime) -> None:
    """The bank wants the card holder, whom nobody waits for: the expiry comes when it comes."""
    services.deduction_failed(event.order_number, why="The bank asks the card holder to confirm the payment.", at=at)
