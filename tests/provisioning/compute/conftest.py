"""A region with flavors, an image on sale, and orders of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from accounts.actor import Actor
from accounts.models import Account
from billing.gateways.sandbox import SandboxGateway
from billing.services import PaymentRequest, bind_card, pay_order
from catalog.models import Flavor, FlavorOffer, ImageVersion, Product, Region, RegionRate
from catalog.services import refresh_listing
from koogallery.kernel import clock
from koogallery.kernel.models import OutboxMessage
from koogallery.kernel.quiet import run_until_quiet
from orders.deployments import DeploymentWish
from orders.models import Order
from orders.services import Placement, place_order
from pricing.rules import Duration, QuoteRequest
from pricing.values import ServerChoice
from provisioning.compute.models import (
    CloudResource,
    Deployment,
    Reconciliation,
    SecurityGroup,
    Server,
    SimulatedResource,
    SimulatedStock,
)
from provisioning.compute.providers import openstack
from provisioning.compute.providers.base import VolumeSpec
from provisioning.compute.providers.simulated import SimulatedCloud
from tests.factories import AgreementFactory, a_buyer, a_specification
from tests.provisioning.compute.openstack import Cloud, running

PASSWORD = "Correct-horse-7"
RULES = [{"protocol": "tcp", "ports": "443", "source": "0.0.0.0/0", "description": "HTTPS"}]


def a_region(code: str = "eu-dublin", name: str = "EU-Dublin") -> Region:
    """Three flavors by hour, month and year; what disks and addresses cost."""
    region = Region.objects.create(code=code, name=name, zones=["AZ1", "AZ2"])
    for flavor, vcpus, memory, hour in (
        ("s6.small.1", 1, 1, "0.0136"),
        ("s6.large.2", 2, 4, "0.0536"),
        ("s6.xlarge.2", 4, 8, "0.1072"),
    ):
        size, _new = Flavor.objects.get_or_create(
            code=flavor,
            defaults={
                "family": "s6", "vcpus": vcpus, "memory_gib": memory, "cpu": "Intel Cascade Lake 2.6GHz",
                "assured_gbps": "0.1", "maximum_gbps": "0.8", "packets_per_second": 100_000,
            },
        )  # fmt: skip
        price = Decimal(hour)
        FlavorOffer.objects.create(
            region=region, flavor=size, pay_per_use=price, monthly=price * 500, yearly=price * 5000
        )
    for kind, hour in (("high_io", "0.0002"), ("ultra_high_io", "0.0004"), ("bandwidth", "0.03")):
        price = Decimal(hour)
        RegionRate.objects.create(region=region, kind=kind, pay_per_use=price, monthly=price * 500, yearly=price * 5000)
    return region


def an_image(**prices: str) -> Product:
    """An image on sale with a version; 5.00 USD an hour, 155.00 a month, 1,500.00 a year unless said otherwise."""
    modes = prices or {"pay_per_use": "5.00", "monthly": "155.00", "yearly": "1500.00"}
    specification = a_specification(prices=modes, image=True)
    specification.max_quantity = 500
    specification.save()
    product = specification.product
    ImageVersion.objects.create(
        product=product, version="V1.0", name=f"{product.name} V1.0 (Linux)", cloud_name="appliance-1",
        recommended_flavors=["s6.large.2"], recommended_rules=RULES, released_at=clock.now(),
    )  # fmt: skip
    return refresh_listing(product)


@dataclass
class Shop:
    """A buyer with a card before an image in a region."""

    product: Product
    region: Region
    buyer: Actor

    @property
    def account(self) -> Account:
        return Account.objects.get(pk=self.buyer.account_id)

    def request(self, mode: str = "pay_per_use", quantity: int = 1, **server: object) -> QuoteRequest:
        duration = {"monthly": Duration(1, "month"), "yearly": Duration(1, "year")}.get(mode)
        choice = ServerChoice(**({"region": self.region.code, "flavor": "s6.large.2"} | server))
        return QuoteRequest(self.product.specifications.get().pk, mode, duration, quantity, server=choice)

    def order(
        self, mode: str = "pay_per_use", quantity: int = 1, wish: dict[str, object] | None = None, **server: object
    ) -> Order:
        """Placed; by use it is paid with that."""
        placement = Placement(
            self.request(mode, quantity, **server),
            agreements_accepted=True,
            deployment=DeploymentWish(**({"password": PASSWORD} | (wish or {}))),
        )
        return place_order(placement, account=self.account, by=self.buyer)

    def buy(self, mode: str = "pay_per_use", quantity: int = 1, **more: object) -> Order:
        """Placed and paid."""
        order = self.order(mode, quantity, **more)
        return pay_order(order, PaymentRequest(), by=self.buyer) if order.is_payable else order

    def servers(self) -> list[Server]:
        return list(Server.objects.select_related("deployment").order_by("id"))


@pytest.fixture
def shop(db: None, settings: object) -> Shop:
    """Nothing goes wrong at the simulated cloud unless a test wants it."""
    settings.SIMULATOR_FAILURES_PERCENT = settings.SIMULATOR_LOST_ANSWERS_PERCENT = 0
    AgreementFactory()
    buyer = a_buyer()
    bind_card(Account.objects.get(pk=buyer.account_id), SandboxGateway().enter_card("success"), by=buyer)
    return Shop(an_image(), a_region(), buyer)


def next_due() -> datetime | None:
    """When the next step of anything here is due; one statement, since every step of every test asks it."""
    columns = [
        (Server, "next_step_at"),
        (Deployment, "next_step_at"),
        (CloudResource, "delete_at"),
        (SecurityGroup, "changed_at"),
        (Reconciliation, "due_at"),
    ]
    dues = [
        model.objects.order_by().filter(**{f"{column}__isnull": False}).values_list(column) for model, column in columns
    ]
    retries = OutboxMessage.objects.filter(done_at=None, stuck_at=None, retry_at__isnull=False).order_by()
    return min((due for (due,) in retries.values_list("retry_at").union(*dues)), default=None)


def let_pass(minutes: float = 5, *, at: datetime | None = None, quietly: bool = False) -> datetime:
    """Business time goes on from one due step to the next; returns the time at its end.

    Args:
        quietly: failures are what the test is about.
    """
    at = at or clock.now()
    end = at + timedelta(minutes=minutes)
    while True:
        run = run_until_quiet(at=at)
        assert quietly or not run.failed, run
        due = next_due()
        if due is None or due > end:
            break
        at = max(due, at + timedelta(seconds=1))
    run_until_quiet(at=end)
    return end


class Simulated:
    """What the tests ask of the simulated cloud."""

    def __init__(self, settings: object) -> None:
        self.settings = settings

    def ours(self) -> list[str]:
        return sorted(SimulatedResource.objects.exclude(state="deleting").values_list("name", flat=True))

    def lose_answers(self) -> None:
        """Every call that makes something answers 500 after it did."""
        self.settings.SIMULATOR_LOST_ANSWERS_PERCENT = 100  # type: ignore[attr-defined]

    def break_servers(self) -> None:
        """No server ever comes up."""
        self.settings.SIMULATOR_FAILURES_PERCENT = 100  # type: ignore[attr-defined]

    def sell_out(self) -> None:
        """No server of any kind is left."""
        SimulatedStock.objects.create(region="eu-dublin", what="servers", left=0)

    def sell_out_addresses(self) -> None:
        SimulatedStock.objects.create(region="eu-dublin", what="address", left=0)

    def put_orphan(self) -> None:
        """A call of ours arrives that nobody waits for any more."""
        SimulatedCloud("eu-dublin").ensure_volume(VolumeSpec("kg-orphan", "high_io", 40))


class OpenStack:
    """The same of the OpenStack on loopback."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud

    def ours(self) -> list[str]:
        return self.cloud.ours()

    def lose_answers(self) -> None:
        for path in (
            "networks",
            "subnets",
            "routers",
            "security-groups",
            "security-group-rules",
            "volumes",
            "servers",
            "floatingips",
        ):
            self.cloud.fail_next("POST", f"/{path}")

    def break_servers(self) -> None:
        self.cloud.broken.add("*")

    def sell_out(self) -> None:
        self.cloud.refuse_next("POST", "/servers")

    def sell_out_addresses(self) -> None:
        self.cloud.refuse_next("POST", "/floatingips")

    def put_orphan(self) -> None:
        self.cloud.volumes["v"] = {"id": "v", "name": "kg-orphan", "status": "available", "size": 1}


@pytest.fixture(params=["simulated", "openstack"])
def cloud(request: pytest.FixtureRequest, settings: object) -> Iterator[Simulated | OpenStack]:
    """Each compute provider in turn: the second through the real SDK, over HTTP."""
    if request.param == "simulated":
        yield Simulated(settings)
        return
    with running() as server:
        settings.COMPUTE_PROVIDER = "provisioning.compute.providers.openstack.OpenStackCloud"  # type: ignore[attr-defined]
        settings.OPENSTACK_AUTH_URL = f"{server.url}/identity/v3"  # type: ignore[attr-defined]
        settings.OPENSTACK_USERNAME, settings.OPENSTACK_PASSWORD = server.username, server.password  # type: ignore[attr-defined]
        settings.OPENSTACK_PROJECT = "koogallery"  # type: ignore[attr-defined]
        openstack._connection.cache_clear()
        yield OpenStack(server)
        openstack._connection.cache_clear()
