"""Giving money back to where it came from: decided in a transaction, carried out through the outbox."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from accounts.actor import Actor, Party
from billing import ledger
from billing.choices import (
    SOURCE_LEDGERS,
    EntryKind,
    Ledger,
    PaymentMethodKind,
    PaymentStatus,
    RefundStatus,
)
from billing.events import RefundInDoubt, RefundRequested, RefundStuck
from billing.gateways import ChargeOutcome, GatewayAnswer, gateway_named
from billing.gateways.base import GatewayUnavailable
from billing.ledger import Side
from billing.models import Payment, Refund
from billing.services.methods import give_credit_back, move_balance
from billing.services.releasing import refund_sources, refundable
from billing.services.settling import credit_back, is_stated
from koogallery.kernel import clock
from koogallery.kernel.compiled import Compiled, Param
from koogallery.kernel.errors import InvalidInput, InvalidTransition, PermissionRefused
from koogallery.kernel.money import Money
from koogallery.kernel.outbox import publish
from koogallery.kernel.stored import insert, update
from orders import services as orders
from orders.models import Order

LONGEST_WAIT = timedelta(days=1)
"""Between two questions to the processor about a refund that is on its way."""


_PAYMENT_LOCKED = Compiled(
    lambda: Payment.objects.counted_for(Param("order")).select_for_update(of=("self",)).order_by("id")[:1]
)


def request_refund(order: Order, amount: Money, *, reason: str, at: datetime) -> Refund:
    """Decide to give `amount` of what was paid for the order back; in the caller's transaction, under its lock.

    Raises:
        InvalidTransition: more than is left, or nothing was paid.
    """
    # Its lock first: a charge-back may be coming in.
    payment = _PAYMENT_LOCKED.first(order=order.pk)
    if payment is None:
        raise InvalidTransition("Nothing was paid for this order.")
    left = refundable(order, payment)
    if amount.amount <= 0 or left < amount:
        raise InvalidTransition(f"At most {left.display()} can be refunded.")
    return _record(payment, order, amount, refund_sources(order, amount), reason=reason, at=at)


def refunds_under_way(order: Order) -> bool:
    """Whether a refund of what paid the order is not with the buyer yet."""
    waiting = Refund.objects.filter(order=order, payment__in=Payment.objects.counted_for(order))
    return waiting.exclude(status=RefundStatus.SUCCEEDED).exists()


def record_refund(
    payment: Payment,
    order: Order,
    amount: Money,
    *,
    reason: str,
    at: datetime,
    sources: Sequence[Side] | None = None,
) -> Refund:
    """Write the refund down: payment, journal and the message that will carry it out.

    Args:
        sources: where the money comes from in the books; what is held or was released unless told otherwise.
    """
    payment = Payment.objects.select_for_update(of=("self",)).get(pk=payment.pk)
    return _record(payment, order, amount, sources or refund_sources(order, amount), reason=reason, at=at)


def _record(
    payment: Payment, order: Order, amount: Money, sources: Sequence[Side], *, reason: str, at: datetime
) -> Refund:
    """The same for a payment that is locked."""
    payment.start_refund()
    payment.refunded += amount.amount
    update(payment, "status", "refunded")
    refund = Refund(
        payment=payment,
        order=order,
        currency=amount.currency,
        amount=amount.amount,
        reason=reason[:1000],
        created_at=at,
    )
    insert([refund])
    owed = Side(Ledger.REFUNDS_OWED, -amount, account_id=order.account_id)
    ledger.post(
        EntryKind.REFUND_OWED,
        [*sources, owed],
        at=at,
        order=order,
        payment=payment,
        refund=refund,
        text=reason[:200],
    )
    publish(RefundRequested(refund=refund.public_id), at=at)
    return refund


def carry_out_refund(public_id: str, *, at: datetime) -> Refund:
    """Pay the refund to where the money came from and write it down; run outside any transaction. Idempotent.

    Raises:
        GatewayUnavailable: no answer; try again.
    """
    refund = Refund.objects.select_related("payment").get(public_id=public_id)
    if refund.status != RefundStatus.CREATED:
        return refund
    if refund.payment.method == PaymentMethodKind.CARD:
        answer = gateway_named(refund.payment.gateway).refund(refund.public_id, refund.payment.reference, refund.money)
    else:
        answer = GatewayAnswer(ChargeOutcome.SUCCEEDED)
    if answer.outcome is ChargeOutcome.UNKNOWN and not answer.reference:
        raise GatewayUnavailable(public_id)
    return _record_outcome(refund, answer, at=at)


def ask_about_refund(pk: int, *, at: datetime, by: Actor) -> None:
    """Timer: the processor had a refund on its way; have it asked, after this transaction, and again later."""
    with transaction.atomic():
        refund = Refund.objects.select_for_update(of=("self",)).get(pk=pk)
        if refund.status != RefundStatus.CREATED or refund.ask_gateway_at is None or refund.ask_gateway_at > at:
            return
        _ask_later(refund)
        publish(RefundInDoubt(refund=refund.public_id), at=at)


def resolve_refund(public_id: str, *, at: datetime) -> Refund:
    """Ask the processor what became of a refund and write it down; outside any transaction. Idempotent."""
    refund = Refund.objects.select_related("payment").get(public_id=public_id)
    if refund.payment.method != PaymentMethodKind.CARD or refund.status == RefundStatus.FAILED:
        return refund
    answer = gateway_named(refund.payment.gateway).find_refund(refund.public_id, refund.payment.reference)
    return _record_outcome(refund, answer, at=at)


def _record_outcome(refund: Refund, answer: GatewayAnswer, *, at: datetime) -> Refund:
    """Write down what the processor says of a refund; what is known already changes nothing."""
    with transaction.atomic():
        order = orders.order_locked(refund.order_id)
        payment = Payment.objects.select_for_update(of=("self",)).select_related("account").get(pk=refund.payment_id)
        refund = Refund.objects.get(pk=refund.pk)
        match refund.status, answer.outcome:
            case RefundStatus.CREATED, ChargeOutcome.SUCCEEDED:
                _succeed(refund, payment, order, reference=answer.reference, at=at)
            case RefundStatus.CREATED, ChargeOutcome.DECLINED:
                refund.fail(at)
                refund.save()
                publish(RefundStuck(order_number=order.number, refund=refund.public_id), at=at)
            case RefundStatus.CREATED, ChargeOutcome.UNKNOWN if answer.reference:
                refund.reference = answer.reference
                refund.save(update_fields=["reference"])
                _ask_later(refund)
            case RefundStatus.SUCCEEDED, ChargeOutcome.DECLINED if refund.reference == answer.reference:
                _bounce(refund, payment, order, at=at)
    return refund


def _ask_later(refund: Refund) -> None:
    """After twice as long as it has been waiting: a bank may take days."""
    now = clock.now()
    refund.ask_gateway_at = now + max(settings.PAYMENT_ASK_AFTER, min(now - refund.created_at, LONGEST_WAIT))
    refund.save(update_fields=["ask_gateway_at"])


def _bounce(refund: Refund, payment: Payment, order: Order, *, at: datetime) -> None:
    """The money that was refunded came back to the processor: it is owed again, and paid by hand."""
    refund.bounce(at)
    refund.save()
    payment.reopen_refund()
    payment.save()
    sides = [
        Side(Ledger.GATEWAY, refund.money, account_id=order.account_id),
        Side(Ledger.REFUNDS_OWED, -refund.money, account_id=order.account_id),
    ]
    ledger.post(EntryKind.REFUND_BOUNCED, sides, at=at, order=order, payment=payment, refund=refund)
    orders.refund_reopened(order, at=at)
    publish(RefundStuck(order_number=order.number, refund=refund.public_id), at=at)


def record_refund_by_hand(refund: Refund, reference: str, *, by: Actor, at: datetime | None = None) -> Refund:
    """Operations paid a refund that the gateway refuses for good by transfer.

    Raises:
        PermissionRefused: not operations.
        InvalidInput: no reference.
        InvalidTransition: it has not failed.
    """
    at = at or clock.now()
    if by.party is not Party.OPERATIONS:
        raise PermissionRefused("Only operations pay refunds by hand.")
    if not reference.strip():
        raise InvalidInput("Give the bank's reference of the transfer.")
    with transaction.atomic():
        order = orders.order_locked(refund.order_id)
        payment = Payment.objects.select_for_update(of=("self",)).select_related("account").get(pk=refund.payment_id)
        refund = Refund.objects.get(pk=refund.pk)
        if refund.status != RefundStatus.FAILED:
            raise InvalidTransition("Only a refund that the card processor refused is paid by hand.")
        _succeed(refund, payment, order, reference=reference.strip()[:80], at=at, source=Ledger.BANK)
    return refund


def _succeed(
    refund: Refund, payment: Payment, order: Order, *, reference: str, at: datetime, source: Ledger | None = None
) -> None:
    refund.succeed(reference, at)
    refund.save()
    method = PaymentMethodKind(payment.method)
    source = source or SOURCE_LEDGERS[method]
    # What is refunded of a month that is stated already pays statements, and comes to the balance for that.
    stated = source is Ledger.RECEIVABLE and is_stated(payment)
    if stated:
        source = Ledger.BALANCE
    if source is Ledger.BALANCE:
        move_balance(payment.account, refund.money)
    elif source is Ledger.RECEIVABLE:
        give_credit_back(payment.account, refund.money)
    sides = [
        Side(Ledger.REFUNDS_OWED, refund.money, account_id=order.account_id),
        Side(source, -refund.money, account_id=order.account_id, reseller_id=payment.reseller_id),
    ]
    kind = EntryKind.REFUND_BY_HAND if source is Ledger.BANK else EntryKind.REFUND_PAID
    ledger.post(kind, sides, at=at, order=order, payment=payment, refund=refund)
    if stated:
        credit_back(payment.account, refund.money, by=Actor.system("refund"), at=at)
    if (
        payment.status == PaymentStatus.REFUNDING
        and not payment.refunds.exclude(status=RefundStatus.SUCCEEDED).exists()
    ):
        if payment.refunded == payment.amount:
            payment.finish_refund()
        else:
            payment.finish_part_refund()
        payment.save()
    orders.refund_finished(order, amount=refund.money, at=at)
