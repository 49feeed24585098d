"""The measure itself, against values computed by hand."""

import math
from pathlib import Path

import pytest

from tests.search.ndcg import ndcg_at, read_judgements


def test_the_best_order_is_one():
    assert ndcg_at(10, ["a", "b", "c"], {"a": 3, "b": 2, "c": 1}) == 1


def test_a_worse_order_is_less():
    # (3 + 7/log2(3)) / (7 + 3/log2(3))
    expected = (3 + 7 / math.log2(3)) / (7 + 3 / math.log2(3))
    assert ndcg_at(10, ["b", "a"], {"a": 3, "b": 2}) == pytest.approx(expected)


def test_what_is_not_shown_counts_nothing():
    assert ndcg_at(1, ["x", "a"], {"a": 3}) == 0


def test_without_an_answer_only_silence_is_right():
    assert ndcg_at(10, [], {}) == 1
    assert ndcg_at(10, ["a"], {}) == 0


def test_the_judgements_are_as_many_and_as_mixed_as_they_should_be():
    judged = read_judgements(Path(__file__).parent / "judgements.csv")
    kinds = [one.kind for one in judged.values()]
    assert len(judged) >= 80
    assert [kinds.count(kind) >= least for kind, least in (("misspelt", 20), ("cjk", 10), ("none", 10))] == [True] * 3
    assert all(bool(one.grades) == (one.kind != "none") for one in judged.values())
