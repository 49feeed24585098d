"""The words of the production interface: what is asked of sellers, their result codes, and what the debugger says."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Version(models.TextChoices):
    """The generation that a product's seller speaks (RULES 2)."""

    V1 = "v1", _("V1.0 (signed GET)")
    V2 = "v2", _("V2.0 (signed JSON POST)")


class Activity(models.TextChoices):
    """What a call asks of the seller."""

    CREATE = "create", _("Create an instance")
    QUERY = "query", _("Query an instance")
    REFRESH = "refresh", _("Renew an instance")
    FREEZE = "freeze", _("Freeze an instance")
    UNFREEZE = "unfreeze", _("Unfreeze an instance")
    UPGRADE = "upgrade", _("Upgrade an instance")
    RELEASE = "release", _("Release an instance")


# How each generation names them in `activity`; V1 has no query: its answer to the creation says everything.
NAMES: dict[str, dict[Activity, str]] = {
    Version.V1: {
        Activity.CREATE: "newInstance",
        Activity.REFRESH: "refreshInstance",
        Activity.FREEZE: "expireInstance",
        Activity.UNFREEZE: "instanceStatus",
        Activity.UPGRADE: "upgrade",
        Activity.RELEASE: "releaseInstance",
    },
    Version.V2: {
        Activity.CREATE: "newInstance",
        Activity.QUERY: "queryInstance",
        Activity.REFRESH: "refreshInstance",
        Activity.FREEZE: "updateInstanceStatus",
        Activity.UNFREEZE: "updateInstanceStatus",
        Activity.UPGRADE: "upgradeInstance",
        Activity.RELEASE: "releaseInstance",
    },
}

OK, AUTH_FAILED, MISSING, PROCESSING = "000000", "000001", "000003", "000004"

# RULES 2.4.
CODES: dict[str, str] = {
    OK: "success",
    AUTH_FAILED: "authentication failed",
    "000002": "a parameter is wrong",
    MISSING: "the instance does not exist",
    PROCESSING: "the request is being processed",
    "000005": "another internal error",
    "000100": "no resource is available",
    "000101": "the mobile number is used or invalid",
    "000102": "the email address is used or invalid",
    "000103": "the product was purchased already",
    "000104": "an internal service error",
    "000105": "the benefit was subscribed to already",
    "000106": "sold out",
    "000107": "the email domain exists already",
}


class Scene(models.TextChoices):
    """Why an instance is refreshed (RULES 2.3)."""

    TRIAL_TO_FORMAL = "TRIAL_TO_FORMAL"
    RENEWAL = "RENEWAL"
    UNSUBSCRIBE_RENEWAL_PERIOD = "UNSUBSCRIBE_RENEWAL_PERIOD"
    RENEWAL_CHANGE = "RENEWAL_CHANGE"


# What the original's debugging page says (RULES 2.1, last row).
NO_BODY_SIGN = "The production interface response does not contain Body-Sign or the Body-Sign format is incorrect."
WRONG_BODY_SIGN = "The Body-Sign of the production interface response was not made with your access key over this body."


def returns_error(code: str) -> str:
    return f"The production interface returns an error result code: {code} ({CODES[code]})."


def does_not_contain(field: str) -> str:
    return f"The production interface response does not contain {field}."


def length_invalid(field: str, most: int, there_are: int) -> str:
    return f"The length of {field} is invalid: at most {most} characters, there are {there_are}."
