"""Bills of pay-per-use: what was used up to a cut, less what was billed before, and what becomes of it (RULES 8)."""

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django_fsm import transition

from accounts.models import Account
from billing.choices import UsageBillStatus
from koogallery.kernel.fields import StatusField
from koogallery.kernel.ids import public_id
from koogallery.kernel.money import AmountField, CurrencyField, Money, UnitPriceField
from orders.models import OrderLine, Subscription
from orders.terms import BILLING_ZONE, until_text

if TYPE_CHECKING:
    from django_stubs_ext.db.models import TypedModelMeta

    from billing.models.journal import JournalEntry
else:
    TypedModelMeta = object

_SECOND = timedelta(seconds=1)


class UsageAccount(models.Model):
    """When an account's use of one currency is billed next: on the 3rd, for the calendar month before (GMT+08:00).

    `billed_until` is the latest cut of its bills. `undecided` is what they took too much up to `undecided_until`, where
    none follows and several paid: operators say who gets it, and were told once.
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="usage_accounts")
    currency = CurrencyField()
    next_bill_at = models.DateTimeField()
    billed_until = models.DateTimeField(null=True)
    undecided = AmountField(null=True, editable=False)
    undecided_until = models.DateTimeField(null=True, editable=False)

    class Meta(TypedModelMeta):
        indexes = [models.Index("next_bill_at", "id", name="usage_bill_due")]
        constraints = [models.UniqueConstraint(fields=["account", "currency"], name="one_usage_account_per_currency")]

    def __str__(self) -> str:
        return f"Use of {self.account_id} in {self.currency}"


class UsageBillQuerySet(models.QuerySet["UsageBill"]):
    def for_account(self, account: Account) -> Self:
        return self.filter(account=account)

    def unpaid(self) -> Self:
        return self.filter(status__in=[UsageBillStatus.OPEN, UsageBillStatus.ARREARS])

    def freezing(self) -> Self:
        """Those not paid that keep servers frozen."""
        return self.unpaid().exclude(froze_at=None)

    def newest_first(self) -> Self:
        return self.order_by("-until", "-id")


class UsageBill(models.Model):
    """What an account used up to `until` (UTC, a full hour) and was not billed for yet.

    One that closes a month takes also what was recorded late of months before; one that was cut because enough had
    accrued takes use of its own month alone. `last_record` is the newest usage record that it knew of.

    `amount` is the sum of its lines with their tax; below nothing only where bills took too much and none follows, which is
    credited with `credit`. In arrears `freezes_at` and `releases_at` are when its servers are
    taken out of use, and given up; `notice_at` is when that is announced next.
    """

    public_id = models.CharField(max_length=16, unique=True, default=public_id, editable=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="usage_bills")
    currency = CurrencyField()
    until = models.DateTimeField()
    closes_month = models.BooleanField(help_text="Cut at the month's end, and not because enough had accrued.")
    last_record = models.BigIntegerField()
    amount = AmountField()
    status = StatusField(default=UsageBillStatus.OPEN, choices=UsageBillStatus.choices, editable=False)
    issued_at = models.DateTimeField()
    arrears_at = models.DateTimeField(null=True, editable=False)
    freezes_at = models.DateTimeField(null=True, editable=False)
    froze_at = models.DateTimeField(null=True, editable=False)
    releases_at = models.DateTimeField(null=True, editable=False)
    released_at = models.DateTimeField(null=True, editable=False)
    notice_at = models.DateTimeField(null=True, editable=False)
    paid_at = models.DateTimeField(null=True, editable=False)
    credit = models.OneToOneField(
        "billing.JournalEntry", null=True, on_delete=models.PROTECT, related_name="+", editable=False
    )

    objects = UsageBillQuerySet.as_manager()

    class Meta(TypedModelMeta):
        indexes = [
            models.Index("account", F("until").desc(), F("id").desc(), name="usage_bill_account_newest"),
            models.Index(
                "freezes_at", "id", condition=Q(status="arrears", froze_at=None), name="usage_bill_freeze_due"
            ),
            models.Index(
                "releases_at",
                "id",
                condition=Q(status="arrears", froze_at__isnull=False, released_at=None),
                name="usage_bill_release_due",
            ),
            models.Index(
                "notice_at", "id", condition=Q(status="arrears", notice_at__isnull=False), name="usage_bill_notice_due"
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "currency", "until", "closes_month"], name="one_usage_bill_per_cut"
            ),
            models.CheckConstraint(
                name="usage_bill_is_paid_or_credited",
                condition=Q(amount__gt=0, credit=None) & ~Q(status="credited")
                | Q(amount__lt=0, credit__isnull=False, status="credited", paid_at__isnull=False),
            ),
            models.CheckConstraint(
                name="paid_usage_bills_know_when", condition=~Q(status="paid") | Q(paid_at__isnull=False)
            ),
            models.CheckConstraint(
                name="arrears_know_their_dates",
                condition=~Q(status="arrears")
                | Q(arrears_at__isnull=False, freezes_at__isnull=False, releases_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"Usage until {until_text(self.until)}"

    def get_absolute_url(self) -> str:
        return reverse("billing:usage_bill", args=[self.public_id])

    @property
    def money(self) -> Money:
        return Money(self.amount, self.currency)

    @property
    def month(self) -> date:
        """The calendar month (GMT+08:00) in which its cut lies; of a month that ends with it, that month."""
        return month_that_ends(self.until)

    @transition(status, source=UsageBillStatus.OPEN, target=UsageBillStatus.ARREARS)
    def fall_into_arrears(self, at: datetime, *, freezes_at: datetime, releases_at: datetime) -> None:
        """The charge failed: the time of grace begins."""
        self.arrears_at, self.freezes_at, self.releases_at = at, freezes_at, releases_at

    @transition(status, source=[UsageBillStatus.OPEN, UsageBillStatus.ARREARS], target=UsageBillStatus.PAID)
    def settle(self, at: datetime) -> None:
        """Paid: by card or balance, put on the monthly statement, or owed by the reseller."""
        self.paid_at, self.notice_at = at, None

    @transition(status, source=UsageBillStatus.OPEN, target=UsageBillStatus.CREDITED)
    def credit_with(self, entry: "JournalEntry", at: datetime) -> None:
        """Bills took more than was used: it was given back."""
        self.credit, self.paid_at = entry, at


class UsageBillLine(models.Model):
    """What a bill takes for one order line of one subscription within one calendar month. Append-only (trigger).

    `amount` is `seconds` at `unit_price` an hour less the discount, rounded once; `tax` is on it, rounded once. Seconds
    of a month before the bill's own are late use, and negative where too much was billed before. `fee` is what we keep of
    `amount`, of what is taken back what was kept of it; None of lines from before it was written down.
    """

    bill = models.ForeignKey(UsageBill, on_delete=models.PROTECT, related_name="lines")
    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, related_name="usage_bill_lines")
    line = models.ForeignKey(OrderLine, on_delete=models.PROTECT, related_name="+")
    month = models.DateField()
    seconds = models.IntegerField()
    currency = CurrencyField()
    unit_price = UnitPriceField()
    discount_percent = models.DecimalField(max_digits=5, decimal_places=2, default=0)
    tax_percent = models.DecimalField(max_digits=5, decimal_places=2, default=0)
    tax_name = models.CharField(max_length=40, blank=True)
    amount = AmountField()
    tax = AmountField(default=0)
    fee = AmountField(null=True)

    class Meta(TypedModelMeta):
        ordering = ["month", "line_id", "subscription_id"]
        constraints = [
            models.UniqueConstraint(fields=["bill", "subscription", "line", "month"], name="one_line_per_use_and_month")
        ]

    def __str__(self) -> str:
        return f"{self.line_id} {self.month:%Y-%m}: {self.seconds} s"

    @property
    def money(self) -> Money:
        return Money(self.amount, self.currency)

    @property
    def hourly(self) -> Money:
        return Money(self.unit_price, self.currency)

    @property
    def tax_money(self) -> Money:
        return Money(self.tax, self.currency)


def last_second(until: datetime) -> datetime:
    """The last second before a cut, which tells the day and month that it closes."""
    return until - _SECOND


def month_that_ends(until: datetime) -> date:
    """The calendar month (GMT+08:00) of the last second before a cut: its first day."""
    return last_second(until).astimezone(BILLING_ZONE).date().replace(day=1)
