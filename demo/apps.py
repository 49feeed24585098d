from django.apps import AppConfig


class DemoConfig(AppConfig):
    """The demo marketplace: people, catalogue and orders in every state."""

    name = "demo"
    default_auto_field = "django.db.models.BigAutoField"
