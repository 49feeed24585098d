"""Time used: whatever order marks and ticks come in, the seconds are those of a count second by second (RULES 8)."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import Sum
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from accounts.actor import Actor
from koogallery.kernel import clock
from koogallery.kernel.books import invariants
from provisioning.metering.errors import NotPriced
from provisioning.metering.models import Meter, MeterClock, MeterMark, MeterMonth, UsageRecord
from provisioning.metering.recording import catch_up, record_hours
from provisioning.metering.services import start_meter, stop_meter
from tests.provisioning.servers import STARTED, a_server

pytestmark = pytest.mark.django_db

TIMER = Actor.timer("record_usage")
HOURS = 4


def tick(hours: float) -> None:
    """The timer fires `hours` after the start, however late that is."""
    at = STARTED + timedelta(hours=hours)
    with clock.standing_at(at):
        record_hours(MeterClock.ONE, at=at, by=TIMER)


def seconds_by_hour(meter: Meter) -> dict[datetime, int]:
    rows = UsageRecord.objects.filter(meter=meter).values("hour").annotate(total=Sum("seconds"))
    return {row["hour"]: row["total"] for row in rows if row["total"]}


def counted(marks: list[tuple[int, bool]], until: int) -> dict[datetime, int]:
    """The naive way: walk through the seconds one by one. `marks` in the order in which they were recorded."""
    # The same mark again is none: only its first recording counts.
    says = dict(iter(dict.fromkeys(marks)))
    hours: dict[datetime, int] = {}
    running = False
    for second in range(until):
        running = says.get(second, running)
        if running:
            hour = STARTED + timedelta(hours=second // 3600)
            hours[hour] = hours.get(hour, 0) + 1
    return hours


def metering_breaches() -> set[str]:
    """The names of metering's own invariants that are broken: the servers here have no delivery or charge."""
    found = set()
    for one in invariants():
        if "metering_" in one.breaches:
            with connection.cursor() as cursor:
                cursor.execute(one.breaches)
                found |= {one.name} if cursor.fetchall() else set()
    return found


marks = st.lists(
    st.tuples(
        st.one_of(st.integers(0, HOURS * 3600 - 1), st.sampled_from([0, 3599, 3600, 7200])),
        st.booleans(),
    ),
    min_size=1,
    max_size=7,
)


@settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(marks=marks, data=st.data())
def test_any_order_of_marks_and_ticks_is_the_count_second_by_second(marks, data):
    with transaction.atomic():
        server = a_server()
        for second, running in marks:
            mark = start_meter if running else stop_meter
            mark(server, at=STARTED + timedelta(seconds=second, milliseconds=data.draw(st.integers(0, 999))))
            if data.draw(st.booleans(), label="doubled"):
                mark(server, at=STARTED + timedelta(seconds=second))
            for _twice in range(data.draw(st.integers(0, 2), label="ticks")):
                tick(data.draw(st.sampled_from([0.5, 1, 2, 3, HOURS]), label="tick"))
        tick(HOURS)
        catch_up(STARTED + timedelta(hours=HOURS), at=STARTED + timedelta(hours=HOURS))

        meter = Meter.objects.get(subscription=server)
        expected = counted(marks, HOURS * 3600)
        assert seconds_by_hour(meter) == expected
        in_month = MeterMonth.objects.filter(meter=meter).aggregate(total=Sum("seconds"))["total"] or 0
        assert in_month == sum(expected.values())
        assert not metering_breaches()
        transaction.set_rollback(True)


def test_an_hour_is_recorded_once_and_corrected_by_records():
    server = a_server()
    start_meter(server, at=STARTED)
    tick(1)
    tick(1)
    assert [(one.revision, one.seconds) for one in UsageRecord.objects.order_by("id")] == [(0, 3600)]

    # The cloud says late that the server stood still for ten minutes.
    stop_meter(server, at=STARTED + timedelta(minutes=20))
    start_meter(server, at=STARTED + timedelta(minutes=30))
    tick(2)
    of_first = UsageRecord.objects.filter(hour=STARTED).order_by("revision")
    assert [(one.revision, one.seconds) for one in of_first] == [(0, 3600), (1, -600)]
    assert seconds_by_hour(Meter.objects.get()) == {STARTED: 3000, STARTED + timedelta(hours=1): 3600}


def test_months_are_cut_in_the_billing_zone():
    # 16:00 UTC of the month's last day is midnight in GMT+08:00.
    midnight = datetime(2026, 3, 31, 16, tzinfo=UTC)
    server = a_server(at=midnight)
    start_meter(server, at=midnight - timedelta(seconds=90))
    stop_meter(server, at=midnight + timedelta(seconds=30))
    catch_up(midnight + timedelta(hours=1), at=midnight + timedelta(hours=2))
    assert list(MeterMonth.objects.order_by("month").values_list("month", "seconds")) == [
        (date(2026, 3, 1), 90),
        (date(2026, 4, 1), 30),
    ]


def test_a_worker_that_was_down_for_days_records_the_same_hours(timers):
    server = a_server()
    start_meter(server, at=STARTED)
    stop_meter(server, at=STARTED + timedelta(days=3, seconds=7))
    timers.run(at=STARTED + timedelta(days=9))
    assert sum(seconds_by_hour(Meter.objects.get()).values()) == 3 * 86_400 + 7
    assert len(seconds_by_hour(Meter.objects.get())) == 73
    assert not metering_breaches()


def test_nothing_runs_and_a_year_passes_at_once(timers):
    server = a_server()
    start_meter(server, at=STARTED)
    stop_meter(server, at=STARTED + timedelta(minutes=5))
    run = timers.run(STARTED + timedelta(days=365), "record_usage")
    assert run.timers["record_usage"].fired < 10
    start_meter(server, at=STARTED + timedelta(days=366, minutes=30))
    timers.run(STARTED + timedelta(days=366, hours=2), "record_usage")
    assert sum(seconds_by_hour(Meter.objects.get()).values()) == 300 + 5400


@pytest.mark.parametrize("model", [MeterMark, UsageRecord])
def test_marks_and_records_never_change(model):
    start_meter(a_server(), at=STARTED)
    tick(1)
    assert model.objects.exists()
    for change in (lambda: model.objects.all().delete(), lambda: model.objects.update(meter=None)):
        with pytest.raises(IntegrityError), transaction.atomic():
            change()


def test_the_database_refuses_an_hour_twice_and_more_than_an_hour():
    start_meter(a_server(), at=STARTED)
    tick(1)
    again = UsageRecord.objects.get()
    again.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        again.save()
    with pytest.raises(IntegrityError), transaction.atomic():
        UsageRecord.objects.create(
            meter=again.meter, hour=STARTED - timedelta(hours=1), seconds=3601, recorded_at=STARTED
        )


def test_only_what_is_pay_per_use_is_metered_and_needs_a_price():
    server = a_server()
    server.billing_mode = "monthly"
    assert start_meter(server, at=STARTED) is None
    unpriced = a_server()
    unpriced.line.metered = None
    with pytest.raises(NotPriced):
        start_meter(unpriced, at=STARTED)
    assert not Meter.objects.exists()


def test_several_pieces_cost_that_many_times():
    server = a_server(price="0.0136")
    server.quantity = 3
    meter = start_meter(server, at=STARTED)
    meter.refresh_from_db()
    assert str(meter.hourly) == "0.0408 USD"


def test_the_books_find_what_was_not_recorded():
    start_meter(a_server(), at=STARTED)
    tick(2)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE metering_metermonth SET seconds = seconds + 1")
        cursor.execute("UPDATE metering_meter SET running = false")
        cursor.execute(
            "UPDATE metering_meterclock SET metered_until = metered_until + interval '1 hour', next_at = next_at + interval '1 hour'"
        )
    assert metering_breaches() == {
        "usage_sums_are_their_records",
        "usage_is_what_the_marks_say",
        "meters_stand_as_their_latest_mark",
    }
