"""How many whole checkouts a second the shop takes over HTTP, with the production server on this machine (docs/benchmarks.md).

    .venv/bin/python bench/checkout.py --orders 1000 [--via web,api] [--data DIR [--prepare]] [--json FILE] [--no-worker]
    .venv/bin/python bench/checkout.py --compare THOUSAND.json MILLION.json

The exit status is 1 when a target is missed.
"""

import argparse
import json
import os
import platform
import sys
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parent.parent
# A script's own folder comes first, where `orders` and others could be files of this folder.
sys.path[0] = str(ROOT)

from bench import place, report  # noqa: E402
from bench.catalog import SHOP, names_of, number_above_zero  # noqa: E402
from bench.ending import status_of  # noqa: E402
from bench.shopping import STEPS, Buyer, Checkouts, shop  # noqa: E402

BUYERS = 16
# Every process of the server has read its templates, and the planner its statistics, before we count.
WARM_SECONDS = 5.0
PRODUCTS = 1000


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="bench/checkout.py", description="Measure whole checkouts over HTTP.")
    parser.add_argument("--orders", type=int, default=1000, help="so many exist already: 1000, 1000000")
    parser.add_argument("--buyers", type=int, default=BUYERS, help=f"at the same time ({BUYERS})")
    parser.add_argument("--seconds", type=number_above_zero, default=60.0, help="of each way (60)")
    parser.add_argument("--warm-seconds", type=number_above_zero, default=WARM_SECONDS, help="before each way (5)")
    parser.add_argument("--via", type=lambda text: names_of(tuple(STEPS), text), default=[*STEPS], help=",".join(STEPS))
    parser.add_argument("--no-worker", action="store_true", help="without Celery's worker and beat, who tell people")
    parser.add_argument("--products", type=int, default=PRODUCTS, help="so many beside the demo's own (1000)")
    parser.add_argument("--data", type=Path, help="a folder that keeps the database for the next run")
    parser.add_argument("--prepare", action="store_true", help="make that folder's data, and measure nothing")
    parser.add_argument("--json", type=Path, help="write the figures there")
    parser.add_argument("--compare", nargs=2, type=Path, metavar=("FEW", "MANY"), help="two files of --json")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Measure, print, write; the exit status."""
    asked = parse(arguments)
    return status_of(lambda: _asked_for(asked))


def _asked_for(asked: argparse.Namespace) -> int:
    if asked.compare:
        few, many = (json.loads(path.read_text(encoding="utf-8")) for path in asked.compare)
        lines = list(report.checkouts_compared(few, many))
        print("\n".join(line for line, _met in lines))
        return 0 if all(met for _line, met in lines) else 1
    return _measure(asked)


def _measure(asked: argparse.Namespace) -> int:
    with ExitStack() as stack:
        data = asked.data or Path(stack.enter_context(TemporaryDirectory(prefix="kgb")))
        # What is only made to be there need not wait for the disk.
        with place.opened(data) as here:
            place.prepare(here, asked.products)
            place.prepare_orders(here, asked.orders)
        os.sync()
        if asked.prepare:
            return 0
        # As durable as bin/up: a commit waits for the disk.
        here = stack.enter_context(place.opened(data, durable=True))
        hired = json.loads(place.run(here, "-m", "bench.buyers", "hire", str(asked.buyers)))
        ways = {}
        for way in asked.via:
            ways[way] = _way(here, asked, way, [Buyer(**one) for one in hired])
        written = {
            "orders": asked.orders,
            "measured_at": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            "machine": {"cores": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()},
            "buyers": asked.buyers,
            "seconds": asked.seconds,
            "worker": not asked.no_worker,
            "orders_seconds": here.loaded.get("orders_seconds"),
            "ways": ways,
        }
    if asked.json:
        asked.json.write_text(json.dumps(written, indent=1), encoding="utf-8")
    print()
    print("\n".join(report.checkouts_table(written)))
    return 0 if report.checkouts_met(written) else 1


def _way(here: place.Place, asked: argparse.Namespace, way: str, buyers: list[Buyer]) -> report.Figures:
    """The figures of one way, and what the database says of its checkouts."""
    statements = json.loads(place.run(here, "-m", "bench.buyers", "count", way))
    since = datetime.now(UTC).isoformat()
    with ExitStack() as stack:
        port = stack.enter_context(place.serving(here, SHOP, ready="/readyz"))
        if not asked.no_worker:
            stack.enter_context(place.working(here))
        warm = shop(port, way, buyers, seconds=asked.warm_seconds)
        seen = shop(port, way, buyers, seconds=asked.seconds)
    told = json.loads(place.run(here, "-m", "bench.buyers", "check", since))
    counted = len(warm.latencies) + len(seen.latencies)
    figures = _figures(way, seen) | {
        "statements": statements,
        "counted": counted,
        "paid": told["paid"],
        "right": told["paid"] == told["charges"] == told["charged_once"] == counted and not told["breaches"],
        "breaches": told["breaches"],
        "undelivered": told["undelivered"],
        "failures": sorted(set(warm.failures + seen.failures))[:10],
        "failed": warm.failed + seen.failed,
    }
    print(f"  {way}: {figures['per_second']} checkouts a second, p99 {figures['p99']:,.0f} ms", flush=True)
    return figures


def _figures(way: str, seen: Checkouts) -> report.Figures:
    if not seen.latencies:
        why = seen.failures[0] if seen.failures else "none was begun"
        raise place.CannotMeasure(f"No checkout ended well: {why}")
    return {
        "per_second": round(seen.per_second, 1),
        "p50": round(seen.percentile(0.5), 1),
        "p99": round(seen.percentile(0.99), 1),
        "most": round(seen.percentile(1.0), 1),
        "steps": {name: round(seen.step(name, 0.5), 1) for name in STEPS[way]},
        "steps_p99": {name: round(seen.step(name, 0.99), 1) for name in STEPS[way]},
        "generator_share_of_a_core": round(seen.processor / seen.seconds, 3),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
