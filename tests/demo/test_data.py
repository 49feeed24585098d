"""The demo catalogue is real input: sound, original and complete, and its check would notice if it were not."""

import shutil
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from demo.check_data import DATA, load, problems, sentences

SELLER = "northwind-digital"


def test_demo_data_is_sound() -> None:
    assert problems() == []


def test_northwind_sells_what_the_contract_promises() -> None:
    products = load(DATA / "sellers" / f"{SELLER}.yaml")["products"]

    offered = {
        (product["delivery_method"], product["supervised"], price["billing_mode"])
        for product in products
        for specification in product["specifications"]
        for price in specification["prices"]
    }

    assert {
        ("license", True, "monthly"),
        ("license", True, "yearly"),
        ("license", True, "one_time"),
        ("professional_service", True, "one_time"),
        ("professional_service", True, "monthly"),
        ("saas", True, "monthly"),
        ("saas", False, "monthly"),
        ("image", False, "monthly"),
        ("image", False, "pay_per_use"),
    } <= offered
    assert any(product["auto_renewal"] for product in products)
    ruled = {
        product["supervised"]
        for product in products
        for one in product["specifications"]
        if one.get("upgrade_rule") and "monthly" in {price["billing_mode"] for price in one["prices"]}
    }
    assert ruled == {True, False}
    assert any(item["max_quantity"] == 10 for product in products for item in product["specifications"])


def _first(content: dict[str, Any]) -> dict[str, Any]:
    product: dict[str, Any] = content["products"][0]
    return product


def _share_a_sentence(content: dict[str, Any]) -> None:
    one, other = content["products"][:2]
    other["description"] += "\n\nNobody else writes this sentence here.\n"
    one["tagline"] = "Nobody else  writes THIS sentence here"


def _sell_an_image_with_supervision(content: dict[str, Any]) -> None:
    _first(content)["delivery_method"] = "image"


def _forget_a_key(content: dict[str, Any]) -> None:
    del _first(content)["support"]


def _write_a_number_as_price(content: dict[str, Any]) -> None:
    _first(content)["specifications"][0]["prices"][0]["amount"] = 29.0


def _default_off_the_step(content: dict[str, Any]) -> None:
    _first(content)["specifications"][0]["attributes"][0]["default"] = 51


def _repeat_a_slug(content: dict[str, Any]) -> None:
    _first(content)["slug"] = content["products"][1]["slug"]


def _be_terse(content: dict[str, Any]) -> None:
    _first(content)["description"] = "A product."


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        pytest.param(_share_a_sentence, "shares a sentence", id="sentence_in_two_products"),
        pytest.param(_sell_an_image_with_supervision, "supervision does not fit", id="supervised_image"),
        pytest.param(_forget_a_key, "lacks support", id="missing_key"),
        pytest.param(_write_a_number_as_price, "is no amount", id="float_price"),
        pytest.param(_default_off_the_step, "step and default of users", id="default_off_the_step"),
        pytest.param(_repeat_a_slug, "occurs twice", id="slug_twice"),
        pytest.param(_be_terse, "has 2 words", id="short_description"),
    ],
)
def test_spoilt_data_is_noticed(spoil: Callable[[dict[str, Any]], None], said: str, tmp_path: Path) -> None:
    shutil.copytree(DATA, tmp_path / "data")
    path = tmp_path / "data" / "sellers" / f"{SELLER}.yaml"
    content = deepcopy(load(path))
    spoil(content)
    path.write_text(yaml.safe_dump(content), encoding="utf-8")

    assert any(said in line for line in problems(tmp_path / "data"))


def test_sentences_are_compared_without_marks_and_wrapping() -> None:
    text = "## A heading of five words\n\n- **Fast**, small and\n  well tested tools. Short one.\n"

    assert list(sentences(text)) == ["a heading of five words", "fast small and well tested tools"]
