"""The words of the catalogue, with the guide's labels and API.md's codes."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class DeliveryMethod(models.TextChoices):
    """How what was bought reaches the buyer (guide 9.1, API.md)."""

    LICENSE = "license", _("License")
    PROFESSIONAL_SERVICE = "professional_service", _("Professional service")
    SAAS = "saas", _("SaaS")
    IMAGE = "image", _("Image")
    ECS = "ecs", _("ECS")


# What a product may be; `ecs` is only ever the server line of an image order.
PRODUCT_DELIVERY_METHODS = [
    DeliveryMethod.SAAS,
    DeliveryMethod.LICENSE,
    DeliveryMethod.IMAGE,
    DeliveryMethod.PROFESSIONAL_SERVICE,
]


class BillingMode(models.TextChoices):
    """How a price is charged. Yearly and monthly print as one label in lists and facets (UX 3.1)."""

    YEARLY = "yearly", _("Yearly")
    MONTHLY = "monthly", _("Monthly")
    PAY_PER_USE = "pay_per_use", _("Pay-per-use")
    ONE_TIME = "one_time", _("One-time")

    @property
    def guide_label(self) -> str:
        """The guide's label outside image pages: yearly and monthly are "Yearly/Monthly"."""
        return str(_("Yearly/Monthly")) if self in SUBSCRIPTION_MODES else str(self.label)

    @property
    def unit(self) -> str:
        """What one list price pays for: year, month, hour, or nothing."""
        return {"yearly": "year", "monthly": "month", "pay_per_use": "hour"}.get(self.value, "")


SUBSCRIPTION_MODES = (BillingMode.YEARLY, BillingMode.MONTHLY)
METERED_METHODS = (DeliveryMethod.IMAGE,)
"""What is sold pay-per-use: servers, whose seconds are counted and which their buyer deletes. Nothing would measure or
end another product."""


class OperatingSystem(models.TextChoices):
    """Operating systems that a product runs on or needs."""

    WINDOWS = "windows", _("Windows")
    LINUX = "linux", _("Linux")
    UNIX = "unix", _("Unix")
    WEB = "web", _("Web")
    IOS = "ios", _("iOS")
    ANDROID = "android", _("Android")
    OTHER = "other", _("Other")


class FlowType(models.TextChoices):
    """The service flows of the guide's Service Supervision page."""

    STANDARD = "standard", _("Standard")
    WEBSITE = "website", _("Website deployment")
    SAAS = "saas", _("SaaS")
    LICENSE = "license", _("License")
    NAAS_5G = "5g_naas", _("5G NaaS")


class ProductStatus(models.TextChoices):
    """A listing's life (RULES 9), as UX 3.4 words it."""

    DRAFT = "draft", _("Draft")
    IN_REVIEW = "in_review", _("In review")
    CHANGES_REQUESTED = "changes_requested", _("Changes requested")
    PUBLISHED = "published", _("Published")
    TAKEN_DOWN = "taken_down", _("Taken down")


class AttributeKind(models.TextChoices):
    """An attribute is one of named choices, or a number of something."""

    ENUMERATED = "enumerated", _("One of several choices")
    QUANTITY = "quantity", _("A quantity")


class PriceScheme(models.TextChoices):
    """How a price follows the quantity attribute that multiplies it (RULES 9: linear, tiered, volume).

    Tiered: each unit at the price of its own tier. Volume: every unit at the price of the tier that the total reaches.
    """

    LINEAR = "linear", _("Linear: every unit at the same price")
    TIERED = "tiered", _("Tiered: each unit at the price of its tier")
    VOLUME = "volume", _("Volume: all units at the price of the tier that the total reaches")


class DocumentKind(models.TextChoices):
    """What a document of a product is for."""

    GUIDE = "guide", _("User guide")
    DOWNLOAD = "download", _("Download")


class EcsType(models.TextChoices):
    """Kinds of servers (guide 3.4)."""

    GENERAL = "general_computing", _("General computing")
    GENERAL_PLUS = "general_computing_plus", _("General computing-plus")
    MEMORY = "memory_optimized", _("Memory-optimized")


class DiskType(models.TextChoices):
    """Kinds of disks."""

    COMMON = "common_io", _("Common I/O")
    HIGH = "high_io", _("High I/O")
    ULTRA_HIGH = "ultra_high_io", _("Ultra-high I/O")


class RateKind(models.TextChoices):
    """What a region charges beside flavors: disks by the GB, an EIP by the Mbit/s."""

    COMMON = "common_io", _("Common I/O")
    HIGH = "high_io", _("High I/O")
    ULTRA_HIGH = "ultra_high_io", _("Ultra-high I/O")
    BANDWIDTH = "bandwidth", _("EIP bandwidth")
