"""Paying a monthly statement: by card, from the balance, or by a transfer that operations record."""

from datetime import datetime

from django.db import transaction

from accounts.actor import Actor, Party
from accounts.permissions import Permission, require
from billing.choices import TAKEN_PAYMENTS, Ledger, PaymentMethodKind, PaymentStatus, StatementStatus
from billing.models import Payment, Statement
from billing.services.intents import record_statement_intent
from billing.services.methods import PaymentRequest, move_balance
from billing.services.paying import charge, give_up_payment, is_made_with
from billing.services.settling import statement_locked, statement_paid
from koogallery.kernel import clock
from koogallery.kernel.errors import InvalidInput, PermissionRefused
from orders.errors import OrderNotPayable


def pay_statement(statement: Statement, request: PaymentRequest, *, by: Actor, at: datetime | None = None) -> Payment:
    """Pay all of a statement, in advance of its due date or overdue.

    Raises:
        PermissionRefused: the role may not pay.
        InvalidInput: a method that does not pay statements, or too small a balance.
        OrderNotPayable: it is paid, or being paid right now.
        PaymentMethodRequired, PaymentDeclined, PaymentActionRequired: see `pay_orders`.
    """
    at = at or clock.now()
    require(by, Permission.PAY)
    waiting = statement.payments.filter(status=PaymentStatus.ACTION_REQUIRED).first()
    if waiting is not None and not is_made_with(waiting, request):
        waiting = give_up_payment(waiting, by=by, at=at)
        if waiting.status in TAKEN_PAYMENTS:
            return waiting
    with transaction.atomic():
        statement = statement_locked(statement.pk)
        if statement.status == StatementStatus.PAID:
            raise OrderNotPayable("This statement is paid already.")
        if request.method == PaymentMethodKind.BALANCE:
            return _pay_from_balance(statement, by=by, at=at)
        if request.method != PaymentMethodKind.CARD:
            raise InvalidInput("Pay a statement by card or from the balance.", errors={"method": ["Not available."]})
        payment = record_statement_intent(statement, request, at=at)
    return charge(payment, by=by, at=at)


def _pay_from_balance(statement: Statement, *, by: Actor, at: datetime) -> Payment:
    _nothing_under_way(statement)
    move_balance(statement.account, -statement.to_pay)
    payment = Payment(
        account=statement.account,
        method=PaymentMethodKind.BALANCE,
        statement=statement,
        currency=statement.currency,
        amount=statement.to_pay.amount,
        created_at=at,
    )
    payment.authorise()
    payment.succeed("", at)
    payment.save()
    statement_paid(statement, source=Ledger.BALANCE, payment=payment, by=by, at=at)
    return payment


def _nothing_under_way(statement: Statement) -> None:
    """No card is being charged for the locked statement, so that it is not paid twice.

    Raises:
        OrderNotPayable: one is.
    """
    if Payment.objects.open().filter(statement=statement).exists():
        raise OrderNotPayable("A payment for this statement is under way. Wait a moment, then look at it again.")


def record_transfer(statement: Statement, reference: str, *, by: Actor, at: datetime | None = None) -> Statement:
    """Operations saw the statement's amount arrive at the bank.

    Raises:
        PermissionRefused: not operations.
        InvalidInput: no reference of the transfer.
        InvalidTransition: it is paid already.
        OrderNotPayable: a card is being charged for it.
    """
    at = at or clock.now()
    if by.party is not Party.OPERATIONS:
        raise PermissionRefused("Only operations record transfers.")
    if not reference.strip():
        raise InvalidInput("Give the bank's reference of the transfer.")
    with transaction.atomic():
        statement = statement_locked(statement.pk)
        _nothing_under_way(statement)
        return statement_paid(statement, source=Ledger.BANK, by=by, at=at, text=reference.strip()[:200])
