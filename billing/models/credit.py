"""What customers have with us and owe us: balances, credit lines, monthly statements."""

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django_fsm import transition

from accounts.models import Account
from billing.choices import StatementStatus
from koogallery.kernel import clock
from koogallery.kernel.fields import StatusField
from koogallery.kernel.ids import public_id
from koogallery.kernel.money import AmountField, CurrencyField, Money

if TYPE_CHECKING:
    from datetime import datetime

    from django_stubs_ext.db.models import TypedModelMeta
else:
    TypedModelMeta = object


class AccountBalance(models.Model):
    """What an account has paid in advance, by currency: the sum of its postings, kept here to be locked and bounded."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="balances")
    currency = CurrencyField()
    amount = AmountField(default=0)

    class Meta(TypedModelMeta):
        constraints = [
            models.UniqueConstraint(fields=["account", "currency"], name="one_balance_per_currency"),
            models.CheckConstraint(name="balance_not_overdrawn", condition=Q(amount__gte=0)),
        ]

    def __str__(self) -> str:
        return f"{self.account}: {self.money}"

    @property
    def money(self) -> Money:
        return Money(self.amount, self.currency)


class CreditLine(models.Model):
    """Monthly settlement, granted to an account after a service ticket (guide 2.1, RULES 6).

    `used` is what the account owes of it now, in `currency`; a refund of what was paid goes to the account's balance.
    `next_statement_at` is when the last calendar month (GMT+08:00) is stated.
    """

    account = models.OneToOneField(Account, on_delete=models.PROTECT, related_name="credit_line")
    currency = CurrencyField()
    limit = AmountField()
    used = AmountField(default=0, editable=False)
    ticket = models.CharField(max_length=200, help_text=_("The service ticket in which it was asked for."))
    granted_at = models.DateTimeField(default=clock.now, editable=False)
    granted_by = models.CharField(max_length=200, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True)
    next_statement_at = models.DateTimeField(editable=False)

    class Meta(TypedModelMeta):
        indexes = [models.Index("next_statement_at", "id", name="credit_statement_due")]
        constraints = [
            models.CheckConstraint(name="credit_limit_not_negative", condition=Q(limit__gte=0)),
            models.CheckConstraint(name="credit_used_not_negative", condition=Q(used__gte=0)),
        ]

    def __str__(self) -> str:
        return f"{self.account}: up to {Money(self.limit, self.currency)}"

    @property
    def available(self) -> Money:
        """What may still be bought on it; never below zero."""
        return Money(max(self.limit - self.used, self.limit * 0), self.currency)


class StatementQuerySet(models.QuerySet["Statement"]):
    def for_account(self, account: Account) -> Self:
        return self.filter(account=account)

    def unpaid(self) -> Self:
        return self.filter(status__in=[StatementStatus.OPEN, StatementStatus.OVERDUE])

    def freezing(self) -> Self:
        """Those not paid that keep the account frozen."""
        return self.unpaid().exclude(froze_at=None)


class Statement(models.Model):
    """What an account bought on monthly settlement in one calendar month (GMT+08:00), less what was refunded.

    `amount` is what was stated; what is refunded of stated purchases afterwards is `credited` against it. `notice_at` is when
    its due date, then the freeze, is announced next.
    """

    public_id = models.CharField(max_length=16, unique=True, default=public_id, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="statements")
    currency = CurrencyField()
    month = models.DateField(help_text=_("The first day of the month that it states."))
    amount = AmountField()
    credited = AmountField(default=0, db_default=0, editable=False)
    status = StatusField(default=StatementStatus.OPEN, choices=StatementStatus.choices, editable=False)
    issued_at = models.DateTimeField()
    due_at = models.DateTimeField()
    freezes_at = models.DateTimeField()
    froze_at = models.DateTimeField(null=True, editable=False)
    notice_at = models.DateTimeField(null=True, editable=False)
    paid_at = models.DateTimeField(null=True, editable=False)

    objects = StatementQuerySet.as_manager()

    class Meta(TypedModelMeta):
        indexes = [
            models.Index("account", F("month").desc(), name="statement_account_newest"),
            models.Index("due_at", "id", condition=Q(status="open"), name="statement_overdue_due"),
            models.Index("freezes_at", "id", condition=Q(status="overdue", froze_at=None), name="statement_freeze_due"),
            models.Index(
                "notice_at",
                "id",
                condition=Q(status__in=["open", "overdue"], notice_at__isnull=False),
                name="statement_notice_due",
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["account", "currency", "month"], name="one_statement_per_month"),
            models.CheckConstraint(name="statement_amount_positive", condition=Q(amount__gt=0)),
            models.CheckConstraint(
                name="statement_credit_within_amount", condition=Q(credited__gte=0, credited__lte=F("amount"))
            ),
            models.CheckConstraint(
                name="paid_statements_know_when", condition=~Q(status="paid") | Q(paid_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.month:%Y-%m}"

    def get_absolute_url(self) -> str:
        return reverse("billing:statement", args=[self.public_id])

    @property
    def money(self) -> Money:
        return Money(self.amount, self.currency)

    @property
    def refunded_since(self) -> Money:
        """What was refunded of it since it was issued, and paid a part of it."""
        return Money(self.credited, self.currency)

    @property
    def to_pay(self) -> Money:
        """What has to be paid of it: what was stated, less what was refunded since."""
        return Money(self.amount - self.credited, self.currency)

    @transition(status, source=StatementStatus.OPEN, target=StatementStatus.OVERDUE)
    def fall_overdue(self) -> None:
        """Not paid in time: new orders on credit stop at once."""

    @transition(status, source=[StatementStatus.OPEN, StatementStatus.OVERDUE], target=StatementStatus.PAID)
    def settle(self, at: "datetime") -> None:
        self.paid_at, self.notice_at = at, None
