from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    """Who is told what, in the product and by e-mail."""

    name = "notifications"
    default_auto_field = "django.db.models.BigAutoField"
