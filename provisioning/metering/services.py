"""The two verbs of whoever runs servers: from now on it runs, from now on it does not.

    start_meter(subscription, at=at)   # in the transaction that records that the server is ACTIVE
    stop_meter(subscription, at=at)    # likewise: stopped, failed, frozen, deleted

Both may be called twice, late and in any order (see `MeterMark`). What is not pay-per-use is not metered.
"""

from datetime import datetime

from django.db import connection, transaction

from catalog.choices import BillingMode
from koogallery.kernel.errors import InvalidInput
from orders.models import OrderLine, Subscription
from pricing.values import MeteredPrice
from provisioning.metering.errors import NotPriced
from provisioning.metering.models import Meter, MeterClock, MeterMark
from provisioning.metering.rules import HOUR, hour_of, second_of


def start_meter(subscription: Subscription, *, at: datetime, line: OrderLine | None = None) -> Meter | None:
    """The subscription runs from the second of `at` on; in the caller's transaction.

    Args:
        at: when it began to run, not when we heard of it.
        line: what it is charged by, where that is not the line that it was bought with.

    Returns:
        Its meter; None for what is not pay-per-use.

    Raises:
        NotPriced: the order line says no price of an hour.
    """
    return _mark(subscription, line, running=True, at=at)


def stop_meter(subscription: Subscription, *, at: datetime, line: OrderLine | None = None) -> Meter | None:
    """The subscription does not run from the second of `at` on: see `start_meter`."""
    return _mark(subscription, line, running=False, at=at)


def price_of(line: OrderLine) -> MeteredPrice:
    """What an hour of one piece costs, as it was confirmed.

    Raises:
        NotPriced: the line says none.
    """
    if not line.metered:
        raise NotPriced
    return MeteredPrice.from_json(line.metered)


def _mark(subscription: Subscription, line: OrderLine | None, *, running: bool, at: datetime) -> Meter | None:
    if subscription.billing_mode != BillingMode.PAY_PER_USE:
        return None
    if at.tzinfo is None:
        raise InvalidInput("A mark needs an aware time.")
    at = second_of(at)
    with transaction.atomic():
        meter = _meter_locked(subscription, line or subscription.line)
        if not _added(meter, at, running):
            return meter
        latest = meter.marks.order_by("-at", "-id").values_list("running", flat=True)[0]
        # Whoever records hours now has not seen this mark: what he records is looked at again.
        since = min(hour_of(at), _metered_until(at), *([meter.recheck_from] if meter.recheck_from else []))
        meter.running, meter.recheck_from = latest, since
        meter.save(update_fields=["running", "recheck_from"])
    return meter


def _added(meter: Meter, at: datetime, running: bool) -> bool:
    """Write the mark down; False when it stands there already."""
    with connection.cursor() as cursor:
        # One statement: Django's own way of ignoring a conflict does not say whether there was one.
        cursor.execute(
            f'INSERT INTO "{MeterMark._meta.db_table}" (meter_id, at, running) VALUES (%s, %s, %s) '
            "ON CONFLICT (meter_id, at, running) DO NOTHING",
            [meter.pk, at, running],
        )
        return bool(cursor.rowcount)


def _meter_locked(subscription: Subscription, line: OrderLine) -> Meter:
    key = {"subscription": subscription, "line": line}
    locked = Meter.objects.select_for_update(of=("self",), no_key=True)
    if found := locked.filter(**key).first():
        return found
    price = price_of(line)
    Meter.objects.bulk_create(
        [
            Meter(
                **key,
                account_id=subscription.account_id,
                currency=price.unit_price.currency,
                unit_price=(price.unit_price * subscription.quantity).amount,
                discount_percent=price.discount_percent,
                tax_percent=price.tax_percent,
                tax_name=price.tax_name,
            )
        ],
        ignore_conflicts=True,
    )
    return locked.get(**key)


def _metered_until(at: datetime) -> datetime:
    """Up to when hours are recorded; the clock begins with the first mark ever."""
    start = hour_of(at)
    MeterClock.objects.bulk_create(
        [MeterClock(id=MeterClock.ONE, metered_until=start, next_at=start + HOUR)], ignore_conflicts=True
    )
    return MeterClock.objects.values_list("metered_until", flat=True).get(pk=MeterClock.ONE)
