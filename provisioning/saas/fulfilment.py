"""Answers the FULFILMENT port: SaaS that the seller's own server makes (RULES 2.6)."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Case, CharField, Exists, F, OuterRef, QuerySet, Value, When

from accounts.actor import Actor
from catalog.choices import DeliveryMethod
from catalog.models import Product
from orders import services as order_services
from orders.choices import SubscriptionStatus
from orders.models import Order, Subscription
from orders.ports import DeliveryStep, DeliverySummary, DeliveryTerms
from provisioning.saas.calling import expiry_told
from provisioning.saas.calls import ask, cancel_waiting, settled
from provisioning.saas.models import AccessKey, Instance, InstanceStatus, ProductInterface
from provisioning.saas.outcomes import DELIVERER, end_instance
from provisioning.saas.words import Activity, Scene, Version

NONE, KEYLESS, DELISTED, CONNECTED = "none", "keyless", "delisted", "connected"

_REFUSALS = {
    NONE: "Not available for purchase yet: the seller has not connected this product to the marketplace.",
    KEYLESS: "Not available for purchase yet: the seller has not connected this product to the marketplace.",
    DELISTED: "Not available for purchase: too many orders of this product could not be delivered.",
}
_STEPS = (
    DeliveryStep("Your application is created", "Seller's server", "usually within a minute, at most within 3 hours"),
    DeliveryStep("You log in", "You", "", ("Username, password and addresses stand on your Purchased Apps page.",)),
)
_RULES = ("If the application cannot be created within 3 hours, the order is canceled and refunded.",)


class Saas:
    """`orders.ports.Fulfilment`: signed calls to the seller's production interface."""

    name = DELIVERER

    def refusal(self, product: Product) -> str | None:
        """Whether the seller's server can be called. Supervised SaaS without an interface is made by people."""
        state = _state(product)
        if state == NONE and product.supervised:
            return None
        return _REFUSALS.get(state)

    def with_terms(self, products: QuerySet[Product]) -> QuerySet[Product]:
        """With the state of the production interface."""
        interface = ProductInterface.objects.filter(product=OuterRef("pk"))
        keys = AccessKey.objects.filter(seller=OuterRef("seller"), revoked_at=None)
        return products.annotate(
            interface_state=Case(
                When(~Exists(interface), then=Value(NONE)),
                When(Exists(interface.filter(delisted_at__isnull=False)), then=Value(DELISTED)),
                When(~Exists(keys), then=Value(KEYLESS)),
                default=Value(CONNECTED),
                output_field=CharField(),
            )
        )

    def terms(self, product: Product) -> DeliveryTerms:
        if product.supervised:
            return DeliveryTerms()
        return DeliveryTerms(_STEPS, _RULES)

    def start(self, order: Order, *, by: Actor, at: datetime) -> None:
        made_by_machine = ProductInterface.objects.filter(product=order.product_id).exists()
        if order.product.supervised and not made_by_machine:
            # People make it and give the application's information with their delivery.
            order_services.delivery_done(order, deliverer=self.name, accepted=False, by=by, at=at)
            return
        for app in Subscription.objects.filter(line__order=order).select_related("line").order_by("id"):
            told = expiry_told(order, app.line)
            instance = Instance.objects.create(
                subscription=app, seller_id=order.seller_id, told_expires_at=told, created_at=at
            )
            ask(instance, Activity.CREATE, order=order, expires_at=told, at=at)

    def renew(self, order: Order, subscription: Subscription, *, by: Actor, at: datetime) -> None:
        if instance := _instance_of(subscription):
            _refresh(instance, subscription, order, at)

    def upgrade(self, order: Order, subscription: Subscription, *, by: Actor, at: datetime) -> None:
        instance = _instance_of(subscription)
        if instance is None:
            order_services.delivery_done(order, deliverer=self.name, accepted=False, by=by, at=at)
        else:
            ask(instance, Activity.UPGRADE, order=order, at=at)

    def freeze(self, subscription: Subscription, *, by: Actor, at: datetime) -> None:
        if instance := _instance_of(subscription):
            cancel_waiting(instance, Activity.UNFREEZE, at=at)
            ask(instance, Activity.FREEZE, order=subscription.line.order, at=at)

    def unfreeze(self, subscription: Subscription, *, by: Actor, at: datetime) -> None:
        """V1 has no call for it but for pay-per-use: there the renewal's own call does it."""
        instance = _instance_of(subscription)
        if instance is None:
            return
        cancel_waiting(instance, Activity.FREEZE, at=at)
        version = ProductInterface.objects.filter(product=subscription.product_id).values_list("version", flat=True)
        if Version.V1 not in version or not subscription.has_term:
            ask(instance, Activity.UNFREEZE, order=subscription.line.order, at=at)

    def release(self, subscription: Subscription, *, by: Actor, at: datetime) -> None:
        if instance := _instance_of(subscription):
            early = subscription.retention_until is None
            end_instance(instance, order=subscription.line.order, ended_early=early, at=at)

    def abort(self, order: Order, *, reason: str, by: Actor, at: datetime) -> None:
        apps = Subscription.objects.select_for_update(of=("self",)).filter(line__order=order).order_by("id")
        for app in apps:
            if instance := _instance_of(app):
                end_instance(instance, order=order, ended_early=True, at=at)
        if order.subject_id and (instance := Instance.objects.filter(subscription=order.subject_id).first()):
            for call in instance.calls.waiting().filter(order=order).select_for_update(of=("self",)):
                call.cancel(at)
                settled(call, at=at)

    def is_frozen(self, order: Order) -> bool:
        """Machines have no disputes."""
        return False

    def summaries(self, orders: Iterable[Order]) -> dict[int, DeliverySummary]:
        """Of orders that people do not accept."""
        mine = [one for one in orders if not Order.product.is_cached(one) or _by_machine_alone(one.product)]
        if not mine:
            return {}
        rows = Instance.objects.filter(
            subscription__line__order__in=mine, subscription__product__supervised=False
        ).annotate(order=F("subscription__line__order"))
        return {
            one.order: DeliverySummary(
                service_flow=None,
                status_label=str(InstanceStatus(one.status).label),
                waiting_on="seller" if one.status == InstanceStatus.CREATING else None,
                url="",
            )
            for one in rows
        }


def _by_machine_alone(product: Product) -> bool:
    return product.delivery_method == DeliveryMethod.SAAS and not product.supervised


def _state(product: Product) -> str:
    read = getattr(product, "interface_state", None)
    if read is None:
        interface = ProductInterface.objects.filter(product=product).first()
        if interface is None:
            return NONE
        if interface.delisted_at:
            return DELISTED
        read = CONNECTED if AccessKey.objects.for_seller(product.seller_id).valid().exists() else KEYLESS
    return str(read)


def _instance_of(subscription: Subscription) -> Instance | None:
    return Instance.objects.select_for_update(of=("self",)).filter(subscription=subscription).first()


def _refresh(
    instance: Instance, subscription: Subscription, order: Order, at: datetime, scene: Scene = Scene.RENEWAL
) -> None:
    ask(instance, Activity.REFRESH, order=order, expires_at=subscription.expires_at, scene=scene, at=at)


def tell_renewal_taken_back(public_id: str, order_number: str, *, at: datetime) -> None:
    """A renewal was refunded in whole: the seller hears of the earlier end. Again changes nothing."""
    app = Subscription.objects.select_for_update(of=("self",)).get(public_id=public_id)
    instance, order = _instance_of(app), Order.objects.get(number=order_number)
    if instance is None or instance.is_over or app.status == SubscriptionStatus.CLOSED:
        return
    scene = Scene.UNSUBSCRIBE_RENEWAL_PERIOD
    if not instance.calls.filter(order=order, scene=scene).exists():
        _refresh(instance, app, order, at, scene)


def tell_expiry(public_id: str, *, at: datetime) -> None:
    """A term has begun, at acceptance where people accept: the seller hears of its real end, if he was told another."""
    app = Subscription.objects.select_related("line__order").get(public_id=public_id)
    instance = Instance.objects.filter(subscription=app).first()
    if instance is None or app.expires_at is None or app.status == SubscriptionStatus.CLOSED:
        return
    if instance.told_expires_at != app.expires_at:
        Subscription.objects.select_for_update(of=("self",)).get(pk=app.pk)
        if not instance.calls.filter(activity=Activity.REFRESH, expires_at=app.expires_at).exists():
            _refresh(instance, app, app.line.order, at)
