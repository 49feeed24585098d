"""My Orders and one order's details, in the Billing Center (UX 3.5)."""

from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Exists, F, OuterRef, Prefetch, Q
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.permissions import Permission, may
from accounts.web import BuyerRequest, buyer_required
from billing.choices import PaymentMethodKind
from billing.documents import receipt_pdf
from billing.invoices.choices import COUNTED
from billing.invoices.rules import is_platforms
from billing.invoices.services.sources import UNSUBSCRIBED, parts_of, prepaid, sums_from
from billing.models import PaymentAllocation, Refund, charge_backs_of
from billing.order_history import history_of, invoices_of
from billing.rules import MoneyState, charge_back_state, payment_state
from billing.views.seller import state_of
from koogallery.kernel.money import Money
from koogallery.kernel.text import csv_cell
from koogallery.kernel.web.csv_export import csv_file
from koogallery.kernel.web.files import pdf_response
from koogallery.kernel.web.parts import CostLine, Link
from orders import ports, services
from orders.choices import OrderStatus
from orders.models import Order, OrderLine, OrderQuerySet, Subscription
from orders.views.product import cost_line
from pricing.values import QuoteLine

# Of an order of many servers, which are a thousand apps.
APPS_SHOWN = 20
PAGE_SIZE = 20


@require_safe
@buyer_required()
def order_list(request: BuyerRequest) -> HttpResponseBase:
    """`/billing/orders/`: the account's orders, newest first, filtered by status and number; `?export=csv` as a file."""
    status = request.GET.get("status", "")
    number = request.GET.get("number", "").strip()[:20]
    rows = Order.objects.for_account(request.account).newest_first()
    if status in OrderStatus.values:
        rows = rows.filter(status=status)
    if number:
        rows = rows.filter(number__istartswith=number)
    if request.GET.get("export") == "csv":
        return csv_file(_cells(rows), "orders.csv")
    page = Paginator(rows.select_related("product", "seller"), PAGE_SIZE).get_page(request.GET.get("page"))
    tabs = [Link(_("All"), "?", current=status not in OrderStatus.values)]
    tabs += [Link(one.label, f"?status={one.value}", current=status == one.value) for one in OrderStatus]
    context = {
        "page": page,
        "tabs": tabs,
        "number": number,
        "payable_here": sum(order.is_payable for order in page),
        "filtered": bool(number or status),
        "export": f"?{urlencode({'status': status, 'number': number, 'export': 'csv'})}",
        "may_cancel": may(request.membership.role, Permission.CANCEL),
        "may_pay": may(request.membership.role, Permission.PAY),
    }
    return render(request, "billing/order_list.html", context)


# What the file prints, and nothing of the quotes and long texts beside it.
EXPORTED = ("number", "kind", "payable", "currency", "status", "created_at", "paid_at", "product__name", "seller__name")


def _cells(orders: OrderQuerySet) -> Iterator[list[str]]:
    """All orders as rows of a file, read while they are sent."""
    yield ["order", "product", "seller", "type", "amount", "currency", "status", "created", "paid"]
    for one in orders.select_related("product", "seller").only(*EXPORTED).iterator(chunk_size=2000):
        yield [
            one.number,
            csv_cell(one.product.name),
            csv_cell(one.seller.name),
            one.kind,
            one.payable_money.digits(),
            one.currency,
            one.status,
            one.created_at.isoformat(),
            one.paid_at.isoformat() if one.paid_at else "",
        ]


@require_safe
@buyer_required()
def order_detail(request: BuyerRequest, number: str) -> HttpResponse:
    """`/billing/orders/<no>/`: what was ordered, at which price, how it was paid, where delivery stands."""
    # Names of attributes are looked up for lines that have some.
    bought = Prefetch("lines", OrderLine.objects.select_related("specification"))
    rows = Order.objects.for_account(request.account).with_names().select_related("account").prefetch_related(bought)
    rows = rows.annotate(has_uninvoiced=Exists(prepaid(request.account).filter(pk=OuterRef("pk"))))
    order = get_object_or_404(rows, number=number)
    lines = list(order.lines.all())
    payments: list[Any] = list(
        PaymentAllocation.objects.filter(order=order)
        .select_related("payment__card")
        .annotate(
            others=Count("payment__allocations") - 1,
            given_back=Exists(Refund.objects.filter(payment=OuterRef("payment"), order=order)),
            **charge_backs_of("payment"),
        )
        .order_by("-payment__created_at")
    )
    billed = any(one.payment.method == PaymentMethodKind.RESELLER for one in payments)
    apps = _apps(order)
    refunds = _refunds(order) if not billed and any(one.given_back for one in payments) else []
    invoices = invoices_of(order) if order.completed_at else []
    context = {
        "order": order,
        "invoices": invoices,
        "records": history_of(order, refunds, invoices),
        "lines": lines,
        "cost_lines": quoted_lines(order),
        "payments": [
            (one, payment_state(one.payment.status, one.in_dispute, one.taken_back), _taken_back(one))
            for one in payments
            if one.payment.method != PaymentMethodKind.RESELLER
        ],
        "refunds": refunds,
        "money": _money(order, payments) if order.paid_at and order.payable and not billed else None,
        "through_reseller": billed if order.paid_at else order.account.reseller_id is not None,
        "delivery": ports.delivery_summaries([order]).get(order.pk),
        "resources": [(app, app.server_name) for app in apps[:APPS_SHOWN]],
        "more_apps": max(0, len(apps) - APPS_SHOWN),
        "may_pay": may(request.membership.role, Permission.PAY),
        "applications": _applications(order, payments, refunds, invoices)
        if order.has_uninvoiced and may(request.membership.role, Permission.INVOICE)  # type: ignore[attr-defined]
        else [],
        "may_cancel": may(request.membership.role, Permission.CANCEL),
    }
    return render(request, "billing/order_detail.html", context)


def _apps(order: Order) -> list[Any]:
    """What the order brought, or which app it changes; each with its server's name, in one query."""
    mine = Q(pk=order.subject_id) if order.subject_id else Q(line__order=order)
    rows = ports.deployments().with_server_names(Subscription.objects.filter(mine))
    return list(rows.order_by("line__position", "pk"))


def _money(order: Order, payments: list[Any]) -> MoneyState:
    """Where the order's money is; what a bank took back of its charge, no refund left, is with the bank."""
    for one in payments:
        if one.counted_at and one.taken_back and one.taken_back + one.payment.refunded >= one.payment.amount:
            return charge_back_state(one.in_dispute)
    return state_of(order)


def _taken_back(one: Any) -> Money | None:
    return Money(one.taken_back, one.payment.currency) if one.taken_back else None


def _applications(order: Order, payments: Iterable[Any], refunds: Iterable[Any], invoices: Iterable[Any]) -> list[Link]:
    """Where an invoice over what is left of an order is applied for: of two issuers those of whose part something is."""
    joint = order.product.joint_operation
    issuers = {is_platforms(one.delivery_method, joint_operation=joint) for one in order.lines.all() if one.amount}
    several = len(issuers) > 1
    if several:
        counted = {one.payment_id for one in payments if one.counted_at}
        back = ((order.pk, one.amount, one.unsubscribed) for one in refunds if one.payment_id in counted)
        named = ((order.pk, one.issuer.is_platform, one.named) for one in invoices if one.status in COUNTED)
        issuers = {part.seller is None for part in parts_of([order], sums_from([order], back, named)) if part.cash.left}
    found = []
    for ours in sorted(issuers):
        name = settings.SITE_CLOUD_NAME if ours else order.seller.name
        asked = urlencode({"order": order.number, "issuer": "platform" if ours else order.seller.slug})
        label = _("Apply for invoice: %(issuer)s") % {"issuer": name} if several else _("Apply for invoice")
        found.append(Link(label, f"{reverse('billing:invoice_apply')}?{asked}"))
    return found


def _refunds(order: Order) -> list[Refund]:
    """What went back of it, or is on its way, the newest first; an order that was never charged has none."""
    rows = Refund.objects.filter(order=order).select_related("payment__card").annotate(unsubscribed=F(UNSUBSCRIBED))
    return list(rows.order_by("-created_at", "-id"))


def quoted_lines(order: Order) -> list[CostLine]:
    """The lines of the confirmed quote, as the product page and Confirm printed them."""
    name = order.lines.all()[0].product_name
    return [cost_line(name, QuoteLine.from_json(line)) for line in order.quote["lines"]]


@require_http_methods(["GET", "HEAD", "POST"])
@buyer_required(Permission.CANCEL)
def order_cancel(request: BuyerRequest, number: str) -> HttpResponse:
    """`/billing/orders/<no>/cancel/`: its own page with the consequence; the dialog shows the same words."""
    order = get_object_or_404(Order.objects.for_account(request.account).select_related("product"), number=number)
    if request.method == "POST":
        services.cancel_order(order, by=request.actor)
        messages.success(request, _("Order %(number)s was canceled.") % {"number": order.number})
        return redirect(order)
    return render(request, "billing/order_cancel.html", {"order": order})


@require_safe
@buyer_required()
def receipt(request: BuyerRequest, number: str) -> HttpResponse:
    """`/billing/orders/<no>/receipt.pdf`: what was paid, to keep."""
    order = get_object_or_404(Order.objects.for_account(request.account), number=number)
    return pdf_response(receipt_pdf(order), f"receipt-{order.number}")
