"""The values of pricing: what somebody wants to buy, what is known of it, and the quote that answers.

Frozen and without a database. Buying, renewing, upgrading and refunding share `Quote` (DESIGN.md: one quote). A page,
an order, a charge, a receipt and the journal print the same lines.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Self

from django.utils.translation import gettext as _

from catalog.choices import DiskType, PriceScheme
from koogallery.kernel.money import Money

PURCHASE = "purchase"


@dataclass(frozen=True, slots=True)
class Duration:
    """A number of months or years."""

    value: int
    unit: str

    @property
    def months(self) -> int:
        return self.value * (12 if self.unit == "year" else 1)

    def as_json(self) -> dict[str, Any]:
        return {"value": self.value, "unit": self.unit}

    @classmethod
    def from_json(cls, value: Mapping[str, Any] | None) -> "Duration | None":
        return None if value is None else cls(int(value["value"]), str(value["unit"]))

    def __str__(self) -> str:
        return f"{self.value} {self.unit}{'' if self.value == 1 else 's'}"


@dataclass(frozen=True, slots=True)
class AttributeFacts:
    """An attribute as the seller declared it."""

    code: str
    name: str
    kind: str
    default: str
    unit: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    minimum: int = 0
    maximum: int = 0
    step: int = 1


@dataclass(frozen=True, slots=True)
class PriceFacts:
    """A list price: for one year, month, hour or once; multiplied by the quantity attribute `per`, if any.

    Attributes:
        scheme: how the price follows the quantity (`catalog.choices.PriceScheme`).
        tiers: (first unit, amount of a unit from there on), in rising order; below the first of them, `amount`.
        surcharges: (attribute code, choice code) -> what that choice adds to the amount of a unit.
    """

    amount: Decimal
    per: str | None = None
    scheme: str = PriceScheme.LINEAR
    tiers: tuple[tuple[int, Decimal], ...] = ()
    surcharges: Mapping[tuple[str, str], Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SpecificationFacts:
    """What pricing needs to know of a specification."""

    id: int
    name: str
    currency: str
    prices: Mapping[str, PriceFacts]
    attributes: tuple[AttributeFacts, ...] = ()
    max_quantity: int = 1
    longest_years: int = 1


@dataclass(frozen=True, slots=True)
class Disk:
    """A disk by its kind (`catalog.choices.DiskType`) and its size in GB."""

    kind: str
    size_gb: int

    def __str__(self) -> str:
        label = DiskType(self.kind).label if self.kind in DiskType.values else self.kind
        return f"{label}, {self.size_gb} GB"

    def as_json(self) -> dict[str, Any]:
        return {"type": self.kind, "size_gb": self.size_gb}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        return cls(str(value["type"]), int(value["size_gb"]))


@dataclass(frozen=True, slots=True)
class ServerChoice:
    """The ECS that an image is to run on, as far as its price depends on it (guide 3.4).

    Attributes:
        region, flavor: codes.
        image: a version of the image ("V4.2.1"); empty: the newest.
        system_disk: None: the size that the image needs.
        bandwidth: of an EIP for each server, in Mbit/s; 0: none.
    """

    region: str
    flavor: str
    image: str = ""
    system_disk: Disk | None = None
    data_disks: tuple[Disk, ...] = ()
    bandwidth: int = 0

    def as_json(self) -> dict[str, Any]:
        return {
            "region": self.region,
            "flavor": self.flavor,
            "image": self.image,
            "system_disk": self.system_disk.as_json() if self.system_disk else None,
            "data_disks": [disk.as_json() for disk in self.data_disks],
            "bandwidth": self.bandwidth,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any] | None) -> "ServerChoice | None":
        if not value:
            return None
        disk = value.get("system_disk")
        return cls(
            region=str(value["region"]),
            flavor=str(value["flavor"]),
            image=str(value.get("image", "")),
            system_disk=Disk.from_json(disk) if disk else None,
            data_disks=tuple(Disk.from_json(one) for one in value.get("data_disks") or ()),
            bandwidth=int(value.get("bandwidth", 0)),
        )

    def words(self) -> list[tuple[str, str]]:
        """What was chosen, as pages and the order print it."""
        found = [(_("Region"), self.region), (_("ECS Flavor Name"), self.flavor), (_("Image"), self.image)]
        if self.system_disk:
            found.append((_("System Disk"), str(self.system_disk)))
        if self.data_disks:
            found.append((_("Data Disk"), "; ".join(map(str, self.data_disks))))
        if self.bandwidth:
            found.append((_("EIP"), f"{self.bandwidth} Mbit/s"))
        return found


@dataclass(frozen=True, slots=True)
class ServerPart:
    """One part of a server with its price by billing mode: the flavor, a disk, an address."""

    name: str
    prices: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """A server as the rules see it: what is sold for `choice`, in one currency.

    Attributes:
        included_gb: of the system disk, which the flavor's price includes.
    """

    choice: ServerChoice
    name: str
    currency: str
    parts: tuple[ServerPart, ...]
    included_gb: int = 0

    def as_attributes(self) -> dict[str, Any]:
        """What the order line and the subscription keep, from which a renewal is priced."""
        return self.choice.as_json() | {"included_gb": self.included_gb}

    def unit_price(self, billing_mode: str) -> Money:
        """One server for an hour, month or year; unrounded."""
        return Money.total((Money(one.prices[billing_mode], self.currency) for one in self.parts), self.currency)

    @property
    def modes(self) -> frozenset[str]:
        """The billing modes in which all of it is sold."""
        return frozenset.intersection(*(frozenset(one.prices) for one in self.parts))


@dataclass(frozen=True, slots=True)
class QuoteRequest:
    """What somebody wants to buy. `attributes` holds only what differs from the defaults, or all of them.

    `server` is what an image runs on; without it the image alone is priced.
    """

    specification: int
    billing_mode: str
    duration: Duration | None
    quantity: int = 1
    attributes: Mapping[str, str | int] = field(default_factory=dict)
    server: ServerChoice | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "specification": self.specification,
            "billing_mode": self.billing_mode,
            "duration": self.duration.as_json() if self.duration else None,
            "quantity": self.quantity,
            "attributes": dict(self.attributes),
        } | ({"server": self.server.as_json()} if self.server else {})

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        return cls(
            specification=int(value["specification"]),
            billing_mode=str(value["billing_mode"]),
            duration=Duration.from_json(value.get("duration")),
            quantity=int(value.get("quantity", 1)),
            attributes=dict(value.get("attributes") or {}),
            server=ServerChoice.from_json(value.get("server")),
        )


class LineKind(StrEnum):
    """What a line of a quote is."""

    CHARGE = "charge"
    CREDIT = "credit"
    DISCOUNT = "discount"
    COUPON = "coupon"
    TAX = "tax"
    # Of an unsubscription: what was paid, less what was used, the fee, and what goes back, which leaves nothing.
    PAID = "paid"
    CONSUMED = "consumed"
    FEE = "fee"
    REFUND = "refund"


SOFTWARE, ECS = "", "ecs"


@dataclass(frozen=True, slots=True)
class Applied:
    """What lowered a price: a discount by its id, a coupon by its code; `discount_kind` for coupons' conditions."""

    discount: int | None = None
    discount_kind: str = ""
    coupon: str = ""

    def as_json(self) -> dict[str, Any]:
        return {"discount": self.discount, "discount_kind": self.discount_kind, "coupon": self.coupon}


@dataclass(frozen=True, slots=True)
class MeteredPrice:
    """What an hour of use of one piece costs: confirmed with the order, charged by the second afterwards (RULES 8).

    Attributes:
        unit_price: the list price of an hour with all its decimals.
        discount_percent: what is taken off it, 0 to 100.
        tax_percent, tax_name: the tax on the rest; 0 and empty where there is none.
    """

    unit_price: Money
    discount_percent: Decimal = Decimal(0)
    tax_percent: Decimal = Decimal(0)
    tax_name: str = ""

    def as_json(self) -> dict[str, Any]:
        return {
            "unit_price": self.unit_price.as_json(),
            "discount_percent": str(self.discount_percent),
            "tax_percent": str(self.tax_percent),
            "tax_name": self.tax_name,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        return cls(
            Money.from_json(value["unit_price"]),
            Decimal(value["discount_percent"]),
            Decimal(value["tax_percent"]),
            str(value["tax_name"]),
        )


@dataclass(frozen=True, slots=True)
class QuoteLine:
    """One line of Cost Details: the calculation in words ("$5.00 USD/month x 1 month(s)") and its amount.

    The lines of a quote add up to what is payable: what is charged stands first, what is taken off (negative) and
    the tax behind it. `item` says which order line it belongs to: the product, or the ECS under an image.
    """

    text: str
    amount: Money
    kind: str = LineKind.CHARGE
    item: str = SOFTWARE

    def as_json(self) -> dict[str, Any]:
        shown = {"kind": str(self.kind), "text": self.text, "amount": self.amount.as_json()}
        return shown | ({"item": self.item} if self.item else {})

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        kind, item = value.get("kind", LineKind.CHARGE), value.get("item", SOFTWARE)
        return cls(value["text"], Money.from_json(value["amount"]), kind, item)


@dataclass(frozen=True, slots=True)
class Renewal:
    """What renews by itself next, if auto-renewal is on: one period at today's list price, discount and tax.

    Attributes:
        at: when it is deducted (UTC); None while the term has not begun, which delivery or acceptance decides.
    """

    period: Duration
    amount: Money
    at: datetime | None = None

    @property
    def when(self) -> str:
        """The same in words, which are all that there is before the term begins."""
        if self.at is not None:
            return _("at the end of the term")
        return _("at the end of the term that you buy, which begins when the service is delivered and accepted")

    def as_json(self) -> dict[str, Any]:
        return {
            "period": self.period.as_json(),
            "amount": self.amount.as_json(),
            "at": self.at.isoformat() if self.at else None,
        }


@dataclass(frozen=True, slots=True)
class AgreementNote:
    """A text that a buyer has to accept, by its id; `/agreements/<id>/` is where it is read."""

    id: int
    title: str
    version: str


@dataclass(frozen=True, slots=True)
class Quote:
    """A price, explained, that holds until `expires_at` (UTC). All amounts are in one currency and rounded.

    Attributes:
        credit: what the old configuration is still worth, for an upgrade, or what an unsubscription gives back; it
            stands among the lines as well.
        applied: which discount and coupon were taken into account.
        agreements: what has to be accepted to buy at this price; None where nobody asks. The token names them.
        server: what an image runs on, with its prices; `server_payable` is what of the payable amount is for it.
        purpose: `purchase`, or what is changed (`upgrade:<subscription>`, `unsubscribe:<subscription>`): a token serves no
            other purpose.
        metered: pay-per-use: what an hour of one piece costs.
        server_metered: the same of one server under an image.
    """

    request: QuoteRequest
    attributes: Mapping[str, str | int]
    lines: tuple[QuoteLine, ...]
    list_price: Money
    discount: Money
    coupon: Money
    tax: Money
    payable: Money
    renews: Renewal | None
    expires_at: datetime
    credit: Money | None = None
    applied: Applied = field(default_factory=lambda: Applied())
    purpose: str = PURCHASE
    token: str = ""
    agreements: tuple[AgreementNote, ...] | None = None
    metered: MeteredPrice | None = None
    server: ServerFacts | None = None
    server_payable: Money | None = None
    server_metered: MeteredPrice | None = None

    @property
    def currency(self) -> str:
        return self.payable.currency

    def as_json(self) -> dict[str, Any]:
        """The snapshot that an order keeps (and the API prints, token apart)."""
        return {
            "request": self.request.as_json(),
            "attributes": dict(self.attributes),
            "lines": [line.as_json() for line in self.lines],
            "list_price": self.list_price.as_json(),
            "discount": self.discount.as_json(),
            "coupon": self.coupon.as_json(),
            "tax": self.tax.as_json(),
            "payable": self.payable.as_json(),
            "credit": self.credit.as_json() if self.credit else None,
            "applied": self.applied.as_json(),
            "purpose": self.purpose,
            "renews": self.renews.as_json() if self.renews else None,
            "metered": self.metered.as_json() if self.metered else None,
            "expires_at": self.expires_at.isoformat(),
        } | ({"server_payable": self.server_payable.as_json()} if self.server_payable is not None else {})
