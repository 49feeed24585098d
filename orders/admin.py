"""Operations staff's screens of orders and subscriptions: to look at; what moves has a verb elsewhere."""

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest

from koogallery.kernel.admin import ReadOnlyAdmin, money_column
from orders.models import AcceptedAgreement, Order, OrderDelivery, OrderLine, Subscription

if TYPE_CHECKING:
    TabularInline = admin.TabularInline[Any, Any]
else:
    TabularInline = admin.TabularInline


class ReadOnlyInline(TabularInline):
    """Rows to look at."""

    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class LineInline(ReadOnlyInline):
    model = OrderLine
    fields: ClassVar[Any] = [
        "product_name", "specification_name", "attributes", "quantity", "billing_mode", "duration_label",
        money_column("amount"),
    ]  # fmt: skip
    readonly_fields = fields


class DeliveryInline(ReadOnlyInline):
    model = OrderDelivery
    fields: ClassVar[Any] = ["deliverer", "status", "started_at", "ended_at"]
    readonly_fields = fields


class AgreementInline(ReadOnlyInline):
    model = AcceptedAgreement
    fields = ["title", "version", "accepted_at", "accepted_by", "text_sha256"]


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    """Every order with its lines, deliverers and agreements; `billing` hangs its payments and refunds below them."""

    fields: ClassVar[Any] = [
        "number",
        "kind",
        "status",
        "account",
        "placed_by",
        "seller",
        "product",
        "subject",
        *map(money_column, ("list_price", "discount", "coupon", "tax", "payable")),
        "auto_renew",
        "created_at",
        "unpaid_until",
        "paid_at",
        "accepted_at",
        "completes_at",
        "completed_at",
        "cancelled_at",
        "cancel_reason",
        "quote",
    ]
    readonly_fields = fields

    list_display = [
        "number",
        "account",
        "seller",
        "product",
        "kind",
        "status",
        money_column("payable"),
        "created_at",
        "paid_at",
    ]
    list_filter = ["status", "kind", "created_at"]
    list_select_related = ["account", "seller", "product"]
    search_fields = ["number", "account__name", "seller__name"]
    date_hierarchy = "created_at"
    inlines = [LineInline, DeliveryInline, AgreementInline]
    show_full_result_count = False


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnlyAdmin):
    """Every purchased app."""

    list_display = ["public_id", "account", "product", "status", "starts_at", "expires_at"]
    list_filter = ["status", "delivery_method", "billing_mode"]
    list_select_related = ["account", "product"]
    search_fields = ["public_id", "account__name", "product__name"]
    show_full_result_count = False
