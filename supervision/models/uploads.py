"""Files on their way: uploaded in parts before the form that they belong to is sent."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django_fsm import transition

from accounts.actor import Actor, Party
from accounts.models import Account, Seller, User
from koogallery.kernel.fields import StatusField
from koogallery.kernel.ids import public_id
from supervision.choices import UploadStatus

if TYPE_CHECKING:
    from django_stubs_ext.db.models import TypedModelMeta
else:
    TypedModelMeta = object


class UploadQuerySet(models.QuerySet["Upload"]):
    def for_side(self, by: Actor) -> Self:
        """Those of the account or seller that `by` acts for."""
        if by.party is Party.BUYER and by.account_id is not None:
            return self.filter(account_id=by.account_id)
        if by.party is Party.SELLER and by.seller_id is not None:
            return self.filter(seller_id=by.seller_id)
        return self.none()

    def for_owner(self, by: Actor) -> Self:
        """Those of this person for the side that he acts for; nobody else sees or attaches them."""
        return self.for_side(by).filter(user_id=by.user_id)

    def open(self, at: datetime) -> Self:
        """On their way or ready, and not expired."""
        return self.filter(status__in=(UploadStatus.RECEIVING, UploadStatus.READY), expires_at__gt=at)


class Upload(models.Model):
    """One file: announced, received in parts, checked as a whole, attached once or expired."""

    public_id = models.CharField(max_length=16, unique=True, default=public_id, editable=False)
    account = models.ForeignKey(Account, null=True, on_delete=models.CASCADE, related_name="uploads")
    seller = models.ForeignKey(Seller, null=True, on_delete=models.CASCADE, related_name="uploads")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    status = StatusField(default=UploadStatus.RECEIVING, choices=UploadStatus.choices, editable=False)
    name = models.CharField(max_length=255)
    size = models.PositiveBigIntegerField()
    received = models.PositiveBigIntegerField(default=0)
    content_type = models.CharField(max_length=100, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    file = models.FileField(max_length=200, blank=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()

    objects = UploadQuerySet.as_manager()

    class Meta(TypedModelMeta):
        ordering = ["id"]
        indexes = [
            models.Index(fields=["expires_at"], name="upload_expires"),
            models.Index(fields=["file"], name="upload_file", condition=~Q(file="")),
        ]
        constraints = [
            models.CheckConstraint(
                name="upload_belongs_to_one_side",
                condition=Q(account__isnull=True, seller__isnull=False) | Q(account__isnull=False, seller__isnull=True),
            ),
            models.CheckConstraint(name="upload_receives_no_more_than_its_size", condition=Q(received__lte=F("size"))),
            models.CheckConstraint(
                name="upload_that_is_ready_is_stored",
                condition=Q(status="receiving", file="")
                | (~Q(status="receiving") & ~Q(file="") & Q(received=F("size"))),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @transition(status, source=UploadStatus.RECEIVING, target=UploadStatus.READY)
    def finish(self, *, key: str, content_type: str, sha256: str) -> None:
        self.file = key
        self.content_type, self.sha256 = content_type, sha256

    @transition(status, source=UploadStatus.READY, target=UploadStatus.ATTACHED)
    def attach(self) -> None:
        """From now on the file belongs to a record."""


class UploadPart(models.Model):
    """A stretch of an upload, stored as it came."""

    upload = models.ForeignKey(Upload, on_delete=models.CASCADE, related_name="parts")
    offset = models.PositiveBigIntegerField()
    size = models.PositiveBigIntegerField()
    file = models.FileField(max_length=200)

    class Meta(TypedModelMeta):
        ordering = ["offset"]
        indexes = [models.Index(fields=["file"], name="uploadpart_file")]
        constraints = [models.UniqueConstraint(fields=["upload", "offset"], name="one_part_at_an_offset")]

    def __str__(self) -> str:
        return f"{self.offset:,}-{self.offset + self.size:,}"


class StorageDay(models.Model):
    """A day on which files were stored: its folder is looked through once, when all of it is settled."""

    day = models.DateField(unique=True)
    due_at = models.DateTimeField()

    class Meta(TypedModelMeta):
        indexes = [models.Index(fields=["due_at"], name="storageday_due")]

    def __str__(self) -> str:
        return f"{self.day:%Y-%m-%d}"

    @classmethod
    def note(cls, at: datetime) -> None:
        """Something is stored today."""
        begins = at.replace(hour=0, minute=0, second=0, microsecond=0)
        due = begins + timedelta(days=2) + max(settings.UPLOAD_LIFETIME, timedelta(days=1))
        StorageDay.objects.bulk_create([StorageDay(day=at.date(), due_at=due)], ignore_conflicts=True)
