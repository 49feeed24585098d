"""The processor took another amount than we asked for: it all goes back, and no order is paid with it."""

from datetime import datetime

from django.db import transaction

from billing import ledger
from billing.choices import EntryKind, Ledger
from billing.gateways import ChargeOutcome, gateway_named
from billing.gateways.base import GatewayUnavailable
from billing.ledger import Side
from billing.models import JournalEntry, Payment
from koogallery.kernel.money import Money


def give_wrong_amount_back(public_id: str, *, at: datetime) -> None:
    """Refund at the gateway what was taken by mistake; outside any transaction. Idempotent.

    Raises:
        GatewayUnavailable: no answer, or a refusal: it is tried again, and operators see it.
    """
    payment = Payment.objects.get(public_id=public_id)
    if JournalEntry.objects.filter(payment=payment, kind=EntryKind.MISMATCH_BACK).exists():
        return
    taken = next(
        Money(one.amount, one.currency)
        for one in JournalEntry.objects.get(payment=payment, kind=EntryKind.MISMATCH).postings.all()
        if one.ledger == Ledger.GATEWAY
    )
    answer = gateway_named(payment.gateway).refund(f"{payment.public_id}-back", payment.reference, taken)
    if answer.outcome is not ChargeOutcome.SUCCEEDED:
        raise GatewayUnavailable(public_id)
    with transaction.atomic():
        payment = Payment.objects.select_for_update(of=("self",)).get(pk=payment.pk)
        if not JournalEntry.objects.filter(payment=payment, kind=EntryKind.MISMATCH_BACK).exists():
            sides = [
                Side(Ledger.SUSPENSE, taken, account_id=payment.account_id),
                Side(Ledger.GATEWAY, -taken, account_id=payment.account_id),
            ]
            ledger.post(EntryKind.MISMATCH_BACK, sides, at=at, payment=payment, text=answer.reference)
