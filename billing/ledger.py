"""The journal's only door: balanced entries, posted in the transaction of the state that they belong to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import models
from django.db.models import Sum

from billing.choices import EntryKind, Ledger
from billing.models import JournalEntry, Payment, Posting, Refund
from koogallery.kernel.money import Money
from orders.models import Order


class Unbalanced(ValueError):
    """An entry's sides do not cancel out: a fault of ours. The database refuses it too."""


@dataclass(frozen=True, slots=True)
class Side:
    """One posting to be: positive money is a debit."""

    ledger: Ledger
    money: Money
    account_id: int | None = None
    seller_id: int | None = None


def post(
    kind: EntryKind,
    sides: Sequence[Side],
    *,
    at: datetime,
    order: Order | None = None,
    payment: Payment | None = None,
    refund: Refund | None = None,
    text: str = "",
) -> JournalEntry:
    """Write one balanced entry.

    Raises:
        Unbalanced: the sides do not sum to zero in every currency.
    """
    sums: dict[str, Decimal] = {}
    for side in sides:
        sums[side.money.currency] = sums.get(side.money.currency, Decimal(0)) + side.money.amount
    if any(sums.values()):
        raise Unbalanced(str(sums))
    entry = JournalEntry.objects.create(at=at, kind=kind, order=order, payment=payment, refund=refund, text=text)
    Posting.objects.bulk_create(
        Posting(
            entry=entry,
            ledger=side.ledger,
            account_id=side.account_id,
            seller_id=side.seller_id,
            currency=side.money.currency,
            amount=side.money.amount,
        )
        for side in sides
        if side.money
    )
    return entry


def transfer(
    kind: EntryKind,
    money: Money,
    *,
    debit: Ledger,
    credit: Ledger,
    order: Order,
    at: datetime,
    payment: Payment | None = None,
    refund: Refund | None = None,
    text: str = "",
) -> JournalEntry:
    """The common entry: `money` from the credited to the debited ledger, on account of one order."""
    parties = {"account_id": order.account_id, "seller_id": order.seller_id}
    sides = [Side(debit, money, **parties), Side(credit, -money, **parties)]
    return post(kind, sides, at=at, order=order, payment=payment, refund=refund, text=text)


def held_for(order: Order) -> Money:
    """What is held for the order now, from the postings."""
    rows = Posting.objects.filter(entry__order=order, ledger=Ledger.HELD, currency=order.currency)
    held = rows.aggregate(total=Sum("amount", output_field=models.DecimalField()))["total"] or Decimal(0)
    return Money(-held, order.currency)
