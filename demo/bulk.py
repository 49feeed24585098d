"""Many more products by bulk insert, for trying the shop at size: believable names, prices, sellers, categories."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

from accounts.models import Seller
from catalog.choices import BillingMode, OperatingSystem, ProductStatus
from catalog.models import Category, Price, Product, Specification

BATCH = 2_000
FIRST = ("Amber", "Birch", "Cedar", "Delta", "Ember", "Fjord", "Granite", "Harvest", "Indigo", "Juniper", "Krill", "Lumen",
         "Mica", "Nimbus", "Onyx", "Prairie", "Quartz", "Ridge", "Sable", "Tundra", "Umbra", "Vesper", "Willow", "Zephyr")  # fmt: skip
SECOND = ("Ledger", "Queue", "Atlas", "Pulse", "Vault", "Relay", "Canvas", "Beacon", "Forge", "Harbor", "Matrix", "Notebook",
          "Orchard", "Pilot", "Router", "Signal", "Studio", "Tracker", "Weaver", "Workbench")  # fmt: skip
KINDS = ("for Teams", "Enterprise", "Community", "Server", "Cloud", "Edge", "Gateway", "Suite", "Manager", "Connect")
SHAPES = (
    ("license", True, "license", (BillingMode.YEARLY, BillingMode.MONTHLY)),
    ("saas", False, "", (BillingMode.MONTHLY,)),
    ("professional_service", True, "standard", (BillingMode.ONE_TIME,)),
    ("image", False, "", (BillingMode.PAY_PER_USE, BillingMode.MONTHLY)),
)


def load_more(number: int, at: datetime, progress: Callable[[str, int, int], None]) -> int:
    """Insert `number` published products with one specification and its prices each; deterministic by their order.

    Returns:
        How many products there are afterwards.
    """
    sellers = list(Seller.objects.order_by("id"))
    leaves = list(Category.objects.filter(children=None).order_by("id"))
    start = Product.objects.count()
    for done in range(0, number, BATCH):
        _batch(range(start + done, start + min(done + BATCH, number)), sellers, leaves, at)
        progress("products", min(done + BATCH, number), number)
    return Product.objects.count()


def _batch(numbers: range, sellers: list[Seller], leaves: list[Category], at: datetime) -> None:
    products, prices = [], []
    for number in numbers:
        dice = random.Random(number)
        method, supervised, flow_type, modes = SHAPES[dice.randrange(len(SHAPES))]
        amounts = {mode: Decimal(dice.randrange(100, 90_000)).scaleb(-2) for mode in modes}
        name = f"{dice.choice(FIRST)} {dice.choice(SECOND)} {dice.choice(KINDS)} {number}"
        products.append(
            Product(
                seller=dice.choice(sellers),
                category=dice.choice(leaves),
                slug=f"{name.lower().replace(' ', '-')}",
                name=name,
                tagline=f"{name.rsplit(' ', 1)[0]} for companies of {dice.randrange(5, 5_000)} people.",
                description=f"{name} is a generated product for trying the marketplace at size.",
                delivery_method=method,
                supervised=supervised,
                flow_type=flow_type,
                operating_systems=dice.sample(OperatingSystem.values, dice.randrange(1, 4)),
                status=ProductStatus.PUBLISHED,
                published_at=at - timedelta(minutes=number),
                popularity=int(1000 / (1 + number % 997)),
                lowest_price=amounts[modes[0]],
                lowest_price_mode=modes[0],
                lowest_price_unit=modes[0].unit,
                has_several_prices=len(modes) > 1,
                billing_modes=list(modes),
            )
        )
        prices.append(amounts)
    Product.objects.bulk_create(products)
    specifications = Specification.objects.bulk_create(
        Specification(product=product, code="standard", name="Standard") for product in products
    )
    Price.objects.bulk_create(
        Price(specification=specification, billing_mode=mode, amount=amount)
        for specification, amounts in zip(specifications, prices, strict=True)
        for mode, amount in amounts.items()
    )
