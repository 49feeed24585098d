"""What was said to sellers' servers is forgotten after a while: in tries of calls, and in the debugger's cases."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Exists, OuterRef, Q

from provisioning.saas.models import DebugRun, Exchange

PURGE_BATCH = 5000
# The 30 days of the database, and an hour in which its clock may differ from ours.
LEAST_KEPT = timedelta(days=30, hours=1)


def purge_tries(at: datetime) -> int:
    """Remove tries that are older than `EXCHANGES_KEPT_FOR`, in small bites; their calls stay. Returns how many.

    Where that is less than the database allows, what it allows goes: one young row in a bite would keep all of it.

    Args:
        at: the machine's real time, as tries have it.
    """
    removed, before = 0, at - max(settings.EXCHANGES_KEPT_FOR, LEAST_KEPT)
    while True:
        # Their ids are in the order of their time: the oldest are looked at without an index on it.
        oldest = dict(Exchange.objects.order_by("id").values_list("pk", "at")[:PURGE_BATCH])
        old = [pk for pk, tried_at in oldest.items() if tried_at < before]
        if old:
            removed += Exchange.objects.filter(pk__in=old)._raw_delete("default")
        if len(old) < PURGE_BATCH:
            return removed


def purge_debug_runs(at: datetime) -> int:
    """Remove runs of the debugger that are older than `DEBUG_RUNS_KEPT_FOR`, but for the newest of each case, which its
    seller's page shows, and the newest that passed, whose instance later cases are about. Returns how many.

    Args:
        at: the machine's real time, by which the database judges too.
    """
    removed, last, before = 0, 0, at - max(settings.DEBUG_RUNS_KEPT_FOR, LEAST_KEPT)
    case = {name: OuterRef(name) for name in ("product", "version", "charging", "activity")}
    newer = DebugRun.objects.filter(**case, pk__gt=OuterRef("pk"))
    has_newer = Exists(newer.filter(passed=True)) | (Q(passed=False) & Exists(newer))
    while True:
        rows = DebugRun.objects.filter(pk__gt=last).order_by("pk")
        batch = list(rows.annotate(has_newer=has_newer).values_list("pk", "at", "has_newer")[:PURGE_BATCH])
        old = [pk for pk, run_at, is_superseded in batch if is_superseded and run_at < before]
        if old:
            removed += DebugRun.objects.filter(pk__in=old)._raw_delete("default")
        if len(batch) < PURGE_BATCH or batch[-1][1] >= before:
            return removed
        last = batch[-1][0]
