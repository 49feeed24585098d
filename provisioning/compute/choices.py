"""The words of servers, with the labels that their console page prints."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class DeploymentStatus(models.TextChoices):
    """An order's servers together."""

    WAITING = "waiting", _("Waiting for payment")
    BUILDING = "building", _("Creating")
    DELIVERED = "delivered", _("Created")
    WITHDRAWN = "withdrawn", _("Withdrawn")


class ServerStatus(models.TextChoices):
    """A server's life. It is billed by use only while `running` or `rebooting` (RULES 8: in normal state)."""

    BUILDING = "building", _("Creating")
    RUNNING = "running", _("Running")
    STOPPING = "stopping", _("Stopping")
    STOPPED = "stopped", _("Stopped")
    STARTING = "starting", _("Starting")
    REBOOTING = "rebooting", _("Restarting")
    DELETING = "deleting", _("Deleting")
    DELETED = "deleted", _("Deleted")


ON = (ServerStatus.RUNNING, ServerStatus.REBOOTING)
"""The states in which time is billed."""


class ServerAct(models.TextChoices):
    """What a buyer may do with a server, as the buttons say it."""

    START = "start", _("Start")
    STOP = "stop", _("Stop")
    RESTART = "restart", _("Restart")
    PASSWORD = "password", _("Reset Password")
    DELETE = "delete", _("Delete")


class ResourceKind(models.TextChoices):
    """What is made at the compute provider."""

    NETWORK = "network", _("Network")
    FIREWALL = "firewall", _("Security group")
    KEY_PAIR = "key_pair", _("Key pair")
    GROUP = "group", _("ECS group")
    VOLUME = "volume", _("Disk")
    SERVER = "server", _("Server")
    ADDRESS = "address", _("EIP")


OWN_KINDS = (ResourceKind.VOLUME, ResourceKind.SERVER, ResourceKind.ADDRESS)
"""What belongs to one server; the rest is shared by an account's servers."""


class ResourceStatus(models.TextChoices):
    """What we want of something at the provider, and know of it."""

    WANTED = "wanted", _("To be made")
    MADE = "made", _("Made")
    UNWANTED = "unwanted", _("To be deleted")
    GONE = "gone", _("Deleted")


class LoginMode(models.TextChoices):
    """How the buyer logs in to a server."""

    PASSWORD = "password", _("Password")
    KEY_PAIR = "key_pair", _("Key pair")
