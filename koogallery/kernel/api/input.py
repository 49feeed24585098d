"""Strict input: bounded JSON without duplicate keys, bodies without unknown fields, clean texts."""

import codecs
import json
from collections.abc import Iterator
from typing import IO, Any

from django.conf import settings
from rest_framework import serializers
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import JSONParser

from koogallery.kernel.text import clean_text

DEEPEST = 20


class PayloadTooLarge(APIException):
    """More than the interface takes in one body."""

    status_code = 413
    default_detail = "The body is too large."


def without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; refuses one in which a key stands twice.

    Raises:
        ParseError
    """
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ParseError(f"The key {name!r} stands twice in one object.")
        found[name] = value
    return found


def refuse_constant(name: str) -> None:
    """Refuse NaN and Infinity, which are no JSON.

    Raises:
        ParseError
    """
    raise ParseError(f"{name} is no JSON number.")


def _depth(value: Any, level: int = 0) -> None:
    if level > DEEPEST:
        raise ParseError("The JSON is nested too deeply.")
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _depth(inner, level + 1)


def _texts(value: Any) -> Iterator[str]:
    """Every text in a JSON value, names too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def refuse_unstorable(value: Any) -> None:
    """Refuse NUL and lone surrogates, in names too: the database stores no text with them, and no answer can repeat one.

    Raises:
        ParseError
    """
    for text in _texts(value):
        if any(one == "\x00" or "\ud800" <= one <= "\udfff" for one in text):
            raise ParseError("The body has a character that cannot be stored: NUL, or half of a surrogate pair.")


class StrictJSONParser(JSONParser):
    """JSON in UTF-8, at most `DATA_UPLOAD_MAX_MEMORY_SIZE` bytes, without NaN, duplicate keys, NUL or lone surrogates."""

    def parse(self, stream: IO[Any], media_type: str | None = None, parser_context: Any = None) -> Any:
        limit: int = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        raw = stream.read(limit + 1)
        if len(raw) > limit:
            raise PayloadTooLarge
        if not raw.strip():
            return {}
        try:
            text = codecs.decode(raw, "utf-8")
            value = json.loads(text, object_pairs_hook=without_duplicates, parse_constant=refuse_constant)
        except (UnicodeDecodeError, ValueError, RecursionError) as broken:
            raise ParseError("The body is no JSON in UTF-8.") from broken
        if not isinstance(value, dict):
            raise ParseError("The body must be a JSON object.")
        _depth(value)
        if b"\\u" in raw:  # nothing else writes them in what is UTF-8
            refuse_unstorable(value)
        return value


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses fields that it does not know: a price or a status sent along is a mistake to be told, not to be dropped."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) or hasattr(data, "keys"):
            writable = {name for name, field in self.fields.items() if not field.read_only}
            if unknown := sorted(set(data.keys()) - writable):
                raise serializers.ValidationError({name: ["This field is not taken here."] for name in unknown})
        return super().to_internal_value(data)


class CleanCharField(serializers.CharField):
    """A bounded text without control characters, or such as turn the reading direction."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise serializers.ValidationError("Not a valid string.")
        try:
            return clean_text(data)
        except ValueError as refused:
            raise serializers.ValidationError(str(refused)) from refused


class StrictIntegerField(serializers.IntegerField):
    """A whole number that came as a JSON number: no string, no truth value, no fraction."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            raise serializers.ValidationError("A valid integer is required.")
        return super().to_internal_value(data)


class StrictBooleanField(serializers.BooleanField):
    """`true` or `false`, nothing that only looks like it."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            raise serializers.ValidationError("Must be true or false.")
        return data
