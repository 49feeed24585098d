"""Checks the hand-written demo catalogue in `demo/data`: shape, codes, prices, originality and coverage.

    python -m demo.check_data

prints a line for each problem and ends with exit code 1 when there is one.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import yaml

from catalog.choices import PRODUCT_DELIVERY_METHODS, AttributeKind, BillingMode, FlowType, OperatingSystem

DATA = Path(__file__).resolve().parent / "data"

FEWEST_SELLERS = 20
FEWEST_PRODUCTS = 80
FEWEST_DESCRIPTION_WORDS = 120
FEWEST_SENTENCE_WORDS = 5
"""Shorter pieces ("What it is not", "Up to 10 users") are labels, and labels may recur."""

LOGO_SHAPES = frozenset(
    ["bars", "wave", "hex", "ring", "leaf", "shield", "spark", "grid", "layers", "bolt", "cube", "orbit"]
)
METHODS = frozenset(method.value for method in PRODUCT_DELIVERY_METHODS)
MODES_OF_METHOD = {
    "license": {"yearly", "monthly", "one_time"},
    "professional_service": {"yearly", "monthly", "one_time"},
    "saas": {"yearly", "monthly"},
    "image": {"yearly", "monthly", "pay_per_use"},
}

SELLER_KEYS = frozenset(["slug", "name", "country", "about", "email", "phone", "support_hours", "website"])
PRODUCT_KEYS = frozenset(
    [
        "slug",
        "name",
        "tagline",
        "category",
        "delivery_method",
        "supervised",
        "flow_type",
        "operating_systems",
        "version",
        "auto_renewal",
        "published_days_ago",
        "popularity",
        "logo",
        "badges",
        "highlights",
        "description",
        "specifications",
        "support",
        "customer_cases",
        "requirement_template",
        "acceptance_criteria",
        "release_notes",
        "agreements",
    ]
)
SPECIFICATION_KEYS = frozenset(["code", "name", "attributes", "prices", "max_quantity"])
QUANTITY_KEYS = frozenset(["code", "name", "kind", "min", "max", "step", "default", "unit"])
ENUMERATED_KEYS = frozenset(["code", "name", "kind", "default", "choices"])
LONGEST = {"name": 120, "tagline": 140, "version": 20}
"""Most characters of a product's short texts; the columns are at least as wide."""

SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
CODE = re.compile(r"[a-z0-9]+([-_][a-z0-9]+)*")
CLOCK_HOURS = re.compile(r"\(GMT[+-]\d{2}:\d{2}\)")
AMOUNT = re.compile(r"\d+\.\d{2,6}")


def load(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file.

    Raises:
        TypeError: the file holds something else.
    """
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise TypeError(f"{path.name} holds no mapping")
    return content


def problems(folder: Path = DATA) -> list[str]:
    """Everything that is wrong with the demo data in `folder`, one sentence each; an empty list when it is sound."""
    found: list[str] = []
    tree: list[dict[str, Any]] = load(folder / "categories.yaml")["categories"]
    leaves = {child["slug"] for top in tree for child in top["children"]}
    categories = leaves | {top["slug"] for top in tree}
    found += _agreement_problems(load(folder / "agreements.yaml")["agreements"])
    files = {path.stem: load(path) for path in sorted((folder / "sellers").glob("*.yaml"))}
    for stem, content in files.items():
        found += [f"{stem}: {line}" for line in _seller_problems(stem, content)]
        for product in content["products"]:
            found += [f"{product.get('slug')}: {line}" for line in _product_problems(product, categories)]
    if found:
        return found  # what spans files is only looked at once every file is sound in itself
    products = [product for content in files.values() for product in content["products"]]
    found += _repeated("product slug", [str(product["slug"]) for product in products])
    found += _repeated("product name", [str(product["name"]) for product in products])
    found += _repeated("seller name", [str(content["seller"]["name"]) for content in files.values()])
    found += _shared_sentences(files)
    found += _gaps(files, products, leaves)
    return found


def _agreement_problems(agreements: list[dict[str, Any]]) -> Iterator[str]:
    for agreement in agreements:
        yield from _key_problems(agreement, frozenset({"code", "title", "version", "text"}), "agreement")
        if len(agreement["text"].split()) < 200:
            yield f"{agreement['code']}: fewer than 200 words"


def _seller_problems(stem: str, content: Mapping[str, Any]) -> Iterator[str]:
    seller = content["seller"]
    yield from _key_problems(seller, SELLER_KEYS, "seller")
    if seller["slug"] != stem:
        yield f"the file is not named after the seller {seller['slug']}"
    if not re.fullmatch(r"[A-Z]{2}", str(seller["country"])):  # an unquoted NO is a boolean in YAML
        yield f"{seller['country']} is no ISO 3166-1 code"
    if "555" not in seller["phone"]:
        yield "the telephone number is not a fictional one (555)"
    if not seller["email"].endswith(".example") or not seller["website"].endswith(".example"):
        yield "addresses end in .example"
    if not CLOCK_HOURS.search(seller["support_hours"]):
        yield "support hours name no time zone"


def _product_problems(product: Mapping[str, Any], categories: set[str]) -> Iterator[str]:
    if misshapen := list(_key_problems({"acceptance_criteria": [], **product}, PRODUCT_KEYS, "product")):
        yield from misshapen
        return
    if not SLUG.fullmatch(product["slug"]):
        yield "the slug is not in kebab-case"
    for key, longest in LONGEST.items():
        if len(product[key]) > longest:
            yield f"{key} is longer than {longest} characters"
    if product["category"] not in categories:
        yield f"unknown category {product['category']}"
    unknown_systems = set(product["operating_systems"]) - set(OperatingSystem.values)
    if unknown_systems or not product["operating_systems"]:
        yield f"operating systems: none, or unknown {sorted(unknown_systems)}"
    yield from _delivery_problems(product)
    if product["logo"]["shape"] not in LOGO_SHAPES or not 0 <= product["logo"]["hue"] <= 359:
        yield f"logo {product['logo']} cannot be drawn"
    criteria = product.get("acceptance_criteria", [])
    if criteria and (not product["supervised"] or len(criteria) != len({*criteria}) or max(map(len, criteria)) > 300):
        yield "acceptance criteria: of a supervised product, distinct, up to 300 characters each"
    if not 3 <= len(product["highlights"]) <= 5:
        yield "there are not three to five highlights"
    if any(len(badge) > 40 for badge in product["badges"]):
        yield "a badge is longer than 40 characters"
    words = len(product["description"].split())
    if words < FEWEST_DESCRIPTION_WORDS:
        yield f"the description has {words} words"
    yield from _text_problems(product)
    yield from _repeated("specification", [specification["code"] for specification in product["specifications"]])
    if not product["specifications"]:
        yield "there is no specification"
    for specification in product["specifications"]:
        for line in _specification_problems(product["delivery_method"], specification):
            yield f"{specification['code']}: {line}"


def _delivery_problems(product: Mapping[str, Any]) -> Iterator[str]:
    method, supervised, flow_type = product["delivery_method"], product["supervised"], product["flow_type"]
    if method not in METHODS:
        yield f"unknown delivery method {method}"
    if (method in ("license", "professional_service") and not supervised) or (method == "image" and supervised):
        yield "supervision does not fit the delivery method (RULES 1.1)"
    if (supervised and flow_type not in FlowType.values) or (not supervised and flow_type is not None):
        yield f"flow type {flow_type} does not fit"
    modes = {price["billing_mode"] for item in product["specifications"] for price in item["prices"]}
    if product["auto_renewal"] and (
        method not in ("license", "professional_service") or not modes & {"yearly", "monthly"}
    ):
        yield "only licences and professional services with a term renew by themselves (RULES 3.2)"
    needs_template = method == "professional_service" or (method == "saas" and supervised)
    template = product["requirement_template"]
    if needs_template != (template is not None):
        yield "a requirement template is missing, or nobody would read it"
    if template is not None and len(template.strip().splitlines()) < 10:
        yield "the requirement template has fewer than ten lines"


def _text_problems(product: Mapping[str, Any]) -> Iterator[str]:
    support = product["support"]
    yield from _key_problems(support, frozenset({"hours", "content", "hotline", "email"}), "support")
    if not CLOCK_HOURS.search(support["hours"]):
        yield "support hours name no time zone"
    if not support["email"].endswith(".example") or "555" not in support["hotline"]:
        yield "the support contact is not a fictional one"
    if len(product["customer_cases"]) > 2:
        yield "there are more than two customer cases"
    for case in product["customer_cases"]:
        yield from _key_problems(case, frozenset({"customer", "title", "text"}), "customer case")
        if not 40 <= len(case["text"].split()) <= 90:
            yield f"the case of {case['customer']} has {len(case['text'].split())} words"
    for note in product["release_notes"]:
        yield from _key_problems(note, frozenset({"version", "date_days_ago", "text"}), "release note")
    if len(product["agreements"]) > 1:
        yield "there is more than one agreement"
    for agreement in product["agreements"]:
        yield from _key_problems(agreement, frozenset({"title", "text"}), "agreement")
        if len(agreement["text"].split()) < 60:
            yield f"the agreement has {len(agreement['text'].split())} words"


def _specification_problems(method: str, specification: Mapping[str, Any]) -> Iterator[str]:
    rule = specification.get("upgrade_rule", [])
    without_rule = {key: value for key, value in specification.items() if key != "upgrade_rule"}
    yield from _key_problems(without_rule, SPECIFICATION_KEYS, "specification")
    if rule and (method != "saas" or not set(rule) <= {one["code"] for one in specification["attributes"]}):
        yield "the upgrade rule is for no SaaS, or names no attribute"
    if not CODE.fullmatch(specification["code"]):
        yield "the code is not in lower case"
    if specification["max_quantity"] < 1:
        yield "nothing can be bought"
    attributes = specification["attributes"]
    if method == "image" and attributes:
        yield "images have no attributes"
    yield from _repeated("attribute", [attribute["code"] for attribute in attributes])
    for attribute in attributes:
        yield from _attribute_problems(attribute)
    counted = {attribute["code"] for attribute in attributes if attribute["kind"] == AttributeKind.QUANTITY}
    prices = specification["prices"]
    if not prices:
        yield "there is no price"
    yield from _repeated("price", [price["billing_mode"] for price in prices])
    for price in prices:
        yield from _key_problems(price, frozenset({"billing_mode", "amount", "per"}), "price")
        if price["billing_mode"] not in MODES_OF_METHOD.get(method, set()):
            yield f"{method} is not sold {price['billing_mode']}"
        if price["per"] is not None and price["per"] not in counted:
            yield f"the price is multiplied by {price['per']}, which is no quantity attribute"
        if not _is_amount(price["amount"]):
            yield f"{price['amount']!r} is no amount"


def _attribute_problems(attribute: Mapping[str, Any]) -> Iterator[str]:
    code = attribute["code"]
    if not CODE.fullmatch(code):
        yield f"the attribute code {code} is not in lower case"
    if attribute["kind"] == AttributeKind.QUANTITY:
        yield from _key_problems(attribute, QUANTITY_KEYS, f"attribute {code}")
        low, high, step, default = (attribute[key] for key in ("min", "max", "step", "default"))
        if not (0 <= low <= default <= high and step >= 1 and (default - low) % step == (high - low) % step == 0):
            yield f"the bounds, step and default of {code} do not fit"
    elif attribute["kind"] == AttributeKind.ENUMERATED:
        yield from _key_problems(attribute, ENUMERATED_KEYS, f"attribute {code}")
        codes = [choice["code"] for choice in attribute["choices"]]
        if not all(isinstance(choice, str) and CODE.fullmatch(choice) for choice in codes):  # YAML: `no` is a boolean
            yield f"a choice of {code} is not in lower case"
        yield from _repeated(f"choice of {code}", codes)
        if attribute["default"] not in codes or len(codes) < 2:
            yield f"{code} has fewer than two choices, or a default that is none of them"
    else:
        yield f"unknown kind {attribute['kind']} of attribute {code}"


def _is_amount(amount: object) -> bool:
    """A positive decimal number in a string, so that YAML makes no float of it."""
    if not isinstance(amount, str) or not AMOUNT.fullmatch(amount):
        return False
    try:
        return Decimal(amount) > 0
    except InvalidOperation:
        return False


def _key_problems(mapping: Mapping[str, Any], expected: frozenset[str], what: str) -> Iterator[str]:
    if missing := expected - mapping.keys():
        yield f"{what} lacks {', '.join(sorted(missing))}"
    if unknown := mapping.keys() - expected:
        yield f"{what} has unknown {', '.join(sorted(unknown))}"


def _repeated(what: str, values: list[str]) -> Iterator[str]:
    for value in sorted({value for value in values if values.count(value) > 1}):
        yield f"{what} {value} occurs twice"


def sentences(text: str) -> Iterator[str]:
    """The sentences, list items and headings of a Markdown text, without marks, capitals or double blanks.

    A line break inside a paragraph ends no sentence; what is shorter than `FEWEST_SENTENCE_WORDS` is left out.
    """
    for block in re.split(r"\n\s*\n|\n(?=\s*(?:[-*#|]|\d+\.)\s*)", text):
        flat = re.sub(r"\s+", " ", re.sub(r"[*_`#>|]", " ", block))
        for piece in re.split(r"(?<=[.!?:;])\s+", flat):
            words = re.findall(r"[\w'%$.,-]*\w", piece.casefold())
            if len(words) >= FEWEST_SENTENCE_WORDS:
                yield " ".join(words)


def _prose(files: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Where a text stands, and the text: all that a vendor's writer wrote. Questionnaires are forms, not prose."""
    for stem, content in files.items():
        yield stem, content["seller"]["about"]
        for product in content["products"]:
            slug = product["slug"]
            for text in (product["tagline"], product["description"], product["support"]["content"]):
                yield slug, text
            for text in product["highlights"]:
                yield slug, text
            for part in ("customer_cases", "release_notes", "agreements"):
                for item in product[part]:
                    yield slug, item["text"]
            for case in product["customer_cases"]:
                yield slug, case["title"]


def _shared_sentences(files: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    first_seen: dict[str, str] = {}
    for place, text in _prose(files):
        for sentence in sentences(text):
            earlier = first_seen.setdefault(sentence, place)
            if earlier != place:
                yield f"{place}: shares a sentence with {earlier}: {sentence}"


def _gaps(files: Mapping[str, Mapping[str, Any]], products: list[dict[str, Any]], leaves: set[str]) -> Iterator[str]:
    """What the demo must show and does not."""
    if len(files) < FEWEST_SELLERS or len(products) < FEWEST_PRODUCTS:
        yield f"there are {len(files)} sellers with {len(products)} products"
    prices = [price for product in products for item in product["specifications"] for price in item["prices"]]
    shown: dict[str, tuple[set[str], set[str]]] = {
        "category": (leaves, {product["category"] for product in products}),
        "delivery method": (set(METHODS), {product["delivery_method"] for product in products}),
        "operating system": (
            set(OperatingSystem.values),
            {system for product in products for system in product["operating_systems"]},
        ),
        "billing mode": (set(BillingMode.values), {price["billing_mode"] for price in prices}),
    }
    for what, (wanted, present) in shown.items():
        for missing in sorted(wanted - present):
            yield f"no product shows the {what} {missing}"


def main() -> int:
    found = problems()
    summary = f"{len(found)} problems" if found else "The demo data is sound."
    sys.stdout.writelines(f"{line}\n" for line in [*found, summary])
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
