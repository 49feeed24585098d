"""What every app asks of Postgres itself: append-only tables, advisory claims, retrying a lost race."""

import functools
import hashlib
import random
import time
from collections.abc import Callable, Sequence
from typing import ParamSpec, TypeVar

from django.db import OperationalError, connection
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations import RunSQL
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

P = ParamSpec("P")
T = TypeVar("T")

# A session with this setting on may TRUNCATE append-only tables. The test runner's flush is the only one to do so.
TRUNCATE_SETTING = "koogallery.allow_truncate"

SERIALIZATION_FAILURE = "40001"
DEADLOCK_DETECTED = "40P01"
RACES = frozenset({SERIALIZATION_FAILURE, DEADLOCK_DETECTED})

# Part of any statement of a transaction: its commit does not wait until it is on the disk.
NOT_WAITING_FOR_DISK = "set_config('synchronous_commit', 'off', true)"

# Part of any statement of a transaction: it gives up a lock that somebody else keeps for so long. Far less than the second
# after which Postgres looks for a deadlock, so nobody else is its victim.
HARDLY_WAITING = "set_config('lock_timeout', '100ms', true)"

MAX_RACES = 4
FIRST_WAIT_SECONDS = 0.02


def lost_race(error: BaseException) -> bool:
    """Say whether the database broke off this transaction only because another one ran beside it."""
    return isinstance(error, OperationalError) and getattr(error.__cause__, "pgcode", None) in RACES


def retry_on_serialization(work: Callable[P, T]) -> Callable[P, T]:
    """Run `work` again when it lost a race (deadlock or serialization failure); at most four times.

    It belongs at the edge: around something that opens its own transaction. Called inside a
    transaction it does nothing, because the whole transaction is lost then, and only its owner can start again.

        @retry_on_serialization
        def accept(request): ...

        retry_on_serialization(services.accept_delivery)(flow, by=actor)
    """

    @functools.wraps(work)
    def again(*args: P.args, **kwargs: P.kwargs) -> T:
        for lost in range(MAX_RACES):
            try:
                return work(*args, **kwargs)
            except OperationalError as error:
                last = lost == MAX_RACES - 1
                if last or connection.in_atomic_block or not lost_race(error):
                    raise
            time.sleep(FIRST_WAIT_SECONDS * 2**lost * random.uniform(0.5, 1.5))
        raise AssertionError("unreachable")

    return again


def advisory_key(*parts: object) -> int:
    """A stable signed 64-bit key for a Postgres advisory lock, made from a name."""
    digest = hashlib.blake2b("\x1f".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)


def claim_for_transaction(*parts: object) -> bool:
    """Claim a name until the transaction ends; False when somebody else holds it. Never waits.

    No row is locked by it, so it cannot stand in the way of the order in which services lock rows.
    """
    return _claimed("SELECT pg_try_advisory_xact_lock(%s)", parts)


def claim_without_waiting_for_disk(*parts: object) -> bool:
    """As `claim_for_transaction`; and the transaction's commit does not wait until it is on the disk.

    For work that is found and done again, wholly, should the server crash in the second before that. Its log is in order:
    a later commit that waits (of an outside call's lease, of a request) brings all earlier ones to the disk with it.
    """
    return _claimed(f"SELECT pg_try_advisory_xact_lock(%s), {NOT_WAITING_FOR_DISK}", parts)


def claims_hardly_waiting(names: Sequence[Sequence[object]]) -> list[bool]:
    """Claim several names at once: which of them nobody else holds. The transaction waits hardly for anything from here on.

    Its commit is not waited for, as above; a lock that somebody else keeps breaks it off (`HARDLY_WAITING`).
    """
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM_SEVERAL, [[advisory_key(*one) for one in names]])
        return list(cursor.fetchone()[-1])


_CLAIM_SEVERAL = f"""
    SELECT {NOT_WAITING_FOR_DISK}, {HARDLY_WAITING}, ARRAY(
        SELECT pg_try_advisory_xact_lock(one.key) FROM unnest(%s::bigint[]) WITH ORDINALITY AS one (key, place) ORDER BY place
    )
"""


def _claimed(sql: str, parts: tuple[object, ...]) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(sql, [advisory_key(*parts)])
        return bool(cursor.fetchone()[0])


def tended(*tables: str) -> RunSQL:
    """Migration operation: autovacuum looks after tables whose rows become due, fire, and are due no more.

    Each firing leaves a dead entry at the very end of the index from which sweepers read. Postgres' own setting would
    wait for a fifth of the table. The lock that this takes stops neither readers nor writers.
    """
    return RunSQL(
        "".join(
            f'ALTER TABLE "{one}" SET ({", ".join(f"{name} = {value}" for name, value in _TENDED)});' for one in tables
        ),
        "".join(f'ALTER TABLE "{one}" RESET ({", ".join(name for name, _value in _TENDED)});' for one in tables),
    )


_TENDED = (
    ("autovacuum_vacuum_scale_factor", "0.01"),
    ("autovacuum_vacuum_threshold", "2000"),
    ("autovacuum_analyze_scale_factor", "0.02"),
    ("autovacuum_analyze_threshold", "2000"),
)


class AppendOnly(Operation):
    """Migration operation: the model's rows may be added and read, never changed, deleted or truncated.

    A refusal reaches Python as `django.db.IntegrityError`. Reversible. Only a session that has set
    `koogallery.allow_truncate` to `on` may TRUNCATE: the test runner, to flush between tests.

        operations = [CreateModel("FlowRecord", ...), AppendOnly("FlowRecord")]
    """

    reduces_to_sql = True
    reversible = True

    def __init__(self, model_name: str) -> None:
        self.model_name = model_name

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """A trigger is no part of the model's state."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        table = to_state.apps.get_model(app_label, self.model_name)._meta.db_table
        schema_editor.execute(self._applied(table), params=None)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        table = from_state.apps.get_model(app_label, self.model_name)._meta.db_table
        schema_editor.execute(self._taken_back(table), params=None)

    def _applied(self, table: str) -> str:
        return _refusing(table) + _TRIGGERS.format(table=table)

    def _taken_back(self, table: str) -> str:
        return _UNPROTECT.format(table=table)

    def describe(self) -> str:
        return f"Make {self.model_name} append-only"

    @property
    def migration_name_fragment(self) -> str:
        return f"{self.model_name.lower()}_append_only"

    def references_model(self, name: str, app_label: str) -> bool:
        return name.lower() == self.model_name.lower()


class ForgottenAfter(AppendOnly):
    """Migration operation: rows of an append-only model may be deleted once they are old; younger ones still may not.

    Reversible. By the machine's real time, so a clock that is set ahead opens nothing.

        operations = [ForgottenAfter("Exchange", column="at", days=30)]
    """

    def __init__(self, model_name: str, *, column: str, days: int) -> None:
        super().__init__(model_name)
        self.column, self.days = column, days

    def _applied(self, table: str) -> str:
        return _refusing(table, unless=_IF_OLD.format(column=self.column, days=self.days))

    def _taken_back(self, table: str) -> str:
        return _refusing(table)

    def describe(self) -> str:
        return f"Let rows of {self.model_name} be deleted after {self.days} days"

    @property
    def migration_name_fragment(self) -> str:
        return f"{self.model_name.lower()}_forgotten"


def _refusing(table: str, *, unless: str = "") -> str:
    """What the triggers of a table run; in place of what they ran before."""
    return _FUNCTION.format(table=table, setting=TRUNCATE_SETTING, unless=unless)


_FUNCTION = """
CREATE OR REPLACE FUNCTION "{table}_refuse_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' AND current_setting('{setting}', true) = 'on' THEN
        RETURN NULL;
    END IF;
    {unless}
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;
"""

_IF_OLD = """
    IF TG_OP = 'DELETE' THEN
        IF OLD."{column}" < now() - interval '{days} days' THEN
            RETURN OLD;
        END IF;
    END IF;
"""

_TRIGGERS = """
CREATE TRIGGER "{table}_append_only" BEFORE UPDATE OR DELETE ON "{table}"
    FOR EACH ROW EXECUTE FUNCTION "{table}_refuse_change"();
CREATE TRIGGER "{table}_never_truncated" BEFORE TRUNCATE ON "{table}"
    FOR EACH STATEMENT EXECUTE FUNCTION "{table}_refuse_change"();
"""

_UNPROTECT = """
DROP TRIGGER "{table}_never_truncated" ON "{table}";
DROP TRIGGER "{table}_append_only" ON "{table}";
DROP FUNCTION "{table}_refuse_change"();
"""
