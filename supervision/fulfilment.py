"""Answers the FULFILMENT port: delivery under service supervision."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import F
from django.urls import reverse

from accounts.actor import Actor
from catalog.models import Product
from koogallery.kernel.compiled import Compiled, OneOf, Param
from orders import services as order_services
from orders.models import Order, Subscription
from orders.ports import DeliverySummary
from supervision import services
from supervision.models import ServiceFlow

_FLOWS = Compiled(lambda: ServiceFlow.objects.filter(OneOf(F("order_id"), Param("orders"))))


class Supervised:
    """`orders.ports.Fulfilment`: people deliver, the buyer accepts."""

    name = services.DELIVERER

    def refusal(self, product: Product) -> str | None:
        """People can always deliver."""
        return None

    def start(self, order: Order, *, by: Actor, at: datetime) -> None:
        services.open_flow(order, by=by, at=at)

    def renew(self, order: Order, subscription: Subscription, *, by: Actor, at: datetime) -> None:
        """A renewal makes no service flow (guide 6.2 NOTE)."""

    def upgrade(self, order: Order, subscription: Subscription, *, by: Actor, at: datetime) -> None:
        """People raise what they deliver when they hear of it; no new service flow (guide 2.2: effective at payment)."""
        order_services.delivery_done(order, deliverer=self.name, accepted=False, by=by, at=at)

    def freeze(self, subscription: Subscription, *, by: Actor, at: datetime) -> None:
        """What people delivered is not switched off by machine."""

    def unfreeze(self, subscription: Subscription, *, by: Actor, at: datetime) -> None:
        """Nor on."""

    def release(self, subscription: Subscription, *, by: Actor, at: datetime) -> None:
        """Nor deleted."""

    def abort(self, order: Order, *, reason: str, by: Actor, at: datetime) -> None:
        flow = ServiceFlow.objects.filter(order=order).first()
        if flow is not None:
            services.close_with_order(flow, reason=reason, by=by, at=at)

    def summaries(self, orders: Iterable[Order]) -> dict[int, DeliverySummary]:
        numbers = {order.pk: order.number for order in orders}
        return {
            flow.order_id: DeliverySummary(
                service_flow=flow.public_id,
                status_label=flow.state.table_label,
                waiting_on=flow.waiting_on,
                url=reverse("supervision:detail", args=[numbers[flow.order_id]]),
            )
            for flow in _FLOWS.all(orders=list(numbers))
        }
