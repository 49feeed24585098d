"""The log of changes to the catalogue, from which search indexes and page caches follow it."""

from typing import TYPE_CHECKING

from django.db import models

if TYPE_CHECKING:
    from django_stubs_ext.db.models import TypedModelMeta
else:
    TypedModelMeta = object


class CatalogueChange(models.Model):
    """One change, written by the triggers of `catalog.feed.WatchTable` in the transaction that makes it.

    `product` is the id of the product that changed, or empty for a change that concerns the whole shop (a category,
    a synonym). `xid` is the writing transaction, by which a follower reads exactly what it has not yet seen.
    No foreign key: the log grows fast, is purged by age, and outlives its products.
    """

    product = models.BigIntegerField(null=True)
    xid = models.BigIntegerField()
    at = models.DateTimeField(help_text="The machine's time, for purging")

    class Meta(TypedModelMeta):
        indexes = [models.Index(fields=["at"], name="catalogue_change_at")]
        constraints = [
            # A product that one transaction writes to many times is one change; followers read by `xid`.
            models.UniqueConstraint(fields=["xid", "product"], nulls_distinct=False, name="noted_once_a_transaction")
        ]

    def __str__(self) -> str:
        return f"change of {self.product or 'the shop'} in {self.xid}"
