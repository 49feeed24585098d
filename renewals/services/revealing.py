"""The password of a purchased app."""

from datetime import datetime

from django.views.decorators.debug import sensitive_variables

from accounts.actor import Actor
from koogallery.kernel import clock
from orders import ports
from orders.models import Subscription
from supervision.models import ServiceFlow
from supervision.services import reveal_application


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
