"""The first page of the Billing Center (UX 3.5): what is due, what ends soon, what waits, what was spent; and Contracts."""

from decimal import Decimal
from itertools import groupby

from django.core.paginator import Paginator
from django.db.models import DecimalField, F, Sum
from django.db.models.functions import ExtractYear
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.models import Account
from accounts.web import BuyerRequest, buyer_required
from billing.choices import UsageBillStatus
from billing.invoices.choices import InvoiceStatus
from billing.models import Invoice, Statement, UsageBill
from billing.spend import spent_by_month
from koogallery.kernel import clock
from koogallery.kernel.money import Money
from koogallery.kernel.web.charts import bar_chart
from koogallery.kernel.web.parts import Link
from orders.choices import OrderStatus
from orders.models import ENDS_SOON, AcceptedAgreement, Order, Subscription
from orders.terms import BILLING_ZONE

PAGE_SIZE = 50
WAITING = (InvoiceStatus.PENDING_REVIEW, InvoiceStatus.ISSUING, InvoiceStatus.RETURNING)


@require_safe
@buyer_required()
def overview(request: BuyerRequest) -> HttpResponse:
    """`/billing/`: the figures, each with the page that it leads to, and the spend of 12 months."""
    account, now = request.account, clock.now()
    months = spent_by_month(account, now.astimezone(BILLING_ZONE).date())
    context = {
        "due": _due(account),
        "unpaid": Order.objects.for_account(account).filter(status=OrderStatus.PENDING_PAYMENT).count(),
        "ending": Subscription.objects.for_account(account).ending(now + ENDS_SOON).count(),
        "applications": Invoice.objects.for_account(account).filter(status__in=WAITING).count(),
        "spent": [
            (
                shares,
                bar_chart([(one.name, one.money.amount) for one in shares], title=_("Spend by month"), unit=currency),
            )
            for currency, shares in months.items()
        ],
    }
    return render(request, "billing/overview.html", context)


def _due(account: Account) -> list[Money]:
    """What of statements and usage bills is not paid, by currency; in one query."""
    statements = Statement.objects.for_account(account).unpaid()
    bills = UsageBill.objects.for_account(account).filter(status=UsageBillStatus.ARREARS)
    summed = [
        rows.order_by().values("currency").annotate(total=Sum(amount, output_field=DecimalField()))
        for rows, amount in ((statements, F("amount") - F("credited")), (bills, F("amount")))
    ]
    sums: dict[str, Decimal] = {}
    for currency, total in (
        summed[0].values_list("currency", "total").union(summed[1].values_list("currency", "total"), all=True)
    ):
        sums[currency] = sums.get(currency, Decimal(0)) + total
    return [Money(total, currency) for currency, total in sorted(sums.items()) if total]


@require_safe
@buyer_required()
def contracts(request: BuyerRequest) -> HttpResponse:
    """`/billing/contracts/?year=`: the agreements that the account accepted, by the month of their acceptance (GMT+08:00)."""
    accepted = AcceptedAgreement.objects.for_account(request.account)
    year_of = ExtractYear("accepted_at", tzinfo=BILLING_ZONE)
    years = list(accepted.order_by().values_list(year_of, flat=True).distinct())
    years.sort(reverse=True)
    year = next((one for one in years if request.GET.get("year") == str(one)), None)
    rows = accepted.annotate(year=year_of).filter(year=year) if year else accepted
    rows = rows.select_related("order__product").defer("text").order_by("-accepted_at", "-id")
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    months = groupby(page, key=lambda one: one.accepted_at.astimezone(BILLING_ZONE).date().replace(day=1))
    tabs = [Link(_("All"), "?", current=year is None)]
    tabs += [Link(str(one), f"?year={one}", current=one == year) for one in years]
    context = {"page": page, "months": [(month, list(group)) for month, group in months], "tabs": tabs}
    return render(request, "billing/contracts.html", context)
