"""The product page of an image: Region, Image, Billing Mode and the cost table Software + ECS = Total (guide 3.4).

The region is chosen by the server and only its flavors are read, a page of them printed, so that the page stays as small
for fifty regions as for one.
"""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.core.paginator import Page, Paginator
from django.db.models import OuterRef, QuerySet
from django.db.models.functions import JSONObject
from django.http import QueryDict

from catalog.choices import BillingMode, DeliveryMethod
from catalog.models import FlavorOffer, ImageVersion, Product, Region
from koogallery.kernel.money import Money
from koogallery.kernel.web.parts import Choice
from pricing.configuration import Configuration
from pricing.list_prices import period_price
from pricing.values import ServerChoice

FLAVORS_A_PAGE = 20


@dataclass(frozen=True, slots=True)
class FlavorRow:
    """A line of the cost table, for one hour, month or year.

    Attributes:
        is_recommended: the star of the guide.
    """

    code: str
    vcpus: int
    memory_gib: Decimal
    disk_gb: int
    software: Money
    ecs: Money
    is_recommended: bool
    is_sold_out: bool

    @property
    def total(self) -> Money:
        return self.software + self.ecs

    @property
    def memory(self) -> str:
        """In GiB, without needless zeros."""
        return plain(self.memory_gib)


@dataclass(frozen=True, slots=True)
class ImageOffer:
    """What an image's page offers in the chosen region.

    Attributes:
        unit: what the prices are for: hour, month or year.
        page: a page of `FlavorRow`s, the recommended ones first.
        server: what Cost Details counts with, or None where the region has no flavor.
    """

    regions: list[Choice]
    images: list[Choice]
    unit: str
    page: Page[Any]
    server: ServerChoice | None


def plain(number: Decimal) -> str:
    """ "4", "0.5"."""
    return format(number.normalize(), "f")


def image_versions() -> ArraySubquery:
    """The versions on sale of each product, as plain objects, in the product's own query."""
    fields = ("version", "name", "disk_gb", "least_vcpus", "least_memory_gib", "regions", "recommended_flavors")
    rows = ImageVersion.objects.on_sale().filter(product=OuterRef("pk"))
    return ArraySubquery(rows.values(one=JSONObject(**{name: name for name in fields})))


def with_image_versions(products: "QuerySet[Product]") -> "QuerySet[Product]":
    """Products with what `image_offer` reads of them, in the same query."""
    return products.annotate(shown_images=image_versions())


def image_offer(product: Product, configuration: Configuration, data: QueryDict) -> ImageOffer | None:
    """What the page of an image offers for the choices in `data`: two queries. None for other products.

    Args:
        product: read with `with_image_versions`.
    """
    if product.delivery_method != DeliveryMethod.IMAGE:
        return None
    images: list[dict[str, Any]] = product.shown_images  # type: ignore[attr-defined]
    regions = [one for one in Region.objects.filter(is_open=True) if any(_is_in(image, one.code) for image in images)]
    region = next((one for one in regions if one.code == data.get("region")), regions[0] if regions else None)
    there = [image for image in images if region and _is_in(image, region.code)]
    image = next((one for one in there if one["version"] == data.get("image")), there[0] if there else None)
    mode = configuration.request.billing_mode
    rows = _rows(region, image, configuration, mode) if region and image else []
    chosen = next((row.code for row in rows if row.code == data.get("flavor") and not row.is_sold_out), "")
    chosen = chosen or next((row.code for row in rows if not row.is_sold_out), "")
    return ImageOffer(
        regions=[Choice(one.code, one.name, selected=one == region) for one in regions],
        images=[Choice(one["version"], one["name"], selected=one is image) for one in there],
        unit=BillingMode(mode).unit if mode in BillingMode.values else "",
        page=Paginator(rows, FLAVORS_A_PAGE).get_page(data.get("page")),
        server=ServerChoice(region.code, chosen, image["version"]) if region and image and chosen else None,
    )


def with_server(configuration: Configuration, offer: ImageOffer | None) -> Configuration:
    """The configuration with the server that it is to run on."""
    if offer is None or offer.server is None:
        return configuration
    return replace(configuration, request=replace(configuration.request, server=offer.server))


def _is_in(image: dict[str, Any], region: str) -> bool:
    return not image["regions"] or region in image["regions"]


def _rows(region: Region, image: dict[str, Any], configuration: Configuration, mode: str) -> list[FlavorRow]:
    facts = configuration.facts
    if mode not in facts.prices or mode not in BillingMode.values:
        return []
    software = period_price(facts, mode, {one.code: one.default for one in facts.attributes})
    offers = FlavorOffer.objects.of(region.code, facts.currency).sold_by(mode)
    offers = offers.filter(flavor__vcpus__gte=image["least_vcpus"], flavor__memory_gib__gte=image["least_memory_gib"])
    starred = image["recommended_flavors"]
    rows = [
        FlavorRow(
            code=one.flavor.code,
            vcpus=one.flavor.vcpus,
            memory_gib=one.flavor.memory_gib,
            disk_gb=image["disk_gb"],
            software=software,
            ecs=Money(getattr(one, mode), facts.currency),
            is_recommended=one.flavor.code in starred,
            is_sold_out=one.sold_out,
        )
        for one in offers
    ]
    return sorted(rows, key=lambda row: not row.is_recommended)
