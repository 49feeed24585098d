"""Answers the FULFILMENT port: images, and the servers that they run on."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import F, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.actor import Actor, Party
from catalog.choices import DeliveryMethod
from catalog.models import Product
from koogallery.kernel.compiled import Compiled, OneOf, Param
from orders.models import Order, Subscription
from orders.ports import DeliveryStep, DeliverySummary, DeliveryTerms
from provisioning.compute.choices import DeploymentStatus
from provisioning.compute.models import Deployment
from provisioning.compute.services import living
from provisioning.compute.services.saga import DELIVERER

_DEPLOYMENTS = Compiled(lambda: Deployment.objects.filter(OneOf(F("order_id"), Param("orders"))))


class Servers:
    """`orders.ports.Fulfilment`: the servers of an image order are made, frozen and deleted by machine."""

    name = DELIVERER
    # An order of it comes with a deployment (`orders.ports.is_deployed`).
    deploys = True

    def refusal(self, product: Product) -> str | None:
        if product.delivery_method == DeliveryMethod.IMAGE and not product.image_versions.on_sale().exists():
            return "Not available for purchase: the seller has published no version of this image."
        return None

    def with_terms(self, products: QuerySet[Product]) -> QuerySet[Product]:
        return products

    def terms(self, product: Product) -> DeliveryTerms:
        return DeliveryTerms(
            (
                DeliveryStep(
                    _("Configure the server"), _("You"), notes=(_("Region, ECS flavor, network and password."),)
                ),
                DeliveryStep(_("The server is created"), _("The cloud"), _("within a few minutes")),
                DeliveryStep(_("Use it"), _("You"), notes=(_("Start, stop and connect from the ECS console."),)),
            ),
            (_("If a server cannot be created, the order is canceled and anything that was paid is refunded."),),
        )

    def start(self, order: Order, *, by: Actor, at: datetime) -> None:
        living.start_deployment(order, at=at)

    def renew(self, order: Order, subscription: Subscription, *, by: Actor, at: datetime) -> None:
        """The servers run on; a frozen one is unfrozen by the port's own verb."""

    def upgrade(self, order: Order, subscription: Subscription, *, by: Actor, at: datetime) -> None:
        """Images are not upgraded (RULES 7)."""

    def freeze(self, subscription: Subscription, *, by: Actor, at: datetime) -> None:
        living.freeze_server(subscription, by=by, at=at)

    def unfreeze(self, subscription: Subscription, *, by: Actor, at: datetime) -> None:
        living.unfreeze_server(subscription, by=by, at=at)

    def release(self, subscription: Subscription, *, by: Actor, at: datetime) -> None:
        living.release_server(subscription, by=by, at=at)

    def abort(self, order: Order, *, reason: str, by: Actor, at: datetime) -> None:
        living.withdraw_deployment(order, by=by, at=at)

    def is_frozen(self, order: Order) -> bool:
        """Nothing of an image is disputed: there is no service supervision (RULES 8)."""
        return False

    def summaries(self, orders: Iterable[Order]) -> dict[int, DeliverySummary]:
        numbers = {order.pk: order.number for order in orders}
        return {
            one.order_id: DeliverySummary(
                service_flow=None,
                status_label=str(DeploymentStatus(one.status).label),
                waiting_on=Party.SYSTEM if one.status == DeploymentStatus.BUILDING else None,
                url=f"{reverse('compute:servers')}?order={numbers[one.order_id]}",
                url_label=_("Open the ECS console"),
            )
            for one in _DEPLOYMENTS.all(orders=list(numbers))
        }
