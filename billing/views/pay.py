"""Step 3, Pay (guide 2.1, step 6), and what comes after it."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.permissions import Permission, may
from accounts.web import BuyerRequest, buyer_required
from billing.choices import PaymentStatus
from billing.errors import PaymentActionRequired, PaymentDeclined, PaymentMethodRequired
from billing.models import Payment, PaymentMethod
from billing.services import PaymentRequest, pay_order, resume_payment
from koogallery.kernel.errors import DomainError, InvalidInput
from orders import ports
from orders.models import Order


@require_http_methods(["GET", "HEAD", "POST"])
@buyer_required()
def pay(request: BuyerRequest, number: str) -> HttpResponse:
    """`/purchase/orders/<no>/pay/`: Cloud Service Orders, the card to pay with, Pay Now."""
    order = get_object_or_404(
        Order.objects.for_account(request.account).select_related("product", "seller", "account"), number=number
    )
    if not order.is_payable:
        return redirect("billing:done", order.number)
    error: DomainError | None = None
    if request.method == "POST":
        try:
            pay_order(order, PaymentRequest(card=request.POST.get("card", "")[:16]), by=request.actor)
            return redirect("billing:done", order.number)
        except PaymentActionRequired as action:
            return redirect(str(action.extra["action_url"]))
        except (PaymentDeclined, PaymentMethodRequired, InvalidInput) as refused:
            error = refused
    context = {
        "order": order,
        "cards": list(PaymentMethod.objects.for_account(request.account).bound()),
        "may_pay": may(request.membership.role, Permission.PAY),
        "error": error,
        "current_step": 3,
    }
    return render(request, "billing/pay.html", context, status=422 if error else 200)


@require_safe
@buyer_required()
def done(request: BuyerRequest, number: str) -> HttpResponse:
    """`/purchase/orders/<no>/done/`: paid, being found out, or not payable; and what happens next."""
    order = get_object_or_404(
        Order.objects.for_account(request.account).select_related("product", "seller"), number=number
    )
    payment = Payment.objects.filter(allocations__order=order).order_by("-created_at").first()
    if order.is_payable and (payment is None or payment.status == PaymentStatus.FAILED):
        return redirect("billing:pay", order.number)
    context = {
        "order": order,
        "payment": payment,
        "delivery": ports.delivery_summaries([order]).get(order.pk),
        "current_step": 4 if order.paid_at else 3,
    }
    return render(request, "billing/done.html", context)


@require_safe
@buyer_required()
def returned(request: BuyerRequest, payment_id: str) -> HttpResponse:
    """The bank's page sends the card holder back here: ask the gateway, then show what became of it."""
    payment = get_object_or_404(Payment.objects.for_account(request.account), public_id=payment_id)
    resume_payment(payment, by=request.actor)
    allocation = payment.allocations.select_related("order").get()
    payment = Payment.objects.get(pk=payment.pk)
    if payment.status == PaymentStatus.FAILED:
        messages.error(request, payment.failure_message)
        return redirect("billing:pay", allocation.order.number)
    messages.success(request, _("Thank you for confirming the payment."))
    return redirect("billing:done", allocation.order.number)
