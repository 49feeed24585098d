from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from supervision.docs import as_markdown


class Command(BaseCommand):
    help = "Write docs/flows.md from the graph of service flows."

    def handle(self, *args: Any, **options: Any) -> None:
        target = Path(settings.BASE_DIR) / "docs/flows.md"
        target.write_text(as_markdown())
        self.stdout.write(f"Wrote {target}.")
