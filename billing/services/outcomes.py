"""What became of a payment: payment, journal, orders and deliveries change together, or not at all."""

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.db import transaction

from accounts.actor import Actor
from billing import ledger
from billing.choices import (
    SOURCE_LEDGERS,
    EntryKind,
    Ledger,
    PaymentMethodKind,
    PaymentStatus,
    StatementStatus,
    UsageBillStatus,
)
from billing.errors import PaymentDeclined
from billing.events import (
    PaymentFailed,
    PaymentNeedsAction,
    PaymentReversed,
    StatementPaymentFailed,
    StatementPaymentNeedsAction,
    WrongAmountTaken,
)
from billing.gateways import ChargeOutcome, GatewayAnswer
from billing.ledger import Side
from billing.models import NOT_ARRIVED, Payment, PaymentAllocation
from billing.services.arrears import charge_failed, lift_freeze, usage_bill_locked
from billing.services.refunds import record_refund
from billing.services.settling import statement_locked, statement_paid
from billing.services.usage_bills import usage_paid
from koogallery.kernel.compiled import Compiled, Param
from koogallery.kernel.outbox import publish
from koogallery.kernel.stored import update
from orders import services as orders
from orders.models import Order

_ALLOCATIONS = Compiled(lambda: PaymentAllocation.objects.filter(payment=Param("payment")).order_by("order_id"))
_PAYMENT = Compiled(
    lambda: (
        Payment.objects.select_for_update(of=("self",))
        .select_related("card", "statement", "usage_bill")
        .filter(pk=Param("pk"))
    )
)

# What the end of a payment sets.
_OUTCOME = ("status", "reference", "failure_code", "failure_message", "action_url", "ended_at")
AMOUNT_DIFFERS = "amount_differs"
PAID_OTHERWISE = "paid_otherwise"

DECLINE_MESSAGES = {
    "insufficient_funds": "The bank declined the card: insufficient funds. Choose another method.",
    "expired_card": "The bank declined the card: it has expired. Choose another method.",
    "authentication_failed": "The card holder did not confirm the payment. Try again or choose another method.",
    NOT_ARRIVED: "The payment did not reach the card processor and nothing was charged. Try again.",
    "unknown_card": "The card processor does not know this card any more. Bind it again or choose another method.",
    "refused": "The card processor refused the payment; nothing was charged. Choose another method.",
    AMOUNT_DIFFERS: "The card processor took another amount than was confirmed. It is given back; nothing is paid.",
    PAID_OTHERWISE: "This statement or bill was settled in another way meanwhile. The charge is given back.",
}


def record_outcome(payment: Payment, answer: GatewayAnswer, *, by: Actor, at: datetime) -> Payment:
    """Write down what the gateway says, once: the first final answer counts, a repeated one changes nothing."""
    with transaction.atomic():
        allocations = _ALLOCATIONS.all(payment=payment.pk)
        locked = {one.order_id: orders.order_locked(one.order_id) for one in allocations}
        payment = _PAYMENT.get(pk=payment.pk)
        late = payment.failure_code == NOT_ARRIVED and answer.outcome is ChargeOutcome.SUCCEEDED
        if not late and payment.status not in (PaymentStatus.AUTHORISING, PaymentStatus.ACTION_REQUIRED):
            return payment
        match answer.outcome:
            case ChargeOutcome.SUCCEEDED if answer.amount is not None and answer.amount != payment.money:
                _taken_by_mistake(payment, list(locked.values()), answer, AMOUNT_DIFFERS, at=at)
            case ChargeOutcome.SUCCEEDED if not _is_owed(payment):
                _taken_by_mistake(payment, [], answer, PAID_OTHERWISE, at=at)
            case ChargeOutcome.SUCCEEDED:
                _succeed(payment, answer, [(one, locked[one.order_id]) for one in allocations], by=by, at=at)
            case ChargeOutcome.DECLINED:
                _fail(payment, list(locked.values()), answer.reason, at=at)
            case ChargeOutcome.NOT_FOUND:
                # Our call never arrived. Should it arrive yet, its answer is taken as a late success.
                _fail(payment, list(locked.values()), NOT_ARRIVED, at=at)
            case ChargeOutcome.ACTION_REQUIRED if payment.status == PaymentStatus.AUTHORISING:
                payment.require_action(answer.action_url, answer.reference)
                payment.ask_gateway_at = at + settings.PAYMENT_ACTION_LIFETIME
                payment.save()
                for order in locked.values():
                    publish(PaymentNeedsAction(order_number=order.number), at=at)
                if payment.statement is not None:
                    publish(StatementPaymentNeedsAction(statement=payment.statement.public_id), at=at)
            case _:
                payment.ask_gateway_at = at + settings.PAYMENT_ASK_AFTER
                payment.save(update_fields=["ask_gateway_at"])
    return payment


def take_payment(
    payment: Payment,
    allocated: Sequence[tuple[PaymentAllocation, Order]],
    *,
    by: Actor,
    at: datetime,
    with_it: Sequence[ledger.Draft] = (),
) -> None:
    """Money was taken for orders: post it, and pay all of them with it, or give all of it back.

    All or nothing: should one of the orders have been cancelled or paid meanwhile (two tabs, a late answer), none
    is paid by this payment.

    Args:
        with_it: what is posted before.
    """
    all_payable = all(orders.can_be_paid(order, at=at) for _one, order in allocated)
    ledger.post_all([*with_it, *(_charge(payment, one, order, at=at) for one, order in allocated)])
    if all_payable:
        for one, order in allocated:
            one.counted_at = at
            update(one, "counted_at")
            orders.mark_paid(order, by=by, at=at)
        return
    for one, order in allocated:
        record_refund(payment, order, one.money, reason="The order could not be paid any more.", at=at)
        publish(PaymentReversed(order_number=order.number, amount=one.money.display()), at=at)


def _succeed(
    payment: Payment,
    answer: GatewayAnswer,
    allocated: Sequence[tuple[PaymentAllocation, Order]],
    *,
    by: Actor,
    at: datetime,
) -> None:
    payment.succeed(answer.reference, at)
    update(payment, *_OUTCOME)
    fee = _fee(payment, answer, at=at)
    if not allocated:
        ledger.post_all(fee)
    if payment.statement is not None:
        statement_paid(payment.statement, source=Ledger.GATEWAY, payment=payment, by=by, at=at)
    elif payment.usage_bill is not None:
        bill = usage_bill_locked(payment.usage_bill.pk)
        usage_paid(bill, payment, by=by, at=at)
        lift_freeze(bill, by=by, at=at)
    else:
        take_payment(payment, allocated, by=by, at=at, with_it=fee)


def _fee(payment: Payment, answer: GatewayAnswer, *, at: datetime) -> list[ledger.Draft]:
    """What the processor keeps of a charge, also of one that goes back, in its own currency; nothing where it keeps nothing."""
    if not answer.fee:
        return []
    sides = [Side(Ledger.PROCESSOR_FEES, answer.fee), Side(Ledger.GATEWAY, -answer.fee)]
    return [ledger.draft(EntryKind.FEE, sides, at=at, payment=payment, text=f"Fee of {payment.gateway}")]


def _charge(payment: Payment, allocation: PaymentAllocation, order: Order, *, at: datetime) -> ledger.Draft:
    source = SOURCE_LEDGERS[PaymentMethodKind(payment.method)]
    how = f"Charged {payment.card}" if payment.card else str(PaymentMethodKind(payment.method).label)
    sides = [
        Side(source, allocation.money, account_id=order.account_id, reseller_id=payment.reseller_id),
        Side(Ledger.HELD, -allocation.money, account_id=order.account_id, seller_id=order.seller_id),
    ]
    return ledger.draft(EntryKind.CHARGE, sides, at=at, order=order, payment=payment, text=how)


def _is_owed(payment: Payment) -> bool:
    """Whether a statement or bill still owes exactly what its payment took; orders are looked at by `take_payment`."""
    if payment.usage_bill is not None:
        return usage_bill_locked(payment.usage_bill.pk).status != UsageBillStatus.PAID
    if payment.statement is None:
        return True
    statement = statement_locked(payment.statement.pk)
    return statement.status != StatementStatus.PAID and statement.to_pay == payment.money


def _taken_by_mistake(
    payment: Payment, locked: Sequence[Order], answer: GatewayAnswer, reason: str, *, at: datetime
) -> None:
    """The processor took another amount, or for what is paid already: nothing is paid with it, all of it goes back."""
    taken = answer.amount or payment.money
    payment.reference = answer.reference
    _fail(payment, locked, reason, at=at)
    sides = [
        Side(Ledger.GATEWAY, taken, account_id=payment.account_id),
        Side(Ledger.SUSPENSE, -taken, account_id=payment.account_id),
    ]
    ledger.post(EntryKind.MISMATCH, sides, at=at, payment=payment, text=f"Asked for {payment.money.display()}")
    ledger.post_all(_fee(payment, answer, at=at))
    publish(WrongAmountTaken(payment=payment.public_id), at=at)


def _fail(payment: Payment, locked: Sequence[Order], reason: str, *, at: datetime) -> None:
    message = DECLINE_MESSAGES.get(reason, PaymentDeclined.default_message)
    payment.fail(reason, message, at)
    payment.save()
    for order in locked:
        publish(PaymentFailed(order_number=order.number, reason=message), at=at)
    if payment.statement is not None:
        publish(StatementPaymentFailed(statement=payment.statement.public_id, reason=message), at=at)
    if payment.usage_bill is not None:
        charge_failed(usage_bill_locked(payment.usage_bill.pk), message, at=at)
