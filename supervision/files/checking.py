"""Which files are taken (RULES 1.3): 14 types by extension and by content, up to 50.0 MB each, up to 10.

All of it happens before a verb's transaction: checks, the virus scan, storing. In the transaction only rows are made.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from django.conf import settings
from django.core.files.base import File
from django.core.files.uploadedfile import UploadedFile

from supervision.choices import UploadStatus
from supervision.errors import AttachmentRefused, ScannerDown, StorageUnavailable
from supervision.files import storing
from supervision.files.kinds import PROGRAMS, SUPPORTED, TYPES, content_fault
from supervision.files.names import clean_name, extensions
from supervision.files.reading import Seekable, Window
from supervision.files.scanning import ScannerUnavailable, TooLargeToScan, found_by, scanner
from supervision.models import Upload

log = structlog.get_logger(__name__)

BLOCK = 1 << 16


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """A file that was checked and is stored; a verb makes it an attachment.

    Attributes:
        key: under which it is stored.
        upload_id: the staged upload that it came by, if it did.
    """

    name: str
    size: int
    content_type: str
    sha256: str
    key: str
    upload_id: int | None = None


# What a verb takes as `files`: what came with a form, what was staged before, what was checked already.
Attachable = UploadedFile | Upload | CheckedFile


def check_files(files: Sequence[Attachable]) -> list[CheckedFile]:
    """Check every file, then store those that came with the form; one that is refused refuses all.

    Raises:
        AttachmentRefused: names the file, what is wrong with it, and the limit.
    """
    if len(files) > settings.ATTACHMENTS_MAX:
        raise refused("", f"Attach up to {settings.ATTACHMENTS_MAX} files.")
    _check_distinct(files)
    facts = [inspected(one) if isinstance(one, UploadedFile) else None for one in files]
    checked: list[CheckedFile] = []
    try:
        for one, fact in zip(files, facts, strict=True):
            checked.append(_stored(one, fact) if isinstance(one, UploadedFile) and fact else _known(one))
    except AttachmentRefused:
        storing.remove(one.key for one in checked if one.upload_id is None)
        raise
    return checked


def refused(name: str, why: str) -> AttachmentRefused:
    """The refusal of a file, beside the form's field."""
    return _refusal(AttachmentRefused, name, why)


def _refusal(kind: type[AttachmentRefused], name: str, why: str) -> AttachmentRefused:
    text = f"{name} {why}" if name else why
    return kind(text, errors={"attachment": [text]})


def check_name_and_size(name: str, size: int) -> tuple[str, str]:
    """What can be said before a byte is there: the clean name and the extension.

    Raises:
        AttachmentRefused
    """
    clean = clean_name(name)
    endings = extensions(clean)
    if not endings or endings[-1] not in TYPES:
        raise refused(clean, f"can't be uploaded: supported formats are {SUPPORTED}.")
    deceiving = [one for one in endings[:-1] if one in PROGRAMS]
    if deceiving:
        raise refused(
            clean, f"can't be uploaded: it has two extensions, .{deceiving[0]} before .{endings[-1]}. Rename it."
        )
    if size == 0:
        raise refused(clean, "is empty.")
    if size > settings.ATTACHMENT_MAX_BYTES:
        raise refused(
            clean, f"is {_megabytes(size)}: the maximum file size is {_limit(settings.ATTACHMENT_MAX_BYTES)}."
        )
    return clean, endings[-1]


def _limit(size: int) -> str:
    return f"{size / 2**20:.1f} MB"


def _megabytes(size: int) -> str:
    """The size, in bytes where megabytes would read as the limit."""
    rounded = _limit(size)
    return f"{size:,} bytes" if rounded == _limit(settings.ATTACHMENT_MAX_BYTES) else rounded


def check_content(name: str, extension: str, file: Seekable) -> None:
    """The type by content, then the virus scan; both read the file in blocks.

    Raises:
        AttachmentRefused: another type, or infected. ScannerDown: no verdict, so nothing is taken.
    """
    if fault := content_fault(extension, Window(file)):
        raise refused(name, f"is no {extension.upper()} file that can be taken: {fault}.")
    scan = scanner()
    if scan is None:
        return
    try:
        found = found_by(scan, file)
    except TooLargeToScan:
        raise refused(name, "can't be uploaded: it is larger than the virus scanner takes.") from None
    except ScannerUnavailable as down:
        log.error("virus_scanner_down", error=str(down))
        raise _refusal(ScannerDown, name, "can't be checked for viruses now. Try again in a few minutes.") from down
    if found:
        log.warning("virus_found", signature=found)
        raise refused(name, f"is infected ({found[:100]}) and was not stored.")


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a file that was checked and is stored nowhere yet."""

    upload: UploadedFile
    name: str
    size: int
    content_type: str
    sha256: str


def inspected(upload: UploadedFile) -> Facts:
    """Check and scan a file that came with a form.

    Raises:
        AttachmentRefused
    """
    name, extension = check_name_and_size(upload.name or "", upload.size or 0)
    if getattr(upload, "not_written", False):
        raise _refusal(StorageUnavailable, name, StorageUnavailable.reason)
    check_content(name, extension, upload)
    upload.seek(0)
    return Facts(upload, name, upload.size or 0, TYPES[extension][0], sha256_of(upload))


def sha256_of(file: Seekable) -> str:
    """The digest of the whole file, read in blocks."""
    file.seek(0)
    digest = hashlib.sha256()
    while block := file.read(BLOCK):
        digest.update(block)
    file.seek(0)
    return digest.hexdigest()


def _stored(upload: UploadedFile, facts: Facts) -> CheckedFile:
    try:
        key = storing.keep(_as_file(upload))
    except StorageUnavailable as full:
        raise _refusal(StorageUnavailable, facts.name, StorageUnavailable.reason) from full
    return CheckedFile(facts.name, facts.size, facts.content_type, facts.sha256, key)


def _as_file(upload: UploadedFile) -> "File[Any]":
    """A temporary file is moved into its place, so as itself; everything else by its content."""
    return upload if hasattr(upload, "temporary_file_path") else File(upload)


def _known(one: Attachable) -> CheckedFile:
    if isinstance(one, CheckedFile):
        return one
    assert isinstance(one, Upload)
    if one.status == UploadStatus.ATTACHED:
        raise refused(one.name, "was attached before. Upload it again to attach it once more.")
    if one.status != UploadStatus.READY:
        raise refused(one.name, "is not uploaded yet: complete it first.")
    return CheckedFile(one.name, one.size, one.content_type, one.sha256, str(one.file.name), one.pk)


def _check_distinct(files: Sequence[Attachable]) -> None:
    staged = [one.pk for one in files if isinstance(one, Upload)]
    if len(set(staged)) != len(staged):
        raise refused("", "Attach each upload once.")
