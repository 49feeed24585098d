"""The benchmark of invoices and statements: a tiny run in this process is right, and each target that is missed is named."""

import pytest

from bench.report import invoices_met, invoices_table
from billing.models import Statement
from tests.billing import cloud
from tests.billing.conftest import a_shopper
from tests.billing.invoicing import completed
from tests.factories import a_specification


@pytest.mark.django_db
def test_a_tiny_run_issues_seals_and_states(settings):
    from bench import issuing, statements  # they set Django up

    settings.FULFILMENT = cloud.FULFILMENT
    shop = a_shopper()
    shop.specification = a_specification(saas=True)
    shop.card()
    completed(shop)

    issuing.make(4)
    issued = [issuing.issue(part, 2) for part in range(2)]
    sealed = [issuing.set_pdfs(part, 2) for part in range(2)]
    assert [one["done"] for one in (*issued, *sealed)] == [2, 2, 2, 2]
    assert issuing.check() == {"documents": 4, "sealed": 4, "gapless": True}
    issuing.issue(0, 1)
    assert issuing.check()["documents"] == 4

    statements.make(3)
    assert {name: statements.state()[name] for name in ("done", "failed")} == {"done": 3, "failed": 0}
    assert statements.check(3) == {"statements": 3, "right": True}
    assert statements.check(4)["right"] is False
    assert {one.amount for one in Statement.objects.all()} == {5, 6, 7}


def a_report(*, state: float = 60.0, **found: object) -> dict:
    """A report whose targets are all met."""
    one = {"done": 9, "seconds": 1.0, "per_second": 9.0, "processor_ms": 1.0}
    well = {"documents": 9, "sealed": 9, "gapless": True, "statements": 9, "right": True}
    return {
        "processes": 2, "machine": {"cores": 2}, "measured_at": "2026-11-26", "invoices": 9, "most_seconds": 600.0,
        "issue": one, "set": one, "state": one | {"seconds": state}, "found": well | found,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("figures", "missed"),
    [
        ({}, 0),
        ({"gapless": False}, 1),
        ({"documents": 8}, 1),
        ({"sealed": 8}, 1),
        ({"right": False}, 1),
        ({"state": 600.0}, 1),
    ],
)
def test_missed_targets_are_named(figures, missed):
    report = a_report(**figures)
    assert invoices_met(report) == (missed == 0)
    assert "\n".join(invoices_table(report)).count("MISSED") == missed
