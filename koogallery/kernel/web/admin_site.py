"""The operations staff's own admin site."""

from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig


class OperationsSite(AdminSite):
    """Django admin for operations staff: queues first, records read-only."""

    site_title = site_header = "KooGallery Operations"


class OperationsAdminConfig(AdminConfig):
    """Makes `OperationsSite` the default admin site."""

    default_site = "koogallery.kernel.web.admin_site.OperationsSite"
