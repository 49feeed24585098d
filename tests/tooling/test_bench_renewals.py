"""The benchmark of a night of renewals names each target that it misses."""

import pytest

from bench.report import renewals_met, renewals_table


def a_report(**found: object) -> dict:
    """A report whose targets are all met."""
    well = {"renewed": 9, "apps": 9, "charges": 9, "forgotten": 0, "failures": 0, "stuck": 0, "breaches": []}
    return {
        "subscriptions": 100, "due": 9, "killed": True, "seconds": found.pop("seconds", 5.0), "measured_at": "2026-11-26",
        "machine": {"cores": 2}, "processor_ms": {"worker": 1.0, "database": 1.0},
        "empty": {"database_ms": found.pop("empty", 1.0), "statements": 2, "processor_ms": 1.0}, "found": well | found,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("figures", "missed"),
    [
        ({}, 0),
        ({"seconds": 3000.0}, 1),
        ({"renewed": 10}, 1),
        ({"apps": 8}, 1),
        ({"charges": 10}, 1),
        ({"forgotten": 1}, 1),
        ({"failures": 1}, 1),
        ({"breaches": ["one"]}, 1),
        ({"empty": 9.0}, 1),
    ],
)
def test_missed_targets_are_named(figures, missed):
    report = a_report(**figures)
    assert renewals_met(report) == (missed == 0)
    assert "\n".join(renewals_table(report)).count("MISSED") == missed
