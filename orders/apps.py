from django.apps import AppConfig


class OrdersConfig(AppConfig):
    """Orders, subscriptions, their terms, and the two ports."""

    name = "orders"
    default_auto_field = "django.db.models.BigAutoField"
