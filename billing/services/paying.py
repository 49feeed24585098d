"""Paying an order: three transactions (DESIGN.md).

1. The intent: a payment row that says what is about to be charged, with the time at which a timer will ask the
   gateway if we never hear.
2. The gateway's call, outside any transaction.
3. The outcome: payment, journal, order and delivery change together, or not at all.
"""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction

from accounts.actor import Actor
from accounts.permissions import Permission, require
from billing import ledger
from billing.choices import OPEN_PAYMENTS, EntryKind, Ledger, PaymentMethodKind, PaymentStatus
from billing.errors import PaymentActionRequired, PaymentDeclined, PaymentMethodRequired
from billing.events import PaymentFailed, PaymentInDoubt
from billing.gateways import ChargeOutcome, GatewayAnswer, gateway
from billing.models import NOT_ARRIVED, Payment, PaymentAllocation, PaymentMethod
from billing.services.refunds import record_refund
from koogallery.kernel import clock
from koogallery.kernel.errors import InvalidInput
from koogallery.kernel.outbox import publish
from orders import services as orders
from orders.errors import OrderNotPayable
from orders.models import Order

DECLINE_MESSAGES = {
    "insufficient_funds": "The bank declined the card: insufficient funds. Choose another method.",
    "authentication_failed": "The card holder did not confirm the payment. Try again or choose another method.",
    NOT_ARRIVED: "The payment did not reach the card processor and nothing was charged. Try again.",
}


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """How to pay: `card` with the account's default card, or the card with this public id."""

    method: str = PaymentMethodKind.CARD
    card: str = ""


def pay_order(order: Order, request: PaymentRequest, *, by: Actor, at: datetime | None = None) -> Order:
    """Charge the order's payable amount; on success its delivery has started when this returns.

    An answer that never came leaves the payment `authorising`; a timer asks the gateway.

    Raises:
        PermissionRefused: the role may not pay.
        InvalidInput: an unknown method or card.
        PaymentMethodRequired: no card is bound.
        OrderNotPayable: paid, cancelled, past its deadline, or being paid right now.
        PaymentDeclined, PaymentActionRequired: the bank's answer.
    """
    at = at or clock.now()
    require(by, Permission.PAY)
    payment = _record_intent(order, request, at=at)
    if payment.status == PaymentStatus.ACTION_REQUIRED:
        raise PaymentActionRequired(extra={"action_url": payment.action_url})
    answer = gateway().charge(payment.public_id, _card(payment).reference, payment.money)
    payment = record_outcome(payment, answer, by=by, at=at)
    return _report(payment, order)


def resume_payment(payment: Payment, *, by: Actor, at: datetime | None = None) -> Payment:
    """The card holder came back from the bank's page: ask the gateway what became of it."""
    at = at or clock.now()
    return record_outcome(payment, gateway().find_charge(payment.public_id), by=by, at=at)


def ask_about_payment(pk: int, *, at: datetime, by: Actor) -> None:
    """Timer: a payment's outcome is unknown; have the gateway asked, after this transaction, and again later."""
    with transaction.atomic():
        payment = Payment.objects.select_for_update(of=("self",)).open().filter(pk=pk).first()
        if payment is None or payment.ask_gateway_at is None or payment.ask_gateway_at > at:
            return
        payment.ask_gateway_at = clock.now() + settings.PAYMENT_ASK_AFTER
        payment.save(update_fields=["ask_gateway_at"])
        # Its time for the card holder to confirm is over when the timer comes round to it.
        last_call = payment.status == PaymentStatus.ACTION_REQUIRED
        publish(PaymentInDoubt(payment=payment.public_id, last_call=last_call), at=at)


def resolve_payment(public_id: str, *, last_call: bool, at: datetime) -> Payment:
    """Ask the gateway what became of a payment and write it down; outside any transaction.

    With `last_call` a payment that still waits for its card holder is given up.
    """
    payment = Payment.objects.get(public_id=public_id)
    if payment.status not in OPEN_PAYMENTS:
        return payment
    answer = gateway().find_charge(payment.public_id)
    if last_call and answer.outcome is ChargeOutcome.ACTION_REQUIRED:
        answer = gateway().cancel_charge(payment.public_id)
    return record_outcome(payment, answer, by=Actor.system("payment"), at=at)


def _record_intent(order: Order, request: PaymentRequest, *, at: datetime) -> Payment:
    with transaction.atomic():
        order = orders.order_locked(order)
        if not order.is_payable or (order.unpaid_until and order.unpaid_until <= at):
            raise OrderNotPayable
        open_payment = Payment.objects.open().filter(allocations__order=order).first()
        if open_payment is not None:
            if open_payment.status == PaymentStatus.ACTION_REQUIRED:
                return open_payment
            raise OrderNotPayable("A payment for this order is under way. Wait a moment, then look at the order again.")
        card = _chosen_card(order, request, at=at)
        payment = Payment(
            account=order.account,
            method=request.method,
            card=card,
            currency=order.currency,
            amount=order.payable,
            gateway=card.gateway,
            created_at=at,
            ask_gateway_at=at + settings.PAYMENT_ASK_AFTER,
        )
        payment.authorise()
        payment.save()
        PaymentAllocation.objects.create(payment=payment, order=order, currency=order.currency, amount=order.payable)
    return payment


def _chosen_card(order: Order, request: PaymentRequest, *, at: datetime) -> PaymentMethod:
    if request.method != PaymentMethodKind.CARD:
        raise InvalidInput(
            "This payment method is not available for the account.", errors={"method": ["Not available."]}
        )
    bound = PaymentMethod.objects.for_account(order.account).bound()
    card = bound.filter(public_id=request.card).first() if request.card else bound.first()
    if card is None:
        if request.card:
            raise InvalidInput("There is no such card.", errors={"payment_method": ["There is no such card."]})
        raise PaymentMethodRequired
    if card.is_expired(at):
        raise PaymentMethodRequired(f"{card} has expired. Bind another credit card.")
    return card


def _card(payment: Payment) -> PaymentMethod:
    assert payment.card is not None, "a card payment names its card"
    return payment.card


def _report(payment: Payment, order: Order) -> Order:
    """The payment's state as the caller hears it."""
    if payment.status == PaymentStatus.FAILED:
        raise PaymentDeclined(payment.failure_message, extra={"reason": payment.failure_code})
    if payment.status == PaymentStatus.ACTION_REQUIRED:
        raise PaymentActionRequired(extra={"action_url": payment.action_url})
    return Order.objects.with_lines().get(pk=order.pk)


def record_outcome(payment: Payment, answer: GatewayAnswer, *, by: Actor, at: datetime) -> Payment:
    """Write down what the gateway says, once: the first final answer counts, a repeated one changes nothing."""
    with transaction.atomic():
        allocation = payment.allocations.select_related("order").get()
        order = orders.order_locked(allocation.order_id)
        payment = Payment.objects.select_for_update(of=("self",)).select_related("card").get(pk=payment.pk)
        late = payment.failure_code == NOT_ARRIVED and answer.outcome is ChargeOutcome.SUCCEEDED
        if not late and payment.status not in (PaymentStatus.AUTHORISING, PaymentStatus.ACTION_REQUIRED):
            return payment
        match answer.outcome:
            case ChargeOutcome.SUCCEEDED:
                _succeed(payment, allocation, order, answer, by=by, at=at)
            case ChargeOutcome.DECLINED:
                _fail(payment, order, answer.reason, at=at)
            case ChargeOutcome.NOT_FOUND:
                # Our call never arrived. Should it arrive yet, its answer is taken as a late success.
                _fail(payment, order, NOT_ARRIVED, at=at)
            case ChargeOutcome.ACTION_REQUIRED if payment.status == PaymentStatus.AUTHORISING:
                payment.require_action(answer.action_url, answer.reference)
                payment.ask_gateway_at = at + settings.PAYMENT_ACTION_LIFETIME
                payment.save()
            case _:
                payment.ask_gateway_at = at + settings.PAYMENT_ASK_AFTER
                payment.save(update_fields=["ask_gateway_at"])
    return payment


def _succeed(
    payment: Payment, allocation: PaymentAllocation, order: Order, answer: GatewayAnswer, *, by: Actor, at: datetime
) -> None:
    """Money was taken: post it, and pay the order with it or give it back."""
    payment.succeed(answer.reference, at)
    payment.save()
    ledger.transfer(
        EntryKind.CHARGE,
        payment.money,
        debit=Ledger.GATEWAY,
        credit=Ledger.HELD,
        order=order,
        payment=payment,
        at=at,
        text=f"Charged {payment.card}",
    )
    allocation.counted_at = at
    if order.is_payable:
        allocation.save(update_fields=["counted_at"])
        orders.mark_paid(order, by=by, at=at)
    else:
        # It arrived for an order that was cancelled or paid meanwhile (two tabs, or a late answer).
        record_refund(payment, order, payment.money, reason="The order could not be paid any more.", at=at)


def _fail(payment: Payment, order: Order, reason: str, *, at: datetime) -> None:
    message = DECLINE_MESSAGES.get(reason, PaymentDeclined.default_message)
    payment.fail(reason, message, at)
    payment.save()
    publish(PaymentFailed(order_number=order.number, reason=message), at=at)
