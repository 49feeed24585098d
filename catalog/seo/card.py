"""The picture that social networks show beside a link: drawn, because they read no SVG."""

import colorsys
import hashlib
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

from catalog.seo.meta import CARD_SIZE

MARGIN = 80
INK, QUIET, PAPER, BRAND = (15, 23, 40), (71, 84, 103), (255, 255, 255), (31, 79, 224)


def draw_card(title: str, text: str, foot: str) -> bytes:
    """A PNG of 1200 x 630 pixels with a tile in the title's own colour.

    Pillow's built-in font knows Latin letters only: words of other scripts are left out of the picture (the page and
    its description have them), rather than printed as boxes.
    """
    image = Image.new("RGB", CARD_SIZE, PAPER)
    draw = ImageDraw.Draw(image)
    hue = hashlib.blake2b(title.encode(), digest_size=1).digest()[0] / 255
    red, green, blue = (round(255 * part) for part in colorsys.hls_to_rgb(hue, 0.42, 0.55))
    draw.rectangle((0, 0, 24, CARD_SIZE[1]), fill=BRAND)
    draw.rounded_rectangle((MARGIN, MARGIN, MARGIN + 120, MARGIN + 120), radius=24, fill=(red, green, blue))
    title, text, foot = (_latin(one) for one in (title, text, foot))
    draw.text((MARGIN + 60, MARGIN + 60), title[:1].upper(), font=_font(72), fill=PAPER, anchor="mm")
    line = MARGIN + 160
    for part in _wrapped(draw, title or "KooGallery", 64, 2):
        draw.text((MARGIN, line), part, font=_font(64), fill=INK)
        line += 78
    line += 8
    for part in _wrapped(draw, text, 34, 3):
        draw.text((MARGIN, line), part, font=_font(34), fill=QUIET)
        line += 46
    draw.text((MARGIN, CARD_SIZE[1] - 70), foot, font=_font(28), fill=BRAND)
    out = BytesIO()
    image.quantize(64).save(out, "PNG", optimize=True)
    return out.getvalue()


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _latin(text: str) -> str:
    """The words that the font can write."""
    return " ".join(word for word in text.split() if all(ord(sign) < 0x250 or sign in "–—“”’•" for sign in word))


def _wrapped(draw: ImageDraw.ImageDraw, text: str, size: int, most: int) -> list[str]:
    """The text in at most so many lines that fit, the last one ended by an ellipsis when more follows."""
    lines, line = [], ""
    for word in text.split():
        tried = f"{line} {word}".strip()
        if line and draw.textlength(tried, font=_font(size)) > CARD_SIZE[0] - 2 * MARGIN:
            lines.append(line)
            line = word
        else:
            line = tried
    lines.append(line)
    if len(lines) > most:
        lines = [*lines[: most - 1], lines[most - 1] + "…"]
    return lines
