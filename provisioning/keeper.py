"""Answers the APPLICATIONS port of `orders`."""

from collections.abc import Iterable
from datetime import datetime

from django.views.decorators.debug import sensitive_variables

from accounts.actor import Actor
from catalog.choices import DeliveryMethod
from catalog.models import Product
from orders.models import Order, Subscription
from orders.ports import ApplicationGiven, ApplicationInformation, Credentials
from provisioning import services
from provisioning.models import Application


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
    )


class Applications:
    """`orders.ports.ApplicationKeeper`: encrypted, in versions."""

    def taken_for(self, product: Product) -> bool:
        """Only supervised SaaS may have no production interface (RULES 9), and none has one yet."""
        return product.delivery_method == DeliveryMethod.SAAS and product.supervised

    @sensitive_variables()
    def checked(self, given: ApplicationGiven) -> ApplicationGiven:
        return services.checked_application(given)

    @sensitive_variables()
    def give(self, order: Order, given: ApplicationGiven, *, by: Actor, at: datetime) -> int:
        return services.give_application(_subscriptions(order), given, by=by, at=at)

    def hand_over(self, order: Order, *, at: datetime) -> None:
        services.hand_over_application(_subscriptions(order), at=at)

    def versions(self, order: Order) -> dict[int, ApplicationInformation]:
        rows = Application.objects.filter(subscription__line__order=order).select_related("password", "handover")
        return {one.version: _information(one) for one in rows.order_by("-subscription")}

    def shown(self, subscriptions: Iterable[Subscription]) -> dict[int, ApplicationInformation]:
        rows = Application.objects.of(subscriptions).handed_over()
        return {one.subscription_id: _information(one) for one in rows}

    @sensitive_variables()
    def reveal(self, subscription: Subscription, *, by: Actor, at: datetime) -> Credentials:
        return services.reveal_password(subscription, by=by, at=at)
