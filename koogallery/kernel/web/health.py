"""Whether this process lives (`/healthz`) and whether it can serve (`/readyz`: database, migrations, broker)."""

from collections.abc import Callable

from django.core.cache import cache
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


def _database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _migrations() -> None:
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise RuntimeError("not all migrations are applied")


def _broker() -> None:
    # Cache and broker are one server; timers work without it, only later, so it is told but not fatal.
    cache.get("readyz")


CHECKS: dict[str, tuple[Callable[[], None], bool]] = {
    "database": (_database, True),
    "migrations": (_migrations, True),
    "broker": (_broker, False),
}


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Each part with `ok` or what is wrong; 503 when a part is missing without which nothing can be served."""
    result, ready = {}, True
    for name, (check, needed) in CHECKS.items():
        try:
            check()
            result[name] = "ok"
        except Exception as error:
            result[name] = type(error).__name__
            ready = ready and not needed
    return JsonResponse({"status": "ok" if ready else "unavailable", **result}, status=200 if ready else 503)
