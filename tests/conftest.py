"""Fixtures for every test. Postgres and Valkey are real: `bin/test` starts a throw-away pair."""

from collections.abc import Iterator

import pytest
from django.core.cache import cache
from django.db import connection


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> None:
    """The test database lets the runner's flush empty append-only tables; it is the only one that may (DESIGN.md)."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:  # type: ignore[attr-defined]
        name = connection.settings_dict["NAME"]
        cursor.execute(f"ALTER DATABASE \"{name}\" SET koogallery.allow_truncate = 'on'")
    connection.close()


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    """No test sees what another one cached or counted against a limit."""
    yield
    cache.clear()
