"""Operations staff's screens of what machines deliver."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.web import operator_actor
from koogallery.kernel.admin import ReadOnlyAdmin
from koogallery.kernel.errors import DomainError
from provisioning.models import Call, ProductInterface
from provisioning.saas.interfaces import lift_delisting


@admin.register(ProductInterface)
class ProductInterfaceAdmin(ReadOnlyAdmin):
    """Where sellers have SaaS orders sent, and which products are off sale because too many of theirs failed."""

    list_display = ["product", "seller", "version", "url", "changed_at", "delisted_at"]
    list_filter = [("delisted_at", admin.EmptyFieldListFilter), "version"]
    list_select_related = ["product__seller"]
    search_fields = ["product__name", "product__slug", "product__seller__name"]
    actions = ["lift"]
    show_full_result_count = False

    @admin.display(description="Seller")
    def seller(self, one: ProductInterface) -> str:
        return one.product.seller.name

    @admin.action(description="Put on sale again", permissions=["retry"])
    def lift(self, request: HttpRequest, queryset: QuerySet[ProductInterface]) -> None:
        assert request.user.is_authenticated
        for one in queryset.select_related("product"):
            try:
                lift_delisting(one.product, by=operator_actor(request.user))
            except DomainError as refused:
                self.message_user(request, f"{one.product}: {refused.message}", messages.ERROR)
            else:
                self.message_user(request, f"{one.product} is on sale again.", messages.SUCCESS)


@admin.register(Call)
class CallAdmin(ReadOnlyAdmin):
    """Calls to sellers; what was said in them the seller reads in Service Interface Messages."""

    list_display = ["public_id", "order", "seller", "activity", "status", "tries", "next_try_at", "give_up_at", "error"]
    list_filter = ["status", "activity"]
    list_select_related = ["order", "seller"]
    search_fields = ["=order__number", "=public_id", "seller__name"]
    fields = [
        "public_id", "order", "seller", "product", "instance", "activity", "status", "tries", "code", "error",
        "created_at", "next_try_at", "give_up_at", "ended_at",
    ]  # fmt: skip
    show_full_result_count = False
