from django.apps import AppConfig


class SupervisionConfig(AppConfig):
    """Service flows: delivery as a contract that moves step by step."""

    name = "supervision"
    default_auto_field = "django.db.models.BigAutoField"
