"""The timers benchmark: rates are read from samples, missed targets are named, a tiny run fires every due row once."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.report import delivery_rate, firing_rates, timers_met, timers_table

ROOT = Path(__file__).resolve().parent.parent.parent


def sample(second: float, first: int, second_timer: int, outbox: int = 0, delivered: int = 0) -> dict:
    return {
        "second": second, "due": {"a": first, "b": second_timer}, "outbox": outbox, "delivered": delivered,
        "worker_processor": second / 2, "database_processor": second / 4,
    }  # fmt: skip


SAMPLES = [
    sample(0.0, 1000, 100),
    sample(2.0, 1000, 100),
    sample(3.0, 400, 100, outbox=900, delivered=300),
    sample(4.0, 0, 90, outbox=1200, delivered=700),
    sample(6.0, 0, 0, outbox=700, delivered=1300),
    sample(7.0, 0, 0, delivered=2000),
]


def test_each_timer_has_the_rate_of_the_time_in_which_it_fired():
    rates = firing_rates(SAMPLES, {"a": 1000, "b": 100})

    assert {name: (one["fired"], one["seconds"], one["per_second"]) for name, one in rates.items()} == {
        "a": (1000, 2.0, 500.0),
        "b": (100, 3.0, 33.3),
        "all": (1100, 4.0, 275.0),
    }
    assert rates["a"]["worker_processor_ms"] == 1.0


def test_a_timer_of_which_nothing_is_due_has_no_rate():
    assert set(firing_rates(SAMPLES, {"a": 1000, "b": 0})) == {"a", "all"}


def test_messages_are_counted_beside_the_firings_and_after_them():
    outbox = delivery_rate(SAMPLES)

    assert (outbox["beside"]["delivered"], outbox["after"]["delivered"]) == (1300, 700)
    assert (outbox["after"]["per_second"], outbox["most_waiting"], outbox["left"]) == (700.0, 1200, 0)


def a_report(*, rate: float = 600.0, left: int = 0, empty: float = 1.0, after: float = 1.0, **found: object) -> dict:
    """A report whose targets are all met."""
    every = {
        "fired": 100, "left": left, "seconds": 1.0, "per_second": rate, "worker_processor_ms": 1.0,
        "database_processor_ms": 1.0,
    }  # fmt: skip
    cost = {"first_ms": 1.0, "statements": 2, "database_processor_ms": 0.4, "processor_ms": 1.0}
    well = {"failures": 0, "stuck": 0, "retried": 0, "twice": 0, "breaches": [], "indexes_kb": {}, "tables": {}}
    rate_of = {"delivered": 1, "per_second": 1.0}
    return {
        "flows": 1000, "due": {"a": 100}, "worker_processes": 2, "machine": {"cores": 2}, "measured_at": "2026-11-25",
        "rates": {"all": every}, "outbox": {"left": 0, "most_waiting": 5, "beside": rate_of, "after": rate_of},
        "worker_mb": 100.0, "found": well | found,
        "empty": {"before": cost | {"database_ms": empty}, "after": cost | {"database_ms": after}},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("figures", "missed"),
    [
        ({}, 0),
        ({"rate": 499.9}, 1),
        ({"empty": 5.0}, 1),
        ({"after": 5.0}, 1),
        ({"left": 1}, 1),
        ({"failures": 1}, 1),
        ({"breaches": ["one"]}, 1),
        ({"twice": 1}, 1),
    ],
)
def test_targets_of_timers_are_named_in_the_table(figures, missed):
    report = a_report(**figures)

    assert timers_met(report) == (missed == 0)
    assert "\n".join(timers_table(report)).count("MISSED") == missed


@pytest.mark.long
def test_a_tiny_run_fires_every_due_row_once_and_finds_the_books_right(tmp_path_factory):
    report = tmp_path_factory.mktemp("bench") / "report.json"
    command = [sys.executable, "bench/timers.py", "--flows", "30", "--due", "20", "--json", str(report)]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)

    assert done.returncode in (0, 1), done.stderr
    written = json.loads(report.read_text())
    assert {name: (one["fired"], one["left"]) for name, one in written["rates"].items()} == {
        "complete_accepted_orders": (12, 0),
        "send_flow_notices": (6, 0),
        "close_overdue_flows": (2, 0),
        "all": (20, 0),
    }
    assert (written["outbox"]["left"], written["found"]["failures"], written["found"]["twice"]) == (0, 0, 0)
    assert written["found"]["breaches"] == []
