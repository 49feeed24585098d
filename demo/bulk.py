"""Many more products, for trying the shop at size: believable, deterministic, with the frequencies of real catalogues.

Words follow Zipf's law over some twenty thousand (a quarter of all products has the most frequent one, half of the
words stand in a handful), and so do categories, sellers and how much a product is bought; prices are log-normal.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
from django.db import connection, transaction
from numpy.typing import NDArray

from accounts.models import Seller
from catalog.choices import BillingMode, OperatingSystem
from catalog.exchange.copying import insert_products
from catalog.exchange.records import AttributeRecord, PriceRecord, ProductRecord, SpecificationRecord
from catalog.models import Category, Product

Progress = Callable[[str, int, int], None]

BATCH = 10_000
"""Products are drawn in blocks of so many, by their numbers, and written a block a transaction."""
WRITERS = 2
VOCABULARY = 20_000
MOST_SELLERS = 2_000
PRODUCTS_PER_SELLER = 50
DESCRIPTION_WORDS = 48
# Flattens the top of Zipf's law so that the most frequent word stands in about a quarter of the products.
ZIPF_SHIFT = 28.0
YEARS = 3

_ONSETS = ("b", "br", "c", "ch", "cl", "d", "dr", "f", "fl", "g", "gr", "h", "k", "l", "m", "n", "p", "pr", "qu", "r", "s", "sh", "st", "t", "tr", "v", "w", "z")  # fmt: skip
_VOWELS = ("a", "e", "i", "o", "u", "ai", "ea", "io", "ou")
_CODAS = ("", "l", "n", "r", "s", "t", "x", "nd", "rk", "st")
_ABOUT = "A generated seller."
_WORDS = Path(__file__).parent / "data" / "words.txt"

SHAPES = (
    ("license", True, "license", (BillingMode.YEARLY, BillingMode.MONTHLY)),
    ("saas", False, "", (BillingMode.MONTHLY,)),
    ("saas", True, "saas", (BillingMode.MONTHLY, BillingMode.YEARLY)),
    ("professional_service", True, "standard", (BillingMode.ONE_TIME,)),
    ("image", False, "", (BillingMode.PAY_PER_USE, BillingMode.MONTHLY)),
)
SHAPE_SHARES = (0.34, 0.22, 0.12, 0.14, 0.18)
SIZES = (("standard", "Standard", 1), ("business", "Business", 3), ("enterprise", "Enterprise", 9))


def vocabulary() -> list[str]:
    """The words, most frequent first: real technical ones, then invented ones that can be pronounced."""
    words = dict.fromkeys(_WORDS.read_text(encoding="utf-8").split())
    dice = np.random.default_rng(20_261_124)
    while len(words) < VOCABULARY:
        parts = dice.integers(0, (len(_ONSETS), len(_VOWELS), len(_ONSETS), len(_VOWELS), len(_CODAS)))
        onset, vowel, second, other, coda = (int(part) for part in parts)
        words[_ONSETS[onset] + _VOWELS[vowel] + _ONSETS[second] + _VOWELS[other] + _CODAS[coda]] = None
    return list(words)[:VOCABULARY]


def shares(number: int, shift: float = 2.0) -> NDArray[np.float64]:
    """Zipf's law with a flattened top: shares of ranks that add up to one."""
    weight = 1 / (np.arange(number) + shift)
    return weight / weight.sum()


class Generator:
    """Makes the n-th product, always the same for the same n, sellers and categories."""

    def __init__(self, sellers: list[str], categories: list[str], at: datetime) -> None:
        self._words = np.array(vocabulary(), object)
        self._chances = np.cumsum(shares(VOCABULARY, ZIPF_SHIFT))
        self._sellers, self._seller_chances = sellers, np.cumsum(shares(len(sellers)))
        self._categories, self._category_chances = categories, np.cumsum(shares(len(categories)))
        self._at = at

    def products(self, first: int, last: int) -> Iterator[ProductRecord]:
        """The products from number `first` to before `last`."""
        for block in range(first // BATCH, -(-last // BATCH)):
            yield from self._block(block, first - block * BATCH, last - block * BATCH)

    def _block(self, block: int, first: int, last: int) -> Iterator[ProductRecord]:
        """Draws the dice of the whole block, so that a product does not depend on how many are asked for."""
        dice = np.random.default_rng([20_261_124, block])
        ranks = self._rank(dice, self._chances, (BATCH, DESCRIPTION_WORDS + 14))
        sellers = self._rank(dice, self._seller_chances, BATCH)
        categories = self._rank(dice, self._category_chances, BATCH)
        shapes = dice.choice(len(SHAPES), BATCH, p=SHAPE_SHARES)
        amounts = np.round(np.exp(dice.normal(3.6, 1.3, BATCH)), 2) + 0.5
        bought = np.minimum(50_000, dice.zipf(1.6, BATCH))
        ages = dice.integers(0, YEARS * 365 * 86_400, BATCH)
        extras = dice.random((BATCH, 3))
        systems = dice.integers(1, 1 << len(OperatingSystem.values), BATCH)
        for at in range(max(first, 0), min(last, BATCH)):
            yield self._product(
                block * BATCH + at, list(self._words[ranks[at]]), self._sellers[sellers[at]],
                self._categories[categories[at]], SHAPES[shapes[at]], Decimal(f"{amounts[at]:.2f}"), int(bought[at]),
                int(ages[at]), extras[at], int(systems[at]),
            )  # fmt: skip

    @staticmethod
    def _rank(
        dice: np.random.Generator, chances: NDArray[np.float64], size: int | tuple[int, int]
    ) -> NDArray[np.int64]:
        return np.minimum(np.searchsorted(chances, dice.random(size)), len(chances) - 1)

    def _product(
        self, number: int, words: list[str], seller: str, category: str,
        shape: tuple[str, bool, str, tuple[BillingMode, ...]], amount: Decimal, bought: int, age: int,
        extras: NDArray[np.float64], systems: int,
    ) -> ProductRecord:  # fmt: skip
        method, supervised, flow_type, modes = shape
        name = " ".join(word.capitalize() for word in words[: 2 + int(extras[0] * 3)])
        sentences = [words[14 + start : 26 + start] for start in range(0, DESCRIPTION_WORDS, 12)]
        several = extras[1] < 0.3 and method != "professional_service"
        return ProductRecord(
            slug=f"{'-'.join(words[:2])}-{number}",
            seller=seller,
            category=category,
            name=name,
            delivery_method=method,
            supervised=supervised,
            flow_type=flow_type,
            specifications=[
                _specification(code, title, factor, amount, modes, per_user=extras[2] < 0.25 and method == "saas")
                for code, title, factor in SIZES[: 3 if several else 1]
            ],
            tagline=" ".join(words[4:14]).capitalize() + ".",
            description=" ".join(" ".join(sentence).capitalize() + "." for sentence in sentences),
            operating_systems=[one for at, one in enumerate(OperatingSystem.values) if systems >> at & 1][:3],
            status="published",
            published_at=self._at - timedelta(seconds=age),
            popularity=bought,
            support_email=f"support@{seller}.example",
            support_hours="Monday to Friday, 09:00-18:00 (GMT+08:00)",
        )


def _specification(
    code: str, title: str, factor: int, amount: Decimal, modes: tuple[BillingMode, ...], *, per_user: bool
) -> SpecificationRecord:
    users = AttributeRecord("users", "Users", "quantity", "5", [], 1, 5_000, 1, "user")
    prices = [
        PriceRecord(mode, _for(mode, amount * factor), "USD", "users" if per_user else "")
        for mode in modes
    ]  # fmt: skip
    return SpecificationRecord(code, title, prices, [users] if per_user else [], max_quantity=10)


def _for(mode: BillingMode, monthly: Decimal) -> Decimal:
    match mode:
        case BillingMode.YEARLY:
            return monthly * 10
        case BillingMode.PAY_PER_USE:
            return (monthly / 730).quantize(Decimal("0.000001"))
    return monthly


def load_more(number: int, at: datetime, progress: Progress) -> int:
    """Insert `number` (at least one) published products; the next call goes on where this one ended.

    Returns:
        How many products there are afterwards.
    """
    sellers = _sellers(number, at)
    categories = dict(Category.objects.filter(children=None).order_by("id").values_list("slug", "id"))
    generator = Generator(list(sellers), list(categories), at)
    begin = _next_number()
    end = begin + number
    parts = [(max(first, begin), min(first + BATCH, end)) for first in range(begin - begin % BATCH, end, BATCH)]

    def write(part: tuple[int, int]) -> int:
        try:
            records = list(generator.products(*part))
            with transaction.atomic():
                _in_bulk()
                insert_products(records, sellers=sellers, categories=categories, at=at)
        finally:
            connection.close()
        return len(records)

    # Postgres is busier than Python with a block: two connections give it both cores.
    with ThreadPoolExecutor(WRITERS) as writers:
        done = 0
        for written in writers.map(write, parts):
            done += written
            progress("products", done, number)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE catalog_product, catalog_specification, catalog_price, catalog_attribute")
    return Product.objects.count()


def _next_number() -> int:
    """Behind the highest number that a generated product has in its slug."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT coalesce(max(substring(product.slug FROM '[0-9]+$')::bigint) + 1, 0)
            FROM catalog_product AS product JOIN accounts_seller AS seller ON seller.id = product.seller_id
            WHERE seller.about = %s
            """,
            [_ABOUT],
        )
        return int(cursor.fetchone()[0])


def _in_bulk() -> None:
    """Lets the text indexes gather their entries, and the log be written later: a load can simply be repeated."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off")
        cursor.execute("SET LOCAL gin_pending_list_limit = '512MB'")
        cursor.execute("SET LOCAL work_mem = '256MB'")


def _sellers(number: int, at: datetime) -> dict[str, int]:
    """Ids by slug of the generated sellers, as many as fit so many products; the demo's own keep to their own."""
    wanted = max(20, min(MOST_SELLERS, number // PRODUCTS_PER_SELLER))
    words = vocabulary()[600:]
    Seller.objects.bulk_create(
        (
            Seller(
                slug=f"{words[at_]}-{words[-at_ - 1]}", name=f"{words[at_].capitalize()} {words[-at_ - 1].capitalize()} Ltd.",
                email=f"service@{words[at_]}-{words[-at_ - 1]}.example", about=_ABOUT, created_at=at,
                support_hours="Monday to Friday, 09:00-18:00 (GMT+08:00)",
            )
            for at_ in range(wanted)
        ),
        ignore_conflicts=True,
    )  # fmt: skip
    slugs = [f"{words[at_]}-{words[-at_ - 1]}" for at_ in range(wanted)]
    ids = dict(Seller.objects.filter(slug__in=slugs).values_list("slug", "id"))
    return {slug: ids[slug] for slug in slugs}
