"""Paying orders. By card it is three transactions (DESIGN.md):

1. The intent: a payment row that says what is about to be charged, with the time at which a timer will ask the
   gateway if we never hear.
2. The gateway's call, outside any transaction.
3. The outcome: payment, journal, orders and deliveries change together, or not at all.

From the account's balance or on monthly settlement nobody outside is asked: one transaction.
"""

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from accounts.actor import Actor
from accounts.permissions import Permission, require
from billing.choices import OPEN_PAYMENTS, TAKEN_PAYMENTS, PaymentMethodKind, PaymentStatus
from billing.errors import PaymentActionRequired, PaymentDeclined
from billing.events import PaymentInDoubt
from billing.gateways import ChargeOutcome, gateway_named
from billing.models import Payment, PaymentMethod
from billing.services.intents import allocate, open_payment_of, payable_orders, record_card_intent, sum_of
from billing.services.methods import PaymentRequest, move_balance, take_credit
from billing.services.outcomes import record_outcome, take_payment
from koogallery.kernel import clock
from koogallery.kernel.errors import InvalidInput
from koogallery.kernel.outbox import publish
from orders.errors import OrderNotPayable
from orders.models import Order


def pay_order(order: Order, request: PaymentRequest, *, by: Actor, at: datetime | None = None) -> Order:
    """Pay one order: see `pay_orders`. Returns it read afresh."""
    pay_orders([order], request, by=by, at=at)
    return Order.objects.with_lines().get(pk=order.pk)


def pay_orders(orders: Sequence[Order], request: PaymentRequest, *, by: Actor, at: datetime | None = None) -> Payment:
    """Pay 1 to 30 orders of one account in one charge, all or nothing; their delivery has started on success.

    A payment that waits for its card holder is given up for another method. An answer of the gateway that never came leaves the payment `authorising`; a timer asks.

    Raises:
        PermissionRefused: the role may not pay.
        InvalidInput: an unknown method or card, a balance or credit limit that is too small, orders that cannot be
            paid together.
        PaymentMethodRequired: no card is bound.
        OrderNotPayable: paid, cancelled, past its deadline, or being paid right now.
        PaymentDeclined, PaymentActionRequired: the bank's answer.
    """
    at = at or clock.now()
    require(by, Permission.PAY)
    payment = _begin(orders, request, by=by, at=at)
    if payment.status == PaymentStatus.ACTION_REQUIRED and not is_made_with(payment, request):
        payment = give_up_payment(payment, by=by, at=at)
        if payment.status in TAKEN_PAYMENTS:
            return payment
        payment = _begin(orders, request, by=by, at=at)
    if request.method == PaymentMethodKind.CARD:
        return charge(payment, by=by, at=at)
    if payment.status == PaymentStatus.ACTION_REQUIRED:
        raise OrderNotPayable("A card payment for this order is under way. Wait a moment, then look at it again.")
    return payment


def _begin(orders: Sequence[Order], request: PaymentRequest, *, by: Actor, at: datetime) -> Payment:
    """A new payment of the orders, or the one that waits for its card holder."""
    if request.method == PaymentMethodKind.CARD:
        return record_card_intent(orders, request, at=at)
    return _pay_at_once(orders, request, by=by, at=at)


def is_made_with(payment: Payment, request: PaymentRequest) -> bool:
    """Whether a card payment is what was asked for: an unnamed card is any."""
    return request.method == PaymentMethodKind.CARD and request.card in ("", card_of(payment).public_id)


def give_up_payment(payment: Payment, *, by: Actor, at: datetime | None = None) -> Payment:
    """The buyer does not want the bank's confirmation any more, or chose another way to pay: nothing is charged.

    Should the card holder have confirmed meanwhile, the payment succeeds.

    Raises:
        PermissionRefused: the role may not pay.
        OrderNotPayable: the processor has not answered; the payment is still under way.
    """
    at = at or clock.now()
    require(by, Permission.PAY)
    if payment.status == PaymentStatus.ACTION_REQUIRED:
        answer = gateway_named(payment.gateway).cancel_charge(payment.public_id, card_of(payment).reference)
        payment = record_outcome(payment, answer, by=by, at=at)
    if payment.status in OPEN_PAYMENTS:
        raise OrderNotPayable("A payment is under way. Wait a moment, then look at it again.")
    return payment


def charge(payment: Payment, *, by: Actor, at: datetime) -> Payment:
    """Transactions 2 and 3 of a card payment whose intent is recorded.

    Raises:
        PaymentDeclined, PaymentActionRequired: the bank's answer.
    """
    if payment.status == PaymentStatus.ACTION_REQUIRED:
        raise PaymentActionRequired(extra={"action_url": payment.action_url})
    return_to = settings.SITE_URL + reverse("billing:returned", args=[payment.public_id])
    answer = gateway_named(payment.gateway).charge(
        payment.public_id, card_of(payment).reference, payment.money, return_to
    )
    payment = record_outcome(payment, answer, by=by, at=at)
    if payment.status == PaymentStatus.FAILED:
        raise PaymentDeclined(payment.failure_message, extra={"reason": payment.failure_code})
    if payment.status == PaymentStatus.ACTION_REQUIRED:
        raise PaymentActionRequired(extra={"action_url": payment.action_url})
    return payment


def _pay_at_once(orders: Sequence[Order], request: PaymentRequest, *, by: Actor, at: datetime) -> Payment:
    if request.method not in (PaymentMethodKind.BALANCE, PaymentMethodKind.MONTHLY_SETTLEMENT):
        raise InvalidInput(
            "This payment method is not available for the account.", errors={"method": ["Not available."]}
        )
    with transaction.atomic():
        locked = payable_orders(orders, at=at)
        if waiting := open_payment_of(locked):
            return waiting
        total = sum_of(locked)
        if request.method == PaymentMethodKind.BALANCE:
            move_balance(locked[0].account, -total)
        else:
            take_credit(locked[0].account, total)
        return record_taken(locked, request.method, by=by, at=at)


def record_taken(locked: Sequence[Order], method: str, *, by: Actor, at: datetime) -> Payment:
    """A payment that succeeds as it is made, of orders that are locked; in the caller's transaction."""
    first = locked[0]
    payment = Payment(
        account=first.account,
        method=method,
        reseller_id=first.account.reseller_id if method == PaymentMethodKind.RESELLER else None,
        currency=first.currency,
        amount=sum_of(locked).amount,
        created_at=at,
    )
    payment.authorise()
    payment.succeed("", at)
    payment.save()
    take_payment(payment, list(zip(allocate(payment, locked), locked, strict=True)), by=by, at=at)
    return payment


def resume_payment(payment: Payment, *, by: Actor, at: datetime | None = None) -> Payment:
    """The card holder came back from the bank's page: ask the gateway what became of it."""
    at = at or clock.now()
    if payment.method != PaymentMethodKind.CARD or payment.status not in OPEN_PAYMENTS:
        return payment
    answer = gateway_named(payment.gateway).find_charge(payment.public_id, card_of(payment).reference)
    return record_outcome(payment, answer, by=by, at=at)


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
    payment = Payment.objects.select_related("card").get(public_id=public_id)
    if payment.method != PaymentMethodKind.CARD or not (payment.status in OPEN_PAYMENTS or payment.never_arrived):
        return payment
    card = card_of(payment).reference
    processor = gateway_named(payment.gateway)
    answer = processor.find_charge(payment.public_id, card)
    if last_call and answer.outcome is ChargeOutcome.ACTION_REQUIRED:
        answer = processor.cancel_charge(payment.public_id, card)
    return record_outcome(payment, answer, by=Actor.system("payment"), at=at)


def card_of(payment: Payment) -> PaymentMethod:
    """The card that a card payment names."""
    assert payment.card is not None, "a card payment names its card"
    return payment.card
