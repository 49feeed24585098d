"""`manage.py verify_search`: compare the search index with the catalogue."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from catalog.search.engine import EngineUnavailable
from catalog.search.index.upkeep import breaches


class Command(BaseCommand):
    """Prints a line for each product that differs; exit code 1 when there is one."""

    help = "Compare the search index, brought up to date, with the catalogue; exit 1 and a line for each difference."

    def handle(self, *args: Any, **options: Any) -> None:
        found = 0
        try:
            for breach in breaches():
                found += 1
                self.stdout.write(str(breach))
        except EngineUnavailable as why:
            raise CommandError(str(why)) from None
        if found:
            raise CommandError(f"{found} products differ. Run manage.py rebuild_search.")
        self.stdout.write("The search index agrees with the catalogue.")
