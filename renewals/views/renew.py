"""Billing Center > Renew: one app or up to 200 at once, the price that is charged, Pay Now (guide 6.1.2, RULES 3.1)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.permissions import Permission
from accounts.web import BuyerRequest, buyer_required
from billing.services.intents import MOST_ORDERS
from koogallery.kernel import clock
from koogallery.kernel.errors import DomainError, InvalidInput, InvalidTransition
from koogallery.kernel.money import Money
from koogallery.kernel.web.parts import Choice, CostLine
from orders.choices import SubscriptionStatus
from orders.errors import AccountFrozen
from orders.models import Order, Subscription
from orders.services import (
    RenewalPrices,
    RenewalWish,
    offered_durations,
    quote_for_renewal,
    renewal_prices,
    renewal_refusal,
    waiting_orders,
)
from orders.views.product import cost_line
from pricing.coupons import offered_coupons
from pricing.errors import CouponInvalid, PriceChanged, QuoteExpired
from pricing.renewals import preferred_duration
from pricing.values import Duration, Quote
from renewals.models import RenewalPlan
from renewals.services.batch import MOST_AT_ONCE, BatchRefused, place_renewals
from renewals.services.choosing import renewal_day_of
from renewals.views.renewals import duration_label, duration_of, duration_value


@dataclass(frozen=True, slots=True)
class Renewing:
    """One app of the page: what its renewal costs and until when it runs then, or why it cannot be renewed."""

    app: Subscription
    quote: Quote | None = None
    refusal: str = ""
    waiting: Order | None = None

    @property
    def until(self) -> object:
        return self.quote.renews.at if self.quote and self.quote.renews else None

    @property
    def lines(self) -> list[CostLine]:
        return [cost_line(self.app.name, line) for line in self.quote.lines] if self.quote else []


@require_http_methods(["GET", "HEAD", "POST"])
@buyer_required(Permission.RENEW)
def renew(request: BuyerRequest, public_id: str) -> HttpResponse:
    """`/billing/renewals/<id>/?duration=&to_date=&coupon=`: the address is the choice, so it works without JavaScript."""
    return _page(request, _apps(request, [public_id]), single=True)


@require_http_methods(["GET", "HEAD", "POST"])
@buyer_required(Permission.RENEW)
def renew_batch(request: BuyerRequest) -> HttpResponse:
    """`/billing/renewals/batch/?app=...&app=...`: up to 200 at once, one order each."""
    wanted = list(dict.fromkeys(_data(request).getlist("app")))
    if not wanted or len(wanted) > MOST_AT_ONCE:
        messages.error(request, _("Select 1 to %(most)s resources to renew.") % {"most": MOST_AT_ONCE})
        return redirect("renewals:renewals")
    return _page(request, _apps(request, wanted), single=False)


@require_safe
@buyer_required(Permission.RENEW)
def cost_fragment(request: BuyerRequest) -> HttpResponse:
    """`/billing/renewals/cost/?app=...&duration=`: the cost alone, as the calculator fetches it."""
    wanted = list(dict.fromkeys(request.GET.getlist("app")))[:MOST_AT_ONCE]
    if not wanted:
        raise Http404
    context = _context(request, _apps(request, wanted), single="single" in request.GET)
    return render(request, "renewals/_renew_cost.html", context, status=422 if context["errors"] else 200)


def _data(request: BuyerRequest) -> Any:
    return request.POST if request.method == "POST" else request.GET


def _apps(request: BuyerRequest, wanted: Sequence[str]) -> list[Subscription]:
    rows = Subscription.objects.for_account(request.account).with_table_columns().filter(public_id__in=wanted)
    found = list(rows.select_related("account__renewal_settings", "renewal_plan").order_by("expires_at", "id"))
    if len(found) != len(wanted):
        raise Http404
    return found


def _page(request: BuyerRequest, apps: list[Subscription], *, single: bool) -> HttpResponse:
    error: DomainError | None = None
    if request.method == "POST":
        try:
            return _placed(request, place_renewals(_wishes(request, apps), by=request.actor))
        except (AccountFrozen, InvalidInput, InvalidTransition, QuoteExpired, PriceChanged, CouponInvalid) as refused:
            error = refused.refusal if isinstance(refused, BatchRefused) and single else refused
    context = _context(request, apps, single=single)
    # Notices of a deduction that failed lead here: whoever does not want it any more stops it.
    plan: RenewalPlan | None = getattr(apps[0], "renewal_plan", None)
    context |= {"error": error, "changed": isinstance(error, PriceChanged), "auto": single and plan and plan.is_auto}
    wrong = error or (context["errors"] and request.GET.get("coupon"))
    return render(request, "renewals/renew.html", context, status=422 if wrong else 200)


def _wishes(request: BuyerRequest, apps: Sequence[Subscription]) -> list[tuple[Subscription, RenewalWish]]:
    """What the form orders: the apps of which it sent a price."""
    duration, coupon = duration_of(request.POST.get("duration", "")), request.POST.get("coupon", "")[:40]
    if duration is None:
        raise InvalidInput("Choose a duration.")
    day = renewal_day_of(request.account) if request.POST.get("to_date") else 0
    tokens = [(app, request.POST.get(f"quote.{app.public_id}", "")) for app in apps]
    wishes = [(app, RenewalWish(duration, day, token, coupon)) for app, token in tokens if token]
    if not wishes:
        raise InvalidInput("The price offer is missing. Reload the page and try again.")
    return wishes


def _placed(request: BuyerRequest, placed: list[Order]) -> HttpResponse:
    """On to Pay: as many as one charge may pay, in one currency; the rest waits in My Orders."""
    waiting = [order for order in placed if order.is_payable]
    if not waiting:
        return redirect("billing:done", placed[0].number)
    together = [order for order in waiting if order.currency == waiting[0].currency][:MOST_ORDERS]
    if len(together) == 1 and len(waiting) == 1:
        return redirect("billing:pay", together[0].number)
    if rest := len(waiting) - len(together):
        text = _("One payment pays %(most)s orders at most. %(rest)s more wait in My Orders: pay them next.")
        messages.warning(request, text % {"most": MOST_ORDERS, "rest": rest})
    query = urlencode([("order", order.number) for order in together])
    return redirect(f"{reverse('billing:pay_together')}?{query}")


def _context(request: BuyerRequest, apps: list[Subscription], *, single: bool) -> dict[str, Any]:
    at, account, data = clock.now(), request.account, _data(request)
    prices, waiting = renewal_prices(apps, account=account, at=at), waiting_orders(apps)
    renewable = [app for app in apps if renewal_refusal(app, waiting=waiting.get(app.pk)) is None]
    durations = _common_durations(renewable, prices)
    duration = duration_of(data.get("duration", ""))
    duration = duration if duration in durations else preferred_duration(durations)
    running = all(app.status == SubscriptionStatus.ENABLED for app in renewable)
    to_date = bool(data.get("to_date")) and running
    day = renewal_day_of(apps[0].account)
    coupon = data.get("coupon", "")[:40] if single else ""
    wish = RenewalWish(duration, day if to_date else 0, coupon=coupon)
    rows = []
    for app in apps:
        try:
            quote = quote_for_renewal(app, wish, account=account, at=at, prices=prices, waiting=waiting.get(app.pk))
            rows.append(Renewing(app, quote))
        except DomainError as refused:
            rows.append(Renewing(app, refusal=refused.message, waiting=waiting.get(app.pk)))
    quoted = [row.quote for row in rows if row.quote]
    coupons = offered_coupons(account, at=at) if single else []
    return {
        "rows": rows,
        "durations": [Choice(duration_value(one), duration_label(one), selected=one == duration) for one in durations],
        "duration": duration_value(duration) if duration else "",
        "to_date": to_date,
        "to_date_offered": running and bool(renewable),
        "renewal_day": day,
        "coupon": coupon,
        "coupons": [
            Choice(one.code, f"{one.name or one} · {one.code}", selected=one.code == coupon) for one in coupons
        ],
        "totals": _totals(quoted),
        "quoted": len(quoted),
        "most_orders": MOST_ORDERS,
        "single": single,
        "late": any(app.status in (SubscriptionStatus.EXPIRED, SubscriptionStatus.FROZEN) for app in apps),
        "errors": {} if quoted else {row.app.public_id: row.refusal for row in rows if row.refusal},
    }


def _common_durations(apps: Sequence[Subscription], prices: RenewalPrices) -> tuple[Duration, ...]:
    """The durations that all of them are sold for (RULES 3.1: the intersection)."""
    at, common = clock.now(), None
    for app in apps:
        facts = prices.of(app)
        if facts is None:
            return ()
        offered = offered_durations(app, facts, at=at)
        common = offered if common is None else tuple(one for one in common if one in offered)
    return common or ()


def _totals(quotes: Sequence[Quote]) -> list[Money]:
    """What all cost together, in each currency."""
    currencies = dict.fromkeys(quote.currency for quote in quotes)
    return [
        Money.total((quote.payable for quote in quotes if quote.currency == currency), currency)
        for currency in currencies
    ]
