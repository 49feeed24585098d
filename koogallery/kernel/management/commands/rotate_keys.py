"""`manage.py rotate_keys`: everything that is encrypted comes under the newest key of SECRETS_KEYS."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from koogallery.kernel.rotating import rotate_keys


class Command(BaseCommand):
    """Encrypt every secret anew with the newest key; safe while the marketplace runs, and again after a break."""

    help = "Encrypt every secret anew with the newest key of SECRETS_KEYS."

    def handle(self, *args: Any, **options: Any) -> None:
        done = rotate_keys(self.progress)
        for one in done:
            self.stdout.write(
                f"{one.column}: {one.seen:,} seen, {one.changed:,} encrypted anew, {one.unreadable} unreadable"
            )
        if any(one.unreadable for one in done):
            raise CommandError("Some secrets open with none of SECRETS_KEYS: put the key back that was taken away.")

    def progress(self, column: str, done: int, of: int) -> None:
        """A line that grows, on terminals."""
        if sys.stdout.isatty():
            self.stdout.write(f"  {column} {done:,}/{of:,}", ending="\n" if done >= of else "\r")
