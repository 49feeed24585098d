"""The seller portal's orders: what was bought, and where its money is."""

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.web import SellerRequest, seller_required
from billing.ledger import money_of, payouts_to
from billing.rules import MoneyState, money_state
from orders.models import Order

PAGE_SIZE = 20
MOST_PAYOUTS = 20


def state_of(order: Order) -> MoneyState:
    """`money_state` of an order with its product."""
    return money_state(
        order.kind,
        order.status,
        accepted=order.accepted_at is not None,
        completes_at=order.completes_at,
        supervised=order.product.supervised,
    )


@require_safe
@seller_required
def order_list(request: SellerRequest) -> HttpResponse:
    """`/seller/orders/`: paid orders, newest first, with what is held, payable or given back; and what was paid out."""
    rows = Order.objects.for_seller(request.seller).newest_first().select_related("product", "account")
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "rows": [(order, state_of(order)) for order in page],
        "money": money_of(request.seller),
        "payouts": payouts_to(request.seller)[:MOST_PAYOUTS],
    }
    return render(request, "billing/seller_orders.html", context)
