"""Monthly settlement in the Billing Center: what is owed, the statements, paying one."""

from collections.abc import Iterator

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.permissions import Permission, may
from accounts.web import BuyerRequest, buyer_required
from billing.choices import Ledger
from billing.errors import PaymentActionRequired, PaymentDeclined, PaymentMethodRequired
from billing.models import AccountBalance, CreditLine, Posting, Statement
from billing.rules.cycles import month_before
from billing.services import methods_of, pay_statement
from billing.views.leaving import leave_for
from billing.views.pay import chosen_method
from koogallery.kernel.errors import DomainError, InvalidInput
from koogallery.kernel.money import Money
from koogallery.kernel.text import csv_cell
from koogallery.kernel.web.csv_export import csv_file

PAGE_SIZE = 20
ENTRIES = 50


@require_safe
@buyer_required()
def statement_list(request: BuyerRequest) -> HttpResponse:
    """`/billing/statements/`: balance, credit limit and the statements, newest first."""
    rows = Statement.objects.for_account(request.account).order_by("-month", "-id")
    context = {
        "page": Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page")),
        "credit": CreditLine.objects.filter(account=request.account, revoked_at=None).first(),
        "balances": list(AccountBalance.objects.filter(account=request.account).order_by("currency")),
    }
    return render(request, "billing/statement_list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@buyer_required()
def statement(request: BuyerRequest, public_id: str) -> HttpResponse:
    """`/billing/statements/<id>/`: what was bought in the month, and how to pay it."""
    found = get_object_or_404(
        Statement.objects.for_account(request.account).select_related("account"), public_id=public_id
    )
    error: DomainError | None = None
    if request.method == "POST":
        try:
            pay_statement(found, chosen_method(request), by=request.actor)
            return redirect(found)
        except PaymentActionRequired as action:
            return leave_for(request, str(action.extra["action_url"]), _("Confirm this payment"))
        except (PaymentDeclined, PaymentMethodRequired, InvalidInput) as refused:
            error = refused
    methods = methods_of(request.account, found.to_pay, with_credit=False)
    context = {
        "statement": found,
        "page": Paginator(entries_of(found), ENTRIES).get_page(request.GET.get("page")),
        "payment": found.payments.order_by("-created_at").first(),
        "methods": methods,
        "balance_is_enough": found.to_pay <= methods.balance,
        "may_pay": may(request.membership.role, Permission.PAY),
        "error": error,
    }
    return render(request, "billing/statement.html", context, status=422 if error else 200)


@require_safe
@buyer_required()
def statement_csv(request: BuyerRequest, public_id: str) -> StreamingHttpResponse:
    """`/billing/statements/<id>/export.csv`: all purchases and refunds of a statement, with their sum as the last row."""
    found = get_object_or_404(Statement.objects.for_account(request.account), public_id=public_id)
    return csv_file(statement_rows(found), f"statement-{found.month:%Y-%m}-{found.public_id}.csv")


def statement_rows(found: Statement) -> Iterator[list[str]]:
    """A statement as rows of a file: the head, what was bought and refunded, the sum, which is what was stated."""
    yield ["time", "order", "usage bill", "product", "seller", "amount", "currency"]
    total = Money.zero(found.currency)
    for one in entries_of(found).iterator(chunk_size=2000):
        total += one.money
        order, payment = one.entry.order, one.entry.payment
        bill = payment.usage_bill if payment else None
        yield [
            one.entry.at.isoformat(),
            order.number if order else "",
            bill.public_id if bill else "",
            csv_cell(order.product.name) if order else "",
            csv_cell(order.product.seller.name) if order else "",
            one.money.digits(),
            one.currency,
        ]
    yield ["total", "", "", "", "", total.digits(), found.currency]


def entries_of(found: Statement) -> "QuerySet[Posting]":
    """Purchases of the month and what of them was refunded before it was stated, oldest first; refunds are negative."""
    _month, end = month_before(found.issued_at)
    rows = Posting.objects.filter(
        account=found.account, ledger=Ledger.RECEIVABLE, currency=found.currency, entry__payment__ended_at__lt=end
    ).exclude(entry__kind="settlement")
    before = Statement.objects.for_account(found.account).filter(month__lt=found.month, currency=found.currency)
    if last := before.order_by("-month").first():
        _previous, start = month_before(last.issued_at)
        rows = rows.filter(entry__payment__ended_at__gte=start)
    return rows.select_related("entry__order__product__seller", "entry__payment__usage_bill").order_by(
        "entry__at", "id"
    )
