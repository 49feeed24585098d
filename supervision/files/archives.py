"""ZIP and RAR: their directories and headers are read, nothing is unpacked, nothing nested is followed."""

import re
import stat
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from supervision.files.reading import Malformed, Window

MOST_ENTRIES = 10_000
LARGEST_DIRECTORY = 4 << 20
MOST_UNPACKED = 1 << 30
MOST_RATIO = 100
# Small texts may be packed very well: a ratio alone says nothing below this.
RATIO_COUNTS_FROM = 32 << 20
# The end record and the longest comment that may follow it.
END_SIZE, LONGEST_COMMENT = 22, 65_535

LOCAL, CENTRAL, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
END64, LOCATOR64 = b"PK\x06\x06", b"PK\x06\x07"
ENCRYPTED = 1
STORED = 0
MADE_BY_UNIX = 3

OOXML_FOLDERS = {"docx": "word/", "xlsx": "xl/", "pptx": "ppt/"}

_PATHS_OUT = re.compile(r"(^|/)\.\.(/|$)|^/|^[A-Za-z]:|\0")


@dataclass(frozen=True, slots=True)
class Entry:
    """What the central directory says of one file."""

    name: str
    packed: int
    unpacked: int
    offset: int


@dataclass(frozen=True, slots=True)
class Directory:
    """Where the central directory lies and how many entries it has."""

    offset: int
    size: int
    entries: int


def check_zip(file: Window, kind: str) -> None:
    """A sound archive that is no bomb and leads nowhere outside; for OOXML kinds, with their parts."""
    if file.head(4) not in (LOCAL, END):
        raise Malformed("its content is of another type")
    directory = _directory(file)
    names: set[str] = set()
    places: list[tuple[int, bytes]] = []
    packed = unpacked = 0
    for entry, raw in _entries(file, directory):
        places.append((entry.offset, raw))
        packed += entry.packed + 30 + len(raw)
        unpacked += entry.unpacked
        if unpacked > MOST_UNPACKED:
            raise Malformed(f"it unpacks to more than {MOST_UNPACKED >> 20:,} MB")
        if unpacked > RATIO_COUNTS_FROM and unpacked > MOST_RATIO * file.size:
            raise Malformed(f"it unpacks to more than {MOST_RATIO} times its size")
        if kind in OOXML_FOLDERS:
            names.add(entry.name)
    # Entries that share bytes unpack to far more than they say they take.
    if packed > directory.offset:
        raise Malformed("its entries overlap")
    _check_places(file, places)
    if kind in OOXML_FOLDERS:
        folder = OOXML_FOLDERS[kind]
        if "[Content_Types].xml" not in names or not any(name.startswith(folder) for name in names):
            raise Malformed("its content is of another type")


def _check_places(file: Window, places: list[tuple[int, bytes]]) -> None:
    """Every entry of the directory stands where it says, under the same name."""
    for offset, name in sorted(places):
        head = file.near(offset, 30)
        length = int.from_bytes(head[26:28], "little")
        if not head.startswith(LOCAL) or file.near(offset + 30, length) != name:
            raise Malformed("its directory is damaged")


def _directory(file: Window) -> Directory:
    """The end record, which must be the file's end: nothing before the first entry, nothing after the comment."""
    tail = file.tail(END_SIZE + LONGEST_COMMENT - 1)
    at = tail.rfind(END)
    while at >= 0:
        comment = int.from_bytes(tail[at + 20 : at + 22], "little")
        if at + END_SIZE + comment == len(tail):
            break
        at = tail.rfind(END, 0, at)
    if at < 0:
        raise Malformed("it ends too early")
    end = file.size - len(tail) + at
    disk, entries = file.number(end + 4, 2), file.number(end + 10, 2)
    size, offset = file.number(end + 12, 4), file.number(end + 16, 4)
    before = end
    if end >= 20 and file.at(end - 20, 4) == LOCATOR64:
        before = file.number(end - 12, 8)
        if file.at(before, 4) != END64:
            raise Malformed("its directory is damaged")
        disk, entries = file.number(before + 16, 4), file.number(before + 32, 8)
        size, offset = file.number(before + 40, 8), file.number(before + 48, 8)
    if disk:
        raise Malformed("it is one part of several")
    if entries > MOST_ENTRIES:
        raise Malformed(f"it has more than {MOST_ENTRIES:,} entries")
    if size > LARGEST_DIRECTORY or offset + size != before:
        raise Malformed("its directory is damaged")
    return Directory(offset, size, entries)


def _entries(file: Window, directory: Directory) -> Iterator[tuple[Entry, bytes]]:
    at = directory.offset
    for _ in range(directory.entries):
        head = file.at(at, 46)
        if not head.startswith(CENTRAL):
            raise Malformed("its directory is damaged")
        name_length, extra_length, comment_length = (int.from_bytes(head[n : n + 2], "little") for n in (28, 30, 32))
        raw = file.at(at + 46, name_length)
        extra = file.at(at + 46 + name_length, extra_length)
        entry = _entry(head, raw, extra)
        _check_entry(entry, head, raw, directory)
        yield entry, raw
        at += 46 + name_length + extra_length + comment_length
    if at != directory.offset + directory.size:
        raise Malformed("its directory is damaged")


def _entry(head: bytes, raw: bytes, extra: bytes) -> Entry:
    def short(at: int) -> int:
        return int.from_bytes(head[at : at + 4], "little")

    packed, unpacked, offset = short(20), short(24), short(42)
    # ZIP64: what does not fit four bytes stands in the extra field, in this order.
    large = _zip64(extra)
    values = []
    for value in (unpacked, packed, offset):
        if value == 0xFFFFFFFF and large:
            value, large = int.from_bytes(large[:8], "little"), large[8:]
        values.append(value)
    name = raw.decode("utf-8" if int.from_bytes(head[8:10], "little") & 0x800 else "cp437", errors="replace")
    return Entry(name.replace("\\", "/"), values[1], values[0], values[2])


def _zip64(extra: bytes) -> bytes:
    at = 0
    while at + 4 <= len(extra):
        kind, length = int.from_bytes(extra[at : at + 2], "little"), int.from_bytes(extra[at + 2 : at + 4], "little")
        if kind == 1:
            return extra[at + 4 : at + 4 + length]
        at += 4 + length
    return b""


def _check_entry(entry: Entry, head: bytes, raw: bytes, directory: Directory) -> None:
    if _PATHS_OUT.search(entry.name):
        raise Malformed("an entry leads out of its folder")
    mode = int.from_bytes(head[38:42], "little") >> 16
    if head[5] == MADE_BY_UNIX and stat.S_ISLNK(mode):
        raise Malformed("an entry is a link")
    flags, method = int.from_bytes(head[8:10], "little"), int.from_bytes(head[10:12], "little")
    if method == STORED and not flags & ENCRYPTED and entry.packed != entry.unpacked:
        raise Malformed("an entry's sizes disagree")
    if entry.offset + 30 + len(raw) + entry.packed > directory.offset:
        raise Malformed("its entries overlap")


def hides_zip(file: Window, *, holds_files: bool = False) -> bool:
    """Whether a file of another kind is an archive at its end: both would open it (a polyglot).

    `holds_files`: an archive of another kind may rightly hold a ZIP near its end, only not as its very end.
    """
    tail = file.tail(END_SIZE + LONGEST_COMMENT - 1)
    start = file.size - len(tail)
    at = tail.rfind(END)
    while at >= 0:
        if at + END_SIZE <= len(tail):
            size = int.from_bytes(tail[at + 12 : at + 16], "little")
            first = start + at - size
            # Its directory ends where the end record begins; before it any other file may stand.
            if not holds_files and size >= 46 and first >= 0 and file.at(first, 4) == CENTRAL:
                return True
            comment = int.from_bytes(tail[at + 20 : at + 22], "little")
            if at + END_SIZE + comment == len(tail):
                return True
        at = tail.rfind(END, 0, at)
    return False


RAR4, RAR5 = b"Rar!\x1a\x07\x00", b"Rar!\x1a\x07\x01\x00"
_RAR4_MAIN = 0x73
_RAR5_MAIN, _RAR5_ENCRYPTION = 1, 4


def check_rar(file: Window) -> None:
    """The signature of either version, and a first header whose checksum is right."""
    if file.head(8) == RAR5:
        _check_rar5(file)
    elif file.head(7) == RAR4:
        size = file.number(12, 2)
        if file.number(9, 1) != _RAR4_MAIN or not 13 <= size <= 4_096:
            raise Malformed("its header is damaged")
        if zlib.crc32(file.at(9, size - 2)) & 0xFFFF != file.number(7, 2):
            raise Malformed("its header is damaged")
    else:
        raise Malformed("its content is of another type")


def _check_rar5(file: Window) -> None:
    length, taken = _variable(file, 12)
    if not 2 <= length <= 4_096:
        raise Malformed("its header is damaged")
    header = file.at(12, taken + length)
    if zlib.crc32(header) != file.number(8, 4) or _variable(file, 12 + taken)[0] not in (_RAR5_MAIN, _RAR5_ENCRYPTION):
        raise Malformed("its header is damaged")


def _variable(file: Window, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, and how many bytes it takes."""
    value = 0
    for place in range(3):
        byte = file.number(at + place, 1)
        value |= (byte & 0x7F) << (7 * place)
        if not byte & 0x80:
            return value, place + 1
    raise Malformed("its header is damaged")
