from django.apps import AppConfig


class CatalogConfig(AppConfig):
    """Categories, products, specifications, list prices, and the way to find them."""

    name = "catalog"
    default_auto_field = "django.db.models.BigAutoField"
