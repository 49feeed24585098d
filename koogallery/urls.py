"""Every address of the project: pages by app, the REST interface under /api/v1/, operations under /admin/."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
    path("account/", include("allauth.account.urls")),
    path("account/", include("allauth.mfa.urls")),
]
