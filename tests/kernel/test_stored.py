"""Prepared writes store what Django's own methods would."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from billing.models import JournalEntry
from koogallery.kernel import clock
from koogallery.kernel.models import Deadline, OutboxMessage, TimerFailure
from koogallery.kernel.stored import MOST_ROWS, insert, update
from pricing.models import QuoteUse

pytestmark = pytest.mark.django_db


@pytest.fixture(params=[True, False], ids=["prepared", "plain"], autouse=True)
def _both_ways(request: pytest.FixtureRequest, settings: Settings) -> None:
    settings.DATABASE_PREPARED_READS = request.param


def message(number: int) -> OutboxMessage:
    """A row with text of all kinds, a document, times and empty columns."""
    return OutboxMessage(
        event="It's", payload={"n": number, "list": [None, "é %s $1"]}, subject="a", subscriber="b", at=clock.now()
    )


@pytest.mark.parametrize("number", [1, 3, MOST_ROWS + 1])
def test_rows_come_back_as_they_were_and_know_their_numbers(number: int) -> None:
    rows = [message(at) for at in range(number)]

    insert(rows)

    assert [row.pk for row in rows] == sorted({row.pk for row in rows})
    assert not any(row._state.adding for row in rows)
    stored = OutboxMessage.objects.in_bulk([row.pk for row in rows])
    for row in rows:
        for field in OutboxMessage._meta.concrete_fields:
            assert getattr(stored[row.pk], field.attname) == getattr(row, field.attname), field.name


@pytest.mark.parametrize(("given", "stored"), [({"cause": "goodwill"}, "goodwill"), ({}, "")])
def test_a_column_with_a_default_of_the_database_keeps_what_the_row_brings(given: dict[str, str], stored: str) -> None:
    row = JournalEntry(kind="adjustment", at=clock.now(), **given)

    with transaction.atomic():
        insert([row])
        assert JournalEntry.objects.get(pk=row.pk).cause == stored
        transaction.set_rollback(True)  # An entry without postings could not be committed.


def test_nothing_is_inserted_of_nothing() -> None:
    with CaptureQueriesContext(connection) as queries:
        insert([])

    assert not queries.captured_queries


def test_only_the_named_fields_of_one_row_are_stored() -> None:
    first, second = message(1), message(2)
    insert([first, second])
    first.error, first.tries, first.subject = "why", 3, "not named"
    first.retry_at = clock.now() + timedelta(hours=1)

    update(first, "error", "tries", "retry_at")

    stored = OutboxMessage.objects.get(pk=first.pk)
    assert (stored.error, stored.tries, stored.retry_at, stored.subject) == ("why", 3, first.retry_at, "a")
    assert OutboxMessage.objects.get(pk=second.pk).error == ""


def test_a_row_that_is_gone_cannot_be_stored() -> None:
    row = message(1)
    insert([row])
    OutboxMessage.objects.all().delete()

    with pytest.raises(OutboxMessage.DoesNotExist):
        update(row, "tries")


def test_a_row_whose_key_is_ours_keeps_it() -> None:
    row = QuoteUse(nonce="n", used_at=clock.now(), order_number="CS1")
    insert([row])

    assert QuoteUse.objects.get(pk="n").order_number == "CS1"
    assert not row._state.adding
    with pytest.raises(IntegrityError), transaction.atomic():
        insert([QuoteUse(nonce="n", used_at=clock.now(), order_number="CS2")])


def test_the_database_refuses_as_ever() -> None:
    row = Deadline(owner_type="thing", owner_id=1, name="once", due_at=clock.now())
    insert([row])

    with pytest.raises(IntegrityError), transaction.atomic():
        insert([Deadline(owner_type="thing", owner_id=1, name="once", due_at=clock.now())])

    failure = TimerFailure(
        timer="t", object_id=1, due_at=clock.now(), error="", first_at=clock.now(), last_at=clock.now()
    )
    insert([failure])
    failure.tries = -1
    with pytest.raises(IntegrityError), transaction.atomic():
        update(failure, "tries")


def test_what_was_written_can_be_seen_in_the_statement() -> None:
    with CaptureQueriesContext(connection) as queries:
        row = message(1)
        insert([row])
        update(row, "tries")

    inserted, updated = (one["sql"] for one in queries.captured_queries)
    assert 'INSERT INTO "kernel_outboxmessage"' in inserted
    assert 'UPDATE "kernel_outboxmessage"' in updated
