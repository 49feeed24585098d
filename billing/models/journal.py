"""The books: balanced, append-only entries."""

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from accounts.models import Account, Reseller, Seller
from billing.choices import AdjustmentCause, EntryKind, Ledger
from billing.models.credit import Statement
from billing.models.payments import Payment, Refund
from koogallery.kernel.money import AmountField, CurrencyField, Money
from orders.models import Order

if TYPE_CHECKING:
    from django_stubs_ext.db.models import TypedModelMeta
else:
    TypedModelMeta = object


class JournalEntry(models.Model):
    """One movement of money, balanced: it has postings, which sum to zero per currency (deferred triggers). Append-only."""

    at = models.DateTimeField()
    kind = models.CharField(max_length=16, choices=EntryKind.choices)
    order = models.ForeignKey(Order, null=True, on_delete=models.PROTECT, related_name="journal")
    payment = models.ForeignKey(Payment, null=True, on_delete=models.PROTECT, related_name="journal")
    refund = models.ForeignKey(Refund, null=True, on_delete=models.PROTECT, related_name="journal")
    statement = models.ForeignKey(Statement, null=True, on_delete=models.PROTECT, related_name="journal")
    dispute = models.ForeignKey("billing.Dispute", null=True, on_delete=models.PROTECT, related_name="journal")
    by = models.CharField(max_length=200, blank=True, help_text="Who posted it, for what people post by hand.")
    text = models.CharField(max_length=200, blank=True)
    # The database fills it in for a process of the version before, while a deployment is under way.
    cause = models.CharField(
        max_length=12, choices=AdjustmentCause.choices, blank=True, db_default="", help_text="Of an adjustment."
    )

    class Meta(TypedModelMeta):
        verbose_name_plural = "journal entries"
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "order"], condition=Q(kind="release"), name="an_order_is_released_once"
            ),
            models.UniqueConstraint(
                fields=["kind", "order", "payment"], condition=Q(kind="charge"), name="a_payment_is_posted_once"
            ),
            models.UniqueConstraint(
                fields=["kind", "refund"],
                condition=Q(kind__in=["refund_owed", "refund_paid"]),
                name="a_refund_is_posted_once",
            ),
            models.UniqueConstraint(
                fields=["kind", "refund"],
                condition=Q(kind__in=["refund_bounced", "refund_by_hand"]),
                name="a_refund_comes_back_once",
            ),
            models.UniqueConstraint(
                fields=["kind", "payment"],
                condition=Q(kind__in=["fee", "settlement", "mismatch", "mismatch_back"]),
                name="a_payments_side_entries_once",
            ),
            models.UniqueConstraint(
                fields=["payment"], condition=Q(kind="usage"), name="a_usage_payment_is_posted_once"
            ),
            models.UniqueConstraint(
                fields=["kind", "order"],
                condition=Q(kind__in=["coupon", "coupon_earned", "coupon_back"]),
                name="a_coupon_is_posted_once",
            ),
            models.UniqueConstraint(
                fields=["kind", "dispute"], condition=Q(dispute__isnull=False), name="a_dispute_is_posted_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.at:%Y-%m-%d}"


class PostedByHand(models.Model):
    """What operations posted by hand under one key: a second click, or the same transfer again, posts nothing.

    Uniqueness stands here and not in the journal, which only grows.
    """

    key = models.CharField(max_length=160, unique=True)
    what = models.CharField(max_length=200, help_text="Kind, party and amount: the same key is for nothing else.")
    entry = models.OneToOneField(JournalEntry, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta(TypedModelMeta):
        verbose_name_plural = "posted by hand"

    def __str__(self) -> str:
        return self.key


class Posting(models.Model):
    """One side of an entry: positive is a debit, negative a credit. Append-only."""

    entry = models.ForeignKey(JournalEntry, on_delete=models.PROTECT, related_name="postings")
    ledger = models.CharField(max_length=20, choices=Ledger.choices)
    account = models.ForeignKey(Account, null=True, on_delete=models.PROTECT, related_name="+")
    seller = models.ForeignKey(Seller, null=True, on_delete=models.PROTECT, related_name="+")
    reseller = models.ForeignKey(Reseller, null=True, on_delete=models.PROTECT, related_name="+")
    currency = CurrencyField()
    amount = AmountField()

    class Meta(TypedModelMeta):
        indexes = [
            # Statements, balances and what is owed are sums over one party's postings on one ledger.
            models.Index("account", "ledger", "entry", condition=Q(account__isnull=False), name="posting_of_account"),
            models.Index("reseller", "ledger", condition=Q(reseller__isnull=False), name="posting_of_reseller"),
        ]
        constraints = [models.CheckConstraint(name="posting_moves_something", condition=~Q(amount=0))]

    def __str__(self) -> str:
        return f"{self.ledger} {self.amount} {self.currency}"

    @property
    def money(self) -> Money:
        return Money(self.amount, self.currency)
