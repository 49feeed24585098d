"""What the gateway tells by itself: verified, counted once, and only ever a reason to ask (RELIABILITY)."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from accounts.actor import Actor
from billing import ledger
from billing.choices import DisputeStatus, EntryKind, Ledger
from billing.events import DisputeExceedsCharge, DisputeOpened, PaymentInDoubt, RefundInDoubt
from billing.gateways import gateway, gateway_named
from billing.gateways.base import DisputeNotice, DisputeState, GatewayNotice, NoticeKind
from billing.ledger import Side
from billing.models import Dispute, GatewayMessage, Payment, Posting, Refund
from billing.services.chargebacks import give_won_back, what_counts
from koogallery.kernel import clock
from koogallery.kernel.money import Money
from koogallery.kernel.outbox import publish
from orders import services as orders

EARLY_DISPUTES_WAIT = timedelta(days=30)


def receive_webhook(
    headers: Mapping[str, str], body: bytes, *, sender: str = "", at: datetime | None = None
) -> GatewayMessage | None:
    """Take one message in, of the processor in use or of `sender`, which was before. None when it came before.

    A charge's or refund's message makes us ask the gateway; its own words are not believed. A dispute is written down.

    Raises:
        WebhookRefused: wrong signature, too old, or not the gateway's.
    """
    at = at or clock.now()
    processor = gateway_named(sender) if sender else gateway()
    notice = processor.read_webhook(headers, body, clock.machine_now())
    with transaction.atomic():
        message, is_new = GatewayMessage.objects.get_or_create(
            gateway=processor.name,
            event_id=notice.event_id[:80],
            defaults={"kind": notice.kind.value, "key": notice.key[:40], "received_at": at},
        )
        if not is_new:
            return None
        _act_on(notice, message, at=at)
    return message


def _act_on(notice: GatewayNotice, message: GatewayMessage, *, at: datetime) -> None:
    if notice.kind is NoticeKind.CHARGE and Payment.objects.filter(public_id=notice.key).exists():
        publish(PaymentInDoubt(payment=notice.key, last_call=False), at=at)
    elif notice.kind is NoticeKind.REFUND and Refund.objects.filter(public_id=notice.key).exists():
        publish(RefundInDoubt(refund=notice.key), at=at)
    elif notice.kind is NoticeKind.DISPUTE and notice.dispute is not None:
        known = record_dispute(notice.dispute, by=Actor.system("card processor"), at=at)
        if known is None and not _is_ours(notice.dispute):
            message.early_dispute = notice.dispute.as_json()
            message.match_at = at + settings.PAYMENT_ASK_AFTER
            message.save(update_fields=["early_dispute", "match_at"])


def match_early_dispute(pk: int, *, at: datetime, by: Actor) -> None:
    """Timer: a bank disputed a charge whose outcome we did not know. Look for it again, ever more seldom; a charge
    that is not known after a month is none of ours (others may use the same account at the processor)."""
    with transaction.atomic():
        message = GatewayMessage.objects.select_for_update(of=("self",)).get(pk=pk)
        if message.match_at is None or message.match_at > at:
            return
        message.match_at = None
        notice = DisputeNotice.from_json(message.early_dispute or {})
        if record_dispute(notice, by=by, at=at) is None and not _is_ours(notice):
            waited = max(at, clock.now()) - message.received_at
            if waited < EARLY_DISPUTES_WAIT:
                message.match_at = max(at, clock.now()) + max(settings.PAYMENT_ASK_AFTER, waited)
        message.save(update_fields=["match_at"])


def _is_ours(notice: DisputeNotice) -> bool:
    """Whether the disputed charge is known; if so there is nothing to wait for, though nothing of it may be left."""
    return Payment.objects.filter(reference=notice.charge).exists()


def record_dispute(notice: DisputeNotice, *, by: Actor, at: datetime) -> Dispute | None:
    """A charge-back was opened, won or lost; messages may come in any order and more than once.

    It counts for what is left of the charge at the most: what was refunded cannot be charged back as well, and
    operators are told of the difference. None when the charge is not ours, or nothing is left of it.
    """
    with transaction.atomic():
        payment = Payment.objects.filter(reference=notice.charge).first()
        if payment is None:
            return None
        for order in payment.allocations.order_by("order_id").values_list("order_id", flat=True):
            orders.order_locked(order)
        payment = Payment.objects.select_for_update(of=("self",)).get(pk=payment.pk)
        dispute = Dispute.objects.filter(reference=notice.reference).first()
        if dispute is None:
            amount = what_counts(notice, payment)
            if amount != notice.amount:
                event = DisputeExceedsCharge(
                    dispute=notice.reference, payment=payment.public_id, amount=notice.amount.display()
                )
                publish(event, at=at)
            if not amount:
                return None
            dispute = Dispute.objects.create(
                reference=notice.reference,
                payment=payment,
                currency=amount.currency,
                amount=amount.amount,
                opened_at=at,
            )
            _post(EntryKind.DISPUTED, dispute, Ledger.DISPUTED, Ledger.GATEWAY, at=at)
            publish(DisputeOpened(dispute=dispute.reference, payment=payment.public_id), at=at)
        if dispute.status == DisputeStatus.OPEN and notice.state is DisputeState.WON:
            dispute.win(at)
            dispute.save()
            _post(EntryKind.DISPUTE_WON, dispute, Ledger.GATEWAY, Ledger.DISPUTED, at=at)
            give_won_back(dispute, at=at)
        elif dispute.status == DisputeStatus.OPEN and notice.state is DisputeState.LOST:
            dispute.lose(at)
            dispute.save()
            _post(EntryKind.DISPUTE_LOST, dispute, Ledger.DISPUTE_LOSSES, Ledger.DISPUTED, at=at)
        # What was told of its beginning says less than its end did, whichever comes first.
        if dispute.status == DisputeStatus.OPEN or notice.state is not DisputeState.OPENED:
            _book_fee(dispute, notice.fee, at=at)
    return dispute


def _book_fee(dispute: Dispute, fee: Money | None, *, at: datetime) -> None:
    """What the processor keeps for a charge-back, and what it gives back of that, each once; reconciling tells of more.

    No part of what the charge cost: the entry belongs to the charge-back alone. It is in the processor's currency.
    """
    if fee is None:
        return
    left, account = fee - fee_of(dispute, fee.currency), dispute.payment.account_id
    kind = EntryKind.FEE_BACK if left.amount < 0 else EntryKind.FEE
    if left and not dispute.journal.filter(kind=kind).exists():
        sides = [
            Side(Ledger.PROCESSOR_FEES, left, account_id=account),
            Side(Ledger.GATEWAY, -left, account_id=account),
        ]
        ledger.post(kind, sides, at=at, dispute=dispute, text=f"Fee of charge-back {dispute.reference}")


def fee_of(dispute: Dispute, currency: str) -> Money:
    """What the books say that a charge-back cost in a currency."""
    rows = Posting.objects.filter(entry__dispute=dispute, ledger=Ledger.PROCESSOR_FEES, currency=currency)
    return Money.total((one.money for one in rows), currency)


def _post(kind: EntryKind, dispute: Dispute, debit: Ledger, credit: Ledger, *, at: datetime) -> None:
    account = dispute.payment.account_id
    sides = [Side(debit, dispute.money, account_id=account), Side(credit, -dispute.money, account_id=account)]
    ledger.post(kind, sides, at=at, payment=dispute.payment, dispute=dispute, text=dispute.reference)
