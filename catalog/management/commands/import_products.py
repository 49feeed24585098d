"""`manage.py import_products FILE`: take in products from JSON Lines or CSV (docs/catalogue-data.md)."""

import contextlib
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from catalog.exchange.importing import import_products


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
            report = (
                stack.enter_context(options["report"].open("w", encoding="utf-8")) if options["report"] else self.stdout
            )
            done = import_products(
                path, kind, lambda bad: report.write(f"{bad}\n"), dry_run=options["dry_run"], resume=options["resume"]
            )
        if done.resumed_after:
            self.stdout.write(f"Went on behind line {done.resumed_after}.")
        verb = "would be imported" if options["dry_run"] else "imported"
        self.stdout.write(f"{done.imported} products {verb}, {done.bad} faults.")
        if done.bad:
            sys.exit(1)
