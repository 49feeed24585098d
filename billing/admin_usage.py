"""Operations' screens of pay-per-use bills: to look at, for nobody changes what was billed."""

from django.contrib import admin

from billing.models import UsageBill, UsageBillLine
from koogallery.kernel.admin import ReadOnlyAdmin
from orders.admin import ReadOnlyInline


class UsageBillLineInline(ReadOnlyInline):
    """What the bill takes."""

    model = UsageBillLine
    fields = ["subscription", "line", "month", "seconds", "unit_price", "discount_percent", "amount", "tax"]


@admin.register(UsageBill)
class UsageBillAdmin(ReadOnlyAdmin):
    """Bills of pay-per-use, with what is in arrears."""

    list_display = [
        "public_id",
        "account",
        "until",
        "amount",
        "currency",
        "status",
        "arrears_at",
        "freezes_at",
        "paid_at",
    ]
    list_filter = ["status", "closes_month", "currency", "until"]
    list_select_related = ["account"]
    search_fields = ["public_id", "account__name"]
    date_hierarchy = "until"
    inlines = [UsageBillLineInline]
    show_full_result_count = False
