from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """People, buying accounts, sellers, roles and API keys."""

    name = "accounts"
    default_auto_field = "django.db.models.BigAutoField"
