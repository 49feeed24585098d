"""What is kept of invoices: headers, issuers with their numbers, applications, and documents that never change."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django_fsm import transition

from accounts.models import Account, Seller, User
from billing.invoices.choices import COUNTED, STANDING, Basis, DocumentKind, InvoiceStatus
from billing.models.credit import Statement
from billing.models.usage import UsageBill
from koogallery.kernel import clock
from koogallery.kernel.fields import StatusField
from koogallery.kernel.ids import public_id
from koogallery.kernel.money import AmountField, CurrencyField, Money
from orders.models import Order

if TYPE_CHECKING:
    from django_stubs_ext.db.models import TypedModelMeta
else:
    TypedModelMeta = object

LONGEST_NAME = 120


class HeaderFields(models.Model):
    """To whom, or by whom, an invoice is made out."""

    company_name = models.CharField(max_length=LONGEST_NAME)
    tax_number = models.CharField(max_length=40, blank=True)
    country = models.CharField(max_length=2, help_text="ISO 3166-1 alpha-2")
    address = models.CharField(max_length=300, blank=True)
    email = models.EmailField(max_length=254, blank=True)

    class Meta:
        abstract = True

    def header(self) -> dict[str, str]:
        """The fields as documents freeze them."""
        return {
            "company_name": self.company_name,
            "tax_number": self.tax_number,
            "country": self.country,
            "address": self.address,
            "email": self.email,
        }


class InvoiceHeaderQuerySet(models.QuerySet["InvoiceHeader"]):
    def for_account(self, account: Account) -> Self:
        """Those of the account that were not removed, the default first."""
        return self.filter(account=account, removed_at=None).order_by("-is_default", "company_name", "id")


class InvoiceHeader(HeaderFields):
    """An entry of an account's header book."""

    public_id = models.CharField(max_length=16, unique=True, default=public_id, editable=False)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="invoice_headers")
    is_default = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    removed_at = models.DateTimeField(null=True, editable=False)

    objects = InvoiceHeaderQuerySet.as_manager()

    class Meta(TypedModelMeta):
        constraints = [
            models.UniqueConstraint(
                fields=["account"], condition=Q(is_default=True, removed_at=None), name="one_default_header_per_account"
            )
        ]

    def __str__(self) -> str:
        return self.company_name


class Issuer(HeaderFields):
    """Who issues: a seller for his own products, the platform for joint-operation products and cloud services.

    `prefix` begins the numbers of his documents.
    """

    seller = models.OneToOneField(
        Seller, null=True, blank=True, on_delete=models.PROTECT, related_name="invoice_issuer"
    )
    is_platform = models.BooleanField(default=False, editable=False)
    prefix = models.CharField(max_length=24, unique=True)

    class Meta(TypedModelMeta):
        constraints = [
            models.UniqueConstraint(
                fields=["is_platform"], condition=Q(is_platform=True), name="the_platform_is_one_issuer"
            ),
            models.CheckConstraint(
                name="an_issuer_is_a_seller_or_the_platform",
                condition=Q(is_platform=True, seller__isnull=True) | Q(is_platform=False, seller__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.company_name

    @property
    def slug(self) -> str:
        """What addresses and programs call it: the seller's slug, or `platform`."""
        return self.seller.slug if self.seller else "platform"


class IssuerCounter(models.Model):
    """The last number of an issuer's series in a year, locked to take the next; so numbers have no gap."""

    issuer = models.ForeignKey(Issuer, on_delete=models.PROTECT, related_name="counters")
    kind = models.CharField(max_length=12, choices=DocumentKind.choices)
    year = models.PositiveSmallIntegerField()
    last = models.PositiveIntegerField(default=0)
    last_at = models.DateTimeField(null=True, help_text="Of the last document: later ones are never dated before it.")

    class Meta(TypedModelMeta):
        constraints = [
            models.UniqueConstraint(fields=["issuer", "kind", "year"], name="one_series_per_issuer_and_year")
        ]

    def __str__(self) -> str:
        return f"{self.issuer_id} {self.kind} {self.year}: {self.last}"


class InvoiceQuerySet(models.QuerySet["Invoice"]):
    def for_account(self, account: Account) -> Self:
        return self.filter(account=account)

    def for_seller(self, seller: Seller) -> Self:
        return self.filter(issuer__seller=seller)

    def of_platform(self) -> Self:
        return self.filter(issuer__is_platform=True)

    def counted(self) -> Self:
        """Those that take the amounts that they name."""
        return self.filter(status__in=COUNTED)

    def standing(self) -> Self:
        return self.filter(status__in=STANDING)

    def newest_first(self) -> Self:
        return self.order_by("-created_at", "-id")

    def with_table_columns(self) -> Self:
        return self.select_related("issuer", "issuer__seller", "account").prefetch_related("documents")


class Invoice(HeaderFields):
    """An application for an invoice, and what became of it. The header is the one that it was applied for with.

    `number` names the application for good; the invoice's own number is its document's, given when it is issued. From
    then on a trigger refuses every change but that of its status and its return.
    """

    number = models.CharField(max_length=20, unique=True, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="invoices")
    issuer = models.ForeignKey(Issuer, on_delete=models.PROTECT, related_name="invoices")
    status = StatusField(default=InvoiceStatus.PENDING_REVIEW, choices=InvoiceStatus.choices, editable=False)
    basis = models.CharField(max_length=8, choices=Basis.choices)
    currency = CurrencyField()
    amount = AmountField()
    note = models.CharField(max_length=500, blank=True)
    # The returned one that this one is applied for in place of.
    replaces = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="replaced_by")
    applied_by = models.CharField(max_length=200)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    decided_by = models.CharField(max_length=200, blank=True)
    decided_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=1000, blank=True, help_text="Of the rejection or cancellation.")
    issued_at = models.DateTimeField(null=True)
    return_reason = models.CharField(max_length=1000, blank=True)
    return_asked_at = models.DateTimeField(null=True)
    return_answer = models.CharField(max_length=1000, blank=True)
    return_ended_at = models.DateTimeField(null=True)

    objects = InvoiceQuerySet.as_manager()

    class Meta(TypedModelMeta):
        indexes = [
            models.Index("account", F("created_at").desc(), F("id").desc(), name="invoice_account_newest"),
            models.Index("issuer", "status", F("created_at").desc(), name="invoice_issuer_queue"),
        ]
        constraints = [
            models.CheckConstraint(name="invoice_amount_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="issued_invoices_know_when",
                condition=~Q(status__in=["issued", "returning", "return_rejected", "returned"])
                | Q(issued_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return reverse("billing:invoice", args=[self.number])

    @property
    def money(self) -> Money:
        return Money(self.amount, self.currency)

    def document(self, kind: DocumentKind = DocumentKind.INVOICE) -> "InvoiceDocument | None":
        """Its invoice or credit note, once issued; reads `documents` when that was prefetched."""
        return next((one for one in self.documents.all() if one.kind == kind), None)

    @property
    def invoice_number(self) -> str:
        """The issued invoice's number, or empty."""
        found = self.document()
        return found.number if found else ""

    @property
    def shown_number(self) -> str:
        """What people call it: the invoice's number, before there is one the application's."""
        return self.invoice_number or self.number

    @property
    def is_cancellable(self) -> bool:
        return self.status == InvoiceStatus.PENDING_REVIEW

    @property
    def is_returnable(self) -> bool:
        return self.status in (InvoiceStatus.ISSUED, InvoiceStatus.RETURN_REJECTED)

    @transition(status, source=InvoiceStatus.PENDING_REVIEW, target=InvoiceStatus.CANCELLED)
    def cancel(self, at: datetime, reason: str) -> None:
        """By the buyer, or because what it names is unsubscribed."""
        self.decided_at, self.reason = at, reason

    @transition(status, source=InvoiceStatus.PENDING_REVIEW, target=InvoiceStatus.REJECTED)
    def reject(self, at: datetime, *, by: str, reason: str) -> None:
        """The issuer does not issue it."""
        self.decided_at, self.decided_by, self.reason = at, by, reason

    @transition(status, source=InvoiceStatus.PENDING_REVIEW, target=InvoiceStatus.ISSUING)
    def approve(self, at: datetime, *, by: str) -> None:
        """The issuer agrees; the number is given in a transaction of its own."""
        self.decided_at, self.decided_by = at, by

    @transition(status, source=InvoiceStatus.ISSUING, target=InvoiceStatus.ISSUED)
    def issue(self, at: datetime) -> None:
        """Its document is written: nobody changes it any more."""
        self.issued_at = at

    @transition(status, source=[InvoiceStatus.ISSUED, InvoiceStatus.RETURN_REJECTED], target=InvoiceStatus.RETURNING)
    def ask_return(self, at: datetime, reason: str) -> None:
        """By a service ticket (guide 8 NOTE)."""
        self.return_asked_at, self.return_reason = at, reason
        self.return_answer, self.return_ended_at = "", None

    @transition(status, source=InvoiceStatus.RETURNING, target=InvoiceStatus.RETURNED)
    def finish_return(self, at: datetime) -> None:
        """A credit note takes it back; what it named can be invoiced again."""
        self.return_ended_at = at

    @transition(status, source=InvoiceStatus.RETURNING, target=InvoiceStatus.RETURN_REJECTED)
    def reject_return(self, at: datetime, reason: str) -> None:
        self.return_ended_at, self.return_answer = at, reason


class InvoiceItem(models.Model):
    """What an application names: an issuer's part of an order, for a cycle one item an order; of a usage bill what the
    order's servers used. Append-only (trigger).

    A negative one offsets what was refunded of an order after it had been invoiced.
    """

    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="items")
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="invoice_items")
    statement = models.ForeignKey(Statement, null=True, on_delete=models.PROTECT, related_name="invoice_items")
    usage_bill = models.ForeignKey(UsageBill, null=True, on_delete=models.PROTECT, related_name="invoice_items")
    description = models.CharField(max_length=300)
    details = models.CharField(max_length=300, blank=True)
    currency = CurrencyField()
    amount = AmountField()
    tax = AmountField(default=0)
    tax_label = models.CharField(max_length=60, blank=True)

    class Meta(TypedModelMeta):
        ordering = ["id"]
        indexes = [
            models.Index("statement", condition=Q(statement__isnull=False), name="invoice_item_statement"),
            models.Index("usage_bill", condition=Q(usage_bill__isnull=False), name="invoice_item_usage_bill"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["invoice", "order"], name="an_invoice_names_an_order_once"),
            models.CheckConstraint(name="invoice_item_moves_something", condition=~Q(amount=0)),
        ]

    def __str__(self) -> str:
        return self.description

    @property
    def money(self) -> Money:
        return Money(self.amount, self.currency)


class InvoiceDocument(models.Model):
    """An issued invoice or credit note: everything that it prints, frozen. Append-only (trigger).

    `template` names the layout that it is set with for ever; `code` is what its QR code leads to.
    """

    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="documents")
    kind = models.CharField(max_length=12, choices=DocumentKind.choices)
    issuer = models.ForeignKey(Issuer, on_delete=models.PROTECT, related_name="documents")
    year = models.PositiveSmallIntegerField()
    sequence = models.PositiveIntegerField()
    number = models.CharField(max_length=40, unique=True)
    code = models.CharField(max_length=16, unique=True, default=public_id)
    issued_at = models.DateTimeField()
    currency = CurrencyField()
    tax = AmountField(default=0)
    total = AmountField()
    template = models.CharField(max_length=40)
    facts = models.JSONField()

    class Meta(TypedModelMeta):
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["issuer", "kind", "year", "sequence"], name="a_number_is_given_once"),
            models.UniqueConstraint(fields=["invoice", "kind"], name="one_document_of_a_kind_per_invoice"),
            models.CheckConstraint(name="numbers_from_one", condition=Q(sequence__gte=1)),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def money(self) -> Money:
        return Money(self.total, self.currency)

    @property
    def day(self) -> date:
        return date.fromisoformat(self.facts["date"])


class InvoiceSeal(models.Model):
    """The digest of a document's PDF, taken when it was issued: each later making is compared with it. Append-only (trigger)."""

    document = models.OneToOneField(InvoiceDocument, on_delete=models.PROTECT, related_name="seal")
    sha256 = models.CharField(max_length=64)
    size = models.PositiveIntegerField()
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.sha256


class InvoiceRecord(models.Model):
    """Who moved an invoice from where to where, and when. Append-only (trigger)."""

    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="history")
    at = models.DateTimeField()
    by = models.CharField(max_length=200)
    party = models.CharField(max_length=12)
    user = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    from_status = models.CharField(max_length=20, blank=True)
    to_status = models.CharField(max_length=20)
    note = models.CharField(max_length=1000, blank=True)

    class Meta(TypedModelMeta):
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.invoice_id}: {self.from_status} -> {self.to_status}"
