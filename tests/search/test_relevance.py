"""The ranking against eighty queries judged by hand over the demo catalogue (`judgements.csv`)."""

from pathlib import Path
from statistics import fmean

import pytest

from catalog.search import Search, category_tree, find
from demo.catalogue import load_sellers, load_synonyms
from koogallery.kernel import clock
from tests.search.ndcg import ndcg_at, read_judgements

pytestmark = pytest.mark.django_db

JUDGED = read_judgements(Path(__file__).parent / "judgements.csv")
ENOUGH = 0.9


def test_the_demo_catalogue_is_found_as_people_would_want(capsys):
    load_sellers(clock.now(), lambda *_progress: None)
    load_synonyms()
    tree = category_tree()
    scores: dict[str, float] = {}
    for query, judged in JUDGED.items():
        found = [product.slug for product in find(Search(text=query), tree).page]
        scores[query] = ndcg_at(10, found, judged.grades)
    kinds = sorted({judged.kind for judged in JUDGED.values()})
    means = {kind: fmean(scores[query] for query, judged in JUDGED.items() if judged.kind == kind) for kind in kinds}
    mean = fmean(scores.values())
    with capsys.disabled():
        print(
            f"\nnDCG@10 {mean:.3f} over {len(scores)} queries:",
            ", ".join(f"{kind} {means[kind]:.3f}" for kind in kinds),
        )
        for query in sorted(scores, key=lambda query: scores[query])[:25]:
            print(f"  {scores[query]:.2f} {query}")
    assert mean >= ENOUGH
    assert min(means.values()) >= 0.8


def test_the_judged_products_exist():
    load_sellers(clock.now(), lambda *_progress: None)
    from catalog.models import Product

    known = set(Product.objects.values_list("slug", flat=True))
    assert {slug for judged in JUDGED.values() for slug in judged.grades} <= known
