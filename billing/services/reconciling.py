"""The processor's own lists of charges, fees, refunds, charge-backs and payouts against our books, both ways."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from django.db.models import Sum

from billing.choices import OPEN_PAYMENTS, TAKEN_PAYMENTS, DisputeStatus, EntryKind, Ledger, RefundStatus
from billing.gateways.base import DisputeState, GatewayRecord, PaymentGateway, RecordKind
from billing.models import Dispute, JournalEntry, Payment, Posting, Refund
from billing.services.webhooks import fee_of
from koogallery.kernel.money import Money

CLOCKS_DIFFER = timedelta(hours=1)
"""The processor's list is read so much wider than ours: it writes its own time down, after our intent."""
DISPUTES_LAST = timedelta(days=90)
"""A charge-back is won or lost within so long."""
BOOKED_WITHIN = timedelta(days=30)
"""A payout is in the journal within so long after it was sent."""
EVER = datetime(2000, 1, 1, tzinfo=UTC)
BACK = "-back"
_STATES = {
    DisputeStatus.OPEN: DisputeState.OPENED,
    DisputeStatus.WON: DisputeState.WON,
    DisputeStatus.LOST: DisputeState.LOST,
}


def differences(processor: PaymentGateway, since: datetime, until: datetime) -> Iterator[str]:
    """What differs, a sentence each, for payments, refunds and payouts of this time, and for charge-backs of the
    `DISPUTES_LAST` before its end. What is open on our side is no difference: a timer asks for it.

    Raises:
        GatewayUnavailable: the processor does not answer.
    """
    theirs = list(processor.records(since - CLOCKS_DIFFER, until + CLOCKS_DIFFER))
    charges = {one.key: one for one in theirs if one.kind is RecordKind.CHARGE}
    refunds = {one.key: one for one in theirs if one.kind is RecordKind.REFUND}
    yield from _charges(processor.name, charges, since, until)
    yield from _refunds(processor.name, refunds, since, until)
    yield from _disputes(processor, min(since, until - DISPUTES_LAST), until)
    yield from _payouts(processor, since, until)


def _charges(name: str, theirs: dict[str, GatewayRecord], since: datetime, until: datetime) -> Iterator[str]:
    ours = {one.public_id: one for one in Payment.objects.filter(gateway=name, public_id__in=theirs)}
    kinds = (EntryKind.CHARGE, EntryKind.SETTLEMENT, EntryKind.USAGE, EntryKind.MISMATCH)
    taken = _posted(*kinds, payment__in=ours.values())
    fees = _posted(EntryKind.FEE, payment__in=ours.values(), ledger=Ledger.PROCESSOR_FEES)
    for key, record in theirs.items():
        payment = ours.get(key)
        if payment is None:
            yield f"Charge {record.reference} of {record.amount}: no payment of ours has its key."
        elif payment.status not in OPEN_PAYMENTS:
            if taken.get(payment.pk) != record.amount:
                yield f"Payment {key}: {record.reference} took {record.amount}, the books say {taken.get(payment.pk)}."
            if record.fee and fees.get(payment.pk) != record.fee:
                yield f"Payment {key}: the fee was {record.fee}, the books say {fees.get(payment.pk)}."
    believed = Payment.objects.filter(
        gateway=name, status__in=TAKEN_PAYMENTS, created_at__gte=since, created_at__lt=until
    ).exclude(public_id__in=theirs)
    for payment in believed:
        yield f"Payment {payment.public_id} of {payment.money}: the processor has no charge with its key."


def _refunds(name: str, theirs: dict[str, GatewayRecord], since: datetime, until: datetime) -> Iterator[str]:
    ours = {one.public_id: one for one in Refund.objects.filter(payment__gateway=name, public_id__in=theirs)}
    back = _posted_back(name, [key.removesuffix(BACK) for key in theirs if key.endswith(BACK)])
    for key, record in theirs.items():
        refund = ours.get(key)
        if refund is None:
            if back.get(key.removesuffix(BACK)) != record.amount:
                yield f"Refund {record.reference} of {record.amount}: no refund of ours has its key."
        elif refund.status == RefundStatus.FAILED or refund.money != record.amount:
            yield f"Refund {key} of {refund.money} is {refund.status} here; {record.reference} gave {record.amount} back."
    believed = JournalEntry.objects.filter(
        kind=EntryKind.REFUND_PAID,
        payment__gateway=name,
        refund__status=RefundStatus.SUCCEEDED,
        refund__created_at__gte=since,
        refund__created_at__lt=until,
    ).exclude(refund__public_id__in=theirs)
    # What a bank sent back and operations paid by transfer is the processor's no more.
    for entry in believed.exclude(refund__journal__kind=EntryKind.REFUND_BOUNCED).select_related("refund"):
        if entry.refund is not None:
            yield f"Refund {entry.refund.public_id} of {entry.refund.money}: the processor has none with its key."


def _disputes(processor: PaymentGateway, since: datetime, until: datetime) -> Iterator[str]:
    # What was opened within the last hour may still be on its way to us.
    theirs = {one.reference: one for one in processor.disputes(since - CLOCKS_DIFFER, until - CLOCKS_DIFFER)}
    ours = {one.reference: one for one in Dispute.objects.filter(reference__in=theirs)}
    for reference, told in theirs.items():
        dispute = ours.get(reference)
        if dispute is None:
            yield f"Charge-back {reference} of {told.amount} over {told.charge}: it is not in the books."
        elif dispute.money != told.amount:
            yield f"Charge-back {reference}: the bank took {told.amount}, the books say {dispute.money}."
        elif _STATES[DisputeStatus(dispute.status)] is not told.state:
            yield f"Charge-back {reference} is {told.state.value} there and {dispute.status} here."
        elif told.fee is not None and (booked := fee_of(dispute, told.fee.currency)) != told.fee:
            yield f"Charge-back {reference}: the fee was {told.fee}, the books say {booked}."
    mine = Dispute.objects.filter(payment__gateway=processor.name, opened_at__gte=since, opened_at__lt=until)
    # Its charge may be older than its message: what is missing is asked for once more, without a beginning.
    if missing := list(mine.exclude(reference__in=theirs)):
        every = {one.reference for one in processor.disputes(EVER, until + CLOCKS_DIFFER)}
        for dispute in missing:
            if dispute.reference not in every:
                yield f"Charge-back {dispute.reference} of {dispute.money}: the processor has none of this name."


def _payouts(processor: PaymentGateway, since: datetime, until: datetime) -> Iterator[str]:
    """Payouts are entered by hand under the processor's name for them, a while after they were sent."""
    if not processor.pays_out:
        return
    theirs = {one.reference: one for one in processor.payouts(since - BOOKED_WITHIN, until)}
    booked = JournalEntry.objects.filter(kind=EntryKind.GATEWAY_PAYOUT)
    ours = {entry.text: _to_bank(entry) for entry in booked.filter(text__in=theirs).prefetch_related("postings")}
    for reference, record in theirs.items():
        if reference not in ours:
            yield f"Payout {reference} of {record.amount}: it is not in the books."
        elif ours[reference] != record.amount:
            yield f"Payout {reference}: {record.amount} were sent, the books say {ours[reference]}."
    for entry in booked.filter(at__gte=since, at__lt=until).exclude(text__in=theirs).prefetch_related("postings"):
        yield f"Payout {entry.text} of {_to_bank(entry)}: the processor has none of this name."


def _to_bank(entry: JournalEntry) -> Money:
    return next(Money(one.amount, one.currency) for one in entry.postings.all() if one.ledger == Ledger.BANK)


def _posted(*kinds: EntryKind, ledger: Ledger = Ledger.GATEWAY, **filters: object) -> dict[int, Money]:
    """What entries of these kinds post to a ledger, by payment."""
    narrowed = {f"entry__{name}": value for name, value in filters.items()}
    rows = Posting.objects.filter(ledger=ledger, entry__kind__in=kinds, **narrowed)
    sums = rows.values_list("entry__payment_id", "currency").annotate(total=Sum("amount"))
    return {payment: Money(total, currency) for payment, currency, total in sums}


def _posted_back(name: str, payments: list[str]) -> dict[str, Money]:
    """What was given back of charges over another amount, by the payment's public id."""
    rows = Posting.objects.filter(
        ledger=Ledger.SUSPENSE, entry__kind__in=[EntryKind.MISMATCH_BACK], entry__payment__gateway=name,
        entry__payment__public_id__in=payments,
    )  # fmt: skip
    sums = rows.values_list("entry__payment__public_id", "currency").annotate(total=Sum("amount"))
    return {payment: Money(total, currency) for payment, currency, total in sums}
