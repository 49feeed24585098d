"""Operations staff keep regions, flavors, their prices, and the versions of image products."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin

from catalog.models import Flavor, FlavorOffer, ImageVersion, Region, RegionRate

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
    TabularInline = admin.TabularInline[Any, Any]
else:
    ModelAdmin, TabularInline = admin.ModelAdmin, admin.TabularInline


class RateInline(TabularInline):
    model = RegionRate
    extra = 0


@admin.register(Region)
class RegionAdmin(ModelAdmin):
    """Regions with what disks and addresses cost there."""

    list_display = ["name", "code", "zones", "is_open", "position"]
    search_fields = ["name", "code"]
    inlines = [RateInline]


@admin.register(Flavor)
class FlavorAdmin(ModelAdmin):
    """Sizes of servers."""

    list_display = ["code", "ecs_type", "vcpus", "memory_gib", "cpu", "latest_generation"]
    list_filter = ["ecs_type", "family", "latest_generation"]
    search_fields = ["code"]


@admin.register(FlavorOffer)
class FlavorOfferAdmin(ModelAdmin):
    """What a flavor costs in a region, and whether it is sold out there."""

    list_display = ["flavor", "region", "currency", "pay_per_use", "monthly", "yearly", "sold_out"]
    list_select_related = ["flavor", "region"]
    list_filter = ["region", "sold_out"]
    list_editable = ["sold_out"]
    search_fields = ["flavor__code", "region__name"]
    autocomplete_fields = ["flavor", "region"]


@admin.register(ImageVersion)
class ImageVersionAdmin(ModelAdmin):
    """Versions of image products."""

    list_display = ["name", "version", "product", "platform", "disk_gb", "released_at", "removed_at"]
    list_select_related = ["product"]
    search_fields = ["name", "product__name"]
    autocomplete_fields = ["product"]
