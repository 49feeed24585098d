"""How fast the catalogue is over HTTP, with the production server on this machine (docs/benchmarks.md).

.venv/bin/python bench/catalog.py --products 1000 [--data DIR] [--json FILE]
.venv/bin/python bench/catalog.py --compare THOUSAND.json MILLION.json
"""

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.load import Measured, open_loop, throughput  # noqa: E402
from koogallery.kernel.embedded import Postgres, Valkey  # noqa: E402

CONNECTIONS = 16
RATE = 50.0
THREADS = 4
# What is asked of the figures: the share of the limit, and the 99th percentile in milliseconds at 50 a second.
TARGETS = {
    "home": (None, 50.0), "category": (0.35, 50.0), "common": (0.35, 150.0), "rare": (0.35, 50.0), "misspelt": (0.35, 50.0),
    "suggestion": (0.8, 50.0), "product": (0.6, 50.0), "page 5000": (0.35, 50.0),
}  # fmt: skip
COMPARED, MOST_RATIO = ("category", "product"), 1.3


@dataclass(frozen=True, slots=True)
class Servers:
    """Where everything listens."""

    environment: dict[str, str]
    shop: int
    limit: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--products", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    parser.add_argument("--data", type=Path, help="a folder that keeps the database and index for the next run")
    parser.add_argument("--caches", default="warm,cold,off")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--compare", nargs=2, type=Path, metavar=("FEW", "MANY"))
    asked = parser.parse_args()
    if asked.compare:
        sys.exit(0 if compare(*asked.compare) else 1)
    with ExitStack() as stack:
        folder = asked.data or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="kgb", ignore_cleanup_errors=True))
        )
        environment = stack.enter_context(_databases(folder.resolve()))
        _prepare(environment, asked.products)
        cases = _cases(environment)
        results = {caches: _measured(environment, caches, cases, asked.seconds) for caches in asked.caches.split(",")}
    report = {"products": asked.products, "cases": results}
    if asked.json:
        asked.json.write_text(json.dumps(report, indent=1), encoding="utf-8")
    show(report)


@contextmanager
def _databases(folder: Path) -> Iterator[dict[str, str]]:
    """Postgres and Valkey of this measurement's own."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    postgres = Postgres(folder / "data", folder / "s", folder / "postgres.log", durable=False)
    valkey = Valkey(folder / "v.sock", folder / "valkey.log")
    try:
        postgres.start()
        postgres.create_database("koogallery")
        valkey.start()
        yield os.environ | {
            "DATABASE_URL": f"postgres://postgres@/koogallery?host={folder / 's'}",
            "REDIS_URL": f"unix://{folder / 'v.sock'}",
            "SEARCH_INDEX_DIR": str(folder / "search"),
            "STATIC_ROOT": str(folder / "static"),
            "MEDIA_ROOT": str(folder / "media"),
            "ALLOWED_HOSTS": "127.0.0.1",
            "LOG_LEVEL": "ERROR",
            "PYTHONPATH": str(ROOT),
        }
    finally:
        valkey.stop()
        postgres.stop()


def _manage(environment: dict[str, str], *command: str, text: str = "") -> str:
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *command], env=environment, input=text, text=True, check=True,
        stdout=subprocess.PIPE, cwd=ROOT,
    )  # fmt: skip
    return done.stdout


def _prepare(environment: dict[str, str], products: int) -> None:
    """The demo, as many generated products as are wanted, the index."""
    _manage(environment, "migrate", "-v0")
    _manage(environment, "collectstatic", "--noinput", "-v0")
    there = int(
        _manage(environment, "shell", "-v0", "-c", "from catalog.models import Product; print(Product.objects.count())")
    )
    missing = products - there
    if there == 0 or missing > products // 10:
        began = time.monotonic()
        _manage(environment, "load_demo", *(["--products", str(max(0, products - 100))] if products > 100 else []))
        print(f"Loaded {products:,} products in {time.monotonic() - began:.0f} s.", flush=True)
    _manage(environment, "rebuild_search")


_CHOOSE = """
import json
from catalog.models import Product, Category
from catalog.search import category_tree, Search
from catalog.search.engine import chosen
from catalog.search.index.engine import IndexEngine
engine = chosen(); engine.follower.follow(); state = engine.follower.state()
segment = state.main
counts = [(segment.frequency(int(segment.word_stem_of(at))), segment.words[at].decode()) for at in range(len(segment.words))]
counts = [(number, word) for number, word in counts if word.isalpha() and word.isascii() and len(word) >= 6]
quarter = sorted(counts, key=lambda one: abs(one[0] - segment.size / 4))[:5]
few = sorted(counts, key=lambda one: abs(one[0] - max(5, segment.size / 2000)))[:20]
slugs = list(Product.objects.published().order_by("-popularity", "id").values_list("slug", flat=True)[:50])
categories = list(Category.objects.filter(children=None).order_by("id").values_list("slug", flat=True)[:10])
print(json.dumps({"quarter": [word for _n, word in quarter], "few": [word for _n, word in few], "slugs": slugs, "categories": categories}))
"""


def _cases(environment: dict[str, str]) -> dict[str, list[str]]:
    """The addresses of each case, chosen from the data."""
    found = json.loads(_manage(environment, "shell", "-v0", "-c", _CHOOSE).strip().splitlines()[-1])
    wrong = [word[:2] + word[3] + word[2] + word[4:] for word in found["few"]]
    return {
        "home": ["/"],
        "category": [f"/categories/{slug}/?delivery_method=saas&operating_system={system}" for slug in found["categories"] for system in ("linux", "web")],
        "common": [f"/search/?q={quote(word)}" for word in found["quarter"]],
        "rare": [f"/search/?q={quote(word)}" for word in found["few"]],
        "misspelt": [f"/search/?q={quote(word)}" for word in wrong],
        "suggestion": [f"/search/suggest/?q={quote(word[:size])}" for word in found["few"] for size in (3, 5)],
        "product": [f"/products/{slug}/" for slug in found["slugs"]],
        "page 5000": ["/products/?page=5000", "/products/?page=4999&ordering=newest", "/products/?page=4998&ordering=price"],
    }  # fmt: skip


def _measured(
    environment: dict[str, str], caches: str, cases: dict[str, list[str]], seconds: float
) -> dict[str, dict[str, float]]:
    """Throughput, latency and queries of each case."""
    environment = environment | ({"PAGE_CACHE_SECONDS": "0"} if caches == "off" else {})
    results: dict[str, dict[str, float]] = {}
    queries = _queries(environment, cases)
    with _serving(environment) as servers:
        throughput(servers.limit, ["/"], connections=CONNECTIONS, seconds=1)
        for name, paths in cases.items():
            if caches == "cold":
                with _serving(environment) as fresh:
                    first = throughput(fresh.shop, paths, connections=1, seconds=0.01)
                    latency = open_loop(fresh.shop, paths, rate=RATE, seconds=min(2.0, seconds))
                    results[name] = _figures(first, latency, 0.0, queries[name])
                continue
            if caches == "warm":
                for _worker in range(8):
                    throughput(servers.shop, paths, connections=len(paths), seconds=0.05)
            limit = throughput(servers.limit, ["/"], connections=CONNECTIONS, seconds=seconds / 2)
            busy = throughput(servers.shop, paths, connections=CONNECTIONS, seconds=seconds)
            limit_after = throughput(servers.limit, ["/"], connections=CONNECTIONS, seconds=seconds / 2)
            latency = open_loop(servers.shop, paths, rate=RATE, seconds=2 * seconds)
            results[name] = _figures(busy, latency, (limit.per_second + limit_after.per_second) / 2, queries[name])
    return results


def _figures(busy: Measured, latency: Measured, limit: float, queries: float) -> dict[str, float]:
    return {
        "per_second": round(busy.per_second, 1),
        "of_limit": round(busy.per_second / limit, 3) if limit else 0.0,
        "limit": round(limit, 1),
        "p50": round(latency.percentile(0.5), 2),
        "p99": round(latency.percentile(0.99), 2),
        "most": round(latency.percentile(1.0), 2),
        "failed": busy.failed + latency.failed,
        "queries": queries,
    }


_COUNT = """
import json, sys
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
settings.PAGE_CACHE_SECONDS = 0
client, counted = Client(HTTP_HOST="127.0.0.1"), {}
client.get("/products/")
for name, path in json.loads(%r).items():
    with CaptureQueriesContext(connection) as queries:
        client.get(path)
    counted[name] = len(queries)
print(json.dumps(counted))
"""


def _queries(environment: dict[str, str], cases: dict[str, list[str]]) -> dict[str, float]:
    """SQL queries of one request that no cache answers."""
    first = json.dumps({name: paths[0] for name, paths in cases.items()})
    counted: dict[str, float] = json.loads(
        _manage(environment, "shell", "-v0", "-c", _COUNT % first).strip().splitlines()[-1]
    )
    return counted


@contextmanager
def _serving(environment: dict[str, str]) -> Iterator[Servers]:
    """The shop and the limit under the production server, one worker a core."""
    ports = _free_ports(2)
    shop = _granian("koogallery.wsgi:application", ports[0], environment | {"STATEMENT_TIMEOUT_MS": "5000"})
    limit = _granian("bench.limit:application", ports[1], environment)
    try:
        for port, path in zip(ports, ("/products/", "/"), strict=True):
            _wait_for(port, path)
        yield Servers(environment, *ports)
    finally:
        for process in (shop, limit):
            process.send_signal(signal.SIGTERM)
        for process in (shop, limit):
            process.wait(20)


def _granian(application: str, port: int, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    command = [
        sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port),
        "--workers", str(os.cpu_count() or 1), "--blocking-threads", str(THREADS), "--no-ws", "--log-level", "error", application,
    ]  # fmt: skip
    return subprocess.Popen(command, env=environment, cwd=ROOT)


def _free_ports(number: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _one in range(number)]
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


def _wait_for(port: int, path: str) -> None:
    """Until the server answers, and each worker has opened its index."""
    deadline = time.monotonic() + 60
    answered = 0
    while answered < 20:
        try:
            throughput(port, [path], connections=4, seconds=0.05)
            answered += 1
        except (ConnectionError, OSError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def show(report: dict) -> None:
    """The table, with the targets."""
    print(f"\n{report['products']:,} products, {CONNECTIONS} connections; latency at {RATE:.0f} requests/s")
    for caches, cases in report["cases"].items():
        print(
            f"\n{'caches ' + caches:14}{'req/s':>9}{'of limit':>10}{'p50 ms':>9}{'p99 ms':>9}{'max':>9}{'SQL':>5}{'bad':>5}  targets"
        )
        for name, one in cases.items():
            share, most = TARGETS[name]
            verdict = []
            if caches == "warm":
                if share is not None:
                    verdict.append(f"of limit >= {share}: {'met' if one['of_limit'] >= share else 'MISSED'}")
                verdict.append(f"p99 < {most:.0f}: {'met' if one['p99'] < most else 'MISSED'}")
            print(
                f"{name:14}{one['per_second']:9.1f}{one['of_limit']:10.3f}{one['p50']:9.2f}{one['p99']:9.2f}"
                f"{one['most']:9.2f}{one['queries']:5.0f}{one['failed']:5.0f}  {', '.join(verdict)}"
            )


def compare(few: Path, many: Path) -> bool:
    """Whether the latency at many products is at most 1.3 times that at few, for browsing and product pages."""
    first, second = (json.loads(path.read_text(encoding="utf-8")) for path in (few, many))
    good = True
    for caches in first["cases"]:
        for name in COMPARED:
            a, b = first["cases"][caches][name], second["cases"][caches][name]
            ratio = b["p50"] / a["p50"]
            met = ratio <= MOST_RATIO
            good &= met or caches != "warm"
            print(
                f"caches {caches:5} {name:10} p50 {a['p50']:.2f} -> {b['p50']:.2f} ms: {ratio:.2f} ({'met' if met else 'more than 1.3'})"
            )
    return good


if __name__ == "__main__":
    main()
