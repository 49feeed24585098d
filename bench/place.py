"""Where a measurement happens: servers of its own, the data, and the shop beside the limit as production serves them."""

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg2

from koogallery.kernel.clock import OFFSET_VARIABLE
from koogallery.kernel.embedded import Postgres, Valkey
from koogallery.kernel.running import WEB_STATEMENT_TIMEOUT_MS, Child, celery_commands, end_with_parent, web_command

ROOT = Path(__file__).resolve().parent.parent
READY_SECONDS = 90
# What the index is built by: with other code it is built anew.
INDEX_CODE = ROOT / "catalog" / "search"


class CannotMeasure(Exception):
    """Something is missing; the message is one sentence for a person."""


@dataclass(slots=True)
class Place:
    """The servers and folders of a measurement, and the environment that names them."""

    folder: Path
    environment: dict[str, str]
    valkey: Valkey
    loaded: dict[str, Any]

    def flush(self) -> None:
        """Empty the cache server."""
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(self.valkey.sock))
            client.sendall(b"FLUSHALL\r\n")
            client.recv(64)


@contextmanager
def opened(data: Path | None, *, durable: bool = False) -> Iterator[Place]:
    """Postgres and Valkey of this measurement's own, over `data` or a folder that is gone afterwards.

    `durable`: commits wait for the disk, as they do under `bin/up`; measurements that only read need not.
    """
    with ExitStack() as stack:
        # Postgres, which runs as another user, must reach it.
        folder = (data or Path(tempfile.mkdtemp(prefix="kgb"))).resolve()
        if data is None:
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
        # A socket's path has 107 bytes at most.
        sockets = Path(tempfile.mkdtemp(prefix="kgs"))
        stack.callback(shutil.rmtree, sockets, ignore_errors=True)
        sockets.chmod(0o755)
        postgres = Postgres(
            folder / "data", sockets / "s", folder / "postgres.log", durable=durable, before_start=end_with_parent
        )
        valkey = Valkey(sockets / "v.sock", folder / "valkey.log", before_start=end_with_parent)
        stack.callback(postgres.stop)
        postgres.start()
        postgres.create_database("koogallery")
        stack.callback(valkey.stop)
        valkey.start()
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("DJANGO_")},
            "DJANGO_SETTINGS_MODULE": "koogallery.settings",
            "KOOGALLERY_ENV": "embedded",
            "DATABASE_URL": f"postgres://postgres@/koogallery?host={sockets / 's'}",
            "REDIS_URL": f"unix://{sockets / 'v.sock'}",
            "SECRET_KEY": secrets.token_urlsafe(48),
            "SEARCH_INDEX_DIR": str(folder / "search"),
            "STATIC_ROOT": str(folder / "static"),
            "MEDIA_ROOT": str(folder / "media"),
            "EMAIL_URL": "dummymail://",
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
        }
        stamp = folder / "loaded.json"
        loaded = json.loads(stamp.read_text()) if stamp.exists() else {}
        yield Place(folder, environment, valkey, loaded)


def run(place: Place, *command: str, **more: str) -> str:
    """What a Python program of ours prints; it ends with us, with everything that it started.

    Raises:
        CannotMeasure: it failed.
    """
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        env=place.environment | more,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
        preexec_fn=end_with_parent,
    )
    try:
        printed, said = process.communicate()
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if process.returncode:
        lines = [line for line in said.splitlines() if line.strip()] or ["it said nothing"]
        raise CannotMeasure(f"{' '.join(command)} failed: {lines[-1].strip()}")
    return printed


def prepare(place: Place, products: int) -> None:
    """The demo with `products` generated products, statistics and the index; what a kept folder has is not made again.

    Raises:
        CannotMeasure: the folder has another number of products.
    """
    had = place.loaded.get("products")
    if had not in (None, products):
        raise CannotMeasure(f"{place.folder} has {had:,} products: name another folder for {products:,}.")
    run(place, "manage.py", "migrate", "-v0", "--no-input")
    run(place, "manage.py", "collectstatic", "-v0", "--no-input", "--ignore", "redoc", "--ignore", "rest_framework")
    if had is None:
        if int(run(place, "manage.py", "shell", "-v0", "-c", _NUMBER_OF_PRODUCTS)):
            raise CannotMeasure(f"{place.folder} was left half loaded: remove it, or name another folder.")
        place.loaded = {"products": products, "load_seconds": _timed(place, "load_demo", "--products", str(products))}
        print(f"Loaded {products:,} products in {place.loaded['load_seconds']:.1f} s.", flush=True)
        # As autovacuum would, but not while we measure.
        run(place, "manage.py", "shell", "-v0", "-c", _VACUUM)
        _stamp(place)
    code = max(path.stat().st_mtime_ns for path in INDEX_CODE.rglob("*.py"))
    if place.loaded.get("index_code") != code:
        place.loaded |= {"index_seconds": _timed(place, "rebuild_search"), "index_code": code}
        print(f"Built the search index in {place.loaded['index_seconds']:.1f} s.", flush=True)
        _stamp(place)


def prepare_orders(place: Place, orders: int) -> None:
    """So many orders that exist already, and statistics; what a kept folder has is not made again.

    Raises:
        CannotMeasure: the folder has another number of orders.
    """
    had = place.loaded.get("orders")
    if had not in (None, orders):
        raise CannotMeasure(f"{place.folder} has {had:,} orders: name another folder for {orders:,}.")
    if had is None:
        place.loaded |= json.loads(run(place, "-m", "bench.history", str(orders)))
        print(f"Made {orders:,} orders in {place.loaded['orders_seconds']:.1f} s.", flush=True)
        _stamp(place)


def prepare_flows(place: Place, flows: int) -> None:
    """So many open flows of which nothing is due, and statistics; what a kept folder has is not made again.

    Raises:
        CannotMeasure: the folder has another number of flows.
    """
    had = place.loaded.get("flows")
    if had not in (None, flows):
        raise CannotMeasure(f"{place.folder} has {had:,} flows: name another folder for {flows:,}.")
    if had is None:
        began = time.monotonic()
        run(place, "-m", "bench.flows", "open", str(flows))
        place.loaded |= {"flows": flows, "flows_seconds": round(time.monotonic() - began, 1)}
        print(f"Made {flows:,} flows in {place.loaded['flows_seconds']:.1f} s.", flush=True)
        _stamp(place)


def prepare_due(place: Place, due: dict[str, int]) -> None:
    """So many flows of which a timer is due, for each; what a kept folder has is not made again.

    Raises:
        CannotMeasure: the folder has another number of them.
    """
    had = place.loaded.get("due")
    if had not in (None, due):
        raise CannotMeasure(f"{place.folder} has other due flows ({had}): name another folder.")
    if had is None:
        began = time.monotonic()
        for at, (name, number) in enumerate(due.items()):
            if number:
                # They fall due one timer after the other, so that each has a rate of its own.
                run(place, "-m", "bench.flows", "due", name, str(number), str(2 * at))
        run(place, "-m", "bench.flows", "analyze")
        place.loaded |= {"due": due, "at": time.time(), "due_seconds": round(time.monotonic() - began, 1)}
        print(f"Made {sum(due.values()):,} due flows in {place.loaded['due_seconds']:.1f} s.", flush=True)
        _stamp(place)


def prepare_renewals(place: Place, subscriptions: int, due: int) -> None:
    """So many subscriptions on auto-renewal, and statistics; what a kept folder has is not made again.

    Raises:
        CannotMeasure: the folder has another number of them.
    """
    wanted, had = [subscriptions, due], place.loaded.get("renewals")
    if had not in (None, wanted):
        raise CannotMeasure(f"{place.folder} has {had[0]:,} subscriptions, {had[1]:,} due: name another folder.")
    if had is None:
        began = time.monotonic()
        run(place, "-m", "bench.renewing", "fill", str(subscriptions), str(due))
        took = round(time.monotonic() - began, 1)
        place.loaded |= {"renewals": wanted, "at": time.time(), "renewals_seconds": took}
        print(f"Made {subscriptions:,} subscriptions in {took:.0f} s; {due:,} are due.", flush=True)
        _stamp(place)


RUN = "koogallery_run"


@contextmanager
def copied(place: Place) -> Iterator[Place]:
    """The place with a copy of its database, at the time of day at which it was made; the copy is gone afterwards.

    So one folder serves any number of runs, also days later, and what a run fires is due in the next one again.
    """
    began = time.monotonic()
    _administer(place, f"DROP DATABASE IF EXISTS {RUN} WITH (FORCE)")
    _administer(place, f"CREATE DATABASE {RUN} TEMPLATE koogallery STRATEGY FILE_COPY")
    print(f"Copied the database in {time.monotonic() - began:.1f} s.", flush=True)
    later = {
        "DATABASE_URL": place.environment["DATABASE_URL"].replace("/koogallery?", f"/{RUN}?"),
        OFFSET_VARIABLE: str(int(place.loaded["at"] - time.time())),
    }
    try:
        yield replace(place, environment=place.environment | later)
    finally:
        _administer(place, f"DROP DATABASE IF EXISTS {RUN} WITH (FORCE)")


def earlier(place: Place, hours: int) -> Place:
    """The copied place so many hours before."""
    offset = str(int(place.environment[OFFSET_VARIABLE]) - 3600 * hours)
    return replace(place, environment=place.environment | {OFFSET_VARIABLE: offset})


def _administer(place: Place, statement: str) -> None:
    url = place.environment["DATABASE_URL"].replace("/koogallery?", "/postgres?")
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        connection.cursor().execute(statement)


_NUMBER_OF_PRODUCTS = "from catalog.models import Product; print(Product.objects.count())"
_VACUUM = "from django.db import connection; connection.cursor().execute('VACUUM ANALYZE')"


def _timed(place: Place, *command: str) -> float:
    began = time.monotonic()
    run(place, "manage.py", *command)
    return round(time.monotonic() - began, 1)


def _stamp(place: Place) -> None:
    (place.folder / "loaded.json").write_text(json.dumps(place.loaded), encoding="utf-8")


# --- web servers ----------------------------------------------------------------------------------------------------


@contextmanager
def serving(place: Place, application: str, *, ready: str, **more: str) -> Iterator[int]:
    """The application under the command by which `bin/up` serves the shop; yields its port once `ready` answers."""
    with served(place, application, ready=ready, **more) as (port, _group):
        yield port


@contextmanager
def served(place: Place, application: str, *, ready: str, **more: str) -> Iterator[tuple[int, int]]:
    """The same; yields its port and its process group."""
    port = _free_port()
    name = application.split(".", 1)[0]
    environment = place.environment | {
        "SITE_URL": f"http://127.0.0.1:{port}",
        "STATEMENT_TIMEOUT_MS": str(WEB_STATEMENT_TIMEOUT_MS),
        **more,
    }
    child = Child(name, web_command(port, application), place.folder / f"{name}.log", environment)
    child.log.write_bytes(b"")
    child.start(ROOT)
    try:
        _wait_for(child, port, ready)
        yield port, child.process.pid
    finally:
        child.stop()


def memory_of(group: int) -> int:
    """Bytes that the processes of a group hold of their own (anonymous memory: no shared code, no file cache)."""
    total = 0
    for status in Path("/proc").glob("[0-9]*/status"):
        with suppress(OSError, ValueError):
            if os.getpgid(int(status.parent.name)) == group:
                line = next(one for one in status.read_text().splitlines() if one.startswith("RssAnon:"))
                total += int(line.split()[1]) * 1024
    return total


@contextmanager
def working(place: Place) -> Iterator[dict[str, Child]]:
    """Celery's worker and beat under the commands of `bin/up`: they deliver the outbox and fire timers."""
    children = {}
    with ExitStack() as stack:
        for name, command in celery_commands(place.folder / "celerybeat-schedule").items():
            child = Child(name, command, place.folder / f"{name}.log", place.environment)
            child.log.write_bytes(b"")
            child.start(ROOT)
            stack.callback(child.stop)
            children[name] = child
        yield children


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])


def _wait_for(child: Child, port: int, path: str) -> None:
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end:
        if child.process.poll() is not None:
            raise CannotMeasure(f"The server of {child.name} ended: {child.last_line()}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=READY_SECONDS) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise CannotMeasure(f"{child.name}{path} did not answer within {READY_SECONDS} seconds: {child.last_line()}")
