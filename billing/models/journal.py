"""The books: balanced, append-only entries."""

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from accounts.models import Account, Seller
from billing.choices import EntryKind, Ledger
from billing.models.payments import Payment, Refund
from koogallery.kernel.money import AmountField, CurrencyField
from orders.models import Order

if TYPE_CHECKING:
    from django_stubs_ext.db.models import TypedModelMeta
else:
    TypedModelMeta = object


class JournalEntry(models.Model):
    """One movement of money, balanced: its postings sum to zero per currency (deferred trigger). Append-only."""

    at = models.DateTimeField()
    kind = models.CharField(max_length=16, choices=EntryKind.choices)
    order = models.ForeignKey(Order, null=True, on_delete=models.PROTECT, related_name="journal")
    payment = models.ForeignKey(Payment, null=True, on_delete=models.PROTECT, related_name="journal")
    refund = models.ForeignKey(Refund, null=True, on_delete=models.PROTECT, related_name="journal")
    text = models.CharField(max_length=200, blank=True)

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
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.at:%Y-%m-%d}"


class Posting(models.Model):
    """One side of an entry: positive is a debit, negative a credit. Append-only."""

    entry = models.ForeignKey(JournalEntry, on_delete=models.PROTECT, related_name="postings")
    ledger = models.CharField(max_length=20, choices=Ledger.choices)
    account = models.ForeignKey(Account, null=True, on_delete=models.PROTECT, related_name="+")
    seller = models.ForeignKey(Seller, null=True, on_delete=models.PROTECT, related_name="+")
    currency = CurrencyField()
    amount = AmountField()

    class Meta(TypedModelMeta):
        constraints = [models.CheckConstraint(name="posting_moves_something", condition=~Q(amount=0))]

    def __str__(self) -> str:
        return f"{self.ledger} {self.amount} {self.currency}"
