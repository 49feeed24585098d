"""Cards, payments and refunds."""

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext as _
from django_fsm import transition

from accounts.models import Account, Reseller
from billing.choices import (
    OPEN_PAYMENTS,
    TAKEN_PAYMENTS,
    PaymentMethodKind,
    PaymentStatus,
    RefundStatus,
)
from koogallery.kernel import clock
from koogallery.kernel.compiled import Param
from koogallery.kernel.fields import StatusField
from koogallery.kernel.ids import public_id
from koogallery.kernel.money import AmountField, CurrencyField, Money
from orders.models import Order

if TYPE_CHECKING:
    from django_stubs_ext.db.models import TypedModelMeta
else:
    TypedModelMeta = object


NOT_ARRIVED = "not_arrived"
"""Failure code of a payment whose call the gateway never heard of."""


class PaymentMethodQuerySet(models.QuerySet["PaymentMethod"]):
    def for_account(self, account: Account) -> Self:
        return self.filter(account=account)

    def bound(self) -> Self:
        """Still usable by the account; the default first."""
        return self.filter(unbound_at=None).order_by("-is_default", "id")


class PaymentMethod(models.Model):
    """A card bound to an account (guide 2.1, prerequisite). We keep the gateway's token, never a card number."""

    public_id = models.CharField(max_length=16, unique=True, default=public_id, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="payment_methods")
    gateway = models.CharField(max_length=20)
    reference = models.CharField(max_length=80, help_text="The gateway's token for the card.")
    brand = models.CharField(max_length=20)
    last4 = models.CharField(max_length=4)
    expires_year = models.PositiveSmallIntegerField()
    expires_month = models.PositiveSmallIntegerField()
    is_default = models.BooleanField(default=False)
    bound_at = models.DateTimeField(default=clock.now)
    unbound_at = models.DateTimeField(null=True, blank=True)
    # When its last month begins (UTC); empty once the account was told.
    expiry_notice_at = models.DateTimeField(null=True, editable=False)

    objects = PaymentMethodQuerySet.as_manager()

    class Meta(TypedModelMeta):
        indexes = [
            models.Index(
                "expiry_notice_at",
                "id",
                condition=Q(unbound_at=None, expiry_notice_at__isnull=False),
                name="card_expiry_notice_due",
            )
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["account"], condition=Q(is_default=True, unbound_at=None), name="one_default_card_per_account"
            ),
            models.UniqueConstraint(fields=["gateway", "reference"], name="card_reference_bound_once"),
            models.CheckConstraint(name="card_month", condition=Q(expires_month__range=(1, 12))),
        ]

    def __str__(self) -> str:
        return f"{self.brand} ending in {self.last4}"

    @property
    def expiry_note(self) -> str:
        """What the Payment Methods page warns of: expired, or in its last month."""
        at = clock.now()
        if self.is_expired(at):
            return _("Expired")
        return _("Expires this month") if (self.expires_year, self.expires_month) == (at.year, at.month) else ""

    def is_expired(self, at: datetime) -> bool:
        """Whether the card's last month has passed."""
        return (self.expires_year, self.expires_month) < (at.year, at.month)


class PaymentQuerySet(models.QuerySet["Payment"]):
    def for_account(self, account: Account) -> Self:
        return self.filter(account=account)

    def shown(self) -> Self:
        """What the buyer knows as a payment: what his reseller owes is none (guide 2.1 NOTE)."""
        return self.exclude(method=PaymentMethodKind.RESELLER)

    def counted_for(self, order: Order | Param) -> Self:
        """The one that paid the order."""
        return self.filter(allocations__order=order, allocations__counted_at__isnull=False, status__in=TAKEN_PAYMENTS)

    def open(self) -> Self:
        """Its outcome is not known yet."""
        return self.filter(status__in=OPEN_PAYMENTS)


class Payment(models.Model):
    """One charge, for one or several orders or for a monthly statement. Its public id is the key at the gateway.

    `ask_gateway_at` is when its unknown outcome is asked for; it is set with the intent, so that a crash at any
    step leaves a row that a timer resolves.
    """

    public_id = models.CharField(max_length=16, unique=True, default=public_id, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="payments")
    method = models.CharField(max_length=24, choices=PaymentMethodKind.choices)
    card = models.ForeignKey(PaymentMethod, null=True, on_delete=models.PROTECT, related_name="payments")
    reseller = models.ForeignKey(Reseller, null=True, on_delete=models.PROTECT, related_name="payments")
    statement = models.ForeignKey("billing.Statement", null=True, on_delete=models.PROTECT, related_name="payments")
    usage_bill = models.ForeignKey("billing.UsageBill", null=True, on_delete=models.PROTECT, related_name="payments")
    currency = CurrencyField()
    amount = AmountField()
    refunded = AmountField(default=0)
    status = StatusField(default=PaymentStatus.CREATED, choices=PaymentStatus.choices, editable=False)
    gateway = models.CharField(max_length=20, blank=True)
    reference = models.CharField(max_length=80, blank=True)
    action_url = models.TextField(blank=True)
    failure_code = models.CharField(max_length=40, blank=True)
    failure_message = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    ask_gateway_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    objects = PaymentQuerySet.as_manager()

    class Meta(TypedModelMeta):
        indexes = [
            models.Index("account", F("created_at").desc(), name="payment_account_newest"),
            models.Index(
                "ask_gateway_at",
                "id",
                condition=Q(status__in=["created", "authorising", "action_required"]),
                name="payment_unknown_due",
            ),
        ]
        constraints = [
            models.CheckConstraint(name="payment_amount_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="refunded_not_more_than_paid", condition=Q(refunded__gte=0, refunded__lte=F("amount"))
            ),
            models.UniqueConstraint(
                fields=["gateway", "reference"], condition=~Q(reference=""), name="payment_reference_once"
            ),
            models.CheckConstraint(
                name="card_payments_name_their_card",
                condition=Q(method="card", card__isnull=False) | ~Q(method="card") & Q(card__isnull=True),
            ),
            models.CheckConstraint(
                name="reseller_payments_name_their_reseller",
                condition=Q(method="reseller", reseller__isnull=False)
                | ~Q(method="reseller") & Q(reseller__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.public_id} {self.money}"

    @property
    def money(self) -> Money:
        return Money(self.amount, self.currency)

    @transition(status, source=PaymentStatus.CREATED, target=PaymentStatus.AUTHORISING)
    def authorise(self) -> None:
        """The intent is recorded; the gateway is about to be asked."""

    @transition(status, source=PaymentStatus.AUTHORISING, target=PaymentStatus.ACTION_REQUIRED)
    def require_action(self, url: str, reference: str) -> None:
        """The bank wants the card holder to confirm at `url`."""
        self.action_url = url
        self.reference = reference

    @property
    def never_arrived(self) -> bool:
        """Written off because the gateway had not heard of it."""
        return self.status == PaymentStatus.FAILED and self.failure_code == NOT_ARRIVED

    def may_still_succeed(self) -> bool:
        """Open, or written off only because the gateway had not heard of it: a call can arrive late."""
        return self.status != PaymentStatus.FAILED or self.never_arrived

    @transition(
        status,
        source=[*OPEN_PAYMENTS, PaymentStatus.FAILED],
        target=PaymentStatus.SUCCEEDED,
        conditions=[may_still_succeed],  # type: ignore[list-item]
    )
    def succeed(self, reference: str, at: datetime) -> None:
        self.reference = reference
        self.failure_code = self.failure_message = ""
        self.action_url = ""
        self.ended_at = at

    @transition(
        status,
        source=[*OPEN_PAYMENTS, PaymentStatus.FAILED],
        target=PaymentStatus.FAILED,
        conditions=[may_still_succeed],  # type: ignore[list-item]
    )
    def fail(self, code: str, message: str, at: datetime) -> None:
        self.failure_code = code
        self.failure_message = message
        self.action_url = ""
        self.ended_at = at

    @transition(
        status,
        source=[PaymentStatus.SUCCEEDED, PaymentStatus.PARTLY_REFUNDED, PaymentStatus.REFUNDING],
        target=PaymentStatus.REFUNDING,
    )
    def start_refund(self) -> None:
        """A refund is on its way; several may be, of a payment for several orders."""

    @transition(status, source=PaymentStatus.REFUNDING, target=PaymentStatus.REFUNDED)
    def finish_refund(self) -> None:
        """All of it is back."""

    @transition(
        status,
        source=[PaymentStatus.REFUNDED, PaymentStatus.PARTLY_REFUNDED, PaymentStatus.REFUNDING],
        target=PaymentStatus.REFUNDING,
    )
    def reopen_refund(self) -> None:
        """A refund that was believed to be with the buyer is not."""

    @transition(status, source=PaymentStatus.REFUNDING, target=PaymentStatus.PARTLY_REFUNDED)
    def finish_part_refund(self) -> None:
        """A part of it is back."""


class PaymentAllocation(models.Model):
    """Which order a payment is for, and how much of it. At most one payment counts for an order, ever."""

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="allocations")
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="allocations")
    currency = CurrencyField()
    amount = AmountField()
    counted_at = models.DateTimeField(null=True)

    class Meta(TypedModelMeta):
        constraints = [
            models.UniqueConstraint(fields=["payment", "order"], name="one_allocation_per_order_and_payment"),
            models.UniqueConstraint(
                fields=["order"], condition=Q(counted_at__isnull=False), name="no_order_is_paid_twice"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.payment} for {self.order}"

    @property
    def money(self) -> Money:
        return Money(self.amount, self.currency)


class Refund(models.Model):
    """Money on its way back to where it came from; its public id is the gateway's idempotency key."""

    public_id = models.CharField(max_length=16, unique=True, default=public_id, editable=False)
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds")
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="refunds")
    currency = CurrencyField()
    amount = AmountField()
    reason = models.CharField(max_length=1000)
    status = StatusField(default=RefundStatus.CREATED, choices=RefundStatus.choices, editable=False)
    reference = models.CharField(max_length=80, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    # When the processor, which has it on its way, is asked what became of it.
    ask_gateway_at = models.DateTimeField(null=True, editable=False)
    ended_at = models.DateTimeField(null=True)

    class Meta(TypedModelMeta):
        indexes = [
            models.Index(
                "ask_gateway_at",
                "id",
                condition=Q(status="created", ask_gateway_at__isnull=False),
                name="refund_unknown_due",
            )
        ]
        constraints = [models.CheckConstraint(name="refund_amount_positive", condition=Q(amount__gt=0))]

    def __str__(self) -> str:
        return f"{self.public_id} {self.money}"

    @property
    def money(self) -> Money:
        return Money(self.amount, self.currency)

    @transition(status, source=[RefundStatus.CREATED, RefundStatus.FAILED], target=RefundStatus.SUCCEEDED)
    def succeed(self, reference: str, at: datetime) -> None:
        self.reference = reference
        self.ended_at = at

    @transition(status, source=RefundStatus.CREATED, target=RefundStatus.FAILED)
    def fail(self, at: datetime) -> None:
        """The gateway refused for good; operations see it and pay by hand."""
        self.ended_at = at

    @transition(status, source=RefundStatus.SUCCEEDED, target=RefundStatus.FAILED)
    def bounce(self, at: datetime) -> None:
        """The card holder's bank sent back what had been refunded; operations pay it by hand."""
        self.ended_at = at
