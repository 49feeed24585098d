"""The picture that social networks show beside a link: drawn, because they read no SVG."""

import hashlib
import unicodedata
from functools import lru_cache
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageColor, ImageDraw, ImageFont

from koogallery.kernel.web.tiles import GRADIENTS

CARD_SIZE = (1200, 630)
# Raised when the drawing changes, so that no cache takes the old picture for the new one.
DRAWING = 2

MARGIN = 80
INK, QUIET, PAPER, BRAND = "#0f1728", "#475467", "#ffffff", "#1f4fe0"
FONTS = Path(__file__).resolve().parent.parent.parent / "static" / "vendor" / "inter"

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
# Where one of the fonts has a glyph for every letter (the unicode-range of static/css/tokens.css, blocks with gaps
# left out). The narrow file is asked first.
LATIN = ((0x20, 0x7E), (0xA0, 0xFF), (0x2013, 0x2014), (0x2018, 0x201A), (0x201C, 0x201E), (0x2022, 0x2022), (0x2026, 0x2026), (0x20AC, 0x20AC), (0x2122, 0x2122))  # fmt: skip
LATIN_EXT = ((0x100, 0x17F), (0x218, 0x21B), (0x1E80, 0x1E85), (0x1E9E, 0x1E9E), (0x1EA0, 0x1EF9))


def draw_card(title: str, text: str, foot: str, price: str = "") -> bytes:
    """A PNG of 1200 x 630 pixels: the title's own tile, the title, a text, a price and a line at the foot.

    Inter writes Latin letters only. Letters of other scripts are left out of the picture (the page and its
    description have them) rather than printed as boxes; the shop's name stands for a title without any.
    """
    image = Image.new("RGB", CARD_SIZE, PAPER)
    draw = ImageDraw.Draw(image)
    start, _end = GRADIENTS[hashlib.sha256(title.encode()).digest()[0] % len(GRADIENTS)]
    draw.rectangle((0, 0, 24, CARD_SIZE[1]), fill=BRAND)
    draw.rounded_rectangle((MARGIN, MARGIN, MARGIN + 120, MARGIN + 120), radius=28, fill=ImageColor.getrgb(start))
    title, text, foot, price = (writable(one) for one in (title, text, foot, price))
    title, foot = title or "KooGallery", foot.strip(" •")
    initial = next((letter for letter in title if letter.isalnum()), "K").upper()
    width = _width(initial, 64, 700)
    _write(draw, (MARGIN + 60 - width / 2, MARGIN + 82), initial, 64, 700, PAPER)
    line = MARGIN + 228
    for part in _wrapped(title, 64, 700, 2):
        _write(draw, (MARGIN, line), part, 64, 700, INK)
        line += 78
    line -= 8
    for part in _wrapped(text, 34, 400, 2):
        _write(draw, (MARGIN, line), part, 34, 400, QUIET)
        line += 46
    foot_line = CARD_SIZE[1] - 52
    if price:
        width = _width(price, 34, 700)
        _write(draw, (CARD_SIZE[0] - MARGIN - width, foot_line), price, 34, 700, INK)
    room = CARD_SIZE[0] - 2 * MARGIN - (width + 40 if price else 0)
    _write(draw, (MARGIN, foot_line), _wrapped(foot, 28, 600, 1, room)[0], 28, 600, BRAND)
    out = BytesIO()
    image.quantize(64).save(out, "PNG")
    return out.getvalue()


def writable(text: str) -> str:
    """The text without what the fonts cannot write; a letter with an accent of its own is put together first."""
    plain = unicodedata.normalize("NFC", text)
    return " ".join("".join(sign if _file_for(sign) else " " if sign.isspace() else "" for sign in plain).split())


def _file_for(sign: str) -> str:
    """Which file has the letter; empty for none."""
    code = ord(sign)
    if any(low <= code <= high for low, high in LATIN):
        return "latin"
    return "latin-ext" if any(low <= code <= high for low, high in LATIN_EXT) else ""


@lru_cache(maxsize=32)
def _font(file: str, size: int, weight: int) -> Font:
    try:
        font = ImageFont.truetype(FONTS / f"inter-{file}-wght-normal.woff2", size)
        font.set_variation_by_axes([weight])
    except OSError:
        # A FreeType that was built without Brotli reads no WOFF2: Pillow's own font is plainer, and always there.
        return ImageFont.load_default(size)
    return font


def _runs(text: str) -> list[tuple[str, str]]:
    """The text in pieces of one font each, as (file, piece). The common case is one piece."""
    runs: list[tuple[str, str]] = []
    for sign in text:
        file = _file_for(sign)
        if runs and runs[-1][0] == file:
            runs[-1] = (file, runs[-1][1] + sign)
        else:
            runs.append((file, sign))
    return runs


def _width(text: str, size: int, weight: int) -> float:
    return sum(_font(file, size, weight).getlength(piece) for file, piece in _runs(text))


def _write(draw: ImageDraw.ImageDraw, at: tuple[float, float], text: str, size: int, weight: int, fill: str) -> None:
    """Write on the base line `at`."""
    left, line = at
    for file, piece in _runs(text):
        font = _font(file, size, weight)
        draw.text((left, line), piece, font=font, fill=ImageColor.getrgb(fill), anchor="ls")
        left += font.getlength(piece)


def _wrapped(text: str, size: int, weight: int, most: int, room: float = CARD_SIZE[0] - 2 * MARGIN) -> list[str]:
    """The text in at most so many lines that fit, the last one ended by an ellipsis when more follows."""
    lines, line = [], ""
    for word in text.split():
        tried = f"{line} {word}".strip()
        if line and _width(tried, size, weight) > room:
            lines.append(line)
            line = word
        else:
            line = tried
    lines.append(line)
    shown = lines[:most]
    if len(lines) > most:
        shown[-1] += "…"
    return [_cut(one, size, weight, room) for one in shown]


def _cut(line: str, size: int, weight: int, room: float) -> str:
    """The line, cut where a single word is wider than the picture."""
    cut = line
    while _width(cut, size, weight) > room:
        cut = cut.rstrip("…")[:-1].rstrip() + "…"
    return cut
