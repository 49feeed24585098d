"""The port to a virus scanner: `settings.VIRUS_SCANNER` names who answers, or nobody does."""

from functools import lru_cache
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


@lru_cache
def _named(path: str) -> Scanner:
    made: Scanner = import_string(path)()
    return made


def scanner() -> Scanner | None:
    """Who scans, if anybody."""
    return _named(settings.VIRUS_SCANNER) if settings.VIRUS_SCANNER else None
