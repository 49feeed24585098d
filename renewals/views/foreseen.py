"""Billing Center > Renewals > Forecast, and the calendar feed of all expiries."""

from collections.abc import Iterator, Sequence

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.permissions import Permission, may
from accounts.web import BuyerRequest, buyer_required
from koogallery.kernel import clock
from koogallery.kernel.web.charts import bar_chart
from koogallery.kernel.web.csv_export import csv_file
from renewals.services.calendar import account_of_token, calendar_of, calendar_token, replace_calendar_address
from renewals.services.forecasting import Forecast, forecast

CALENDAR_TYPE = "text/calendar; charset=utf-8"


@require_safe
@buyer_required()
def forecast_page(request: BuyerRequest) -> HttpResponseBase:
    """`/billing/renewals/forecast/`: what the account will spend on renewals in each of 12 months; chart and table."""
    foreseen = forecast(request.account, at=clock.now())
    if request.GET.get("format") == "csv":
        return csv_file(_rows(foreseen), "renewal-forecast.csv")
    context = {
        "forecasts": [
            (
                one,
                bar_chart(
                    [(f"{month.month:%b %y}", month.automatic.amount) for month in one.months],
                    title=_("Renewed by itself, per month"),
                    unit=one.currency,
                ),
            )
            for one in foreseen
        ],
        "calendar_url": request.build_absolute_uri(
            reverse("renewals:calendar", args=[calendar_token(request.account)])
        ),
        "may_renew": may(request.membership.role, Permission.RENEW),
    }
    return render(request, "renewals/forecast.html", context)


def _rows(foreseen: Sequence[Forecast]) -> Iterator[Sequence[str]]:
    yield ["Month", "Currency", "Renewed by itself", "If renewed by hand", "Renewals"]
    for one in foreseen:
        for month in one.months:
            yield [
                f"{month.month:%Y-%m}",
                one.currency,
                month.automatic.digits(),
                month.by_hand.digits(),
                str(month.renewals),
            ]


@require_POST
@buyer_required(Permission.RENEW)
def new_calendar(request: BuyerRequest) -> HttpResponse:
    """`/billing/renewals/forecast/calendar/`: a new address for the feed; the old one is dead."""
    replace_calendar_address(request.account, by=request.actor)
    return redirect("renewals:forecast")


@never_cache
@require_safe
def calendar(request: HttpRequest, token: str) -> HttpResponse:
    """`/calendar/<token>.ics`: for calendar programs, which have no session; who knows the address sees the expiries."""
    account = account_of_token(token)
    if account is None:
        raise Http404
    response = HttpResponse(calendar_of(account, at=clock.now()), content_type=CALENDAR_TYPE)
    response["Content-Disposition"] = 'inline; filename="koogallery-renewals.ics"'
    response["X-Robots-Tag"] = "noindex"
    return response
