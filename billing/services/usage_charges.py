"""Usage bills are paid: by themselves as they are issued, or by hand once that failed."""

from datetime import datetime

from django.db import transaction

from accounts.actor import Actor
from accounts.permissions import Permission, require
from billing.choices import TAKEN_PAYMENTS, PaymentMethodKind, PaymentStatus, UsageBillStatus
from billing.errors import PaymentActionRequired, PaymentDeclined, PaymentMethodRequired
from billing.models import AccountBalance, Payment, UsageBill
from billing.services.arrears import charge_failed, lift_freeze, usage_bill_locked
from billing.services.intents import record_bill_intent
from billing.services.methods import PaymentRequest, move_balance
from billing.services.paying import charge, give_up_payment, is_made_with
from billing.services.usage_bills import paid_at_once
from koogallery.kernel import clock
from koogallery.kernel.errors import InvalidInput
from orders.errors import OrderNotPayable

UNCONFIRMED = "The bank asks the card holder to confirm the payment."


def charge_usage_bill(public_id: str, *, at: datetime) -> None:
    """Charge a bill that was issued: from the balance if it is enough, else the default card. Outside any transaction.

    What fails, or would need the card holder, leaves the bill in arrears; an unknown outcome is asked for by a timer.
    """
    by = Actor.system("usage")
    with transaction.atomic():
        bill = usage_bill_locked(UsageBill.objects.only("pk").get(public_id=public_id).pk)
        if bill.status != UsageBillStatus.OPEN or bill.payments.open().exists():
            return
        balance = AccountBalance.objects.filter(account=bill.account, currency=bill.currency).first()
        if balance and bill.money <= balance.money:
            _pay_from_balance(bill, by=by, at=at)
            return
        try:
            payment = record_bill_intent(bill, PaymentRequest(), at=at)
        except PaymentMethodRequired as refused:
            charge_failed(bill, refused.message, at=at)
            return
    try:
        charge(payment, by=by, at=at)
    except PaymentDeclined:
        return  # the outcome has put the bill in arrears
    except PaymentActionRequired:
        with transaction.atomic():
            charge_failed(usage_bill_locked(bill.pk), UNCONFIRMED, at=at)


def pay_usage_bill(bill: UsageBill, request: PaymentRequest, *, by: Actor, at: datetime | None = None) -> Payment:
    """Pay a bill by hand, by card or from the balance; the last one in arrears lifts a freeze.

    Raises:
        PermissionRefused: the role may not pay.
        InvalidInput: a method that does not pay bills, or too small a balance.
        OrderNotPayable: it is paid, or being paid right now.
        PaymentMethodRequired, PaymentDeclined, PaymentActionRequired: see `pay_orders`.
    """
    at = at or clock.now()
    require(by, Permission.PAY)
    waiting = bill.payments.filter(status=PaymentStatus.ACTION_REQUIRED).first()
    if waiting is not None and not is_made_with(waiting, request):
        waiting = give_up_payment(waiting, by=by, at=at)
        if waiting.status in TAKEN_PAYMENTS:
            return waiting
    with transaction.atomic():
        bill = usage_bill_locked(bill.pk)
        if bill.status in (UsageBillStatus.PAID, UsageBillStatus.CREDITED):
            raise OrderNotPayable("This bill is paid already.")
        if request.method == PaymentMethodKind.BALANCE:
            if bill.payments.open().exists():
                raise OrderNotPayable("A payment for this bill is under way. Wait a moment, then look at it again.")
            return _pay_from_balance(bill, by=by, at=at)
        if request.method != PaymentMethodKind.CARD:
            raise InvalidInput("Pay a bill by card or from the balance.", errors={"method": ["Not available."]})
        payment = record_bill_intent(bill, request, at=at)
    return charge(payment, by=by, at=at)


def _pay_from_balance(bill: UsageBill, *, by: Actor, at: datetime) -> Payment:
    move_balance(bill.account, -bill.money)
    payment = paid_at_once(bill, PaymentMethodKind.BALANCE, by=by, at=at)
    lift_freeze(bill, by=by, at=at)
    return payment
