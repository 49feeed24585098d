"""Locking an invoice, and writing down who moved it."""

from datetime import datetime

from accounts.actor import Actor
from billing.invoices.choices import InvoiceStatus
from billing.invoices.models import Invoice, InvoiceRecord
from koogallery.kernel.compiled import Compiled, Param
from koogallery.kernel.errors import InvalidInput, InvalidTransition
from koogallery.kernel.stored import insert
from koogallery.kernel.text import clean_text

LONGEST_REASON = 1000

_LOCKED = Compiled(
    lambda: (
        Invoice.objects.select_for_update(of=("self",))
        .select_related("issuer", "issuer__seller", "account")
        .filter(pk=Param("pk"))
    )
)


def invoice_locked(invoice: Invoice | int, *statuses: InvoiceStatus) -> Invoice:
    """The invoice, read afresh under its lock, in one of these statuses.

    Raises:
        InvalidTransition: it is in another.
    """
    pk = invoice if isinstance(invoice, int) else invoice.pk
    found = _LOCKED.get(pk=pk)
    if statuses and found.status not in statuses:
        wanted = " or ".join(str(one.label).lower() for one in statuses)
        raise InvalidTransition(
            f"Only an invoice that is {wanted} allows this. It is {found.get_status_display().lower()}."
        )
    return found


def record(invoice: Invoice, before: str, *, by: Actor, at: datetime, note: str = "") -> None:
    """One line of the invoice's history."""
    line = InvoiceRecord(
        invoice=invoice,
        at=at,
        by=by.label[:200],
        party=by.party,
        user_id=by.user_id,
        from_status=before,
        to_status=invoice.status,
        note=note,
    )
    insert([line])


def required_reason(text: str, *, limit: int = LONGEST_REASON) -> str:
    """A reason made clean.

    Raises:
        InvalidInput: none, too long, or characters that cannot be stored.
    """
    try:
        cleaned = clean_text(text)
    except ValueError as refused:
        raise InvalidInput(str(refused), errors={"reason": [str(refused)]}) from refused
    if not cleaned or len(cleaned) > limit:
        why = f"Enter at most {limit:,} characters." if cleaned else "Enter a reason."
        raise InvalidInput(why, errors={"reason": [why]})
    return cleaned
