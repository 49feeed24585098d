"""Operations staff's screens of payments, of what goes back of them, and of what banks took back."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from billing.admin_forms import ReferenceActionForm
from billing.admin_verbs import VerbAdmin, operator
from billing.models import Dispute, Payment, PaymentAllocation, Refund, charge_backs_of
from billing.rules import payment_state
from billing.services import record_refund_by_hand
from koogallery.kernel.admin import ReadOnlyAdmin, money_column
from koogallery.kernel.web.badges import badge_for
from orders.admin import OrderAdmin, ReadOnlyInline


def state_of(payment: Payment, row: Any) -> str:
    """A payment's state as its buyer reads it; `row` is annotated with `charge_backs_of`."""
    return str(badge_for("payment", payment_state(payment.status, row.in_dispute, row.taken_back)).label)


class AllocationInline(ReadOnlyInline):
    model = PaymentAllocation
    fields: ClassVar[Any] = ["order", "payment", "status", money_column("amount"), "counted_at"]
    readonly_fields = fields

    @admin.display(description="status of the payment")
    def status(self, one: Any) -> str:
        return state_of(one.payment, one)

    def get_queryset(self, request: HttpRequest) -> QuerySet[PaymentAllocation]:
        rows: QuerySet[PaymentAllocation] = super().get_queryset(request)
        return rows.select_related("payment", "order").annotate(**charge_backs_of("payment"))


class RefundInline(ReadOnlyInline):
    model = Refund
    fields: ClassVar[Any] = ["public_id", "payment", money_column("amount"), "status", "reason", "ended_at"]
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("payment")


class DisputeInline(ReadOnlyInline):
    model = Dispute
    fields: ClassVar[Any] = ["reference", money_column("amount"), "status", "opened_at", "ended_at"]
    readonly_fields = fields


# What an order's screen shows of its money; orders know nothing of it.
OrderAdmin.inlines = [*OrderAdmin.inlines, AllocationInline, RefundInline]


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    """Charges, with the orders that they are for."""

    fields: ClassVar[Any] = [
        "public_id",
        "account",
        "method",
        "card",
        "reseller",
        "statement",
        "usage_bill",
        "state",
        *map(money_column, ("amount", "refunded")),
        "gateway",
        "reference",
        "failure_code",
        "failure_message",
        "created_at",
        "ask_gateway_at",
        "ended_at",
    ]
    readonly_fields = fields

    list_display = [
        "public_id",
        "account",
        "method",
        money_column("amount"),
        "state",
        "gateway",
        "reference",
        "created_at",
    ]
    list_filter = ["status", "method", "gateway"]
    list_select_related = ["account"]
    search_fields = ["public_id", "reference", "account__name", "allocations__order__number"]
    inlines = [AllocationInline, RefundInline, DisputeInline]
    show_full_result_count = False

    @admin.display(description="status", ordering="status")
    def state(self, one: Payment) -> str:
        return state_of(one, one)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).annotate(**charge_backs_of("pk"))


@admin.register(Refund)
class RefundAdmin(VerbAdmin):
    """Money on its way back. What the processor refuses for good is paid by hand and recorded here."""

    list_display = ["public_id", "order", money_column("amount"), "status", "reason", "created_at", "ended_at"]
    list_filter = ["status"]
    list_select_related = ["order"]
    search_fields = ["public_id", "order__number"]
    action_form = ReferenceActionForm
    actions = ["paid_by_hand"]
    show_full_result_count = False

    @admin.action(description="Was paid by transfer (give the bank's reference)", permissions=["verb"])
    def paid_by_hand(self, request: HttpRequest, queryset: QuerySet[Refund]) -> None:
        reference = request.POST.get("reference", "")
        self.each(request, queryset, lambda one: record_refund_by_hand(one, reference, by=operator(request)))


@admin.register(Dispute)
class DisputeAdmin(ReadOnlyAdmin):
    """Charge-backs; the processor's messages move them."""

    list_display = ["reference", "payment", money_column("amount"), "status", "opened_at", "ended_at"]
    list_filter = ["status"]
    list_select_related = ["payment"]
    search_fields = ["reference", "payment__public_id"]
