"""The 14 types (RULES 1.3), each told by its extension and by its content."""

from collections.abc import Callable

from supervision.files.archives import check_rar, check_zip, hides_zip
from supervision.files.documents import OLE, STREAMS, check_ole, check_pdf
from supervision.files.images import check_bmp, check_gif, check_jpeg, check_png
from supervision.files.reading import Malformed, Window

SUPPORTED = "BMP, JPG, JPEG, PNG, GIF, DOC, DOCX, XLS, XLSX, PPT, PPTX, PDF, RAR, and ZIP"
OFFICE = "application/vnd.openxmlformats-officedocument"

Check = Callable[[Window], None]


def _office(kind: str) -> Check:
    """An Office file of the newer kind: a ZIP with its parts, or, encrypted, an OLE container."""

    def check(file: Window) -> None:
        if file.head(8) == OLE:
            check_ole(file, kind)
        else:
            check_zip(file, kind)

    return check


def _older_office(kind: str) -> Check:
    return lambda file: check_ole(file, kind)


# Extension -> content type, and what the content must be like.
TYPES: dict[str, tuple[str, Check]] = {
    "bmp": ("image/bmp", check_bmp),
    "jpg": ("image/jpeg", check_jpeg),
    "jpeg": ("image/jpeg", check_jpeg),
    "png": ("image/png", check_png),
    "gif": ("image/gif", check_gif),
    "doc": ("application/msword", _older_office("doc")),
    "docx": (f"{OFFICE}.wordprocessingml.document", _office("docx")),
    "xls": ("application/vnd.ms-excel", _older_office("xls")),
    "xlsx": (f"{OFFICE}.spreadsheetml.sheet", _office("xlsx")),
    "ppt": ("application/vnd.ms-powerpoint", _older_office("ppt")),
    "pptx": (f"{OFFICE}.presentationml.presentation", _office("pptx")),
    "pdf": ("application/pdf", check_pdf),
    "rar": ("application/vnd.rar", check_rar),
    "zip": ("application/zip", lambda file: check_zip(file, "zip")),
}
# What may rightly end with a ZIP's directory, or hold one.
_ARCHIVES = frozenset({"zip", "docx", "xlsx", "pptx"})
_HOLDING_FILES = frozenset({"rar", *STREAMS})

# Programs and pages: in front of the true extension they are there to deceive (invoice.exe.pdf). Without `com` and
# `js`, which stand in honest names (example.com.pdf, node.js.pdf).
PROGRAMS = frozenset(
    [
        "exe",
        "scr",
        "pif",
        "bat",
        "cmd",
        "msi",
        "dll",
        "cpl",
        "jar",
        "apk",
        "vbs",
        "vbe",
        "jse",
        "wsf",
        "wsh",
        "hta",
        "ps1",
        "lnk",
        "reg",
        "php",
        "phtml",
        "asp",
        "aspx",
        "jsp",
        "htm",
        "html",
        "xhtml",
        "svg",
        "swf",
    ]
)


def content_fault(extension: str, file: Window) -> str:
    """Why the content is none of this type, or nothing. Reads parts of the file only."""
    try:
        TYPES[extension][1](file)
        if extension not in _ARCHIVES and hides_zip(file, holds_files=extension in _HOLDING_FILES):
            raise Malformed("it is an archive as well")
    except Malformed as fault:
        return str(fault)
    return ""
