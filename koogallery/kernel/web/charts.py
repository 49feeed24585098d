"""Bar charts that the server draws as SVG: `chart.html` prints a `BarChart`, whose table stands under it on the page.

    chart = bar_chart([("Jan", Decimal("12.5")), ("Feb", Decimal(0))], title=_("Spend"), unit="USD")

Nothing is computed in templates and nothing has a `style`; colours are classes of components.css.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import ceil, floor, log10

from babel.numbers import format_compact_decimal

from koogallery.kernel.web.parts import Text

WIDTH, HEIGHT = 720, 240
LEFT, RIGHT, TOP, BOTTOM = 64, 8, 18, 30
MOST_LABELS = 16
LINES = 4
LONGEST_LABEL = 14
# A letter of a label in the drawing's units, as components.css has them on phones.
PHONE_LETTER = 13
SHORTENED_FROM = 10_000


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar in the drawing's units; `value` in words for its title, `label` below it, empty where there is no room.

    `is_minor`: on a phone, where letters are larger against the bars, there is no room for its label.
    """

    x: str
    y: str
    width: str
    height: str
    middle: str
    label: str
    value: str
    is_minor: bool


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the grid, with the value that it stands for."""

    y: str
    text: str


@dataclass(frozen=True, slots=True)
class BarChart:
    """What `components/chart.html` draws."""

    title: Text
    unit: str
    bars: tuple[Bar, ...]
    lines: tuple[Line, ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    floor: int = HEIGHT - BOTTOM


def bar_chart(values: Sequence[tuple[str, Decimal]], *, title: Text, unit: str) -> BarChart:
    """One bar a value, from zero; a negative one has no bar, and its number in the table.

    Args:
        values: (label, value) from left to right.
        unit: what the values are in, such as "USD" or "s".
    """
    top = _round_up(max((value for _label, value in values), default=Decimal(0)))
    room = WIDTH - LEFT - RIGHT
    step = room / max(1, len(values))
    width = min(48.0, step * 0.7)
    every = ceil(len(values) / MOST_LABELS) if values else 1
    longest = max((len(_short(label)) for label, _value in values), default=0)
    every_on_phones = every * ceil((longest + 1) * PHONE_LETTER / (step * every))
    bars = []
    for at, (label, value) in enumerate(values):
        tall = float(max(Decimal(0), value) / top) * (HEIGHT - TOP - BOTTOM)
        middle = LEFT + step * (at + 0.5)
        bars.append(
            Bar(
                x=_number(middle - width / 2),
                y=_number(HEIGHT - BOTTOM - tall),
                width=_number(width),
                height=_number(tall),
                middle=_number(middle),
                label=_short(label) if at % every == 0 else "",
                value=f"{label}: {plain(value)} {unit}",
                is_minor=at % every_on_phones != 0 or middle + len(_short(label)) * PHONE_LETTER / 2 > WIDTH,
            )
        )
    lines = [
        Line(_number(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * part / LINES), _short_number(top * part / LINES))
        for part in range(LINES + 1)
    ]
    return BarChart(title, unit, tuple(bars), tuple(lines))


def plain(value: Decimal) -> str:
    """A number in plain digits without trailing zeros."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _short_number(value: Decimal) -> str:
    """As an axis prints it: 7500, 75K, 1.2M."""
    return plain(value) if value < SHORTENED_FROM else format_compact_decimal(value, locale="en", fraction_digits=1)


def _round_up(value: Decimal) -> Decimal:
    """The next 1, 2, 4 or 10 times a power of ten: what the axis ends with."""
    if value <= 0:
        return Decimal(1)
    power = Decimal(10) ** floor(log10(value))
    return next(times * power for times in (Decimal(1), Decimal(2), Decimal(4), Decimal(10)) if value <= times * power)


def _number(value: float) -> str:
    return f"{value:.1f}"


def _short(label: str) -> str:
    return label if len(label) <= LONGEST_LABEL else f"{label[: LONGEST_LABEL - 1]}…"
