from django.apps import AppConfig


class ProvisioningConfig(AppConfig):
    """What a buyer logs in to his application with."""

    name = "provisioning"
    default_auto_field = "django.db.models.BigAutoField"
