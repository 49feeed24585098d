"""Compares what a region's provider has with what we want of it, and deletes what nobody wants.

Something is an orphan when it has a token of ours and no row wants it: a call that arrived after we had given it up, or a
database that was restored from a backup. Rows that are to be made or deleted are the saga's business and left alone.
"""

from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction

from catalog.models import Region
from koogallery.kernel import clock
from provisioning.compute.choices import ResourceKind, ResourceStatus
from provisioning.compute.models import CloudResource, Orphan, Reconciliation
from provisioning.compute.providers import provider
from provisioning.compute.providers.base import Owned, ProviderError

log = structlog.get_logger(__name__)

# A server before its disks and networks, which it holds.
ORDER = (
    ResourceKind.ADDRESS,
    ResourceKind.SERVER,
    ResourceKind.VOLUME,
    ResourceKind.GROUP,
    ResourceKind.KEY_PAIR,
    ResourceKind.FIREWALL,
    ResourceKind.NETWORK,
)


def reconcile(pk: int) -> int:
    """One look at a region; outside any transaction. Says how many orphans were deleted; the next look is planned."""
    region = Region.objects.get(pk=pk)
    cloud, found, deleted = provider(region.code), [], 0
    try:
        found = cloud.owned()
    except ProviderError as fault:
        log.warning("reconciliation_failed", region=region.code, error=str(fault)[:300])
    # Read after the provider was asked: what was wanted meanwhile is known by now.
    wanted = _wanted([one.token for one in found])
    seen: set[tuple[str, str]] = set()
    for one in sorted(found, key=lambda thing: ORDER.index(ResourceKind(thing.kind))):
        doubled = (one.kind, one.token) in seen
        seen.add((one.kind, one.token))
        if one.token in wanted and (not doubled or wanted[one.token] in ("", one.ref)):
            continue
        deleted += _delete(region, one)
    with transaction.atomic():
        Reconciliation.objects.filter(region=region).update(
            due_at=clock.now() + settings.COMPUTE_RECONCILE_EVERY, last_at=clock.now(), seen=len(found)
        )
    return deleted


def _wanted(tokens: list[str]) -> dict[str, str]:
    """Tokens that a row wants, or is about to delete, with the reference that it knows."""
    rows = CloudResource.objects.filter(token__in=tokens).exclude(status=ResourceStatus.GONE)
    return dict(rows.values_list("token", "ref"))


def _delete(region: Region, one: Owned) -> bool:
    orphan, _new = Orphan.objects.get_or_create(
        region=region, kind=one.kind, ref=one.ref, defaults={"token": one.token, "found_at": clock.now()}
    )
    log.warning("compute_orphan", region=region.code, kind=one.kind, token=one.token, ref=one.ref)
    try:
        gone, error = provider(region.code).delete(one.kind, one.token, one.ref), ""
    except ProviderError as fault:
        gone, error = False, str(fault)[:300]
    orphan.deleted_at, orphan.error = (clock.now() if gone else None), error
    orphan.save(update_fields=["deleted_at", "error"])
    return gone


def plan_reconciliation(region: Region, *, at: datetime) -> None:
    """A region that has servers is looked at from time to time."""
    Reconciliation.objects.get_or_create(region=region, defaults={"due_at": at + timedelta(minutes=5)})
