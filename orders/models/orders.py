"""Orders with their lines, deliveries and price snapshot, and what was agreed to."""

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django_fsm import transition

from accounts.models import Account, Seller, User
from catalog.choices import BillingMode, DeliveryMethod
from catalog.models import Agreement, Product, Specification
from koogallery.kernel import clock
from koogallery.kernel.fields import StatusField
from koogallery.kernel.ids import public_id
from koogallery.kernel.money import AmountField, CurrencyField, Money
from orders.choices import DeliveryStatus, DurationUnit, OrderKind, OrderStatus
from pricing.values import ECS, ServerChoice

if TYPE_CHECKING:
    from django_stubs_ext.db.models import TypedModelMeta
else:
    TypedModelMeta = object


class PurchaseDraft(models.Model):
    """A configured product between "Continue to Submit" and the order; it lasts 24 hours.

    `request` is a `pricing.rules.QuoteRequest` as JSON, `quote` the signed token that was shown, `deployment` what was
    chosen so far for the servers of an image (never a password). The draft knows its order, so that a second click on Pay Now leads to the same order.
    """

    public_id = models.CharField(max_length=16, unique=True, default=public_id, editable=False)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="+")
    request = models.JSONField()
    quote = models.TextField()
    auto_renew = models.BooleanField(default=False)
    coupon = models.CharField(max_length=16, blank=True)
    deployment = models.JSONField(default=dict, db_default={}, blank=True)
    order = models.OneToOneField("orders.Order", null=True, on_delete=models.SET_NULL, related_name="draft")
    created_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.product} for {self.account}"


class OrderQuerySet(models.QuerySet["Order"]):
    def for_account(self, account: Account) -> Self:
        return self.filter(account=account)

    def for_seller(self, seller: Seller) -> Self:
        """What a seller may see of orders: only those that were ever paid."""
        return self.filter(seller=seller).exclude(paid_at=None)

    def newest_first(self) -> Self:
        return self.order_by("-created_at", "-id")

    def with_lines(self) -> Self:
        """With everything that a list or the API prints of an order, in a fixed number of queries."""
        lines = OrderLine.objects.select_related("specification")
        lines = lines.prefetch_related("subscriptions", "specification__attributes")
        return self.with_names().prefetch_related(models.Prefetch("lines", lines))

    def with_names(self) -> Self:
        """With whose and what it is, in the same query."""
        return self.select_related("product", "seller", "subject")


class Order(models.Model):
    """What an account agreed to pay for, at the price that it confirmed.

    All amounts are in `currency` and rounded to its minor unit; `quote` is the confirmed quote as JSON, the same
    lines that the page, the receipt and the journal print. Every verb on an order's payment, flow, delivery or
    refund locks this row first (DESIGN.md: one lock).
    """

    number = models.CharField(max_length=20, unique=True, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="orders")
    seller = models.ForeignKey(Seller, on_delete=models.PROTECT, related_name="orders")
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="orders")
    # As they were called when it was placed: documents print these for ever.
    customer_name = models.CharField(max_length=120, blank=True, default="", db_default="", editable=False)
    seller_name = models.CharField(max_length=120, blank=True, default="", db_default="", editable=False)
    placed_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=16, choices=OrderKind.choices, default=OrderKind.NEW)
    status = StatusField(default=OrderStatus.PENDING_PAYMENT, choices=OrderStatus.choices, editable=False)
    # A renewal, upgrade or unsubscription order names the subscription that it is for.
    subject = models.ForeignKey(
        "orders.Subscription", null=True, blank=True, on_delete=models.PROTECT, related_name="change_orders"
    )
    currency = CurrencyField()
    list_price = AmountField()
    discount = AmountField(default=0)
    coupon = AmountField(default=0)
    tax = AmountField(default=0)
    payable = AmountField()
    quote = models.JSONField()
    auto_renew = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    unpaid_until = models.DateTimeField(null=True, editable=False)
    paid_at = models.DateTimeField(null=True, editable=False)
    accepted_at = models.DateTimeField(null=True, editable=False)
    completes_at = models.DateTimeField(null=True, editable=False)
    completed_at = models.DateTimeField(null=True, editable=False)
    cancelled_at = models.DateTimeField(null=True, editable=False)
    cancel_reason = models.CharField(max_length=200, blank=True, editable=False)

    objects = OrderQuerySet.as_manager()

    class Meta(TypedModelMeta):
        indexes = [
            models.Index("account", F("created_at").desc(), F("id").desc(), name="order_account_newest"),
            models.Index("seller", F("created_at").desc(), F("id").desc(), name="order_seller_newest"),
            models.Index("unpaid_until", "id", condition=Q(status="pending_payment"), name="order_unpaid_due"),
            models.Index(
                "completes_at",
                "id",
                condition=Q(status="processing", completes_at__isnull=False),
                name="order_completion_due",
            ),
        ]
        constraints = [
            models.CheckConstraint(name="order_amounts_not_negative", condition=Q(payable__gte=0, list_price__gte=0)),
            models.CheckConstraint(
                name="order_payable_adds_up",
                condition=Q(payable=F("list_price") - F("discount") - F("coupon") + F("tax")),
            ),
            models.CheckConstraint(
                name="unpaid_orders_know_their_deadline",
                condition=~Q(status="pending_payment") | Q(unpaid_until__isnull=False),
            ),
            models.CheckConstraint(
                name="processing_and_completed_orders_were_paid",
                condition=~Q(status__in=["processing", "completed", "refunding", "refunded"])
                | Q(paid_at__isnull=False),
            ),
            models.CheckConstraint(
                name="completed_orders_know_when",
                condition=~Q(status="completed") | Q(completed_at__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["subject"], condition=Q(status="pending_payment"), name="one_pending_order_per_subscription"
            ),
        ]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return reverse("billing:order", args=[self.number])

    @property
    def payable_money(self) -> Money:
        return Money(self.payable, self.currency)

    @property
    def coupon_code(self) -> str:
        """The code of the coupon that it was quoted with, or empty."""
        return str(self.quote.get("applied", {}).get("coupon", ""))

    @property
    def server_charges(self) -> Decimal:
        """What the confirmed quote charges for servers under an image, without tax."""
        lines = self.quote.get("lines", [])
        return sum((Decimal(one["amount"]["amount"]) for one in lines if one.get("item") == ECS), Decimal(0))

    @property
    def is_payable(self) -> bool:
        return self.status == OrderStatus.PENDING_PAYMENT

    @property
    def has_receipt(self) -> bool:
        """Whether it was bought; an unsubscription is not. A reseller's customer has none for all that."""
        return self.paid_at is not None and self.kind != OrderKind.UNSUBSCRIPTION

    @transition(status, source=OrderStatus.PENDING_PAYMENT, target=OrderStatus.PROCESSING)
    def mark_paid(self, at: datetime) -> None:
        """Paid, credited or owed by a reseller: delivery begins."""
        self.paid_at = at

    @transition(status, source=OrderStatus.PENDING_PAYMENT, target=OrderStatus.CANCELLED)
    def cancel(self, at: datetime, reason: str) -> None:
        """By the buyer, or because it was not paid in time (RULES 6)."""
        self.cancelled_at = at
        self.cancel_reason = reason

    @transition(status, source=OrderStatus.PROCESSING, target=OrderStatus.COMPLETED)
    def complete(self, at: datetime) -> None:
        """Delivered, accepted, and three hours have passed where there is a service flow (RULES 1.1)."""
        self.completed_at = at

    @transition(status, source=[OrderStatus.PROCESSING, OrderStatus.COMPLETED], target=OrderStatus.REFUNDING)
    def start_refund(self) -> None:
        """Its flow was ended, or operations take it back in whole; the money is on its way back."""
        self.completes_at = None

    @transition(status, source=OrderStatus.REFUNDED, target=OrderStatus.REFUNDING)
    def reopen_refund(self) -> None:
        """A bank sent the money back; operations pay it by transfer."""

    @transition(status, source=OrderStatus.REFUNDING, target=OrderStatus.REFUNDED)
    def finish_refund(self) -> None:
        """The money is back with the buyer."""

    @transition(status, source=OrderStatus.PROCESSING, target=OrderStatus.CANCELLED)
    def cancel_undeliverable(self, at: datetime, reason: str) -> None:
        """Provisioning failed for good (guide 3.3 NOTE); the payment is refunded."""
        self.cancelled_at = at
        self.cancel_reason = reason
        self.completes_at = None


class OrderLine(models.Model):
    """One thing bought, with names and price as they were."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="lines")
    position = models.PositiveSmallIntegerField(default=0)
    delivery_method = models.CharField(max_length=24, choices=DeliveryMethod.choices)
    specification = models.ForeignKey(Specification, null=True, on_delete=models.PROTECT, related_name="+")
    product_name = models.CharField(max_length=120)
    specification_name = models.CharField(max_length=80)
    attributes = models.JSONField(default=dict)
    # An upgrade's: what the subscription had before, so that it can be taken back.
    previous_attributes = models.JSONField(null=True, blank=True)
    quantity = models.PositiveIntegerField(default=1)
    billing_mode = models.CharField(max_length=16, choices=BillingMode.choices)
    duration_value = models.PositiveSmallIntegerField(null=True)
    duration_unit = models.CharField(max_length=8, choices=DurationUnit.choices, blank=True)
    currency = CurrencyField()
    amount = AmountField()
    # Pay-per-use: what an hour of one piece costs (`pricing.values.MeteredPrice` as JSON), which its meter reads.
    metered = models.JSONField(null=True, blank=True)

    class Meta(TypedModelMeta):
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["order", "position"], name="one_line_per_position"),
            models.CheckConstraint(name="line_quantity_at_least_one", condition=Q(quantity__gte=1)),
            models.CheckConstraint(
                name="terms_have_value_and_unit",
                condition=Q(duration_value=None, duration_unit="") | Q(duration_value__gte=1) & ~Q(duration_unit=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.product_name}, {self.specification_name}"

    @property
    def money(self) -> Money:
        return Money(self.amount, self.currency)

    @property
    def chosen_attributes(self) -> list[tuple[str, object]]:
        """The chosen attributes in the seller's words: (name, value); a code whose name is gone stands for itself."""
        if not self.attributes:
            return []
        if self.delivery_method == DeliveryMethod.ECS and (server := ServerChoice.from_json(self.attributes)):
            return list(server.words())
        known = {one.code: one for one in self.specification.attributes.all()} if self.specification else {}
        words: list[tuple[str, object]] = []
        for code, value in self.attributes.items():
            attribute = known.get(code)
            choices = {one["code"]: one["name"] for one in attribute.choices} if attribute else {}
            words.append((attribute.name if attribute else code, choices.get(value, value)))
        return words

    @property
    def billing_mode_label(self) -> str:
        """The guide's label: "Yearly/Monthly" for both."""
        return BillingMode(self.billing_mode).guide_label

    @property
    def duration_label(self) -> str:
        """ "3 months", "1 year", or empty."""
        if self.duration_value is None:
            return ""
        return f"{self.duration_value} {self.duration_unit}{'' if self.duration_value == 1 else 's'}"


class OrderDelivery(models.Model):
    """One deliverer's part of one order: the order completes when all parts are done (DESIGN.md: two doors)."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="deliveries")
    deliverer = models.CharField(max_length=40)
    status = StatusField(default=DeliveryStatus.STARTED, choices=DeliveryStatus.choices, editable=False)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta(TypedModelMeta):
        verbose_name_plural = _("order deliveries")
        constraints = [models.UniqueConstraint(fields=["order", "deliverer"], name="one_delivery_per_deliverer")]

    def __str__(self) -> str:
        return f"{self.order} by {self.deliverer}"

    @transition(status, source=DeliveryStatus.STARTED, target=DeliveryStatus.DONE)
    def finish(self, at: datetime) -> None:
        self.ended_at = at

    @transition(status, source=DeliveryStatus.STARTED, target=DeliveryStatus.FAILED)
    def fail(self, at: datetime) -> None:
        self.ended_at = at

    @transition(status, source=[DeliveryStatus.STARTED, DeliveryStatus.DONE], target=DeliveryStatus.ABORTED)
    def abort(self, at: datetime) -> None:
        self.ended_at = at


class AcceptedAgreementQuerySet(models.QuerySet["AcceptedAgreement"]):
    def for_account(self, account: Account) -> Self:
        return self.filter(order__account=account)


class AcceptedAgreement(models.Model):
    """The text that a buyer accepted with an order, word for word. Append-only (trigger)."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="agreements")
    agreement = models.ForeignKey(Agreement, null=True, on_delete=models.PROTECT, related_name="+")
    title = models.CharField(max_length=160)
    version = models.CharField(max_length=20)
    text = models.TextField()
    text_sha256 = models.CharField(max_length=64)
    accepted_at = models.DateTimeField()
    accepted_by = models.CharField(max_length=200)

    objects = AcceptedAgreementQuerySet.as_manager()

    class Meta(TypedModelMeta):
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.title} {self.version}"
