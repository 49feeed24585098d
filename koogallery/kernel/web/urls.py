"""Addresses of the house itself: look, story page, health."""

from django.urls import path

from koogallery.kernel.web import health, styleguide, views

app_name = "web"

urlpatterns = [
    path("display/theme/", views.theme, name="theme"),
    path("styleguide/", styleguide.styleguide, name="styleguide"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
