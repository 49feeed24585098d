"""Monthly settlement: granted by operations, stated on the 3rd, due in 15 days, then overdue, then frozen (RULES 6)."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.db.models import Sum

from accounts.actor import Actor, Party
from accounts.models import Account
from billing import ledger
from billing.choices import EntryKind, Ledger, StatementStatus
from billing.events import (
    AccountFrozenForDebt,
    DebtFreezeAhead,
    DebtFreezeLifted,
    StatementDueSoon,
    StatementIssued,
    StatementOverdue,
    StatementPaid,
)
from billing.ledger import Side
from billing.models import CreditLine, Payment, Posting, Statement, UsageBill
from billing.rules.cycles import midnight, month_before, next_statement
from billing.rules.usage import latest_notice, next_notice
from billing.services.arrears import account_locked
from billing.services.methods import give_credit_back, move_balance
from billing.services.usage_bills import bill_due_usage
from catalog.choices import BillingMode
from koogallery.kernel import clock
from koogallery.kernel.compiled import Compiled, Moment, Param
from koogallery.kernel.errors import InvalidInput, InvalidTransition, PermissionRefused
from koogallery.kernel.money import Money
from koogallery.kernel.outbox import publish
from koogallery.kernel.stored import insert, update
from orders import ports
from orders.choices import SubscriptionStatus
from orders.models import Subscription

# A month's end states every account on credit: what each statement asks is compiled once.
_ACCOUNT = Compiled(lambda: CreditLine.objects.filter(pk=Param("pk")).values_list("account"))
_LOCKED_LINE = Compiled(
    lambda: CreditLine.objects.select_for_update(of=("self",)).select_related("account").filter(pk=Param("pk"))
)
_OWED = Compiled(lambda: _bought(Param("account"), Param("currency"), Moment("end")))
_STATED = Compiled(lambda: _summed(Statement.objects.filter(account=Param("account"), currency=Param("currency"))))


@dataclass(frozen=True, slots=True)
class CreditTerms:
    """What operations grant: a limit in a currency, and the service ticket in which it was asked for."""

    limit: Money
    ticket: str


def grant_credit(account: Account, terms: CreditTerms, *, by: Actor, at: datetime | None = None) -> CreditLine:
    """Enable monthly settlement for an account, or change its limit.

    Raises:
        PermissionRefused: not operations.
        InvalidInput: no ticket, a negative limit, a reseller's customer, or another currency than what is owed.
    """
    at = at or clock.now()
    if by.party is not Party.OPERATIONS:
        raise PermissionRefused("Only operations grant credit.")
    if not terms.ticket.strip():
        raise InvalidInput("Name the service ticket in which credit payment was asked for.")
    if terms.limit.amount < 0:
        raise InvalidInput("A credit limit is not negative.")
    if account.reseller_id:
        raise InvalidInput("A reseller's customer pays his reseller.")
    with transaction.atomic():
        line = CreditLine.objects.select_for_update(of=("self",)).filter(account=account).first()
        if line is None:
            line = CreditLine(account=account, currency=terms.limit.currency, next_statement_at=next_statement(at))
        if line.currency != terms.limit.currency:
            raise InvalidInput(f"This account's credit is in {line.currency}.")
        line.limit, line.ticket, line.revoked_at = terms.limit.amount, terms.ticket.strip()[:200], None
        line.granted_at, line.granted_by = at, by.label
        line.save()
    return line


def revoke_credit(account: Account, *, by: Actor, at: datetime | None = None) -> None:
    """No new orders on credit; what is owed is stated and paid as before.

    Raises:
        PermissionRefused: not operations.
    """
    at = at or clock.now()
    if by.party is not Party.OPERATIONS:
        raise PermissionRefused("Only operations revoke credit.")
    CreditLine.objects.filter(account=account, revoked_at=None).update(revoked_at=at)


def issue_statement(pk: int, *, at: datetime, by: Actor) -> Statement | None:
    """Timer: state last month, if anything of it is still owed. What was used in it is billed first."""
    with transaction.atomic():
        bill_due_usage(_ACCOUNT.get(pk=pk)[0], at=at, by=by)
        line = _LOCKED_LINE.get(pk=pk)
        if line.next_statement_at > at:
            return None
        month, end = month_before(line.next_statement_at)
        issued_at, line.next_statement_at = line.next_statement_at, next_statement(line.next_statement_at)
        update(line, "next_statement_at")
        unstated = owed_until(line.account, line.currency, end) - stated(line.account, line.currency)
        if unstated.amount <= 0:
            return None
        due_at = issued_at + settings.STATEMENT_DUE_AFTER
        statement = Statement(
            account=line.account,
            currency=line.currency,
            month=month,
            amount=unstated.amount,
            issued_at=issued_at,
            due_at=due_at,
            freezes_at=due_at + settings.STATEMENT_FREEZES_AFTER,
        )
        statement.notice_at = _next_notice(statement, issued_at)
        insert([statement])
        publish(StatementIssued(statement=statement.public_id), at=at)
    return statement


def owed_until(account: Account, currency: str, end: datetime) -> Money:
    """What was bought on credit before `end`, less what of it was refunded before it was stated.

    What was paid for statements does not count, and neither does a later refund: it pays statements (`credit_back`).
    """
    return Money(_total(_OWED, account, currency, end=end), currency)


def stated(account: Account, currency: str) -> Money:
    """The sum of all statements so far."""
    return Money(_total(_STATED, account, currency), currency)


def _bought(account: Param, currency: Param, end: Moment) -> "models.QuerySet[Posting, Any]":
    rows = Posting.objects.filter(account=account, ledger=Ledger.RECEIVABLE, currency=currency)
    rows = rows.filter(entry__payment__ended_at__lt=end).exclude(entry__kind=EntryKind.SETTLEMENT)
    return _summed(rows)


def _summed(rows: "models.QuerySet[Any]") -> "models.QuerySet[Any, Any]":
    """The sum of their amounts by account: one row, or none where there are none."""
    total = Sum("amount", output_field=models.DecimalField())
    return rows.order_by().values("account").annotate(total=total).values_list("total")


def _total(read: "Compiled[Any]", account: Account, currency: str, **values: Any) -> Decimal:
    found = read.first(account=account.pk, currency=currency, **values)
    return found[0] if found else Decimal(0)


def _next_notice(statement: Statement, after: datetime) -> datetime | None:
    return next_notice([statement.due_at, statement.freezes_at], after)


def warn_of_debt(pk: int, *, at: datetime, by: Actor) -> None:
    """Timer: 7, 3 and 1 days before a statement is due, and again before the account is frozen for it.

    After a standstill only the latest is told, and none of what has happened since.
    """
    with transaction.atomic():
        statement = statement_locked(pk)
        if statement.status == StatementStatus.PAID or statement.notice_at is None or statement.notice_at > at:
            return
        now = max(at, clock.now())
        if latest := latest_notice([statement.due_at, statement.freezes_at], now):
            told_at, step = latest
            coming = StatementDueSoon if step == statement.due_at else DebtFreezeAhead
            publish(coming(statement=statement.public_id), at=told_at)
        statement.notice_at = _next_notice(statement, now)
        statement.save(update_fields=["notice_at"])


def fall_overdue(pk: int, *, at: datetime, by: Actor) -> None:
    """Timer: a statement was not paid in time; new orders on credit stop at once."""
    with transaction.atomic():
        statement = statement_locked(pk)
        if statement.status == StatementStatus.OPEN and statement.due_at <= at:
            statement.fall_overdue()
            statement.save(update_fields=["status"])
            publish(StatementOverdue(statement=statement.public_id), at=at)


def freeze_for_debt(pk: int, *, at: datetime, by: Actor) -> None:
    """Timer: 15 days after it fell overdue the account is frozen, and its apps are taken out of use."""
    with transaction.atomic():
        statement = statement_locked(pk)
        if statement.status != StatementStatus.OVERDUE or statement.froze_at or statement.freezes_at > at:
            return
        statement.froze_at = at
        statement.save(update_fields=["froze_at"])
        Account.objects.filter(pk=statement.account_id, frozen_at=None).update(frozen_at=at)
        for subscription, one in _running(statement.account):
            one.freeze(subscription, by=by, at=at)
        publish(AccountFrozenForDebt(statement=statement.public_id), at=at)


def statement_paid(
    statement: Statement,
    *,
    source: Ledger,
    by: Actor,
    at: datetime,
    payment: Payment | None = None,
    text: str = "",
) -> Statement:
    """Money for a statement has come to `source`: post it, lower what is owed, lift a freeze; in a transaction.

    Raises:
        InvalidTransition: it is paid already.
    """
    statement = statement_locked(statement.pk)
    if statement.status == StatementStatus.PAID:
        raise InvalidTransition("This statement is paid already.")
    _post_settlement(statement, statement.to_pay, source, by=by, at=at, payment=payment, text=text)
    _close(statement, by=by, at=at)
    return statement


def is_stated(payment: Payment) -> bool:
    """Whether what was bought on credit with this payment stands in a statement; locks the account's credit line."""
    line = CreditLine.objects.select_for_update(of=("self",)).get(account_id=payment.account_id)
    first_unstated, _end = month_before(line.next_statement_at)
    return payment.ended_at is not None and payment.ended_at < midnight(first_unstated)


def credit_back(account: Account, amount: Money, *, by: Actor, at: datetime) -> None:
    """A refund of stated purchases has come to the account's balance: it pays the oldest unpaid statements, in part too.

    A statement that a card is being charged for is left alone: its charge is over the whole of it. What is left stays
    in the balance.
    """
    paying = Payment.objects.open().filter(statement__account=account).values("statement")
    unpaid = Statement.objects.for_account(account).unpaid().filter(currency=amount.currency).exclude(pk__in=paying)
    for pk in unpaid.order_by("month", "id").values_list("pk", flat=True):
        statement = statement_locked(pk)
        part = min(amount, statement.to_pay)
        if not part:
            return
        amount -= part
        move_balance(account, -part)
        _post_settlement(statement, part, Ledger.BALANCE, by=by, at=at, text=f"Refunded: {statement}")
        statement.credited += part.amount
        statement.save(update_fields=["credited"])
        if not statement.to_pay:
            _close(statement, by=by, at=at)


def _post_settlement(
    statement: Statement,
    amount: Money,
    source: Ledger,
    *,
    by: Actor,
    at: datetime,
    payment: Payment | None = None,
    text: str = "",
) -> None:
    ledger.post(
        EntryKind.SETTLEMENT,
        [
            Side(source, amount, account_id=statement.account_id),
            Side(Ledger.RECEIVABLE, -amount, account_id=statement.account_id),
        ],
        at=at,
        payment=payment,
        statement=statement,
        by=by.label,
        text=text or str(statement),
    )
    give_credit_back(statement.account, amount)


def _close(statement: Statement, *, by: Actor, at: datetime) -> None:
    """Nothing is owed of a locked statement any more. The last one that froze the account lifts the freeze."""
    statement.settle(at)
    statement.save(update_fields=["status", "paid_at", "notice_at"])
    publish(StatementPaid(statement=statement.public_id), at=at)
    if not statement.froze_at:
        return
    account_locked(statement.account)
    statements = Statement.objects.for_account(statement.account)
    if statements.freezing().exists():
        return
    in_arrears = UsageBill.objects.for_account(statement.account).freezing().exists()
    # The first of them froze the account. One that operations froze, for another reason, stays frozen.
    froze = statements.exclude(froze_at=None)
    Account.objects.filter(pk=statement.account_id, frozen_at__in=froze.values("froze_at")).update(frozen_at=None)
    for subscription, one in _running(statement.account):
        # Pay-per-use servers that a usage bill froze come back with its payment.
        if not (in_arrears and subscription.billing_mode == BillingMode.PAY_PER_USE):
            one.unfreeze(subscription, by=by, at=at)
    publish(DebtFreezeLifted(statement=statement.public_id), at=at)


def statement_locked(pk: int) -> Statement:
    """The statement, read afresh under its lock; the account's credit line, which it moves, is locked before it."""
    account = Statement.objects.filter(pk=pk).values("account")
    CreditLine.objects.select_for_update(of=("self",)).filter(account__in=account).first()
    return Statement.objects.select_for_update(of=("self",)).select_related("account").get(pk=pk)


def _running(account: Account) -> list[tuple[Subscription, ports.Fulfilment]]:
    usable = [SubscriptionStatus.ENABLED, SubscriptionStatus.EXPIRED]
    rows = Subscription.objects.for_account(account).filter(status__in=usable).select_related("product")
    return [
        (one, deliverer)
        for one in rows
        for deliverer in ports.deliverers(one.delivery_method, supervised=one.product.supervised)
    ]
