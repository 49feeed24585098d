"""What the usage page, its file and the REST interface print of one account's month (GMT+08:00)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import DecimalField, ExpressionWrapper, F, Sum
from django.db.models.functions import TruncDate

from accounts.models import Account
from koogallery.kernel.money import Money
from orders import ports
from orders.terms import BILLING_ZONE
from pricing.use import use_charge
from provisioning.metering.models import Meter, MeterClock, MeterMonth, UsageRecord
from provisioning.metering.rules import SECONDS_AN_HOUR, month_bounds, month_of


@dataclass(frozen=True, slots=True)
class UsedLine:
    """One meter's use of a month: what it took so far, and what it will have taken at its end if nothing changes."""

    meter: Meter
    seconds: int
    amount: Money
    tax: Money
    expected: Money


@dataclass(frozen=True, slots=True)
class UsedDay:
    """One day (GMT+08:00) of an account in one currency: all meters together, before tax."""

    day: date
    seconds: int
    amount: Money


@dataclass(frozen=True, slots=True)
class MonthUsed:
    """One account's use of one currency in one month.

    Attributes:
        lines: by meter, each rounded once as a bill does.
        days: every day of the month up to the last with use.
        recorded_until: up to when hours are recorded (UTC).
    """

    month: date
    currency: str
    lines: Sequence[UsedLine]
    days: Sequence[UsedDay]
    recorded_until: datetime | None

    @property
    def total(self) -> Money:
        """What was used so far, with tax: the sum of the lines."""
        return Money.total((one.amount + one.tax for one in self.lines), self.currency)

    @property
    def expected(self) -> Money:
        """What the month will come to, with tax, if what runs goes on to run."""
        return Money.total((one.expected for one in self.lines), self.currency)

    @property
    def seconds(self) -> int:
        return sum(one.seconds for one in self.lines)

    @property
    def running(self) -> int:
        return sum(one.meter.running for one in self.lines)


def months_used(account: Account) -> list[date]:
    """The months in which the account used something, newest first."""
    rows = MeterMonth.objects.for_account(account).order_by("-month").values_list("month", flat=True)
    return list(rows.distinct())


def month_used(account: Account, month: date, *, at: datetime) -> list[MonthUsed]:
    """What an account used in a month, by currency; a meter that runs now is listed before its first hour is over."""
    kept = {one.meter_id: one.seconds for one in MeterMonth.objects.for_account(account).filter(month=month)}
    own = Meter.objects.for_account(account).select_related("subscription", "line", "line__order__product")
    meters = ports.deployments().with_server_names(own, "subscription")
    is_now = month == month_of(at)
    listed = [one for one in meters.order_by("id") if one.pk in kept or (is_now and one.running)]
    clock = MeterClock.objects.filter(pk=MeterClock.ONE).first()
    recorded_until = clock.metered_until if clock else None
    start, end = month_bounds(month)
    begun = max(start, recorded_until) if recorded_until else start
    left = int((end - begun).total_seconds()) if is_now and begun < end else 0
    days = _days(account, month)
    found = []
    for currency in sorted({one.currency for one in listed}):
        lines = [_line(one, kept.get(one.pk, 0), left) for one in listed if one.currency == currency]
        found.append(
            MonthUsed(month, currency, lines, _every_day(days.get(currency, {}), month, currency), recorded_until)
        )
    return found


def _line(meter: Meter, seconds: int, left: int) -> UsedLine:
    charge = use_charge(seconds, meter.price)
    expected = use_charge(seconds + left, meter.price) if meter.running else charge
    return UsedLine(meter, seconds, charge.amount, charge.tax, expected.total)


def _days(account: Account, month: date) -> dict[str, dict[date, tuple[int, Decimal]]]:
    """Currency -> day -> (seconds, exact cost)."""
    of_month = UsageRecord.objects.for_account(account).between(*month_bounds(month))
    by_day: Any = (
        of_month.annotate(day=TruncDate("hour", tzinfo=BILLING_ZONE)).values("day", "meter__currency").order_by()
    )
    sums = by_day.annotate(total=Sum("seconds"), cost=Sum(cost_of("meter__")))
    found: dict[str, dict[date, tuple[int, Decimal]]] = {}
    for day, currency, total, cost in sums.values_list("day", "meter__currency", "total", "cost"):
        found.setdefault(currency, {})[day] = (total, exact(cost))
    return found


def _every_day(days: dict[date, tuple[int, Decimal]], month: date, currency: str) -> list[UsedDay]:
    """From the month's first day to the last with use; amounts are the steps of the rounded sum, so they add up to it."""
    if not days:
        return []
    every, cost, before = [], Decimal(0), Money.zero(currency)
    for at in range((max(days) - month).days + 1):
        day = month + timedelta(days=at)
        seconds, more = days.get(day, (0, Decimal(0)))
        cost += more
        sum_until = Money(cost, currency).rounded()
        every.append(UsedDay(day, seconds, sum_until - before))
        before = sum_until
    return every


def cost_of(prefix: str) -> ExpressionWrapper:
    """Seconds times price times what the discount leaves in per cent: whole decimals, divided once at the end."""
    left = 100 - F(f"{prefix}discount_percent")
    return ExpressionWrapper(
        F("seconds") * F(f"{prefix}unit_price") * left, output_field=DecimalField(max_digits=40, decimal_places=12)
    )


def exact(cost: Decimal | None) -> Decimal:
    """What `cost_of` adds up to, in the currency's units."""
    return (cost or Decimal(0)) / (100 * SECONDS_AN_HOUR)
