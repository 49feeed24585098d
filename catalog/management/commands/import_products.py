"""`manage.py import_products FILE`: take in products from JSON Lines or CSV (docs/catalogue-data.md)."""

import contextlib
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import IO, Any

from django.core.management.base import BaseCommand, CommandError

from catalog.exchange.importing import import_products
from catalog.exchange.reading import BadRow


class Command(BaseCommand):
    """Prints a line for each bad row, with line, slug, field and reason between tabs; exit code 1 when there is one."""

    help = "Import products from a JSON Lines or CSV file; new ones are added, known ones changed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--format", choices=["jsonl", "csv"], help="default: by the file's name")
        parser.add_argument("--dry-run", action="store_true", help="check everything, change nothing")
        parser.add_argument("--resume", action="store_true", help="go on where a broken run of this file stopped")
        parser.add_argument("--report", type=Path, help="write the bad rows there instead of to the terminal")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        if not path.is_file():
            raise CommandError(f"There is no file {path}.")
        kind = options["format"] or ("csv" if path.suffix.lower() == ".csv" else "jsonl")
        with contextlib.ExitStack() as stack:
            lines: list[IO[str]] = []

            def begin(after: int) -> None:
                if report := options["report"]:
                    lines.append(stack.enter_context(_opened(report, after)))

            def tell(bad: BadRow) -> None:
                (lines[0] if lines else self.stdout).write(f"{bad}\n")

            try:
                done = import_products(
                    path, kind, tell, dry_run=options["dry_run"], resume=options["resume"], begin=begin
                )
            except OSError as error:
                raise CommandError(f"{error.filename}: {error.strerror}.") from error
        if done.resumed_after:
            self.stdout.write(f"Went on behind line {done.resumed_after}.")
        verb = "would be imported" if options["dry_run"] else "imported"
        self.stdout.write(f"{done.imported} products {verb}, {done.bad} faults.")
        if done.bad:
            sys.exit(1)


def _opened(report: Path, after: int) -> IO[str]:
    """The report, one line on disk as soon as it is told; a broken run's lines stay as far as its rows count as done."""
    kept = []
    if after and report.is_file():
        with report.open(encoding="utf-8") as earlier:
            kept = [line for line in earlier if line.split("\t")[0].isdigit() and int(line.split("\t")[0]) <= after]
    file = report.open("w", encoding="utf-8", buffering=1)
    file.writelines(kept)
    return file
