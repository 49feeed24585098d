"""What the API takes for an action on a service flow: texts, files, answers, application information."""

import json
import re
from collections.abc import Callable
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.request import Request

from koogallery.kernel.api.input import refuse_constant, refuse_unstorable, without_duplicates
from koogallery.kernel.errors import FieldNotTaken
from orders import ports
from supervision import services


class ApplicationInput(serializers.Serializer[Any]):
    """What the buyer of SaaS logs in with; `frontend_url` is needed."""

    username = serializers.CharField(required=False, max_length=128)
    password = serializers.CharField(required=False, max_length=128, write_only=True)
    frontend_url = serializers.CharField(max_length=512)
    management_url = serializers.CharField(required=False, max_length=512)


class ActionInput(serializers.Serializer[Any]):
    """An action's body; which of these an action takes is in API.md.

    Files come as multipart and may repeat; in JSON `attachments` names finished uploads by their ids.
    """

    description = serializers.CharField(required=False, max_length=1000)
    reason = serializers.CharField(required=False, max_length=1000)
    text = serializers.CharField(required=False, max_length=1000)
    note = serializers.CharField(required=False, max_length=1000)
    attachment = serializers.ListField(child=serializers.FileField(), required=False)
    answers = serializers.DictField(child=serializers.CharField(max_length=1000), required=False)
    license_key = serializers.CharField(required=False, max_length=1000)
    application = ApplicationInput(required=False)
    failed_criteria = serializers.ListField(child=serializers.IntegerField(min_value=1), required=False)
    attachments = serializers.ListField(child=serializers.CharField(), required=False)


def files_of(request: Request) -> tuple[list[UploadedFile], list[str]]:
    """`attachment` and `attachments`: files of a multipart body, each may repeat, and ids of finished uploads.

    Raises:
        ValidationError: neither of them.
    """
    data: Any = request.data
    values: list[Any] = []
    for name in ("attachment", "attachments"):
        given = data.getlist(name) if hasattr(data, "getlist") else data.get(name)
        several = given if isinstance(given, list) else [given]
        if not all(hasattr(one, "chunks") or isinstance(one, str) or one is None for one in several):
            raise serializers.ValidationError(
                {name: ["Send files as multipart/form-data, or the ids of finished uploads."]}
            )
        values += [one for one in several if one]
    return [one for one in values if not isinstance(one, str)], [one for one in values if isinstance(one, str)]


def _json(given: Any, name: str) -> Any:
    """A value of the body; in multipart it comes as JSON text."""
    if not isinstance(given, str):
        return given
    try:
        value = json.loads(given, object_pairs_hook=without_duplicates, parse_constant=refuse_constant)
        refuse_unstorable(value)
    except (ValueError, RecursionError, ParseError) as error:
        raise serializers.ValidationError({name: ["Write it as JSON."]}) from error
    return value


def _delivery_extras(request: Request) -> dict[str, Any]:
    """`answers`: an object of texts by the criterion's number; a file for one is the multipart field `answer_N`.

    `license_key`: a text. `application`: an object.
    """
    data: dict[str, Any] = request.data if isinstance(request.data, dict) else {}
    given = _json(data.get("answers", {}), "answers") or {}
    if not isinstance(given, dict) or not all(
        re.fullmatch("[1-9][0-9]?", str(number)) and isinstance(text, str) for number, text in given.items()
    ):
        why = 'Write the answers as texts by the number of their criterion: {"1": "..."}.'
        raise serializers.ValidationError({"answers": [why]})
    answers = {int(number): services.Answer(text) for number, text in given.items()}
    for name, file in (request.FILES or {}).items():
        if found := _ANSWER_FILE.fullmatch(name):
            number = int(found[1])
            answers[number] = services.Answer(answers[number].text if number in answers else "", file)
    key = data.get("license_key", "")
    if not isinstance(key, str):
        raise serializers.ValidationError({"license_key": ["Not a valid string."]})
    return {"answers": answers, "license_key": key, "application": _application(data.get("application"))}


def _application(given: Any) -> ports.ApplicationGiven | None:
    """`application`: an object of texts; none of them is ever part of an answer's body again but by a reveal."""
    given = _json(given, "application")
    if given is None or given == "":
        return None
    names = ApplicationInput().fields
    if not isinstance(given, dict) or not all(isinstance(text, str) for text in given.values()):
        raise serializers.ValidationError({"application": ["Write it as an object of texts."]})
    if unknown := sorted(set(given) - set(names)):
        raise FieldNotTaken(errors={f"application_{name}": ["This field is not taken here."] for name in unknown})
    return ports.ApplicationGiven(**given)


def _rejection_extras(request: Request) -> dict[str, Any]:
    """`failed_criteria`: a list of numbers from 1."""
    data: dict[str, Any] = request.data if isinstance(request.data, dict) else {}
    given = _json(data.get("failed_criteria", []), "failed_criteria") or []
    if not isinstance(given, list) or not all(type(one) is int for one in given):
        raise serializers.ValidationError({"failed_criteria": ["Write a list of the criteria's numbers: [1, 3]."]})
    return {"failed": given}


_ANSWER_FILE = re.compile("answer_([1-9][0-9]?)")
# Action -> the further names of its body, and how they are read.
EXTRAS: dict[str, tuple[tuple[str, ...], Callable[[Request], dict[str, Any]]]] = {
    "deliver": (("answers", "license_key", "application"), _delivery_extras),
    "reject": (("failed_criteria",), _rejection_extras),
}


def texts_of(request: Request, taken: tuple[str, ...], further: tuple[str, ...] = ()) -> dict[str, str]:
    """The texts of an action's body; `further` names are read elsewhere.

    Raises:
        FieldNotTaken: a field that the action does not take.
        ValidationError: something else than a text.
    """
    known = {*taken, *further, "attachment", "attachments"}
    data: dict[str, Any] = request.data if isinstance(request.data, dict) else {}
    answer_files = {name for name in request.FILES or {} if "answers" in further and _ANSWER_FILE.fullmatch(name)}
    unknown = sorted(set(data) - known - answer_files)
    if unknown:
        raise FieldNotTaken(errors={name: ["This field is not taken here."] for name in unknown})
    texts = {}
    for name in taken:
        value = data.get(name, "")
        if not isinstance(value, str):
            raise serializers.ValidationError({name: ["Not a valid string."]})
        texts[name] = value
    return texts
