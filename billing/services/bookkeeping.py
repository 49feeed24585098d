"""What operations post by hand: top-ups and adjustments of balances, what resellers pay, what sellers are paid.

Each is one balanced journal entry with its reason and its author; no balance is ever written over.
"""

from datetime import datetime

from django.db import transaction

from accounts.actor import Actor, Party
from accounts.models import Account, Reseller, Seller
from billing import ledger
from billing.choices import EntryKind, Ledger
from billing.ledger import Side
from billing.models import JournalEntry
from billing.services.methods import move_balance
from koogallery.kernel import clock
from koogallery.kernel.errors import InvalidInput, PermissionRefused
from koogallery.kernel.money import Money


def top_up(account: Account, amount: Money, *, reference: str, by: Actor, at: datetime | None = None) -> JournalEntry:
    """The account paid `amount` in advance by transfer.

    Raises:
        PermissionRefused: not operations.
        InvalidInput: nothing, a fraction of a cent, or no reference.
    """
    _check(amount, reference, by)
    with transaction.atomic():
        move_balance(account, amount)
        return _post(EntryKind.TOP_UP, Ledger.BANK, Ledger.BALANCE, amount, reference, by, at, account_id=account.pk)


def adjust_balance(
    account: Account, amount: Money, *, reason: str, by: Actor, at: datetime | None = None
) -> JournalEntry:
    """Correct a balance upwards or, with a negative amount, downwards, at the platform's cost or gain.

    Raises:
        PermissionRefused: not operations.
        InvalidInput: nothing, no reason, or more taken than there is.
    """
    _check(amount, reason, by, signed=True)
    with transaction.atomic():
        move_balance(account, amount)
        return _post(
            EntryKind.ADJUSTMENT, Ledger.SERVICE_FEES, Ledger.BALANCE, amount, reason, by, at, account_id=account.pk
        )


def receive_from_reseller(
    reseller: Reseller, amount: Money, *, reference: str, by: Actor, at: datetime | None = None
) -> JournalEntry:
    """A reseller paid a part of what he owes by transfer."""
    _check(amount, reference, by)
    with transaction.atomic():
        return _post(
            EntryKind.RESELLER_PAID,
            Ledger.BANK,
            Ledger.RESELLER_OWES,
            amount,
            reference,
            by,
            at,
            reseller_id=reseller.pk,
        )


def pay_out(seller: Seller, amount: Money, *, reference: str, by: Actor, at: datetime | None = None) -> JournalEntry:
    """A seller was paid a part of what is payable to him.

    Raises:
        InvalidInput: more than is payable.
    """
    _check(amount, reference, by)
    with transaction.atomic():
        Seller.objects.select_for_update(of=("self",)).get(pk=seller.pk)
        payable = ledger.payable_to(seller, amount.currency)
        if payable < amount:
            raise InvalidInput(f"Only {payable.display()} is payable to {seller}.")
        return _post(
            EntryKind.PAYOUT, Ledger.SELLER_PAYABLE, Ledger.BANK, amount, reference, by, at, seller_id=seller.pk
        )


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
