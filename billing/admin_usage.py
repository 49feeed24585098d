"""Operations' screens of pay-per-use bills: to look at, for nobody changes what was billed, and who gets some of it back."""

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.models import Reseller
from billing.admin_verbs import VerbAdmin, operator
from billing.models import UsageAccount, UsageBill, UsageBillLine
from billing.services import decide_usage_credit
from koogallery.kernel.admin import ReadOnlyAdmin
from koogallery.kernel.money import Money
from koogallery.kernel.web.admin_site import Queue, register_queue
from orders.admin import ReadOnlyInline


class UsageBillLineInline(ReadOnlyInline):
    """What the bill takes."""

    model = UsageBillLine
    fields = ["subscription", "line", "month", "seconds", "unit_price", "discount_percent", "amount", "tax", "fee"]


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


class ResellerActionForm(ActionForm):
    """Off whose debt, for the action that gives to a reseller."""

    reseller = forms.ModelChoiceField(Reseller.objects.order_by("name"), required=False, label=_("Reseller"))


@admin.register(UsageAccount)
class UsageAccountAdmin(VerbAdmin):
    """When accounts are billed for use next. What bills took too much, and several paid, waits here to be decided."""

    list_display = ["account", "currency", "next_bill_at", "billed_until", "to_decide", "undecided_until"]
    list_filter = [("undecided", admin.EmptyFieldListFilter), "currency"]
    list_select_related = ["account"]
    search_fields = ["account__name"]
    action_form = ResellerActionForm
    actions = ["to_the_account", "to_the_reseller"]
    show_full_result_count = False

    @admin.display(description=_("taken too much, to decide"), ordering="undecided", empty_value="—")
    def to_decide(self, one: UsageAccount) -> str | None:
        return None if one.undecided is None else Money(one.undecided, one.currency).display()

    @admin.action(description=_("Give it to the account's balance"), permissions=["verb"])
    def to_the_account(self, request: HttpRequest, queryset: QuerySet[UsageAccount]) -> None:
        self.each(request, queryset, lambda one: decide_usage_credit(one, None, by=operator(request)))

    @admin.action(description=_("Take it off what the reseller owes (choose him)"), permissions=["verb"])
    def to_the_reseller(self, request: HttpRequest, queryset: QuerySet[UsageAccount]) -> None:
        asked = request.POST.get("reseller", "")
        chosen = Reseller.objects.filter(pk=asked).first() if asked.isdecimal() else None
        if chosen is None:
            self.message_user(request, _("Choose the reseller."), messages.ERROR)
            return
        self.each(request, queryset, lambda one: decide_usage_credit(one, chosen, by=operator(request)))


register_queue(
    Queue(
        "Usage credits to decide",
        lambda: UsageAccount.objects.filter(undecided__isnull=False),
        since="undecided_until",
        query="?undecided__isempty=0",
    )
)
