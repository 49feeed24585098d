"""What the simulated cloud holds. It is an outside party that happens to live in this database: only its provider
(`providers/simulated.py`) reads and writes these tables."""

from typing import TYPE_CHECKING

from django.db import models

if TYPE_CHECKING:
    from django_stubs_ext.db.models import TypedModelMeta
else:
    TypedModelMeta = object


class SimulatedResource(models.Model):
    """A network, disk, server or address of the simulated cloud."""

    region = models.CharField(max_length=40)
    kind = models.CharField(max_length=12)
    name = models.CharField(max_length=40)
    ref = models.CharField(max_length=40, unique=True)
    state = models.CharField(max_length=12)
    flavor = models.CharField(max_length=40, blank=True)
    facts = models.JSONField(default=dict)
    address = models.GenericIPAddressField(null=True)
    created_at = models.DateTimeField()
    ready_at = models.DateTimeField()

    class Meta(TypedModelMeta):
        indexes = [models.Index(fields=["region", "kind", "name"], name="simulated_by_name")]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


class SimulatedStock(models.Model):
    """How many of a flavor, or of addresses ("address"), a region has left; no row: enough."""

    region = models.CharField(max_length=40)
    what = models.CharField(max_length=40)
    left = models.PositiveIntegerField()

    class Meta(TypedModelMeta):
        constraints = [models.UniqueConstraint(fields=["region", "what"], name="simulated_stock_once")]

    def __str__(self) -> str:
        return f"{self.left} x {self.what} in {self.region}"
