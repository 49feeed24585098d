"""Files that no row names: what a rolled-back transaction or a killed process left behind."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import structlog
from django.core.files.storage import default_storage
from django.db import transaction

from accounts.actor import Actor
from koogallery.kernel import clock
from supervision.files import storing
from supervision.models import Attachment, StorageDay, Upload, UploadPart

log = structlog.get_logger(__name__)

BATCH = 500
# By the machine's clock: a transaction that is running now may still name it, whatever time business has.
YOUNG = timedelta(hours=1)


def sweep_storage_day(pk: int, *, at: datetime, by: Actor) -> None:
    """Timer: everything that was stored on that day is attached or expired by now; delete the rest."""
    with transaction.atomic():
        day = StorageDay.objects.select_for_update().filter(pk=pk, due_at__lte=at).first()
        if day is None:
            return
        young = 0
        stored = list(_stored_on(day))
        for start in range(0, len(stored), BATCH):
            forgotten = _without_row(stored[start : start + BATCH])
            old = [key for key in forgotten if _is_old(key)]
            young += len(forgotten) - len(old)
            storing.remove(old)
            if old:
                log.info("forgotten_files_removed", day=str(day), count=len(old))
        if young:
            day.due_at = clock.now() + timedelta(days=1)
            day.save(update_fields=["due_at"])
        else:
            day.delete()


def _stored_on(day: StorageDay) -> Iterator[str]:
    for kind in storing.FOLDERS:
        folder = storing.folder_of(kind, day.day)
        try:
            _folders, names = default_storage.listdir(folder)
        except FileNotFoundError:
            continue
        yield from (f"{folder}/{name}" for name in names)


def _without_row(keys: list[str]) -> list[str]:
    # Uploads first: one that becomes an attachment in between is seen there.
    named = set(Upload.objects.filter(file__in=keys).values_list("file", flat=True))
    named |= set(UploadPart.objects.filter(file__in=keys).values_list("file", flat=True))
    public_ids = [key.rpartition("/")[2] for key in keys]
    named |= set(Attachment.objects.filter(public_id__in=public_ids).values_list("file", flat=True))
    named |= storing.named_elsewhere(keys)
    return [key for key in keys if key not in named]


def _is_old(key: str) -> bool:
    try:
        return default_storage.get_modified_time(key) < clock.machine_now() - YOUNG
    except FileNotFoundError:
        return True
