"""Spend and the statement of account in the Billing Center, each with its file."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from django import forms
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from accounts.web import BuyerRequest, buyer_required
from billing.account_statement import Asked, closing, count, days_refusal, opening, rows
from billing.admin_statement import statement_csv
from billing.choices import Ledger
from billing.spend import Share, Spent, by_product, by_seller, every_month, spent
from koogallery.kernel import clock
from koogallery.kernel.money import Money
from koogallery.kernel.text import csv_cell
from koogallery.kernel.web.charts import BarChart, bar_chart
from koogallery.kernel.web.csv_export import csv_file
from orders.terms import BILLING_ZONE

MOST_BARS = 12
MOST_ROWS = 500
DAYS = 31


@dataclass(frozen=True, slots=True)
class Breakdown:
    """A chart with the table under it; the chart shows the first of many rows."""

    title: str
    column: str
    chart: BarChart
    shares: list[Share]


def _breakdown(title: str, column: str, shares: list[Share], currency: str) -> Breakdown:
    names = Counter(one.name for one in shares)
    values = [
        (f"{one.name}, {one.product.seller}" if one.product and names[one.name] > 1 else one.name, one.money.amount)
        for one in shares[:MOST_BARS]
    ]
    return Breakdown(title, column, bar_chart(values, title=title, unit=currency), shares)


@require_safe
@buyer_required()
def spend(request: BuyerRequest) -> HttpResponseBase:
    """`/billing/spend/`: the last 12 months by month, product and seller; `?export=csv` as a file."""
    today = clock.now().astimezone(BILLING_ZONE).date()
    found = spent(request.account, today)
    if "export" in request.GET:
        return csv_file(_cells(found), "spend.csv")
    panels = []
    for currency in sorted({one.money.currency for one in found}):
        of_currency = [one for one in found if one.money.currency == currency]
        panels += [
            _breakdown(_("Spend by month"), _("Month"), list(every_month(of_currency, today, currency)), currency),
            _breakdown(_("Spend by product"), _("Product Name"), by_product(of_currency), currency),
            _breakdown(_("Spend by seller"), _("Seller"), by_seller(of_currency), currency),
        ]
    return render(request, "billing/spend.html", {"panels": panels})


def _cells(found: list[Spent]) -> Iterator[list[str]]:
    yield ["month", "product", "product_slug", "seller", "amount", "currency"]
    for one in found:
        product, seller = csv_cell(one.product.name), csv_cell(one.product.seller.name)
        yield [
            f"{one.month:%Y-%m}",
            product,
            one.product.slug,
            seller,
            one.money.digits(),
            one.money.currency,
        ]


class AccountStatementForm(forms.Form):
    """What of, and for which days (GMT+08:00)."""

    ledger = forms.ChoiceField(
        label=gettext_lazy("Statement of"),
        choices=[
            (Ledger.BALANCE, gettext_lazy("Account balance")),
            (Ledger.RECEIVABLE, gettext_lazy("Monthly settlement")),
        ],
    )
    first = forms.DateField(label=gettext_lazy("From"), widget=forms.DateInput({"type": "date"}))
    last = forms.DateField(label=gettext_lazy("To"), widget=forms.DateInput({"type": "date"}))

    def clean(self) -> dict[str, object]:
        data = super().clean() or {}
        if why := days_refusal(data.get("first"), data.get("last")):
            raise forms.ValidationError(why)
        return data


@require_safe
@buyer_required()
def account_statement(request: BuyerRequest) -> HttpResponseBase:
    """`/billing/account-statement/`: each movement of the balance or of monthly settlement, with the balance after it."""
    today = clock.now().astimezone(BILLING_ZONE).date()
    usual = {"ledger": Ledger.BALANCE, "first": today - timedelta(DAYS), "last": today}
    asked_for = "ledger" in request.GET
    form = AccountStatementForm(request.GET if asked_for else usual)
    context: dict[str, object] = {"form": form}
    if form.is_valid():
        data = form.cleaned_data
        asked = Asked(request.account, Ledger(data["ledger"]), request.account.currency, data["first"], data["last"])
        if "export" in request.GET:
            return statement_csv(asked, sign=-1 if asked.ledger is Ledger.BALANCE else 1)
        number = count(asked)
        context |= {
            "opening": _seen(opening(asked), asked),
            "closing": _seen(closing(asked), asked),
            "rows": [
                (one, _seen(one.posting.money, asked), _seen(one.balance, asked)) for one in rows(asked, MOST_ROWS)
            ],
            "number": number,
            "left_out": max(0, number - MOST_ROWS),
            "export": f"?ledger={asked.ledger}&first={asked.first}&last={asked.last}&export=csv",
        }
    return render(request, "billing/account_statement.html", context, status=422 if form.errors else 200)


def _seen(money: Money, asked: Asked) -> Money:
    """A balance is a credit in our books, and the customer's own money on his page."""
    return -money if money and asked.ledger is Ledger.BALANCE else money
