"""How the statuses of servers look."""

from koogallery.kernel.web.badges import Badge, register
from provisioning.compute.choices import ServerStatus

register(
    "server",
    {
        ServerStatus.BUILDING: Badge("info", "hourglass"),
        ServerStatus.RUNNING: Badge("ok", "circle-check"),
        ServerStatus.STOPPING: Badge("wait", "hourglass"),
        ServerStatus.STOPPED: Badge("neutral", "ban"),
        ServerStatus.STARTING: Badge("wait", "hourglass"),
        ServerStatus.REBOOTING: Badge("wait", "hourglass"),
        ServerStatus.DELETING: Badge("warn", "hourglass"),
        ServerStatus.DELETED: Badge("neutral", "ban"),
    },
)
