"""Addresses of usage, in the Billing Center."""

from django.urls import path

from provisioning.metering import views

app_name = "metering"

urlpatterns = [
    path("billing/usage/", views.usage, name="usage"),
    path("billing/usage/export.csv", views.usage_csv, name="usage_csv"),
]
