"""Meters, the marks that say when they ran, the hours that were recorded, and their sums by month."""

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import F, Q

from accounts.models import Account
from koogallery.kernel.money import CurrencyField, Money, UnitPriceField
from orders.models import OrderLine, Subscription
from pricing.values import MeteredPrice

if TYPE_CHECKING:
    from django_stubs_ext.db.models import TypedModelMeta
else:
    TypedModelMeta = object


class MeterQuerySet(models.QuerySet["Meter"]):
    def for_account(self, account: Account) -> Self:
        return self.filter(account=account)


class Meter(models.Model):
    """What measures one order line of one subscription, at the price that was confirmed with the order.

    `running` and `recheck_from` are derived from the marks: how it stands after the latest one, and from which hour (UTC)
    on it is to be computed mark by mark, because some have come that no recorded hour knows of. Without it the meter
    has stood or run as it does since the last hour that was recorded.
    """

    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, related_name="meters")
    line = models.ForeignKey(OrderLine, on_delete=models.PROTECT, related_name="meters")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    currency = CurrencyField()
    # An hour of all its pieces at list price, with every decimal.
    unit_price = UnitPriceField()
    discount_percent = models.DecimalField(max_digits=5, decimal_places=2, default=0)
    tax_percent = models.DecimalField(max_digits=5, decimal_places=2, default=0)
    tax_name = models.CharField(max_length=40, blank=True)
    running = models.BooleanField(default=False)
    recheck_from = models.DateTimeField(null=True)

    objects = MeterQuerySet.as_manager()

    class Meta(TypedModelMeta):
        indexes = [
            models.Index("account", name="meter_of_account"),
            models.Index("id", condition=Q(running=True), name="meter_running"),
            models.Index("recheck_from", condition=Q(recheck_from__isnull=False), name="meter_to_recheck"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["subscription", "line"], name="one_meter_per_subscription_and_line"),
            models.CheckConstraint(
                name="meter_prices_not_negative",
                condition=Q(unit_price__gte=0, discount_percent__range=(0, 100), tax_percent__range=(0, 100)),
            ),
        ]

    def __str__(self) -> str:
        return f"Meter of {self.subscription_id}"

    @property
    def hourly(self) -> Money:
        return Money(self.unit_price, self.currency)

    @property
    def price(self) -> MeteredPrice:
        """What an hour of it costs, as it was confirmed."""
        return MeteredPrice(self.hourly, self.discount_percent, self.tax_percent, self.tax_name)


class MeterMark(models.Model):
    """From this second on a meter runs, or does not. Append-only (trigger); the same mark twice is one.

    A second is as the latest mark at or before it says; of two marks of one second the one that was recorded later
    counts. So it does not matter in which order marks come, or how often.
    """

    meter = models.ForeignKey(Meter, on_delete=models.PROTECT, related_name="marks", db_index=False)
    at = models.DateTimeField()
    running = models.BooleanField()

    class Meta(TypedModelMeta):
        constraints = [models.UniqueConstraint(fields=["meter", "at", "running"], name="one_mark_per_second")]

    def __str__(self) -> str:
        return f"{self.meter_id} {'runs' if self.running else 'stands'} from {self.at:%Y-%m-%d %H:%M:%S}"


class UsageRecordQuerySet(models.QuerySet["UsageRecord"]):
    def for_account(self, account: Account) -> Self:
        return self.filter(meter__account=account)

    def between(self, start: datetime, end: datetime) -> Self:
        """Of hours that begin from `start` up to before `end`."""
        return self.filter(hour__gte=start, hour__lt=end)


class UsageRecord(models.Model):
    """The seconds that a meter ran within one hour (UTC). Append-only (trigger).

    An hour is recorded once, as revision 0; what is found out later is added by records of further revisions, whose
    seconds may be negative. A meter is one line of one subscription: (subscription, hour, line, revision) is unique.
    """

    meter = models.ForeignKey(Meter, on_delete=models.PROTECT, related_name="records", db_index=False)
    hour = models.DateTimeField()
    revision = models.PositiveSmallIntegerField(default=0)
    seconds = models.SmallIntegerField()
    recorded_at = models.DateTimeField()

    objects = UsageRecordQuerySet.as_manager()

    class Meta(TypedModelMeta):
        constraints = [
            models.UniqueConstraint(fields=["meter", "hour", "revision"], name="an_hour_is_recorded_once"),
            models.CheckConstraint(
                name="usage_within_its_hour",
                condition=Q(revision=0, seconds__range=(1, 3600)) | Q(revision__gt=0, seconds__range=(-3600, 3600)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.meter_id} {self.hour:%Y-%m-%d %H}: {self.seconds} s"


class MeterMonthQuerySet(models.QuerySet["MeterMonth"]):
    def for_account(self, account: Account) -> Self:
        return self.filter(meter__account=account)


class MeterMonth(models.Model):
    """What a meter's records of one calendar month (GMT+08:00) add up to; kept in their transaction.

    Bills, estimates and limits read these instead of seven hundred records a meter.
    """

    meter = models.ForeignKey(Meter, on_delete=models.PROTECT, related_name="months", db_index=False)
    month = models.DateField()
    seconds = models.IntegerField()

    objects = MeterMonthQuerySet.as_manager()

    class Meta(TypedModelMeta):
        constraints = [models.UniqueConstraint(fields=["meter", "month"], name="one_sum_per_meter_and_month")]

    def __str__(self) -> str:
        return f"{self.meter_id} {self.month:%Y-%m}: {self.seconds} s"


class MeterClock(models.Model):
    """Up to when (UTC, a full hour) all hours are recorded, and when the next one is over. One row."""

    ONE = 1

    metered_until = models.DateTimeField()
    next_at = models.DateTimeField()

    class Meta(TypedModelMeta):
        constraints = [
            models.CheckConstraint(name="one_meter_clock", condition=Q(id=1)),
            models.CheckConstraint(name="next_hour_follows", condition=Q(next_at__gt=F("metered_until"))),
        ]

    def __str__(self) -> str:
        return f"Metered until {self.metered_until:%Y-%m-%d %H:%M}"
