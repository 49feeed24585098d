"""Hours are recorded from the marks: by the hour, for all meters at once, and again where marks came late.

What is recorded is always the difference between what the marks say and what stands recorded, so that an hour that is
recorded twice, late, or after a crash comes to the same seconds. The statements run one after the other in one
transaction (READ COMMITTED), under the lock of the one `MeterClock`:

1. Meters with new marks are locked; one whose marks are being written now is passed over and stays to be rechecked.
2. Their hours, from the earliest new mark on, are computed from the marks second by second.
3. All other meters that run ran the whole time: they have had no mark since the last hour.
4. Sums by month follow, and the clock moves on.
"""

from datetime import datetime
from typing import Any

from django.db import connection, transaction

from accounts.actor import Actor
from koogallery.kernel import clock
from koogallery.kernel.outbox import publish
from orders.events import UsageRecorded
from provisioning.metering.models import Meter, MeterClock
from provisioning.metering.rules import HOUR, hour_of

ROWS_AT_ONCE = 400_000
MOST_HOURS_AT_ONCE = 24


def record_hours(pk: int, *, at: datetime, by: Actor) -> None:
    """Timer: an hour is over; when several are, as many of them as one transaction should hold."""
    with transaction.atomic():
        found = MeterClock.objects.select_for_update(of=("self",)).filter(pk=pk, next_at__lte=at).first()
        if found is None:
            return
        now = hour_of(max(at, clock.now()))
        running = Meter.objects.filter(running=True).count()
        waiting = Meter.objects.filter(recheck_from__isnull=False).exists()
        hours = max(1, min(MOST_HOURS_AT_ONCE, ROWS_AT_ONCE // (running or 1)))
        # Where nothing runs and nothing is to be rechecked there is nothing to record, however long.
        idle = not running and not waiting
        until = now if idle else min(now, found.metered_until + hours * HOUR)
        recorded = 0 if idle else _record(found.metered_until, until, at=at)
        found.metered_until, found.next_at = until, until + HOUR
        found.save(update_fields=["metered_until", "next_at"])
        if recorded:
            publish(UsageRecorded(until=until.isoformat()), at=at)


def catch_up(until: datetime, *, at: datetime) -> datetime:
    """Record what is over up to `until` and the late marks before it, now; in the caller's transaction or its own.

    Returns:
        Up to when everything is recorded.
    """
    until = min(hour_of(until), hour_of(max(at, clock.now())))
    with transaction.atomic():
        found = MeterClock.objects.select_for_update(of=("self",)).filter(pk=MeterClock.ONE).first()
        if found is None:
            return until
        start = found.metered_until
        if start < until:
            _record(start, until, at=at)
            found.metered_until, found.next_at = until, until + HOUR
            found.save(update_fields=["metered_until", "next_at"])
        elif Meter.objects.filter(recheck_from__isnull=False).exists():
            _record(start, start, at=at)
    return max(start, until)


def _record(start: datetime, end: datetime, *, at: datetime) -> int:
    """Record the hours from `start` up to `end`, and rechecked ones before; how many records were made."""
    names: dict[str, Any] = {"start": start, "end": end, "at": at}
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, names)
        names["meters"] = [pk for (pk,) in cursor.fetchall()]
        made = 0
        if names["meters"]:
            cursor.execute(_RECHECK, names)
            made += cursor.fetchone()[0]
            cursor.execute(_RECHECKED, names)
        hour = start
        while hour < end:
            cursor.execute(_WHOLE_HOUR, names | {"hour": hour})
            made += cursor.fetchone()[0]
            hour += HOUR
    return made


_TAKE = """
SELECT id FROM metering_meter WHERE recheck_from IS NOT NULL ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
"""

# The month of an hour is GMT+08:00's (RULES 6): Postgres' POSIX zones count westwards.
_SUMS = """
summed AS (
    INSERT INTO metering_metermonth AS kept (meter_id, month, seconds)
    SELECT meter_id, date_trunc('month', hour AT TIME ZONE 'UTC' + interval '8 hours')::date AS month, sum(seconds)
    FROM made GROUP BY meter_id, month ORDER BY meter_id, month
    ON CONFLICT (meter_id, month) DO UPDATE SET seconds = kept.seconds + excluded.seconds
)
SELECT count(*) FROM made
"""

_RECHECK = f"""
WITH taken AS (
    SELECT id AS meter_id, least(recheck_from, %(start)s) AS since FROM metering_meter WHERE id = ANY(%(meters)s)
), segment AS (
    SELECT mark.meter_id, taken.since, mark.running, mark.at AS began,
        lead(mark.at) OVER (PARTITION BY mark.meter_id ORDER BY mark.at, mark.id) AS ended
    FROM taken JOIN metering_metermark AS mark ON mark.meter_id = taken.meter_id AND mark.at < %(end)s
    WHERE mark.at >= coalesce(
        (SELECT max(earlier.at) FROM metering_metermark AS earlier
         WHERE earlier.meter_id = taken.meter_id AND earlier.at <= taken.since), '-infinity')
), ran AS (
    SELECT meter_id, greatest(began, since) AS began, coalesce(ended, %(end)s) AS ended FROM segment WHERE running
), expected AS (
    SELECT ran.meter_id, hour,
        sum(extract(epoch FROM least(ran.ended, hour + interval '1 hour') - greatest(ran.began, hour)))::int AS seconds
    FROM ran CROSS JOIN LATERAL generate_series(
        date_trunc('hour', ran.began, 'UTC'), ran.ended - interval '1 second', interval '1 hour') AS hour
    WHERE ran.began < ran.ended
    GROUP BY ran.meter_id, hour
), known AS (
    SELECT record.meter_id, record.hour, sum(record.seconds)::int AS seconds, max(record.revision) AS revision
    FROM taken JOIN metering_usagerecord AS record ON record.meter_id = taken.meter_id AND record.hour >= taken.since
    GROUP BY record.meter_id, record.hour
), made AS (
    INSERT INTO metering_usagerecord (meter_id, hour, revision, seconds, recorded_at)
    SELECT meter_id, hour, coalesce(known.revision + 1, 0), coalesce(expected.seconds, 0) - coalesce(known.seconds, 0),
        %(at)s
    FROM expected FULL JOIN known USING (meter_id, hour)
    WHERE coalesce(expected.seconds, 0) <> coalesce(known.seconds, 0)
    ORDER BY meter_id, hour
    RETURNING meter_id, hour, seconds
), {_SUMS}
"""

_RECHECKED = """
UPDATE metering_meter AS meter
SET recheck_from = CASE
    WHEN EXISTS (SELECT 1 FROM metering_metermark WHERE meter_id = meter.id AND at >= %(end)s) THEN %(end)s::timestamptz
END
WHERE id = ANY(%(meters)s)
"""

# Those that were computed mark by mark are left out by a hashed join: as `<> ALL` of a list, a hundred thousand of them
# cost a hundred thousand comparisons each.
_WHOLE_HOUR = f"""
WITH made AS (
    INSERT INTO metering_usagerecord (meter_id, hour, revision, seconds, recorded_at)
    SELECT id, %(hour)s, 0, 3600, %(at)s FROM metering_meter AS meter
    WHERE running AND (recheck_from IS NULL)
      AND NOT EXISTS (SELECT FROM unnest(%(meters)s::bigint[]) AS computed (id) WHERE computed.id = meter.id)
    ORDER BY id
    ON CONFLICT (meter_id, hour, revision) DO NOTHING
    RETURNING meter_id, hour, seconds
), {_SUMS}
"""
