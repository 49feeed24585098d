"""What is always true of metering, across tables."""

from koogallery.kernel.books import Invariant, register

INVARIANTS = (
    Invariant(
        "usage_sums_are_their_records",
        "A meter's sum of a month (GMT+08:00) is the sum of its records of that month.",
        """
        SELECT coalesce(kept.meter_id, added.meter_id), coalesce(kept.month, added.month), kept.seconds, added.seconds
        FROM metering_metermonth AS kept
        FULL JOIN (
            SELECT meter_id, date_trunc('month', hour AT TIME ZONE 'UTC' + interval '8 hours')::date AS month,
                sum(seconds) AS seconds
            FROM metering_usagerecord GROUP BY 1, 2
        ) AS added ON added.meter_id = kept.meter_id AND added.month = kept.month
        WHERE kept.seconds IS DISTINCT FROM added.seconds
        """,
    ),
    Invariant(
        "recorded_hours_hold_their_seconds",
        "An hour's records add up to 0 to 3600 seconds, with revisions from 0 without a gap.",
        """
        SELECT meter_id, hour, sum(seconds), count(*), max(revision)
        FROM metering_usagerecord GROUP BY meter_id, hour
        HAVING sum(seconds) NOT BETWEEN 0 AND 3600 OR count(*) <> max(revision) + 1
        """,
    ),
    Invariant(
        "usage_is_what_the_marks_say",
        "Up to the meters' clock, what is recorded of a meter is what its marks say, unless it waits to be rechecked.",
        """
        SELECT meter.id, ran.seconds, recorded.seconds
        FROM metering_meterclock AS clock CROSS JOIN metering_meter AS meter
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(extract(epoch FROM least(ended, clock.metered_until) - began)), 0) AS seconds
            FROM (
                SELECT running, at AS began, coalesce(lead(at) OVER (ORDER BY at, id), 'infinity') AS ended
                FROM metering_metermark WHERE meter_id = meter.id
            ) AS segment
            WHERE running AND began < clock.metered_until AND began < ended
        ) AS ran
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(seconds), 0) AS seconds FROM metering_usagerecord WHERE meter_id = meter.id
        ) AS recorded
        WHERE (meter.recheck_from IS NULL OR meter.recheck_from >= clock.metered_until)
          AND ran.seconds <> recorded.seconds
        """,
    ),
    Invariant(
        "meters_stand_as_their_latest_mark",
        "Whether a meter runs is what its latest mark says.",
        """
        SELECT meter.id, meter.running, latest.running
        FROM metering_meter AS meter
        LEFT JOIN LATERAL (
            SELECT running FROM metering_metermark WHERE meter_id = meter.id ORDER BY at DESC, id DESC LIMIT 1
        ) AS latest ON true
        WHERE meter.running IS DISTINCT FROM coalesce(latest.running, false)
        """,
    ),
)

register(*INVARIANTS)
