"""A month's end in bulk: monthly statements of many accounts that bought on credit; a process of its own, as bench/issuing.py.

`python -m bench.statements make NUMBER` makes so many accounts, each with a purchase on credit in March.
`python -m bench.statements state` states the month as the worker does it, until nothing is due; several may run beside each other.
`python -m bench.statements check NUMBER` prints whether each account has its statement, and whether the sums agree.
"""

import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal

import django

django.setup()

from django.db import connection  # noqa: E402
from django.db.models import Count, Sum  # noqa: E402

from accounts.models import Account, Seller  # noqa: E402
from billing.models import CreditLine, JournalEntry, Payment, Posting, Statement  # noqa: E402
from koogallery.kernel import clock  # noqa: E402
from koogallery.kernel.outbox import delivering_here  # noqa: E402
from koogallery.kernel.sweep import Sweep  # noqa: E402
from koogallery.kernel.timers import timers_named  # noqa: E402

BOUGHT, DUE = datetime(2026, 3, 10, tzinfo=UTC), datetime(2026, 4, 2, 16, tzinfo=UTC)
MONTH = date(2026, 3, 1)
TIMER = "issue_statements"
BATCH = 5_000
TURN = 0.05


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


def state() -> dict[str, float]:
    """Sweep until nothing is due: how many this process stated, in how long, and how much of its processor it took."""
    walk = Sweep(timers_named([TIMER]), horizon=lambda: DUE)
    began, processor = time.monotonic(), time.process_time()
    with clock.standing_at(DUE), delivering_here():
        _sweep(walk)
        while walk.taken:
            # What another sweeper had may be due still.
            time.sleep(TURN)
            walk.restart()
            _sweep(walk)
    tally = walk.tallies[TIMER]
    return {
        "done": tally.fired,
        "failed": tally.failed,
        "seconds": time.monotonic() - began,
        "processor_seconds": time.process_time() - processor,
    }


def _sweep(walk: Sweep) -> None:
    while walk.step():
        continue


def check(number: int) -> dict[str, object]:
    """Each of the accounts is stated once, over what it owes."""
    found = Statement.objects.filter(month=MONTH, account__name__startswith="Stated ")
    sums = found.aggregate(count=Count("id"), total=Sum("amount"))
    owed = Posting.objects.filter(ledger="receivable", account__name__startswith="Stated ")
    agree = sums["total"] == owed.aggregate(total=Sum("amount"))["total"]
    return {"statements": sums["count"], "right": sums["count"] == number and agree}


def main(arguments: list[str]) -> None:
    """The command line."""
    name, *numbers = arguments
    given = [int(one) for one in numbers]
    if name == "make":
        make(*given)
        connection.cursor().execute("VACUUM ANALYZE")
        return
    verbs: dict[str, Callable[..., object]] = {"state": state, "check": check}
    print(json.dumps(verbs[name](*given)))


if __name__ == "__main__":
    main(sys.argv[1:])
