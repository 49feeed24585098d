"""Small true files of every kind that is taken, and what is made to look like one."""

import io
import struct
import zipfile
import zlib

from bench.sending import png as png
from bench.sending import png_chunk as png_chunk

PDF = b"%PDF-1.7\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"


def jpeg() -> bytes:
    frame = b"\xff\xc0" + struct.pack("!HBHHB", 11, 8, 1, 1, 1) + b"\x01\x11\x00"
    scan = b"\xff\xda" + struct.pack("!HB", 8, 1) + b"\x01\x00\x00\x3f\x00" + b"\x12\xff\x00\x34\xff\xd0\x56"
    return b"\xff\xd8\xff\xe0\x00\x10JFIF\0\1\1\0\0\1\0\1\0\0" + frame + scan + b"\xff\xd9"


def gif(width: int = 1) -> bytes:
    screen = b"GIF89a" + struct.pack("<HHBBB", width, 1, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    image = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    return screen + image + b"\x3b"


def bmp() -> bytes:
    head = struct.pack("<LLLllHHLLllLL", 0, 54, 40, 1, 1, 1, 24, 0, 4, 0, 0, 0, 0)
    return b"BM" + struct.pack("<L", 58) + head + b"\0\0\0\0"


def ole(stream: str) -> bytes:
    """A container of the older Office with one named stream: header, table sector, directory sector."""
    header = bytearray(512)
    header[:8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    header[24:34] = struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6)
    header[44:52] = struct.pack("<LL", 1, 1)
    header[60:76] = struct.pack("<LLLL", 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    header[76:512] = struct.pack("<L", 0) + b"\xff" * 432
    table = struct.pack("<LL", 0xFFFFFFFD, 0xFFFFFFFE).ljust(512, b"\xff")
    directory = b""
    for name in ("Root Entry", stream):
        text = name.encode("utf-16-le") + b"\0\0"
        directory += text.ljust(64, b"\0") + struct.pack("<H", len(text)) + bytes(62)
    return bytes(header) + table + directory.ljust(512, b"\0")


def zipped(entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, content in entries.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = method
            archive.writestr(info, content)
    return made.getvalue()


def ooxml(folder: str) -> bytes:
    return zipped({"[Content_Types].xml": b"<Types/>", f"{folder}/document.xml": b"<w/>"})


def rar4() -> bytes:
    header = struct.pack("<BHHHL", 0x73, 0, 13, 0, 0)
    return b"Rar!\x1a\x07\x00" + struct.pack("<H", zlib.crc32(header) & 0xFFFF) + header + b"\xc4\x3d\x7b\0\x40\x07\0"


def rar5() -> bytes:
    header = b"\x03\x01\x00\x00"
    return b"Rar!\x1a\x07\x01\x00" + struct.pack("<L", zlib.crc32(header)) + header


def link_zip() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        info = zipfile.ZipInfo("link")
        info.create_system, info.external_attr = 3, 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    return made.getvalue()


def encrypted_zip() -> bytes:
    """As an archive with a password: the flag is set, the sizes of a stored entry differ by the key's 12 bytes."""
    content = bytearray(zipped({"a.txt": b"x" * 20}, zipfile.ZIP_STORED))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + at] |= 1
    return bytes(content)


def overlapping_zip() -> bytes:
    """Two directory entries that point at the same bytes, as in a bomb without recursion."""
    content = zipped({"a": b"\0" * 100_000})
    start = content.index(b"PK\x01\x02")
    end = content.rindex(b"PK\x05\x06")
    directory = content[start:end] * 50
    record = struct.pack("<4sHHHHLLH", b"PK\x05\x06", 0, 0, 50, 50, len(directory), start, 0)
    return content[:start] + directory + record


GOOD: dict[str, bytes] = {
    "bmp": bmp(),
    "jpg": jpeg(),
    "jpeg": jpeg() + b"a camera's own data",
    "png": png(),
    "gif": gif(),
    "doc": ole("WordDocument"),
    "docx": ooxml("word"),
    "xls": ole("Workbook"),
    "xlsx": ooxml("xl"),
    "ppt": ole("PowerPoint Document"),
    "pptx": ooxml("ppt"),
    "pdf": PDF,
    "rar": rar4(),
    "zip": zipped({"a/b.txt": b"hello", "empty/": b""}),
}
