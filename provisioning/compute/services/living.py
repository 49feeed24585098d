"""A server's life beside its saga: it begins with the paid order, is frozen and unfrozen with its subscriptions, is used by
its buyer, and ends. All of it only writes down what is wanted; the saga brings it about."""

from datetime import datetime

from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from accounts.actor import Actor, Party
from accounts.permissions import Permission, require
from catalog.choices import DeliveryMethod
from koogallery.kernel import clock
from koogallery.kernel.errors import InvalidInput, NotFound
from koogallery.kernel.ids import public_id
from orders.choices import SubscriptionStatus
from orders.models import Order, Subscription
from orders.services import order_locked
from provisioning.compute.choices import ON, DeploymentStatus, LoginMode, ResourceKind, ServerAct, ServerStatus
from provisioning.compute.errors import ActRefused, CloudUnavailable
from provisioning.compute.models import Deployment, Server
from provisioning.compute.providers import provider
from provisioning.compute.providers.base import ProviderError
from provisioning.compute.rules import NamesExhausted, act_refusal, next_number, password_refusal, server_names
from provisioning.compute.services import naming
from provisioning.compute.services.meters import stop_running
from provisioning.compute.services.reconciling import plan_reconciliation
from provisioning.compute.services.records import record


def start_deployment(order: Order, *, at: datetime) -> None:
    """The order is paid: its servers are to be made. In the caller's transaction, under the order's lock."""
    deployment = Deployment.objects.select_for_update(of=("self",)).select_related("region", "account").get(order=order)
    deployment.start(at)
    deployment.save(update_fields=["status", "started_at", "next_step_at", "forget_password_at"])
    needs_password = deployment.login_mode == LoginMode.PASSWORD and not deployment.password
    apps = {method: [] for method in (DeliveryMethod.IMAGE, DeliveryMethod.ECS)}  # type: dict[str, list[Subscription]]
    for app in Subscription.objects.filter(line__order=order).order_by("id"):
        apps[app.delivery_method].append(app)
    names = deployment.server_names or _names_now(deployment)
    zones = [deployment.zone] if deployment.zone else deployment.region.zones or [""]
    Server.objects.bulk_create(
        (
            Server(
                account_id=order.account_id,
                deployment=deployment,
                number=number,
                name=name,
                subscription=ecs,
                image_subscription=image,
                zone=zones[number % len(zones)],
                needs_password=needs_password,
                created_at=at,
            )
            for number, (name, ecs, image) in enumerate(
                zip(names, apps[DeliveryMethod.ECS], apps[DeliveryMethod.IMAGE], strict=True), 1
            )
        ),
        batch_size=200,
    )
    plan_reconciliation(deployment.region, at=at)


def _names_now(deployment: Deployment) -> list[str]:
    """For an order of several that was placed before names were given with the order."""
    taken = naming.taken_names(deployment.account, deployment.name)
    try:
        return server_names(
            deployment.name, deployment.quantity, next_number(deployment.name, deployment.quantity, taken)
        )
    except NamesExhausted:
        # Others took the last numbers while this order waited: what is paid for is made.
        return server_names(f"{deployment.name[:50]}-{public_id().lower()}"[:64], deployment.quantity, 1)


def withdraw_deployment(order: Order, *, by: Actor, at: datetime) -> None:
    """The order ends: whatever was made for it is taken away. In the caller's transaction, under the order's lock."""
    deployment = Deployment.objects.select_for_update(of=("self",)).filter(order=order).first()
    if deployment is None or deployment.status == DeploymentStatus.WITHDRAWN:
        return
    deployment.withdraw()
    deployment.save(update_fields=["status", "password", "next_step_at", "forget_password_at"])
    for server in deployment.servers.select_for_update().select_related("deployment").order_by("id"):
        _delete(server, "Its order was taken back.", by=by, at=at)


def _delete(server: Server, why: str, *, by: Actor, at: datetime) -> None:
    if server.status in (ServerStatus.DELETING, ServerStatus.DELETED):
        return
    if server.status in ON:
        stop_running(server, at=at)
    server.delete_at_provider(at)
    server.save(update_fields=["status", "next_step_at", "tries"])
    record(server, f"Deleting. {why}", by=by, at=at)


def forget_password(order_number: str) -> None:
    """The order was canceled unpaid: what it waited with is erased."""
    with transaction.atomic():
        order = order_locked(Order.objects.get(number=order_number))
        deployment = Deployment.objects.select_for_update(of=("self",)).filter(order=order).first()
        if deployment is not None and deployment.status == DeploymentStatus.WAITING:
            deployment.withdraw()
            deployment.save(update_fields=["status", "password", "next_step_at", "forget_password_at"])


def forget_waiting_password(pk: int, *, at: datetime, by: Actor) -> None:
    """Timer: an order has waited for payment for so long that its password is erased; paid later, its servers are made
    with one that nobody knows, and the buyer sets his own on the console."""
    with transaction.atomic():
        order_locked(Deployment.objects.values_list("order", flat=True).get(pk=pk))
        deployment = Deployment.objects.select_for_update(of=("self",)).get(pk=pk)
        if deployment.forget_password_at is None or deployment.forget_password_at > at:
            return
        if deployment.status == DeploymentStatus.WAITING:
            deployment.forget_password()
        else:
            # Paid by a process of the version before, which left this set: its servers are being made with it.
            deployment.forget_password_at = None
        deployment.save(update_fields=["password", "forget_password_at"])


# --- subscriptions ----------------------------------------------------------------------------------------------


def _server_of(subscription: Subscription) -> Server | None:
    rows = Server.objects.select_for_update(of=("self",)).select_related("deployment")
    if subscription.delivery_method == DeliveryMethod.ECS:
        return rows.filter(subscription=subscription).first()
    return rows.filter(image_subscription=subscription).first()


def freeze_server(subscription: Subscription, *, by: Actor, at: datetime) -> None:
    """Retention of the image or of the ECS begins: the server is stopped, its disks are kept. In the caller's transaction."""
    server = _server_of(subscription)
    if server is None or server.frozen_at is not None:
        return
    server.frozen_at = at
    _stop(server, at)
    server.save(update_fields=["status", "frozen_at", "next_step_at", "tries"])
    record(server, "Frozen.", by=by, at=at)


def _stop(server: Server, at: datetime) -> None:
    if server.status in ON:
        stop_running(server, at=at)
        server.stop()
    elif server.status == ServerStatus.STARTING:
        server.stop_starting()
    else:
        return
    server.next_step_at, server.tries = at, 0


def unfreeze_server(subscription: Subscription, *, by: Actor, at: datetime) -> None:
    """Renewed in retention: the server starts again, unless its other subscription is still frozen or over."""
    server = _server_of(subscription)
    if server is None or server.frozen_at is None:
        return
    other = server.image_subscription if subscription.pk == server.subscription_id else server.subscription
    if other.status in (SubscriptionStatus.FROZEN, SubscriptionStatus.CLOSED):
        return
    server.frozen_at = None
    if server.status in (ServerStatus.STOPPED, ServerStatus.STOPPING):
        server.start()
        server.next_step_at, server.tries = at, 0
    server.save(update_fields=["status", "frozen_at", "next_step_at", "tries"])
    record(server, "Unfrozen.", by=by, at=at)


def release_server(subscription: Subscription, *, by: Actor, at: datetime) -> None:
    """The ECS is over: the server is deleted. The image alone is over: the server stays, but may not run (guide 3.4:
    "subscribed or renewed separately")."""
    server = _server_of(subscription)
    if server is None:
        return
    if subscription.delivery_method == DeliveryMethod.ECS:
        _delete(server, "Its ECS subscription ended.", by=by, at=at)
    elif server.frozen_at is None and server.status not in (ServerStatus.DELETING, ServerStatus.DELETED):
        server.frozen_at = at
        _stop(server, at)
        server.save(update_fields=["status", "frozen_at", "next_step_at", "tries"])
        record(server, "Frozen: its image subscription ended.", by=by, at=at)


# --- what a buyer does on the console page ------------------------------------------------------------------------


def act_on_server(server: Server, act: ServerAct, *, by: Actor, at: datetime | None = None) -> Server:
    """Start, stop, restart or delete a server; the cloud does it within seconds.

    Raises:
        PermissionRefused: the role may not buy.
        NotFound: it is not the actor's.
        ActRefused: its state, or its billing, forbids it.
    """
    at = at or clock.now()
    require(by, Permission.BUY)
    with transaction.atomic():
        order_locked(server.deployment.order_id)
        server = _own(server, by)
        if why := act_refusal(act, server.status, frozen=server.frozen_at is not None, by_use=server.is_by_use):
            raise ActRefused(why)
        match act:
            case ServerAct.START:
                server.start()
            case ServerAct.RESTART:
                server.restart()
            case ServerAct.STOP:
                stop_running(server, at=at)
                server.stop()
            case ServerAct.DELETE:
                _delete(server, "", by=by, at=at)
                _close_subscriptions(server, at=at)
                return server
        server.next_step_at, server.tries, server.fault = at, 0, ""
        server.save(update_fields=["status", "next_step_at", "tries", "fault"])
        record(server, f"{act.label}.", by=by, at=at)
    return server


def _own(server: Server, by: Actor) -> Server:
    rows = Server.objects.select_for_update(of=("self",)).select_related("deployment__image", "deployment__region")
    found = rows.filter(pk=server.pk).first()
    if found is None or (by.party is Party.BUYER and found.account_id != by.account_id):
        raise NotFound
    return found


def _close_subscriptions(server: Server, *, at: datetime) -> None:
    """A pay-per-use image ends with the deletion of its ECS (RULES 8)."""
    rows = Subscription.objects.select_for_update(of=("self",)).filter(
        pk__in=[server.subscription_id, server.image_subscription_id]
    )
    for app in rows.exclude(status=SubscriptionStatus.CLOSED).order_by("id"):
        app.close(at)
        app.save(update_fields=["status", "closed_at"])


@sensitive_variables()
def reset_password(server: Server, password: str, *, by: Actor, at: datetime | None = None) -> None:
    """Hand a new password to the cloud, which gives it to the server. It is kept nowhere.

    Raises:
        PermissionRefused, NotFound, ActRefused: see `act_on_server`.
        InvalidInput: it is too weak.
        CloudUnavailable: the cloud did not take it.
    """
    at = at or clock.now()
    require(by, Permission.BUY)
    with transaction.atomic():
        server = _own(server, by)
        act = ServerAct.PASSWORD
        if why := act_refusal(act, server.status, frozen=server.frozen_at is not None, by_use=server.is_by_use):
            raise ActRefused(why)
        if why := password_refusal(password, server.deployment.image.username):
            raise InvalidInput(why, errors={"password": [why]})
        ref = server.resources.usable().get(kind=ResourceKind.SERVER).ref
    try:
        provider(server.deployment.region.code).set_password(ref, password)
    except ProviderError as fault:
        raise CloudUnavailable from fault
    with transaction.atomic():
        Server.objects.filter(pk=server.pk).update(needs_password=False)
        record(server, "Password reset.", by=by, at=at)
