"""Usage in the Billing Center: what pay-per-use subscriptions used in a month, as a chart, a table and a file."""

from collections.abc import Iterator
from datetime import date, datetime

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.web import BuyerRequest, buyer_required
from koogallery.kernel import clock
from koogallery.kernel.text import csv_cell
from koogallery.kernel.web.charts import BarChart, bar_chart
from koogallery.kernel.web.csv_export import csv_file
from koogallery.kernel.web.parts import Link
from orders import ports
from provisioning.metering.models import UsageRecord
from provisioning.metering.reads import MonthUsed, month_used, months_used
from provisioning.metering.rules import month_bounds, month_of

PAGE_SIZE = 20
MOST_MONTHS = 12


@require_safe
@buyer_required()
def usage(request: BuyerRequest) -> HttpResponse:
    """`/billing/usage/?month=2026-03`: so far, expected for the month, by day and by subscription."""
    at = clock.now()
    month = asked_month(request.GET.get("month", ""), at)
    found = month_used(request.account, month, at=at)
    months = sorted({month_of(at), month, *months_used(request.account)[:MOST_MONTHS]}, reverse=True)
    lines = [one for of_currency in found for one in of_currency.lines]
    context = {
        "month": month,
        "is_now": month == month_of(at),
        "used": [(one, _chart(one)) for one in found],
        "page": Paginator(lines, PAGE_SIZE).get_page(request.GET.get("page")),
        "months": [Link(f"{one:%B %Y}", f"?month={one:%Y-%m}", current=one == month) for one in months],
    }
    return render(request, "metering/usage.html", context)


def asked_month(text: str, at: datetime) -> date:
    """The month of an address ("2026-03"), or the current one (GMT+08:00).

    Raises:
        Http404: it is none.
    """
    if not text:
        return month_of(at)
    try:
        if len(text) != len("2026-03"):
            raise ValueError(text)
        month = date.fromisoformat(f"{text}-01")
    except ValueError:
        raise Http404 from None
    if not date(2000, 1, 1) <= month <= month_of(at):
        raise Http404
    return month


def _chart(used: MonthUsed) -> BarChart:
    values = [(str(one.day.day), one.amount.amount) for one in used.days]
    return bar_chart(values, title=_("Cost by day"), unit=used.currency)


@require_safe
@buyer_required()
def usage_csv(request: BuyerRequest) -> StreamingHttpResponse:
    """`/billing/usage/export.csv?month=2026-03`: every record of the month, corrections too."""
    month = asked_month(request.GET.get("month", ""), clock.now())
    rows = UsageRecord.objects.for_account(request.account).between(*month_bounds(month))
    rows = rows.select_related("meter__subscription", "meter__line__order").order_by("hour", "meter", "revision")
    named = ports.deployments().with_server_names(rows, "meter__subscription")

    def lines() -> Iterator[list[str]]:
        yield [
            "hour (UTC)", "subscription", "server", "order", "product", "seconds", "correction", "price per hour", "currency",
        ]  # fmt: skip
        for one in named.iterator(chunk_size=2000):
            meter = one.meter
            yield [
                f"{one.hour:%Y-%m-%dT%H:%MZ}",
                meter.subscription.public_id,
                csv_cell(one.server_name),
                meter.line.order.number,
                csv_cell(meter.line.product_name),
                str(one.seconds),
                str(one.revision or ""),
                meter.hourly.digits(),
                meter.currency,
            ]

    return csv_file(lines(), f"usage-{month:%Y-%m}.csv")
