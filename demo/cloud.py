"""Loads `demo/data/cloud.yaml`: regions, ECS flavors with their prices, and a version for each hand-written image."""

from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from catalog.choices import DeliveryMethod, OperatingSystem
from catalog.firewalls import checked_rules
from catalog.models import Agreement, Flavor, FlavorOffer, ImageVersion, Product, Region, RegionRate

DATA = Path(__file__).parent / "data" / "cloud.yaml"
HOURS = {"pay_per_use": 1, "monthly": 500, "yearly": 5_000}
FINEST = Decimal("0.00000001")
RECOMMENDED = ["s6.large.2", "s6.large.4", "s3.large.2"]


def load_cloud(at: datetime) -> None:
    """Everything that images run on, and the images' versions with what their sellers recommend."""
    data: dict[str, Any] = yaml.safe_load(DATA.read_text(encoding="utf-8"))
    flavors = [_flavor(family, size) for family in data["families"] for size in family["sizes"]]
    sold_out = {tuple(one) for one in data["sold_out"]}
    for position, entry in enumerate(data["regions"]):
        region = Region.objects.create(code=entry["code"], name=entry["name"], zones=entry["zones"], position=position)
        factor = Decimal(entry["price"])
        FlavorOffer.objects.bulk_create(
            FlavorOffer(
                region=region,
                flavor=flavor,
                sold_out=(region.code, flavor.code) in sold_out,
                **_prices(hour * factor),
            )
            for flavor, hour in flavors
        )
        RegionRate.objects.bulk_create(
            RegionRate(region=region, kind=kind, **_prices(Decimal(hour) * factor))
            for kind, hour in data["rates"].items()
        )
    for product in Product.objects.filter(delivery_method=DeliveryMethod.IMAGE).order_by("id"):
        _image(product, data, at)


def _prices(hour: Decimal) -> dict[str, Decimal]:
    return {mode: (hour * hours).quantize(FINEST) for mode, hours in HOURS.items()}


def _flavor(family: dict[str, Any], size: list[Any]) -> tuple[Flavor, Decimal]:
    name, vcpus, memory, hour = size
    assured, maximum = (Decimal(one) for one in family["gbps"])
    flavor = Flavor.objects.create(
        code=f"{family['family']}.{name}",
        family=family["family"],
        ecs_type=family["type"],
        vcpus=vcpus,
        memory_gib=memory,
        cpu=family["cpu"],
        assured_gbps=assured * vcpus,
        maximum_gbps=maximum * vcpus,
        packets_per_second=family["pps"] * vcpus,
        latest_generation=family["latest"],
    )
    return flavor, Decimal(hour)


def _image(product: Product, data: dict[str, Any], at: datetime) -> None:
    system = product.operating_systems[0] if product.operating_systems else OperatingSystem.LINUX
    ImageVersion.objects.create(
        product=product,
        version=product.version,
        name=f"{product.name} {product.version} ({OperatingSystem(system).label})",
        platform=system if system == OperatingSystem.WINDOWS else OperatingSystem.LINUX,
        cloud_name=f"{product.slug}-{product.version.lower()}",
        disk_gb=45,
        least_memory_gib=2,
        recommended_flavors=RECOMMENDED,
        recommended_rules=[rule.as_json() for rule in checked_rules(data["firewall"])],
        released_at=at - timedelta(days=14),
    )
    entry = data["disclaimer"]
    Agreement.objects.create(product=product, position=5, in_force_since=product.published_at or at, **entry)
