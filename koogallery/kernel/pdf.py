"""PDF documents: a typst template and data, to the same bytes each time.

Data reaches the template as JSON, never as markup, so that a product named `#panic()` prints as that. Only the fonts
that we ship (`fonts/`, SIL Open Font License) and typst's own are used, so that every machine makes the same file.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import typst
from django.conf import settings

FONTS = Path(__file__).parent / "fonts"
# Only typst's own functions could read it; a time of making would make two files of the same facts differ.
NO_TIME = datetime(2000, 1, 1, tzinfo=UTC)
UNPRINTABLE = "could not be displayed"


@cache
def _fonts() -> typst.Fonts:
    """Read once in a process: looking the fonts through takes longer than setting a page."""
    return typst.Fonts(include_system_fonts=False, font_paths=[str(FONTS)])


def render(template: str, data: Mapping[str, Any]) -> bytes:
    """The PDF of `templates/pdf/<template>.typ` with `data` (JSON-able), which has `title` and `day` of what it documents.

    PDF/A-3b, for archives; a text in a script for which we have no letters is printed without them, and the file is then a
    plain PDF, because PDF/A forbids that.
    """
    source = settings.BASE_DIR / "templates" / "pdf" / f"{template}.typ"
    asked: dict[str, Any] = {
        "sys_inputs": {"data": json.dumps(data, sort_keys=True, ensure_ascii=True)},
        "font_paths": _fonts(),
        "ignore_system_fonts": True,
        "format": "pdf",
        "timestamp": NO_TIME,
    }
    try:
        return typst.compile(str(source), pdf_standards=["a-3b"], **asked)
    except typst.TypstError as failed:
        if UNPRINTABLE not in str(failed):
            raise
        return typst.compile(str(source), **asked)


def day_of(at: datetime) -> list[int]:
    """Year, month and day of an aware time, as templates take the document's date."""
    return [at.year, at.month, at.day]
