"""A licence's key and an application's password shown to the buyer: recorded, throttled, moving nothing."""

from datetime import datetime

from django.views.decorators.debug import sensitive_variables

from accounts.actor import Actor, Party
from accounts.reveals import record_reveal
from koogallery.kernel import clock
from koogallery.kernel.errors import NotFound
from orders import ports
from orders.models import Subscription
from supervision.choices import Action
from supervision.models import LicenseKey, ServiceFlow
from supervision.services.acting import acting_on, record
from supervision.services.messages import rounds_that_reached_the_buyer


@sensitive_variables()
def reveal_license_key(flow: ServiceFlow, *, round: int, by: Actor, at: datetime | None = None) -> str:
    """Show the buyer the key of a round; who has seen it and when is recorded first.

    Raises:
        NotFound: the round has no key, or has not reached the buyer.
        Throttled: this person has had too many secrets shown within an hour.
    """
    at = at or clock.now()
    with acting_on(flow, Action.REVEAL_KEY, by=by) as flow:
        kept = LicenseKey.objects.filter(delivery__flow=flow, delivery__round=round).first()
        begins = dict(flow.deliveries.values_list("record_id", "round"))
        reached = rounds_that_reached_the_buyer(flow.records.all(), begins)
        if kept is None or by.party is not Party.BUYER or round not in reached:
            raise NotFound("There is no license key to show.")
        what = f"License key of delivery {round}"
        record_reveal(what=what, of=f"order {flow.order.number}", by=by, at=at)
        record(flow, Action.REVEAL_KEY, by=by, at=at, note=what)
    return str(kept.key.reveal())


@sensitive_variables()
def reveal_application(flow: ServiceFlow, *, by: Actor, at: datetime | None = None) -> ports.Credentials:
    """Show the buyer what he logs in with; while the flow is open an operation record tells it to both sides.

    Raises:
        NotFound: there is no password, or the delivery has not reached the buyer.
        Throttled: this person has had too many secrets shown within an hour.
    """
    at = at or clock.now()
    with acting_on(flow, Action.REVEAL_PASSWORD, by=by) as flow:
        app = Subscription.objects.filter(line__order=flow.order_id).order_by("id").first()
        if app is None:
            raise NotFound("There is no password to show.")
        credentials = ports.applications().reveal(app, by=by, at=at)
        if flow.is_open:
            record(flow, Action.REVEAL_PASSWORD, by=by, at=at)
    return credentials
