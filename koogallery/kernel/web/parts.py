"""What the components of `templates/components/` print, as values: a view builds these, a template never computes.

Times are aware; labels are texts or lazy translations; addresses are paths of this site.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from django.utils.functional import Promise

from koogallery.kernel.money import Money
from koogallery.kernel.web.badges import Tone

Text = str | Promise


@dataclass(frozen=True, slots=True)
class Step:
    """One step of `flow.html`: who has it, since when; `note` such as "Round 2"."""

    title: Text
    state: Literal["done", "now", "todo", "failed", "frozen"]
    who: Text = ""
    at: datetime | None = None
    note: Text = ""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file of `uploads.html`; `size` in bytes, `url` empty when it may not be downloaded (yet)."""

    name: str
    size: int
    url: str = ""
    note: Text = ""


@dataclass(frozen=True, slots=True)
class Record:
    """One entry of `timeline.html`; `quote`: the text is somebody's own words; `points`: a list under its title."""

    title: Text
    who: Text
    at: datetime
    text: str = ""
    quote: bool = False
    tone: Tone = "neutral"
    icon: str = "circle-dot"
    files: list[StoredFile] = field(default_factory=list)
    from_label: Text = ""
    to_label: Text = ""
    anchor: str = ""
    points_title: Text = ""
    points: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Choice:
    """One tile of `choice_tiles.html` or one box of a filter group; `count` None prints no number."""

    value: str
    label: Text
    note: Text = ""
    selected: bool = False
    disabled: bool = False
    count: int | None = None

    @property
    def checked(self) -> bool:
        return self.selected


@dataclass(frozen=True, slots=True)
class Link:
    """A link that may be the current one: pills, tabs, the category tree (`children`)."""

    label: Text
    url: str
    current: bool = False
    count: int | None = None
    children: list["Link"] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class FilterGroup:
    """A group of `filters.html`: boxes, or links, or (kind "range") two amounts."""

    title: Text
    name: str = ""
    open: bool = True
    options: list[Choice] = field(default_factory=list)
    kind: Literal["boxes", "links", "range"] = "boxes"
    links: list[Link] = field(default_factory=list)
    low_name: str = ""
    high_name: str = ""
    low: str = ""
    high: str = ""
    currency: str = "USD"


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter in force (`chips.html`); `url` is the address without it."""

    group: Text
    label: Text
    url: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A badge beside a product's name."""

    label: Text
    tone: Tone = "neutral"
    icon: str = ""


@dataclass(frozen=True, slots=True)
class ProductCard:
    """What `product_card.html` prints of a product; `before` is the price that a discount crossed out."""

    name: str
    url: str
    tagline: str = ""
    logo: str = ""
    version: str = ""
    delivery_label: Text = ""
    systems_label: Text = ""
    seller_name: str = ""
    seller_url: str = ""
    badges: list[Mark] = field(default_factory=list)
    price: Money | None = None
    unit: Text = ""
    starting: bool = False
    before: Money | None = None


@dataclass(frozen=True, slots=True)
class CostLine:
    """A line of `cost_details.html`: "Team, 10 users", "$5.00 USD/month x 3 month(s)", its amount."""

    label: Text
    formula: Text
    amount: Money


@dataclass(frozen=True, slots=True)
class Figure:
    """A card of `kpis.html`; `trend` colours the note."""

    label: Text
    value: Text
    note: Text = ""
    trend: Literal["", "up", "down"] = ""
