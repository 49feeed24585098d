"""Every address of the project: pages by app, the REST interface under /api/v1/, operations under /admin/."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("catalog.urls")),
    path("", include("pricing.urls")),
    path("", include("orders.urls")),
    path("", include("billing.urls")),
    path("", include("provisioning.metering.urls")),
    path("", include("provisioning.compute.urls")),
    path("", include("supervision.urls")),
    path("", include("provisioning.urls")),
    path("", include("renewals.urls")),
    path("", include("notifications.urls")),
    path("", include("support.urls")),
    path("", include("accounts.urls")),
    path("", include("koogallery.kernel.web.urls")),
    path("api/v1/", include("koogallery.api_urls")),
    path("admin/", admin.site.urls),
    path("account/", include("allauth.account.urls")),
    path("account/", include("allauth.mfa.urls")),
]

handler400 = "koogallery.kernel.web.faults.bad_request"
handler403 = "koogallery.kernel.web.faults.forbidden"
handler404 = "koogallery.kernel.web.faults.not_found"
handler500 = "koogallery.kernel.web.faults.server_error"
