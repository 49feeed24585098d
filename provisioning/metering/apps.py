from django.apps import AppConfig


class MeteringConfig(AppConfig):
    """When pay-per-use subscriptions ran, and the hours that it comes to."""

    name = "provisioning.metering"
    label = "metering"
    default_auto_field = "django.db.models.BigAutoField"
