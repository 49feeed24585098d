"""Answers the APPLICATIONS port of `orders`."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Exists, OuterRef
from django.views.decorators.debug import sensitive_variables

from accounts.actor import Actor
from catalog.choices import DeliveryMethod
from catalog.models import Product
from orders.models import Order, Subscription
from orders.ports import ApplicationGiven, ApplicationInformation, Credentials
from provisioning import services
from provisioning.models import Application, Instance


def _subscriptions(order: Order) -> list[Subscription]:
    return list(Subscription.objects.filter(line__order=order).order_by("id"))


def _information(one: Application) -> ApplicationInformation:
    return ApplicationInformation(
        version=one.version,
        username=one.username,
        has_password=hasattr(one, "password"),
        password_changed=one.password_changed,
        frontend_url=one.frontend_url,
        management_url=one.management_url,
        given_at=one.given_at,
        handed_over=hasattr(one, "handover"),
        has_memo=hasattr(one, "memo"),
    )


class Applications:
    """`orders.ports.ApplicationKeeper`: encrypted, in versions."""

    def kept_for(self, product: Product) -> bool:
        return product.delivery_method == DeliveryMethod.SAAS

    def taken_for(self, order: Order) -> bool:
        """Only supervised SaaS may have no production interface (RULES 9); with one its server says everything."""
        product = order.product
        supervised = product.delivery_method == DeliveryMethod.SAAS and product.supervised
        if not supervised:
            return False
        read: bool | None = getattr(order, "made_by_machine", None)
        return not (Instance.objects.filter(subscription__line__order=order).exists() if read is None else read)

    def machine_made(self, order: OuterRef) -> Exists:
        return Exists(Instance.objects.filter(subscription__line__order=order))

    @sensitive_variables()
    def checked(self, given: ApplicationGiven) -> ApplicationGiven:
        return services.checked_application(given)

    @sensitive_variables()
    def give(self, order: Order, given: ApplicationGiven, *, by: Actor, at: datetime) -> int:
        return services.give_application(_subscriptions(order), given, by=by, at=at)

    def hand_over(self, order: Order, *, at: datetime) -> None:
        services.hand_over_application(_subscriptions(order), at=at)

    def versions(self, order: Order) -> dict[int, ApplicationInformation]:
        rows = Application.objects.filter(subscription__line__order=order).select_related(
            "password", "memo", "handover"
        )
        return {one.version: _information(one) for one in rows.order_by("-subscription")}

    def shown(self, subscriptions: Iterable[Subscription]) -> dict[int, ApplicationInformation]:
        rows = Application.objects.of(subscriptions).handed_over()
        return {one.subscription_id: _information(one) for one in rows}

    @sensitive_variables()
    def reveal(self, subscription: Subscription, *, by: Actor, at: datetime) -> Credentials:
        return services.reveal_password(subscription, by=by, at=at)
