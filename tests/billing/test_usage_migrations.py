"""Credits of use can be taken back by migration and applied again, once bills were credited too; no table is held for it."""

from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.db.migrations import AddConstraint, CreateModel, RunSQL
from django.db.migrations.state import ProjectState

import billing.migrations
from billing.models import UsageBill
from provisioning.metering.services import stop_meter
from tests.billing.test_usage_bills import THIRD_OF_APRIL, THIRD_OF_MAY, shopper, used  # noqa: F401
from tests.provisioning.servers import STARTED

NAMES = sorted(one.stem for one in Path(billing.migrations.__path__[0]).glob("[0-9]*.py"))


def operations(name: str) -> list[Any]:
    return list(import_module(f"billing.migrations.{name}").Migration.operations)


@pytest.mark.parametrize("name", [one for one in NAMES if one >= "0035"])
def test_a_constraint_is_added_first_and_checked_later(name):
    made = {one.name.lower() for one in operations(name) if isinstance(one, CreateModel)}
    at_once = [one for one in operations(name) if type(one) is AddConstraint and one.model_name.lower() not in made]
    assert at_once == []


def test_what_was_credited_stands_in_no_ones_way(shopper, timers):  # noqa: F811
    shopper.card()
    server = used(shopper, 7200, price="10")
    timers.run(THIRD_OF_APRIL)
    server.close(THIRD_OF_APRIL)
    server.save()
    stop_meter(server, at=STARTED + timedelta(minutes=90))
    timers.run(THIRD_OF_MAY)
    credited = UsageBill.objects.get(amount__lt=0)
    entry = credited.credit
    of_before, their_entries = (
        next(one for one in operations(name) if isinstance(one, RunSQL))
        for name in ("0035_usage_credits", "0036_usage_credits_checked")
    )
    rule, state = next(one for one in UsageBill._meta.constraints if "credited" in str(one.name)), ProjectState()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    with connection.schema_editor(atomic=False) as editor:
        editor.remove_constraint(UsageBill, rule)
        UsageBill.objects.update(credit=None)  # the column is gone, the entry is not
        of_before.database_backwards("billing", editor, state, state)
        of_before.database_forwards("billing", editor, state, state)
        their_entries.database_forwards("billing", editor, state, state)
        editor.add_constraint(UsageBill, rule)
    credited.refresh_from_db()
    assert credited.credit == entry
