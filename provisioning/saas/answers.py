"""Reading a seller's answer, field by field (RULES 2.1, 2.3, 2.4): what it gives, and in words what is wrong with it."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from koogallery.kernel.outgoing import Answer
from orders.ports import ApplicationGiven
from provisioning.rules import cleaned_application
from provisioning.saas import signing, words
from provisioning.saas.messages import Told
from provisioning.saas.words import Activity, Version

DOTS = "••••••••"
LONGEST_SHOWN = 8_000
LONGEST = {
    "resultCode": 6, "resultMsg": 255, "instanceId": 64, "frontEndUrl": 512, "adminUrl": 512, "userName": 128,
    "password": 128, "memo": 1024,
}  # fmt: skip
OPTIONAL_APP_FIELDS = ("adminUrl", "userName", "password", "memo")
_SECRET_FIELDS = frozenset({"password", "memo"})


class Outcome(Enum):
    """What an answer means for the call."""

    DONE = "done"
    # The seller works on it: ask again.
    PROCESSING = "processing"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Verdict:
    """An answer as it was understood.

    Attributes:
        faults: what is wrong, in words for the seller; empty unless it failed.
        code: the result code, or empty.
        application: what the buyer logs in with, where the answer has it.
        shown: the answer as people may read it: without passwords.
        reached: whether the seller's server answered over HTTP at all; False counts against his line.
    """

    outcome: Outcome
    faults: tuple[str, ...] = ()
    code: str = ""
    instance_id: str = ""
    application: ApplicationGiven | None = field(default=None, repr=False)
    shown: str = ""
    status: int | None = None
    reached: bool = True


class _Wrong(Exception):
    """The answer breaks a rule; the message says which."""


def no_answer(why: str) -> Verdict:
    """The verdict on a call that got none."""
    return Verdict(Outcome.FAILED, (why,), reached=False)


def read_answer(version: str, told: Told, answer: Answer, *, access_keys: Sequence[str]) -> Verdict:
    """What an answer says.

    Args:
        access_keys: those that the seller may have signed with, the newest first.
    """
    verdict = Verdict(Outcome.FAILED, status=answer.status, shown=shown_body(answer.body), reached=answer.status < 500)
    try:
        if answer.status != 200:
            raise _Wrong(f"The production interface answers with HTTP status {answer.status} instead of 200.")
        key = _signed_with(answer, access_keys)
        data = _json_object(answer.body)
        code = _text(data, "resultCode", mandatory=True)
        if code not in words.CODES:
            raise _Wrong(f"The result code {code[:6]!r} is not one of the production interface.")
        _text(data, "resultMsg")
        verdict = replace(verdict, code=code)
        return _READERS.get(told.activity, _read_plain)(version, told, data, key, verdict)
    except _Wrong as wrong:
        return replace(verdict, faults=(str(wrong),))


def _signed_with(answer: Answer, access_keys: Sequence[str]) -> str:
    header = answer.headers.get("body-sign", "")
    for key in access_keys:
        if signing.body_sign_is_right(header, key, answer.body):
            return key
    raise _Wrong(words.WRONG_BODY_SIGN if signing.has_body_sign_form(header) else words.NO_BODY_SIGN)


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        data = json.loads(body.decode(), object_pairs_hook=_without_duplicates, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise _Wrong("The production interface response is no JSON in UTF-8.") from None
    if not isinstance(data, dict):
        raise _Wrong("The production interface response is no JSON object.")
    return data


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _value in pairs}) != len(pairs):
        raise ValueError("A key stands twice.")
    return dict(pairs)


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _text(data: dict[str, Any], name: str, *, mandatory: bool = False) -> str:
    value = data.get(name)
    if value is None or value == "":
        if mandatory:
            raise _Wrong(words.does_not_contain(name))
        return ""
    if not isinstance(value, str):
        raise _Wrong(f"{name} must be a text.")
    if len(value) > LONGEST[name]:
        raise _Wrong(words.length_invalid(name, LONGEST[name], len(value)))
    return value


def _instance_id(data: dict[str, Any]) -> str:
    found = _text(data, "instanceId", mandatory=True)
    if not found.isprintable() or "," in found or found != found.strip():
        raise _Wrong("instanceId has characters that no ID has.")
    return found


def _read_create(version: str, told: Told, data: dict[str, Any], key: str, verdict: Verdict) -> Verdict:
    if version == Version.V1:
        if verdict.code == words.PROCESSING:
            return replace(verdict, outcome=Outcome.PROCESSING)
        _must_be_ok(verdict)
        verdict = replace(verdict, outcome=Outcome.DONE, instance_id=_instance_id(data))
        return replace(verdict, application=_v1_application(data, key))
    if verdict.code != words.PROCESSING:
        _must_be_ok(verdict)
    return replace(verdict, outcome=Outcome.DONE, instance_id=_instance_id(data))


def _read_query(version: str, told: Told, data: dict[str, Any], key: str, verdict: Verdict) -> Verdict:
    if verdict.code == words.PROCESSING:
        return replace(verdict, outcome=Outcome.PROCESSING)
    _must_be_ok(verdict)
    info = data.get("info")
    if not isinstance(info, list):
        raise _Wrong(words.does_not_contain("info"))
    # What it says of other instances is none of this order's business.
    mine = [one for one in info if isinstance(one, dict) and one.get("instanceId") == told.instance_id]
    if not mine:
        raise _Wrong(words.does_not_contain(f"info of instanceId {told.instance_id}"))
    if mine[0].get("appInfo") is None:
        return replace(verdict, outcome=Outcome.PROCESSING, instance_id=told.instance_id)
    application = _application(_app_info(mine[0]))
    return replace(verdict, outcome=Outcome.DONE, instance_id=told.instance_id, application=application)


def _read_release(version: str, told: Told, data: dict[str, Any], key: str, verdict: Verdict) -> Verdict:
    if verdict.code == words.MISSING:
        return replace(verdict, outcome=Outcome.DONE)
    return _read_plain(version, told, data, key, verdict)


def _read_plain(version: str, told: Told, data: dict[str, Any], key: str, verdict: Verdict) -> Verdict:
    if verdict.code == words.PROCESSING:
        return replace(verdict, outcome=Outcome.PROCESSING)
    _must_be_ok(verdict)
    return replace(verdict, outcome=Outcome.DONE)


_READERS = {Activity.CREATE: _read_create, Activity.QUERY: _read_query, Activity.RELEASE: _read_release}


def _must_be_ok(verdict: Verdict) -> None:
    if verdict.code != words.OK:
        raise _Wrong(words.returns_error(verdict.code))


def _app_info(data: dict[str, Any]) -> dict[str, str]:
    given = data.get("appInfo")
    if not isinstance(given, dict):
        raise _Wrong(words.does_not_contain("appInfo"))
    found = {"frontEndUrl": _text(given, "frontEndUrl", mandatory=True)}
    return found | {name: _text(given, name) for name in OPTIONAL_APP_FIELDS}


def _v1_application(data: dict[str, Any], key: str) -> ApplicationGiven:
    kind = str(data.get("encryptType") or "1")
    if kind not in signing.KEY_BYTES:
        raise _Wrong("encryptType must be 1 (AES256) or 2 (AES128).")
    found = _app_info(data)
    for name in ("userName", "password"):
        if found[name]:
            try:
                found[name] = signing.decrypt_field(found[name], key, length=signing.KEY_BYTES[kind])
            except signing.Undecipherable:
                raise _Wrong(f"{name} is not encrypted with your access key as encryptType {kind} says.") from None
    return _application(found)


_FIELDS = {
    "frontend_url": "frontEndUrl", "management_url": "adminUrl", "username": "userName", "password": "password", "memo": "memo"
}  # fmt: skip


def _application(found: dict[str, str]) -> ApplicationGiven:
    names = ("userName", "password", "frontEndUrl", "adminUrl", "memo")
    given = ApplicationGiven(*(found[name] for name in names))
    cleaned, errors = cleaned_application(given)
    if errors:
        name, texts = next(iter(errors.items()))
        raise _Wrong(f"{_FIELDS[name]} is not usable. {texts[0]}")
    return cleaned


def shown_body(body: bytes) -> str:
    """An answer as people may read it in Service Interface Messages: no password, nothing that could be one."""
    try:
        data = json.loads(body.decode(), object_pairs_hook=_without_duplicates, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        text = body[:400].decode(errors="replace")
        hides = re.search(r"passw|memo|appinfo", body.decode(errors="replace"), re.IGNORECASE)
        return f"({len(body):,} bytes that are no JSON)" + ("" if hides else f"\n{text}")
    secrets: set[str] = set()
    text = json.dumps(_masked(data, secrets), ensure_ascii=False, indent=2)
    for one in sorted(secrets, key=len, reverse=True):
        text = text.replace(json.dumps(one, ensure_ascii=False)[1:-1], DOTS)
    # Half a surrogate pair, which an escape can write, cannot be stored: the try would never be written down.
    return text[:LONGEST_SHOWN].replace("\x00", "").encode(errors="replace").decode()


def _masked(value: Any, secrets: set[str]) -> Any:
    if isinstance(value, dict):
        return {name: _masked_field(name, one, secrets) for name, one in value.items()}
    return [_masked(one, secrets) for one in value] if isinstance(value, list) else value


def _masked_field(name: str, value: Any, secrets: set[str]) -> Any:
    if name.lower() not in _SECRET_FIELDS or value in (None, ""):
        return _masked(value, secrets)
    if isinstance(value, str) and len(value) >= 4:
        secrets.add(value)
    return DOTS
