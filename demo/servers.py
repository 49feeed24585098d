"""Servers of the demo: one by the hour that has run for days, one that is paid by the month, both with the seller's image."""

from datetime import datetime, timedelta

from accounts.actor import Actor
from accounts.models import Account
from billing.services import PaymentRequest, pay_order
from catalog.models import Product
from koogallery.kernel import clock
from orders.deployments import DeploymentWish
from orders.models import Order
from orders.services import Placement, place_order
from pricing.rules import Duration, QuoteRequest
from pricing.values import ServerChoice
from provisioning.compute.models import Deployment
from provisioning.compute.services import saga, shared

# Nobody can log in to a simulated server.
PASSWORD = "Demo-server-1"
STEP, PATIENCE = timedelta(seconds=5), 100


def buy_server(slug: str, mode: str, name: str, *, account: Account, by: Actor, at: datetime) -> Order:
    """An image on a server of its own, running soon after `at`."""
    specification = Product.objects.get(slug=slug).specifications.order_by("position")[0]
    choice = ServerChoice("eu-dublin", "s6.large.2", bandwidth=5)
    duration = Duration(1, "month") if mode == "monthly" else None
    request = QuoteRequest(specification.pk, mode, duration, server=choice)
    wish = DeploymentWish(name=name, password=PASSWORD)
    placement = Placement(request, agreements_accepted=True, deployment=wish)
    order = place_order(placement, account=account, by=by, at=at)
    if order.is_payable:
        order = pay_order(order, PaymentRequest(), by=by, at=at)
    _make(order, at)
    return order


def _make(order: Order, at: datetime) -> None:
    """Take the steps of the saga as they came due then."""
    deployment = Deployment.objects.get(order=order)
    for number in range(PATIENCE):
        with clock.standing_at(at + number * STEP):
            shared.prepare(deployment.pk)
            for server in deployment.servers.filter(next_step_at__lte=clock.now()):
                saga.advance(server.pk)
