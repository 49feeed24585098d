"""Chooses the addresses of each case from the data, and counts the SQL queries of a request: its own process.

`python -m bench.choose` prints JSON: for every case its addresses, its queries and what it was chosen by. The choice is
the same every time over the same data.
"""

import json
import random
import re
import sys
from collections import Counter
from collections.abc import Callable
from urllib.parse import quote

import django

SEED = 20_261_122
SAMPLE = 5_000
# So many addresses a case at most; a page cache that starts cold meets them all for the first time.
PRODUCTS, CATEGORIES, RARE, WORDS, COMMON = 50, 20, 10, 20, 5
DEEP_PAGE = 5_000
QUARTER, ABOUT = 0.25, (0.15, 0.35)
# A rare word is one that at most so many products have, whichever is more.
RARE_PRODUCTS, RARE_SHARE = 5, 0.0001
COUNTED = 5

django.setup()

from django.core.cache import cache  # noqa: E402
from django.db import connection  # noqa: E402
from django.db.models import Max, Min  # noqa: E402
from django.http import QueryDict  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402

from catalog import search as searching  # noqa: E402
from catalog.models import Product  # noqa: E402

Case = dict[str, object]


def sample(dice: random.Random) -> list[Product]:
    """Some products of all ages, without sorting a million."""
    ends = Product.objects.aggregate(low=Min("id"), high=Max("id"))
    if ends["low"] is None:
        sys.exit("There are no products to choose from.")
    ids = range(ends["low"], ends["high"] + 1)
    chosen = dice.sample(ids, min(SAMPLE, len(ids)))
    found = list(Product.objects.published().filter(id__in=chosen).select_related("category").order_by("id"))
    dice.shuffle(found)
    return found


def products_with(word: str) -> int:
    """How many products a visitor finds by the word."""
    tree = searching.category_tree()
    return searching.count(searching.read_search(QueryDict(f"q={quote(word)}"), tree), tree)


def words_of(product: Product) -> set[str]:
    """Its longer words in plain letters."""
    return set(re.findall(r"\b[a-z]{5,}\b", f"{product.name} {product.tagline} {product.description}".lower()))


def common_words(seen: Counter[str], of: int, total: int) -> dict[str, float]:
    """Words that about a quarter of the products have (else the nearest one), with the true share."""
    nearest = sorted(seen, key=lambda word: (abs(seen[word] / of - QUARTER), word))[: 4 * COMMON]
    shares = {word: products_with(word) / total for word in nearest}
    nearest.sort(key=lambda word: (abs(shares[word] - QUARTER), word))
    about = [word for word in nearest if ABOUT[0] <= shares[word] <= ABOUT[1]]
    return {word: round(shares[word], 4) for word in (about or nearest[:1])[:COMMON]}


def rare_words(seen: Counter[str], total: int, dice: random.Random) -> dict[str, int]:
    """Words that hardly any product has, with their number."""
    most = max(RARE_PRODUCTS, int(RARE_SHARE * total))
    candidates = sorted(seen, key=lambda word: (seen[word], word))[: 40 * RARE]
    dice.shuffle(candidates)
    found: dict[str, int] = {}
    fewest: dict[str, int] = {}
    for word in candidates:
        number = products_with(word)
        if 0 < number <= most:
            found[word] = number
        elif number:
            fewest[word] = number
        if len(found) == RARE:
            break
    # Small vocabularies have no rare word at a million products: then the rarest there are.
    return found or dict(sorted(fewest.items(), key=lambda one: (one[1], one[0]))[:RARE])


def misspelt(word: str, known: Callable[[str], bool], dice: random.Random) -> str | None:
    """The word with two neighbours swapped or a letter left out, if that is no word itself."""
    at = dice.randrange(1, len(word) - 2)
    swapped = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    wrong = swapped if dice.random() < 0.5 and swapped != word else word[:at] + word[at + 1 :]
    return None if wrong == word or known(wrong) else wrong


def _case(paths: list[str], **chosen: object) -> Case:
    return {"paths": list(dict.fromkeys(paths)), "chosen": chosen}


def choose() -> dict[str, Case]:
    """All cases."""
    dice = random.Random(SEED)
    products = sample(dice)
    total = Product.objects.published().count()
    seen: Counter[str] = Counter()
    for product in products:
        seen.update(words_of(product))
    common, rare = common_words(seen, len(products), total), rare_words(seen, total, dice)
    long = sorted(word for word in seen if len(word) >= 7)
    wrong = [
        one for word in dice.sample(long, min(4 * WORDS, len(long))) if (one := misspelt(word, seen.__contains__, dice))
    ]
    prefixes = [
        name[: dice.randrange(2, min(7, len(name)))]
        for product in products[: 4 * WORDS]
        if len(name := product.name.lower().split()[0]) > 3
    ]
    filtered = [
        f"/categories/{one.category.slug}/?operating_system={one.operating_systems[0]}&delivery_method={one.delivery_method}"
        for one in products
        if one.operating_systems
    ]
    page = max(1, min(DEEP_PAGE, -(-total // searching.PAGE_SIZE)))
    deep = [f"/products/?ordering={ordering}&page={page}" for ordering in ("newest", "price", "-price", "popular")]
    deep += [f"/products/?page={max(1, page - back)}" for back in range(6)]
    return {
        "home": _case(["/"]),
        "category": _case(list(dict.fromkeys(filtered))[:CATEGORIES]),
        "common": _case([f"/search/?q={word}" for word in common], share_of_products=common),
        "rare": _case([f"/search/?q={word}" for word in rare], products=rare),
        "misspelt": _case([f"/search/?q={word}" for word in wrong[:WORDS]]),
        "suggestion": _case([f"/search/suggest/?q={quote(one)}" for one in list(dict.fromkeys(prefixes))[:WORDS]]),
        "product": _case([product.get_absolute_url() for product in products[:PRODUCTS]]),
        "deep": _case(deep, page=page),
    }


def queries(client: Client, paths: list[str]) -> int:
    """SQL queries of one request that no cache answers: the most of some addresses, each asked for once."""
    most = 0
    for path in paths[:COUNTED]:
        cache.clear()
        with CaptureQueriesContext(connection) as captured:
            client.get(path)
        most = max(most, len(captured))
    return most


def main() -> None:
    """Print the cases."""
    client = Client(headers={"host": "127.0.0.1"})
    cases = choose()
    # What a process reads once in its life is no query of a request.
    client.get("/products/")
    for case in cases.values():
        paths = case["paths"]
        assert isinstance(paths, list)
        case["queries"] = queries(client, paths)
    print(json.dumps({"products": Product.objects.published().count(), "cases": cases}))


if __name__ == "__main__":
    main()
