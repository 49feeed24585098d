"""Addresses of a person's own pages; logging in and registering are django-allauth's."""

from django.urls import path

from accounts.views import own

app_name = "accounts"

urlpatterns = [
    path("account/settings/", own.own_settings, name="settings"),
    path("account/settings/appeals/", own.appeal_filing, name="appeal_filing"),
    path("account/switch/", own.switch, name="switch"),
    path("account/api-keys/", own.api_keys, name="api_keys"),
    path("account/api-keys/<int:pk>/revoke/", own.revoke, name="api_key_revoke"),
]
