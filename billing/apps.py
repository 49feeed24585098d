from django.apps import AppConfig


class BillingConfig(AppConfig):
    """Cards, payments, the journal, refunds."""

    name = "billing"
    default_auto_field = "django.db.models.BigAutoField"
