"""After a test that commits: empty what it filled, and put back what the migrations had put in.

Django's flush truncates every table, which costs new files for each of its hundreds of tables and indexes, takes the
rows that migrations made (flow templates) with it, and then makes all permissions anew. Here only the tables that
hold something are emptied, and those that held something from the start are filled again from a copy.
"""

from django.db import connection
from django.test import TransactionTestCase

COPIES = "seeds"


def remember() -> None:
    """Copy what the migrations left in the database. Once, before the first test."""
    with connection.cursor() as cursor:
        # A database that pytest was told to reuse has them already.
        cursor.execute(f"DROP SCHEMA IF EXISTS {COPIES} CASCADE")
        cursor.execute(f"CREATE SCHEMA {COPIES}")
        for table in _filled():
            cursor.execute(f'CREATE TABLE {COPIES}."{table}" AS TABLE public."{table}"')


def restore() -> None:
    """Leave the database as the migrations left it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s", [COPIES])
        seeds = {row[0] for row in cursor.fetchall()}
        # As a replica: neither append-only guards nor foreign keys nor the catalogue's feed hear of it, as with a flush.
        cursor.execute("SET session_replication_role = replica")
        try:
            for table in _filled():
                cursor.execute(f'DELETE FROM public."{table}"')
            for table in seeds:
                cursor.execute(f'INSERT INTO public."{table}" OVERRIDING SYSTEM VALUE TABLE {COPIES}."{table}"')
        finally:
            cursor.execute("SET session_replication_role = DEFAULT")


def _filled() -> list[str]:
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    with connection.cursor() as cursor:
        cursor.execute(
            " UNION ALL ".join(f"SELECT '{one}' WHERE EXISTS (SELECT FROM public.\"{one}\")" for one in tables)
        )
        return [row[0] for row in cursor.fetchall()]


def install() -> None:
    """Let tests with committed data end this way."""
    TransactionTestCase._fixture_teardown = lambda case: restore()  # type: ignore[method-assign]
