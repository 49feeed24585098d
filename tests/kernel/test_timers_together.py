"""Rows of which many are due fire several in one transaction, and still as if each had fired alone."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db.models import Q

from koogallery.kernel import clock
from koogallery.kernel.models import Deadline, OutboxMessage, TimerFailure
from koogallery.kernel.outbox import Event, publish, subscribe
from koogallery.kernel.quiet import run_until_quiet
from koogallery.kernel.sweep import COMPANY, sweep
from koogallery.kernel.timers import Timer, register

pytestmark = pytest.mark.django_db

SECOND = timedelta(seconds=1)


class Fired:
    """Timers over the table of deadlines that note what they fire, alone and together."""

    def __init__(self) -> None:
        self.order: list[tuple[str, int]] = []
        self.companies: list[int] = []
        self.poisoned: set[int] = set()
        self.left_due: set[int] = set()

    def timer(self, name: str, *, rank: int = 0, makes: Any = None, together: bool = True) -> None:
        def fire(pk: int, /, *, at: datetime, by: Any) -> None:
            row = Deadline.objects.get(pk=pk)
            self.order.append((name, row.owner_id))
            if makes:
                makes(row.owner_id, at)
            if row.owner_id in self.poisoned:
                raise ZeroDivisionError
            if row.owner_id not in self.left_due:
                Deadline.objects.filter(pk=pk).update(fired_at=at)

        def several(due: Mapping[int, datetime], /, *, by: Any) -> None:
            self.companies.append(len(due))
            before = len(self.order)
            try:
                for pk, at in due.items():
                    fire(pk, at=at, by=by)
            except ZeroDivisionError:
                del self.order[before:]
                raise

        open_ones = Q(name=name, fired_at__isnull=True)
        register(Timer(name, Deadline, "due_at", open_ones, fire, rank=rank, together=several if together else None))


@pytest.fixture
def fired() -> Fired:
    return Fired()


def due(name: str, owner_id: int, at: datetime) -> Deadline:
    return Deadline.objects.create(owner_type="thing", owner_id=owner_id, name=name, due_at=at)


def many(name: str, count: int) -> datetime:
    """So many due ones, a second apart, the first a minute ago; when the first was due."""
    first = clock.now() - 60 * SECOND
    for number in range(count):
        due(name, number, first + number * SECOND)
    return first


def open_count() -> int:
    return Deadline.objects.filter(fired_at__isnull=True).count()


def test_neighbours_of_several_timers_fire_together_in_order(fired: Fired) -> None:
    fired.timer("a")
    fired.timer("b")
    first = many("a", 20)
    due("b", 100, first + 3.5 * SECOND)

    tally = sweep()

    assert (tally["a"].fired, tally["b"].fired, open_count()) == (20, 1, 0)
    assert fired.order[3:6] == [("a", 3), ("b", 100), ("a", 4)]
    assert fired.companies == [4, 1, COMPANY - 5, 5]


def test_without_a_way_to_fire_together_each_fires_alone(fired: Fired) -> None:
    fired.timer("a", together=False)
    many("a", 5)
    assert sweep()["a"].fired == 5
    assert fired.companies == []


def test_a_poisoned_row_takes_nobody_with_it(fired: Fired) -> None:
    fired.timer("a", makes=lambda owner, at: due("effect", owner, at))
    fired.poisoned = {5}
    first = many("a", 20)

    tally = sweep()["a"]

    assert (tally.fired, tally.failed) == (19, 1)
    failure = TimerFailure.objects.get()
    assert failure.object_id == Deadline.objects.get(name="a", owner_id=5).pk
    assert Deadline.objects.get(name="a", fired_at__isnull=True).due_at == first + 5 * SECOND
    effects = Deadline.objects.filter(name="effect").values_list("owner_id", flat=True)
    assert sorted(effects) == [number for number in range(20) if number != 5], "each once, the failed one's undone"


def test_a_row_that_is_left_due_fails_alone(fired: Fired) -> None:
    fired.timer("a")
    fired.left_due = {2}
    many("a", 4)
    tally = sweep()["a"]
    assert (tally.fired, tally.failed) == (3, 1)
    assert "still due" in TimerFailure.objects.get().error


def test_what_one_of_them_makes_due_earlier_is_not_overtaken(fired: Fired) -> None:
    fired.timer("a", makes=lambda owner, at: owner == 1 and due("follow_up", owner, at + SECOND / 2))
    fired.timer("follow_up", together=False)
    many("a", 4)

    sweep()

    # Undone together, then one by one.
    assert fired.order[-5:] == [("a", 0), ("a", 1), ("follow_up", 1), ("a", 2), ("a", 3)]
    assert Deadline.objects.filter(name="follow_up").count() == 1
    assert (open_count(), TimerFailure.objects.count()) == (0, 0)


def test_what_they_make_due_later_undoes_nothing(fired: Fired) -> None:
    fired.timer("a", makes=lambda owner, at: due("follow_up", owner, at + 4.5 * SECOND))
    fired.timer("follow_up")
    many("a", 4)
    sweep()
    assert fired.order == [("a", number) for number in range(4)] + [("follow_up", number) for number in range(4)]


@pytest.mark.parametrize("together", [True, False])
def test_at_the_same_instant_a_lower_rank_that_was_just_made_due_comes_first(fired: Fired, together: bool) -> None:
    fired.timer("a", makes=lambda owner, at: due("early", owner, at + SECOND), together=together)
    fired.timer("early", together=together)
    fired.timer("late", rank=5, together=together)
    first = many("a", 1)
    due("late", 7, first + SECOND)

    sweep()

    assert fired.order[-3:] == [("a", 0), ("early", 0), ("late", 7)]


def test_run_timers_fires_alone_and_delivers_in_between(fired: Fired) -> None:
    fired.timer("a")
    many("a", 3)
    run_until_quiet()
    assert (len(fired.order), fired.companies) == (3, [])


class Moved(Event):
    """Something to tell of."""

    __slots__ = ()

    @property
    def subject(self) -> str:
        return "thing"


def test_what_they_publish_is_stored_with_them_in_order(fired: Fired) -> None:
    subscribe(Moved, name="test.moved")(lambda event, at: None)
    fired.timer("a", makes=lambda owner, at: publish(Moved(), at=at))
    first = many("a", 40)
    sweep()
    times = list(OutboxMessage.objects.order_by("id").values_list("at", flat=True))
    assert times == [first + number * SECOND for number in range(40)]
