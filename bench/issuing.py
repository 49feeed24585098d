"""Invoices to issue, numbers to give and PDFs to set, in processes of their own, as bench/flows.py.

`python -m bench.issuing make NUMBER` makes approved applications to one seller of its own, over orders that exist.
`python -m bench.issuing issue PART PARTS` gives every PARTS-th of them its number, each in a transaction of its own.
`python -m bench.issuing set PART PARTS` sets every PARTS-th document's PDF.
`python -m bench.issuing check` prints how many there are, the last number, and what of the books about invoices is broken.

Each of issue and set prints how many it did, in how many seconds, and how much of its own processor time that took.
"""

import json
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from functools import partial

import django

django.setup()

from django.db import connection, models  # noqa: E402

from accounts.models import Account, Seller  # noqa: E402
from billing.invoices.choices import Basis, InvoiceStatus  # noqa: E402
from billing.invoices.models import Invoice, InvoiceDocument, InvoiceItem, InvoiceSeal  # noqa: E402
from billing.invoices.services import carry_out_issue, issuer_of, seal_document  # noqa: E402
from koogallery.kernel import clock  # noqa: E402
from koogallery.kernel.books import breaches  # noqa: E402
from koogallery.kernel.ids import invoice_number  # noqa: E402
from koogallery.kernel.outbox import delivering_here  # noqa: E402
from orders.models import Order  # noqa: E402

ITEMS = 3
SELLER = "issuing"


def make(number: int) -> None:
    """Applications over orders of the demo; what they name does not matter for what is measured."""
    at, account = clock.now(), Account.objects.order_by("pk")[0]
    seller = Seller.objects.create(slug=SELLER, name="Issuing Ltd.", email="a@issuing.example")
    orders, issuer = list(Order.objects.order_by("pk")[:ITEMS]), issuer_of(seller)
    made = Invoice.objects.bulk_create(
        (
            Invoice(
                number=invoice_number(at),
                account=account,
                issuer=issuer,
                status=InvoiceStatus.ISSUING,
                basis=Basis.ORDER,
                amount=Decimal("109.00") * len(orders),
                applied_by="bench",
                created_at=at,
                company_name="康托索零售有限公司 Contoso Retail",
                tax_number="91110000600037341L",
                country="CN",
                address="1 Raffles Place, Singapore",
                email="finance@contoso.example",
            )
            for _ in range(number)
        ),
        batch_size=1000,
    )
    items = (
        InvoiceItem(
            invoice=invoice,
            order=order,
            description=f"Northwind CRM Enterprise, Standard edition, {place} months",
            details=f"Order {order.number}, paid 2026-11-26",
            amount=Decimal("109.00"),
            tax=Decimal("9.00"),
            tax_label="GST 9%",
        )
        for invoice in made
        for place, order in enumerate(orders, 1)
    )
    InvoiceItem.objects.bulk_create(items, batch_size=1000)


def issue(part: int, parts: int) -> dict[str, float]:
    """As the outbox does it, one after the other."""
    # All of them, so that the portions are the same when one process begins before another.
    rows = Invoice.objects.filter(issuer__seller__slug=SELLER).order_by("pk")
    numbers = list(rows.values_list("number", flat=True))[part::parts]
    with delivering_here():
        return _timed([partial(carry_out_issue, number, at=clock.now()) for number in numbers])


def set_pdfs(part: int, parts: int) -> dict[str, float]:
    """Facts to bytes, and their seal."""
    numbers = list(_documents().order_by("pk").values_list("number", flat=True))[part::parts]
    return _timed([partial(seal_document, number, at=clock.now()) for number in numbers])


def _timed(works: list[Callable[[], object]]) -> dict[str, float]:
    began, processor = time.monotonic(), time.process_time()
    for work in works:
        work()
    return {
        "done": len(works),
        "seconds": time.monotonic() - began,
        "processor_seconds": time.process_time() - processor,
    }


def _documents() -> "models.QuerySet[InvoiceDocument]":
    return InvoiceDocument.objects.filter(issuer__seller__slug=SELLER)


def check() -> dict[str, object]:
    """Whether the numbers have no gap, and each document has its seal."""
    numbers = list(_documents().order_by("sequence").values_list("sequence", flat=True))
    broken = [str(one) for one in breaches() if one.invariant.name == "invoice_numbers_have_no_gap"]
    return {
        "documents": len(numbers),
        "sealed": InvoiceSeal.objects.filter(document__in=_documents()).count(),
        "gapless": numbers == list(range(1, len(numbers) + 1)) and not broken,
    }


def main(arguments: list[str]) -> None:
    """The command line."""
    name, *numbers = arguments
    given = [int(one) for one in numbers]
    if name == "make":
        make(*given)
        connection.cursor().execute("VACUUM ANALYZE")
        return
    verbs: dict[str, Callable[..., object]] = {"issue": issue, "set": set_pdfs, "check": check}
    print(json.dumps(verbs[name](*given)))


if __name__ == "__main__":
    main(sys.argv[1:])
