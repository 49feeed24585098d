"""Timers fire once, in order of due time across all timers, and a failing row stands alone."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db.models import Q

from accounts.actor import Actor
from koogallery.kernel import backoff, clock
from koogallery.kernel.deadlines import cancel_deadline, deadlines_of, on_deadline, set_deadline
from koogallery.kernel.models import Deadline, TimerFailure
from koogallery.kernel.quiet import run_until_quiet
from koogallery.kernel.sweep import LANE_PATIENCE, sweep
from koogallery.kernel.timers import Timer, UnknownTimer, lane, register

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def due(name: str, at: datetime, owner_id: int = 1, owner_type: str = "thing") -> Deadline:
    """An open deadline, straight in the table."""
    return Deadline.objects.create(owner_type=owner_type, owner_id=owner_id, name=name, due_at=at)


class Journal:
    """What fired, in order; makes handlers that write into it."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, int]] = []

    def on(self, name: str, then: Callable[[int, datetime], object] | None = None) -> None:
        """Register a deadline handler that notes its owner and then does `then`."""

        @on_deadline(name)
        def fire(owner_id: int, /, *, at: datetime, by: Any) -> None:
            self.entries.append((name, owner_id))
            if then is not None:
                then(owner_id, at)


@pytest.fixture
def journal() -> Journal:
    return Journal()


def test_rows_fire_in_order_of_due_time_across_all_timers(journal: Journal) -> None:
    journal.on("renew")
    journal.on("expire")
    due("expire", NOON + 1 * MINUTE, 1)
    due("renew", NOON, 1)
    due("expire", NOON + 3 * MINUTE, 2)
    due("renew", NOON + 2 * MINUTE, 2)

    run_until_quiet(at=NOON + HOUR)

    assert journal.entries == [("renew", 1), ("expire", 1), ("renew", 2), ("expire", 2)]


def test_nothing_fires_a_microsecond_early(journal: Journal) -> None:
    journal.on("expire")
    due("expire", NOON)

    run_until_quiet(at=NOON - timedelta(microseconds=1))
    assert journal.entries == []

    run_until_quiet(at=NOON)
    run_until_quiet(at=NOON)
    assert journal.entries == [("expire", 1)]


def test_business_time_is_the_due_time_however_late_it_fires() -> None:
    seen = []

    @on_deadline("expire")
    def expire(owner_id: int, /, *, at: datetime, by: Actor) -> None:
        seen.append((at, clock.now(), by.label))

    due("expire", NOON)
    run_until_quiet(at=NOON + 40 * HOUR)

    assert seen == [(NOON, NOON + 40 * HOUR, "timer expire")]


def test_what_a_firing_makes_due_earlier_fires_before_what_was_waiting(journal: Journal) -> None:
    journal.on("first", then=lambda _, at: due("follow_up", at + 30 * MINUTE, 7))
    journal.on("follow_up", then=lambda _, at: due("again", at + MINUTE, 8))
    journal.on("again")
    journal.on("later")
    due("first", NOON)
    due("later", NOON + HOUR)

    run_until_quiet(at=NOON + 2 * HOUR)

    assert journal.entries == [("first", 1), ("follow_up", 7), ("again", 8), ("later", 1)]


def test_a_sweep_keeps_that_order_too(journal: Journal) -> None:
    journal.on("first", then=lambda _, at: due("follow_up", at + MINUTE, 7))
    journal.on("follow_up")
    journal.on("later")
    now = clock.now()
    due("first", now - HOUR)
    due("later", now - MINUTE)

    sweep()

    assert journal.entries == [("first", 1), ("follow_up", 7), ("later", 1)]


def test_many_earlier_rows_made_at_once_all_come_before_the_next(journal: Journal) -> None:
    def make_many(_: int, at: datetime) -> None:
        Deadline.objects.bulk_create(
            Deadline(owner_type="thing", owner_id=n, name="child", due_at=at + timedelta(seconds=n)) for n in range(250)
        )

    journal.on("parent", then=make_many)
    journal.on("child")
    journal.on("later")
    due("parent", NOON)
    due("later", NOON + HOUR)

    run_until_quiet(at=NOON + 2 * HOUR)

    assert journal.entries == [("parent", 1), *(("child", n) for n in range(250)), ("later", 1)]


def test_a_lower_rank_fires_first_at_the_same_instant() -> None:
    fired: list[str] = []
    for name, rank in (("expire", 10), ("renew", 5)):
        on_deadline(name, rank=rank)(lambda owner_id, /, *, at, by, name=name: fired.append(name))
        due(name, NOON)

    run_until_quiet(at=NOON)

    assert fired == ["renew", "expire"]


def test_a_failing_row_stops_no_other_and_keeps_its_due_date() -> None:
    fired: list[int] = []

    @on_deadline("charge")
    def charge(owner_id: int, /, *, at: datetime, by: Any) -> None:
        due("half_done", NOON + 100 * HOUR, owner_id)
        if owner_id == 2:
            raise ZeroDivisionError("no such card\nDETAIL: secret")
        fired.append(owner_id)

    for owner_id in (1, 2, 3):
        due("charge", NOON, owner_id)
    run = run_until_quiet(at=NOON + MINUTE)

    assert fired == [1, 3]
    assert (run.timers["charge"].fired, run.timers["charge"].failed) == (2, 1)
    assert Deadline.objects.get(name="charge", owner_id=2).due_at == NOON
    assert not Deadline.objects.filter(name="half_done", owner_id=2).exists()
    failure = TimerFailure.objects.get()
    assert failure.error.startswith("ZeroDivisionError: no such card\n")
    assert "secret" not in failure.error
    assert (failure.tries, failure.due_at, failure.first_at) == (1, NOON, NOON + MINUTE)


def test_a_failed_row_is_tried_again_when_its_time_comes_and_then_closed() -> None:
    broken = True
    calls: list[datetime] = []

    @on_deadline("charge")
    def charge(owner_id: int, /, *, at: datetime, by: Any) -> None:
        calls.append(clock.now())
        if broken:
            raise ZeroDivisionError

    due("charge", NOON)
    run_until_quiet(at=NOON)
    run_until_quiet(at=NOON + timedelta(seconds=3))
    assert calls == [NOON]

    run_until_quiet(at=NOON + timedelta(seconds=5))
    assert len(calls) == 2
    failure = TimerFailure.objects.get()
    assert failure.tries == 2
    assert failure.retry_at is not None
    assert timedelta(seconds=8) <= failure.retry_at - clock_of(calls) <= timedelta(seconds=10)

    broken = False
    run_until_quiet(at=NOON + HOUR)
    failure.refresh_from_db()
    assert failure.resolved_at == NOON + HOUR
    assert Deadline.objects.get().fired_at == NOON + HOUR


def clock_of(calls: list[datetime]) -> datetime:
    """When the last call came."""
    return calls[-1]


def test_a_clock_that_stood_far_ahead_does_not_keep_a_failed_row_waiting() -> None:
    failing = True

    @on_deadline("charge")
    def charge(owner_id: int, /, *, at: datetime, by: Any) -> None:
        if failing:
            raise ZeroDivisionError

    due("charge", NOON)
    run_until_quiet(at=NOON + 365 * 24 * HOUR)
    failing = False
    run_until_quiet(at=NOON + HOUR)

    assert Deadline.objects.get().fired_at == NOON + HOUR


def test_a_failure_whose_row_was_dealt_with_by_hand_is_closed() -> None:
    @on_deadline("charge")
    def charge(owner_id: int, /, *, at: datetime, by: Any) -> None:
        raise ZeroDivisionError

    row = due("charge", NOON)
    run_until_quiet(at=NOON)
    row.delete()
    run_until_quiet(at=NOON + HOUR)

    assert TimerFailure.objects.get().resolved_at == NOON + HOUR


def test_a_service_that_leaves_its_row_due_counts_as_failed_and_is_undone() -> None:
    @on_deadline("unrelated")
    def unrelated(owner_id: int, /, *, at: datetime, by: Any) -> None:
        return None

    def forget(pk: int, /, *, at: datetime, by: Any) -> None:
        due("side_effect", NOON)

    register(Timer("forgetful", Deadline, "due_at", Q(name="forgetful", fired_at__isnull=True), forget))
    due("forgetful", NOON)
    due("unrelated", NOON + MINUTE)

    run = run_until_quiet(at=NOON + HOUR)

    assert run.timers["forgetful"].failed == 1
    assert run.timers["unrelated"].fired == 1
    assert not Deadline.objects.filter(name="side_effect").exists()
    assert "still due" in TimerFailure.objects.get().error


def test_rows_of_one_lane_wait_for_a_failed_one_before_them_but_not_for_ever() -> None:
    fired: list[tuple[str, int]] = []

    @on_deadline("renew")
    def renew(owner_id: int, /, *, at: datetime, by: Any) -> None:
        if owner_id == 1:
            raise ZeroDivisionError
        fired.append(("renew", owner_id))

    @on_deadline("expire")
    def expire(owner_id: int, /, *, at: datetime, by: Any) -> None:
        fired.append(("expire", owner_id))

    for owner_id in (1, 2):
        due("renew", NOON, owner_id)
        due("expire", NOON + MINUTE, owner_id)

    at = NOON + HOUR
    run_until_quiet(at=at)
    assert fired == [("renew", 2), ("expire", 2)]

    for _ in range(LANE_PATIENCE - 1):
        at += backoff.LONGEST
        run_until_quiet(at=at)
    assert fired[2:] == [("expire", 1)]
    assert TimerFailure.objects.get().tries == LANE_PATIENCE


def test_a_lane_is_named_by_kind_and_number() -> None:
    row = due("x", NOON, owner_id=42)

    assert Deadline.objects.values_list(lane("subscription", "owner_id"), flat=True).get(pk=row.pk) == "subscription:42"


def test_only_the_named_timers_fire(journal: Journal) -> None:
    journal.on("renew")
    journal.on("expire")
    due("renew", NOON)
    due("expire", NOON)

    run = run_until_quiet(at=NOON, names=["expire"])

    assert journal.entries == [("expire", 1)]
    assert list(run.timers) == ["expire"]
    with pytest.raises(UnknownTimer, match=r"no timer named refund\. Timers: expire, renew"):
        run_until_quiet(at=NOON, names=["refund"])


def test_two_timers_of_one_name_are_refused(journal: Journal) -> None:
    journal.on("expire")
    with pytest.raises(ValueError, match="two timers named expire"):
        journal.on("expire")


def test_a_deadline_can_move_be_cancelled_and_set_again_by_its_own_handler() -> None:
    owner = due("the_owner", NOON + 1000 * HOUR)
    fired: list[datetime] = []

    @on_deadline("notice", lock=lambda pk: Deadline.objects.select_for_update().get(pk=pk))
    def notice(owner_id: int, /, *, at: datetime, by: Any) -> None:
        fired.append(at)
        if len(fired) < 3:
            set_deadline(Deadline.objects.get(pk=owner_id), "notice", due_at=at + HOUR)

    @on_deadline("other")
    def other(owner_id: int, /, *, at: datetime, by: Any) -> None:
        raise AssertionError("it was cancelled")

    set_deadline(owner, "notice", due_at=NOON)
    set_deadline(owner, "notice", due_at=NOON + HOUR)
    set_deadline(owner, "other", due_at=NOON + HOUR)
    assert cancel_deadline(owner, "other")
    assert not cancel_deadline(owner, "other")
    run_until_quiet(at=NOON + 20 * HOUR)

    assert fired == [NOON + HOUR, NOON + 2 * HOUR, NOON + 3 * HOUR]
    assert not deadlines_of(owner).exists()
    assert TimerFailure.objects.count() == 0


def test_a_deadline_cancelled_by_an_earlier_firing_does_not_fire(journal: Journal) -> None:
    journal.on("renew", then=lambda owner_id, _: Deadline.objects.filter(name="expire", owner_id=owner_id).delete())
    journal.on("expire")
    due("renew", NOON)
    due("expire", NOON + MINUTE)

    run_until_quiet(at=NOON + HOUR)

    assert journal.entries == [("renew", 1)]


def test_a_deadline_moved_ahead_by_an_earlier_firing_fires_at_its_new_place(journal: Journal) -> None:
    def postpone(owner_id: int, at: datetime) -> None:
        Deadline.objects.filter(name="expire").update(due_at=at + 30 * MINUTE)

    journal.on("renew", then=postpone)
    journal.on("expire")
    journal.on("remind")
    due("renew", NOON)
    due("expire", NOON + MINUTE)
    due("remind", NOON + 2 * MINUTE)

    run_until_quiet(at=NOON + HOUR)

    assert journal.entries == [("renew", 1), ("remind", 1), ("expire", 1)]
