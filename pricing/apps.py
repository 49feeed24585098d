from django.apps import AppConfig


class PricingConfig(AppConfig):
    """What something costs and why; signed quotes."""

    name = "pricing"
    default_auto_field = "django.db.models.BigAutoField"
