"""PNG, JPEG, GIF and BMP: walked from head to end, nothing decoded."""

import re
import zlib

from supervision.files.reading import BLOCK, Malformed, Window

HOSTILE = (b"mz", b"\x7felf", b"#!", b"<!doc", b"<html", b"<svg", b"<?xml", b"<script", b"<?php", b"<body", b"<iframe")
PNG = b"\x89PNG\r\n\x1a\n"
# A JPEG marker that is not data: not a stuffed zero, a filler or a restart.
_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
# After "GIF89a", characters with which a program could go on: the word would be a name in it.
_GOES_ON = frozenset(b"=/;(+-*&|<>?:,.%^[ \t\r\n")


def looks_hostile(content: bytes) -> bool:
    """Whether these first bytes begin a program or a page."""
    return content.lstrip(b"\xef\xbb\xbf \t\r\n\0").lower().startswith(HOSTILE)


def check_png(file: Window) -> None:
    """Signature, header, chunks up to the end chunk, which is the file's end."""
    if file.at(0, 8) != PNG:
        raise Malformed("its content is of another type")
    if file.at(8, 8) != b"\x00\x00\x00\rIHDR":
        raise Malformed("it has no image header")
    header = file.at(16, 13)
    if zlib.crc32(b"IHDR" + header) != file.number(29, 4, "big"):
        raise Malformed("its image header is damaged")
    if not (int.from_bytes(header[:4], "big") and int.from_bytes(header[4:8], "big")):
        raise Malformed("its image has no size")
    at, seen_data = 8, False
    while True:
        length, kind = file.number(at, 4, "big"), file.at(at + 4, 4)
        if not kind.isalpha():
            raise Malformed("its image is damaged")
        seen_data |= kind == b"IDAT"
        at += 12 + length
        if at > file.size:
            raise Malformed("it ends too early")
        if kind == b"IEND":
            break
    if not seen_data:
        raise Malformed("it has no image")
    if at != file.size:
        raise Malformed("something else follows its image")


def check_jpeg(file: Window) -> None:
    """Segments up to the end of the image; cameras append data, but no page, program or archive may follow."""
    if file.at(0, 3) != b"\xff\xd8\xff":
        raise Malformed("its content is of another type")
    at, seen_frame = 2, False
    while True:
        lead, kind = file.at(at, 2)
        if lead != 0xFF:
            raise Malformed("its image is damaged")
        if kind == 0xFF:
            at += 1
            continue
        if kind == 0xD9:
            break
        length = file.number(at + 2, 2, "big")
        if length < 2:
            raise Malformed("its image is damaged")
        if 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):
            seen_frame = True
            if not file.number(at + 7, 2, "big"):
                raise Malformed("its image has no size")
        at += 2 + length
        if kind == 0xDA:
            at = _next_marker(file, at)
    if not seen_frame:
        raise Malformed("it has no image")
    rest = min(1024, file.size - at - 2)
    if looks_hostile(file.at(at + 2, rest)):
        raise Malformed("something else follows its image")


def _next_marker(file: Window, at: int) -> int:
    while True:
        length = min(BLOCK, file.size - at)
        if length < 2:
            raise Malformed("it ends too early")
        found = _MARKER.search(file.at(at, length))
        if found:
            return at + found.start()
        at += length - 1


def check_gif(file: Window) -> None:
    """Blocks up to the trailer, which is the file's end."""
    if file.at(0, 6) not in (b"GIF87a", b"GIF89a"):
        raise Malformed("its content is of another type")
    low, high = file.at(6, 2)
    if low in _GOES_ON and (high in _GOES_ON or 0x20 <= high < 0x7F):
        raise Malformed("its beginning reads as a program")
    if not (file.number(6, 2) and file.number(8, 2)):
        raise Malformed("its image has no size")
    at, seen_image = 13 + _colours(file.at(10, 1)[0]), False
    while True:
        kind = file.at(at, 1)[0]
        if kind == 0x3B:
            break
        if kind == 0x2C:
            seen_image = True
            at = _sub_blocks(file, at + 11 + _colours(file.at(at + 9, 1)[0]))
        elif kind == 0x21:
            at = _sub_blocks(file, at + 2)
        else:
            raise Malformed("its image is damaged")
    if not seen_image:
        raise Malformed("it has no image")
    if at + 1 != file.size:
        raise Malformed("something else follows its image")


def _colours(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _sub_blocks(file: Window, at: int) -> int:
    while length := file.at(at, 1)[0]:
        at += length + 1
    return at + 1


def check_bmp(file: Window) -> None:
    """The two headers agree with each other and with the file's size."""
    if file.at(0, 2) != b"BM":
        raise Malformed("its content is of another type")
    said, pixels, header = file.number(2, 4), file.number(10, 4), file.number(14, 4)
    if header not in (12, 16, 40, 52, 56, 64, 108, 124):
        raise Malformed("it has no image header")
    old = header == 12
    planes = file.number(22 if old else 26, 2)
    bits = file.number(24 if old else 28, 2)
    if planes != 1 or bits not in (0, 1, 2, 4, 8, 16, 24, 32) or not 14 + header <= pixels <= file.size:
        raise Malformed("its image header is damaged")
    # Some writers leave the size out, some round it up or down to four bytes.
    if said and said > file.size + 4:
        raise Malformed("it ends too early")
    if said and said + 4 < file.size:
        raise Malformed("something else follows its image")
