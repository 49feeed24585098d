"""The journal's only door: balanced entries, posted in the transaction of the state that they belong to."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Required, TypedDict, Unpack

from django.db import models
from django.db.models import Q, Sum

from accounts.models import Reseller, Seller
from billing.choices import EntryKind, Ledger
from billing.models import Dispute, JournalEntry, Payment, Posting, Refund, Statement
from koogallery.kernel.compiled import Compiled, Param
from koogallery.kernel.money import Money
from koogallery.kernel.stored import insert
from orders.models import Order


class Unbalanced(ValueError):
    """An entry's sides do not cancel out, or move nothing: a fault of ours. The database refuses it too."""


@dataclass(frozen=True, slots=True)
class Side:
    """One posting to be: positive money is a debit."""

    ledger: Ledger
    money: Money
    account_id: int | None = None
    seller_id: int | None = None
    reseller_id: int | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry to be, which balances; sides without an amount are left out."""

    entry: JournalEntry
    sides: Sequence[Side]


class Of(TypedDict, total=False):
    """When an entry is posted, what it belongs to, and in words why and by whom."""

    at: Required[datetime]
    order: Order | None
    payment: Payment | None
    refund: Refund | None
    statement: Statement | None
    dispute: Dispute | None
    by: str
    text: str
    cause: str


def draft(kind: EntryKind, sides: Sequence[Side], **of: Unpack[Of]) -> Draft:
    """One entry for `post_all`.

    Raises:
        Unbalanced: the sides do not sum to zero in every currency, or there is nothing on any.
    """
    sums: dict[str, Decimal] = {}
    for side in sides:
        sums[side.money.currency] = sums.get(side.money.currency, Decimal(0)) + side.money.amount
    if any(sums.values()) or not any(side.money for side in sides):
        raise Unbalanced(str(sums))
    written = {"by": of.get("by", "")[:200], "text": of.get("text", "")[:200], "cause": of.get("cause", "")}
    return Draft(JournalEntry(kind=kind, **{**of, **written}), sides)


def post_all(drafts: Sequence[Draft]) -> None:
    """Write balanced entries in this order, in two statements."""
    insert([one.entry for one in drafts])
    insert(
        [
            Posting(
                entry=one.entry,
                ledger=side.ledger,
                account_id=side.account_id,
                seller_id=side.seller_id,
                reseller_id=side.reseller_id,
                currency=side.money.currency,
                amount=side.money.amount,
            )
            for one in drafts
            for side in one.sides
            if side.money
        ]
    )


def post(kind: EntryKind, sides: Sequence[Side], **of: Unpack[Of]) -> JournalEntry:
    """Write one balanced entry: see `draft`."""
    made = draft(kind, sides, **of)
    post_all([made])
    return made.entry


def balance_of(order: Order, ledger: Ledger, kinds: Iterable[EntryKind] = ()) -> Money:
    """The sum of the order's postings on a ledger (of entries of these kinds); positive is a debit."""
    rows = Posting.objects.filter(entry__order=order, ledger=ledger, currency=order.currency)
    if kinds := tuple(kinds):
        rows = rows.filter(entry__kind__in=kinds)
    return Money(_sum(rows), order.currency)


_HELD = Compiled(
    lambda: (
        Posting.objects.filter(entry__order=Param("order"), ledger=Ledger.HELD, currency=Param("currency"))
        .order_by()
        .values("ledger")
        .annotate(total=Sum("amount", output_field=models.DecimalField()))
        .values_list("total")
    )
)


def held_for(order: Order) -> Money:
    """What is held for the order now, from the postings."""
    total = _HELD.first(order=order.pk, currency=order.currency)
    return Money(-total[0] if total else Decimal(0), order.currency)


def payable_to(seller: Seller, currency: str) -> Money:
    """What is payable to the seller now."""
    rows = Posting.objects.filter(seller=seller, ledger=Ledger.SELLER_PAYABLE, currency=currency)
    return Money(-_sum(rows), currency)


@dataclass(frozen=True, slots=True)
class SellerMoney:
    """What a seller has with us in one currency.

    Attributes:
        held: paid by customers for orders that are not completed yet, our fee and the tax included.
        payable: earned and not paid out yet; negative when refunds took back more than that.
        paid_out: what was transferred to him, ever.
    """

    held: Money
    payable: Money
    paid_out: Money

    @property
    def owes(self) -> Money | None:
        """What the seller has to give back, if so."""
        return -self.payable if self.payable.amount < 0 else None


def money_of(seller: Seller) -> list[SellerMoney]:
    """What the seller has with us, by currency, in one query."""
    of_payouts = Q(ledger=Ledger.SELLER_PAYABLE, entry__kind=EntryKind.PAYOUT)
    rows = (
        Posting.objects.filter(seller=seller, ledger__in=[Ledger.HELD, Ledger.SELLER_PAYABLE])
        .values("currency")
        .annotate(
            held=Sum("amount", filter=Q(ledger=Ledger.HELD), default=Decimal(0)),
            payable=Sum("amount", filter=Q(ledger=Ledger.SELLER_PAYABLE), default=Decimal(0)),
            paid_out=Sum("amount", filter=of_payouts, default=Decimal(0)),
        )
        .order_by("currency")
    )
    return [
        SellerMoney(
            held=Money(-row["held"], row["currency"]),
            payable=Money(-row["payable"], row["currency"]),
            paid_out=Money(row["paid_out"], row["currency"]),
        )
        for row in rows
    ]


def payouts_to(seller: Seller) -> "models.QuerySet[Posting]":
    """What was transferred to the seller, newest first, each with its entry, whose text is the bank's reference."""
    rows = Posting.objects.filter(seller=seller, ledger=Ledger.SELLER_PAYABLE, entry__kind=EntryKind.PAYOUT)
    return rows.select_related("entry").order_by("-entry__at", "-id")


def total_on(ledger: Ledger, currency: str) -> Money:
    """The sum of all postings on a ledger; positive is a debit."""
    return Money(_sum(Posting.objects.filter(ledger=ledger, currency=currency)), currency)


def owed_by(reseller: Reseller, currency: str) -> Money:
    """What the reseller owes now."""
    rows = Posting.objects.filter(reseller=reseller, ledger=Ledger.RESELLER_OWES, currency=currency)
    return Money(_sum(rows), currency)


def _sum(rows: models.QuerySet[Posting]) -> Decimal:
    total: Decimal | None = rows.aggregate(total=Sum("amount", output_field=models.DecimalField()))["total"]
    return total or Decimal(0)
