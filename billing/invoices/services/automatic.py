"""With the setting, what can be invoiced is invoiced by itself to the account's default header (RULES 5).

Prepaid orders once they are completed, closed cycles once their statement or usage bill is paid; each issuer's part by itself.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from django.conf import settings

from accounts.actor import Actor
from accounts.models import Account
from billing.invoices.errors import NotInvoiceable
from billing.invoices.models import Invoice, InvoiceHeader
from billing.invoices.services.applying import Application, apply_for_invoice
from billing.invoices.services.headers import HeaderData
from billing.invoices.services.sources import Source, parts_of, sources_of, usage_sources_of
from billing.models import Statement, UsageBill
from orders.models import Order


def invoice_automatically(order_number: str, *, at: datetime) -> list[Invoice]:
    """What was just completed: by itself, or with its cycle where it was bought on credit and its statement is paid."""
    order = Order.objects.select_related("account").filter(number=order_number).first()
    if order is None or not (header := _header(order.account)):
        return []
    wanted = Application(header, orders=[order.number])
    made = _each(order.account, (replace(wanted, issuer=part.issuer) for part in parts_of([order])), at)
    if made:
        return made
    with_it = [one for one in sources_of(order.account) if order.pk in {part.order.pk for part in one.parts}]
    return _cycles(order.account, with_it, at)


def invoice_statement_automatically(public_id: str, *, at: datetime) -> list[Invoice]:
    """A monthly statement was just paid: what was bought in its cycle, and the use that stood on it."""
    statement = Statement.objects.select_related("account").filter(public_id=public_id).first()
    if statement is None:
        return []
    account = statement.account
    bought = [one for one in sources_of(account) if one.statement == statement]
    return _cycles(account, [*bought, *usage_sources_of(account, on=statement)], at)


def invoice_bill_automatically(public_id: str, *, at: datetime) -> list[Invoice]:
    """A usage bill was just paid; one that stands on a monthly statement waits for that."""
    bill = UsageBill.objects.select_related("account").filter(public_id=public_id).first()
    return _cycles(bill.account, usage_sources_of(bill.account, bill=public_id), at) if bill else []


def _cycles(account: Account, sources: Iterable[Source], at: datetime) -> list[Invoice]:
    if not (header := _header(account)):
        return []
    wanted = (
        Application(
            header,
            statement=one.statement.public_id if one.statement else "",
            usage_bill=one.usage_bill.public_id if one.usage_bill else "",
            issuer=one.issuer,
        )
        for one in sources
    )
    return _each(account, wanted, at)


def _header(account: Account) -> HeaderData | None:
    """To whom; None where nothing is issued by itself: the setting is off, no header is kept, a reseller invoices."""
    if not settings.INVOICES_AUTOMATIC or account.reseller_id:
        return None
    found = InvoiceHeader.objects.for_account(account).filter(is_default=True).first()
    return HeaderData(**found.header()) if found else None


def _each(account: Account, wanted: Iterable[Application], at: datetime) -> list[Invoice]:
    made = []
    for one in wanted:
        try:
            made.append(apply_for_invoice(one, account=account, by=Actor.system("automatic invoicing"), at=at))
        except NotInvoiceable:
            continue
    return made
