"""How many invoices are numbered and PDFs set a second, and how long a month's end of statements takes (docs/benchmarks.md).

    .venv/bin/python bench/invoices.py [--invoices 2000] [--statements 100000] [--processes 2] [--data DIR] [--json FILE]

All invoices are of one seller, so that every process wants the same counter. The exit status is 1 when a number, seal or
statement is missing, or when the statements take longer than their target.
"""

import argparse
import json
import os
import platform
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# A script's own folder comes first, where `orders` and others could be files of this folder.
sys.path[0] = str(ROOT)

from bench import place, report  # noqa: E402
from bench.catalog import number_above_zero  # noqa: E402
from bench.ending import status_of  # noqa: E402

INVOICES, STATEMENTS = 2_000, 100_000
LONGEST_SECONDS = 600.0
PRODUCTS = 50


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="bench/invoices.py", description="Measure issuing invoices.")
    parser.add_argument("--invoices", type=int, default=INVOICES, help=f"how many ({INVOICES:,})")
    parser.add_argument("--statements", type=int, default=STATEMENTS, help=f"accounts to state ({STATEMENTS:,})")
    parser.add_argument("--most-seconds", type=number_above_zero, default=LONGEST_SECONDS, help="for statements (600)")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="beside each other (one a core)")
    parser.add_argument("--data", type=Path, help="a folder that keeps what was loaded; it serves one run only")
    parser.add_argument("--json", type=Path, help="write the figures there")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Measure, print, write; the exit status."""
    asked = parse(arguments)
    return status_of(lambda: _measure(asked))


def _measure(asked: argparse.Namespace) -> int:
    # As durable as bin/up: a commit that waits waits for the disk.
    with place.opened(asked.data, durable=True) as here:
        place.prepare(here, PRODUCTS)
        place.run(here, "-m", "bench.issuing", "make", str(asked.invoices))
        figures = {name: _beside(here, "bench.issuing", name, asked.processes) for name in ("issue", "set")}
        found = json.loads(place.run(here, "-m", "bench.issuing", "check"))
        place.run(here, "-m", "bench.statements", "make", str(asked.statements))
        figures["state"] = _beside(here, "bench.statements", "state", asked.processes)
        found |= json.loads(place.run(here, "-m", "bench.statements", "check", str(asked.statements)))
    written = {
        "measured_at": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": {"cores": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()},
        "processes": asked.processes,
        "invoices": asked.invoices,
        "most_seconds": asked.most_seconds,
        "found": found,
        **figures,
    }
    if asked.json:
        asked.json.write_text(json.dumps(written, indent=1), encoding="utf-8")
    print("\n".join(report.invoices_table(written)))
    return 0 if report.invoices_met(written) else 1


def _beside(here: place.Place, module: str, name: str, processes: int) -> dict[str, float]:
    """Every process its portion; the slowest one's time is everybody's."""
    # Statements are swept: each process takes what no other has.
    portions = [() if name == "state" else (str(part), str(processes)) for part in range(processes)]
    with ThreadPoolExecutor(processes) as pool:
        runs = [pool.submit(place.run, here, "-m", module, name, *portion) for portion in portions]
        parts = [json.loads(one.result()) for one in runs]
    done, seconds = sum(one["done"] for one in parts), max(one["seconds"] for one in parts)
    processor = sum(one["processor_seconds"] for one in parts)
    return {
        "done": done,
        "seconds": round(seconds, 2),
        "per_second": round(done / seconds, 1),
        "processor_ms": round(processor / done * 1000, 2),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
