"""Answers the USAGE port: what was used and what it costs, for who bills it."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import date, datetime
from decimal import Decimal

from django.db.models import Max, Min, Sum

from orders.models import Subscription
from orders.ports import MonthOfUse, Use
from provisioning.metering.models import Meter, MeterMonth, UsageRecord
from provisioning.metering.reads import cost_of, exact
from provisioning.metering.recording import catch_up
from provisioning.metering.rules import HOUR, month_bounds, month_of
from provisioning.metering.services import stop_meter


class Meters:
    """`orders.ports.UsageKeeper` over the meters."""

    def used(self, account_id: int, currency: str, *, until: datetime, at: datetime) -> Use:
        """Months before the cut's from their sums, the cut's own from its hours."""
        catch_up(until, at=at)
        of_account = Meter.objects.filter(account=account_id, currency=currency)
        cut, (start, _end) = month_of(until), month_bounds(month_of(until))
        whole = MeterMonth.objects.filter(meter__in=of_account, month__lt=cut)
        found = list(whole.values_list("meter", "month", "seconds").order_by("month", "meter"))
        if start < until:
            begun = UsageRecord.objects.filter(meter__in=of_account).between(start, until)
            by_meter = begun.values("meter").annotate(total=Sum("seconds")).order_by("meter")
            found += [(meter, cut, total) for meter, total in by_meter.values_list("meter", "total")]
        meters = {one.pk: one for one in of_account}
        last = UsageRecord.objects.aggregate(last=Max("id"))["last"] or 0
        return Use(tuple(_month(meters[meter], month, seconds) for meter, month, seconds in found), last)

    def accrued(self, since: date) -> Mapping[tuple[int, str], Decimal]:
        """One sum over the months, by account and currency."""
        rows = MeterMonth.objects.filter(month__gte=since).values("meter__account", "meter__currency")
        costs = rows.annotate(cost=Sum(cost_of("meter__"))).order_by()
        return {
            (account, currency): exact(cost)
            for account, currency, cost in costs.values_list("meter__account", "meter__currency", "cost")
        }

    def first_used(self, known: AbstractSet[tuple[int, str]]) -> Mapping[tuple[int, str], date]:
        """Months are read of those alone that are new."""
        new = set(Meter.objects.values_list("account", "currency").distinct()) - known
        rows = MeterMonth.objects.filter(meter__account__in={account for account, _currency in new})
        firsts = rows.values("meter__account", "meter__currency").annotate(first=Min("month")).order_by()
        found = firsts.values_list("meter__account", "meter__currency", "first")
        return {(account, currency): first for account, currency, first in found if (account, currency) in new}

    def by_hour(self, account_id: int, currency: str, *, since: date) -> list[tuple[datetime, Decimal]]:
        """One sum for each hour, all of the account's meters together."""
        start, _end = month_bounds(since)
        rows = UsageRecord.objects.filter(meter__account=account_id, meter__currency=currency, hour__gte=start)
        costs = rows.values("hour").annotate(cost=Sum(cost_of("meter__"))).order_by("hour")
        return [(hour + HOUR, exact(cost)) for hour, cost in costs.values_list("hour", "cost")]

    def stop(self, subscription: Subscription, *, at: datetime) -> None:
        """As the cloud's own report would."""
        if Meter.objects.filter(subscription=subscription).exists():
            stop_meter(subscription, at=at)


def _month(meter: Meter, month: date, seconds: int) -> MonthOfUse:
    return MonthOfUse(meter.subscription_id, meter.line_id, month, seconds, meter.price)
