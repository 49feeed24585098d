from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class KernelConfig(AppConfig):
    """Timers, outbox, idempotency: what every room stands on."""

    name = "koogallery.kernel"
    label = "kernel"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Let every room declare what becomes due, what it listens to and how its statuses look."""
        autodiscover_modules("timers", "consumers", "badges", "books")
