"""`manage.py check_books`: every invariant that spans tables; exit 1 and a line for each breach."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from koogallery.kernel.books import breaches, invariants


class Command(BaseCommand):
    """Recompute the ledger and every cross-table invariant."""

    help = "Check the ledger and every invariant that spans tables."

    def handle(self, *args: Any, **options: Any) -> None:
        found = list(breaches())
        for breach in found:
            self.stdout.write(str(breach))
        if found:
            sys.exit(1)
        self.stdout.write(f"The books are right: {len(invariants())} invariants hold.")
