"""What is carried out at the compute provider, outside any transaction, and what is heard of orders."""

from datetime import datetime

from koogallery.kernel.outbox import subscribe
from orders.events import OrderCancelled
from provisioning.compute.events import (
    DeploymentStepDue,
    FirewallChanged,
    OrphanSearchDue,
    ServerStepDue,
    SharedUnwanted,
)
from provisioning.compute.services import living, reconciling, saga, shared


@subscribe(DeploymentStepDue, name="compute.prepare", outside=True)
def prepare(event: DeploymentStepDue, at: datetime) -> None:
    """Make the next thing that the servers of an order share."""
    shared.prepare(event.deployment)


@subscribe(ServerStepDue, name="compute.advance", outside=True)
def advance(event: ServerStepDue, at: datetime) -> None:
    """Take the next step of a server's saga."""
    saga.advance(event.server)


@subscribe(SharedUnwanted, name="compute.delete_shared", outside=True)
def delete_shared(event: SharedUnwanted, at: datetime) -> None:
    """Delete what no server uses any more."""
    shared.delete_shared(event.resource)


@subscribe(FirewallChanged, name="compute.bring_rules", outside=True)
def bring_rules(event: FirewallChanged, at: datetime) -> None:
    """The provider's rules become those of the security group."""
    shared.bring_rules(event.group)


@subscribe(OrphanSearchDue, name="compute.reconcile", outside=True)
def reconcile(event: OrphanSearchDue, at: datetime) -> None:
    """Look for orphans in a region."""
    reconciling.reconcile(event.region)


@subscribe(OrderCancelled, name="compute.forget_password")
def forget_password(event: OrderCancelled, at: datetime) -> None:
    """An order that is not going to be paid keeps no password."""
    living.forget_password(event.order_number)
