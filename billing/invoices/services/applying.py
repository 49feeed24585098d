"""Applying for an invoice (guide 8): what it names is taken under the locks of its orders, never above the cash paid."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction

from accounts.actor import Actor
from accounts.models import Account
from accounts.permissions import Permission, require
from billing.choices import StatementStatus
from billing.invoices.choices import Basis, InvoiceStatus
from billing.invoices.errors import NotInvoiceable
from billing.invoices.events import InvoiceCancelled, InvoiceRequested, PlatformInvoiceRequested
from billing.invoices.models import Invoice, InvoiceItem
from billing.invoices.rules import is_platforms, share_of
from billing.invoices.services.headers import HeaderData, checked_header
from billing.invoices.services.issuers import issuer_of
from billing.invoices.services.recording import invoice_locked, record
from billing.invoices.services.reviewing import approved
from billing.invoices.services.sources import (
    Part,
    orders_of,
    outstanding_of,
    parts_of,
    prepaid,
    sources_of,
    usage_sources_of,
)
from billing.models import Statement, UsageBill
from koogallery.kernel import clock
from koogallery.kernel.errors import InvalidInput, NotFound
from koogallery.kernel.ids import invoice_number
from koogallery.kernel.money import Money
from koogallery.kernel.outbox import publish
from koogallery.kernel.text import clean_text
from orders import services as orders
from orders.models import Order, OrderLine
from orders.terms import BILLING_ZONE
from pricing.values import LineKind

MOST_ORDERS = 100
LONGEST_NOTE = 500


@dataclass(frozen=True, slots=True)
class Application:
    """What is applied for: prepaid orders by their numbers, or one closed cycle.

    Attributes:
        orders: numbers of orders of the account.
        statement: the public id of a paid monthly statement, in place of orders.
        usage_bill: the public id of a paid usage bill, likewise.
        issuer: a seller's slug or `platform`; needed only where an order has parts of both.
        header: to whom it is made out; frozen with the application.
        replaces: the number of a returned invoice that it is applied for in place of.
    """

    header: HeaderData
    orders: Sequence[str] = ()
    statement: str = ""
    usage_bill: str = ""
    issuer: str = ""
    note: str = ""
    replaces: str = ""


@dataclass(frozen=True, slots=True)
class Preview:
    """What an invoice comes to: what it names, less what was refunded of other orders after they were invoiced."""

    named: Money
    offsets: Sequence[Part]

    @property
    def offset(self) -> Money:
        return Money.total((one.cash.outstanding for one in self.offsets), self.named.currency)

    @property
    def total(self) -> Money:
        return self.named - self.offset


def preview_of(parts: Sequence[Part], *, account: Account) -> Preview:
    """What an invoice over these parts comes to.

    Raises:
        NotInvoiceable: nothing is named, several issuers or currencies, or refunds that are more.
    """
    parts = _of_one_issuer(parts, "")
    currency, named = parts[0].order.currency, {one.order.pk for one in parts}
    outstanding = outstanding_of(account, parts[0].seller, currency)
    preview = Preview(
        Money.total((one.amount for one in parts), currency), [one for one in outstanding if one.order.pk not in named]
    )
    if preview.total.amount <= 0:
        raise NotInvoiceable(
            "Refunds of what is invoiced already are more than these orders. Name more orders, or return the invoice first."
        )
    return preview


def apply_for_invoice(application: Application, *, account: Account, by: Actor, at: datetime | None = None) -> Invoice:
    """Apply for one invoice of one issuer over all that is left of what is named.

    Raises:
        PermissionRefused: the role may not apply. InvalidInput: the header, the note, or nothing named.
        NotFound: an order or statement that is not the account's.
        NotInvoiceable: nothing is left, not completed, several issuers or currencies, paid on credit, a reseller's customer.
    """
    at = at or clock.now()
    require(by, Permission.INVOICE)
    header = checked_header(application.header, country=account.country)
    note = _note(application.note)
    with transaction.atomic():
        if account.reseller_id:
            raise NotInvoiceable("You buy through a reseller: ask the reseller for the invoice.")
        statement = _statement(application, account)
        bill = _usage_bill(application, account)
        if bill is not None:
            chosen = _by_use(bill, account)
        elif statement is not None:
            chosen = _by_cycle(statement, account)
        else:
            chosen = _by_order(application, account)
        parts = _of_one_issuer(chosen, application.issuer)
        preview = preview_of(parts, account=account)
        seller, currency, total = parts[0].seller, parts[0].order.currency, preview.total
        items = [_item(part, part.amount, statement=statement, bill=bill) for part in parts if part.amount]
        items += [_offset(part) for part in preview.offsets]
        invoice = Invoice.objects.create(
            number=invoice_number(at),
            account=account,
            issuer=issuer_of(seller),
            basis=Basis.CYCLE if statement or bill else Basis.ORDER,
            currency=currency,
            amount=total.amount,
            note=note,
            replaces=_replaced(application.replaces, account),
            applied_by=by.label[:200],
            created_at=at,
            company_name=header.company_name,
            tax_number=header.tax_number,
            country=header.country,
            address=header.address,
            email=header.email,
        )
        InvoiceItem.objects.bulk_create(_with_invoice(items, invoice))
        record(invoice, "", by=by, at=at, note=note)
        if settings.INVOICES_AUTOMATIC:
            return approved(invoice, by=Actor.system("automatic invoicing"), at=at)
        told = PlatformInvoiceRequested if seller is None else InvoiceRequested
        publish(told(invoice=invoice.number, amount=total.display()), at=at)
    return invoice


def _note(text: str) -> str:
    try:
        cleaned = clean_text(text)
    except ValueError as refused:
        raise InvalidInput(str(refused), errors={"note": [str(refused)]}) from refused
    if len(cleaned) > LONGEST_NOTE:
        why = f"Enter at most {LONGEST_NOTE} characters."
        raise InvalidInput(why, errors={"note": [why]})
    return cleaned


def _statement(application: Application, account: Account) -> Statement | None:
    if not application.statement:
        return None
    if application.orders:
        raise InvalidInput("Name orders or a closed cycle, not both.")
    found = Statement.objects.for_account(account).filter(public_id=application.statement).first()
    if found is None:
        raise NotFound
    if found.status != StatementStatus.PAID:
        raise NotInvoiceable("A cycle can be invoiced once its statement is paid.")
    return found


def _usage_bill(application: Application, account: Account) -> UsageBill | None:
    if not application.usage_bill:
        return None
    if application.orders or application.statement:
        raise InvalidInput("Name orders or a closed cycle, not both.")
    # Two applications for one bill wait for each other here.
    rows = UsageBill.objects.for_account(account).select_for_update(of=("self",))
    found = rows.filter(public_id=application.usage_bill).first()
    if found is None:
        raise NotFound
    return found


def _by_use(bill: UsageBill, account: Account) -> list[Part]:
    found = [part for one in usage_sources_of(account, bill=bill.public_id) for part in one.parts]
    if not found:
        raise NotInvoiceable("Nothing of this bill can be invoiced: it is not paid in cash yet, or invoiced already.")
    return found


def _by_cycle(statement: Statement, account: Account) -> list[Part]:
    found = [one.pk for one in orders_of(statement, account)]
    return _parts(found)


def _by_order(application: Application, account: Account) -> list[Part]:
    numbers = list(dict.fromkeys(application.orders))
    if not numbers or len(numbers) > MOST_ORDERS:
        why = f"Select 1 to {MOST_ORDERS} orders."
        raise InvalidInput(why, errors={"orders": [why]})
    found = {one.number: one for one in Order.objects.for_account(account).filter(number__in=numbers)}
    if missing := [one for one in numbers if one not in found]:
        raise NotFound(f"There is no order {missing[0][:40]}.")
    parts = _parts([one.pk for one in found.values()])
    fit = set(prepaid(account).filter(pk__in=[one.pk for one in found.values()]).values_list("pk", flat=True))
    for one in found.values():
        if one.pk not in fit:
            raise NotInvoiceable(_why_not(one, account))
    return parts


def _parts(pks: Sequence[int]) -> list[Part]:
    """The parts of these orders, each order locked, in one order."""
    for pk in sorted(pks):
        orders.order_locked(pk)
    rows = Order.objects.filter(pk__in=pks).select_related("product", "seller").prefetch_related("lines")
    return [one for one in parts_of(rows.order_by("completed_at", "pk")) if one.cash.left]


def _why_not(order: Order, account: Account) -> str:
    """What stands against invoicing an order, in words."""
    if order.status != "completed":
        return f"Order {order.number} is not completed. Orders can be invoiced once they are completed."
    if not order.payable:
        return f"Nothing was paid for order {order.number}."
    if any(order in [part.order for part in one.parts] for one in sources_of(account)):
        return f"Order {order.number} was bought on monthly settlement, which is invoiced by closed cycle."
    return f"Nothing of order {order.number} is left to invoice: it is invoiced, refunded, or not paid in cash yet."


def _of_one_issuer(parts: Sequence[Part], issuer: str) -> list[Part]:
    chosen = [one for one in parts if not issuer or one.issuer == issuer]
    if not chosen:
        raise NotInvoiceable("Nothing is left to invoice.")
    if len({one.issuer for one in chosen}) > 1:
        raise NotInvoiceable("These are invoiced by different issuers, which cannot share an invoice. Apply for each.")
    if len({one.order.currency for one in chosen}) > 1:
        raise NotInvoiceable("An invoice is in one currency. Apply for each currency.")
    return chosen


def _item(
    part: Part, amount: Money, *, statement: Statement | None = None, bill: UsageBill | None = None
) -> InvoiceItem:
    order, line = part.order, _line_of(part)
    if part.use is not None and bill is not None:
        return InvoiceItem(
            order=order,
            usage_bill=bill,
            description=f"{line.product_name}, {line.specification_name}, pay-per-use"[:300],
            details=f"Order {order.number}, {bill}"[:300],
            currency=order.currency,
            amount=amount.amount,
            tax=part.use.tax.amount,
            tax_label=part.use.tax_label[:60],
        )
    tax = share_of(Money(order.tax, order.currency), amount=amount, whole=order.payable_money)
    period = f", {line.duration_label}" if line.duration_label else ""
    paid = order.paid_at.astimezone(BILLING_ZONE).date() if order.paid_at else ""
    return InvoiceItem(
        order=order,
        statement=statement,
        description=f"{line.product_name}, {line.specification_name}{period}"[:300],
        details=f"Order {order.number}, paid {paid}",
        currency=order.currency,
        amount=amount.amount,
        tax=tax.amount,
        tax_label=_tax_label(order) if tax else "",
    )


def _line_of(part: Part) -> OrderLine:
    """What an issuer's part of an order is of: the image of its seller's, the server under it of ours."""
    joint = part.order.product.joint_operation
    lines = list(part.order.lines.all())
    own = (one for one in lines if is_platforms(one.delivery_method, joint_operation=joint) == (part.seller is None))
    return next(own, lines[0])


def _offset(part: Part) -> InvoiceItem:
    item = _item(part, -part.cash.outstanding)
    item.details = f"Refunded of order {part.order.number} after it was invoiced"
    return item


def _tax_label(order: Order) -> str:
    label = next((str(one["text"]) for one in order.quote["lines"] if one.get("kind") == LineKind.TAX), "Tax")
    return label[:60]


def _with_invoice(items: Sequence[InvoiceItem], invoice: Invoice) -> list[InvoiceItem]:
    for one in items:
        one.invoice = invoice
    return list(items)


def _replaced(number: str, account: Account) -> Invoice | None:
    if not number:
        return None
    found = Invoice.objects.for_account(account).filter(number=number).first()
    if found is None:
        raise NotFound
    if found.status != InvoiceStatus.RETURNED:
        raise NotInvoiceable("An invoice is reissued after it was returned.")
    return found


def cancel_application(invoice: Invoice, *, by: Actor, at: datetime | None = None) -> Invoice:
    """The buyer takes an application back that nobody has reviewed yet.

    Raises:
        PermissionRefused: the role may not. InvalidTransition: it is not pending review.
    """
    require(by, Permission.INVOICE)
    return cancelled(invoice, reason="Canceled by the customer.", by=by, at=at or clock.now())


def cancelled(invoice: Invoice, *, reason: str, by: Actor, at: datetime) -> Invoice:
    """Cancel a pending application; in a transaction of its own or the caller's."""
    with transaction.atomic():
        invoice = invoice_locked(invoice, InvoiceStatus.PENDING_REVIEW)
        before = invoice.status
        invoice.cancel(at, reason)
        invoice.save(update_fields=["status", "decided_at", "reason"])
        record(invoice, before, by=by, at=at, note=reason)
        publish(InvoiceCancelled(invoice=invoice.number, reason=reason), at=at)
    return invoice
