"""Append-only tables refuse every change, and the protection can be taken back."""

import pytest
from django.db import IntegrityError, connection, models, transaction
from django.db.migrations.operations import CreateModel
from django.db.migrations.state import ProjectState

from koogallery.kernel.db import AppendOnly, ForgottenAfter

pytestmark = pytest.mark.django_db

TABLE = "kernel_evidence"


@pytest.fixture
def evidence() -> tuple[AppendOnly, ProjectState]:
    """A table with one row, protected by the operation."""
    operation, before = AppendOnly("Evidence"), ProjectState()
    state = before.clone()
    create = CreateModel("Evidence", [("id", models.AutoField(primary_key=True)), ("note", models.TextField())])
    create.state_forwards("kernel", state)
    with connection.schema_editor(atomic=False) as editor:
        create.database_forwards("kernel", editor, before, state)
        operation.database_forwards("kernel", editor, state, state)
    run(f"INSERT INTO {TABLE} (note) VALUES ('seen')")
    return operation, state


def run(sql: str) -> None:
    """Run one statement in a savepoint."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


@pytest.mark.parametrize(
    "sql", [f"UPDATE {TABLE} SET note = 'unseen'", f"DELETE FROM {TABLE}", f"TRUNCATE {TABLE} CASCADE"]
)
def test_evidence_cannot_be_changed_or_removed(evidence: tuple[AppendOnly, ProjectState], sql: str) -> None:
    run("SET LOCAL koogallery.allow_truncate = 'off'")
    with pytest.raises(IntegrityError, match=r"kernel_evidence is append-only: (UPDATE|DELETE|TRUNCATE) is refused"):
        run(sql)


def test_only_a_session_that_says_so_may_truncate(evidence: tuple[AppendOnly, ProjectState]) -> None:
    run("SET LOCAL koogallery.allow_truncate = 'on'")
    with pytest.raises(IntegrityError):
        run(f"DELETE FROM {TABLE}")
    run(f"TRUNCATE {TABLE}")


def test_more_evidence_may_be_added(evidence: tuple[AppendOnly, ProjectState]) -> None:
    run(f"INSERT INTO {TABLE} (note) VALUES ('heard')")


def test_what_is_old_may_be_deleted_where_that_was_agreed_and_only_then(
    evidence: tuple[AppendOnly, ProjectState],
) -> None:
    _protected, state = evidence
    run(f"ALTER TABLE {TABLE} ADD at timestamptz NOT NULL DEFAULT now()")
    run(f"INSERT INTO {TABLE} (note, at) VALUES ('old', now() - interval '31 days')")
    operation = ForgottenAfter("Evidence", column="at", days=30)
    assert operation.describe() == "Let rows of Evidence be deleted after 30 days"
    with connection.schema_editor(atomic=False) as editor:
        operation.database_forwards("kernel", editor, state, state)
        run(f"DELETE FROM {TABLE} WHERE note = 'old'")
        for refused in (f"DELETE FROM {TABLE}", f"UPDATE {TABLE} SET at = now() - interval '1 year'"):
            with pytest.raises(IntegrityError, match="is append-only"):
                run(refused)
        run(f"INSERT INTO {TABLE} (note, at) VALUES ('old', now() - interval '31 days')")
        operation.database_backwards("kernel", editor, state, state)
    with pytest.raises(IntegrityError, match="is append-only"):
        run(f"DELETE FROM {TABLE} WHERE note = 'old'")


def test_the_protection_is_reversible(evidence: tuple[AppendOnly, ProjectState]) -> None:
    operation, state = evidence
    with connection.schema_editor(atomic=False) as editor:
        operation.database_backwards("kernel", editor, state, state)
        run(f"UPDATE {TABLE} SET note = 'unseen'")
        operation.database_forwards("kernel", editor, state, state)
    with pytest.raises(IntegrityError):
        run(f"UPDATE {TABLE} SET note = 'seen'")
    assert operation.describe() == "Make Evidence append-only"
