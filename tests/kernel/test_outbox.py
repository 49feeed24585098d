"""Events leave with their transaction, in order for each subject, and a failing one stands in nobody else's way."""

import contextlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from koogallery.kernel import backoff, clock, outbox
from koogallery.kernel.delivery import KEEP_DELIVERED, deliver, purge_delivered, retry_now
from koogallery.kernel.models import OutboxMessage
from koogallery.kernel.outbox import (
    Event,
    NotInTransaction,
    UnreadableEvent,
    gathering,
    publish,
    read_event,
    subscribe,
)
from koogallery.kernel.quiet import run_until_quiet

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class ParcelMoved(Event):
    """Something to tell of in these tests."""

    parcel: str
    step: int
    stops: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        return f"parcel:{self.parcel}"


@pytest.mark.django_db(transaction=True)
def test_an_event_must_be_published_in_a_transaction() -> None:
    subscribe(ParcelMoved, name="test.any")(lambda event, at: None)

    with pytest.raises(NotInTransaction, match="ParcelMoved must be published in the transaction"):
        publish(ParcelMoved("A", 1), at=NOON)
    assert OutboxMessage.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_an_event_of_a_rolled_back_transaction_never_happened() -> None:
    subscribe(ParcelMoved, name="test.any")(lambda event, at: None)

    with contextlib.suppress(ZeroDivisionError), transaction.atomic():
        publish(ParcelMoved("A", 1), at=NOON)
        raise ZeroDivisionError

    assert OutboxMessage.objects.count() == 0


@pytest.mark.django_db
def test_a_savepoint_that_is_rolled_back_takes_what_was_gathered_in_it_along() -> None:
    subscribe(ParcelMoved, name="test.any")(lambda event, at: None)

    with transaction.atomic():
        publish(ParcelMoved("A", 0), at=NOON)
        with gathering():
            publish(ParcelMoved("A", 1), at=NOON)
            with transaction.atomic():
                publish(ParcelMoved("A", 2), at=NOON)
            with contextlib.suppress(ZeroDivisionError), transaction.atomic():
                publish(ParcelMoved("A", 3), at=NOON)
                with transaction.atomic():
                    publish(ParcelMoved("A", 4), at=NOON)
                raise ZeroDivisionError
            with transaction.atomic():
                with contextlib.suppress(ZeroDivisionError), transaction.atomic():
                    publish(ParcelMoved("A", 5), at=NOON)
                    with transaction.atomic(savepoint=False):
                        raise ZeroDivisionError
                publish(ParcelMoved("A", 6), at=NOON)
            publish(ParcelMoved("A", 7), at=NOON)

    stored = OutboxMessage.objects.order_by("id").values_list("payload__step", flat=True)
    assert list(stored) == [0, 1, 2, 6, 7]


@pytest.mark.django_db
def test_each_subscriber_gets_the_event_and_when_it_happened() -> None:
    got: list[tuple[str, ParcelMoved, datetime]] = []
    subscribe(ParcelMoved, name="test.one")(lambda event, at: got.append(("test.one", event, at)))
    subscribe(ParcelMoved, name="test.two")(lambda event, at: got.append(("test.two", event, at)))

    event = ParcelMoved("A", 1, ("Kiel", "Riga"))
    publish(event, at=NOON)
    run_until_quiet(at=NOON + HOUR)

    assert got == [("test.one", event, NOON), ("test.two", event, NOON)]
    assert OutboxMessage.objects.open().count() == 0


@pytest.mark.django_db
def test_an_event_without_subscribers_costs_no_row() -> None:
    publish(ParcelMoved("A", 1), at=NOON)

    assert OutboxMessage.objects.count() == 0


@pytest.mark.django_db
def test_what_a_handler_writes_and_the_mark_are_one_transaction() -> None:
    @subscribe(ParcelMoved, name="test.fails")
    def fails(event: ParcelMoved, at: datetime) -> None:
        OutboxMessage.objects.create(event="Side", payload={}, subject="s", subscriber="gone", at=at)
        raise ZeroDivisionError

    publish(ParcelMoved("A", 1), at=NOON)
    run = run_until_quiet(at=NOON)

    assert (run.outbox.done, run.outbox.failed) == (0, 1)
    message = OutboxMessage.objects.get()
    assert (message.event, message.tries, message.done_at) == ("ParcelMoved", 1, None)
    assert message.error.startswith("ZeroDivisionError")


@pytest.mark.django_db
def test_a_failing_message_holds_up_its_own_subject_and_subscriber_only() -> None:
    got: list[tuple[str, str, int]] = []
    broken = True

    @subscribe(ParcelMoved, name="test.picky")
    def picky(event: ParcelMoved, at: datetime) -> None:
        if broken and event.parcel == "A":
            raise ZeroDivisionError
        got.append(("picky", event.parcel, event.step))

    @subscribe(ParcelMoved, name="test.easy")
    def easy(event: ParcelMoved, at: datetime) -> None:
        got.append(("easy", event.parcel, event.step))

    for step in (1, 2):
        publish(ParcelMoved("A", step), at=NOON)
        publish(ParcelMoved("B", step), at=NOON)
    run_until_quiet(at=NOON)
    assert sorted(got) == [
        ("easy", "A", 1), ("easy", "A", 2), ("easy", "B", 1), ("easy", "B", 2), ("picky", "B", 1), ("picky", "B", 2),
    ]  # fmt: skip

    broken = False
    run_until_quiet(at=NOON)
    assert len(got) == 6, "its next try has not come"
    run_until_quiet(at=NOON + timedelta(seconds=5))
    assert got[6:] == [("picky", "A", 1), ("picky", "A", 2)]


@pytest.mark.django_db
def test_after_its_last_try_a_message_is_stuck_until_a_person_lets_it_go() -> None:
    broken = True
    got: list[int] = []

    @subscribe(ParcelMoved, name="test.fragile", tries=3)
    def fragile(event: ParcelMoved, at: datetime) -> None:
        if broken:
            raise ZeroDivisionError
        got.append(event.step)

    publish(ParcelMoved("A", 1), at=NOON)
    publish(ParcelMoved("A", 2), at=NOON)
    at = NOON
    for _ in range(5):
        run_until_quiet(at=at)
        at += backoff.LONGEST
    stuck = OutboxMessage.objects.stuck().get()
    assert (stuck.tries, stuck.payload["step"]) == (3, 1)
    assert OutboxMessage.objects.open().count() == 2

    broken = False
    assert retry_now([stuck.pk], at=at) == 1
    run_until_quiet(at=at)
    assert got == [1, 2]


@pytest.mark.django_db(transaction=True)
def test_an_outside_handler_runs_outside_any_transaction_under_a_lease() -> None:
    seen: list[tuple[bool, bool]] = []

    @subscribe(ParcelMoved, name="test.call", outside=True)
    def call(event: ParcelMoved, at: datetime) -> None:
        seen.append((connection.in_atomic_block, OutboxMessage.objects.under_way().exists()))

    with transaction.atomic():
        publish(ParcelMoved("A", 1), at=NOON)
    assert deliver().done == 1

    assert seen == [(False, True)]
    message = OutboxMessage.objects.get()
    assert message.done_at is not None
    assert (message.lease, message.lease_until) == ("", None)


@pytest.mark.django_db
def test_an_outside_call_that_never_came_back_is_made_again_when_its_lease_is_over() -> None:
    calls: list[int] = []
    subscribe(ParcelMoved, name="test.call", outside=True)(lambda event, at: calls.append(event.step))
    publish(ParcelMoved("A", 1), at=NOON)
    publish(ParcelMoved("A", 2), at=NOON)
    first = OutboxMessage.objects.order_by("id")[0]
    OutboxMessage.objects.filter(pk=first.pk).update(lease="dead", lease_until=clock.machine_now() + HOUR)

    assert deliver().done == 0, "somebody has it, and the second waits for the first"

    OutboxMessage.objects.filter(pk=first.pk).update(lease_until=clock.machine_now() - timedelta(seconds=1))
    assert deliver().done == 2
    assert calls == [1, 2]
    first.refresh_from_db()
    assert first.tries == 1


@pytest.mark.django_db
def test_an_outside_call_that_kills_its_process_every_time_gets_stuck() -> None:
    subscribe(ParcelMoved, name="test.call", outside=True, tries=2)(lambda event, at: None)
    publish(ParcelMoved("A", 1), at=NOON)
    past = clock.machine_now() - timedelta(seconds=1)
    OutboxMessage.objects.update(lease="dead", lease_until=past, tries=1)

    assert deliver().done == 0
    assert OutboxMessage.objects.stuck().get().error.startswith("LeaseLost")


@pytest.mark.django_db
def test_an_outside_call_that_fails_is_tried_again() -> None:
    calls: list[int] = []

    @subscribe(ParcelMoved, name="test.call", outside=True)
    def call(event: ParcelMoved, at: datetime) -> None:
        calls.append(event.step)
        if len(calls) == 1:
            raise TimeoutError("the gateway did not answer")

    publish(ParcelMoved("A", 1), at=NOON)
    assert run_until_quiet(at=NOON).outbox.failed == 1
    assert run_until_quiet(at=NOON + HOUR).outbox.done == 1
    assert calls == [1, 1]


@pytest.mark.django_db
def test_what_a_handler_publishes_is_delivered_in_the_same_run() -> None:
    got: list[int] = []

    @subscribe(ParcelMoved, name="test.chain")
    def chain(event: ParcelMoved, at: datetime) -> None:
        got.append(event.step)
        if event.step < 5:
            publish(ParcelMoved("A", event.step + 1), at=at)

    publish(ParcelMoved("A", 1), at=NOON)
    run_until_quiet(at=NOON)

    assert got == [1, 2, 3, 4, 5]


@pytest.mark.django_db
def test_a_message_for_a_subscriber_of_another_release_is_left_for_it() -> None:
    OutboxMessage.objects.create(
        event="ParcelMoved", payload={"parcel": "A", "step": 1}, subject="parcel:A", subscriber="test.newer", at=NOON
    )

    run = run_until_quiet(at=NOON)

    assert (run.outbox.done, run.outbox.failed) == (0, 0)
    assert OutboxMessage.objects.get().tries == 0


@pytest.mark.parametrize(
    ("label", "payload", "expected"),
    [
        ("as written", {"parcel": "A", "step": 1, "stops": ["x"]}, ParcelMoved("A", 1, ("x",))),
        ("a field of a newer release", {"parcel": "A", "step": 1, "colour": "red"}, ParcelMoved("A", 1)),
        ("a field with a default is missing", {"parcel": "A", "step": 1}, ParcelMoved("A", 1)),
    ],
)
def test_a_stored_event_is_read_by_a_class_of_another_version(
    label: str, payload: dict[str, Any], expected: ParcelMoved
) -> None:
    assert read_event("ParcelMoved", payload) == expected


def test_a_stored_event_that_cannot_be_read_says_why() -> None:
    with pytest.raises(UnreadableEvent, match="A stored ParcelMoved has no step"):
        read_event("ParcelMoved", {"parcel": "A"})
    with pytest.raises(UnreadableEvent, match="no event named ParcelLost"):
        read_event("ParcelLost", {})


@pytest.mark.parametrize("value", [NOON, object(), float("nan"), {1: 2}, [NOON], b"bytes"])
def test_an_event_with_a_field_that_is_not_jsonable_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match=r"ParcelMoved.parcel is not JSON-able"):
        ParcelMoved(value, 1).payload()


def test_two_events_of_one_name_are_refused() -> None:
    with pytest.raises(TypeError, match="two events named ParcelMoved"):
        type("ParcelMoved", (Event,), {"__module__": "elsewhere"})


def test_two_subscribers_of_one_name_are_refused() -> None:
    subscribe(ParcelMoved, name="test.one")(lambda event, at: None)
    with pytest.raises(ValueError, match="two subscribers named"):
        subscribe(ParcelMoved, name="test.one")(lambda event, at: None)


@pytest.mark.django_db(transaction=True)
def test_a_worker_is_woken_once_a_transaction_and_only_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    woken: list[int] = []

    def wake_worker(pool: str) -> None:
        assert pool == ""
        woken.append(OutboxMessage.objects.count())

    monkeypatch.setattr(outbox, "wake_worker", wake_worker)
    subscribe(ParcelMoved, name="test.any")(lambda event, at: None)

    with transaction.atomic():
        publish(ParcelMoved("A", 1), at=NOON)
        publish(ParcelMoved("A", 2), at=NOON)
        assert woken == []

    assert woken == [2]


@pytest.mark.django_db
def test_messages_delivered_long_ago_are_removed_and_no_others() -> None:
    subscribe(ParcelMoved, name="test.any")(lambda event, at: None)
    publish(ParcelMoved("old", 1), at=NOON)
    run_until_quiet(at=NOON)
    publish(ParcelMoved("new", 1), at=NOON)
    run_until_quiet(at=NOON + KEEP_DELIVERED)
    publish(ParcelMoved("open", 1), at=NOON)

    assert purge_delivered(NOON + KEEP_DELIVERED + timedelta(seconds=1)) == 1
    assert sorted(OutboxMessage.objects.values_list("subject", flat=True)) == ["parcel:new", "parcel:open"]
