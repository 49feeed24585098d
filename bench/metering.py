"""What an hour of metering costs with many running pay-per-use servers, and whether it is right to the second.

    .venv/bin/python bench/metering.py [--servers 100000] [--hours 3] [--json FILE]

A part of the servers starts and stops within the hours, some of them late and twice. The exit status is 1 when an hour takes a
minute or longer, or a second is wrong.
"""

import argparse
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# A script's own folder comes first, where `orders` and others could be files of this folder.
sys.path[0] = str(ROOT)

from bench import place  # noqa: E402
from bench.catalog import number_above_zero  # noqa: E402
from bench.ending import status_of  # noqa: E402

SERVERS, HOURS = 100_000, 3
LONGEST_SECONDS = 60.0


def main(arguments: list[str]) -> int:
    """Measure, print, write; the exit status."""
    parser = argparse.ArgumentParser(prog="bench/metering.py", description="Measure the hourly metering.")
    parser.add_argument("--servers", type=int, default=SERVERS, help=f"running ones ({SERVERS:,})")
    parser.add_argument("--hours", type=int, default=HOURS, help=f"hours to record, one after the other ({HOURS})")
    parser.add_argument("--most-seconds", type=number_above_zero, default=LONGEST_SECONDS, help="an hour's target (60)")
    parser.add_argument("--json", type=Path, help="write the figures there")
    asked = parser.parse_args(arguments)
    return status_of(lambda: _measure(asked))


def _measure(asked: argparse.Namespace) -> int:
    with place.opened(None, durable=True) as here:
        place.run(here, "manage.py", "migrate", "-v0", "--no-input")
        found = json.loads(place.run(here, "-m", "bench.meters", str(asked.servers), str(asked.hours)).splitlines()[-1])
    for one in found["hours"]:
        print(
            f"{one['what']}: {one['records']:,} records in {one['seconds']:.1f} s "
            f"(processor: ours {one['processor']:.1f} s)"
        )
    print(f"{found['seconds']:,} seconds recorded, {found['wrong']} meters differ from the count by hand.")
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=2))
    longest = max(one["seconds"] for one in found["hours"])
    return int(longest >= asked.most_seconds or found["wrong"] > 0 or bool(found["breaches"]))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
