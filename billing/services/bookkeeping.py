"""What operations post by hand: top-ups and adjustments of balances, what resellers pay, what sellers are paid.

Each is one balanced journal entry with its reason and its author; no balance is ever written over. Each has a key, so
that a form that is sent twice posts once; a payout's is the bank's reference.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts.actor import Actor, Party
from accounts.models import Account, Reseller, Seller
from billing import ledger
from billing.choices import AdjustmentCause, EntryKind, Ledger
from billing.ledger import Side
from billing.models import JournalEntry, PostedByHand
from billing.services.methods import move_balance
from koogallery.kernel import clock
from koogallery.kernel.errors import InvalidInput, PermissionRefused
from koogallery.kernel.money import Money


@dataclass(frozen=True, slots=True)
class Adjustment:
    """By how much a balance is corrected (negative: downwards), of which kind it is, and the reason in words."""

    amount: Money
    cause: str
    reason: str


def top_up(
    account: Account, amount: Money, *, reference: str, by: Actor, key: str = "", at: datetime | None = None
) -> JournalEntry:
    """The account paid `amount` in advance by transfer.

    Args:
        key: whatever is posted a second time under it was meant once.

    Raises:
        PermissionRefused: not operations.
        InvalidInput: nothing, a fraction of a cent, no reference, or another posting's key.
    """
    _check(amount, reference, by)

    def post() -> JournalEntry:
        move_balance(account, amount)
        return _post(EntryKind.TOP_UP, Ledger.BANK, Ledger.BALANCE, amount, reference, by, at, account_id=account.pk)

    return _once(_form(key), f"{EntryKind.TOP_UP} {account.pk} {amount}", post)


def adjust_balance(
    account: Account, adjustment: Adjustment, *, by: Actor, key: str = "", at: datetime | None = None
) -> JournalEntry:
    """Correct a balance upwards or downwards, at the platform's cost or gain; our fees stay what we earned.

    Raises:
        PermissionRefused: not operations.
        InvalidInput: nothing, no cause or reason, more taken than there is, or another posting's key.
    """
    amount, cause = adjustment.amount, adjustment.cause
    _check(amount, adjustment.reason, by, signed=True)
    if cause not in AdjustmentCause.values:
        raise InvalidInput("Say why the balance is adjusted.", errors={"cause": ["Say why the balance is adjusted."]})

    def post() -> JournalEntry:
        move_balance(account, amount)
        sides = [
            Side(Ledger.ADJUSTMENTS, amount, account_id=account.pk),
            Side(Ledger.BALANCE, -amount, account_id=account.pk),
        ]
        text = adjustment.reason.strip()[:200]
        return ledger.post(EntryKind.ADJUSTMENT, sides, at=at or clock.now(), by=by.label, text=text, cause=cause)

    return _once(_form(key), f"{EntryKind.ADJUSTMENT} {account.pk} {amount} {cause}", post)


def receive_from_reseller(
    reseller: Reseller, amount: Money, *, reference: str, by: Actor, key: str = "", at: datetime | None = None
) -> JournalEntry:
    """A reseller paid a part of what he owes by transfer."""
    _check(amount, reference, by)

    def post() -> JournalEntry:
        owes = Ledger.RESELLER_OWES
        return _post(EntryKind.RESELLER_PAID, Ledger.BANK, owes, amount, reference, by, at, reseller_id=reseller.pk)

    return _once(_form(key), f"{EntryKind.RESELLER_PAID} {reseller.pk} {amount}", post)


def pay_out(seller: Seller, amount: Money, *, reference: str, by: Actor, at: datetime | None = None) -> JournalEntry:
    """A seller was paid a part of what is payable to him in that currency.

    The bank's reference is used once for a seller: the same payout again is the one that was recorded.

    Raises:
        PermissionRefused: not operations.
        InvalidInput: more than is payable, no reference, or the reference of another payout.
    """
    _check(amount, reference, by)

    def post() -> JournalEntry:
        payable = ledger.payable_to(seller, amount.currency)
        if payable < amount:
            raise InvalidInput(f"Only {payable.display()} is payable to {seller}.")
        bank, owed = Ledger.BANK, Ledger.SELLER_PAYABLE
        return _post(EntryKind.PAYOUT, owed, bank, amount, reference, by, at, seller_id=seller.pk)

    with transaction.atomic():
        Seller.objects.select_for_update(of=("self",), no_key=True).get(pk=seller.pk)
        key = f"{EntryKind.PAYOUT}:{seller.pk}:{reference.strip().casefold()[:100]}"
        return _once(key, f"{EntryKind.PAYOUT} {seller.pk} {amount}", post)


def receive_from_gateway(amount: Money, *, reference: str, by: Actor, at: datetime | None = None) -> JournalEntry:
    """The card processor paid out to the bank a part of what it has for us; the bank's reference is used once.

    Raises:
        PermissionRefused: not operations.
        InvalidInput: more than the processor has, no reference, or the reference of another payout.
    """
    return _transfer(EntryKind.GATEWAY_PAYOUT, Ledger.BANK, Ledger.GATEWAY, amount, reference=reference, by=by, at=at)


def remit_tax(amount: Money, *, reference: str, by: Actor, at: datetime | None = None) -> JournalEntry:
    """A part of the collected tax was paid to the tax office; the bank's reference is used once.

    Raises:
        PermissionRefused: not operations.
        InvalidInput: more than was collected, no reference, or the reference of another payment.
    """
    return _transfer(EntryKind.TAX_REMITTED, Ledger.TAX, Ledger.BANK, amount, reference=reference, by=by, at=at)


def _transfer(
    kind: EntryKind,
    debit: Ledger,
    credit: Ledger,
    amount: Money,
    *,
    reference: str,
    by: Actor,
    at: datetime | None,
) -> JournalEntry:
    """Between the bank and a ledger that belongs to no party, of which only as much is moved as there is."""
    _check(amount, reference, by)

    def post() -> JournalEntry:
        there = ledger.total_on(Ledger.GATEWAY if credit is Ledger.GATEWAY else Ledger.TAX, amount.currency)
        left = there if credit is Ledger.GATEWAY else -there
        if left < amount:
            raise InvalidInput(f"Only {left.display()} can be moved.", errors={"amount": ["More than there is."]})
        return _post(kind, debit, credit, amount, reference, by, at)

    return _once(f"{kind}:{reference.strip().casefold()[:100]}", f"{kind} {amount}", post)


def _form(key: str) -> str:
    return f"form:{key}" if key else ""


def _once(key: str, what: str, post: Callable[[], JournalEntry]) -> JournalEntry:
    """Post under a key that is used once; the second time, also at the same moment, it is the first entry again.

    Raises:
        InvalidInput: the key was used for something else.
    """
    with transaction.atomic():
        if not key:
            return post()
        # Whoever comes second waits here until the first has committed.
        claim, is_new = PostedByHand.objects.select_related("entry").get_or_create(key=key, defaults={"what": what})
        if not is_new:
            if claim.what != what or claim.entry is None:
                raise InvalidInput("This was posted already, with another amount. Look it up in the journal.")
            return claim.entry
        claim.entry = post()
        claim.save(update_fields=["entry"])
        return claim.entry


def _check(amount: Money, text: str, by: Actor, *, signed: bool = False) -> None:
    if by.party is not Party.OPERATIONS:
        raise PermissionRefused("Only operations post to the journal by hand.")
    if not amount or (amount.amount < 0 and not signed) or amount != amount.rounded():
        raise InvalidInput("Give an amount in whole units of the currency.", errors={"amount": ["Not an amount."]})
    if not text.strip():
        raise InvalidInput("Give the reason or the bank's reference.", errors={"reason": ["Give the reason."]})


def _post(
    kind: EntryKind,
    debit: Ledger,
    credit: Ledger,
    amount: Money,
    text: str,
    by: Actor,
    at: datetime | None,
    **party: int,
) -> JournalEntry:
    sides = [Side(debit, amount, **party), Side(credit, -amount, **party)]
    return ledger.post(kind, sides, at=at or clock.now(), by=by.label, text=text.strip()[:200])
