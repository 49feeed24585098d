"""Payment Methods (Billing Center) and the sandbox processor's own hosted pages."""

from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import Permission, may
from accounts.web import BuyerRequest, buyer_required, login_required
from billing.gateways import ChargeOutcome, gateway
from billing.gateways.sandbox import SCENARIOS, SandboxGateway
from billing.models import Payment, PaymentMethod, SandboxCharge
from billing.services import bind_card, make_default_card, start_binding, unbind_card
from billing.services.methods import usable_cards
from billing.views.leaving import leave_for

LONGEST_REFERENCE = 255
"""Of what a hosted page returns: longer than any processor's name for its session."""


@require_safe
@buyer_required()
def payment_methods(request: BuyerRequest) -> HttpResponse:
    """`/billing/payment-methods/`: the account's cards. A card is entered on the processor's page, never on ours."""
    context = {
        "cards": usable_cards(request.account),
        "may_pay": may(request.membership.role, Permission.PAY),
    }
    return render(request, "billing/payment_methods.html", context)


@require_POST
@buyer_required(Permission.PAY)
def card_new(request: BuyerRequest) -> HttpResponse:
    """Bind a credit card: on to the processor's hosted page, which returns to `card_bound`."""
    return_to = request.build_absolute_uri(reverse("billing:card_bound"))
    return leave_for(request, start_binding(request.account, return_to, by=request.actor), _("Bind a credit card"))


@require_safe
@buyer_required(Permission.PAY)
def card_bound(request: BuyerRequest) -> HttpResponse:
    """The processor's hosted page comes back with the card's reference; binding it twice changes nothing."""
    reference = request.GET.get("card", "")[:LONGEST_REFERENCE]
    if not reference:  # the card holder left the hosted page without entering one
        messages.info(request, _("No card was entered."))
        return redirect("billing:payment_methods")
    card = bind_card(request.account, reference, by=request.actor)
    messages.success(request, _("%(card)s is bound to the account.") % {"card": card})
    return redirect("billing:payment_methods")


@require_POST
@buyer_required(Permission.PAY)
def card_default(request: BuyerRequest, public_id: str) -> HttpResponse:
    """Make a card the default."""
    make_default_card(_card(request, public_id), by=request.actor)
    return redirect("billing:payment_methods")


@require_POST
@buyer_required(Permission.PAY)
def card_unbind(request: BuyerRequest, public_id: str) -> HttpResponse:
    """Take a card off the account."""
    card = unbind_card(_card(request, public_id), by=request.actor)
    messages.success(request, _("%(card)s is not bound to the account any more.") % {"card": card})
    return redirect("billing:payment_methods")


def _card(request: BuyerRequest, public_id: str) -> PaymentMethod:
    return get_object_or_404(PaymentMethod.objects.for_account(request.account).bound(), public_id=public_id)


# --- the sandbox processor's pages: a real one has them on its own host -----------------------------------------


def _sandbox() -> SandboxGateway:
    processor = gateway()
    if not isinstance(processor, SandboxGateway):
        raise Http404
    return processor


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def sandbox_card(request: HttpRequest) -> HttpResponse:
    """Choose a test card; back to the marketplace with its reference."""
    processor = _sandbox()
    return_to = request.GET.get("return_to", "")
    if not url_has_allowed_host_and_scheme(return_to, allowed_hosts={request.get_host()}):
        raise Http404
    if request.method == "POST" and request.POST.get("scenario") in SCENARIOS:
        reference = processor.enter_card(request.POST["scenario"], request.GET.get("customer", "")[:80])
        return redirect(f"{return_to}?{urlencode({'card': reference})}")
    return render(request, "billing/sandbox_card.html", {"scenarios": SCENARIOS.values(), "return_to": return_to})


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def sandbox_confirm(request: HttpRequest, reference: str) -> HttpResponse:
    """The bank's question to the card holder; back to the marketplace with the answer recorded here."""
    processor = _sandbox()
    charge = get_object_or_404(SandboxCharge, reference=reference)
    payment = get_object_or_404(Payment, public_id=charge.key, account__memberships__user=request.user)
    if request.method == "POST":
        processor.confirm(reference, approved="approve" in request.POST)
        return redirect("billing:returned", payment.public_id)
    if charge.outcome != ChargeOutcome.ACTION_REQUIRED.value:
        return redirect("billing:returned", payment.public_id)
    return render(request, "billing/sandbox_confirm.html", {"payment": payment})
