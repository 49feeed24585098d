"""What a machine image runs on: regions, ECS flavors and what they cost there, and an image's versions (guide 3.4)."""

from typing import TYPE_CHECKING, Any, Self

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from catalog.choices import EcsType, OperatingSystem, RateKind
from catalog.firewalls import Rule, checked_rules
from catalog.models.products import Product
from koogallery.kernel.money import CurrencyField, UnitPriceField

if TYPE_CHECKING:
    from django_stubs_ext.db.models import TypedModelMeta
else:
    TypedModelMeta = object

LEAST_DISK_GB, MOST_DISK_GB = 40, 1024


class Region(models.Model):
    """Where servers can stand: "EU-Dublin", with its availability zones ("AZ1", "AZ2")."""

    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=60)
    zones = ArrayField(models.CharField(max_length=20), default=list)
    position = models.PositiveSmallIntegerField(default=0)
    is_open = models.BooleanField(default=True, help_text=_("Off: nothing new is sold there."))

    class Meta(TypedModelMeta):
        ordering = ["position", "name"]

    def __str__(self) -> str:
        return self.name


class Flavor(models.Model):
    """A size of server, the same in every region (guide 3.4: the ECS table). Bandwidths are in Gbit/s."""

    code = models.CharField(max_length=40, unique=True)
    family = models.CharField(max_length=20)
    ecs_type = models.CharField(max_length=32, choices=EcsType.choices, default=EcsType.GENERAL)
    vcpus = models.PositiveSmallIntegerField(validators=[MinValueValidator(1)])
    memory_gib = models.DecimalField(max_digits=8, decimal_places=1)
    cpu = models.CharField(_("CPU"), max_length=60)
    assured_gbps = models.DecimalField(max_digits=6, decimal_places=2)
    maximum_gbps = models.DecimalField(max_digits=6, decimal_places=2)
    packets_per_second = models.PositiveIntegerField()
    latest_generation = models.BooleanField(default=True)

    class Meta(TypedModelMeta):
        ordering = ["vcpus", "memory_gib", "code"]

    def __str__(self) -> str:
        return self.code

    @property
    def memory(self) -> str:
        """In GiB, without needless zeros: "4", "0.5"."""
        return format(self.memory_gib.normalize(), "f")


class FlavorOfferQuerySet(models.QuerySet["FlavorOffer"]):
    def of(self, region: str, currency: str) -> Self:
        """What a region sells in a currency, the smallest flavor first."""
        return (
            self.filter(region__code=region, currency=currency)
            .select_related("flavor")
            .order_by("flavor__vcpus", "flavor__memory_gib", "flavor__code")
        )

    def sold_by(self, billing_mode: str) -> Self:
        """Those that have a price in the billing mode."""
        return self.exclude(**{billing_mode: None})

    def fitting(self, image: "ImageVersion | None") -> Self:
        """Those large enough for the image."""
        if image is None:
            return self
        return self.filter(flavor__vcpus__gte=image.least_vcpus, flavor__memory_gib__gte=image.least_memory_gib)


class FlavorOffer(models.Model):
    """What a flavor costs in a region, by billing mode; empty where it is not sold so.

    The price includes a system disk of the size that the image needs.
    """

    region = models.ForeignKey(Region, on_delete=models.CASCADE, related_name="offers")
    flavor = models.ForeignKey(Flavor, on_delete=models.CASCADE, related_name="offers")
    currency = CurrencyField()
    pay_per_use = UnitPriceField(null=True, blank=True, help_text=_("for an hour"))
    monthly = UnitPriceField(null=True, blank=True)
    yearly = UnitPriceField(null=True, blank=True)
    sold_out = models.BooleanField(default=False)

    objects = FlavorOfferQuerySet.as_manager()

    class Meta(TypedModelMeta):
        constraints = [
            models.UniqueConstraint(fields=["region", "flavor", "currency"], name="one_offer_per_region_and_flavor"),
            models.CheckConstraint(
                name="flavor_prices_not_negative",
                condition=(Q(pay_per_use=None) | Q(pay_per_use__gte=0))
                & (Q(monthly=None) | Q(monthly__gte=0))
                & (Q(yearly=None) | Q(yearly__gte=0)),
                violation_error_message=_("Enter prices of 0 or more."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.flavor} in {self.region}"


class RegionRate(models.Model):
    """What more of a disk (by the GB) or an EIP (by the Mbit/s) costs in a region."""

    region = models.ForeignKey(Region, on_delete=models.CASCADE, related_name="rates")
    kind = models.CharField(max_length=20, choices=RateKind.choices)
    currency = CurrencyField()
    pay_per_use = UnitPriceField(help_text=_("for an hour"))
    monthly = UnitPriceField()
    yearly = UnitPriceField()

    class Meta(TypedModelMeta):
        constraints = [models.UniqueConstraint(fields=["region", "kind", "currency"], name="one_rate_per_region")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} in {self.region}"


class ImageVersionQuerySet(models.QuerySet["ImageVersion"]):
    def on_sale(self) -> Self:
        """The newest first."""
        return self.filter(removed_at=None).order_by("-released_at", "-id")

    def in_region(self, region: str) -> Self:
        return self.filter(Q(regions=[]) | Q(regions__contains=[region]))


def no_rules() -> list[Any]:
    return []


class ImageVersion(models.Model):
    """A version of an image product: what stands on the system disk of a new server.

    `regions` are codes of the only regions that have it; empty: all have. `recommended_flavors` are codes with a star.
    `recommended_rules` is the security group that the seller recommends: see `catalog.firewalls`.
    """

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="image_versions")
    version = models.CharField(max_length=20)
    name = models.CharField(max_length=120, help_text=_("As the Image menu prints it"))
    platform = models.CharField(max_length=16, choices=OperatingSystem.choices, default=OperatingSystem.LINUX)
    cloud_name = models.CharField(max_length=120, help_text=_("The image's name at the compute provider"))
    disk_gb = models.PositiveSmallIntegerField(
        default=LEAST_DISK_GB, validators=[MinValueValidator(LEAST_DISK_GB), MaxValueValidator(MOST_DISK_GB)]
    )
    least_vcpus = models.PositiveSmallIntegerField(default=1)
    least_memory_gib = models.DecimalField(max_digits=8, decimal_places=1, default=1)
    regions = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    recommended_flavors = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    recommended_rules = models.JSONField(default=no_rules, blank=True)
    released_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True, blank=True)

    objects = ImageVersionQuerySet.as_manager()

    class Meta(TypedModelMeta):
        ordering = ["-released_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["product", "version"], name="one_image_per_version"),
            models.CheckConstraint(
                name="image_disks_40_to_1024_gb",
                condition=Q(disk_gb__range=(LEAST_DISK_GB, MOST_DISK_GB)),
                violation_error_message=_("A disk has 40 to 1024 GB."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse rules that no firewall understands."""
        try:
            self.recommended_rules = [rule.as_json() for rule in checked_rules(self.recommended_rules)]
        except ValueError as refused:
            raise ValidationError({"recommended_rules": str(refused)}) from refused

    @property
    def rules(self) -> list[Rule]:
        """The recommended security group."""
        return [Rule.from_json(one) for one in self.recommended_rules]

    @property
    def username(self) -> str:
        """Who logs in to a new server."""
        return "Administrator" if self.platform == OperatingSystem.WINDOWS else "root"

    def is_in(self, region: str) -> bool:
        """Whether a region has it."""
        return not self.regions or region in self.regions
