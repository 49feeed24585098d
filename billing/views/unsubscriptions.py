"""Unsubscriptions in the Billing Center (guide 7, UX 3.5): what can be given up, what comes back, why not."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import Account
from accounts.permissions import Permission, may
from accounts.web import BuyerRequest, buyer_required
from billing.choices import UnsubscriptionStatus
from billing.invoices.services.blocking import invoice_refusal, standing_of
from billing.models import Invoice, Unsubscription
from billing.rules.unsubscription import UNSUBSCRIBABLE, consequence, guide_table, type_refusal
from billing.services import Offer, offer_for, quote_unsubscription, unsubscribe
from billing.services.unsubscribing import LONGEST_REASON
from catalog.choices import SUBSCRIPTION_MODES
from koogallery.kernel import clock
from koogallery.kernel.errors import DomainError
from koogallery.kernel.web.formats import time_text
from koogallery.kernel.web.parts import CostLine
from orders import ports
from orders.choices import SubscriptionStatus
from orders.models import Subscription
from orders.services import with_paid_terms
from orders.views.product import cost_line
from pricing.errors import PriceChanged, QuoteExpired

PAGE_SIZE = 20
MOST_OTHERS = 20
MOST_HISTORY = 20


def with_terms(rows: QuerySet[Subscription]) -> QuerySet[Subscription]:
    """Subscriptions with everything that an offer reads, in a fixed number of queries."""
    rows = rows.select_related("account", "product__seller", "specification", "line__order__product")
    return with_paid_terms(rows.prefetch_related("change_orders"))


def of_account(account: Account) -> QuerySet[Subscription]:
    """What of the account's subscriptions may be given up by its kind, whatever its state."""
    rows = Subscription.objects.for_account(account)
    return rows.filter(delivery_method__in=UNSUBSCRIBABLE, billing_mode__in=SUBSCRIPTION_MODES)


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the page: what it gives back, and why it cannot be given up now."""

    subscription: Subscription
    offer: Offer | None
    refusal: DomainError | None


def rows_of(subscriptions: Iterable[Subscription]) -> list[Row]:
    """Subscriptions with their estimates; needs `with_terms`. An invoice that stands is named: it is returned first."""
    rows = [_row(one) for one in subscriptions]
    standing = standing_of(order for row in rows if row.offer for order, _refund in row.offer.refunds)
    return [
        replace(row, refusal=invoice_refusal(invoice)) if (invoice := _invoice_over(row, standing)) else row
        for row in rows
    ]


def _row(subscription: Subscription) -> Row:
    try:
        return Row(subscription, offer_for(subscription, at=clock.now(), exact=False), None)
    except DomainError as refused:
        return Row(subscription, None, refused)


def _invoice_over(row: Row, standing: dict[int, Invoice]) -> Invoice | None:
    orders = [order.pk for order, _refund in row.offer.refunds] if row.offer else []
    return next((standing[pk] for pk in orders if pk in standing), None)


@require_safe
@buyer_required()
def unsubscription_list(request: BuyerRequest) -> HttpResponse:
    """`/billing/unsubscriptions/`: images with their refund estimate; what cannot be unsubscribed, and why."""
    running = of_account(request.account).exclude(status=SubscriptionStatus.CLOSED)
    named = ports.deployments().with_server_names
    shown = named(with_terms(running).order_by("-created_at", "-id"))
    page = Paginator(shown, PAGE_SIZE).get_page(request.GET.get("page"))
    never = Subscription.objects.for_account(request.account).exclude(status=SubscriptionStatus.CLOSED)
    never = never.filter(~Q(delivery_method__in=UNSUBSCRIBABLE) | ~Q(billing_mode__in=SUBSCRIPTION_MODES))
    others = list(named(never.with_table_columns().order_by("-created_at", "-id"))[:MOST_OTHERS])
    done = Unsubscription.objects.for_account(request.account).with_table_columns().order_by("-requested_at", "-id")
    context = {
        "page": page,
        "rows": rows_of(page),
        "others": [(one, _never(one)) for one in others],
        "table": guide_table(settings.SITE_CLOUD_NAME),
        "history": list(done[:MOST_HISTORY]),
        "may_unsubscribe": may(request.membership.role, Permission.UNSUBSCRIBE),
    }
    return render(request, "billing/unsubscription_list.html", context)


def _never(one: Subscription) -> str:
    return type_refusal(one.delivery_method, one.billing_mode) or ""


class UnsubscribeForm(forms.Form):
    """The typed confirmation: the product's name."""

    typed = forms.CharField(
        label=gettext_lazy("Type the product name to confirm"),
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": gettext_lazy("Type the product name to confirm.")},
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        required=False,
        max_length=LONGEST_REASON,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"max_length": f"Enter at most {LONGEST_REASON:,} characters."},
    )

    def __init__(self, name: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.name = name
        self.fields["typed"].help_text = name

    def clean_typed(self) -> str:
        typed: str = self.cleaned_data["typed"].strip()
        if typed.casefold() != self.name.strip().casefold():
            raise forms.ValidationError(_("This is not the product name. Type: %(name)s") % {"name": self.name})
        return typed


@require_http_methods(["GET", "HEAD", "POST"])
@buyer_required(Permission.UNSUBSCRIBE)
def unsubscribe_page(request: BuyerRequest, public_id: str) -> HttpResponse:
    """`/billing/unsubscriptions/<id>/`: the calculation, the consequence, the typed confirmation."""
    rows = with_terms(Subscription.objects.for_account(request.account))
    subscription = get_object_or_404(rows, public_id=public_id)
    form = UnsubscribeForm(subscription.line.product_name, request.POST or None)
    error: DomainError | None = None
    if request.method == "POST" and form.is_valid():
        try:
            made = unsubscribe(
                subscription,
                reason=form.cleaned_data["reason"],
                quote=request.POST.get("quote", "")[:8000],
                by=request.actor,
            )
        except (QuoteExpired, PriceChanged):
            error = QuoteExpired(_("The refund has changed since it was shown. Look at it again and confirm."))
        except DomainError as refused:
            error = refused
        else:
            messages.success(request, _said(made))
            return redirect("billing:unsubscriptions")
    status = 422 if error or form.errors else 200
    return render(request, "billing/unsubscribe.html", _context(subscription, form, error), status=status)


def _said(made: Unsubscription) -> str:
    words = {"name": made.subscription.line.product_name, "amount": made.refund_money.display()}
    if made.status == UnsubscriptionStatus.IN_REVIEW and made.reviewed_until:
        text = _(
            "%(name)s: the refund of %(amount)s is reviewed first, until %(time)s at the latest. Nothing changes until then."
        )
        return text % {**words, "time": time_text(made.reviewed_until)}
    if not made.refund:
        return _("%(name)s was unsubscribed. Nothing was left to refund.") % words
    return _("%(name)s was unsubscribed. %(amount)s goes back to the original payment method.") % words


def _context(subscription: Subscription, form: UnsubscribeForm, error: DomainError | None) -> dict[str, Any]:
    refusal, offer = None, None
    try:
        offer = quote_unsubscription(subscription)
    except DomainError as refused:
        refusal = refused
    return {
        "subscription": subscription,
        "consequence": consequence(subscription.delivery_method, subscription.line.product_name),
        "form": form,
        "error": error,
        "refusal": refusal,
        "offer": offer,
        "lines": _lines(offer) if offer else [],
        "refund": offer.refund if offer else None,
    }


def _lines(offer: Offer) -> list[CostLine]:
    """The calculation down to the refund, which is the total."""
    return [cost_line("", line) for line in offer.quote.lines[:-1]]
