"""`manage.py rebuild_search`: build the search index anew while the shop serves."""

from time import monotonic
from typing import Any

from django.core.management.base import BaseCommand

from catalog.search.index.upkeep import rebuild


class Command(BaseCommand):
    """Builds a new segment; the web processes of this machine take it over within seconds."""

    help = "Build the search index anew. The shop goes on serving with the old one meanwhile."

    def handle(self, *args: Any, **options: Any) -> None:
        began = monotonic()
        products = rebuild()
        self.stdout.write(f"Indexed {products} products in {monotonic() - began:.1f} s.")
