"""What the buyer asked for and what the seller delivered: every revision and every round, whole."""

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Q

from accounts.models import Seller
from catalog.models import AcceptanceCriteria, Product
from koogallery.kernel import clock
from koogallery.kernel.ids import public_id
from koogallery.kernel.secrets import EncryptedTextField
from supervision.models.flows import ServiceFlow
from supervision.models.records import FlowRecord

if TYPE_CHECKING:
    from django_stubs_ext.db.models import TypedModelMeta
else:
    TypedModelMeta = object


class RequestRevision(models.Model):
    """A request as it was submitted; its files are its record's. Append-only (trigger).

    It is pinned to the product's acceptance criteria in force at that moment; a licence, which has no request, is
    pinned when its flow opens (`ServiceFlow.criteria`).
    """

    flow = models.ForeignKey(ServiceFlow, on_delete=models.PROTECT, related_name="requests")
    number = models.PositiveSmallIntegerField()
    record = models.OneToOneField(FlowRecord, on_delete=models.PROTECT, related_name="request")
    description = models.TextField()
    criteria = models.ForeignKey(AcceptanceCriteria, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta(TypedModelMeta):
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["flow", "number"], name="one_request_per_number")]

    def __str__(self) -> str:
        return f"Request {self.number}"


class Delivery(models.Model):
    """A round of delivery; its files are its record's. Append-only (trigger).

    `answers` has one entry for each criterion in its order: `{"text": "...", "file": "public id or empty"}`.
    """

    flow = models.ForeignKey(ServiceFlow, on_delete=models.PROTECT, related_name="deliveries")
    round = models.PositiveSmallIntegerField()
    record = models.OneToOneField(FlowRecord, on_delete=models.PROTECT, related_name="delivery")
    note = models.TextField(blank=True)
    criteria = models.ForeignKey(AcceptanceCriteria, null=True, on_delete=models.PROTECT, related_name="+")
    answers = models.JSONField(default=list)
    application = models.PositiveSmallIntegerField(
        null=True, help_text="The version of the application information that the round gave"
    )

    class Meta(TypedModelMeta):
        ordering = ["round"]
        verbose_name_plural = "deliveries"
        constraints = [models.UniqueConstraint(fields=["flow", "round"], name="one_delivery_per_round")]

    def __str__(self) -> str:
        return f"Delivery {self.round}"


class LicenseKey(models.Model):
    """The key of a licence as text, encrypted. Apart from its delivery, whose row never changes: keys of secrets do."""

    delivery = models.OneToOneField(Delivery, on_delete=models.PROTECT, related_name="license_key")
    key = EncryptedTextField()

    def __str__(self) -> str:
        return f"License key of delivery {self.delivery_id}"


class RequirementTemplate(models.Model):
    """A file of the seller's that the buyer fills in for his request ("Download requirement templates")."""

    public_id = models.CharField(max_length=16, unique=True, default=public_id, editable=False)
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="requirement_files")
    name = models.CharField(max_length=255)
    size = models.PositiveBigIntegerField()
    content_type = models.CharField(max_length=100)
    sha256 = models.CharField(max_length=64)
    file = models.FileField(max_length=200)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta(TypedModelMeta):
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name


class NoteTemplateQuerySet(models.QuerySet["NoteTemplate"]):
    def for_seller(self, seller: Seller) -> "NoteTemplateQuerySet":
        return self.filter(seller=seller).select_related("product")

    def fitting(self, flow: ServiceFlow) -> "NoteTemplateQuerySet":
        """What a delivery of this flow may begin with: the seller's texts for its product and for all of his."""
        return self.filter(Q(product=None) | Q(product=flow.order.product_id), seller=flow.seller_id)


class NoteTemplate(models.Model):
    """A text of the seller's that fills the note of a delivery: "delivery templates" in the portal."""

    public_id = models.CharField(max_length=16, unique=True, default=public_id, editable=False)
    seller = models.ForeignKey(Seller, on_delete=models.CASCADE, related_name="note_templates")
    product = models.ForeignKey(Product, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    title = models.CharField(max_length=80)
    text = models.TextField(max_length=1_000)
    updated_at = models.DateTimeField(default=clock.now, editable=False)

    objects = NoteTemplateQuerySet.as_manager()

    class Meta(TypedModelMeta):
        ordering = ["title", "id"]
        constraints = [
            models.UniqueConstraint(fields=["seller", "title"], name="one_delivery_template_per_title"),
        ]

    def __str__(self) -> str:
        return self.title

    def as_json(self) -> dict[str, Any]:
        """How programs read it."""
        product = self.product.slug if self.product else None
        return {"id": self.public_id, "title": self.title, "text": self.text, "product": product}
