"""Operations staff's screens of money: payments, refunds, the journal. Nothing is edited here."""

from django.contrib import admin

from billing.models import JournalEntry, Payment, PaymentAllocation, PaymentMethod, Posting, Refund
from koogallery.kernel.admin import ReadOnlyAdmin
from orders.admin import ReadOnlyInline


class AllocationInline(ReadOnlyInline):
    model = PaymentAllocation


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    """Charges, with the orders that they are for."""

    list_display = [
        "public_id",
        "account",
        "method",
        "amount",
        "currency",
        "status",
        "gateway",
        "reference",
        "created_at",
    ]
    list_filter = ["status", "method", "gateway"]
    list_select_related = ["account"]
    search_fields = ["public_id", "reference", "account__name", "allocations__order__number"]
    inlines = [AllocationInline]
    show_full_result_count = False


@admin.register(Refund)
class RefundAdmin(ReadOnlyAdmin):
    """Money on its way back."""

    list_display = ["public_id", "order", "amount", "currency", "status", "reason", "created_at", "ended_at"]
    list_filter = ["status"]
    list_select_related = ["order"]
    search_fields = ["public_id", "order__number"]


class PostingInline(ReadOnlyInline):
    model = Posting


@admin.register(JournalEntry)
class JournalEntryAdmin(ReadOnlyAdmin):
    """The books."""

    list_display = ["at", "kind", "order", "payment", "refund", "text"]
    list_filter = ["kind", "at"]
    list_select_related = ["order", "payment", "refund"]
    search_fields = ["order__number", "payment__public_id"]
    date_hierarchy = "at"
    inlines = [PostingInline]
    show_full_result_count = False


@admin.register(PaymentMethod)
class PaymentMethodAdmin(ReadOnlyAdmin):
    """Bound cards: brand and last digits, as the processor tells them."""

    list_display = ["account", "brand", "last4", "expires_year", "expires_month", "is_default", "unbound_at"]
    list_select_related = ["account"]
    search_fields = ["account__name", "last4"]
    fields = [
        "account",
        "brand",
        "last4",
        "expires_year",
        "expires_month",
        "is_default",
        "gateway",
        "bound_at",
        "unbound_at",
    ]
