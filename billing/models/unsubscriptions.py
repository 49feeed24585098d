"""Unsubscriptions: what was given up, what goes back of each paid term, and the review of large ones (RULES 4)."""

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import F, Q
from django_fsm import transition

from accounts.models import Account, User
from billing.choices import UnsubscriptionStatus
from billing.models.payments import Refund
from koogallery.kernel.fields import StatusField
from koogallery.kernel.ids import public_id
from koogallery.kernel.money import AmountField, CurrencyField, Money
from orders.models import Order, Subscription

if TYPE_CHECKING:
    from django_stubs_ext.db.models import TypedModelMeta
else:
    TypedModelMeta = object


class UnsubscriptionQuerySet(models.QuerySet["Unsubscription"]):
    def for_account(self, account: Account) -> Self:
        return self.filter(subscription__account=account)

    def in_review(self) -> Self:
        return self.filter(status=UnsubscriptionStatus.IN_REVIEW)

    def with_table_columns(self) -> Self:
        return self.select_related("order", "order__product", "subscription", "subscription__account")


class Unsubscription(models.Model):
    """A subscription that its buyer gave up. `paid`, `consumed`, `fee` and `refund` are the sums of its terms.

    A refund above the limit is reviewed by operations, and approved by itself at `reviewed_until`.
    """

    public_id = models.CharField(max_length=16, unique=True, default=public_id, editable=False)
    order = models.OneToOneField(Order, on_delete=models.PROTECT, related_name="unsubscription")
    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, related_name="unsubscriptions")
    status = StatusField(default=UnsubscriptionStatus.IN_REVIEW, choices=UnsubscriptionStatus.choices, editable=False)
    currency = CurrencyField()
    paid = AmountField()
    consumed = AmountField()
    fee = AmountField()
    refund = AmountField()
    unconditional = models.BooleanField(default=False, help_text="Within the first days, without a fee (RULES 4).")
    reason = models.CharField(max_length=1000, blank=True)
    requested_at = models.DateTimeField()
    reviewed_until = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True)
    decision = models.CharField(max_length=1000, blank=True)

    objects = UnsubscriptionQuerySet.as_manager()

    class Meta(TypedModelMeta):
        indexes = [
            models.Index("reviewed_until", "id", condition=Q(status="in_review"), name="unsubscription_review_due"),
            models.Index("subscription", F("requested_at").desc(), name="unsubscription_newest"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["subscription"],
                condition=Q(status__in=["in_review", "done"]),
                name="a_subscription_is_given_up_once",
            ),
            models.CheckConstraint(
                name="unsubscription_refund_within_what_was_paid",
                condition=Q(refund__gte=0, refund__lte=F("paid"), consumed__gte=0, fee__gte=0),
            ),
            models.CheckConstraint(
                name="reviews_of_unsubscriptions_end",
                condition=~Q(status="in_review") | Q(reviewed_until__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.order}: {self.refund_money.display()}"

    @property
    def refund_money(self) -> Money:
        return Money(self.refund, self.currency)

    @transition(status, source=UnsubscriptionStatus.IN_REVIEW, target=UnsubscriptionStatus.DONE)
    def carry_out(self, at: datetime) -> None:
        self.decided_at = at

    @transition(status, source=UnsubscriptionStatus.IN_REVIEW, target=UnsubscriptionStatus.DECLINED)
    def decline(self, at: datetime, why: str) -> None:
        self.decided_at = at
        self.decision = why


class UnsubscribedTerm(models.Model):
    """What one paid term of the subscription gives back."""

    unsubscription = models.ForeignKey(Unsubscription, on_delete=models.PROTECT, related_name="terms")
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="unsubscribed_terms")
    currency = CurrencyField()
    paid = AmountField()
    consumed = AmountField()
    fee = AmountField()
    refund = AmountField()
    whole = models.BooleanField(default=False)
    used_hours = models.PositiveIntegerField()
    total_hours = models.PositiveIntegerField()
    paid_back = models.OneToOneField(Refund, null=True, on_delete=models.PROTECT, related_name="unsubscribed_term")

    class Meta(TypedModelMeta):
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["unsubscription", "order"], name="one_refund_a_term"),
            models.CheckConstraint(
                name="term_refund_within_what_was_paid", condition=Q(refund__gte=0, refund__lte=F("paid"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.order}: {self.refund_money.display()}"

    @property
    def refund_money(self) -> Money:
        return Money(self.refund, self.currency)
