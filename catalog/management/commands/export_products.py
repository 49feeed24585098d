"""`manage.py export_products [FILE]`: write products as JSON Lines or CSV (docs/catalogue-data.md)."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from catalog.exchange.writing import export_products


class Command(BaseCommand):
    """Writes to the file, or to standard output."""

    help = "Export products as JSON Lines or CSV; importing the file again changes nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, nargs="?")
        parser.add_argument("--format", choices=["jsonl", "csv"], help="default: by the file's name, else jsonl")
        parser.add_argument("--seller", default="", help="only this seller's, by slug")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path | None = options["file"]
        kind = options["format"] or ("csv" if path and path.suffix.lower() == ".csv" else "jsonl")
        if path is None:
            export_products(sys.stdout, kind, seller=options["seller"])
            return
        with path.open("w", encoding="utf-8", newline="") as file:
            number = export_products(file, kind, seller=options["seller"])
        self.stdout.write(f"{number} products written.")
