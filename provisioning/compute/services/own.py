"""What an account makes for its servers: networks, security groups, key pairs, ECS groups, enterprise projects."""

import base64
import binascii
import hashlib
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Sum

from accounts.actor import Actor
from accounts.models import Account
from accounts.permissions import Permission, require
from catalog.firewalls import checked_rules
from catalog.models import ImageVersion, Region
from koogallery.kernel import clock
from koogallery.kernel.errors import InvalidInput, InvalidTransition
from koogallery.kernel.text import clean_text
from provisioning.compute.models import (
    Deployment,
    EcsGroup,
    EnterpriseProject,
    KeyPair,
    SecurityGroup,
    Server,
    ServerQuota,
    Subnet,
    Vpc,
)
from provisioning.compute.models.networks import recommended_name
from provisioning.compute.rules import addresses_in, network_refusal, subnet_refusal

DEFAULT_VPC, DEFAULT_SUBNET = "192.168.0.0/16", "192.168.0.0/20"
LONGEST_NAME = 64
MOST_OF_A_KIND = 200
KEY_TYPES = ("ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521")


def _refuse(field: str, why: str) -> InvalidInput:
    return InvalidInput(why, errors={field: [why]})


def _name(text: str, field: str = "name") -> str:
    try:
        name = clean_text(text)
    except ValueError as refused:
        raise _refuse(field, str(refused)) from refused
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise _refuse(field, f"Enter a name of 1 to {LONGEST_NAME} characters.")
    return name


def _room(rows: Any) -> None:
    if rows.count() >= MOST_OF_A_KIND:
        raise _refuse("name", f"An account can have {MOST_OF_A_KIND} of these at the most.")


def quota_of(account: Account) -> int:
    """How many servers the account may have."""
    own = ServerQuota.objects.filter(account=account).first()
    return own.servers if own else settings.COMPUTE_SERVERS_PER_ACCOUNT


def quota_refusal(account: Account, quantity: int) -> str | None:
    """Why the account may not have so many more servers, in words, or None.

    Servers whose order waits for payment count: what is paid for is made.
    """
    quota, there = quota_of(account), Server.objects.for_account(account).existing().count()
    waiting = _waiting(account=account)
    left = max(0, quota - there - waiting)
    if quantity <= left:
        return None
    unpaid = f" ({waiting:,} are in orders that wait for payment)" if waiting else ""
    return (
        f"You can create a maximum of {quota:,} ECSs, and {left:,} more now{unpaid}. "
        "Submit a service ticket to increase the quota."
    )


def addresses_left(subnet: str, cidr: str) -> int:
    """How many more servers a subnet has addresses for; `subnet` is its public id."""
    there = Server.objects.existing().filter(deployment__subnet__public_id=subnet).count()
    return max(0, addresses_in(cidr) - there - _waiting(subnet__public_id=subnet))


def _waiting(**where: Any) -> int:
    """How many servers are in orders that wait for payment."""
    rows = Deployment.objects.to_come().filter(**where)
    return rows.aggregate(servers=Sum("quantity"))["servers"] or 0


@transaction.atomic
def create_vpc(
    account: Account, region: Region, *, name: str, cidr: str, subnet_name: str, subnet_cidr: str, by: Actor
) -> Vpc:
    """A VPC with its first subnet.

    Raises:
        PermissionRefused: the role may not buy.
        InvalidInput: a name that is taken, or a range that cannot be.
    """
    require(by, Permission.BUY)
    name, subnet_name = _name(name), _name(subnet_name, "subnet_name")
    if why := network_refusal(cidr.strip()):
        raise _refuse("cidr", why)
    if why := subnet_refusal(subnet_cidr.strip(), cidr.strip(), []):
        raise _refuse("subnet_cidr", why)
    _room(Vpc.objects.for_account(account))
    try:
        with transaction.atomic():
            vpc = Vpc.objects.create(
                account=account, region=region, name=name, cidr=cidr.strip(), created_at=clock.now()
            )
    except IntegrityError as taken:
        raise _refuse("name", "There is a VPC with this name in the region already.") from taken
    Subnet.objects.create(account=account, vpc=vpc, name=subnet_name, cidr=subnet_cidr.strip(), created_at=clock.now())
    return vpc


@transaction.atomic
def create_subnet(vpc: Vpc, *, name: str, cidr: str, by: Actor) -> Subnet:
    """Another subnet of a VPC.

    Raises:
        PermissionRefused, InvalidInput: see `create_vpc`.
    """
    require(by, Permission.BUY)
    name = _name(name)
    vpc = Vpc.objects.select_for_update(of=("self",)).get(pk=vpc.pk)
    if why := subnet_refusal(cidr.strip(), vpc.cidr, list(vpc.subnets.values_list("cidr", flat=True))):
        raise _refuse("cidr", why)
    _room(vpc.subnets)
    if vpc.subnets.filter(name=name).exists():
        raise _refuse("name", "There is a subnet with this name in the VPC already.")
    return Subnet.objects.create(account=vpc.account, vpc=vpc, name=name, cidr=cidr.strip(), created_at=clock.now())


def default_subnet(account: Account, region: Region) -> Subnet:
    """The first subnet of the account's default VPC in the region; made when there is none."""
    found = Subnet.objects.for_account(account).filter(vpc__region=region, vpc__is_default=True).order_by("id").first()
    if found is not None:
        return found
    with transaction.atomic():
        Account.objects.select_for_update(of=("self",), no_key=True).get(pk=account.pk)
        vpc, is_new = Vpc.objects.get_or_create(
            account=account,
            region=region,
            is_default=True,
            defaults={"name": "vpc-default", "cidr": DEFAULT_VPC, "created_at": clock.now()},
        )
        if is_new:
            Subnet.objects.create(
                account=account, vpc=vpc, name="subnet-default", cidr=DEFAULT_SUBNET, created_at=clock.now()
            )
        return vpc.subnets.order_by("id")[0]


def recommended_group(account: Account, region: Region, image: ImageVersion) -> SecurityGroup:
    """The security group that the image's seller recommends, in the account; made when there is none."""
    group, _is_new = SecurityGroup.objects.get_or_create(
        account=account,
        region=region,
        name=recommended_name(image),
        defaults={"rules": image.recommended_rules, "recommended_for": image.product, "created_at": clock.now()},
    )
    return group


def checked(rules: Iterable[Any]) -> list[dict[str, Any]]:
    """Rules as they are stored.

    Raises:
        InvalidInput: one is none.
    """
    try:
        return [rule.as_json() for rule in checked_rules(rules)]
    except ValueError as refused:
        raise _refuse("rules", str(refused)) from refused


def create_security_group(
    account: Account, region: Region, *, name: str, rules: Iterable[Any], by: Actor
) -> SecurityGroup:
    """A security group of the account's own.

    Raises:
        PermissionRefused, InvalidInput.
    """
    require(by, Permission.BUY)
    name, kept = _name(name), checked(rules)
    _room(SecurityGroup.objects.for_account(account))
    try:
        with transaction.atomic():
            return SecurityGroup.objects.create(
                account=account, region=region, name=name, rules=kept, created_at=clock.now()
            )
    except IntegrityError as taken:
        raise _refuse("name", "There is a security group with this name in the region already.") from taken


@transaction.atomic
def change_rules(group: SecurityGroup, *, rules: Iterable[Any], by: Actor) -> SecurityGroup:
    """Other rules for a security group; servers that use it have them within seconds.

    Raises:
        PermissionRefused, InvalidInput.
    """
    require(by, Permission.BUY)
    kept = checked(rules)
    group = SecurityGroup.objects.select_for_update(of=("self",)).get(pk=group.pk)
    if group.rules != kept:
        group.rules, group.changed_at = kept, clock.now()
        group.save(update_fields=["rules", "changed_at"])
    return group


@transaction.atomic
def delete_security_group(group: SecurityGroup, *, by: Actor) -> None:
    """Take a group away that was never used.

    Raises:
        InvalidTransition: servers were made with it.
    """
    require(by, Permission.BUY)
    group = SecurityGroup.objects.select_for_update(of=("self",)).get(pk=group.pk)
    if group.deployments.exists():
        raise InvalidTransition("Servers were created with this security group. It cannot be deleted.")
    group.delete()


def create_key_pair(account: Account, *, name: str, public_key: str, by: Actor) -> KeyPair:
    """A public key of the account; the private one never comes here.

    Raises:
        PermissionRefused, InvalidInput.
    """
    require(by, Permission.BUY)
    name, key = _name(name), " ".join(public_key.split())
    kind, _blank, rest = key.partition(" ")
    try:
        blob = base64.b64decode(rest.partition(" ")[0], validate=True)
    except (binascii.Error, ValueError):
        blob = b""
    if "PRIVATE KEY" in public_key:
        raise _refuse("public_key", "This is a private key. Keep it to yourself, and enter the public one.")
    if kind not in KEY_TYPES or len(blob) < 32 or len(key) > 2000 or not key.isprintable():
        raise _refuse("public_key", "Enter a public key in OpenSSH's form, such as ssh-ed25519 AAAA….")
    _room(KeyPair.objects.for_account(account))
    fingerprint = "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    try:
        with transaction.atomic():
            return KeyPair.objects.create(
                account=account, name=name, public_key=key, fingerprint=fingerprint, created_at=clock.now()
            )
    except IntegrityError as taken:
        raise _refuse("name", "There is a key pair with this name already.") from taken


def create_ecs_group(account: Account, region: Region, *, name: str, by: Actor) -> EcsGroup:
    """An ECS group: its servers stand on different machines.

    Raises:
        PermissionRefused, InvalidInput.
    """
    require(by, Permission.BUY)
    name = _name(name)
    _room(EcsGroup.objects.for_account(account))
    try:
        with transaction.atomic():
            return EcsGroup.objects.create(account=account, region=region, name=name, created_at=clock.now())
    except IntegrityError as taken:
        raise _refuse("name", "There is an ECS group with this name in the region already.") from taken


def create_enterprise_project(account: Account, *, name: str, by: Actor) -> EnterpriseProject:
    """An enterprise project.

    Raises:
        PermissionRefused, InvalidInput.
    """
    require(by, Permission.BUY)
    name = _name(name)
    _room(EnterpriseProject.objects.for_account(account))
    try:
        with transaction.atomic():
            return EnterpriseProject.objects.create(account=account, name=name, created_at=clock.now())
    except IntegrityError as taken:
        raise _refuse("name", "There is an enterprise project with this name already.") from taken
