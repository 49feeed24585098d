"""A month's end in bulk: monthly statements of many accounts that bought on credit; imported by a process of its own.

`python -m bench.statements NUMBER` prints what they cost, as JSON on the last line; `state(NUMBER)` is the same for who imports it.
"""

import json
import sys
import time
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import django

django.setup()

from django.db.models import Count, Sum  # noqa: E402

from accounts.actor import Actor  # noqa: E402
from accounts.models import Account, Seller  # noqa: E402
from billing.models import CreditLine, JournalEntry, Payment, Posting, Statement  # noqa: E402
from billing.services import issue_statement  # noqa: E402
from koogallery.kernel import clock  # noqa: E402

BOUGHT, DUE = datetime(2026, 3, 10, tzinfo=UTC), datetime(2026, 4, 2, 16, tzinfo=UTC)
BATCH = 5_000


def state(number: int) -> dict[str, Any]:
    """Make so many accounts that bought on credit in March, then state the month: rate, and whether each is right."""
    make(number)
    by = Actor.timer("issue_statements")
    pks = list(CreditLine.objects.filter(next_statement_at=DUE).values_list("pk", flat=True))
    began, processor = time.monotonic(), time.process_time()
    with clock.standing_at(DUE):
        for pk in pks:
            issue_statement(pk, at=DUE, by=by)
    took, own = time.monotonic() - began, time.process_time() - processor
    found = Statement.objects.filter(month=date(2026, 3, 1)).aggregate(count=Count("id"), total=Sum("amount"))
    owed = Posting.objects.filter(ledger="receivable").aggregate(total=Sum("amount"))["total"]
    return {
        "statements": found["count"],
        "seconds": took,
        "processor": own,
        "per_second": found["count"] / took,
        "right": found["count"] == number and found["total"] == owed,
    }


def make(number: int) -> None:
    """Accounts with a credit line and one purchase on it, whose entry is posted."""
    seller = Seller.objects.create(slug="stated", name="Stated Ltd.", email="a@stated.example")
    for first in range(0, number, BATCH):
        size = min(BATCH, number - first)
        accounts = Account.objects.bulk_create(Account(name=f"Stated {first + at}") for at in range(size))
        amounts = [Decimal(5 + at % 90) for at in range(size)]
        CreditLine.objects.bulk_create(
            CreditLine(
                account=account,
                limit=1000,
                used=amount,
                ticket="TK",
                granted_at=BOUGHT,
                granted_by="bench",
                next_statement_at=DUE,
            )
            for account, amount in zip(accounts, amounts, strict=True)
        )
        payments = Payment.objects.bulk_create(
            Payment(
                account=account,
                method="monthly_settlement",
                amount=amount,
                status="succeeded",
                created_at=BOUGHT,
                ended_at=BOUGHT,
            )
            for account, amount in zip(accounts, amounts, strict=True)
        )
        entries = JournalEntry.objects.bulk_create(
            JournalEntry(at=BOUGHT, kind="charge", payment=payment) for payment in payments
        )
        Posting.objects.bulk_create(
            Posting(
                entry=entry,
                ledger=ledger,
                account_id=payment.account_id,
                seller_id=seller.pk if ledger == "held" else None,
                amount=sign * payment.amount,
            )
            for entry, payment in zip(entries, payments, strict=True)
            for ledger, sign in (("receivable", 1), ("held", -1))
        )


if __name__ == "__main__":
    print(json.dumps(state(int(sys.argv[1]))))
