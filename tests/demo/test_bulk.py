"""Generated products: always the same, believable in their frequencies, valid for the import, and ever more of them."""

import io
import json
from collections import Counter
from dataclasses import asdict
from itertools import islice

import pytest
from django.core.management import call_command

from catalog.exchange.reading import GoodRow, read_rows
from catalog.exchange.records import ProductRecord
from catalog.models import Product, Specification
from demo.bulk import BATCH, Generator, load_more, vocabulary
from koogallery.kernel import clock
from tests.factories import CategoryFactory, ProductFactory

AT = clock.now()
SELLERS = [f"seller-{number}" for number in range(100)]
CATEGORIES = [f"category-{number}" for number in range(12)]


def made(first: int, last: int) -> list[ProductRecord]:
    return list(Generator(SELLERS, CATEGORIES, AT).products(first, last))


@pytest.fixture(scope="module")
def products() -> list[ProductRecord]:
    return made(0, 5_000)


def test_a_product_is_the_same_however_many_are_made(products: list[ProductRecord]) -> None:
    assert made(0, 5) == products[:5]
    assert made(4_990, 5_000) == products[-10:]
    across = made(BATCH - 2, BATCH + 2)
    assert across[:2] == made(BATCH - 2, BATCH)
    assert across[2:] == made(BATCH, BATCH + 2)


def test_slugs_are_unique(products: list[ProductRecord]) -> None:
    assert len({one.slug for one in products}) == len(products)


def test_the_vocabulary_is_large_and_without_repeats() -> None:
    assert len(set(vocabulary())) == 20_000
    assert vocabulary() == vocabulary()


def test_words_follow_zipfs_law(products: list[ProductRecord]) -> None:
    having: Counter[str] = Counter()
    occurring: Counter[str] = Counter()
    for one in products:
        words = f"{one.name} {one.tagline} {one.description}".lower().replace(".", "").split()
        having.update(set(words))
        occurring.update(words)
    ranked = [count for _word, count in occurring.most_common()]
    # The most frequent word: in about a quarter of all products.
    assert 0.18 < having.most_common(1)[0][1] / len(products) < 0.35
    # Ten times the rank, about a tenth as often.
    assert 6 < ranked[99] / ranked[999] < 14
    # And a long tail.
    assert len(ranked) > 15_000


def test_few_sellers_and_categories_have_most_products(products: list[ProductRecord]) -> None:
    for counted in (Counter(one.seller for one in products), Counter(one.category for one in products)):
        counts = sorted(counted.values(), reverse=True)
        assert counts[0] > 3 * counts[len(counts) // 2]


def test_all_kinds_occur(products: list[ProductRecord]) -> None:
    assert {one.delivery_method for one in products} == {"license", "saas", "professional_service", "image"}
    assert {len(one.specifications) for one in products} == {1, 3}
    assert any(one.specifications[0].attributes for one in products)
    assert all(one.published_at and one.published_at <= AT for one in products)


def test_the_import_takes_generated_products(products: list[ProductRecord]) -> None:
    lines = "\n".join(json.dumps(asdict(one), default=str) for one in islice(products, 0, None, 10))
    read = list(read_rows(io.BytesIO(lines.encode()), "jsonl"))
    assert [one for one in read if not isinstance(one, GoodRow)] == []
    assert [one.record for one in read if isinstance(one, GoodRow)] == products[::10]


# VACUUM runs in no transaction.
@pytest.mark.django_db(transaction=True)
def test_every_load_goes_on_behind_the_last_one() -> None:
    ProductFactory(slug="windows-2022", category=CategoryFactory())
    for after in (301, 601, 901):
        assert load_more(300, AT, lambda *_progress: None) == after

    numbers = sorted(int(one.slug.rsplit("-", 1)[1]) for one in Product.objects.exclude(slug="windows-2022"))
    assert numbers == list(range(900))
    assert Specification.objects.count() >= 900
    call_command("check_books", stdout=io.StringIO())
