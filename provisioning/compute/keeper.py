"""Answers the DEPLOYMENTS port of `orders`: what a buyer may ask for, and what is kept of it until his order is paid."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.views.decorators.debug import sensitive_variables

from accounts.actor import Actor
from accounts.models import Account
from catalog.models import Flavor, ImageVersion, Product, Region
from koogallery.kernel.errors import InvalidInput
from orders.deployments import DeploymentWish
from orders.models import Order
from pricing import services as pricing
from pricing.choosing import chosen_attributes
from pricing.list_prices import period_price
from pricing.on_sale import specification_on_sale
from pricing.servers import image_version
from pricing.values import Quote, QuoteRequest
from provisioning.compute.choices import LoginMode
from provisioning.compute.models import (
    Deployment,
    EcsGroup,
    EnterpriseProject,
    KeyPair,
    SecurityGroup,
    Server,
    Subnet,
    Vpc,
)
from provisioning.compute.rules import (
    MOST_AT_ONCE,
    NamesExhausted,
    name_refusal,
    next_number,
    password_refusal,
)
from provisioning.compute.services import naming, own

RECOMMENDED = "recommended"
DEFAULT = "default"


def _refused(errors: dict[str, list[str]]) -> InvalidInput:
    return InvalidInput(next(iter(errors.values()))[0], errors=errors)


class Deployments:
    """`orders.ports.DeploymentKeeper`."""

    @sensitive_variables()
    def checked(
        self, wish: DeploymentWish, *, request: QuoteRequest, product: Product, account: Account
    ) -> DeploymentWish:
        """The wish with every choice made: ids of what exists in the account and the region."""
        assert request.server is not None
        region = Region.objects.filter(code=request.server.region, is_open=True).first()
        if region is None:
            raise _refused({"deployment.region": ["Select one of the regions."]})
        image = image_version(product, request.server.image, region.code)
        errors: dict[str, list[str]] = {}
        if request.quantity > MOST_AT_ONCE:
            errors["quantity"] = [f"You can create a maximum of {MOST_AT_ONCE} ECSs at a time."]
        if why := own.quota_refusal(account, request.quantity):
            errors.setdefault("quantity", []).append(why)
        wish = _names(wish, request.quantity, account, errors)
        wish = _network(wish, request.quantity, account, region, image, errors)
        wish = _login(wish, image, account, errors)
        if wish.zone and wish.zone not in region.zones:
            errors["deployment.zone"] = ["Select an availability zone of the region, or Random."]
        groups = EcsGroup.objects.for_account(account).filter(region=region, public_id=wish.server_group)
        if wish.server_group and not groups.exists():
            errors["deployment.server_group"] = ["Select one of your ECS groups in the region."]
        projects = EnterpriseProject.objects.for_account(account).filter(public_id=wish.enterprise_project)
        if wish.enterprise_project and not projects.exists():
            errors["deployment.enterprise_project"] = ["Select one of your enterprise projects."]
        if errors:
            raise _refused(errors)
        return wish

    @sensitive_variables()
    def keep(self, order: Order, wish: DeploymentWish, *, quote: Quote, by: Actor, at: datetime) -> None:
        assert quote.server is not None
        choice, account = quote.server.choice, order.account
        assert choice.system_disk is not None
        key_pair = (
            KeyPair.objects.for_account(account).filter(public_id=wish.key_pair).first() if wish.key_pair else None
        )
        software, server = _unit_prices(order, quote)
        Deployment.objects.create(
            order=order,
            account=account,
            billing_mode=quote.request.billing_mode,
            quantity=quote.request.quantity,
            region=Region.objects.get(code=choice.region),
            zone=wish.zone,
            image=ImageVersion.objects.get(product=order.product_id, version=choice.image),
            flavor=Flavor.objects.get(code=choice.flavor),
            system_disk_type=choice.system_disk.kind,
            system_disk_gb=choice.system_disk.size_gb,
            data_disks=[disk.as_json() for disk in choice.data_disks],
            bandwidth=choice.bandwidth,
            subnet=Subnet.objects.for_account(account).get(public_id=wish.subnet),
            security_group=SecurityGroup.objects.for_account(account).get(public_id=wish.security_group),
            name=wish.name,
            first_number=wish.first_number,
            login_mode=LoginMode.KEY_PAIR if key_pair else LoginMode.PASSWORD,
            key_pair=key_pair,
            password=wish.password or None,
            forget_password_at=at + settings.COMPUTE_PASSWORD_KEPT_FOR if wish.password else None,
            auto_recovery=wish.auto_recovery,
            ecs_group=_own(EcsGroup, account, wish.server_group),
            enterprise_project=_own(EnterpriseProject, account, wish.enterprise_project),
            currency=quote.currency,
            software_unit_price=software,
            server_unit_price=server,
            created_at=at,
        )

    def with_server_names(self, rows: QuerySet[Any], subscription: str = "pk") -> QuerySet[Any]:
        of = OuterRef(subscription)
        servers = [Server.objects.filter(subscription=of), Server.objects.filter(image_subscription=of)]
        return rows.annotate(server_name=Coalesce(*(Subquery(one.values("name")) for one in servers), Value("")))


def _own(model: Any, account: Account, public_id: str) -> Any:
    return model.objects.for_account(account).get(public_id=public_id) if public_id else None


def _unit_prices(order: Order, quote: Quote) -> tuple[Decimal, Decimal]:
    """What one server's image and ECS cost for an hour, month or year, with all their decimals."""
    assert quote.server is not None
    mode = quote.request.billing_mode
    specification = specification_on_sale(quote.request.specification)
    facts = pricing.facts_for(specification, order.account)
    software = period_price(facts, mode, chosen_attributes(facts, quote.request.attributes))
    return software.amount, quote.server.unit_price(mode).amount


def _names(wish: DeploymentWish, quantity: int, account: Account, errors: dict[str, list[str]]) -> DeploymentWish:
    name = wish.name.strip()
    if not name:
        name, first = naming.default_name(account, quantity)
        return replace(wish, name=name, first_number=first)
    if why := name_refusal(name):
        errors["deployment.name"] = [why]
        return wish
    taken, first = naming.taken_names(account, name), 0
    if quantity == 1 and name in taken and not wish.allow_duplicate_name:
        errors["deployment.name"] = [
            f"There is an ECS named {name} already. Enter another name, or allow duplicate names."
        ]
    elif quantity > 1:
        try:
            first = next_number(name, quantity, taken)
        except NamesExhausted:
            errors["deployment.name"] = [f"No number is left behind {name}. Enter another name."]
    return replace(wish, name=name, first_number=first)


def _network(
    wish: DeploymentWish,
    quantity: int,
    account: Account,
    region: Region,
    image: ImageVersion,
    errors: dict[str, list[str]],
) -> DeploymentWish:
    subnet: Subnet | None
    if wish.subnet:
        subnet = Subnet.objects.for_account(account).filter(vpc__region=region, public_id=wish.subnet).first()
        if subnet is not None and wish.network not in ("", DEFAULT) and subnet.vpc.public_id != wish.network:
            subnet = None
        if subnet is None:
            errors["deployment.subnet"] = ["Select one of the subnets of the network."]
    elif wish.network in ("", DEFAULT):
        subnet = own.default_subnet(account, region)
    else:
        vpc = Vpc.objects.for_account(account).filter(region=region, public_id=wish.network).first()
        subnet = vpc.subnets.order_by("id").first() if vpc else None
        if subnet is None:
            errors["deployment.network"] = ["Select one of your networks in the region."]
    if subnet is not None:
        free = own.addresses_left(subnet.public_id, subnet.cidr)
        if quantity > free:
            errors["deployment.subnet"] = [f"The subnet has only {free} free addresses."]
        wish = replace(wish, subnet=subnet.public_id)
    if wish.security_group in ("", RECOMMENDED):
        group: SecurityGroup | None = own.recommended_group(account, region, image)
    else:
        group = SecurityGroup.objects.for_account(account).filter(region=region, public_id=wish.security_group).first()
        if group is None:
            errors["deployment.security_group"] = ["Select one of your security groups in the region."]
    return replace(wish, security_group=group.public_id) if group else wish


@sensitive_variables()
def _login(wish: DeploymentWish, image: ImageVersion, account: Account, errors: dict[str, list[str]]) -> DeploymentWish:
    if wish.key_pair:
        if wish.password:
            errors["deployment.password"] = ["Choose a password or a key pair, not both."]
        elif not KeyPair.objects.for_account(account).filter(public_id=wish.key_pair).exists():
            errors["deployment.key_pair"] = ["Select one of your key pairs."]
        return wish
    if not wish.password:
        errors["deployment.password"] = ["Enter a password, or select a key pair."]
    elif why := password_refusal(wish.password, image.username):
        errors["deployment.password"] = [why]
    return wish
