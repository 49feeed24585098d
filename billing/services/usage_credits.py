"""What usage bills took too much and none follows to take less: given back to who paid, or left to operators to decide."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from accounts.actor import Actor
from billing import ledger
from billing.choices import TAKEN_PAYMENTS, EntryKind, Ledger
from billing.events import UsageCredited, UsageCreditUnclear
from billing.ledger import Side
from billing.models import Payment, Statement, UsageAccount, UsageBill, UsageBillLine
from billing.services.methods import move_balance
from billing.services.usage_fees import earned
from catalog.choices import BillingMode
from koogallery.kernel.money import Money
from koogallery.kernel.outbox import publish
from orders.choices import SubscriptionStatus
from orders.models import Subscription
from orders.ports import MonthOfUse


def ends_with_it(of: UsageAccount) -> bool:
    """Whether no bill follows that could take less: nothing by use is left, and every bill before is paid.

    One that was put on a monthly statement is paid with that.
    """
    by_use = Subscription.objects.for_account(of.account).filter(billing_mode=BillingMode.PAY_PER_USE)
    if by_use.exclude(status=SubscriptionStatus.CLOSED).exists():
        return False
    owed = (one.objects.for_account(of.account).filter(currency=of.currency).unpaid() for one in (UsageBill, Statement))
    return not any(rows.exists() for rows in owed)


def payers_of(of: UsageAccount, months: Iterable[MonthOfUse]) -> list[int | None]:
    """Who paid the bills that took too much of these months: a reseller, None for the account itself; each once."""
    over = [one for one in months if one.seconds < 0]
    took = UsageBillLine.objects.filter(
        bill__account=of.account_id,
        currency=of.currency,
        seconds__gt=0,
        subscription__in=[one.subscription_id for one in over],
        line__in=[one.line_id for one in over],
        month__in=[one.month for one in over],
    )
    paid = Payment.objects.filter(usage_bill__in=took.values("bill"), status__in=TAKEN_PAYMENTS)
    return list(paid.order_by().values_list("reseller", flat=True).distinct())


def leave_to_operators(of: UsageAccount, amount: Money | None, *, until: datetime, at: datetime) -> None:
    """Several paid what was taken too much up to `until`: it waits on the locked account, and operators are told once.

    Args:
        amount: how much; None where nothing is to be decided (any more).
    """
    undecided = amount.amount if amount else None
    if undecided is None and of.undecided is None:
        return
    if amount and undecided != of.undecided:
        newest = UsageBill.objects.for_account(of.account).filter(currency=of.currency).newest_first()[0]
        publish(UsageCreditUnclear(bill=newest.public_id, amount=amount.display()), at=at)
    of.undecided, of.undecided_until = undecided, until if amount else None
    of.save(update_fields=["undecided", "undecided_until"])


def credit(bill: UsageBill, lines: Sequence[UsageBillLine], *, reseller: int | None, by: Actor, at: datetime) -> None:
    """Give back what bills took too much: to the balance of the account, or off what the reseller owes through whom they
    were paid. Who earned it has it no more."""
    account = bill.account
    source = Ledger.RESELLER_OWES if reseller else Ledger.BALANCE
    if source == Ledger.BALANCE:
        move_balance(account, -bill.money)
    sides = [Side(source, bill.money, account_id=account.pk, reseller_id=reseller), *earned(bill, lines)]
    bill.credit_with(ledger.post(EntryKind.USAGE_CREDIT, sides, at=at, by=by.label, text=str(bill)), at)
    publish(UsageCredited(bill=bill.public_id), at=at)
