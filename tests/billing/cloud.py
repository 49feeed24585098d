"""A cloud for tests: it delivers an image's server at once and keeps what it was told to release."""

from datetime import datetime

from accounts.actor import Actor
from catalog.models import Product
from orders import services
from orders.models import Order, Subscription
from orders.ports import DeliveryTerms

RELEASED: list[str] = []


class Cloud:
    """`orders.ports.Fulfilment`, answered by FULFILMENT in the settings of a test."""

    name = "test_cloud"

    def refusal(self, product: Product) -> str | None:
        return None

    def with_terms(self, products):
        return products

    def terms(self, product: Product) -> DeliveryTerms:
        return DeliveryTerms()

    def start(self, order: Order, *, by: Actor, at: datetime) -> None:
        if order.lines.filter(specification__name="never arrives").exists():
            return
        services.delivery_done(order, deliverer=self.name, accepted=False, by=by, at=at)

    def renew(self, order, subscription, *, by, at):
        """It runs on."""

    def upgrade(self, order, subscription, *, by, at):
        """Images have none."""

    def freeze(self, subscription, *, by, at):
        """Nothing to stop."""

    unfreeze = freeze

    def release(self, subscription: Subscription, *, by: Actor, at: datetime) -> None:
        RELEASED.append(subscription.public_id)

    def abort(self, order, *, reason, by, at):
        """Nothing runs."""

    def is_frozen(self, order: Order) -> bool:
        return False

    def summaries(self, orders):
        return {}


FULFILMENT = {
    ("image", False): ["tests.billing.cloud.Cloud"],
    ("license", True): ["supervision.fulfilment.Supervised"],
    ("saas", False): ["tests.billing.cloud.Cloud"],
}
