"""Pictures for the demo's product pages: screens that such a product could have, drawn in the product's own colour."""

import colorsys
import random
from io import BytesIO

from django.core.files.base import ContentFile
from PIL import Image, ImageDraw

from catalog.choices import DocumentKind
from catalog.models import Product, ProductDocument, ProductPicture

SIZE = (960, 600)
INK, LINE, PAPER, SOFT = (30, 41, 59), (226, 232, 240), (255, 255, 255), (241, 245, 249)
KINDS = (
    ("overview", "An overview with three figures and a chart of the last twelve weeks"),
    ("table", "A table with rows, states and a search field"),
    ("console", "A terminal with the output of a run that ended well"),
)


def add_pictures(product: Product) -> None:
    """Three pictures and a guide; kept when the product has pictures already."""
    if product.pictures.exists():
        return
    for position, (kind, alt) in enumerate(KINDS):
        picture = ProductPicture(product=product, position=position, alt=alt, width=SIZE[0], height=SIZE[1])
        picture.picture.save(f"{kind}.png", ContentFile(draw(kind, product.slug)))
    guide = ProductDocument(product=product, kind=DocumentKind.GUIDE, title=f"{product.name}: first steps")
    text = f"{product.name}\n\n1. Log in with the account that you received.\n2. Follow the first-run page.\n3. Write to {product.support_email} when something is unclear.\n"
    guide.file.save("first-steps.txt", ContentFile(text.encode()))


def draw(kind: str, name: str) -> bytes:
    """A PNG of 960 x 600 pixels, the same for the same kind and name."""
    dice = random.Random(f"{kind} {name}")
    red, green, blue = colorsys.hls_to_rgb(random.Random(name).random(), 0.45, 0.6)
    colour = (round(255 * red), round(255 * green), round(255 * blue))
    image = Image.new("RGB", SIZE, INK if kind == "console" else SOFT)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, SIZE[0], 44), fill=colour)
    for at in range(3):
        draw.ellipse((20 + 24 * at, 16, 32 + 24 * at, 28), fill=PAPER)
    {"overview": _overview, "table": _table, "console": _console}[kind](draw, dice, colour)
    out = BytesIO()
    image.quantize(48).save(out, "PNG", optimize=True)
    return out.getvalue()


def _overview(draw: ImageDraw.ImageDraw, dice: random.Random, colour: tuple[int, int, int]) -> None:
    for at in range(3):
        left = 40 + at * 300
        draw.rounded_rectangle((left, 76, left + 270, 190), 12, fill=PAPER, outline=LINE)
        draw.rectangle((left + 20, 98, left + 120, 108), fill=LINE)
        draw.rectangle((left + 20, 126, left + 80 + dice.randrange(100), 160), fill=colour)
    draw.rounded_rectangle((40, 220, 920, 560), 12, fill=PAPER, outline=LINE)
    points = [(80 + 72 * at, 500 - 22 * at + dice.randrange(-60, 60)) for at in range(12)]
    for line in range(5):
        draw.line((70, 270 + 58 * line, 890, 270 + 58 * line), fill=LINE)
    draw.line(points, fill=colour, width=5, joint="curve")
    for x, y in points:
        draw.ellipse((x - 6, y - 6, x + 6, y + 6), fill=PAPER, outline=colour, width=3)


def _table(draw: ImageDraw.ImageDraw, dice: random.Random, colour: tuple[int, int, int]) -> None:
    draw.rounded_rectangle((40, 76, 420, 116), 8, fill=PAPER, outline=LINE)
    draw.rounded_rectangle((760, 76, 920, 116), 8, fill=colour)
    draw.rounded_rectangle((40, 140, 920, 560), 12, fill=PAPER, outline=LINE)
    for row in range(9):
        top = 164 + 44 * row
        for column in range(4):
            left = 70 + 210 * column
            width = 60 + dice.randrange(100)
            draw.rectangle((left, top, left + width, top + 12), fill=INK if row == 0 else LINE)
        if row and dice.random() < 0.5:
            draw.rounded_rectangle((700, top - 5, 780, top + 17), 10, fill=colour)
        draw.line((60, top + 27, 900, top + 27), fill=SOFT)


def _console(draw: ImageDraw.ImageDraw, dice: random.Random, colour: tuple[int, int, int]) -> None:
    for row in range(18):
        left, top = 40, 76 + 27 * row
        for _word in range(dice.randrange(2, 8)):
            width = dice.randrange(24, 110)
            if left + width > 920:
                break
            draw.rectangle((left, top, left + width, top + 11), fill=colour if dice.random() < 0.2 else (148, 163, 184))
            left += width + 12
