"""The port to a virus scanner: `settings.VIRUS_SCANNER` names who answers, or nobody does."""

from functools import lru_cache
from threading import BoundedSemaphore
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from supervision.files.reading import Seekable


class ScannerUnavailable(Exception):
    """No verdict: the scanner is down, slow, or answered something else."""


class TooLargeToScan(Exception):
    """The scanner takes no file of this size; trying again does not help."""


class Scanner(Protocol):
    """What a scanner offers."""

    def scan(self, file: Seekable) -> str:
        """The name of what was found, or nothing.

        Raises:
            ScannerUnavailable, TooLargeToScan
        """
        ...


# A scanner that hangs must not take the threads of pages; `UPLOAD_PARTS_AT_ONCE` is made for half of them.
_scanning = BoundedSemaphore(settings.UPLOAD_PARTS_AT_ONCE)
TURN_SECONDS = 5.0


def found_by(scan: Scanner, file: Seekable) -> str:
    """The name of what `scan` found, or nothing; so many at once.

    Raises:
        ScannerUnavailable, TooLargeToScan
    """
    if not _scanning.acquire(timeout=TURN_SECONDS):
        raise ScannerUnavailable("it is busy")
    try:
        return scan.scan(file)
    finally:
        _scanning.release()


@lru_cache
def _named(path: str) -> Scanner:
    made: Scanner = import_string(path)()
    return made


def scanner() -> Scanner | None:
    """Who scans, if anybody."""
    return _named(settings.VIRUS_SCANNER) if settings.VIRUS_SCANNER else None
