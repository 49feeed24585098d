"""`manage.py reconcile`: the card processor's list of charges, fees and refunds against our books; exit 1 with a line
for each difference, 2 when the processor does not answer."""

import argparse
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand

from billing.gateways import gateway, gateway_named
from billing.gateways.base import GatewayUnavailable
from billing.services.reconciling import differences
from koogallery.kernel import clock

DAYS = 7


def a_time(given: str) -> datetime:
    """A date or time of ISO 8601, in UTC where it has no zone."""
    try:
        read = datetime.fromisoformat(given)
    except ValueError as wrong:
        raise argparse.ArgumentTypeError(f"{given} is no date or time, such as 2026-01-31.") from wrong
    return read if read.tzinfo else read.replace(tzinfo=UTC)


class Command(BaseCommand):
    """Compare with the processor."""

    help = "Compare the card processor's charges, fees and refunds with the books."

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--since", type=a_time, help=f"Begun from here on; {DAYS} days ago if left out.")
        parser.add_argument("--until", type=a_time, help="Begun before; now if left out.")
        parser.add_argument("--gateway", default="", help="Another processor than the one in use: sandbox, stripe.")

    def handle(self, *args: Any, **options: Any) -> None:
        until = options["until"] or clock.now()
        since = options["since"] or until - timedelta(days=DAYS)
        try:
            processor = gateway_named(options["gateway"]) if options["gateway"] else gateway()
            found = list(differences(processor, since, until))
        except GatewayUnavailable as failed:
            self.stderr.write(f"The card processor does not answer: {failed}")
            sys.exit(2)
        for line in found:
            self.stdout.write(line)
        if found:
            sys.exit(1)
        self.stdout.write(f"{processor.name} and the books agree from {since.isoformat()} to {until.isoformat()}.")
