"""How fast the catalogue is over HTTP, with the production server on this machine (docs/benchmarks.md).

    .venv/bin/python bench/catalog.py --products 1000 [--data DIR] [--json FILE] [--caches warm,cold,off] [--cases ...]
    .venv/bin/python bench/catalog.py --compare THOUSAND.json MILLION.json

The exit status is 1 when a target is missed.
"""

import argparse
import json
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
# A script's own folder comes first, where `catalog` would be this file instead of the app.
sys.path[0] = str(ROOT)

from bench import place, report  # noqa: E402
from bench.ending import status_of  # noqa: E402
from bench.load import Measured, ceiling, each_on_each, open_loop, throughput  # noqa: E402

CONNECTIONS = 16
RATE = 50.0
# A case and the limit take turns, so that both see the same machine.
TURNS = 2
CACHES = ("warm", "cold", "off")
SHOP, LIMIT = "koogallery.wsgi:application", "bench.limit:application"
Choice = dict[str, dict[str, Any]]


def names_of(known: tuple[str, ...], text: str) -> list[str]:
    """A list of `known` names, with commas."""
    names = list(dict.fromkeys(text.split(",")))
    if unknown := [name for name in names if name not in known]:
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)} is none of {', '.join(known)}")
    return names


def number_above_zero(text: str) -> float:
    """Seconds and the like."""
    number = float(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError("a number above 0 is needed")
    return number


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    every = ",".join(report.NAMES)
    parser = argparse.ArgumentParser(prog="bench/catalog.py", description="Measure the catalogue over HTTP.")
    parser.add_argument(
        "--products", type=int, default=1000, help="so many beside the demo's own: 1000, 100000, 1000000"
    )
    parser.add_argument("--seconds", type=number_above_zero, default=5.0, help="of each throughput (5)")
    parser.add_argument("--latency-seconds", type=number_above_zero, default=10.0, help="of each latency (10)")
    parser.add_argument(
        "--caches", type=lambda text: names_of(CACHES, text), default=list(CACHES), help=",".join(CACHES)
    )
    parser.add_argument(
        "--cases", type=lambda text: names_of(tuple(report.NAMES), text), default=[*report.NAMES], help=every
    )
    parser.add_argument("--data", type=Path, help="a folder that keeps database and index for the next run")
    parser.add_argument("--json", type=Path, help="write the figures there")
    parser.add_argument("--compare", nargs=2, type=Path, metavar=("FEW", "MANY"), help="two files of --json")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Measure, print, write; the exit status."""
    asked = parse(arguments)
    return status_of(lambda: _asked_for(asked))


def _asked_for(asked: argparse.Namespace) -> int:
    if asked.compare:
        lines = list(report.comparison(*(json.loads(path.read_text(encoding="utf-8")) for path in asked.compare)))
        print("\n".join(line for line, _met in lines))
        return 0 if all(met for _line, met in lines) else 1
    return _measure_all(asked)


def _measure_all(asked: argparse.Namespace) -> int:
    own = ceiling(CONNECTIONS, 2.0)
    print(f"The load generator itself could take {own.per_second:,.0f} answers a second.", flush=True)
    with place.opened(asked.data) as here:
        place.prepare(here, asked.products)
        chosen = json.loads(place.run(here, "-m", "bench.choose", PAGE_CACHE_SECONDS="0"))
        cases: Choice = {name: chosen["cases"][name] for name in asked.cases}
        figures = {caches: dict(_measured(here, caches, cases, asked)) for caches in asked.caches}
        written = {
            "products": chosen["products"],
            "measured_at": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            "machine": {"cores": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()},
            "connections": CONNECTIONS,
            "seconds": asked.seconds,
            "rate": RATE,
            "latency_seconds": asked.latency_seconds,
            "ceiling_per_second": round(own.per_second),
            "load_seconds": here.loaded.get("load_seconds"),
            "index_seconds": here.loaded.get("index_seconds"),
            "cases": figures,
        }
    if asked.json:
        asked.json.write_text(json.dumps(written, indent=1), encoding="utf-8")
    print()
    print("\n".join(report.table(written)))
    return 0 if report.all_met(written) else 1


def _measured(
    here: place.Place, caches: str, cases: Choice, asked: argparse.Namespace
) -> Iterator[tuple[str, report.Figures]]:
    """The figures of every case with caches in one state."""
    with place.serving(here, LIMIT, ready="/") as limit:
        each_on_each(limit, ["/"], connections=CONNECTIONS)
        if caches == "cold":
            for name, case in cases.items():
                # Started anew before each measurement, since each of them fills the caches.
                with _fresh_shop(here) as shop:
                    busy, beside = _throughputs(shop, limit, case["paths"], asked.seconds, turns=1)
                with _fresh_shop(here) as shop:
                    latency = open_loop(shop, case["paths"], rate=RATE, seconds=asked.latency_seconds)
                yield name, _figures(name, case, busy, beside, latency)
            return
        with _fresh_shop(here, **({"PAGE_CACHE_SECONDS": "0"} if caches == "off" else {})) as shop:
            for name, case in cases.items():
                paths = case["paths"]
                # Without caches nothing is to be filled, but each process has templates and plans to read once.
                warm = paths if caches == "warm" else paths[:1]
                each_on_each(shop, warm, connections=CONNECTIONS)
                busy, beside = _throughputs(shop, limit, paths, asked.seconds, turns=TURNS)
                each_on_each(shop, warm, connections=CONNECTIONS)
                latency = open_loop(shop, paths, rate=RATE, seconds=asked.latency_seconds)
                yield name, _figures(name, case, busy, beside, latency)


@contextmanager
def _fresh_shop(here: place.Place, **more: str) -> Iterator[int]:
    """The shop's web server, just started, and nothing in the cache server."""
    here.flush()
    with place.serving(here, SHOP, ready="/readyz", **more) as port:
        yield port


def _throughputs(shop: int, limit: int, paths: list[str], seconds: float, *, turns: int) -> tuple[Measured, Measured]:
    """A case and, before and after each of its turns, the limit."""
    busy, beside = Measured(), Measured()
    for _turn in range(turns):
        beside.add(throughput(limit, ["/"], connections=CONNECTIONS, seconds=seconds / turns / 4))
        busy.add(throughput(shop, paths, connections=CONNECTIONS, seconds=seconds / turns))
        beside.add(throughput(limit, ["/"], connections=CONNECTIONS, seconds=seconds / turns / 4))
    if beside.failed or not beside.latencies:
        raise place.CannotMeasure("The limit itself failed: see bench.log in the folder of --data.")
    return busy, beside


def _figures(name: str, case: dict[str, Any], busy: Measured, limit: Measured, latency: Measured) -> report.Figures:
    figures = {
        "per_second": round(busy.per_second, 1),
        "limit": round(limit.per_second, 1),
        "of_limit": round(busy.per_second / limit.per_second, 3),
        "p50": round(latency.percentile(0.5), 2),
        "p99": round(latency.percentile(0.99), 2),
        "most": round(latency.percentile(1.0), 2),
        "failed": busy.failed + latency.failed,
        "queries": case["queries"],
        "addresses": len(case["paths"]),
        "generator_share_of_a_core": round(busy.processor / busy.seconds, 3),
        "chosen": case["chosen"],
    }
    print(f"  {report.NAMES[name]}: {figures['per_second']:,} a second, p99 {figures['p99']} ms", flush=True)
    return figures


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
