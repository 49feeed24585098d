"""`manage.py run_timers`: fire by hand what the worker fires by itself, now or at a time ahead."""

from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from koogallery.kernel.errors import DomainError
from koogallery.kernel.quiet import run_until_quiet

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)


class Command(BaseCommand):
    help = (
        "Fire what is due now, or would be due at a given time, in order of due time across all timers, with "
        "everything that follows from it. Prints a line for each timer: name, fired, failed. "
        "Exit status 1 when something failed; it is tried again by itself."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("names", nargs="*", metavar="NAME", help="only these timers (default: all)")
        parser.add_argument("--at", metavar="ISO-TIME", help="a time with zone, such as 2026-11-22T09:40:00Z")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            run = run_until_quiet(at=_parse(options["at"]), names=options["names"])
        except DomainError as error:
            raise CommandError(error.message) from error
        for name, tally in run.timers.items():
            self.stdout.write(f"{name} {tally.fired} {tally.failed}")
        if run.failed:
            raise CommandError(
                f"{run.failed - run.outbox.failed} firings and {run.outbox.failed} outbox deliveries failed. "
                "Each is tried again by itself; see Timer failures and Outbox messages in the admin."
            )


def _parse(text: str | datetime | None) -> datetime | None:
    """The time given with `--at`; a program may hand over a datetime."""
    if text is None:
        return None
    try:
        at = text if isinstance(text, datetime) else datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"--at {text} is not an ISO 8601 time such as 2026-11-22T09:40:00Z.") from error
    if at.tzinfo is None:
        raise CommandError(f"--at {text} has no zone: write 2026-11-22T09:40:00Z or 2026-11-22T17:40:00+08:00.")
    if not EARLIEST <= at <= LATEST:
        raise CommandError(f"--at {text} is not between {EARLIEST:%Y} and {LATEST:%Y}.")
    return at
