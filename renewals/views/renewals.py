"""Billing Center > Renewals: what can be renewed, by hand, by itself, not at all (guide 6, RULES 3.1)."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.models import Account
from accounts.permissions import Permission, may
from accounts.web import BuyerRequest, buyer_required
from catalog.choices import DeliveryMethod
from koogallery.kernel import clock
from koogallery.kernel.errors import DomainError
from koogallery.kernel.web.parts import Link
from orders import ports
from orders.errors import AutoRenewalNotSupported
from orders.models import Order, Subscription
from orders.services import RenewalPrices, RenewalWish, price_of_renewal, renewal_prices, waiting_orders
from orders.terms import last_day
from pricing.values import Duration, Quote
from renewals.choices import RenewalMode
from renewals.models import RenewalPlan, RenewalPlanQuerySet
from renewals.services import mode_refusal
from renewals.services.batch import MOST_AT_ONCE
from renewals.services.planning import offered_periods

# How many rows a page may have; the last is what may be renewed at once.
PAGE_SIZES = (20, 50, 100, MOST_AT_ONCE)
LONGEST_SEARCH = 20 * MOST_AT_ONCE
_ID = re.compile("[0-9A-Za-z]{12,16}")


@dataclass(frozen=True, slots=True)
class Offers:
    """Which settings of a subscription's renewals may be chosen now, by the rule that refuses the others.

    Attributes:
        auto: switching auto-renewal on, or changing it.
        off: switching it off.
        other: another mode, where it is off.
        why: what stands against auto-renewal; empty where it may be chosen, and where the product never has it.
    """

    auto: bool
    off: bool
    other: bool
    why: str


def offers_of(
    plan: RenewalPlan, app: Subscription, account: Account, *, at: datetime, prices: RenewalPrices | None = None
) -> Offers:
    """What may be chosen for one app; needs its `product`, the product's `seller`, its `specification` and its `line`.

    Args:
        prices: of `renewal_prices`, when many are asked about.
    """
    periods = offered_periods(app, account=account, at=at, prices=prices)
    refused = {mode: mode_refusal(plan, app, mode, account=account, periods=periods) for mode in RenewalMode}
    auto = refused[RenewalMode.AUTO]
    return Offers(
        auto=auto is None,
        off=plan.is_auto and refused[RenewalMode.MANUAL] is None,
        other=not plan.is_auto and any(why is None for mode, why in refused.items() if mode != plan.mode),
        why="" if auto is None or isinstance(auto, AutoRenewalNotSupported) else auto.message,
    )


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the page: the plan, days left (negative when over), today's price of its period, or why there is none."""

    plan: RenewalPlan
    days_left: int
    quote: Quote | None
    refusal: str
    waiting: Order | None
    offers: Offers

    @property
    def app(self) -> Subscription:
        return self.plan.subscription

    @property
    def renewable(self) -> bool:
        return self.quote is not None and self.waiting is None


@require_safe
@buyer_required()
def renewal_list(request: BuyerRequest) -> HttpResponse:
    """`/billing/renewals/?mode=&q=&rows=`: the tabs, search by name or up to 200 resource IDs, what ends first on top."""
    mode = request.GET.get("mode", "")
    mode = mode if mode in RenewalMode.values else RenewalMode.MANUAL
    search = request.GET.get("q", "").replace("\x00", "").strip()[:LONGEST_SEARCH]
    size = next((one for one in PAGE_SIZES if request.GET.get("rows") == str(one)), PAGE_SIZES[0])
    rows = RenewalPlan.objects.for_account(request.account).filter(mode=mode).with_table_columns()
    page = Paginator(found(rows, search), size).get_page(request.GET.get("page"))
    plans: list[RenewalPlan] = list(page.object_list)
    page.object_list = priced(plans, request.account)
    context = {
        "page": page,
        "mode": mode,
        # What was searched for is looked for in every tab.
        "tabs": [
            Link(
                one.label, f"?{urlencode({'mode': one.value} | ({'q': search} if search else {}))}", current=mode == one
            )
            for one in RenewalMode
        ],
        "search": search,
        "too_many": len(ids_of(search)) > MOST_AT_ONCE,
        "sizes": [
            Link(str(one), f"?{urlencode({'mode': mode, 'q': search, 'rows': one})}", current=one == size)
            for one in PAGE_SIZES
        ],
        "size": size,
        "may_renew": may(request.membership.role, Permission.RENEW),
        "most": MOST_AT_ONCE,
    }
    return render(request, "renewals/renewal_list.html", context)


def found(plans: RenewalPlanQuerySet, search: str) -> QuerySet[Any]:
    """The plans that a search means, with their servers' names: resource IDs, when there are only such, or a part of a name.

    A server and its image are found by what the buyer called it, by what they are, and by the name of the image's product.
    """
    rows = ports.deployments().with_server_names(plans, "subscription")
    if not search:
        return rows
    text = search[:120]
    server = Q(subscription__delivery_method=DeliveryMethod.ECS, subscription__line__product_name__icontains=text)
    by_name = server | Q(subscription__product__name__icontains=text) | Q(server_name__icontains=text)
    if ids := ids_of(search):
        return rows.filter(Q(subscription__public_id__in=ids[:MOST_AT_ONCE]) | by_name)
    return rows.filter(by_name)


def ids_of(search: str) -> list[str]:
    """The resource IDs of a search that names nothing else."""
    words = re.split(r"[\s,;]+", search)
    return words if all(map(_ID.fullmatch, words)) else []


def priced(plans: Collection[RenewalPlan], account: Account) -> list[Row]:
    """The rows with today's price of what each plan buys, in a fixed number of queries."""
    at = clock.now()
    apps = [plan.subscription for plan in plans]
    prices, waiting = renewal_prices(apps, account=account, at=at), waiting_orders(apps)
    rows = []
    for plan in plans:
        app, quote, refusal = plan.subscription, None, ""
        wish = RenewalWish(plan.period if plan.is_auto else None, automatic=plan.is_auto)
        try:
            quote = price_of_renewal(app, wish, account=account, at=at, prices=prices)
        except DomainError as refused:
            refusal = refused.message
        days = (last_day(app.expires_at) - last_day(at)).days if app.expires_at else 0
        offers = offers_of(plan, app, account, at=at, prices=prices)
        rows.append(Row(plan, days, quote, refusal, waiting.get(app.pk), offers))
    return rows


def duration_value(duration: Duration) -> str:
    """A duration as forms send it: "3-month"."""
    return f"{duration.value}-{duration.unit}"


def duration_of(text: str) -> Duration | None:
    """What a form sent, or None when it is no duration."""
    number, _dash, unit = text.partition("-")
    if unit not in ("month", "year") or not (number.isascii() and number.isdigit()) or len(number) > 3:
        return None
    return Duration(int(number), unit)


def duration_label(duration: Duration) -> str:
    """As a form prints it: "3 months"."""
    unit = (
        {"month": _("month"), "year": _("year")} if duration.value == 1 else {"month": _("months"), "year": _("years")}
    )
    return f"{duration.value} {unit[duration.unit]}"
