"""What we have, or want to have, at the compute provider: written down before anything is asked of it."""

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import F, Q
from django_fsm import transition

from accounts.models import Account
from catalog.models import Region
from koogallery.kernel import clock
from koogallery.kernel.fields import StatusField
from koogallery.kernel.ids import public_id
from provisioning.compute.choices import ResourceKind, ResourceStatus
from provisioning.compute.models.networks import EcsGroup, KeyPair, SecurityGroup, Subnet
from provisioning.compute.models.servers import Server

if TYPE_CHECKING:
    from django_stubs_ext.db.models import TypedModelMeta
else:
    TypedModelMeta = object


def _token() -> str:
    return f"kg-{public_id().lower()}"


class CloudResourceQuerySet(models.QuerySet["CloudResource"]):
    def live(self) -> Self:
        """Not deleted, as far as we know."""
        return self.exclude(status=ResourceStatus.GONE)

    def usable(self) -> Self:
        """Made, or to be made."""
        return self.filter(status__in=[ResourceStatus.WANTED, ResourceStatus.MADE])


class CloudResource(models.Model):
    """One thing at the provider. `token` is its name there: it is looked up by it before it is made, so that nothing is
    made twice, and what has a token of ours without a row that wants it is an orphan.

    It belongs to a server, or is shared (`subnet`, `security_group`, `key_pair`, `ecs_group`). `is_ready` says that it is
    up; what we know of it stands in `detail`.
    """

    token = models.CharField(max_length=40, unique=True, default=_token, editable=False)
    kind = models.CharField(max_length=12, choices=ResourceKind.choices)
    status = StatusField(default=ResourceStatus.WANTED, choices=ResourceStatus.choices, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    region = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="+")
    ref = models.CharField(max_length=80, blank=True)
    is_ready = models.BooleanField(default=False)
    position = models.PositiveSmallIntegerField(default=0)
    server = models.ForeignKey(Server, null=True, on_delete=models.PROTECT, related_name="resources")
    subnet = models.ForeignKey(Subnet, null=True, on_delete=models.PROTECT, related_name="resources")
    security_group = models.ForeignKey(SecurityGroup, null=True, on_delete=models.PROTECT, related_name="resources")
    key_pair = models.ForeignKey(KeyPair, null=True, on_delete=models.PROTECT, related_name="resources")
    ecs_group = models.ForeignKey(EcsGroup, null=True, on_delete=models.PROTECT, related_name="resources")
    created_at = models.DateTimeField(default=clock.now, editable=False)
    gone_at = models.DateTimeField(null=True, editable=False)
    # When something shared that nobody uses any more is to be deleted.
    delete_at = models.DateTimeField(null=True, editable=False)
    tries = models.PositiveIntegerField(default=0, editable=False)

    objects = CloudResourceQuerySet.as_manager()

    class Meta(TypedModelMeta):
        indexes = [
            models.Index("delete_at", "id", condition=Q(delete_at__isnull=False), name="compute_resource_due"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["server", "kind", "position"],
                condition=Q(status__in=["wanted", "made"], server__isnull=False),
                name="one_usable_resource_per_server",
            ),
            models.UniqueConstraint(
                fields=["subnet"],
                condition=Q(status__in=["wanted", "made"], subnet__isnull=False),
                name="one_usable_network_per_subnet",
            ),
            models.UniqueConstraint(
                fields=["security_group"],
                condition=Q(status__in=["wanted", "made"], security_group__isnull=False),
                name="one_usable_firewall_per_group",
            ),
            models.UniqueConstraint(
                fields=["key_pair", "region"],
                condition=Q(status__in=["wanted", "made"], key_pair__isnull=False),
                name="one_usable_key_per_region",
            ),
            models.UniqueConstraint(
                fields=["ecs_group"],
                condition=Q(status__in=["wanted", "made"], ecs_group__isnull=False),
                name="one_usable_ecs_group",
            ),
            models.CheckConstraint(
                name="gone_resources_know_when", condition=~Q(status="gone") | Q(gone_at__isnull=False)
            ),
            models.CheckConstraint(name="what_is_made_has_a_reference", condition=~Q(status="made") | ~Q(ref="")),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.token}"

    @transition(status, source=[ResourceStatus.WANTED, ResourceStatus.MADE], target=ResourceStatus.MADE)
    def made(self, ref: str, *, ready: bool) -> None:
        """The provider has it."""
        self.ref, self.is_ready = ref, ready

    @transition(status, source=[ResourceStatus.WANTED, ResourceStatus.MADE], target=ResourceStatus.UNWANTED)
    def give_up(self) -> None:
        """It is to be deleted, also when nobody knows whether it was made."""
        self.is_ready = False

    @transition(status, source=ResourceStatus.UNWANTED, target=ResourceStatus.GONE)
    def gone(self, at: datetime) -> None:
        """The provider has it no more."""
        self.gone_at, self.delete_at = at, None


class Orphan(models.Model):
    """Something with a name of ours that the reconciler found at the provider and nobody wants; it deletes it."""

    region = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=12, choices=ResourceKind.choices)
    token = models.CharField(max_length=40)
    ref = models.CharField(max_length=80)
    found_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=300, blank=True)

    class Meta(TypedModelMeta):
        ordering = [F("found_at").desc()]
        constraints = [models.UniqueConstraint(fields=["region", "kind", "ref"], name="orphan_once")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.token}"


class Reconciliation(models.Model):
    """When a region's provider is compared with what we want of it next."""

    region = models.OneToOneField(Region, on_delete=models.CASCADE, related_name="reconciliation")
    due_at = models.DateTimeField(db_index=True)
    last_at = models.DateTimeField(null=True)
    seen = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.region} at {self.due_at}"
