"""How long one night of automatic renewals takes beside a million subscriptions (docs/benchmarks.md).

    .venv/bin/python bench/renewals.py [--subscriptions 1000000] [--due 30000] [--kill] [--data DIR] [--json FILE]

With --kill the worker is killed by SIGKILL and the queue is flushed in the middle: nobody may be charged twice or
forgotten. The exit status is 1 when a target is missed.
"""

import argparse
import json
import os
import platform
import shutil
import signal
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# A script's own folder comes first, where `orders` and others could be files of this folder.
sys.path[0] = str(ROOT)

from bench import place, report  # noqa: E402
from bench.catalog import number_above_zero  # noqa: E402
from bench.ending import status_of  # noqa: E402

SUBSCRIPTIONS, DUE = 1_000_000, 30_000
PRODUCTS = 50
EMPTY_SWEEPS = 100
TIMER = "deduct_renewals"


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="bench/renewals.py", description="Measure a night of automatic renewals.")
    parser.add_argument("--subscriptions", type=int, default=SUBSCRIPTIONS, help=f"running ones ({SUBSCRIPTIONS:,})")
    parser.add_argument("--due", type=int, default=DUE, help=f"of them due tonight ({DUE:,})")
    parser.add_argument("--kill", action="store_true", help="kill the worker and flush the queue in the middle")
    parser.add_argument("--seconds", type=number_above_zero, default=3600.0, help="give up after so long (3600)")
    parser.add_argument("--data", type=Path, help="a folder that keeps the data; each run works on a copy of it")
    parser.add_argument("--prepare", action="store_true", help="only make the subscriptions that the folder lacks")
    parser.add_argument("--json", type=Path, help="write the figures there")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Measure, print, write; the exit status."""
    asked = parse(arguments)
    return status_of(lambda: _measure(asked))


def _measure(asked: argparse.Namespace) -> int:
    data = asked.data or Path(tempfile.mkdtemp(prefix="kgb"))
    try:
        return _measured(asked, data)
    finally:
        if asked.data is None:
            shutil.rmtree(data, ignore_errors=True)


def _measured(asked: argparse.Namespace, data: Path) -> int:
    with place.opened(data) as here:
        place.prepare(here, PRODUCTS)
        place.prepare_renewals(here, asked.subscriptions, asked.due)
        prepared = here.loaded["renewals_seconds"]
    if asked.prepare:
        return 0
    # As durable as bin/up: a commit that waits waits for the disk.
    with place.opened(data, durable=True) as kept, place.copied(kept) as here:
        before = json.loads(place.run(here, "-m", "bench.renewing", "left"))
        if before["due"] != asked.due:
            raise place.CannotMeasure(f"{before['due']:,} are due, not {asked.due:,}.")
        began = time.monotonic()
        if asked.kill:
            _kill_in_the_middle(here, asked)
        with place.working(here) as children:
            worker = str(children["worker"].process.pid)
            seen = json.loads(place.run(here, "-m", "bench.flows", "watch", worker, str(asked.seconds), TIMER))
            took = time.monotonic() - began
        empty = json.loads(place.run(here, "-m", "bench.flows", "empty", str(EMPTY_SWEEPS)))
        found = json.loads(place.run(here, "-m", "bench.renewing", "check", str(asked.due)))
    last = seen["samples"][-1]
    written = {
        "measured_at": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": {"cores": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()},
        "subscriptions": asked.subscriptions,
        "due": asked.due,
        "killed": asked.kill,
        "prepared_seconds": prepared,
        "seconds": round(took, 1),
        "processor_ms": {
            name: round(
                1000 * (last[f"{name}_processor"] - seen["samples"][0][f"{name}_processor"]) / max(1, asked.due), 2
            )
            for name in ("worker", "database")
        },
        "worker_mb": seen["worker_mb"],
        "empty": empty,
        "found": found,
    }
    if asked.json:
        asked.json.write_text(json.dumps(written, indent=1), encoding="utf-8")
    print("\n".join(report.renewals_table(written)))
    return 0 if report.renewals_met(written) else 1


def _kill_in_the_middle(here: place.Place, asked: argparse.Namespace) -> None:
    """Let the worker do a part, kill it and its children, and empty the queue."""
    with place.working(here) as children:
        place.run(here, "-m", "bench.renewing", "charged", str(asked.due // 3), str(asked.seconds))
        for child in children.values():
            os.killpg(os.getpgid(child.process.pid), signal.SIGKILL)
            child.process.wait()
    here.flush()
    left = json.loads(place.run(here, "-m", "bench.renewing", "left"))
    print(
        f"Killed and flushed with {left['charges']:,} charged, {left['due']:,} due, {left['charging']:,} being charged.",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
