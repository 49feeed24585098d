"""What people ask of operations and of sellers."""

from typing import TYPE_CHECKING, Self

from django.db import models
from django.utils.translation import gettext_lazy as _
from django_fsm import transition

from accounts.models import Account, Seller, User
from catalog.models import Product
from koogallery.kernel import clock
from koogallery.kernel.fields import StatusField
from koogallery.kernel.ids import public_id

if TYPE_CHECKING:
    from datetime import datetime

    from django_stubs_ext.db.models import TypedModelMeta
else:
    TypedModelMeta = object


class RequestQuerySet(models.QuerySet["Requirement"]):
    def sent_since(self, at: "datetime", *, address: str, user: User | None) -> Self:
        """Requests from this address, or by this person, since then: what is throttled."""
        own = models.Q(address=address) if address else models.Q(pk=None)
        return self.filter(own | models.Q(user=user) if user else own, created_at__gt=at)


class AskedModel(models.Model):
    """Who asked, from where and when."""

    reference = models.CharField(max_length=40, unique=True, default=public_id, editable=False)
    account = models.ForeignKey(Account, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    user = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    address = models.CharField(max_length=45, blank=True, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    objects = RequestQuerySet.as_manager()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.reference


class RequirementStatus(models.TextChoices):
    """Where operations are with a requirement."""

    NEW = "new", _("New")
    ANSWERED = "answered", _("Answered")
    CLOSED = "closed", _("Closed")


class Requirement(AskedModel):
    """What somebody looked for and did not find (guide 9.9)."""

    requirements = models.TextField(_("application requirements"), max_length=4000)
    company = models.CharField(_("company name"), max_length=120)
    contact = models.CharField(_("contact person"), max_length=120)
    phone = models.CharField(_("phone number"), max_length=40)
    email = models.EmailField(_("email address"))
    searched = models.CharField(max_length=200, blank=True, help_text=_("The search that found nothing"))
    status = StatusField(default=RequirementStatus.NEW, choices=RequirementStatus.choices)
    note = models.TextField(max_length=4000, blank=True, help_text=_("For operations only"))

    class Meta(TypedModelMeta):
        ordering = ["-created_at"]
        indexes = [
            models.Index("status", "created_at", name="requirement_queue"),
            models.Index("address", "created_at", name="requirement_address"),
        ]

    @transition(status, source=RequirementStatus.NEW, target=RequirementStatus.ANSWERED)
    def answer(self) -> None:
        """Operations have written back."""

    @transition(status, source=[RequirementStatus.NEW, RequirementStatus.ANSWERED], target=RequirementStatus.CLOSED)
    def close(self) -> None:
        """Nothing more is to be done."""


class SalesEnquiry(AskedModel):
    """A question to the seller of a product before buying ("Contact Sales")."""

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="enquiries")
    seller = models.ForeignKey(Seller, on_delete=models.CASCADE, related_name="enquiries")
    contact = models.CharField(_("contact person"), max_length=120)
    company = models.CharField(_("company name"), max_length=120)
    phone = models.CharField(_("phone number"), max_length=40, blank=True)
    email = models.EmailField(_("email address"))
    message = models.TextField(_("message"), max_length=2000)

    class Meta(TypedModelMeta):
        ordering = ["-created_at"]
        verbose_name_plural = _("sales enquiries")
        indexes = [
            models.Index("seller", "created_at", name="enquiry_seller"),
            models.Index("address", "created_at", name="enquiry_address"),
        ]


# Service tickets have a room of their own; Django looks for an app's models here.
from support.tickets.models import Ticket, TicketFile, TicketMessage  # noqa: E402

__all__ = ["AskedModel", "Requirement", "RequirementStatus", "SalesEnquiry", "Ticket", "TicketFile", "TicketMessage"]
