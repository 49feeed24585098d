"""A product as data: what a line of JSON, a row of CSV and the demo's generator have in common."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from catalog.choices import BillingMode

# The card of a product compares one billing mode: the first of these that is sold (catalog.services.refresh_listing).
MODE_ORDER = (BillingMode.MONTHLY, BillingMode.YEARLY, BillingMode.ONE_TIME, BillingMode.PAY_PER_USE)


@dataclass(slots=True)
class PriceRecord:
    """A list price; `per` is the code of the quantity attribute that multiplies it, or empty.

    `scheme`, `tiers` and `surcharges` are those of `catalog.models.Price`.
    """

    billing_mode: str
    amount: Decimal
    currency: str
    per: str = ""
    scheme: str = "linear"
    tiers: list[dict[str, Any]] = field(default_factory=list)
    surcharges: dict[str, dict[str, str]] = field(default_factory=dict)


@dataclass(slots=True)
class AttributeRecord:
    """Something to choose: `choices` of `{"code", "name"}`, or a number between bounds."""

    code: str
    name: str
    kind: str
    default: str
    choices: list[dict[str, str]] = field(default_factory=list)
    minimum: int | None = None
    maximum: int | None = None
    step: int | None = None
    unit: str = ""


@dataclass(slots=True)
class SpecificationRecord:
    """A variant with its attributes and prices; `upgrade_rule` lists codes of attributes that may be raised."""

    code: str
    name: str
    prices: list[PriceRecord]
    attributes: list[AttributeRecord] = field(default_factory=list)
    max_quantity: int = 1
    longest_years: int = 1
    upgrade_rule: list[str] = field(default_factory=list)


@dataclass(slots=True)
class CaseRecord:
    """A customer's story."""

    customer: str
    title: str
    text: str


@dataclass(slots=True)
class NoteRecord:
    """What a version brought."""

    version: str
    released_at: datetime
    text: str


@dataclass(slots=True)
class ProductRecord:
    """A whole product. `status` is "draft" or "published"; names of fields are those of `catalog.models.Product`."""

    slug: str
    seller: str
    category: str
    name: str
    delivery_method: str
    supervised: bool
    specifications: list[SpecificationRecord]
    tagline: str = ""
    description: str = ""
    highlights: list[str] = field(default_factory=list)
    version: str = "V1.0"
    flow_type: str = ""
    joint_operation: bool = False
    operating_systems: list[str] = field(default_factory=list)
    status: str = "draft"
    published_at: datetime | None = None
    public_sales: bool = True
    auto_renewal_supported: bool = False
    badges: list[str] = field(default_factory=list)
    support_hours: str = ""
    support_content: str = ""
    support_hotline: str = ""
    support_email: str = ""
    guide_url: str = ""
    requirement_template: str = ""
    popularity: int = 0
    customer_cases: list[CaseRecord] = field(default_factory=list)
    release_notes: list[NoteRecord] = field(default_factory=list)
    acceptance_criteria: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Listing:
    """What the prices say, for the product's own row: the same as `catalog.services.refresh_listing` writes."""

    billing_modes: list[str]
    has_several_prices: bool
    lowest_price: Decimal | None
    lowest_price_mode: str
    lowest_price_unit: str
    currency: str


def listing_of(record: ProductRecord, site_currency: str) -> Listing:
    """The listing columns of a record."""
    priced = [(price, one) for one in record.specifications for price in one.prices]
    modes = [mode for mode in MODE_ORDER if any(price.billing_mode == mode for price, _of in priced)]
    if not modes:
        return Listing([], False, None, "", "", site_currency)
    first = [(price, of) for price, of in priced if price.billing_mode == modes[0]]
    lowest, of = min(first, key=lambda pair: pair[0].amount)
    counted = next((one.unit or one.name for one in of.attributes if one.code == lowest.per), "")
    unit = "/".join(part for part in (counted, modes[0].unit) if part)
    return Listing([*modes], len(priced) > 1, lowest.amount, modes[0].value, unit, lowest.currency)
