"""The processor's own list of charges and refunds against our books, key by key, both ways."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Sum

from billing.choices import OPEN_PAYMENTS, TAKEN_PAYMENTS, EntryKind, Ledger, RefundStatus
from billing.gateways.base import GatewayRecord, PaymentGateway, RecordKind
from billing.models import JournalEntry, Payment, Posting, Refund
from koogallery.kernel.money import Money

CLOCKS_DIFFER = timedelta(hours=1)
"""The processor's list is read so much wider than ours: it writes its own time down, after our intent."""
BACK = "-back"


def differences(processor: PaymentGateway, since: datetime, until: datetime) -> Iterator[str]:
    """What differs, a sentence each, for payments and refunds that were begun in this time. What is open on our side is
    no difference: a timer asks for it.

    Raises:
        GatewayUnavailable: the processor does not answer.
    """
    theirs = list(processor.records(since - CLOCKS_DIFFER, until + CLOCKS_DIFFER))
    charges = {one.key: one for one in theirs if one.kind is RecordKind.CHARGE}
    refunds = {one.key: one for one in theirs if one.kind is RecordKind.REFUND}
    yield from _charges(processor.name, charges, since, until)
    yield from _refunds(processor.name, refunds, since, until)


def _charges(name: str, theirs: dict[str, GatewayRecord], since: datetime, until: datetime) -> Iterator[str]:
    ours = {one.public_id: one for one in Payment.objects.filter(gateway=name, public_id__in=theirs)}
    taken = _posted(EntryKind.CHARGE, EntryKind.SETTLEMENT, EntryKind.MISMATCH, payment__in=ours.values())
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
