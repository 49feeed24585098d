"""Fixtures for every test. Postgres and Valkey are real: `bin/test` starts a throw-away pair."""

import os
from collections.abc import Iterator
from datetime import datetime

import pytest
from django.core.cache import cache
from django.db import connection
from pytest_django import Settings

from catalog.search.engine import chosen
from catalog.search.index.engine import IndexEngine
from koogallery.kernel.models import OutboxMessage
from koogallery.kernel.quiet import Run, run_until_quiet
from tests import restoring


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes minutes by itself begins first: last, it would leave the other workers without work."""
    items.sort(key=lambda item: item.path.name != "test_up.py")


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None) -> None:
    """The test database is a copy of the one that `bin/test` migrated, where it did."""
    connection.settings_dict["TEST"]["TEMPLATE"] = os.environ.get("TEST_DATABASE_TEMPLATE")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> None:
    """The test database lets the runner's flush empty append-only tables; it is the only one that may (DESIGN.md)."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:  # type: ignore[attr-defined]
        name = connection.settings_dict["NAME"]
        cursor.execute(f"ALTER DATABASE \"{name}\" SET koogallery.allow_truncate = 'on'")
        restoring.remember()
    restoring.install()
    connection.close()


@pytest.fixture(autouse=True)
def _empty_cache() -> Iterator[None]:
    """No test sees what another one cached, counted against a limit, or indexed: a flush is not in the feed."""
    yield
    cache.clear()
    engine = chosen()
    if isinstance(engine, IndexEngine):
        engine.follower.forget()


@pytest.fixture(autouse=True)
def _plain_static_addresses(settings: Settings) -> None:
    """Pages name static files as they lie in the repository: tests need no collected, hashed copies."""
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}


class Timers:
    """Fires what is due and delivers what follows, in this process, until nothing is left."""

    def run(self, at: datetime | None = None, *names: str) -> Run:
        """As `manage.py run_timers --at AT NAME ...`; a failure fails the test."""
        run = run_until_quiet(at=at, names=names)
        assert not run.failed, (
            run,
            [one.error.partition("\n")[0] for one in OutboxMessage.objects.open().exclude(error="")],
        )
        return run


@pytest.fixture
def timers(db: None) -> Timers:
    """`timers.run(at=...)`: business time moves on."""
    return Timers()
