"""How many invoices are numbered and how many PDFs are set a second (docs/benchmarks.md).

    .venv/bin/python bench/invoices.py [--invoices 2000] [--processes 2] [--data DIR] [--json FILE]

All are of one seller, so that every process wants the same counter. The exit status is 1 when a number is missing.
"""

import argparse
import json
import os
import platform
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
# A script's own folder comes first, where `orders` and others could be files of this folder.
sys.path[0] = str(ROOT)

from bench import place  # noqa: E402
from bench.ending import status_of  # noqa: E402

INVOICES = 2_000
PRODUCTS = 50


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="bench/invoices.py", description="Measure issuing invoices.")
    parser.add_argument("--invoices", type=int, default=INVOICES, help=f"how many ({INVOICES:,})")
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
        figures = {name: _beside(here, name, asked.processes) for name in ("issue", "set")}
        found = json.loads(place.run(here, "-m", "bench.issuing", "check"))
    written = {
        "measured_at": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": {"cores": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()},
        "processes": asked.processes,
        "found": found,
        **figures,
    }
    if asked.json:
        asked.json.write_text(json.dumps(written, indent=1), encoding="utf-8")
    print("\n".join(table(written)))
    return 0 if found["gapless"] and found["documents"] == asked.invoices else 1


def _beside(here: place.Place, name: str, processes: int) -> dict[str, float]:
    """Every process its portion; the slowest one's time is everybody's."""
    with ThreadPoolExecutor(processes) as pool:
        runs = [
            pool.submit(place.run, here, "-m", "bench.issuing", name, str(part), str(processes))
            for part in range(processes)
        ]
        parts = [json.loads(one.result()) for one in runs]
    done, seconds = sum(one["done"] for one in parts), max(one["seconds"] for one in parts)
    processor = sum(one["processor_seconds"] for one in parts)
    return {
        "done": done,
        "seconds": round(seconds, 2),
        "per_second": round(done / seconds, 1),
        "processor_ms": round(processor / done * 1000, 2),
    }


def table(written: dict[str, Any]) -> list[str]:
    """The figures as the page of benchmarks prints them."""
    words = {"issue": "numbers given and documents written", "set": "PDFs set"}
    lines = [
        f"| | a second, {written['processes']} processes | processor ms of one (Python) |",
        "| --- | --- | --- |",
    ]
    lines += [
        f"| {label} ({written[name]['done']:,}) | {written[name]['per_second']} | {written[name]['processor_ms']} |"
        for name, label in words.items()
    ]
    gap = "none" if written["found"]["gapless"] else "MISSING NUMBERS"
    return [*lines, f"Gaps in {written['found']['documents']:,} numbers: {gap}."]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
