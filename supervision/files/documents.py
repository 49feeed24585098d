"""PDF and the OLE containers of older Office files: their frames, nothing of what is inside."""

from supervision.files.images import looks_hostile
from supervision.files.reading import Malformed, Window

PDF_END = 1024
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_LAST_SECTOR = 0xFFFFFFFA
_MOST_DIRECTORY_SECTORS = 4_096

# What an OLE file must hold to be of a kind; an encrypted file of the newer Office is an OLE file, too.
STREAMS: dict[str, frozenset[str]] = {
    "doc": frozenset({"WordDocument"}),
    "xls": frozenset({"Workbook", "Book"}),
    "ppt": frozenset({"PowerPoint Document"}),
    "docx": frozenset({"EncryptedPackage"}),
    "xlsx": frozenset({"EncryptedPackage"}),
    "pptx": frozenset({"EncryptedPackage"}),
}


def check_pdf(file: Window) -> None:
    """Begins with the mark and the version, ends with the end mark."""
    head = file.head(9)
    if not head.startswith(b"%PDF-"):
        raise Malformed("its content is of another type")
    if not head[5:6].isdigit():
        raise Malformed("it names no version")
    _before, mark, after = file.tail(PDF_END).rpartition(b"%%EOF")
    if not mark:
        raise Malformed("it ends too early")
    if looks_hostile(after):
        raise Malformed("something else follows its end")


def check_ole(file: Window, kind: str) -> None:
    """The container's header is sound and its directory names the stream that makes the kind."""
    if file.at(0, 8) != OLE:
        raise Malformed("its content is of another type")
    shift = file.number(30, 2)
    if file.at(28, 2) != b"\xfe\xff" or shift not in (9, 12):
        raise Malformed("its container is damaged")
    found = _names(file, 1 << shift)
    if not found & STREAMS[kind]:
        raise Malformed("its content is of another type")


def _names(file: Window, sector_size: int) -> set[str]:
    """What the directory names, from its first sector along its chain."""
    names: set[str] = set()
    sector = file.number(48, 4)
    for _ in range(_MOST_DIRECTORY_SECTORS):
        if sector >= _LAST_SECTOR:
            return names
        content = file.at((sector + 1) * sector_size, sector_size)
        for start in range(0, sector_size, 128):
            length = int.from_bytes(content[start + 64 : start + 66], "little")
            if 2 <= length <= 64:
                names.add(content[start : start + length - 2].decode("utf-16-le", errors="replace"))
        sector = _next_sector(file, sector, sector_size)
    raise Malformed("its container is damaged")


def _next_sector(file: Window, sector: int, sector_size: int) -> int:
    """The sector after this one in its chain: one entry of the allocation table."""
    in_table = sector_size // 4
    table = sector // in_table
    if table < 109:
        place = file.number(76 + 4 * table, 4)
    else:
        # Beyond the 109 table sectors that the header lists, further lists are chained.
        in_list = in_table - 1
        where, table = file.number(68, 4), table - 109
        while table >= in_list:
            where, table = file.number((where + 2) * sector_size - 4, 4), table - in_list
        place = file.number((where + 1) * sector_size + 4 * table, 4)
    return file.number((place + 1) * sector_size + 4 * (sector % in_table), 4)
