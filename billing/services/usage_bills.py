"""What was used is billed: on the 3rd for the month before, or as soon as enough has accrued (RULES 8).

A bill takes what was used up to its cut less what was billed before, so that whatever is recorded late of a closed
month stands in the next bill. Its dates are the due ones: a worker that was down over the month's end bills the same.
"""

from collections.abc import Collection, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from itertools import groupby

from django.conf import settings
from django.db import transaction
from django.db.models import DecimalField, F, Sum

from accounts.actor import Actor, Party
from accounts.models import Account, Reseller
from billing import ledger
from billing.choices import SOURCE_LEDGERS, EntryKind, PaymentMethodKind
from billing.events import UsageBillIssued, UsageBillPaid
from billing.ledger import Side
from billing.models import CreditLine, Payment, UsageAccount, UsageBill, UsageBillLine
from billing.models.usage import last_second, month_that_ends
from billing.rules.cycles import month_before, next_statement
from billing.rules.usage import first_cut, unbilled
from billing.services.usage_credits import credit, ends_with_it, leave_to_operators, payers_of
from billing.services.usage_fees import earned, set_fees
from koogallery.kernel import clock
from koogallery.kernel.compiled import Compiled, Moment, Param
from koogallery.kernel.errors import InvalidTransition, PermissionRefused
from koogallery.kernel.money import Money
from koogallery.kernel.outbox import publish
from koogallery.kernel.stored import insert
from orders import ports
from orders.models import OrderLine
from orders.ports import MonthOfUse
from orders.terms import BILLING_ZONE
from pricing.use import UseCharge, use_charge

_DUE = Compiled(
    lambda: UsageAccount.objects.filter(account=Param("account"), next_bill_at__lte=Moment("at")).values_list("pk")
)


def bill_month(pk: int, *, at: datetime, by: Actor) -> UsageBill | None:
    """Timer: the 3rd has come; bill what was used in the month before, and late use of months before that."""
    with transaction.atomic():
        of = UsageAccount.objects.select_for_update(of=("self",)).select_related("account").get(pk=pk)
        if of.next_bill_at > at:
            return None
        _month, end = month_before(of.next_bill_at)
        issued_at, of.next_bill_at = of.next_bill_at, next_statement(of.next_bill_at)
        of.save(update_fields=["next_bill_at"])
        return _bill(of, until=end, closes_month=True, at=issued_at, by=by)


def bill_due_usage(account_id: int, *, at: datetime, by: Actor) -> None:
    """Bill what of an account's use is due at `at`, before the statement on which it may stand is written."""
    for (pk,) in _DUE.all(account=account_id, at=at):
        bill_month(pk, at=at, by=by)


def bill_accrued(account_id: int, currency: str, *, by: Actor) -> UsageBill | None:
    """Bill an account that pays by card up to the first hour with which the limit of the settings was reached.

    One at a time: while a bill is not paid nothing more is charged in between, and it is asked again when it is. The limit
    is an amount in the site's currency: use in another one is charged on the 3rd.
    """
    if currency != settings.SITE_CURRENCY:
        return None
    with transaction.atomic():
        of = UsageAccount.objects.select_for_update(of=("self",)).select_related("account")
        found = of.filter(account=account_id, currency=currency).first()
        if found is None or _pays_later(found.account, currency):
            return None
        if UsageBill.objects.for_account(found.account).filter(currency=currency).unpaid().exists():
            return None
        cut = _next_cut(found)
        return _bill(found, until=cut, closes_month=False, at=cut, by=by) if cut else None


def _next_cut(of: UsageAccount) -> datetime | None:
    """The hour with which the limit was reached, in the months that are not closed: each accrues by itself."""
    since = month_before(of.next_bill_at)[0]
    billed = _billed_by_month(of, since)
    hours = ports.usage().by_hour(of.account_id, of.currency, since=since)
    for month, of_month in groupby(hours, key=lambda hour: month_that_ends(hour[0])):
        cut = first_cut(
            of_month, billed=billed.get(month, Decimal(0)), after=of.billed_until, limit=settings.USAGE_CHARGE_AT
        )
        if cut:
            return cut
    return None


def watch_usage(at: datetime) -> int:
    """Hours were recorded: who uses something for the first time is billed from now on; who reached the limit, at once.

    Returns:
        How many bills were made.
    """
    usage = ports.usage()
    known = set(UsageAccount.objects.values_list("account", "currency"))
    new = usage.first_used(known)
    UsageAccount.objects.bulk_create(
        (
            UsageAccount(account_id=account, currency=currency, next_bill_at=first_bill(first))
            for (account, currency), first in new.items()
        ),
        ignore_conflicts=True,
    )
    # Since the last month, which may not be closed yet: what is recorded late of earlier ones waits for the next bill.
    since = month_before(at)[0]
    billed = _billed_by_account(since)
    over = [
        (account, currency)
        for (account, currency), cost in usage.accrued(since).items()
        if currency == settings.SITE_CURRENCY
        and cost - billed.get((account, currency), Decimal(0)) >= settings.USAGE_CHARGE_AT
    ]
    by = Actor.system("usage")
    return sum(bill_accrued(account, currency, by=by) is not None for account, currency in over)


def first_bill(month: date) -> datetime:
    """When the use of a first month is billed: the 3rd of the month after."""
    return next_statement(datetime.combine(month, time(0), BILLING_ZONE))


def _pays_later(account: Account, currency: str) -> bool:
    """On the monthly statement, or through a reseller: nothing is charged in between."""
    return bool(account.reseller_id) or credit_line_of(account, currency) is not None


def credit_line_of(account: Account, currency: str) -> CreditLine | None:
    """The account's monthly settlement in a currency, if it was granted and not revoked."""
    return CreditLine.objects.filter(account=account, currency=currency, revoked_at=None).first()


def decide_usage_credit(
    of: UsageAccount, reseller: Reseller | None, *, by: Actor, at: datetime | None = None
) -> UsageBill:
    """Operators say who of several gets what usage bills took too much: a reseller off what he owes, or the account itself.

    Raises:
        PermissionRefused: not operations.
        InvalidTransition: nothing waits to be decided, or that one paid none of these bills.
    """
    at = at or clock.now()
    if by.party is not Party.OPERATIONS:
        raise PermissionRefused
    with transaction.atomic():
        of = UsageAccount.objects.select_for_update(of=("self",)).select_related("account").get(pk=of.pk)
        made = None
        if of.undecided_until is not None:
            among = [reseller.pk if reseller else None]
            made = _bill(of, until=of.undecided_until, closes_month=True, at=at, by=by, among=among)
    if made is not None:
        return made
    if of.undecided_until is not None:
        raise InvalidTransition(f"{reseller or 'The account itself'} paid none of these bills.")
    raise InvalidTransition("Nothing of this account's use waits to be decided.")


def _bill(
    of: UsageAccount,
    *,
    until: datetime,
    closes_month: bool,
    at: datetime,
    by: Actor,
    among: Collection[int | None] | None = None,
) -> UsageBill | None:
    """Bill a locked account's use up to `until`; None when there is nothing to pay, which waits for the next bill.

    Args:
        among: who is decided to get what is given back (`payers_of`); then nothing is billed that is to be paid.
    """
    use = ports.usage().used(of.account_id, of.currency, until=until, at=max(at, clock.now()))
    used = [one for one in use.months if closes_month or one.month == month_that_ends(until)]
    rest = unbilled(used, billed_seconds(of.account, of.currency))
    charges = [(one, use_charge(one.seconds, one.price)) for one in rest]
    total = Money.total((charge.total for _one, charge in charges), of.currency)
    is_credit, payers = False, list[int | None]()
    if closes_month:
        over = total.amount < 0 and ends_with_it(of)
        payers = [one for one in payers_of(of, rest) if among is None or one in among] if over else []
        is_credit = len(payers) == 1
        leave_to_operators(of, -total if over and not is_credit else None, until=until, at=at)
    if not is_credit and (total.amount <= 0 or among is not None):
        return None
    bill = UsageBill(
        account=of.account,
        currency=of.currency,
        until=until,
        closes_month=closes_month,
        last_record=use.last_record,
        amount=total.amount,
        issued_at=at,
    )
    sold = _lines(bill, charges)
    if is_credit:
        credit(bill, sold, reseller=payers[0], by=by, at=at)
    bill.save()
    UsageBillLine.objects.bulk_create(sold)
    of.billed_until = max(until, of.billed_until or until)
    of.save(update_fields=["billed_until"])
    if not is_credit:
        _take(bill, by=by, at=at)
    return bill


def _lines(bill: UsageBill, charges: Sequence[tuple[MonthOfUse, UseCharge]]) -> list[UsageBillLine]:
    bought = OrderLine.objects.select_related("order").in_bulk({one.line_id for one, _charge in charges})
    sold = [_line(bill, one, charge, bought[one.line_id]) for one, charge in charges]
    set_fees(bill, sold)
    return sold


def _line(bill: UsageBill, one: MonthOfUse, charge: UseCharge, bought: OrderLine) -> UsageBillLine:
    return UsageBillLine(
        bill=bill,
        subscription_id=one.subscription_id,
        line=bought,
        month=one.month,
        seconds=one.seconds,
        currency=bill.currency,
        unit_price=one.price.unit_price.amount,
        discount_percent=one.price.discount_percent,
        tax_percent=one.price.tax_percent,
        tax_name=one.price.tax_name,
        amount=charge.amount.amount,
        tax=charge.tax.amount,
    )


def billed_seconds(account: Account, currency: str) -> dict[tuple[int, int, date], int]:
    """(subscription, line, month) -> what all bills so far took of it."""
    rows = UsageBillLine.objects.filter(bill__account=account, currency=currency)
    sums = rows.values("subscription", "line", "month").annotate(total=Sum("seconds")).order_by()
    return {
        (subscription, line, month): total
        for subscription, line, month, total in sums.values_list("subscription", "line", "month", "total")
    }


def _exact_cost() -> Sum:
    cost = F("seconds") * F("unit_price") * (100 - F("discount_percent"))
    return Sum(cost, output_field=DecimalField(max_digits=40, decimal_places=12))


def _billed_by_account(since: date) -> dict[tuple[int, str], Decimal]:
    """(account, currency) -> what of the use of the months from `since` on is billed: exact, before tax."""
    rows = UsageBillLine.objects.filter(month__gte=since).values("bill__account", "currency")
    sums = rows.annotate(cost=_exact_cost()).order_by().values_list("bill__account", "currency", "cost")
    return {(account, currency): cost / 360_000 for account, currency, cost in sums}


def _billed_by_month(of: UsageAccount, since: date) -> dict[date, Decimal]:
    """Month -> what of an account's use of it is billed: exact, before tax."""
    rows = UsageBillLine.objects.filter(bill__account=of.account_id, currency=of.currency, month__gte=since)
    sums = rows.values("month").annotate(cost=_exact_cost()).order_by().values_list("month", "cost")
    return {month: cost / 360_000 for month, cost in sums}


def _take(bill: UsageBill, *, by: Actor, at: datetime) -> None:
    """A new bill goes on the monthly statement or to the reseller at once; else the account is charged, outside."""
    account = bill.account
    if account.reseller_id:
        paid_at_once(bill, PaymentMethodKind.RESELLER, by=by, at=at)
    elif line := credit_line_of(account, bill.currency):
        CreditLine.objects.filter(pk=line.pk).update(used=F("used") + bill.amount)
        paid_at_once(bill, PaymentMethodKind.MONTHLY_SETTLEMENT, by=by, at=at)
    else:
        publish(UsageBillIssued(bill=bill.public_id), at=at)


def paid_at_once(bill: UsageBill, method: PaymentMethodKind, *, by: Actor, at: datetime) -> Payment:
    """A payment of the bill that succeeds as it is made; in the caller's transaction.

    On monthly settlement it belongs to the month of the use, so that it stands in that month's statement.
    """
    on_statement = method == PaymentMethodKind.MONTHLY_SETTLEMENT
    payment = Payment(
        account=bill.account,
        method=method,
        reseller_id=bill.account.reseller_id if method == PaymentMethodKind.RESELLER else None,
        usage_bill=bill,
        currency=bill.currency,
        amount=bill.amount,
        created_at=at,
    )
    payment.authorise()
    payment.succeed("", last_second(bill.until) if on_statement else at)
    insert([payment])
    usage_paid(bill, payment, by=by, at=at)
    return payment


def usage_paid(bill: UsageBill, payment: Payment, *, by: Actor, at: datetime) -> None:
    """A locked bill's money has come: post who earned it, close the bill; in the payment's transaction."""
    source = SOURCE_LEDGERS[PaymentMethodKind(payment.method)]
    sides = [
        Side(source, bill.money, account_id=bill.account_id, reseller_id=payment.reseller_id),
        *earned(bill, bill.lines.select_related("line__order")),
    ]
    ledger.post(EntryKind.USAGE, sides, at=at, payment=payment, by=by.label, text=str(bill))
    bill.settle(at)
    bill.save(update_fields=["status", "paid_at", "notice_at"])
    publish(UsageBillPaid(bill=bill.public_id), at=at)
