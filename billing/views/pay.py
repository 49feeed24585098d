"""Step 3, Pay (guide 2.1, step 6), and what comes after it."""

from collections.abc import Sequence
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Permission, may
from accounts.web import BuyerRequest, buyer_required
from billing.choices import PaymentMethodKind, PaymentStatus
from billing.errors import PaymentActionRequired, PaymentDeclined, PaymentMethodRequired
from billing.models import Payment
from billing.services import PaymentRequest, give_up_payment, methods_of, pay_orders, resume_payment
from billing.services.intents import MOST_ORDERS, sum_of, together_refusal
from billing.views.leaving import leave_for
from koogallery.kernel.compiled import Compiled, Param
from koogallery.kernel.errors import DomainError, InvalidInput
from orders import ports
from orders.choices import OrderStatus
from orders.errors import AccountFrozen
from orders.models import Order
from orders.reads import OF_ACCOUNT

CARD_PREFIX = "card:"
# Paid once, but what it bought did not come about or went back: its own page tells what became of it.
OVER = (OrderStatus.CANCELLED, OrderStatus.REFUNDING, OrderStatus.REFUNDED)
_NEWEST_PAYMENT = Compiled(
    lambda: Payment.objects.filter(allocations__order=Param("order")).order_by("-created_at")[:1]
)


def chosen_method(request: BuyerRequest) -> PaymentRequest:
    """The radio button that was sent: `card:<id>`, `balance` or `monthly_settlement`."""
    value = request.POST.get("method", "")[:40]
    if value.startswith(CARD_PREFIX):
        return PaymentRequest(PaymentMethodKind.CARD, value.removeprefix(CARD_PREFIX))
    return PaymentRequest(value or PaymentMethodKind.CARD)


@require_http_methods(["GET", "HEAD", "POST"])
@buyer_required()
def pay(request: BuyerRequest, number: str) -> HttpResponse:
    """`/purchase/orders/<no>/pay/`: Cloud Service Orders, how to pay, Pay Now."""
    order = _order(request, number)
    if not order.is_payable:
        return redirect("billing:done", order.number)
    return _pay_page(request, [order])


@require_http_methods(["GET", "HEAD", "POST"])
@buyer_required()
def pay_together(request: BuyerRequest) -> HttpResponse:
    """`/purchase/pay/?order=...&order=...`: up to 30 orders in one charge (RULES 6)."""
    orders, complete = _orders(request, MOST_ORDERS + 1)
    if not complete:
        raise Http404
    if not orders:
        messages.error(request, _("Select the orders that you want to pay together."))
        return redirect("billing:orders")
    if all(not order.is_payable for order in orders):
        return redirect("billing:done", orders[0].number)
    if refusal := together_refusal(orders):
        messages.error(request, refusal.message)
        return redirect("billing:orders")
    return _pay_page(request, orders)


def _order(request: BuyerRequest, number: str) -> Order:
    order = OF_ACCOUNT.first(number=number, account=request.account.pk)
    if order is None:
        raise Http404
    return order


def _orders(request: BuyerRequest, most: int) -> tuple[list[Order], bool]:
    """The account's orders among those that the address names, newest first, and whether these are all of them."""
    numbers = list(dict.fromkeys(request.GET.getlist("order")))[:most]
    rows = Order.objects.for_account(request.account).select_related("product", "seller")
    orders = list(rows.filter(number__in=numbers).newest_first())
    return orders, len(orders) == len(numbers)


def _pay_page(request: BuyerRequest, orders: Sequence[Order]) -> HttpResponse:
    error: DomainError | None = None
    if request.method == "POST":
        try:
            pay_orders(orders, chosen_method(request), by=request.actor)
            return redirect(_afterwards(orders))
        except PaymentActionRequired as action:
            return leave_for(request, str(action.extra["action_url"]), _("Confirm this payment"))
        except (PaymentDeclined, PaymentMethodRequired, AccountFrozen, InvalidInput) as refused:
            error = refused
    total = sum_of(orders)
    methods = methods_of(request.account, total)
    context = {
        "orders": orders,
        "total": total,
        "methods": methods,
        "balance_is_enough": total <= methods.balance,
        "unpaid_until": min((order.unpaid_until for order in orders if order.unpaid_until), default=None),
        "may_pay": may(request.membership.role, Permission.PAY),
        "may_cancel": len(orders) == 1 and may(request.membership.role, Permission.CANCEL),
        "error": error,
        "current_step": 3,
    }
    return render(request, "billing/pay.html", context, status=422 if error else 200)


def _afterwards(orders: Sequence[Order]) -> str:
    return _address("billing:done", "billing:done_together", orders)


def _pay_address(orders: Sequence[Order]) -> str:
    return _address("billing:pay", "billing:pay_together", orders)


def _address(of_one: str, of_several: str, orders: Sequence[Order]) -> str:
    if len(orders) == 1:
        return reverse(of_one, args=[orders[0].number])
    return f"{reverse(of_several)}?{urlencode([('order', order.number) for order in orders])}"


@require_safe
@buyer_required()
def done(request: BuyerRequest, number: str) -> HttpResponse:
    """`/purchase/orders/<no>/done/`: paid, being found out, or not payable; and what happens next."""
    order = _order(request, number)
    payment = _NEWEST_PAYMENT.first(order=order.pk)
    billed = payment is not None and payment.method == PaymentMethodKind.RESELLER
    if order.is_payable and (payment is None or payment.status == PaymentStatus.FAILED):
        return redirect("billing:pay", order.number)
    if order.paid_at and order.status in OVER:
        return redirect(order)
    context = {
        "order": order,
        "payment": payment,
        "through_reseller": billed,
        "submitted": billed or not order.payable,
        "delivery": ports.delivery_summaries([order]).get(order.pk),
        "may_pay": may(request.membership.role, Permission.PAY),
        "current_step": 4 if order.paid_at else 3,
    }
    return render(request, "billing/done.html", context)


@require_safe
@buyer_required()
def done_together(request: BuyerRequest) -> HttpResponse:
    """`/purchase/done/?order=...`: what became of orders that were paid in one charge."""
    orders, _complete = _orders(request, MOST_ORDERS)
    if not orders:
        raise Http404
    payment = Payment.objects.filter(allocations__order__in=orders).order_by("-created_at").first()
    waiting = [order for order in orders if order.is_payable]
    if waiting and (payment is None or payment.status == PaymentStatus.FAILED):
        return redirect(_pay_address(waiting))
    context = {
        "orders": orders,
        "payment": payment,
        "all_paid": all(order.paid_at for order in orders),
        "may_pay": may(request.membership.role, Permission.PAY),
    }
    return render(request, "billing/done_together.html", context)


@require_safe
@buyer_required()
def returned(request: BuyerRequest, payment_id: str) -> HttpResponse:
    """The bank's page sends the card holder back here: ask the gateway, then show what became of it."""
    payment = get_object_or_404(
        Payment.objects.for_account(request.account).select_related("card", "statement"), public_id=payment_id
    )
    resume_payment(payment, by=request.actor)
    return _after_the_bank(request, Payment.objects.select_related("statement").get(pk=payment.pk))


@require_POST
@buyer_required(Permission.PAY)
def give_up(request: BuyerRequest, payment_id: str) -> HttpResponse:
    """The buyer does not confirm at the bank: nothing is charged, and he may choose another method."""
    payment = get_object_or_404(
        Payment.objects.for_account(request.account).select_related("card", "statement"), public_id=payment_id
    )
    return _after_the_bank(request, give_up_payment(payment, by=request.actor))


def _after_the_bank(request: BuyerRequest, payment: Payment) -> HttpResponse:
    failed = payment.status == PaymentStatus.FAILED
    if failed:
        messages.error(request, payment.failure_message)
    elif payment.status != PaymentStatus.ACTION_REQUIRED:
        messages.success(request, _("Thank you for confirming the payment."))
    if payment.usage_bill is not None:
        return redirect(payment.usage_bill)
    if payment.statement is not None:
        return redirect(payment.statement)
    orders = list(Order.objects.filter(allocations__payment=payment).order_by("id"))
    return redirect(_pay_address(orders) if failed else _afterwards(orders))
