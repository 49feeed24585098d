"""Answers the FULFILMENT port: delivery under service supervision."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, OuterRef, QuerySet
from django.db.models.functions import JSONObject
from django.urls import reverse

from accounts.actor import Actor
from catalog.models import Product
from koogallery.kernel.compiled import Compiled, OneOf, Param
from orders import services as order_services
from orders.models import Order, Subscription
from orders.ports import DeliverySummary, DeliveryTerms
from supervision import services
from supervision.choices import OPEN, FlowStatus
from supervision.models import FlowTemplate, ServiceFlow
from supervision.terms import closing_rules, delivery_steps

_FLOWS = Compiled(lambda: ServiceFlow.objects.filter(OneOf(F("order_id"), Param("orders"))))

# By the order alone: asked for its status too, Postgres could look through every open flow instead, while it still
# believes that there are few.
_FLOW = Compiled(lambda: ServiceFlow.objects.filter(order=Param("order")))


class Supervised:
    """`orders.ports.Fulfilment`: people deliver, the buyer accepts."""

    name = services.DELIVERER

    def refusal(self, product: Product) -> str | None:
        """People can always deliver."""
        return None

    def with_terms(self, products: QuerySet[Product]) -> QuerySet[Product]:
        fields = [one.attname for one in FlowTemplate._meta.concrete_fields if one.name != "created_at"]
        newest = FlowTemplate.objects.of_type(OuterRef("flow_type"))[:1]
        return products.annotate(
            flow_template=ArraySubquery(newest.values(one=JSONObject(**{name: name for name in fields})))
        )

    def terms(self, product: Product) -> DeliveryTerms:
        read: list[dict[str, Any]] | None = getattr(product, "flow_template", None)
        template = FlowTemplate(**read[0]) if read else FlowTemplate.in_force(product.flow_type)
        graph = template.graph(platform_review=template.reviews(joint_operation=product.joint_operation))
        return DeliveryTerms(tuple(delivery_steps(graph)), tuple(closing_rules(graph)))

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
        flow = _FLOW.first(order=order.pk)
        if flow is not None and flow.status in OPEN:
            services.close_with_order(flow, reason=reason, by=by, at=at)

    def is_frozen(self, order: Order) -> bool:
        """An appeal is open (RULES 1.5)."""
        flow = _FLOW.first(order=order.pk)
        return flow is not None and flow.status == FlowStatus.UNDER_APPEAL

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
