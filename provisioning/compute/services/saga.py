"""How a server is made, changed and taken away at the provider: one step at a time, each of which may be the last before a
crash.

A step is three parts. The intent is written down in a transaction (a `CloudResource` to be made, with its token). The
provider is called outside any. The outcome is written down in a second transaction, which locks the order first. Where
the process ends between two parts, the same step is taken again: whatever is made is looked up by its token before.
`next_step_at` says when the saga goes on; what makes it go on is a timer and a message, and losing either only costs time.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import uniform
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from accounts.actor import Actor
from koogallery.kernel import clock
from koogallery.kernel.outbox import publish
from orders.choices import OrderStatus
from orders.services import delivery_done, delivery_failed, order_locked
from provisioning.compute.choices import DeploymentStatus, ResourceKind, ResourceStatus, ServerStatus
from provisioning.compute.events import ServerDeleted, ServersReady
from provisioning.compute.models import CloudResource, Deployment, Server
from provisioning.compute.providers import provider
from provisioning.compute.providers.base import (
    AddressSpec,
    Made,
    ProviderError,
    ProviderRefused,
    ServerSpec,
    VolumeSpec,
)
from provisioning.compute.rules import Facts, Known, Next, Step, next_step, unknown_password
from provisioning.compute.services.meters import start_running
from provisioning.compute.services.records import record
from provisioning.compute.services.shared import release_unused, shared_resource

log = structlog.get_logger(__name__)

DELIVERER = "compute"
SYSTEM = Actor.system("compute")
LONGEST_WAIT = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Turn:
    """A step that was decided on, with the row that it is about (none for power)."""

    server: Server
    next: Next
    resource: CloudResource | None = None


def advance(pk: int) -> None:
    """Take the next step of a server's saga, if one is due; outside any transaction. Repeating it does no harm.

    A server that has nothing more to do at the provider changes its status instead.
    """
    turn = _decide(pk)
    if turn is None:
        return
    try:
        outcome: Made | bool | None = _carry_out(turn)
    except ProviderError as fault:
        _record_fault(turn, fault)
    else:
        _record(turn, outcome)


def facts_of(server: Server) -> Facts:
    """What decides its next step."""
    deployment = server.deployment
    known = tuple(
        Known(one.kind, one.position, one.status, one.is_ready) for one in server.resources.live().order_by("id")
    )
    return Facts(server.status, len(deployment.data_disks), bool(deployment.bandwidth), known)


@transaction.atomic
def _decide(pk: int) -> Turn | None:
    """The step, its intent written down; None when there is none."""
    server = _under_order(pk)
    if server is None or server.next_step_at is None:
        return None
    step = next_step(facts_of(server))
    if step.step is Step.NOTHING:
        _end_of_steps(server)
        return None
    resource = None
    if step.step in (Step.CREATE, Step.LOOK, Step.DELETE):
        rows = server.resources.live().filter(kind=step.kind, position=step.position)
        if step.step is Step.DELETE:
            # What is to be thrown away of an earlier attempt goes before what is in use now.
            resource = rows.filter(status=ResourceStatus.UNWANTED).order_by("id").first() or rows.order_by("id").first()
            if resource is not None and resource.status != ResourceStatus.UNWANTED:
                resource.give_up()
                resource.save(update_fields=["status", "is_ready"])
        else:
            resource = rows.usable().first() or CloudResource.objects.create(
                kind=step.kind,
                position=step.position,
                server=server,
                account_id=server.account_id,
                region_id=server.deployment.region_id,
                created_at=clock.now(),
            )
    return Turn(server, step, resource)


def _locked(pk: int) -> Server | None:
    rows = Server.objects.select_for_update(of=("self",)).select_related(
        "deployment__region", "deployment__image", "deployment__flavor", "deployment__order"
    )
    return rows.filter(pk=pk).first()


# --- the call ---------------------------------------------------------------------------------------------------


def _carry_out(turn: Turn) -> Made | bool | None:
    """Ask the provider; no transaction is open.

    Raises:
        ProviderError
    """
    deployment, resource = turn.server.deployment, turn.resource
    cloud = provider(deployment.region.code)
    match turn.next.step:
        case Step.CREATE:
            assert resource is not None
            return _create(turn, resource)
        case Step.LOOK:
            assert resource is not None
            return cloud.look(resource.kind, resource.ref)
        case Step.DELETE:
            assert resource is not None
            return cloud.delete(resource.kind, resource.token, resource.ref)
    return _power(turn)


def _power(turn: Turn) -> bool | None:
    """Whether a server is as it shall be; asks for it where it is not."""
    server = turn.server
    resource = server.resources.usable().filter(kind=ResourceKind.SERVER).first()
    if resource is None:
        raise ProviderRefused("The server is not there.")
    cloud = provider(server.deployment.region.code)
    if turn.next.step is Step.RESTART:
        # Asked for once: from the second look on it only waits until the server is up again.
        if server.tries == 0:
            cloud.restart(resource.ref)
            return None
        return cloud.is_on(resource.ref) or None
    wanted = turn.next.step is Step.START
    is_on = cloud.is_on(resource.ref)
    if is_on is None or is_on == wanted:
        return None if is_on is None else True
    (cloud.start if wanted else cloud.stop)(resource.ref)
    return None


@sensitive_variables()
def _create(turn: Turn, resource: CloudResource) -> Made:
    server, deployment = turn.server, turn.server.deployment
    cloud = provider(deployment.region.code)
    match resource.kind:
        case ResourceKind.VOLUME:
            disk: dict[str, Any] = {"type": deployment.system_disk_type, "size_gb": deployment.system_disk_gb}
            if resource.position:
                disk = deployment.data_disks[resource.position - 1]
            image = "" if resource.position else deployment.image.cloud_name
            return cloud.ensure_volume(
                VolumeSpec(resource.token, disk["type"], disk["size_gb"], image=image, zone=server.zone)
            )
        case ResourceKind.ADDRESS:
            machine = server.resources.usable().get(kind=ResourceKind.SERVER)
            return cloud.ensure_address(AddressSpec(resource.token, machine.ref, deployment.bandwidth))
    volumes = server.resources.usable().filter(kind=ResourceKind.VOLUME).order_by("position")
    key, group = deployment.key_pair, deployment.ecs_group
    return cloud.ensure_server(
        ServerSpec(
            token=resource.token,
            name=server.name,
            flavor=deployment.flavor.code,
            network=shared_resource(deployment, ResourceKind.NETWORK).ref,
            firewall=shared_resource(deployment, ResourceKind.FIREWALL).ref,
            volumes=[one.ref for one in volumes],
            zone=server.zone,
            key_pair=shared_resource(deployment, ResourceKind.KEY_PAIR).ref if key else "",
            group=shared_resource(deployment, ResourceKind.GROUP).ref if group else "",
            auto_recovery=deployment.auto_recovery,
            password="" if key else _password(deployment),
        )
    )


@sensitive_variables()
def _password(deployment: Deployment) -> str:
    """What the buyer chose; one that nobody knows where it was erased before he paid."""
    return deployment.password.reveal() if deployment.password else unknown_password(deployment.image.username)


# --- the outcome ------------------------------------------------------------------------------------------------


def _again(tries: int) -> datetime:
    """When a step is tried or looked at again: soon at first, then less often, never all at once."""
    wait = min(LONGEST_WAIT, settings.COMPUTE_LOOK_AGAIN * 2 ** min(tries, 8))
    return clock.now() + wait * uniform(0.8, 1.2)


@transaction.atomic
def _record(turn: Turn, outcome: Made | bool | None) -> None:
    """Write down what the provider said, unless somebody changed his mind meanwhile."""
    server = _under_order(turn.server.pk)
    if server is None:
        return
    if turn.resource is None:
        _record_power(server, turn, bool(outcome))
        return
    resource = CloudResource.objects.select_for_update().get(pk=turn.resource.pk)
    if turn.next.step is Step.DELETE:
        if outcome and resource.status == ResourceStatus.UNWANTED:
            resource.gone(clock.now())
            resource.save(update_fields=["status", "gone_at", "delete_at"])
        _go_on(server, waits=not outcome)
        return
    made = outcome if isinstance(outcome, Made) else None
    if resource.status in (ResourceStatus.WANTED, ResourceStatus.MADE):
        if made is None:
            # It was made and is not there any more: somebody deleted it at the provider.
            made = Made(resource.ref, is_ready=False, fault="It is not there any more.")
        resource.made(made.ref, ready=made.is_ready)
        resource.save(update_fields=["status", "ref", "is_ready"])
        if made.address:
            field = "public_ip" if resource.kind == ResourceKind.ADDRESS else "private_ip"
            if resource.kind != ResourceKind.VOLUME:
                setattr(server, field, made.address)
                server.save(update_fields=[field])
        if made.fault:
            _throw_away(server, made.fault)
            return
    waits = not (made and made.is_ready)
    if waits and server.status == ServerStatus.BUILDING and _is_late(server):
        _give_up(server, "It did not come up in time.")
        return
    _go_on(server, waits=waits)


def _is_late(server: Server) -> bool:
    """Whether the time is over in which a server has to be up."""
    return bool(server.created_at + settings.COMPUTE_BUILD_WITHIN <= clock.now())


def _under_order(pk: int) -> Server | None:
    """The server under its order's lock and its own (DESIGN: one lock)."""
    order = Server.objects.values_list("deployment__order", flat=True).filter(pk=pk).first()
    if order is None:
        return None
    order_locked(order)
    return _locked(pk)


def _go_on(server: Server, *, waits: bool) -> None:
    """The next step is due: at once, or after a while when something has to be waited for."""
    if server.next_step_at is None:
        return
    server.next_step_at = _again(min(server.tries, 1)) if waits else clock.now()
    server.tries = server.tries + 1 if waits else 0
    server.save(update_fields=["next_step_at", "tries"])
    if not waits and next_step(facts_of(server)).step is Step.NOTHING:
        _end_of_steps(server)


def _record_power(server: Server, turn: Turn, is_done: bool) -> None:
    if server.status != turn.server.status:
        _go_on(server, waits=False)
        return
    if not is_done:
        server.tries = 0 if server.next_step_at is None else server.tries
        _go_on(server, waits=True)
        return
    at = clock.now()
    if server.status == ServerStatus.STOPPING:
        server.stopped()
        text = "Stopped."
    else:
        was_starting = server.status == ServerStatus.STARTING
        server.running()
        text = "Running." if was_starting else "Restarted."
        if was_starting:
            start_running(server, at=at)
    server.next_step_at, server.tries = None, 0
    server.save(update_fields=["status", "next_step_at", "tries"])
    record(server, text, by=SYSTEM, at=at)


def _end_of_steps(server: Server) -> None:
    """Nothing is left to do at the provider: the status of the server, which is locked, follows."""
    at = clock.now()
    if server.status == ServerStatus.BUILDING:
        server.built_at, server.next_step_at, server.tries, server.fault = at, None, 0, ""
        server.save(update_fields=["built_at", "next_step_at", "tries", "fault"])
        _deliver_when_all_are_built(server.deployment_id, at=at)
    elif server.status == ServerStatus.DELETING:
        server.deleted(at)
        server.private_ip = server.public_ip = None
        server.save(update_fields=["status", "deleted_at", "next_step_at", "private_ip", "public_ip"])
        record(server, "Deleted.", by=SYSTEM, at=at)
        publish(ServerDeleted(server=server.public_id, name=server.name, account=server.account_id), at=at)
        release_unused(server.deployment, at=at)
    else:
        server.next_step_at = None
        server.save(update_fields=["next_step_at"])


def _deliver_when_all_are_built(pk: int, *, at: datetime) -> None:
    """The last server of an order is up: all of them are handed over, and their terms begin."""
    deployment = Deployment.objects.select_for_update(of=("self",)).select_related("order").get(pk=pk)
    if deployment.status != DeploymentStatus.BUILDING or deployment.servers.filter(built_at=None).exists():
        return
    servers = list(deployment.servers.select_for_update().order_by("number"))
    for server in servers:
        server.deliver()
    Server.objects.bulk_update(servers, ["status"], batch_size=200)
    for server in servers:
        start_running(server, at=at)
        record(server, "Created.", by=SYSTEM, at=at)
    deployment.deliver()
    deployment.save(update_fields=["status", "password", "next_step_at"])
    delivery_done(deployment.order, deliverer=DELIVERER, accepted=False, by=SYSTEM, at=at)
    publish(ServersReady(order_number=deployment.order.number, servers=len(servers)), at=at)


# --- faults -----------------------------------------------------------------------------------------------------


@transaction.atomic
def _record_fault(turn: Turn, fault: ProviderError) -> None:
    """The provider did not do it: try again, throw the machine away, or give the order up."""
    server = _under_order(turn.server.pk)
    if server is None or server.next_step_at is None:
        return
    log.warning("compute_fault", server=server.public_id, step=turn.next.step.value, error=str(fault)[:300])
    if server.status == ServerStatus.BUILDING:
        if _is_late(server) or (isinstance(fault, ProviderRefused) and turn.next.step is not Step.DELETE):
            _give_up(server, str(fault))
            return
    elif turn.resource is None and isinstance(fault, ProviderRefused):
        _record_lost(server, str(fault))
        return
    server.fault = str(fault)[:300]
    server.next_step_at = _again(server.tries)
    # A restart counts as asked for only when the provider took it.
    server.tries += not (turn.next.step is Step.RESTART and server.tries == 0)
    server.save(update_fields=["fault", "next_step_at", "tries"])


def _record_lost(server: Server, why: str) -> None:
    """A running server's machine is broken or gone at the provider: it stays stopped, which is not billed, and people look."""
    at = clock.now()
    if server.status != ServerStatus.STOPPING:
        server.stop() if server.status == ServerStatus.REBOOTING else server.stop_starting()
    server.stopped()
    server.fault, server.next_step_at, server.tries = why[:300], None, 0
    server.save(update_fields=["status", "fault", "next_step_at", "tries"])
    record(server, f"The cloud could not do it: {why}", by=SYSTEM, at=at)


def _throw_away(server: Server, fault: str) -> None:
    """What was made does not work: it is deleted and made anew, a few times; then the order is given up."""
    if server.status != ServerStatus.BUILDING:
        _go_on(server, waits=False)
        return
    if server.attempt >= settings.COMPUTE_ATTEMPTS:
        _give_up(server, fault)
        return
    for resource in server.resources.usable():
        resource.give_up()
        resource.save(update_fields=["status", "is_ready"])
    server.attempt += 1
    server.fault, server.private_ip, server.public_ip = fault[:300], None, None
    server.next_step_at, server.tries = clock.now(), 0
    server.save(update_fields=["attempt", "fault", "private_ip", "public_ip", "next_step_at", "tries"])
    record(server, f"{fault} It is made anew.", by=SYSTEM, at=clock.now())


def _give_up(server: Server, fault: str) -> None:
    """The server cannot be made: its order ends, everything is taken back and what was paid goes back."""
    server.fault = fault[:300]
    server.save(update_fields=["fault"])
    order = order_locked(server.deployment.order_id)
    if order.status != OrderStatus.PROCESSING:
        return
    reason = f"The server {server.name} could not be created: {fault}"[:200]
    delivery_failed(order, deliverer=DELIVERER, reason=reason, by=SYSTEM, at=clock.now())
