"""What an account's servers share: networks, security groups, key pairs, ECS groups, projects, its quota."""

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from catalog.firewalls import Rule
from catalog.models import ImageVersion, Product, Region
from koogallery.kernel import clock
from koogallery.kernel.ids import public_id

if TYPE_CHECKING:
    from django_stubs_ext.db.models import TypedModelMeta
else:
    TypedModelMeta = object


class OwnedQuerySet(models.QuerySet[models.Model]):
    """Things of an account."""

    def for_account(self, account: Account) -> Self:
        return self.filter(account=account)


class Vpc(models.Model):
    """A virtual private cloud of an account in a region, with subnets of its address range."""

    public_id = models.CharField(max_length=16, unique=True, default=public_id, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="vpcs")
    region = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=64)
    cidr = models.CharField(max_length=18)
    is_default = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects = OwnedQuerySet.as_manager()

    class Meta(TypedModelMeta):
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["account", "region", "name"], name="one_vpc_per_name"),
            models.UniqueConstraint(
                fields=["account", "region"], condition=Q(is_default=True), name="one_default_vpc_per_region"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.cidr})"


class Subnet(models.Model):
    """A part of a VPC's addresses; servers take theirs from it."""

    public_id = models.CharField(max_length=16, unique=True, default=public_id, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="subnets")
    vpc = models.ForeignKey(Vpc, on_delete=models.PROTECT, related_name="subnets")
    name = models.CharField(max_length=64)
    cidr = models.CharField(max_length=18)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects = OwnedQuerySet.as_manager()

    class Meta(TypedModelMeta):
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["vpc", "name"], name="one_subnet_per_name")]

    def __str__(self) -> str:
        return f"{self.name} ({self.cidr})"


class SecurityGroup(models.Model):
    """What may reach servers: rules of `catalog.firewalls`. `recommended_for` says whose seller recommends it."""

    public_id = models.CharField(max_length=16, unique=True, default=public_id, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="security_groups")
    region = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=64)
    rules = models.JSONField(default=list)
    recommended_for = models.ForeignKey(Product, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    # When rules changed that the provider does not have yet.
    changed_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects = OwnedQuerySet.as_manager()

    class Meta(TypedModelMeta):
        ordering = ["name", "id"]
        indexes = [
            models.Index("changed_at", "id", condition=Q(changed_at__isnull=False), name="compute_group_changed")
        ]
        constraints = [
            models.UniqueConstraint(fields=["account", "region", "name"], name="one_security_group_per_name"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def rule_list(self) -> list[Rule]:
        return [Rule.from_json(one) for one in self.rules]


class KeyPair(models.Model):
    """A public key for logging in by SSH; the private one stays with its owner."""

    public_id = models.CharField(max_length=16, unique=True, default=public_id, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="key_pairs")
    name = models.CharField(max_length=64)
    public_key = models.TextField(max_length=2000)
    fingerprint = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects = OwnedQuerySet.as_manager()

    class Meta(TypedModelMeta):
        ordering = ["name", "id"]
        constraints = [models.UniqueConstraint(fields=["account", "name"], name="one_key_pair_per_name")]

    def __str__(self) -> str:
        return self.name


class EcsGroup(models.Model):
    """Servers of one ECS group stand on different machines (Anti-affinity)."""

    public_id = models.CharField(max_length=16, unique=True, default=public_id, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="ecs_groups")
    region = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects = OwnedQuerySet.as_manager()

    class Meta(TypedModelMeta):
        ordering = ["name", "id"]
        verbose_name = _("ECS group")
        constraints = [models.UniqueConstraint(fields=["account", "region", "name"], name="one_ecs_group_per_name")]

    def __str__(self) -> str:
        return self.name


class EnterpriseProject(models.Model):
    """A part of the company that servers are kept apart for."""

    public_id = models.CharField(max_length=16, unique=True, default=public_id, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="enterprise_projects")
    name = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects = OwnedQuerySet.as_manager()

    class Meta(TypedModelMeta):
        ordering = ["name", "id"]
        constraints = [models.UniqueConstraint(fields=["account", "name"], name="one_enterprise_project_per_name")]

    def __str__(self) -> str:
        return self.name


class ServerQuota(models.Model):
    """How many servers an account may have, where it is not the settings' number."""

    account = models.OneToOneField(Account, on_delete=models.CASCADE, related_name="server_quota")
    servers = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.account}: {self.servers}"


def recommended_name(image: ImageVersion) -> str:
    """How the security group that a seller recommends is called in the buyer's account."""
    return f"{image.product.slug}-recommended"[:64]
