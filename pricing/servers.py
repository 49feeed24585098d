"""What the ECS under an image costs: a region's flavor, the disks and the address, read from the catalogue."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from catalog.choices import BillingMode, DeliveryMethod, DiskType, RateKind
from catalog.models import FlavorOffer, ImageVersion, Product, RegionRate
from catalog.models.cloud import MOST_DISK_GB
from pricing.choosing import refused
from pricing.errors import NotConfigurable
from pricing.values import Disk, PriceFacts, ServerChoice, ServerFacts, ServerPart, SpecificationFacts

MODES = (BillingMode.PAY_PER_USE, BillingMode.MONTHLY, BillingMode.YEARLY)
MOST_DATA_DISKS = 23
LEAST_DATA_DISK_GB, MOST_DATA_DISK_GB = 10, 32_768
MOST_BANDWIDTH = 300


def image_version(product: Product, version: str, region: str) -> ImageVersion:
    """The version of an image that a buyer means; the newest in the region for none.

    Raises:
        NotConfigurable: unknown, not sold any more, or not in the region.
    """
    found = (
        product.image_versions.on_sale().filter(version=version)
        if version
        else (product.image_versions.on_sale().in_region(region))
    )
    image: ImageVersion | None = found.first()
    if image is None:
        raise refused("deployment.image_version", "Select one of the versions of this image.")
    if not image.is_in(region):
        raise refused("deployment.image_version", "This version of the image is not available in the region.")
    return image


@dataclass(frozen=True, slots=True)
class Sold:
    """What of the catalogue a server's price depends on, where the caller has read it already.

    Attributes:
        offer: with `flavor` and `region`.
        rates: by kind, the price of a GB or Mbit/s by billing mode; None: read when it is needed.
    """

    offer: FlavorOffer
    image: ImageVersion
    rates: Mapping[str, Mapping[str, Decimal]] | None = None


def server_facts(choice: ServerChoice, product: Product, currency: str, sold: Sold | None = None) -> ServerFacts:
    """What is sold for a choice, completed by the image's newest version and the disk that it needs; three queries.

    Raises:
        NotConfigurable: `errors` names the part, as `deployment.flavor`.
    """
    if product.delivery_method != DeliveryMethod.IMAGE:
        raise refused("deployment", "Only an image is deployed on a server.")
    sold = sold or _sold(choice, product, currency)
    offer, image, flavor = sold.offer, sold.image, sold.offer.flavor
    if flavor.vcpus < image.least_vcpus or flavor.memory_gib < image.least_memory_gib:
        least = f"{image.least_vcpus} vCPUs and {image.least_memory_gib:f} GiB of memory"
        raise refused("deployment.flavor", f"This image needs at least {least}. Select a larger flavor.")
    if offer.sold_out:
        raise refused("deployment.flavor", "This flavor is sold out in the region. Select another one.")
    completed = replace(
        choice, image=image.version, system_disk=choice.system_disk or Disk(DiskType.HIGH, image.disk_gb)
    )
    _check(completed, image)
    parts = (ServerPart(f"ECS {flavor.code}", _prices(offer)), *_priced(completed, image.disk_gb, offer, sold.rates))
    return ServerFacts(completed, f"{flavor.code} in {offer.region.name}", currency, parts, image.disk_gb)


def _sold(choice: ServerChoice, product: Product, currency: str) -> Sold:
    offers = FlavorOffer.objects.of(choice.region, currency).select_related("flavor", "region")
    offer = offers.filter(flavor__code=choice.flavor).first()
    if offer is None or not offer.region.is_open:
        if not FlavorOffer.objects.filter(region__code=choice.region, region__is_open=True, currency=currency).exists():
            raise refused("deployment.region", "Select one of the regions.")
        raise refused("deployment.flavor", "Select one of the flavors of the region.")
    return Sold(offer, image_version(product, choice.image, choice.region))


def server_specifications(
    running: Iterable[Mapping[str, Any]], currency: str
) -> dict[tuple[str, str], SpecificationFacts]:
    """What running servers cost today, for their renewal, in two queries: as specifications without attributes.

    Args:
        running: the attributes of their subscriptions (`ServerFacts.as_attributes`).

    Returns:
        By `server_key`; what is not sold any more is left out.
    """
    wanted = {server_key(one): one for one in running}
    regions = {str(one["region"]) for one in wanted.values()}
    rows = FlavorOffer.objects.filter(region__code__in=regions, currency=currency)
    flavors = {str(one["flavor"]) for one in wanted.values()}
    offers = {
        (row.region.code, row.flavor.code): row
        for row in rows.filter(flavor__code__in=flavors).select_related("flavor", "region")
    }
    rates: dict[str, dict[str, Mapping[str, Decimal]]] = {}
    for rate in RegionRate.objects.filter(region__code__in=regions, currency=currency).select_related("region"):
        rates.setdefault(rate.region.code, {})[rate.kind] = _prices(rate)
    found = {}
    for key, attributes in wanted.items():
        choice = ServerChoice.from_json(attributes)
        offer = offers.get((str(attributes["region"]), str(attributes["flavor"])))
        if choice is None or offer is None:
            continue
        try:
            parts = _priced(choice, int(attributes.get("included_gb", 0)), offer, rates.get(choice.region, {}))
        except NotConfigurable:
            continue
        server = ServerFacts(
            choice, f"{choice.flavor} in {offer.region.name}", currency, (ServerPart("ECS", _prices(offer)), *parts)
        )
        prices = {mode: PriceFacts(server.unit_price(mode).amount) for mode in server.modes}
        found[key] = SpecificationFacts(0, server.name, currency, prices)
    return found


def server_key(attributes: Mapping[str, Any]) -> tuple[str, str]:
    """What makes two servers cost the same."""
    parts = ("region", "flavor", "system_disk", "data_disks", "bandwidth", "included_gb")
    return str(attributes.get("region")), repr([attributes.get(part) for part in parts])


def _check(choice: ServerChoice, image: ImageVersion) -> None:
    disk = choice.system_disk
    assert disk is not None
    if disk.kind not in DiskType.values:
        raise refused("deployment.system_disk", "Select a type of system disk.")
    if not image.disk_gb <= disk.size_gb <= MOST_DISK_GB:
        raise refused("deployment.system_disk", f"System disk: enter {image.disk_gb} to {MOST_DISK_GB:,} GB.")
    if len(choice.data_disks) > MOST_DATA_DISKS:
        raise refused("deployment.data_disks", f"You can attach {MOST_DATA_DISKS} data disks at the most.")
    for one in choice.data_disks:
        if one.kind not in DiskType.values or not LEAST_DATA_DISK_GB <= one.size_gb <= MOST_DATA_DISK_GB:
            raise refused(
                "deployment.data_disks",
                f"Data disk: select a type and {LEAST_DATA_DISK_GB} to {MOST_DATA_DISK_GB:,} GB.",
            )
    if not 0 <= choice.bandwidth <= MOST_BANDWIDTH:
        raise refused("deployment.bandwidth", f"EIP bandwidth: enter 1 to {MOST_BANDWIDTH} Mbit/s, or 0 for no EIP.")


def _prices(priced: FlavorOffer | RegionRate) -> dict[str, Decimal]:
    found = {mode.value: getattr(priced, mode.value) for mode in MODES}
    return {mode: amount for mode, amount in found.items() if amount is not None}


def _priced(
    choice: ServerChoice,
    included_gb: int,
    offer: FlavorOffer,
    rates: Mapping[str, Mapping[str, Decimal]] | None = None,
) -> tuple[ServerPart, ...]:
    """What is beside the flavor: a system disk beyond the included one, data disks, the address."""
    disk = choice.system_disk
    wanted: list[tuple[str, str, int]] = []
    if disk is not None and disk.kind != DiskType.HIGH:
        # Another kind of disk than the included one is paid for in whole.
        wanted.append((disk.kind, f"System disk, {DiskType(disk.kind).label}, {disk.size_gb} GB", disk.size_gb))
    elif disk is not None and disk.size_gb > included_gb:
        more = disk.size_gb - included_gb
        wanted.append((disk.kind, f"System disk, {more} GB more", more))
    wanted += [
        (one.kind, f"Data disk, {DiskType(one.kind).label}, {one.size_gb} GB", one.size_gb) for one in choice.data_disks
    ]
    if choice.bandwidth:
        wanted.append((RateKind.BANDWIDTH, f"EIP, {choice.bandwidth} Mbit/s", choice.bandwidth))
    if not wanted:
        return ()
    if rates is None:
        rows = RegionRate.objects.filter(region=offer.region_id, currency=offer.currency)
        rates = {rate.kind: _prices(rate) for rate in rows}
    parts = []
    for kind, name, count in wanted:
        rate = rates.get(kind)
        if rate is None:
            raise refused("deployment", f"{RateKind(kind).label} is not sold in this region.")
        parts.append(ServerPart(name, {mode: amount * count for mode, amount in rate.items()}))
    return tuple(parts)
