"""Where files lie: outside the web root, under random keys in a folder of their day, never under their own name."""

from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from datetime import date, datetime
from typing import Any

import structlog
from django.core.files.base import File
from django.core.files.storage import default_storage

from koogallery.kernel import clock
from koogallery.kernel.ids import public_id
from supervision.errors import StorageUnavailable
from supervision.models import StorageDay

log = structlog.get_logger(__name__)

ATTACHMENTS, PARTS = "attachments", "uploads"
FOLDERS = (ATTACHMENTS, PARTS)


_elsewhere: list[Callable[[Collection[str]], set[str]]] = []


def names_files(find: Callable[[Collection[str]], set[str]]) -> Callable[[Collection[str]], set[str]]:
    """Another room keeps files here too: `find` says which of some keys its rows name, so that they are not swept up."""
    _elsewhere.append(find)
    return find


def named_elsewhere(keys: Collection[str]) -> set[str]:
    """Which of these files rows of other rooms name."""
    return set().union(*(find(keys) for find in _elsewhere)) if keys else set()


def folder_of(kind: str, day: date) -> str:
    """The folder of a day."""
    return f"{kind}/{day:%Y/%m/%d}"


def keep(content: "File[Any]", *, kind: str = ATTACHMENTS, at: datetime | None = None) -> str:
    """Store the content; its key. The day is noted first, so that what is left without a row is found (`sweeping`).

    Raises:
        StorageUnavailable: the disk is full, the bucket does not answer. Nothing of the file is left.
    """
    at = at or clock.now()
    StorageDay.note(at)
    key = f"{folder_of(kind, at.date())}/{public_id()}"
    try:
        return default_storage.save(key, content)
    except Exception as error:
        log.error("file_not_stored", key=key, error=f"{type(error).__name__}: {error}")
        # A file system keeps what fitted in.
        with suppress(Exception):
            default_storage.delete(key)
        raise StorageUnavailable from error


def remove(keys: Iterable[str]) -> None:
    """Delete stored files; what cannot be deleted now is left without a row and found later."""
    for key in keys:
        try:
            default_storage.delete(key)
        except Exception as error:
            log.warning("file_not_deleted", key=key, error=f"{type(error).__name__}: {error}")
