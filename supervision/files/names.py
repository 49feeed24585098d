"""A file's own name as it is kept: plain, bounded, its extension whole (RULES 1.3)."""

import re
import unicodedata

LONGEST_NAME = 120
# File systems and headers count bytes, and 120 characters of Chinese are 360 of them.
LONGEST_NAME_BYTES = 255
LONGEST_EXTENSION = 12

# What a file system or a header of a download trips over.
_AWKWARD = re.compile(r'[<>:"|?*]')


def clean_name(name: str) -> str:
    """No path, no control or direction characters, not too long, its extension kept."""
    last = re.split(r"[\\/]", unicodedata.normalize("NFC", name))[-1]
    plain = "".join(one for one in last if unicodedata.category(one) not in ("Zl", "Zp") and not _is_control(one))
    plain = _AWKWARD.sub("_", plain).strip().lstrip(".").rstrip(". ")
    stem, dot, extension = plain.rpartition(".")
    if not dot or len(extension) > LONGEST_EXTENSION:
        return _cut(plain, LONGEST_NAME, LONGEST_NAME_BYTES).strip() or "file"
    room = len(extension) + 1
    stem = _cut(stem, LONGEST_NAME - room, LONGEST_NAME_BYTES - len(extension.encode()) - 1)
    return f"{stem.strip() or 'file'}.{extension}"


def _is_control(one: str) -> bool:
    return unicodedata.category(one)[0] == "C"


def _cut(text: str, characters: int, room: int) -> str:
    """The beginning of the text that fits both limits, no character cut in two."""
    return text[:characters].encode()[:room].decode(errors="ignore")


def extensions(name: str) -> list[str]:
    """`invoice.EXE.pdf` has `exe` and `pdf`, in lower case."""
    return [one.strip().lower() for one in name.split(".")[1:]]
