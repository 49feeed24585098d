"""Giving money back to where it came from: decided in a transaction, carried out through the outbox."""

from datetime import datetime

from django.db import transaction

from billing import ledger
from billing.choices import TAKEN_PAYMENTS, EntryKind, Ledger, PaymentStatus, RefundStatus
from billing.events import RefundRequested, RefundStuck
from billing.gateways import ChargeOutcome, gateway
from billing.models import Payment, Refund
from koogallery.kernel.errors import InvalidTransition
from koogallery.kernel.money import Money
from koogallery.kernel.outbox import publish
from orders import services as orders
from orders.models import Order


class GatewayUnavailable(RuntimeError):
    """The processor gave no answer; the outbox tries again with the same key."""


def request_refund(order: Order, amount: Money, *, reason: str, at: datetime) -> Refund:
    """Decide to give `amount` of what is held for the order back; in the caller's transaction, under its lock.

    Raises:
        InvalidTransition: more than is held, or nothing was paid.
    """
    held = ledger.held_for(order)
    if amount.amount <= 0 or held < amount:
        raise InvalidTransition(f"At most {held.display()} can be refunded.")
    payment = Payment.objects.filter(
        allocations__order=order, allocations__counted_at__isnull=False, status__in=TAKEN_PAYMENTS
    ).first()
    if payment is None:
        raise InvalidTransition("Nothing was paid for this order.")
    return record_refund(payment, order, amount, reason=reason, at=at)


def record_refund(payment: Payment, order: Order, amount: Money, *, reason: str, at: datetime) -> Refund:
    """Write the refund down: payment, journal and the message that will carry it out."""
    payment = Payment.objects.select_for_update(of=("self",)).get(pk=payment.pk)
    payment.start_refund()
    payment.refunded += amount.amount
    payment.save()
    refund = Refund.objects.create(
        payment=payment,
        order=order,
        currency=amount.currency,
        amount=amount.amount,
        reason=reason[:1000],
        created_at=at,
    )
    ledger.transfer(
        EntryKind.REFUND_OWED,
        amount,
        debit=Ledger.HELD,
        credit=Ledger.REFUNDS_OWED,
        order=order,
        payment=payment,
        refund=refund,
        at=at,
        text=reason[:200],
    )
    publish(RefundRequested(refund=refund.public_id), at=at)
    return refund


def carry_out_refund(public_id: str, *, at: datetime) -> Refund:
    """Ask the gateway to pay the refund and write its answer down; run outside any transaction. Idempotent.

    Raises:
        GatewayUnavailable: no answer; try again.
    """
    refund = Refund.objects.select_related("payment").get(public_id=public_id)
    if refund.status != RefundStatus.CREATED:
        return refund
    answer = gateway().refund(refund.public_id, refund.payment.reference, refund.money)
    if answer.outcome is ChargeOutcome.UNKNOWN:
        raise GatewayUnavailable(public_id)
    with transaction.atomic():
        order = orders.order_locked(refund.order_id)
        payment = Payment.objects.select_for_update(of=("self",)).get(pk=refund.payment_id)
        refund = Refund.objects.get(pk=refund.pk)
        if refund.status != RefundStatus.CREATED:
            return refund
        if answer.outcome is ChargeOutcome.SUCCEEDED:
            _succeed(refund, payment, order, reference=answer.reference, at=at)
        else:
            refund.fail(at)
            refund.save()
            publish(RefundStuck(order_number=order.number, refund=refund.public_id), at=at)
    return refund


def _succeed(refund: Refund, payment: Payment, order: Order, *, reference: str, at: datetime) -> None:
    refund.succeed(reference, at)
    refund.save()
    ledger.transfer(
        EntryKind.REFUND_PAID,
        refund.money,
        debit=Ledger.REFUNDS_OWED,
        credit=Ledger.GATEWAY,
        order=order,
        payment=payment,
        refund=refund,
        at=at,
    )
    if payment.status == PaymentStatus.REFUNDING:
        if payment.refunded == payment.amount:
            payment.finish_refund()
        else:
            payment.finish_part_refund()
        payment.save()
    orders.refund_finished(order, amount=refund.money, at=at)
