from django.apps import AppConfig


class RenewalsConfig(AppConfig):
    """How subscriptions renew, expire, and are released."""

    name = "renewals"
    default_auto_field = "django.db.models.BigAutoField"
