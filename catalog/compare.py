"""Products side by side: what each row of the comparison says."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.db.models import Prefetch
from django.utils.formats import localize
from django.utils.translation import gettext as _

from catalog.choices import BillingMode, FlowType, OperatingSystem
from catalog.models import Attribute, Price, Product, Specification
from koogallery.kernel.web.formats import price_text

MOST = 4
NOT_GIVEN = "—"


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


def comparable(slugs: Sequence[str]) -> list[Product]:
    """The products on sale of these slugs, in that order, with all that the rows read, in four queries."""
    sold = Specification.objects.filter(removed_at=None).prefetch_related(
        Prefetch("attributes", Attribute.objects.all()), Prefetch("prices", Price.objects.select_related("per"))
    )
    rows = Product.objects.published().with_card_columns().filter(slug__in=slugs)
    found = {product.slug: product for product in rows.prefetch_related(Prefetch("specifications", sold))}
    return [found[slug] for slug in slugs if slug in found]


def rows_of(products: Sequence[Product]) -> list[Row]:
    """Everything that is compared, in the order of the page."""
    says: list[tuple[str, Callable[[Product], list[str]]]] = [
        (_("Price"), _starting),
        (_("Delivery Methods"), lambda one: [str(one.get_delivery_method_display())]),
        (_("Operating System"), lambda one: [str(OperatingSystem(system).label) for system in one.operating_systems]),
        (_("Billing Mode"), lambda one: [str(BillingMode(mode).label) for mode in one.billing_modes]),
        (_("Specifications and prices"), _specifications),
        (_("To be chosen"), _attributes),
        (_("Service supervision"), lambda one: [_("Yes") if one.supervised else _("No")]),
        (_("Service Flow"), lambda one: [str(FlowType(one.flow_type).label)] if one.flow_type else []),
        (_("Auto Renew"), lambda one: [_("Yes") if one.auto_renewal_supported else _("No")]),
        (_("Version"), lambda one: [one.version]),
        (_("Highlights"), lambda one: list(one.highlights)),
        (_("Service time"), lambda one: [one.support_hours] if one.support_hours else []),
        (_("Sold by"), lambda one: [one.seller.name]),
    ]
    return [Row(label, [says_(product) or [NOT_GIVEN] for product in products]) for label, says_ in says]


def _starting(product: Product) -> list[str]:
    money = product.starting_price
    return [] if money is None else [price_text(money, product.lowest_price_unit)]


def _specifications(product: Product) -> list[str]:
    lines = []
    for specification in product.specifications.all():
        for price in specification.prices.all():
            counted = (price.per.unit or price.per.name) if price.per else ""
            unit = "/".join(part for part in (counted, BillingMode(price.billing_mode).unit) if part)
            lines.append(f"{specification.name}: {price_text(price.money, unit)}")
    return lines


def _attributes(product: Product) -> list[str]:
    lines: dict[str, None] = {}
    for specification in product.specifications.all():
        for attribute in specification.attributes.all():
            if attribute.choices:
                text = ", ".join(str(choice["name"]) for choice in attribute.choices)
            else:
                text = f"{localize(attribute.minimum)} – {localize(attribute.maximum)}"
            lines[f"{attribute.name}: {text}"] = None
    return list(lines)
