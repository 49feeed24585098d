"""Service tickets with their messages and files; what was written never changes."""

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django_fsm import transition

from accounts.actor import Party
from accounts.models import Account, User
from billing.models import Invoice
from koogallery.kernel.fields import StatusField
from koogallery.kernel.ids import public_id
from orders.models import Order
from supervision.files.storing import names_files

if TYPE_CHECKING:
    from django_stubs_ext.db.models import TypedModelMeta
else:
    TypedModelMeta = object


class TicketKind(models.TextChoices):
    """What a ticket is about; the guide's own occasions."""

    PROBLEM = "problem", _("A problem with a product")
    SELLER = "seller", _("A seller cannot be contacted")
    CREDIT = "credit", _("Credit payment (monthly settlement)")
    INVOICE_RETURN = "invoice_return", _("Return of an invoice")
    REQUIREMENT = "requirement", _("No product meets the requirements")
    OTHER = "other", _("Something else")


class TicketStatus(models.TextChoices):
    """Whose turn it is, and whether it is over."""

    OPEN = "open", _("Waiting for operations")
    ANSWERED = "answered", _("Waiting for you")
    RESOLVED = "resolved", _("Resolved")
    CLOSED = "closed", _("Closed")


class TicketQuerySet(models.QuerySet["Ticket"]):
    def for_account(self, account: Account) -> Self:
        return self.filter(account=account)

    def waiting(self) -> Self:
        """On operations' turn, the one that is due first at the head."""
        return self.filter(status=TicketStatus.OPEN).order_by("answer_due_at", "id")

    def newest_first(self) -> Self:
        return self.order_by("-created_at", "-id")


class Ticket(models.Model):
    """A request of an account to operations. An order, invoice or requirement that it was opened from goes along.

    `answer_due_at` runs while it is operations' turn; `silent_until` while it is the customer's.
    """

    number = models.CharField(max_length=20, unique=True, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="tickets")
    opened_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=16, choices=TicketKind.choices)
    status = StatusField(default=TicketStatus.OPEN, choices=TicketStatus.choices, editable=False)
    subject = models.CharField(max_length=120)
    order = models.ForeignKey(Order, null=True, blank=True, on_delete=models.PROTECT, related_name="tickets")
    invoice = models.ForeignKey(Invoice, null=True, blank=True, on_delete=models.PROTECT, related_name="tickets")
    requirement = models.OneToOneField(
        "support.Requirement", null=True, blank=True, on_delete=models.PROTECT, related_name="ticket"
    )
    handler = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(editable=False)
    updated_at = models.DateTimeField(editable=False)
    answer_due_at = models.DateTimeField(null=True, editable=False)
    escalated_at = models.DateTimeField(null=True, editable=False)
    silent_until = models.DateTimeField(null=True, editable=False)
    first_answered_at = models.DateTimeField(null=True, editable=False)
    closed_at = models.DateTimeField(null=True, editable=False)

    objects = TicketQuerySet.as_manager()

    class Meta(TypedModelMeta):
        indexes = [
            models.Index("account", F("created_at").desc(), F("id").desc(), name="ticket_account_newest"),
            models.Index("answer_due_at", "id", condition=Q(status="open"), name="ticket_queue"),
            models.Index(
                "answer_due_at", "id", condition=Q(status="open", escalated_at=None), name="ticket_answer_due"
            ),
            models.Index(
                "silent_until", "id", condition=Q(status__in=["answered", "resolved"]), name="ticket_silence_due"
            ),
        ]
        constraints = [
            models.CheckConstraint(
                name="open_tickets_have_a_clock", condition=~Q(status="open") | Q(answer_due_at__isnull=False)
            ),
            models.CheckConstraint(
                name="closed_tickets_know_when", condition=~Q(status="closed") | Q(closed_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return reverse("support:ticket", args=[self.number])

    @property
    def is_closed(self) -> bool:
        return self.status == TicketStatus.CLOSED

    @transition(status, source=TicketStatus.OPEN, target=TicketStatus.ANSWERED)
    def answer(self, at: datetime, *, silent_until: datetime) -> None:
        """Operations wrote; it is the customer's turn."""
        self._answered(at, silent_until)

    @transition(status, source=[TicketStatus.OPEN, TicketStatus.ANSWERED], target=TicketStatus.RESOLVED)
    def resolve(self, at: datetime, *, silent_until: datetime) -> None:
        """Operations believe that nothing is left to do; the customer may write again."""
        self._answered(at, silent_until)

    def _answered(self, at: datetime, silent_until: datetime) -> None:
        self.first_answered_at = self.first_answered_at or at
        self.answer_due_at = self.escalated_at = None
        self.silent_until = silent_until

    @transition(status, source=[TicketStatus.ANSWERED, TicketStatus.RESOLVED], target=TicketStatus.OPEN)
    def reopen(self, *, due_at: datetime) -> None:
        """The customer wrote: it is operations' turn again, with a new clock."""
        self.answer_due_at, self.escalated_at, self.silent_until = due_at, None, None

    @transition(
        status, source=[TicketStatus.OPEN, TicketStatus.ANSWERED, TicketStatus.RESOLVED], target=TicketStatus.CLOSED
    )
    def close(self, at: datetime) -> None:
        """By the customer, or because he was silent after the answer."""
        self.closed_at = at
        self.answer_due_at = self.silent_until = None


class TicketMessage(models.Model):
    """Something that was written on a ticket. `internal` ones are operations' own. Append-only (trigger)."""

    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="messages")
    at = models.DateTimeField()
    party = models.CharField(max_length=12, choices=Party.choices)
    by = models.CharField(max_length=200)
    user = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    text = models.TextField(max_length=4000)
    internal = models.BooleanField(default=False)

    class Meta(TypedModelMeta):
        ordering = ["id"]
        indexes = [models.Index("ticket", "id", name="ticket_thread")]

    def __str__(self) -> str:
        return f"{self.ticket_id}: {self.by}"


class TicketFile(models.Model):
    """A file of a message; it was checked, scanned and stored as those of service flows are. Append-only (trigger)."""

    public_id = models.CharField(max_length=16, unique=True, default=public_id)
    message = models.ForeignKey(TicketMessage, on_delete=models.PROTECT, related_name="files")
    name = models.CharField(max_length=255)
    size = models.PositiveBigIntegerField()
    content_type = models.CharField(max_length=100)
    sha256 = models.CharField(max_length=64)
    file = models.FileField(max_length=200)

    class Meta(TypedModelMeta):
        ordering = ["id"]
        indexes = [models.Index("file", name="ticket_file_key")]

    def __str__(self) -> str:
        return self.name


@names_files
def _named(keys: Collection[str]) -> set[str]:
    return set(TicketFile.objects.filter(file__in=keys).values_list("file", flat=True))
