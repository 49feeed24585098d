"""Operation records and their files."""

from typing import TYPE_CHECKING

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F
from django.utils.translation import gettext

from accounts.actor import Party
from accounts.models import User
from koogallery.kernel.ids import public_id
from supervision.choices import Action, FlowStatus, Purpose
from supervision.models.flows import ServiceFlow

if TYPE_CHECKING:
    from django_stubs_ext.db.models import TypedModelMeta
else:
    TypedModelMeta = object


class FlowRecord(models.Model):
    """An operation record: who did what, when, from where to where. Append-only (trigger)."""

    flow = models.ForeignKey(ServiceFlow, on_delete=models.PROTECT, related_name="records")
    at = models.DateTimeField()
    action = models.CharField(max_length=24, choices=Action.choices)
    party = models.CharField(max_length=12, choices=Party.choices)
    role = models.CharField(max_length=24, blank=True)
    by = models.CharField(max_length=200)
    user = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    from_status = models.CharField(max_length=32, choices=FlowStatus.choices, blank=True)
    to_status = models.CharField(max_length=32, choices=FlowStatus.choices)
    note = models.TextField(blank=True)
    address = models.CharField(max_length=45, blank=True)
    failed_criteria = ArrayField(
        models.CharField(max_length=300), default=list, blank=True, help_text="Lines that a rejection names"
    )
    mentions = models.ForeignKey(
        "self",
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        help_text="The step that a message is about",
    )

    class Meta(TypedModelMeta):
        ordering = ["-id"]
        indexes = [models.Index("flow", F("id").desc(), name="record_flow_newest")]

    def __str__(self) -> str:
        return f"{self.action} {self.at:%Y-%m-%d %H:%M:%S}"

    def author_for(self, reader: str) -> str:
        """Who did it, as a party reads it: which of the operators or timers it was is for operations alone.

        What follows when a person ends the order counts as the platform's act, and still has his name and role.
        """
        if reader == Party.OPERATIONS:
            return self.by
        if self.party == Party.OPERATIONS or self.role == "operator":
            return gettext("KooGallery operations")
        if self.party == Party.SYSTEM and self.role in ("timer", "system"):
            _timer, _comma, whom = self.by.partition(", on behalf of ")
            return (
                gettext("KooGallery, on behalf of %(whom)s") % {"whom": whom}
                if whom
                else gettext("KooGallery, by itself")
            )
        return self.by


class Attachment(models.Model):
    """A file of a record, stored under a random key outside the web root, served only through an authorised view."""

    public_id = models.CharField(max_length=16, unique=True, default=public_id, editable=False)
    flow = models.ForeignKey(ServiceFlow, on_delete=models.PROTECT, related_name="attachments")
    record = models.ForeignKey(FlowRecord, on_delete=models.PROTECT, related_name="attachments")
    purpose = models.CharField(max_length=12, choices=Purpose.choices)
    name = models.CharField(max_length=255)
    size = models.PositiveBigIntegerField()
    content_type = models.CharField(max_length=100)
    sha256 = models.CharField(max_length=64)
    file = models.FileField(max_length=200)

    class Meta(TypedModelMeta):
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name
