"""How many due rows a second one worker fires beside a million open flows (docs/benchmarks.md).

    .venv/bin/python bench/timers.py [--flows 1000000] [--due 100000] [--data DIR] [--prepare] [--json FILE]

The exit status is 1 when a target is missed.
"""

import argparse
import json
import os
import platform
import shutil
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

FLOWS, DUE = 1_000_000, 100_000
PRODUCTS = 50
EMPTY_SWEEPS = 200
# What is due, in shares.
SHARES = {"complete_accepted_orders": 0.6, "send_flow_notices": 0.3, "close_overdue_flows": 0.1}


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="bench/timers.py", description="Measure the sweeper and the outbox beside it."
    )
    parser.add_argument("--flows", type=int, default=FLOWS, help=f"open ones ({FLOWS:,})")
    parser.add_argument("--due", type=int, default=DUE, help=f"due ones beside them ({DUE:,})")
    parser.add_argument("--seconds", type=number_above_zero, default=900.0, help="give up after so long (900)")
    parser.add_argument("--data", type=Path, help="a folder that keeps the flows; each run works on a copy of them")
    parser.add_argument("--prepare", action="store_true", help="only make the flows that the folder lacks")
    parser.add_argument("--json", type=Path, help="write the figures there")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Measure, print, write; the exit status."""
    asked = parse(arguments)
    return status_of(lambda: _measure(asked))


def _measure(asked: argparse.Namespace) -> int:
    due = {name: round(asked.due * share) for name, share in SHARES.items()}
    data = asked.data or Path(tempfile.mkdtemp(prefix="kgb"))
    try:
        return _measured(asked, data, due)
    finally:
        if asked.data is None:
            shutil.rmtree(data, ignore_errors=True)


def _measured(asked: argparse.Namespace, data: Path, due: dict[str, int]) -> int:
    with place.opened(data) as here:
        place.prepare(here, PRODUCTS)
        place.prepare_flows(here, asked.flows)
        place.prepare_due(here, due)
    if asked.prepare:
        return 0
    # As durable as bin/up: a commit that waits waits for the disk.
    with place.opened(data, durable=True) as kept, place.copied(kept) as here:
        # Before anything of all that was due.
        before = _of(place.earlier(here, hours=20), "empty", str(EMPTY_SWEEPS))
        # What the demo did in two parts.
        twice_before = _of(here, "twice")["twice"]
        print(f"{sum(due.values()):,} are due; firing.", flush=True)
        with place.working(here) as children:
            began = time.monotonic()
            worker = str(children["worker"].process.pid)
            seen = _of(here, "watch", worker, str(asked.seconds), *due)
            took = time.monotonic() - began
        after = _of(here, "empty", str(EMPTY_SWEEPS))
        found = _of(here, "check")
        found["twice"] -= twice_before
    written = {
        "measured_at": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": {"cores": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()},
        "flows": asked.flows,
        "due": due,
        "seconds": round(took, 1),
        "rates": report.firing_rates(seen["samples"], due),
        "outbox": report.delivery_rate(seen["samples"]),
        "left": seen["samples"][-1],
        "worker_mb": seen["worker_mb"],
        "worker_processes": seen["worker_processes"],
        "empty": {"before": before, "after": after},
        "found": found,
        "samples": seen["samples"],
    }
    if asked.json:
        asked.json.write_text(json.dumps(written, indent=1), encoding="utf-8")
    print("\n".join(report.timers_table(written)))
    return 0 if report.timers_met(written) else 1


def _of(here: place.Place, *command: str) -> report.Figures:
    found: report.Figures = json.loads(place.run(here, "-m", "bench.flows", *command))
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
