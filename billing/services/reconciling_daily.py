"""Every day the processors' lists are compared with the books, and operators are told of what is new."""

from datetime import datetime, timedelta

from django.db import transaction

from accounts.actor import Actor
from billing.events import BooksDiffer, ReconciliationDue
from billing.gateways import gateway, gateway_named
from billing.gateways.base import ADAPTERS, GatewayUnavailable
from billing.models import Payment, Reconciliation
from billing.services.reconciling import differences
from koogallery.kernel import clock
from koogallery.kernel.outbox import publish

EVERY = timedelta(days=1)
LOOKS_BACK = timedelta(days=7)


def start_reconciliation(pk: int, *, at: datetime, by: Actor) -> None:
    """Timer: have the processors asked after this transaction, and set the next day. Days on which nothing ran are
    looked at together."""
    with transaction.atomic():
        row = Reconciliation.objects.select_for_update(of=("self",)).get(pk=pk)
        if row.due_at is None or row.due_at > at:
            return
        row.due_at = None
        row.save(update_fields=["due_at"])
        missed = max(clock.now() - at, timedelta()) // EVERY
        schedule_reconciliation(at + (missed + 1) * EVERY, since=row.until - LOOKS_BACK)
        publish(ReconciliationDue(reconciliation=row.pk), at=at)


def schedule_reconciliation(until: datetime, *, since: datetime) -> Reconciliation:
    """The comparison that falls due at `until`."""
    return Reconciliation.objects.create(since=since, until=until, due_at=until)


def make_reconciliation(pk: int, *, at: datetime) -> Reconciliation:
    """Ask the processors, outside any transaction, and write down what differs; once.

    Raises:
        GatewayUnavailable: the processor in use does not answer; it is tried again, and operators see it.
    """
    row = Reconciliation.objects.get(pk=pk)
    if row.made_at is not None:
        return row
    found = _found(row)
    with transaction.atomic():
        row = Reconciliation.objects.select_for_update(of=("self",)).get(pk=pk)
        if row.made_at is not None:
            return row
        before = Reconciliation.objects.filter(until__lt=row.until, made_at__isnull=False).order_by("-until").first()
        known = set(before.differences) if before else set()
        row.differences, row.made_at = found, at
        row.save(update_fields=["differences", "made_at"])
        if new := [one for one in found if one not in known]:
            publish(BooksDiffer(reconciliation=row.pk, number=len(new), first=new[0]), at=at)
    return row


def _found(row: Reconciliation) -> list[str]:
    found = list(differences(gateway(), row.since, row.until))
    for name in sorted(ADAPTERS.keys() - {gateway().name}):
        # One that was in use before is asked as well, but keeps nobody waiting.
        if Payment.objects.filter(gateway=name).exclude(reference="").exists():
            try:
                found += differences(gateway_named(name), row.since, row.until)
            except GatewayUnavailable as silent:
                found.append(f"The earlier card processor {name} does not answer: {silent}")
    return found
