"""Billing Center > Renewals: how one app renews, stopping that, and what an account chooses for all (guide 6.2, RULES 3.2)."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from accounts.permissions import Permission
from accounts.web import BuyerRequest, buyer_required
from koogallery.kernel import clock
from koogallery.kernel.errors import DomainError, InvalidInput, InvalidTransition
from koogallery.kernel.web.parts import Choice
from orders.models import Subscription
from renewals.choices import CouponUse, RenewalMode
from renewals.models import RenewalPlan
from renewals.rules import DEDUCTION_DAYS_BEFORE
from renewals.services import PlanWish, SettingsWish, change_plan, choose_settings, mode_refusal, settings_of
from renewals.services.choosing import LAST_DAY, LATEST_DAY
from renewals.services.planning import MOST_RENEWALS, offered_periods
from renewals.views.renewals import duration_label, duration_of, duration_value

NOTES = {
    RenewalMode.MANUAL: gettext_lazy("You renew it yourself, here, in time."),
    RenewalMode.AUTO: gettext_lazy("It is renewed before it expires, at the price of that day."),
    RenewalMode.CANCELLED: gettext_lazy("It ends with its term. You can still change that until then."),
}


@require_http_methods(["GET", "HEAD", "POST"])
@buyer_required(Permission.RENEW)
def plan(request: BuyerRequest, public_id: str) -> HttpResponse:
    """`/billing/renewals/<id>/plan/`: enable, modify or disable auto-renewal, or cancel renewals."""
    app = _app(request, public_id)
    error: DomainError | None = None
    if request.method == "POST":
        try:
            change_plan(app, _wish(request), by=request.actor)
            messages.success(request, _("How %(name)s renews is saved.") % {"name": app.name})
            return redirect("renewals:renewals")
        except (InvalidInput, InvalidTransition) as refused:
            error = refused
    known = RenewalPlan.objects.filter(subscription=app).first() or RenewalPlan(subscription=app)
    context = _context(request, app, known) | {"error": error}
    return render(request, "renewals/plan.html", context, status=422 if error else 200)


def _app(request: BuyerRequest, public_id: str) -> Subscription:
    return get_object_or_404(
        Subscription.objects.for_account(request.account).with_table_columns(), public_id=public_id
    )


def number_of(request: HttpRequest, name: str) -> int:
    """A whole number of the form.

    Raises:
        InvalidInput: it is none.
    """
    text = request.POST.get(name, "").strip()
    if not (text.removeprefix("-").isascii() and text.removeprefix("-").isdigit() and len(text) <= 6):
        raise InvalidInput("Enter a whole number.", errors={name: ["Enter a whole number."]})
    return int(text)


def _wish(request: BuyerRequest) -> PlanWish:
    mode = request.POST.get("mode", "")[:20]
    if mode != RenewalMode.AUTO:
        return PlanWish(mode)
    period = duration_of(request.POST.get("period", ""))
    if period is None:
        raise InvalidInput("Choose what each renewal buys.", errors={"period": ["Choose what each renewal buys."]})
    return PlanWish(mode, period, number_of(request, "count"), number_of(request, "deduction_days"))


def _context(request: BuyerRequest, app: Subscription, known: RenewalPlan) -> dict[str, Any]:
    data = request.POST if request.method == "POST" else {}
    mode = data.get("mode", known.mode if known.pk or app.product.auto_renewal_supported else RenewalMode.MANUAL)
    period = data.get("period", duration_value(known.period))
    offered = offered_periods(app, account=request.account, at=clock.now())
    days = data.get("deduction_days", str(known.deduction_days))
    refused = {one: mode_refusal(known, app, one, account=request.account, periods=offered) for one in RenewalMode}
    return {
        "app": app,
        "product": app.product,
        "plan": known,
        "modes": [
            Choice(
                one.value, _mode_label(one), why.message if why else NOTES[one], one == mode, disabled=why is not None
            )
            for one, why in refused.items()
            if one != RenewalMode.AUTO or app.product.auto_renewal_supported
        ],
        "auto_offered": refused[RenewalMode.AUTO] is None,
        "changeable": not all(refused.values()),
        "periods": [
            Choice(duration_value(one), duration_label(one), selected=duration_value(one) == period) for one in offered
        ],
        "days": [Choice(str(one), str(one), selected=str(one) == days) for one in range(DEDUCTION_DAYS_BEFORE, 0, -1)],
        "count": data.get("count", str(known.count)),
        "most": MOST_RENEWALS,
    }


def _mode_label(mode: RenewalMode) -> str:
    return {
        RenewalMode.MANUAL: _("Renew by hand"),
        RenewalMode.AUTO: _("Auto-renewal"),
        RenewalMode.CANCELLED: _("Do not renew"),
    }[mode]


@require_http_methods(["GET", "HEAD", "POST"])
@buyer_required(Permission.RENEW)
def stop(request: BuyerRequest, public_id: str) -> HttpResponse:
    """`/billing/renewals/<id>/stop/`: where notices lead: one button, and it renews by itself no more."""
    app = _app(request, public_id)
    if request.method == "POST":
        change_plan(app, PlanWish(RenewalMode.MANUAL), by=request.actor)
        messages.success(request, _("Auto-renewal of %(name)s is off.") % {"name": app.name})
        return redirect("renewals:renewals")
    known = RenewalPlan.objects.filter(subscription=app).first()
    is_auto = known is not None and known.is_auto
    refusal = mode_refusal(known, app, RenewalMode.MANUAL, account=request.account) if known and is_auto else None
    return render(request, "renewals/stop.html", {"app": app, "is_auto": is_auto, "refusal": refusal})


@require_http_methods(["GET", "HEAD", "POST"])
@buyer_required(Permission.RENEW)
def renewal_date(request: BuyerRequest) -> HttpResponse:
    """`/billing/renewals/date/`: Setting a Renewal Date, and whether auto-renewals use coupons."""
    error: DomainError | None = None
    if request.method == "POST":
        try:
            wish = SettingsWish(number_of(request, "renewal_day"), request.POST.get("coupons", "")[:20])
            choose_settings(request.account, wish, by=request.actor)
            messages.success(request, _("The renewal date is saved."))
            return redirect("renewals:date")
        except InvalidInput as refused:
            error = refused
    chosen = settings_of(request.account)
    context = {
        "error": error,
        "days": [
            *(Choice(str(n), str(n), selected=n == chosen.renewal_day) for n in range(1, LATEST_DAY + 1)),
            Choice(str(LAST_DAY), _("Last day of the month"), selected=chosen.renewal_day == LAST_DAY),
        ],
        "uses": [Choice(one.value, one.label, selected=one == chosen.coupons) for one in CouponUse],
    }
    return render(request, "renewals/date.html", context, status=422 if error else 200)
