"""Who is told what of servers: rows of the one table (`notifications/table.py`)."""

from notifications.notice import Audience, Notice, Untold
from provisioning.compute import events as compute

COMPUTE_NOTICES: list[Notice] = [
    Notice(
        compute.ServersReady,
        Audience.BUYERS,
        "Servers ready: {product} ({order})",
        "Servers of this order that run now: {servers}. Log in as the ECS console says.",
        "servers",
    ),
]

COMPUTE_UNTOLD: list[Untold] = [
    Untold(
        compute.ServerDeleted,
        "The buyer asked for it a moment ago, or its order's or subscription's own notice says so.",
    ),
    Untold(compute.DeploymentStepDue, "Between us and the cloud; what comes of it is told."),
    Untold(compute.ServerStepDue, "Between us and the cloud; what comes of it is told."),
    Untold(compute.SharedUnwanted, "Between us and the cloud; nobody used it any more."),
    Untold(compute.FirewallChanged, "Between us and the cloud; the buyer changed the rules a moment ago."),
    Untold(compute.OrphanSearchDue, "Between us and the cloud; operators see orphans in their list."),
]
