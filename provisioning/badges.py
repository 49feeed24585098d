"""How the statuses of calls and instances look."""

from koogallery.kernel.web.badges import Badge, register
from provisioning.saas.models import CallStatus, InstanceStatus

register(
    "call",
    {
        CallStatus.WAITING: Badge("info", "hourglass"),
        CallStatus.DONE: Badge("ok", "circle-check"),
        CallStatus.FAILED: Badge("bad", "alert-triangle"),
        CallStatus.CANCELLED: Badge("neutral", "ban"),
    },
)
register(
    "instance",
    {
        InstanceStatus.CREATING: Badge("info", "hourglass"),
        InstanceStatus.READY: Badge("ok", "circle-check"),
        InstanceStatus.FAILED: Badge("bad", "alert-triangle"),
        InstanceStatus.RELEASED: Badge("neutral", "ban"),
    },
)
