"""Imports of products, so that a broken one goes on where it stopped."""

from typing import TYPE_CHECKING

from django.db import models

from koogallery.kernel import clock

if TYPE_CHECKING:
    from django_stubs_ext.db.models import TypedModelMeta
else:
    TypedModelMeta = object


class ImportRun(models.Model):
    """How far a file was imported; written in the transaction of each batch.

    `digest` is the SHA-256 of the file's content, by which a run is found again.
    """

    digest = models.CharField(max_length=64)
    name = models.CharField(max_length=200)
    line = models.PositiveIntegerField(default=0, help_text="The last line that is done")
    imported = models.PositiveIntegerField(default=0)
    bad = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField(default=clock.now)
    finished_at = models.DateTimeField(null=True)

    class Meta(TypedModelMeta):
        ordering = ["-started_at"]
        constraints = [
            models.UniqueConstraint(fields=["digest"], condition=models.Q(finished_at=None), name="one_open_run_a_file")
        ]

    def __str__(self) -> str:
        return f"{self.name} up to line {self.line}"
