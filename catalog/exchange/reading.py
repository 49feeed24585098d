"""Rows of a file into records: every fault is named by line and field, none ends the reading."""

import codecs
import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import IO, Any

from django.conf import settings
from django.core.exceptions import ValidationError
from rest_framework import serializers
from rest_framework.exceptions import ParseError

from catalog.choices import PRODUCT_DELIVERY_METHODS, AttributeKind, BillingMode, FlowType, OperatingSystem, PriceScheme
from catalog.exchange.records import (
    AttributeRecord,
    CaseRecord,
    NoteRecord,
    PriceRecord,
    ProductRecord,
    SpecificationRecord,
)
from catalog.models.criteria import LONGEST_LINE as LONGEST_LINE_OF_CRITERIA
from catalog.models.criteria import MOST_LINES, checked_lines
from catalog.price_shapes import check_mode, checked_surcharges, checked_tiers
from koogallery.kernel import clock
from koogallery.kernel.api.input import (
    CleanCharField,
    StrictBooleanField,
    StrictIntegerField,
    StrictSerializer,
    refuse_constant,
    without_duplicates,
)
from koogallery.kernel.text import clean_text

LONGEST_LINE = 1_000_000
# In CSV these cells hold JSON.
NESTED = (
    "highlights", "operating_systems", "badges", "specifications", "customer_cases", "release_notes",
    "acceptance_criteria",
)  # fmt: skip
BOOLEANS = ("supervised", "joint_operation", "public_sales", "auto_renewal_supported")
# A spreadsheet takes a cell that begins so for a formula; export puts an apostrophe before it, import takes it off.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "'")
_AMOUNT = re.compile(r"[0-9]{1,10}(\.[0-9]{1,8})?")


@dataclass(frozen=True, slots=True)
class BadRow:
    """What is wrong with a row; `field` is empty when the row as a whole cannot be read."""

    line: int
    slug: str
    field: str
    why: str

    def __str__(self) -> str:
        """One line, whatever the file holds: nothing in it may turn a terminal or break the report."""
        parts = [str(self.line), self.slug or "-", self.field or "-", self.why]
        return "\t".join("".join(one if one.isprintable() else "\ufffd" for one in part[:300]) for part in parts)


@dataclass(frozen=True, slots=True)
class GoodRow:
    """A valid record with the line that it ends on."""

    line: int
    record: ProductRecord


class AmountInput(serializers.Field[Decimal, Any, str, Any]):
    """Plain digits as text, so that no digit is lost on the way: no exponent, no sign, no fraction in binary."""

    def to_internal_value(self, data: Any) -> Decimal:
        if not isinstance(data, str) or not _AMOUNT.fullmatch(data):
            raise serializers.ValidationError(
                'Write the amount as text such as "5.00": up to 10 digits, a point, up to 8 decimals.'
            )
        return Decimal(data)


class CleanEmailField(serializers.EmailField):
    """An address without control characters, which the standard would allow between quotes."""

    def to_internal_value(self, data: Any) -> str:
        return super().to_internal_value(_clean(data))


class WebAddressField(serializers.URLField):
    """An address of the web."""

    def to_internal_value(self, data: Any) -> str:
        address = _clean(data)
        if address and not address.lower().startswith(("https://", "http://")):
            raise serializers.ValidationError("Write an address that begins with https:// or http://.")
        return super().to_internal_value(address)


def _clean(data: Any) -> str:
    if not isinstance(data, str):
        raise serializers.ValidationError("Not a valid string.")
    try:
        return clean_text(data)
    except ValueError as refused:
        raise serializers.ValidationError(str(refused)) from refused


class PriceInput(StrictSerializer):
    billing_mode = serializers.ChoiceField(BillingMode.choices)
    amount = AmountInput()
    currency = serializers.RegexField("^[A-Z]{3}$", default=lambda: settings.SITE_CURRENCY)
    per = serializers.SlugField(max_length=40, allow_blank=True, default="")
    scheme = serializers.ChoiceField(PriceScheme.choices, default=PriceScheme.LINEAR)
    tiers = serializers.JSONField(default=list)  # type: ignore[arg-type]
    surcharges = serializers.JSONField(default=dict)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        try:
            attrs["tiers"] = checked_tiers(attrs["scheme"], attrs["tiers"])
            attrs["surcharges"] = checked_surcharges(attrs["surcharges"])
        except ValidationError as refused:
            raise serializers.ValidationError(refused.message_dict) from refused
        if attrs["tiers"] and not attrs["per"]:
            raise serializers.ValidationError({"per": ["Tiers need the quantity attribute that they count."]})
        return attrs


class ChoiceInput(StrictSerializer):
    code = serializers.SlugField(max_length=40)
    name = CleanCharField(max_length=80)


class AttributeInput(StrictSerializer):
    code = serializers.SlugField(max_length=40)
    name = CleanCharField(max_length=80)
    kind = serializers.ChoiceField(AttributeKind.choices)
    default = CleanCharField(max_length=40)
    choices = ChoiceInput(many=True, default=list)
    minimum = StrictIntegerField(min_value=0, max_value=2**31 - 1, allow_null=True, default=None)
    maximum = StrictIntegerField(min_value=0, max_value=2**31 - 1, allow_null=True, default=None)
    step = StrictIntegerField(min_value=1, max_value=2**31 - 1, allow_null=True, default=None)
    unit = CleanCharField(max_length=40, allow_blank=True, default="")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["kind"] == AttributeKind.ENUMERATED:
            if attrs["default"] not in {choice["code"] for choice in attrs["choices"]}:
                raise serializers.ValidationError({"default": ["The default must be one of the choices."]})
            return attrs
        low, high, step, default = attrs["minimum"], attrs["maximum"], attrs["step"], attrs["default"]
        if low is None or high is None or step is None or low > high:
            raise serializers.ValidationError("A quantity needs minimum, maximum and step, the minimum not above.")
        if not (default.isascii() and default.isdigit() and low <= int(default) <= high):
            raise serializers.ValidationError({"default": ["The default must lie between minimum and maximum."]})
        return attrs


class SpecificationInput(StrictSerializer):
    code = serializers.SlugField(max_length=40)
    name = CleanCharField(max_length=80)
    max_quantity = StrictIntegerField(min_value=1, max_value=2**31 - 1, default=1)
    longest_years = StrictIntegerField(min_value=1, max_value=3, default=1)
    upgrade_rule = serializers.ListField(child=serializers.SlugField(max_length=40), default=list, max_length=20)
    attributes = AttributeInput(many=True, default=list, max_length=20)  # type: ignore[call-arg]
    prices = PriceInput(many=True, min_length=1, max_length=8)  # type: ignore[call-arg]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        codes = [one["code"] for one in attrs["attributes"]]
        if len(set(codes)) != len(codes):
            raise serializers.ValidationError({"attributes": ["Two attributes have the same code."]})
        modes = [(one["billing_mode"], one["currency"]) for one in attrs["prices"]]
        if len(set(modes)) != len(modes):
            raise serializers.ValidationError({"prices": ["Two prices have the same billing mode and currency."]})
        if not set(attrs["upgrade_rule"]) <= set(codes):
            raise serializers.ValidationError(
                {"upgrade_rule": ["An upgrade rule names the specification's attributes."]}
            )
        counted = {one["code"] for one in attrs["attributes"] if one["kind"] == AttributeKind.QUANTITY}
        if any(one["per"] and one["per"] not in counted for one in attrs["prices"]):
            raise serializers.ValidationError({"prices": ["A price's per must be a quantity attribute's code."]})
        return attrs


class CaseInput(StrictSerializer):
    customer = CleanCharField(max_length=120)
    title = CleanCharField(max_length=200)
    text = CleanCharField(max_length=4000)


class NoteInput(StrictSerializer):
    version = CleanCharField(max_length=20)
    released_at = serializers.DateTimeField()
    text = CleanCharField(max_length=4000)


class ProductInput(StrictSerializer):
    """A product as it stands in a file (docs/catalogue-data.md)."""

    slug = serializers.SlugField(max_length=80)
    seller = serializers.SlugField(max_length=64)
    category = serializers.SlugField(max_length=64)
    name = CleanCharField(max_length=120)
    tagline = CleanCharField(max_length=200, allow_blank=True, default="")
    description = CleanCharField(max_length=20_000, allow_blank=True, default="")
    highlights = serializers.ListField(child=CleanCharField(max_length=200), max_length=20, default=list)
    version = CleanCharField(max_length=20, default="V1.0")
    delivery_method = serializers.ChoiceField([(one.value, one.label) for one in PRODUCT_DELIVERY_METHODS])
    supervised = StrictBooleanField()
    flow_type = serializers.ChoiceField(FlowType.choices, allow_blank=True, default="")
    joint_operation = StrictBooleanField(default=False)
    operating_systems = serializers.ListField(child=serializers.ChoiceField(OperatingSystem.choices), default=list)
    status = serializers.ChoiceField(["draft", "published"], default="draft")
    published_at = serializers.DateTimeField(allow_null=True, default=None)
    public_sales = StrictBooleanField(default=True)
    auto_renewal_supported = StrictBooleanField(default=False)
    badges = serializers.ListField(child=CleanCharField(max_length=40), max_length=5, default=list)
    support_hours = CleanCharField(max_length=200, allow_blank=True, default="")
    support_content = CleanCharField(max_length=2000, allow_blank=True, default="")
    support_hotline = CleanCharField(max_length=60, allow_blank=True, default="")
    support_email = CleanEmailField(max_length=254, allow_blank=True, default="")
    guide_url = WebAddressField(max_length=200, allow_blank=True, default="")
    requirement_template = CleanCharField(max_length=20_000, allow_blank=True, default="")
    popularity = StrictIntegerField(min_value=0, max_value=2**31 - 1, default=0)
    specifications = SpecificationInput(many=True, min_length=1, max_length=20)  # type: ignore[call-arg]
    customer_cases = CaseInput(many=True, default=list, max_length=50)  # type: ignore[call-arg]
    release_notes = NoteInput(many=True, default=list, max_length=200)  # type: ignore[call-arg]
    acceptance_criteria = serializers.ListField(
        child=CleanCharField(max_length=LONGEST_LINE_OF_CRITERIA), max_length=MOST_LINES, default=list
    )

    def validate_acceptance_criteria(self, given: list[str]) -> list[str]:
        try:
            return checked_lines(given)
        except ValidationError as refused:
            raise serializers.ValidationError(refused.messages) from refused

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        method, supervised = attrs["delivery_method"], attrs["supervised"]
        if method in ("license", "professional_service") and not supervised:
            raise serializers.ValidationError({"supervised": ["Licences and services are always supervised."]})
        if method == "image" and supervised:
            raise serializers.ValidationError({"supervised": ["Images are never supervised."]})
        if supervised != bool(attrs["flow_type"]):
            raise serializers.ValidationError({"flow_type": ["Supervised products name their flow, others have none."]})
        if attrs["acceptance_criteria"] and not supervised:
            raise serializers.ValidationError({"acceptance_criteria": ["Only supervised products have criteria."]})
        if attrs["published_at"] and attrs["published_at"] > clock.now():
            raise serializers.ValidationError({"published_at": ["The time lies in the future."]})
        codes = [one["code"] for one in attrs["specifications"]]
        if len(set(codes)) != len(codes):
            raise serializers.ValidationError({"specifications": ["Two specifications have the same code."]})
        try:
            for price in (price for one in attrs["specifications"] for price in one["prices"]):
                check_mode(price["billing_mode"], method)
        except ValidationError as refused:
            raise serializers.ValidationError({"specifications": refused.messages}) from refused
        if len(set(attrs["operating_systems"])) != len(attrs["operating_systems"]):
            raise serializers.ValidationError({"operating_systems": ["An operating system stands there twice."]})
        return attrs


# One for all rows: making a serializer with its fields takes longer than checking a row with it.
_INPUT = ProductInput()
COLUMNS = tuple(_INPUT.fields)


def read_rows(file: IO[bytes], kind: str, *, after: int = 0) -> Iterator[GoodRow | list[BadRow]]:
    """The rows behind line `after`, each valid or with its faults; one line, or CSV row, is in memory at a time.

    Args:
        kind: "jsonl" or "csv".
    """
    rows = _json_rows(file) if kind == "jsonl" else _csv_rows(file)
    for line, given in rows:
        if line <= after:
            continue
        if isinstance(given, str):
            yield [BadRow(line, "", "", given)]
            continue
        yield _checked(line, given)


def _json_rows(file: IO[bytes]) -> Iterator[tuple[int, dict[str, Any] | str]]:
    line = 0
    while raw := file.readline(LONGEST_LINE + 1):
        line += 1
        if len(raw) > LONGEST_LINE:
            while raw and not raw.endswith(b"\n"):
                raw = file.readline(LONGEST_LINE)
            yield line, "The line is longer than 1,000,000 bytes."
            continue
        if line == 1:
            raw = raw.removeprefix(codecs.BOM_UTF8)
        if not raw.strip():
            continue
        try:
            given = json.loads(raw.decode(), object_pairs_hook=without_duplicates, parse_constant=refuse_constant)
        except (UnicodeDecodeError, ValueError, RecursionError, ParseError) as error:
            yield line, f"The line is no JSON in UTF-8: {error}"[:300]
            continue
        yield line, given if isinstance(given, dict) else "The line must be a JSON object."


def _csv_rows(file: IO[bytes]) -> Iterator[tuple[int, dict[str, Any] | str]]:
    csv.field_size_limit(LONGEST_LINE)
    text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")
    # Bounded pieces, so that a file without line ends does not fill the memory.
    reader = csv.reader(iter(lambda: text.readline(2 * LONGEST_LINE), ""), strict=True)
    header: list[str] = []
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield reader.line_num, f"The row is no CSV: {error}"
            continue
        if cells is None:
            text.detach()
            return
        if not cells:
            continue
        if header:
            yield reader.line_num, _of_csv(header, cells)
            continue
        header = cells
        if wrong := _wrong_header(header):
            # Every row would be refused for the same reason.
            yield reader.line_num, wrong
            text.detach()
            return


def _wrong_header(header: list[str]) -> str:
    """What is wrong with the first row; empty when it names columns."""
    if unknown := [name for name in header if name not in COLUMNS]:
        return f"The first row names columns; there is none called {unknown[0]!r}."
    if len(set(header)) != len(header):
        return "The first row names a column twice."
    return ""


def _of_csv(header: list[str], cells: list[str]) -> dict[str, Any] | str:
    if len(cells) != len(header):
        return f"The row has {len(cells)} cells, the header {len(header)}."
    given: dict[str, Any] = {}
    for name, cell in zip(header, cells, strict=True):
        if not cell:
            continue
        plain = cell[1:] if cell[0] == "'" and cell[1:2] in FORMULA_STARTS else cell
        if name in NESTED:
            try:
                given[name] = json.loads(plain, object_pairs_hook=without_duplicates, parse_constant=refuse_constant)
            except (ValueError, RecursionError, ParseError):
                return f"The cell {name} is no JSON."
        elif name in BOOLEANS:
            given[name] = {"true": True, "false": False}.get(plain.lower(), plain)
        elif name == "popularity":
            given[name] = int(plain) if plain.isascii() and plain.isdigit() and len(plain) < 12 else plain
        else:
            given[name] = plain
    return given


def _checked(line: int, given: dict[str, Any]) -> GoodRow | list[BadRow]:
    slug = given.get("slug")
    shown = slug if isinstance(slug, str) and slug.isprintable() else ""
    try:
        return GoodRow(line, _record(_INPUT.run_validation(given)))
    except serializers.ValidationError as error:
        return [BadRow(line, shown[:80], field, why) for field, why in _faults(error.detail)]


def _faults(errors: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every fault with the path of its field, such as `specifications.0.prices.1.amount`."""
    if isinstance(errors, dict):
        for name, inner in errors.items():
            own = path if name in ("non_field_errors", "") else f"{path}.{name}".lstrip(".")
            yield from _faults(inner, own)
    elif isinstance(errors, list) and any(isinstance(one, dict | list) for one in errors):
        for at, inner in enumerate(errors):
            yield from _faults(inner, f"{path}.{at}".lstrip("."))
    else:
        for one in errors:
            yield path, " ".join(str(one).split())


def _record(data: dict[str, Any]) -> ProductRecord:
    specifications = [
        SpecificationRecord(
            **{
                **one,
                "prices": [PriceRecord(**price) for price in one["prices"]],
                "attributes": [AttributeRecord(**attribute) for attribute in one["attributes"]],
            }
        )
        for one in data["specifications"]
    ]
    cases = [CaseRecord(**one) for one in data["customer_cases"]]
    notes = [NoteRecord(**one) for one in data["release_notes"]]
    whole = {**data, "specifications": specifications, "customer_cases": cases, "release_notes": notes}
    return ProductRecord(**whole)
