"""Operations' screen of a statement of account, and its export as CSV."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django import forms
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _

from accounts.models import Reseller, Seller
from billing.account_statement import Asked, Row, closing, count, days_refusal, opening, rows
from billing.admin_forms import account_named
from billing.choices import Ledger
from koogallery.kernel import clock
from koogallery.kernel.money import Money
from koogallery.kernel.text import csv_cell
from koogallery.kernel.web.csv_export import csv_file
from orders.terms import BILLING_ZONE

MOST_ROWS = 1000
DAYS = 31
HEAD = ["time", "kind", "order", "payment", "text", "debit", "credit", "balance", "currency"]


class StatementForm(forms.Form):
    """Whose statement, of what, for which days."""

    account = forms.CharField(
        required=False, max_length=200, help_text=_("Name or id of the account, a member's e-mail, or an order number")
    )
    seller = forms.CharField(required=False, max_length=64, help_text=_("Slug of the seller"))
    reseller = forms.ModelChoiceField(Reseller.objects.order_by("name"), required=False)
    ledger = forms.ChoiceField(choices=[("", _("What the party owes or has")), *Ledger.choices], required=False)
    currency = forms.RegexField("^[A-Z]{3}$", initial="USD")
    first = forms.DateField(label=_("From"), help_text=_("GMT+08:00"))
    last = forms.DateField(label=_("To"), help_text=_("The last day counts"))

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        named = [
            (account_named(data["account"]), Ledger.RECEIVABLE) if data.get("account") else None,
            (Seller.objects.filter(slug=data["seller"].strip()).first(), Ledger.SELLER_PAYABLE)
            if data.get("seller")
            else None,
            (data["reseller"], Ledger.RESELLER_OWES) if data.get("reseller") else None,
        ]
        found = [one for one in named if one is not None]
        if len(found) != 1 or found[0][0] is None:
            raise forms.ValidationError(_("Name the one account, seller or reseller whose statement it is."))
        if why := days_refusal(data.get("first"), data.get("last")):
            raise forms.ValidationError(why)
        data["party"], usual = found[0]
        data["ledger"] = Ledger(data["ledger"]) if data.get("ledger") else usual
        return data

    def asked(self) -> Asked:
        data = self.cleaned_data
        return Asked(data["party"], data["ledger"], data["currency"], data["first"], data["last"])


def statement_page(request: HttpRequest, context: dict[str, Any]) -> HttpResponseBase:
    """The form; with what it asks for, the statement below it, or the whole of it as a file (`export`)."""
    today = clock.now().astimezone(BILLING_ZONE).date()
    form = StatementForm(
        request.GET if request.GET else None, initial={"first": today - timedelta(DAYS), "last": today}
    )
    if request.GET and form.is_valid():
        asked = form.asked()
        if "export" in request.GET:
            return statement_csv(asked)
        number = count(asked)
        context |= {
            "asked": asked,
            "ledger": asked.ledger.label,
            "opening": opening(asked),
            "rows": list(rows(asked, MOST_ROWS)),
            "closing": closing(asked),
            "number": number,
            "left_out": max(0, number - MOST_ROWS),
            "export": f"?{request.GET.urlencode()}&export=csv",
        }
    status = 422 if form.errors else 200
    return TemplateResponse(request, "admin/account_statement.html", context | {"form": form}, status=status)


def statement_csv(asked: Asked, *, sign: int = 1) -> StreamingHttpResponse:
    """A statement of account as a file, with the balances before and after.

    Args:
        sign: -1 where the balances of our books are read from the other side: a credit is the customer's own money.
    """

    def lines() -> Iterator[list[str]]:
        yield HEAD
        yield _balance(asked.first.isoformat(), "opening balance", _seen(opening(asked), sign))
        for row in rows(asked):
            yield _cells(row, sign)
        yield _balance(asked.last.isoformat(), "closing balance", _seen(closing(asked), sign))

    return csv_file(lines(), "statement-of-account.csv")


def _seen(balance: Money, sign: int) -> Money:
    return balance * sign if balance else balance


def _balance(day: str, name: str, money: Money) -> list[str]:
    return [day, name, "", "", "", "", "", money.digits(), money.currency]


def _cells(row: Row, sign: int) -> list[str]:
    entry = row.posting.entry
    return [
        entry.at.isoformat(timespec="seconds"),
        entry.kind,
        entry.order.number if entry.order else "",
        entry.payment.public_id if entry.payment else "",
        csv_cell(entry.text),
        row.debit.digits() if row.debit else "",
        row.credit.digits() if row.credit else "",
        _seen(row.balance, sign).digits(),
        row.posting.currency,
    ]
