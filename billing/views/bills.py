"""Usage bills in the Billing Center: what was used, by line; and paying one that could not be charged."""

from collections.abc import Iterator
from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet, Sum
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.permissions import Permission, may
from accounts.web import BuyerRequest, buyer_required
from billing.errors import PaymentActionRequired, PaymentDeclined, PaymentMethodRequired
from billing.models import UsageBill
from billing.services import methods_of, pay_usage_bill
from billing.views.leaving import leave_for
from billing.views.pay import chosen_method
from koogallery.kernel.errors import DomainError, InvalidInput
from koogallery.kernel.money import Money
from koogallery.kernel.text import csv_cell
from koogallery.kernel.web.csv_export import csv_file
from orders import ports

PAGE_SIZE = 20


@require_safe
@buyer_required()
def bill_list(request: BuyerRequest) -> HttpResponse:
    """`/billing/bills/`: the account's usage bills, newest first, and what is in arrears."""
    rows = UsageBill.objects.for_account(request.account).newest_first()
    in_arrears = rows.filter(status="arrears").order_by().values("currency").annotate(total=Sum("amount"))
    context = {
        "page": Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page")),
        "in_arrears": [Money(one["total"], one["currency"]) for one in in_arrears],
    }
    return render(request, "billing/bill_list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@buyer_required()
def bill(request: BuyerRequest, public_id: str) -> HttpResponse:
    """`/billing/bills/<id>/`: its lines, how it was paid, or how to pay it."""
    found = get_object_or_404(
        UsageBill.objects.for_account(request.account).select_related("account"), public_id=public_id
    )
    error: DomainError | None = None
    if request.method == "POST":
        try:
            pay_usage_bill(found, chosen_method(request), by=request.actor)
            return redirect(found)
        except PaymentActionRequired as action:
            return leave_for(request, str(action.extra["action_url"]), _("Confirm this payment"))
        except (PaymentDeclined, PaymentMethodRequired, InvalidInput) as refused:
            error = refused
    methods = methods_of(request.account, found.money, with_credit=False)
    lines = _lines(found).select_related("line__order__product", "subscription")
    context = {
        "bill": found,
        "page": Paginator(lines, PAGE_SIZE).get_page(request.GET.get("page")),
        "payment": found.payments.order_by("-created_at").select_related("card").first(),
        "methods": methods,
        "balance_is_enough": found.money <= methods.balance,
        "may_pay": may(request.membership.role, Permission.PAY),
        "error": error,
    }
    return render(request, "billing/bill.html", context, status=422 if error else 200)


def _lines(bill: UsageBill) -> QuerySet[Any]:
    """A bill's lines in their order, with the names of the servers that were used."""
    rows = bill.lines.order_by("month", "line_id", "subscription_id")
    return ports.deployments().with_server_names(rows, "subscription")


@require_safe
@buyer_required()
def bill_csv(request: BuyerRequest, public_id: str) -> StreamingHttpResponse:
    """`/billing/bills/<id>/export.csv`: all lines of a bill, with its sum as the last row."""
    found = get_object_or_404(UsageBill.objects.for_account(request.account), public_id=public_id)
    return csv_file(bill_rows(found), f"usage-bill-{found.month:%Y-%m}-{found.public_id}.csv")


HEAD = [
    "month",
    "product",
    "specification",
    "order",
    "subscription",
    "server",
    "seconds",
    "price per hour",
    "discount percent",
    "amount",
    "tax",
    "currency",
]


def bill_rows(found: UsageBill) -> Iterator[list[str]]:
    """A bill as rows of a file: the head, its lines, their sums."""
    yield HEAD
    lines = _lines(found).select_related("line__order", "subscription")
    amount = tax = Money.zero(found.currency)
    for one in lines.iterator(chunk_size=2000):
        amount, tax = amount + one.money, tax + one.tax_money
        yield [
            f"{one.month:%Y-%m}",
            csv_cell(one.line.product_name),
            csv_cell(one.line.specification_name),
            one.line.order.number,
            one.subscription.public_id,
            csv_cell(one.server_name),
            str(one.seconds),
            one.hourly.digits(),
            f"{one.discount_percent.normalize():f}",
            one.money.digits(),
            one.tax_money.digits(),
            one.currency,
        ]
    yield ["total", "", "", "", "", "", "", "", "", amount.digits(), tax.digits(), found.currency]
