"""Compute providers: `simulated` (the embedded default) and `openstack`; settings say which."""

from django.conf import settings
from django.utils.module_loading import import_string

from provisioning.compute.providers.base import ComputeProvider


def provider(region: str) -> ComputeProvider:
    """Who makes servers in a region, by its code."""
    found: ComputeProvider = import_string(settings.COMPUTE_PROVIDER)(region)
    return found
