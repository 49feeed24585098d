"""Products side by side: which of those asked for are compared, and what each row of the comparison says."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from django.db.models import Exists, OuterRef, Prefetch, prefetch_related_objects
from django.utils.formats import localize
from django.utils.translation import gettext as _

from catalog.choices import BillingMode, FlowType, OperatingSystem, ProductStatus
from catalog.models import Attribute, Price, Product, Specification
from koogallery.kernel.web.formats import price_text

MOST = 4
NOT_GIVEN = "—"
# An address with more products was not made by a person; the rest is not even looked up.
MOST_ASKED = 50
LONGEST_SLUG = 80
# What a billing mode is listed under, in the order of the page.
MODES = (BillingMode.MONTHLY, BillingMode.YEARLY, BillingMode.ONE_TIME, BillingMode.PAY_PER_USE)


@dataclass(frozen=True, slots=True)
class Compared:
    """What an address asks to compare.

    Attributes:
        products: up to four products on sale, in the order of the address.
        refused: names of the products on sale that there was no room for.
        left_out: names of what is no longer sold, and slugs that are no product's.
    """

    products: Sequence[Product]
    refused: list[str]
    left_out: list[str]


@dataclass(frozen=True, slots=True)
class Row:
    """One property of all compared products.

    Attributes:
        cells: for each product the lines to print.
        differs: whether not all say the same.
    """

    label: str
    cells: list[list[str]]

    @property
    def differs(self) -> bool:
        return any(cell != self.cells[0] for cell in self.cells)


def asked_for(given: Sequence[str]) -> list[str]:
    """The slugs of an address, each once; what can be no slug is still named to the visitor, cut short."""
    return list(dict.fromkeys(slug[: LONGEST_SLUG + 1] for slug in given[:MOST_ASKED] if slug.strip()))


def compared(slugs: Sequence[str]) -> Compared:
    """The first four of the slugs that are on sale, with all that the rows read, in four queries."""
    if not slugs:
        return Compared([], [], [])
    is_listed = Exists(Product.objects.published().filter(pk=OuterRef("pk")))
    rows = Product.objects.reachable().with_card_columns().filter(slug__in=slugs).annotate(is_listed=is_listed)
    known = {product.slug: product for product in rows}
    on_sale = [known[slug] for slug in slugs if slug in known and known[slug].is_listed]
    # What was taken down still has a page that says so; of drafts and unlisted products nothing is told.
    gone = {slug: product.name for slug, product in known.items() if product.status == ProductStatus.TAKEN_DOWN}
    listed = {product.slug for product in on_sale}
    chosen = on_sale[:MOST]
    sold = Specification.objects.filter(removed_at=None).prefetch_related(
        Prefetch("attributes", Attribute.objects.all()),
        Prefetch("prices", Price.objects.offered().select_related("per")),
    )
    prefetch_related_objects(chosen, Prefetch("specifications", sold))
    return Compared(
        products=chosen,
        refused=[product.name for product in on_sale[MOST:]],
        left_out=[gone.get(slug, slug) for slug in slugs if slug not in listed],
    )


def rows_of(products: Sequence[Product]) -> list[Row]:
    """Everything that is compared, in the order of the page; billing modes that none of them has are left out."""
    if not products:
        return []
    says: list[tuple[str, Callable[[Product], Iterable[str]]]] = [
        (_("Price from"), _starting),
        (_("Specification Name"), lambda one: [specification.name for specification in one.specifications.all()]),
    ]
    titles = {
        BillingMode.MONTHLY: _("Monthly prices"),
        BillingMode.YEARLY: _("Yearly prices"),
        BillingMode.ONE_TIME: _("One-time prices"),
        BillingMode.PAY_PER_USE: _("Pay-per-use prices"),
    }
    sold = [mode for mode in MODES if any(_prices(product, mode=mode) for product in products)]
    says += [(titles[mode], partial(_prices, mode=mode)) for mode in sold]
    says += [
        (_("To be chosen"), _attributes),
        (_("Delivery Methods"), lambda one: [str(one.get_delivery_method_display())]),
        (_("Operating System"), lambda one: [str(OperatingSystem(system).label) for system in one.operating_systems]),
        (_("Service supervision"), lambda one: [_("Yes") if one.supervised else _("No")]),
        (_("Service Flow"), lambda one: [str(FlowType(one.flow_type).label)] if one.flow_type else []),
        (_("Version"), lambda one: [one.version] if one.version else []),
        (_("Support hours"), lambda one: [one.support_hours] if one.support_hours else []),
        (_("Auto Renew"), lambda one: [_("Yes") if one.auto_renewal_supported else _("No")]),
        (_("Highlights"), lambda one: one.highlights),
        (_("Sold by"), lambda one: [one.seller.name]),
    ]
    return [Row(label, [list(lines(product)) or [NOT_GIVEN] for product in products]) for label, lines in says]


def _starting(product: Product) -> list[str]:
    money = product.starting_price
    return [] if money is None else [price_text(money, product.lowest_price_unit)]


def _prices(product: Product, *, mode: BillingMode) -> list[str]:
    """Such as "Standard: $5.00 USD/user/month"."""
    lines = []
    for specification in product.specifications.all():
        for price in specification.prices.all():
            if price.billing_mode == mode:
                counted = (price.per.unit or price.per.name) if price.per else ""
                unit = "/".join(part for part in (counted, mode.unit) if part)
                lines.append(f"{specification.name}: {price_text(price.money, unit)}")
    return lines


def _attributes(product: Product) -> list[str]:
    """Such as "Number of users: 1 – 500", each once however many specifications have it."""
    lines: dict[str, None] = {}
    for specification in product.specifications.all():
        for attribute in specification.attributes.all():
            if attribute.choices:
                text = ", ".join(str(choice["name"]) for choice in attribute.choices)
            else:
                text = f"{localize(attribute.minimum)} – {localize(attribute.maximum)}"
            lines[f"{attribute.name}: {text}"] = None
    return list(lines)
