"""The feed of catalogue changes: triggers write it, followers (search index, page cache) read it.

The kernel's outbox gives each message to one process; an index that every web machine keeps for itself needs the
same promise (written in the transaction that makes it true, whoever writes: a service, the admin, an import, plain
SQL) for any number of readers, each at his own place. So the feed is a log with a place to read on from.

A place is a Postgres snapshot: what it could not see yet is what is new. So nothing is skipped when transactions
commit in another order than they began, and no long transaction holds the feed up.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from catalog.models.feed import CatalogueChange

PURGE_BATCH = 20_000
# More changes than this are not read one by one: who follows begins anew (a rebuilt index, an empty cache).
MOST_CHANGES = 50_000
# A place older than this is lost: what followed it may have been removed.
KEEP_FEED = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Changes:
    """What happened between two places of the feed.

    Attributes:
        place: where to read on.
        products: ids of products that changed, appeared or vanished.
        shop: something changed that concerns every page: a category, a synonym, an agreement of the platform.
        count: rows of the feed; `MOST_CHANGES` means that there may be more, and that these are not all.
    """

    place: str
    products: frozenset[int]
    shop: bool
    count: int


class PlaceLost(Exception):
    """The place is of another database, or older than what the feed still holds: begin anew."""


def place_now() -> str:
    """The present end of the feed; what is visible now will not be reported after it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_snapshot()::text")
        return str(cursor.fetchone()[0])


def changes_since(place: str) -> Changes:
    """Everything committed since `place`, and the new place.

    Raises:
        PlaceLost: this database's transactions have not come as far as the place says.
    """
    with connection.cursor() as cursor:
        # One statement sees one snapshot: the rows and the place belong together. A snapshot does not list the
        # transaction that takes it, so what that transaction wrote itself looks seen once others end after it.
        cursor.execute(
            """
            SELECT pg_current_snapshot()::text,
                   pg_snapshot_xmax(pg_current_snapshot()) >= pg_snapshot_xmax(%(place)s::pg_snapshot),
                   coalesce(array_agg(DISTINCT new.product) FILTER (WHERE new.product IS NOT NULL), '{}'),
                   coalesce(bool_or(new.product IS NULL), false) AND count(new.xid) > 0,
                   count(new.xid)
            FROM (SELECT 1) AS one LEFT JOIN (
                SELECT product, xid FROM catalog_cataloguechange
                WHERE xid >= pg_snapshot_xmin(%(place)s::pg_snapshot)::text::bigint
                  AND (NOT pg_visible_in_snapshot(xid::text::xid8, %(place)s::pg_snapshot)
                       OR xid = pg_current_xact_id_if_assigned()::text::bigint)
                LIMIT %(most)s
            ) AS new ON true
            """,
            {"place": place, "most": MOST_CHANGES},
        )
        now, same_database, products, shop, count = cursor.fetchone()
    if not same_database:
        raise PlaceLost(place)
    return Changes(now, frozenset(products), shop, count)


def purge(before: datetime) -> int:
    """Remove what was logged before that machine time, in small bites. Says how many rows."""
    removed = 0
    while True:
        old = list(
            CatalogueChange.objects.filter(at__lt=before).order_by("at").values_list("pk", flat=True)[:PURGE_BATCH]
        )
        removed += CatalogueChange.objects.filter(pk__in=old)._raw_delete("default")
        if len(old) < PURGE_BATCH:
            return removed


class WatchTable(Operation):
    """Migration operation: writes to the table are logged in the feed.

    Args:
        table: its name in the database.
        products: SQL that reads product ids from `changed`, the rows written; empty: a change of the whole shop.

        operations = [WatchTable("catalog_price", "SELECT ... FROM changed JOIN ...")]
    """

    reduces_to_sql = True
    reversible = True

    def __init__(self, table: str, products: str = "SELECT NULL::bigint FROM changed LIMIT 1") -> None:
        self.table = table
        self.products = products

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """A trigger is no part of the models' state."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        schema_editor.execute(_WATCH.format(table=self.table, products=self.products), params=None)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        schema_editor.execute(_UNWATCH.format(table=self.table), params=None)

    def describe(self) -> str:
        return f"Log changes of {self.table} in the catalogue's feed"

    @property
    def migration_name_fragment(self) -> str:
        return f"watch_{self.table}"


# Statement triggers: a bulk insert of ten thousand rows costs one more insert. What changes only the derived,
# generated or unrelated columns is logged too; a follower reads the product again and finds nothing new.
_WATCH = """
CREATE FUNCTION "{table}_note_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO catalog_cataloguechange (product, xid, at)
    SELECT noted.product, pg_current_xact_id()::text::bigint, clock_timestamp()
    FROM ({products}) AS noted (product)
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;
CREATE TRIGGER "{table}_inserted" AFTER INSERT ON "{table}" REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION "{table}_note_change"();
CREATE TRIGGER "{table}_updated" AFTER UPDATE ON "{table}" REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION "{table}_note_change"();
CREATE TRIGGER "{table}_deleted" AFTER DELETE ON "{table}" REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION "{table}_note_change"();
"""

_UNWATCH = """
DROP TRIGGER "{table}_inserted" ON "{table}";
DROP TRIGGER "{table}_updated" ON "{table}";
DROP TRIGGER "{table}_deleted" ON "{table}";
DROP FUNCTION "{table}_note_change"();
"""
