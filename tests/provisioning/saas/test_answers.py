"""What a seller's answer may be, field by field (RULES 2.1, 2.3, 2.4)."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koogallery.kernel.outgoing import Answer
from provisioning.saas import signing, words
from provisioning.saas.answers import DOTS, Outcome, read_answer
from provisioning.saas.messages import Told, request_for, v1_params, v2_body
from provisioning.saas.words import Activity, Version

KEY = "k" * 40
APP = {"frontEndUrl": "https://app.seller.example/", "adminUrl": "https://admin.seller.example/", "userName": "admin",
       "password": "Tr0ub4dor", "memo": "hello"}  # fmt: skip
V1_APP = {**APP, **{name: signing.encrypt_field(APP[name], KEY) for name in ("userName", "password")}}


def told(activity, **more):
    return Told(Activity(activity), "CS1", "CS1-000001", "B1", **{"instance_id": "app-1", **more})


def answered(body, *, status=200, sign=KEY, raw=False, header=None):
    data = body if raw else json.dumps(body).encode()
    signed = header if header is not None else signing.body_sign_header(sign, data)
    return Answer(status, {"body-sign": signed}, data)


def read(version, activity, body, keys=(KEY,), **how):
    return read_answer(version, told(activity), answered(body, **how), access_keys=keys)


def changed(base, name, value):
    """The answer with one field, also of appInfo, set to another value; None takes it out."""
    body = json.loads(json.dumps(base))
    at = body["appInfo"] if name in APP else body
    if value is None:
        at.pop(name, None)
    else:
        at[name] = value
    return body


V1_OK = {"resultCode": "000000", "resultMsg": "success.", "encryptType": "1", "instanceId": "app-1", "appInfo": V1_APP}
V2_OK = {"resultCode": "000000", "instanceId": "app-1"}


def v2_query(app=APP, name="app-1", **more):
    return {"resultCode": "000000", "info": [{"instanceId": "other", "appInfo": APP}, {"instanceId": name, "appInfo": app}],
            **more}  # fmt: skip


def test_good_answers_of_both_generations():
    v1 = read("v1", "create", V1_OK)
    assert (v1.outcome, v1.instance_id) == (Outcome.DONE, "app-1")
    v2 = read("v2", "create", V2_OK)
    assert (v2.outcome, v2.application) == (Outcome.DONE, None)
    query = read("v2", "query", v2_query())
    for one in (v1.application, query.application):
        assert (one.username, one.password, one.frontend_url) == ("admin", "Tr0ub4dor", APP["frontEndUrl"])
    aes128 = {name: signing.encrypt_field(APP[name], KEY, length=16) for name in ("userName", "password")}
    assert (
        read("v1", "create", {**V1_OK, "encryptType": "2", "appInfo": {**APP, **aes128}}).application.username
        == "admin"
    )


@pytest.mark.parametrize("activity", ["refresh", "freeze", "unfreeze", "upgrade", "release"])
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_every_code_of_the_other_calls(version, activity):
    for code in words.CODES:
        verdict = read(version, activity, {"resultCode": code})
        expected = {"000000": Outcome.DONE, "000004": Outcome.PROCESSING}.get(code, Outcome.FAILED)
        if code == "000003" and activity == "release":
            expected = Outcome.DONE
        assert verdict.outcome is expected, code
        if expected is Outcome.FAILED:
            assert verdict.faults == (words.returns_error(code),)


@pytest.mark.parametrize(
    ("version", "code", "outcome"),
    [
        ("v1", "000004", Outcome.PROCESSING),
        ("v2", "000004", Outcome.DONE),
        *(("v1", code, Outcome.FAILED) for code in words.CODES if code not in ("000000", "000004")),
        *(("v2", code, Outcome.FAILED) for code in words.CODES if code not in ("000000", "000004")),
    ],
)
def test_codes_of_a_creation(version, code, outcome):
    base = V1_OK if version == "v1" else V2_OK
    assert read(version, "create", {**base, "resultCode": code}).outcome is outcome


def test_a_query_waits_until_the_information_is_there():
    assert read("v2", "query", {"resultCode": "000004"}).outcome is Outcome.PROCESSING
    assert read("v2", "query", v2_query(app=None)).outcome is Outcome.PROCESSING


WRONG = [
    ("no JSON", "v2", "create", b"<html>Sorry</html>", "no JSON in UTF-8"),
    ("a list", "v2", "create", b"[]", "no JSON object"),
    ("a key twice", "v2", "create", b'{"resultCode": "000005", "resultCode": "000000"}', "no JSON in UTF-8"),
    ("NaN", "v2", "create", b'{"resultCode": NaN}', "no JSON in UTF-8"),
    ("not UTF-8", "v2", "create", b'{"resultCode": "\xff"}', "no JSON in UTF-8"),
    ("too deep", "v2", "create", b"[" * 100_000, "no JSON in UTF-8"),
    ("no code", "v2", "create", {}, "does not contain resultCode"),
    ("a number as code", "v2", "create", {"resultCode": 0}, "resultCode must be a text"),
    ("unknown code", "v2", "create", {"resultCode": "999999"}, "is not one of the production interface"),
    ("long code", "v2", "create", {"resultCode": "0000000"}, "length of resultCode is invalid"),
    ("long message", "v2", "create", {**V2_OK, "resultMsg": "x" * 256}, "length of resultMsg is invalid"),
    ("no instance", "v2", "create", {"resultCode": "000000"}, "does not contain instanceId"),
    ("no instance yet", "v2", "create", {"resultCode": "000004"}, "does not contain instanceId"),
    ("long instance", "v2", "create", changed(V2_OK, "instanceId", "x" * 65), "length of instanceId is invalid"),
    ("two instances", "v2", "create", changed(V2_OK, "instanceId", "a,b"), "characters that no ID has"),
    ("no info", "v2", "query", {"resultCode": "000000"}, "does not contain info"),
    ("another's info", "v2", "query", v2_query(name="app-2"), "does not contain info of instanceId app-1"),
    ("no application", "v1", "create", {**V1_OK, "appInfo": None}, "does not contain appInfo"),
    ("no frontend", "v1", "create", changed(V1_OK, "frontEndUrl", None), "does not contain frontEndUrl"),
    ("no frontend in V2", "v2", "query", v2_query(app={**APP, "frontEndUrl": ""}), "does not contain frontEndUrl"),
    ("script", "v2", "query", v2_query(app={**APP, "frontEndUrl": "javascript:alert(1)"}), "frontEndUrl is not usable"),
    ("long URL", "v2", "query", v2_query(app={**APP, "adminUrl": "https://a.example/" + "x" * 500}), "length of adminUrl"),
    ("long name", "v2", "query", v2_query(app={**APP, "userName": "x" * 129}), "length of userName is invalid"),
    ("long password", "v2", "query", v2_query(app={**APP, "password": "x" * 129}), "length of password is invalid"),
    ("long memo", "v2", "query", v2_query(app={**APP, "memo": "x" * 1025}), "length of memo is invalid"),
    ("long ciphertext", "v1", "create", changed(V1_OK, "password", signing.encrypt_field("x" * 90, KEY)), "length of pass"),
    ("plain password", "v1", "create", changed(V1_OK, "password", "Tr0ub4dor"), "not encrypted with your access key"),
    ("another key", "v1", "create", changed(V1_OK, "password", signing.encrypt_field("x", "other")), "not encrypted"),
    ("encryptType", "v1", "create", {**V1_OK, "encryptType": "3"}, "encryptType must be 1"),
]  # fmt: skip


@pytest.mark.parametrize(("label", "version", "activity", "body", "why"), WRONG, ids=[one[0] for one in WRONG])
def test_what_is_wrong_is_said_in_words(label, version, activity, body, why):
    verdict = read(version, activity, body, raw=isinstance(body, bytes))
    assert verdict.outcome is Outcome.FAILED
    assert len(verdict.faults) == 1
    assert why in verdict.faults[0]
    assert "Tr0ub4dor" not in verdict.faults[0] + verdict.shown


def test_half_a_character_in_an_answer_does_not_keep_it_from_being_written_down():
    body = b'{"resultCode":"000005","resultMsg":"\\ud800","\\udfff":"\\u0000"}'
    shown = read("v2", "create", body, raw=True).shown
    assert shown.encode()
    assert "000005" in shown


def test_without_the_right_signature_nothing_is_believed():
    assert read("v1", "create", V1_OK, header="").faults == (words.NO_BODY_SIGN,)
    assert read("v1", "create", V1_OK, sign="another").faults == (words.WRONG_BODY_SIGN,)
    assert read("v1", "create", V1_OK, status=500).faults[0].startswith("The production interface answers with HTTP")
    assert read("v1", "create", V1_OK, status=302).outcome is Outcome.FAILED
    assert read("v2", "create", V2_OK, keys=("new", KEY)).outcome is Outcome.DONE, "the key before, while changing over"


def test_shown_answers_hide_the_password_wherever_it_stands():
    body = {**v2_query(), "resultMsg": "made with Tr0ub4dor"}
    shown = read("v2", "query", body).shown
    assert "Tr0ub4dor" not in shown
    assert DOTS in shown
    assert APP["frontEndUrl"] in shown
    assert "Tr0ub4dor" not in read("v2", "query", b'{"password": "Tr0ub4dor', raw=True).shown


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
                        st.sampled_from(["resultCode", "instanceId", "info", "appInfo", "x"]), inner, max_size=4),
                    max_leaves=8), st.sampled_from(list(Activity)), st.sampled_from(["v1", "v2"]))  # fmt: skip
def test_no_answer_breaks_the_reader(body, activity, version):
    verdict = read(version, activity, body)
    assert verdict.outcome in Outcome
    assert (verdict.outcome is Outcome.FAILED) == bool(verdict.faults)


@given(st.binary(max_size=60), st.sampled_from(list(Activity)))
def test_nor_do_any_bytes(body, activity):
    assert read("v2", activity, body, raw=True).outcome is Outcome.FAILED


def test_requests_have_the_fields_of_their_generation():
    create = told("create", email="a@b.example", charging="period", period=("month", 1), order_amount="5.00")
    params = v1_params(create, KEY)
    assert (params["chargingMode"], params["periodType"], params["orderAmount"]) == ("1", "month", "5.00")
    assert signing.decrypt_field(params["email"], KEY) == "a@b.example"
    assert "mobilePhone" not in params
    assert v2_body(create) == {
        "activity": "newInstance", "orderId": "CS1", "orderLineId": "CS1-000001", "businessId": "B1", "testFlag": "0"
    }  # fmt: skip
    assert v2_body(told("freeze"))["status"] == "FREEZE"
    assert v2_body(told("release", ended_early=True))["orderId"] == "CS1"
    assert "orderId" not in v2_body(told("release"))
    assert v1_params(told("unfreeze"), KEY)["instanceStatus"] == "NORMAL"
    assert v1_params(told("freeze", charging="on_demand"), KEY)["activity"] == "instanceStatus"
    assert v1_params(told("freeze"), KEY)["activity"] == "expireInstance"


@pytest.mark.parametrize("version", list(Version))
@pytest.mark.parametrize("activity", [one for one in Activity if one != Activity.QUERY])
def test_what_people_read_of_a_request_has_no_signature(version, activity):
    from koogallery.kernel import clock

    request = request_for(
        version, "https://s.example/p?x=1", told(activity, email="a@b.example"), access_key=KEY, at=clock.machine_now()
    )
    assert "x=1" in request.url
    for secret in ("signature", "authToken", KEY):
        assert secret not in request.shown
