"""`manage.py run_timers` prints a line for each timer and says clearly what it cannot understand."""

from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from koogallery.kernel import clock
from koogallery.kernel.deadlines import on_deadline
from koogallery.kernel.models import Deadline

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def run_timers(*arguments: str) -> str:
    """What the command prints."""
    out = StringIO()
    call_command("run_timers", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def clocks() -> list[datetime]:
    """What the clock said at each firing of the timers `renew` and `expire`, each with one row due at noon."""
    seen: list[datetime] = []
    for name in ("renew", "expire"):
        on_deadline(name)(lambda owner_id, /, *, at, by: seen.append(clock.now()))
        Deadline.objects.create(owner_type="thing", owner_id=1, name=name, due_at=NOON)
    return seen


def test_it_prints_name_fired_failed_for_each_timer(clocks: list[datetime]) -> None:
    @on_deadline("charge")
    def charge(owner_id: int, /, *, at: datetime, by: Any) -> None:
        return None

    assert run_timers("--at", "2026-03-01T11:59:59Z") == "charge 0 0\nexpire 0 0\nrenew 0 0\n"
    assert run_timers("--at", "2026-03-01T20:00:00+08:00") == "charge 0 0\nexpire 1 0\nrenew 1 0\n"
    assert clocks == [NOON, NOON]


def test_without_a_time_it_fires_what_is_due_now(clocks: list[datetime]) -> None:
    Deadline.objects.filter(name="renew").update(due_at=clock.now() - timedelta(seconds=1))
    Deadline.objects.filter(name="expire").update(due_at=clock.now() + timedelta(hours=1))

    assert run_timers() == "expire 0 0\nrenew 1 0\n"


def test_names_restrict_it_and_its_lines(clocks: list[datetime]) -> None:
    assert run_timers("--at", "2026-03-01T12:00:00Z", "renew") == "renew 1 0\n"


def test_a_failure_is_printed_and_makes_the_exit_status_one() -> None:
    @on_deadline("charge")
    def charge(owner_id: int, /, *, at: datetime, by: Any) -> None:
        raise ZeroDivisionError

    Deadline.objects.create(owner_type="thing", owner_id=1, name="charge", due_at=NOON)
    out = StringIO()
    with pytest.raises(CommandError, match="1 firings and 0 outbox deliveries failed") as refusal:
        call_command("run_timers", "--at", "2026-03-01T12:00:00Z", stdout=out)

    assert out.getvalue() == "charge 0 1\n"
    assert refusal.value.returncode == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--at", "tomorrow"], "--at tomorrow is not an ISO 8601 time"),
        (["--at", "2026-02-30T12:00:00Z"], "is not an ISO 8601 time"),
        (["--at", ""], "is not an ISO 8601 time"),
        (["--at", "2026-03-01T12:00:00"], "has no zone: write 2026-11-22T09:40:00Z"),
        (["--at", "2026-03-01"], "has no zone"),
        (["--at", "9999-12-31T23:59:59Z"], "is not between 2000 and 2200"),
        (["--at", "0001-01-01T00:00:00+23:00"], "is not between 2000 and 2200"),
        (["refund"], r"There is no timer named refund\. Timers: expire, renew\."),
    ],
)
def test_what_it_cannot_understand_is_said_in_one_sentence(
    clocks: list[datetime], arguments: list[str], sentence: str
) -> None:
    with pytest.raises(CommandError, match=sentence) as refusal:
        run_timers(*arguments)
    assert "\n" not in str(refusal.value)
    assert clocks == []
