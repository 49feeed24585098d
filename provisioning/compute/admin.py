"""Operations staff's screens of servers: to look at; quotas and the simulated cloud's stock can be set."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin

from koogallery.kernel.admin import ReadOnlyAdmin
from provisioning.compute.models import CloudResource, Deployment, Orphan, Server, ServerQuota, SimulatedStock

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin


@admin.register(Server)
class ServerAdmin(ReadOnlyAdmin):
    """Every server, with what the cloud said last."""

    list_display = ["public_id", "name", "account", "status", "attempt", "next_step_at", "fault", "created_at"]
    list_filter = ["status"]
    list_select_related = ["account"]
    search_fields = ["public_id", "name", "account__name", "deployment__order__number"]
    show_full_result_count = False


@admin.register(Deployment)
class DeploymentAdmin(ReadOnlyAdmin):
    """What was ordered. The sealed password is not among the fields."""

    list_display = ["order", "account", "status", "quantity", "flavor", "region", "created_at"]
    list_filter = ["status", "region"]
    list_select_related = ["order", "account", "flavor", "region"]
    search_fields = ["order__number", "account__name", "name"]
    exclude = ["password"]
    show_full_result_count = False


@admin.register(CloudResource)
class CloudResourceAdmin(ReadOnlyAdmin):
    """Everything that we have, or want to have, at the compute provider."""

    list_display = ["token", "kind", "status", "ref", "account", "region", "server", "created_at", "gone_at"]
    list_filter = ["status", "kind", "region"]
    list_select_related = ["account", "region", "server"]
    search_fields = ["token", "ref", "account__name"]
    show_full_result_count = False


@admin.register(Orphan)
class OrphanAdmin(ReadOnlyAdmin):
    """What the reconciler found at a provider that nobody wanted."""

    list_display = ["token", "kind", "ref", "region", "found_at", "deleted_at", "error"]
    list_filter = ["kind", "region"]
    list_select_related = ["region"]
    search_fields = ["token", "ref"]


@admin.register(ServerQuota)
class ServerQuotaAdmin(ModelAdmin):
    """How many servers an account may have, where it is not the settings' number."""

    list_display = ["account", "servers"]
    list_select_related = ["account"]
    search_fields = ["account__name"]
    autocomplete_fields = ["account"]


@admin.register(SimulatedStock)
class SimulatedStockAdmin(ModelAdmin):
    """What the simulated cloud has left."""

    list_display = ["region", "what", "left"]
    search_fields = ["region", "what"]
