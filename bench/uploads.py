"""Whether the web server's memory stays flat while files are uploaded, and how long pages take meanwhile (docs/uploads.md).

    .venv/bin/python bench/uploads.py [--files 20] [--sizes 1,10,50,50] [--data DIR] [--json FILE]

After a warm-up, rounds of so many uploads at once, one round a size in MB: growth is the most that all web processes hold
beyond what they held after the warm-up. The exit status is 1 when a round grows by more than 20 MB.
"""

import argparse
import json
import os
import platform
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
# A script's own folder comes first, where `orders` and others could be files of this folder.
sys.path[0] = str(ROOT)

from bench import place  # noqa: E402
from bench.ending import status_of  # noqa: E402
from bench.sending import MIB, Program, Watch, png, visit  # noqa: E402

ALLOWED = 20 * MIB
PRODUCTS = 50
PAGE = "/products/"
WARM_ROUNDS, WARM_SIZE, WARM_PAGES = 2, 2 * MIB, 300
REST_SECONDS = 15.0

_KEY = """
from accounts.models import Membership
from accounts.services import create_api_key
member = Membership.objects.select_related("user", "account").get(user__email="buyer@demo.example")
print(create_api_key(member.user, name="uploads", account=member.account)[1])
"""


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="bench/uploads.py", description="Measure memory and pages during uploads.")
    parser.add_argument("--files", type=int, default=20, help="uploads at once (20)")
    parser.add_argument("--sizes", default="1,10,50,50", help="MB, one round each (1,10,50,50)")
    parser.add_argument("--data", type=Path, help="a folder that keeps the demo for the next run")
    parser.add_argument("--json", type=Path, help="write the figures there")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    """Measure, print, write; the exit status."""
    asked = parse(arguments)
    return status_of(lambda: _measure(asked))


def _measure(asked: argparse.Namespace) -> int:
    more = {"PAGE_CACHE_SECONDS": "0", "UPLOADS_OPEN_MAX": str(10 * asked.files)}
    with place.opened(asked.data, durable=True) as here:
        place.prepare(here, PRODUCTS)
        secret = place.run(here, "manage.py", "shell", "-v0", "-c", _KEY).strip()
        with place.served(here, "koogallery.wsgi:application", ready="/readyz", **more) as (port, group):
            rounds = _rounds(Program(port, secret), group, asked)
    written = {
        "measured_at": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": {"cores": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()},
        "files": asked.files,
        "rounds": rounds,
    }
    if asked.json:
        asked.json.write_text(json.dumps(written, indent=1), encoding="utf-8")
    return int(any(one["growth"] > ALLOWED for one in rounds))


def _rounds(program: Program, group: int, asked: argparse.Namespace) -> list[dict[str, Any]]:
    with ThreadPoolExecutor(asked.files) as people:
        # Each thread of each process takes once what it keeps: a connection, what it has compiled, the pages' parts.
        for _ in range(WARM_ROUNDS):
            _upload(people, program, png(WARM_SIZE), asked.files)
        list(people.map(lambda _: visit(program.port, PAGE), range(WARM_PAGES)))
        return [_round(people, program, group, float(size), asked.files) for size in asked.sizes.split(",")]


def _round(people: ThreadPoolExecutor, program: Program, group: int, size: float, files: int) -> dict[str, Any]:
    content, began = png(round(size * MIB)), time.monotonic()
    with Watch(program.port, group, PAGE) as watch:
        _upload(people, program, content, files)
    seconds = time.monotonic() - began
    time.sleep(REST_SECONDS)
    after = place.memory_of(group)
    print(f"{files} uploads of {size:g} MB: {seconds:.1f} s, {watch}, {after / MIB:.0f} MB afterwards.", flush=True)
    return {
        "size_mb": size,
        "seconds": round(seconds, 1),
        "before": watch.before,
        "growth": watch.growth,
        "after": after,
        "pages": len(watch.waits),
        "page_p50_ms": round(watch.slowest_of(50) * 1000),
        "page_p95_ms": round(watch.slowest_of(95) * 1000),
        "page_slowest_ms": round(max(watch.waits) * 1000),
    }


def _upload(people: ThreadPoolExecutor, program: Program, content: bytes, files: int) -> None:
    """All at once; they are taken back afterwards, so that rounds do not fill the disk."""
    for upload in list(people.map(lambda _: program.in_parts(content), range(files))):
        program.ask("DELETE", f"uploads/{upload}/")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
