"""When servers run: the stretches of time that pay-per-use is charged for. Called in the transaction of the change."""

from datetime import datetime

from provisioning.compute.models import Server, ServerRun
from provisioning.metering.services import start_meter, stop_meter


def start_running(server: Server, *, at: datetime) -> None:
    """The server is up from `at` on, and image and ECS are metered; again changes nothing."""
    _run, is_new = ServerRun.objects.get_or_create(server=server, stopped_at=None, defaults={"started_at": at})
    if is_new and server.is_by_use:
        start_meter(server.subscription, at=at)
        start_meter(server.image_subscription, at=at)


def stop_running(server: Server, *, at: datetime) -> None:
    """The server is not billed from `at` on; again changes nothing."""
    run = ServerRun.objects.filter(server=server, stopped_at=None).first()
    if run is None:
        return
    # Clocks of two machines may differ by a little; no stretch is negative.
    run.stopped_at = max(at, run.started_at)
    run.save(update_fields=["stopped_at"])
    if server.is_by_use:
        stop_meter(server.subscription, at=run.stopped_at)
        stop_meter(server.image_subscription, at=run.stopped_at)
