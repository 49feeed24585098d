"""How good an order of search results is, against judgements made by hand (`judgements.csv`)."""

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(slots=True)
class Judged:
    """A query with the grade (3: exactly it, 2: good, 1: acceptable) of every product that answers it."""

    kind: str
    grades: dict[str, int] = field(default_factory=dict)


def read_judgements(path: Path) -> dict[str, Judged]:
    """The judgements by query; a query that nothing answers has no grades."""
    judged: dict[str, Judged] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            entry = judged.setdefault(row["query"], Judged(row["kind"]))
            if row["product"]:
                entry.grades[row["product"]] = int(row["grade"])
    return judged


def gain(grades: Sequence[int]) -> float:
    """The discounted cumulative gain of grades in the order shown."""
    return sum((2**grade - 1) / math.log2(place + 2) for place, grade in enumerate(grades))


def ndcg_at(most: int, found: Sequence[str], grades: dict[str, int]) -> float:
    """The gain of the first `most` results beside that of the best possible order, from 0 to 1.

    Where nothing answers the query, 1 when nothing was found and 0 otherwise.
    """
    if not grades:
        return 0.0 if found else 1.0
    shown = [grades.get(product, 0) for product in found[:most]]
    best = sorted(grades.values(), reverse=True)[:most]
    return gain(shown) / gain(best)
