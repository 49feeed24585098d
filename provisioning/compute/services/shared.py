"""What the servers of an account share at the provider: network, security group, key pair, ECS group.

Made before the first server that needs it, deleted after the last. Steps of one account are taken one after the other
(they are messages of one subject), so that nothing shared is made twice.
"""

from datetime import datetime, timedelta
from random import uniform
from typing import Any

from django.conf import settings
from django.db import transaction

from accounts.actor import Actor
from koogallery.kernel import clock
from orders.choices import OrderStatus
from orders.services import delivery_failed, order_locked
from provisioning.compute.choices import DeploymentStatus, ResourceKind, ResourceStatus, ServerStatus
from provisioning.compute.models import CloudResource, Deployment, SecurityGroup, Server
from provisioning.compute.providers import provider
from provisioning.compute.providers.base import FirewallSpec, Made, NetworkSpec, ProviderError, ProviderRefused

SYSTEM = Actor.system("compute")
LONGEST_WAIT = timedelta(minutes=2)


def _owner(deployment: Deployment, kind: str) -> dict[str, Any]:
    """Which row of the account a shared thing is for."""
    match kind:
        case ResourceKind.NETWORK:
            return {"subnet": deployment.subnet}
        case ResourceKind.FIREWALL:
            return {"security_group": deployment.security_group}
        case ResourceKind.KEY_PAIR:
            return {"key_pair": deployment.key_pair}
    return {"ecs_group": deployment.ecs_group}


def needed_kinds(deployment: Deployment) -> list[str]:
    """What a deployment's servers share, in the order in which it is made."""
    kinds: list[str] = [ResourceKind.NETWORK, ResourceKind.FIREWALL]
    kinds += [ResourceKind.KEY_PAIR] if deployment.key_pair_id else []
    return kinds + ([ResourceKind.GROUP] if deployment.ecs_group_id else [])


def shared_resource(deployment: Deployment, kind: str) -> CloudResource:
    """The row of a shared thing that was made.

    Raises:
        CloudResource.DoesNotExist
    """
    rows = CloudResource.objects.usable().filter(region=deployment.region_id, kind=kind)
    return rows.get(**_owner(deployment, kind))


def prepare(pk: int) -> None:
    """Make one of the things that a deployment's servers share; when all are there the servers begin. Outside any
    transaction; repeating it does no harm."""
    resource, deployment = _decide(pk)
    if deployment is None:
        return
    if resource is None:
        _begin_servers(pk)
        return
    try:
        made = _ensure(deployment, resource)
    except ProviderError as fault:
        _record_fault(pk, fault)
        return
    with transaction.atomic():
        order_locked(deployment.order_id)
        row = CloudResource.objects.select_for_update().get(pk=resource.pk)
        if row.status in (ResourceStatus.WANTED, ResourceStatus.MADE):
            row.made(made.ref, ready=made.is_ready)
            row.save(update_fields=["status", "ref", "is_ready"])
        waits = timedelta(0) if made.is_ready else settings.COMPUTE_LOOK_AGAIN
        Deployment.objects.filter(pk=pk, next_step_at__isnull=False).update(next_step_at=clock.now() + waits, tries=0)


@transaction.atomic
def _decide(pk: int) -> tuple[CloudResource | None, Deployment | None]:
    deployment = (
        Deployment.objects.select_for_update(of=("self",))
        .select_related("region", "subnet", "security_group", "key_pair", "ecs_group")
        .get(pk=pk)
    )
    if deployment.status != DeploymentStatus.BUILDING or deployment.next_step_at is None:
        return None, None
    for kind in needed_kinds(deployment):
        owner = _owner(deployment, kind)
        # Under its lock, so that nobody gives it up between this look and the servers that need it.
        rows = CloudResource.objects.usable().select_for_update()
        row = rows.filter(region=deployment.region_id, kind=kind, **owner).first()
        if row is None:
            row = CloudResource.objects.create(
                kind=kind,
                account_id=deployment.account_id,
                region_id=deployment.region_id,
                created_at=clock.now(),
                **owner,
            )
        if not (row.status == ResourceStatus.MADE and row.is_ready):
            return row, deployment
    return None, deployment


def _ensure(deployment: Deployment, resource: CloudResource) -> Made:
    cloud = provider(deployment.region.code)
    match resource.kind:
        case ResourceKind.NETWORK:
            return cloud.ensure_network(NetworkSpec(resource.token, deployment.subnet.name, deployment.subnet.cidr))
        case ResourceKind.FIREWALL:
            group = deployment.security_group
            return cloud.ensure_firewall(FirewallSpec(resource.token, group.name, group.rule_list))
        case ResourceKind.KEY_PAIR:
            assert deployment.key_pair is not None
            return cloud.ensure_key_pair(resource.token, deployment.key_pair.public_key)
    return cloud.ensure_group(resource.token)


@transaction.atomic
def _begin_servers(pk: int) -> None:
    """All that is shared is there."""
    order_locked(Deployment.objects.values_list("order", flat=True).get(pk=pk))
    deployment = Deployment.objects.select_for_update(of=("self",)).get(pk=pk)
    if deployment.status != DeploymentStatus.BUILDING or deployment.next_step_at is None:
        return
    deployment.next_step_at, deployment.tries = None, 0
    deployment.save(update_fields=["next_step_at", "tries"])
    waiting = deployment.servers.filter(status=ServerStatus.BUILDING, built_at=None, next_step_at=None)
    waiting.update(next_step_at=clock.now())


@transaction.atomic
def _record_fault(pk: int, fault: ProviderError) -> None:
    order = order_locked(Deployment.objects.values_list("order", flat=True).get(pk=pk))
    deployment = Deployment.objects.select_for_update(of=("self",)).get(pk=pk)
    if deployment.status != DeploymentStatus.BUILDING or deployment.next_step_at is None:
        return
    started = deployment.started_at or deployment.created_at
    late = started + settings.COMPUTE_BUILD_WITHIN <= clock.now()
    if (isinstance(fault, ProviderRefused) or late) and order.status == OrderStatus.PROCESSING:
        reason = f"The network of the servers could not be created: {fault}"[:200]
        delivery_failed(order, deliverer="compute", reason=reason, by=SYSTEM, at=clock.now())
        return
    deployment.next_step_at = _again(deployment.tries)
    deployment.tries += 1
    deployment.save(update_fields=["next_step_at", "tries"])


def _again(tries: int) -> datetime:
    return clock.now() + min(LONGEST_WAIT, settings.COMPUTE_LOOK_AGAIN * 2 ** min(tries, 8)) * uniform(0.8, 1.2)


# --- taking away ------------------------------------------------------------------------------------------------


def release_unused(deployment: Deployment, *, at: datetime) -> None:
    """What the deployment shared and no other server needs is to be deleted; in the caller's transaction."""
    for kind in needed_kinds(deployment):
        owner = _owner(deployment, kind)
        rows = (
            CloudResource.objects.usable().select_for_update().filter(region=deployment.region_id, kind=kind, **owner)
        )
        for row in rows.order_by("id"):
            if not _is_needed(deployment, kind):
                row.give_up()
                row.delete_at = at
                row.save(update_fields=["status", "is_ready", "delete_at"])


def _is_needed(deployment: Deployment, kind: str) -> bool:
    """Whether any server that exists, or is about to, uses the shared thing."""
    owner = {f"deployment__{name}": row for name, row in _owner(deployment, kind).items()}
    return Server.objects.existing().filter(deployment__region=deployment.region_id, **owner).exists()


def delete_shared(pk: int) -> None:
    """Delete something shared at the provider; outside any transaction, repeating it does no harm."""
    resource = CloudResource.objects.select_related("region").filter(pk=pk, status=ResourceStatus.UNWANTED).first()
    if resource is None or resource.delete_at is None:
        return
    try:
        is_gone = provider(resource.region.code).delete(resource.kind, resource.token, resource.ref)
    except ProviderError:
        is_gone = False
    with transaction.atomic():
        row = CloudResource.objects.select_for_update().get(pk=pk)
        if row.status != ResourceStatus.UNWANTED:
            return
        if is_gone:
            row.gone(clock.now())
        else:
            row.delete_at, row.tries = _again(row.tries), row.tries + 1
        row.save(update_fields=["status", "gone_at", "delete_at", "tries"])


def bring_rules(pk: int) -> None:
    """Bring the changed rules of a security group to the provider; outside any transaction."""
    group = SecurityGroup.objects.select_related("region").get(pk=pk)
    changed = group.changed_at
    row = CloudResource.objects.usable().filter(security_group=group, status=ResourceStatus.MADE).first()
    if changed is None:
        return
    if row is not None:
        try:
            provider(group.region.code).ensure_firewall(FirewallSpec(row.token, group.name, group.rule_list))
        except ProviderError:
            later = clock.now() + settings.COMPUTE_LOOK_AGAIN
            SecurityGroup.objects.filter(pk=pk, changed_at=changed).update(changed_at=later)
            return
    SecurityGroup.objects.filter(pk=pk, changed_at=changed).update(changed_at=None)
