"""The room of requests to people: requirements, sales enquiries, help."""

from django.apps import AppConfig


class SupportConfig(AppConfig):
    name = "support"
