"""What servers have due: the next step of a saga, something shared to delete, a look at the provider.

A firing sends a message, which takes the step outside any transaction, and sets the due time ahead, so that a message that
is lost is sent again.
"""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Q

from koogallery.kernel import clock
from koogallery.kernel.outbox import publish
from koogallery.kernel.timers import Timer, register
from provisioning.compute.events import (
    DeploymentStepDue,
    FirewallChanged,
    OrphanSearchDue,
    ServerStepDue,
    SharedUnwanted,
)
from provisioning.compute.models import CloudResource, Deployment, Reconciliation, SecurityGroup, Server
from provisioning.compute.services.living import forget_waiting_password


def _later(at: datetime) -> datetime:
    """When the step is due again should its message be lost: from now, since a due time long ago would come at once."""
    return max(at, clock.now()) + settings.COMPUTE_STEP_LOST_AFTER


def deployment_step(pk: int, *, at: datetime, by: Any) -> None:
    row = Deployment.objects.select_for_update(of=("self",)).get(pk=pk)
    if row.next_step_at is not None and row.next_step_at <= at:
        Deployment.objects.filter(pk=pk).update(next_step_at=_later(at))
        publish(DeploymentStepDue(deployment=pk, account=row.account_id), at=at)


def server_step(pk: int, *, at: datetime, by: Any) -> None:
    row = Server.objects.select_for_update(of=("self",)).get(pk=pk)
    if row.next_step_at is not None and row.next_step_at <= at:
        Server.objects.filter(pk=pk).update(next_step_at=_later(at))
        publish(ServerStepDue(server=pk), at=at)


def shared_unwanted(pk: int, *, at: datetime, by: Any) -> None:
    row = CloudResource.objects.select_for_update(of=("self",)).get(pk=pk)
    if row.delete_at is not None and row.delete_at <= at:
        CloudResource.objects.filter(pk=pk).update(delete_at=_later(at))
        publish(SharedUnwanted(resource=pk, account=row.account_id), at=at)


def rules_changed(pk: int, *, at: datetime, by: Any) -> None:
    row = SecurityGroup.objects.select_for_update(of=("self",)).get(pk=pk)
    if row.changed_at is not None and row.changed_at <= at:
        SecurityGroup.objects.filter(pk=pk).update(changed_at=_later(at))
        publish(FirewallChanged(group=pk, account=row.account_id), at=at)


def reconciliation_due(pk: int, *, at: datetime, by: Any) -> None:
    row = Reconciliation.objects.select_for_update(of=("self",)).get(pk=pk)
    if row.due_at <= at:
        Reconciliation.objects.filter(pk=pk).update(due_at=max(at, clock.now()) + settings.COMPUTE_RECONCILE_EVERY)
        publish(OrphanSearchDue(region=row.region_id), at=at)


register(
    Timer(
        name="prepare_deployments",
        model=Deployment,
        due_column="next_step_at",
        open=Q(next_step_at__isnull=False),
        fire=deployment_step,
    )
)
register(
    Timer(
        name="forget_server_passwords",
        model=Deployment,
        due_column="forget_password_at",
        open=Q(forget_password_at__isnull=False),
        fire=forget_waiting_password,
    )
)
register(
    Timer(
        name="advance_servers",
        model=Server,
        due_column="next_step_at",
        open=Q(next_step_at__isnull=False),
        fire=server_step,
    )
)
register(
    Timer(
        name="delete_shared_resources",
        model=CloudResource,
        due_column="delete_at",
        open=Q(delete_at__isnull=False),
        fire=shared_unwanted,
    )
)
register(
    Timer(
        name="bring_security_rules",
        model=SecurityGroup,
        due_column="changed_at",
        open=Q(changed_at__isnull=False),
        fire=rules_changed,
    )
)
register(
    Timer(
        name="reconcile_clouds",
        model=Reconciliation,
        due_column="due_at",
        open=Q(due_at__isnull=False),
        fire=reconciliation_due,
    )
)
