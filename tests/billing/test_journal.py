"""The journal's own guards: an entry balances and moves something, whoever writes it."""

from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from billing import ledger
from billing.choices import EntryKind, Ledger
from billing.ledger import Side
from billing.models import JournalEntry, Posting
from koogallery.kernel import clock
from koogallery.kernel.money import Money
from tests.billing.conftest import usd

pytestmark = pytest.mark.django_db


def committed() -> None:
    """What the database looks at when a transaction commits."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_an_entry_without_postings_is_refused():
    JournalEntry.objects.create(at=clock.now(), kind=EntryKind.ADJUSTMENT)
    with pytest.raises(IntegrityError, match="has no postings"):
        committed()
    transaction.set_rollback(True)


def test_an_entry_that_does_not_balance_in_each_currency_is_refused():
    entry = JournalEntry.objects.create(at=clock.now(), kind=EntryKind.ADJUSTMENT)
    for currency, amount in (("USD", 1), ("JPY", -1)):
        Posting.objects.create(entry=entry, ledger=Ledger.BANK, currency=currency, amount=amount)
    with pytest.raises(IntegrityError, match="does not balance"):
        committed()
    transaction.set_rollback(True)


def test_an_entry_in_several_currencies_balances_in_each():
    moved = [usd("1"), Money(Decimal(150), "JPY")]
    sides = [Side(name, one * sign) for one in moved for name, sign in ((Ledger.BANK, 1), (Ledger.ADJUSTMENTS, -1))]
    ledger.post(EntryKind.ADJUSTMENT, sides, at=clock.now())
    committed()


def test_nothing_is_no_entry():
    with pytest.raises(ledger.Unbalanced):
        ledger.post(
            EntryKind.ADJUSTMENT, [Side(Ledger.BANK, usd("0")), Side(Ledger.ADJUSTMENTS, usd("0"))], at=clock.now()
        )
