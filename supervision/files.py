"""Which files are taken (RULES 1.3): 14 types by extension and by content, up to 50.0 MB each, up to 10."""

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from supervision.errors import AttachmentRefused

SUPPORTED = "BMP, JPG, JPEG, PNG, GIF, DOC, DOCX, XLS, XLSX, PPT, PPTX, PDF, RAR, and ZIP"

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ZIP = (b"PK\x03\x04", b"PK\x05\x06")
OFFICE = "application/vnd.openxmlformats-officedocument"

# Extension -> (content type, what the file must begin with).
TYPES: dict[str, tuple[str, tuple[bytes, ...]]] = {
    "bmp": ("image/bmp", (b"BM",)),
    "jpg": ("image/jpeg", (b"\xff\xd8\xff",)),
    "jpeg": ("image/jpeg", (b"\xff\xd8\xff",)),
    "png": ("image/png", (b"\x89PNG\r\n\x1a\n",)),
    "gif": ("image/gif", (b"GIF87a", b"GIF89a")),
    "doc": ("application/msword", (OLE,)),
    "docx": (f"{OFFICE}.wordprocessingml.document", ZIP),
    "xls": ("application/vnd.ms-excel", (OLE,)),
    "xlsx": (f"{OFFICE}.spreadsheetml.sheet", ZIP),
    "ppt": ("application/vnd.ms-powerpoint", (OLE,)),
    "pptx": (f"{OFFICE}.presentationml.presentation", ZIP),
    "pdf": ("application/pdf", (b"%PDF-",)),
    "rar": ("application/vnd.rar", (b"Rar!\x1a\x07",)),
    "zip": ("application/zip", ZIP),
}
LONGEST_NAME = 120
HEAD = 1024
# Programs and pages that hide behind a harmless extension are told by their first bytes.
HOSTILE = (b"MZ", b"\x7fELF", b"#!", b"<!doc", b"<html", b"<svg", b"<?xml", b"<script")


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """An upload that may be stored."""

    upload: UploadedFile
    name: str
    size: int
    content_type: str
    sha256: str


def clean_name(name: str) -> str:
    """A file's own name: no path, no control or direction characters, not too long, its extension kept."""
    last = re.split(r"[\\/]", unicodedata.normalize("NFC", name))[-1]
    plain = "".join(one for one in last if unicodedata.category(one)[0] != "C").strip().lstrip(".")
    stem, dot, extension = plain.rpartition(".")
    if len(plain) > LONGEST_NAME and dot:
        plain = f"{stem[: LONGEST_NAME - len(extension) - 1]}.{extension}"
    return plain[:LONGEST_NAME] or "file"


def check_files(uploads: Sequence[UploadedFile]) -> list[CheckedFile]:
    """Check every upload; one that is refused refuses all.

    Raises:
        AttachmentRefused: names the file, what is wrong with it, and the limit.
    """
    if len(uploads) > settings.ATTACHMENTS_MAX:
        raise _refused("", f"Attach up to {settings.ATTACHMENTS_MAX} files.")
    return [_check(upload) for upload in uploads]


def _refused(name: str, why: str) -> AttachmentRefused:
    text = f"{name} {why}" if name else why
    return AttachmentRefused(text, errors={"attachment": [text]})


def _check(upload: UploadedFile) -> CheckedFile:
    name = clean_name(upload.name or "")
    extension = name.rpartition(".")[2].lower()
    size = upload.size or 0
    if extension not in TYPES or "." not in name:
        raise _refused(name, f"can't be uploaded: supported formats are {SUPPORTED}.")
    if size == 0:
        raise _refused(name, "is empty.")
    if size > settings.ATTACHMENT_MAX_BYTES:
        megabytes, most = size / 2**20, settings.ATTACHMENT_MAX_BYTES / 2**20
        raise _refused(name, f"is {megabytes:.1f} MB: the maximum file size is {most:.1f} MB.")
    content_type, beginnings = TYPES[extension]
    digest, head = hashlib.sha256(), b""
    for chunk in upload.chunks():
        head = head or chunk[:HEAD]
        digest.update(chunk)
    upload.seek(0)
    if not head.startswith(beginnings) or head.lstrip().lower().startswith(HOSTILE):
        raise _refused(name, f"is no {extension.upper()} file: its content is of another type.")
    return CheckedFile(upload, name, size, content_type, digest.hexdigest())
