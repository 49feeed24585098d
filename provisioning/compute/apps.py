from django.apps import AppConfig


class ComputeConfig(AppConfig):
    """Images that become servers: networks, deployments, compute providers, the server's console page."""

    name = "provisioning.compute"
    label = "compute"
    default_auto_field = "django.db.models.BigAutoField"
