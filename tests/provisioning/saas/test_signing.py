"""The signatures of both generations: vectors of the original, and properties against a second, naive reading."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning.saas import signing
from provisioning.saas.signing import AES_128, AES_256

KEY = "example-access-key"
KEYS = [
    (KEY, "98a158702e2ef8030c569e76c1f526b1d6609cf0c21bee633c11366b62c04cb3"),
    ("a", "667f407de7c6ad07358fa38daed7828a72014b4e621d7140210c8cf1565a8f02"),
]
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)
access_keys = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=64)


@pytest.mark.parametrize(("access_key", "expected"), KEYS)
def test_javas_generator_makes_the_same_keys(access_key, expected):
    assert signing.v1_field_key(access_key, AES_256).hex() == expected
    assert signing.v1_field_key(access_key, AES_128).hex() == expected[:32]


def test_a_field_is_encrypted_as_the_original_does():
    field = signing.encrypt_field("P@ssw0rd", KEY, iv="ABCDEFGH01234567")
    assert field == "ABCDEFGH01234567fdcKNZgZcsLnUBxYN7MFeQ=="
    assert signing.decrypt_field(field, KEY) == "P@ssw0rd"


def test_the_vendors_vector_of_the_open_api():
    headers = {
        "host": "mkt.myhuaweicloud.com",
        "content-type": "application/json",
        "x-sdk-date": "20240317T144237Z",
        "x-stage": "RELEASE",
    }
    signature = signing.sdk_signature(
        "123",
        method="POST",
        path="/api/mkp-openapi-public/global/v1/license/activate",
        query=[],
        headers=headers,
        signed=headers,
        body=b"",
    )
    assert signature == "77595ad624b6e4e49990b8c4e84bf1c287457fca61069c4e60b9b6765b52053d"


def naive_prng(seed: bytes, length: int) -> bytes:
    """The generator a second time, on 160-bit numbers: each byte's own sign is a borrow from the next one."""
    state, out = hashlib.sha1(seed).digest(), b""
    while len(out) < length:
        output = hashlib.sha1(state).digest()
        out += output
        total = 1 + sum(
            (one - 256 * (one > 127) + other - 256 * (other > 127)) << (8 * place)
            for place, (one, other) in enumerate(zip(state, output, strict=True))
        )
        following = (total % (1 << 160)).to_bytes(20, "little")
        state = following if following != state else bytes([(state[0] + 1) % 256]) + state[1:]
    return out[:length]


@given(access_keys)
def test_the_generator_agrees_with_a_second_reading_of_it(access_key):
    assert signing.v1_field_key(access_key, AES_256) == naive_prng(access_key.encode(), 32)


@given(texts, access_keys, st.sampled_from([AES_128, AES_256]))
def test_a_field_opens_with_its_key_and_looks_different_each_time(text, access_key, length):
    field = signing.encrypt_field(text, access_key, length=length)
    assert signing.decrypt_field(field, access_key, length=length) == text
    assert field[:16].isalnum()
    assert field != signing.encrypt_field(text, access_key, length=length)


@given(st.text(max_size=60))
def test_what_is_no_field_is_refused_and_nothing_else_happens(text):
    with pytest.raises(signing.Undecipherable):
        signing.decrypt_field(text, KEY)


@given(st.dictionaries(st.sampled_from("abcdeXYZ"), texts), access_keys)
def test_the_token_is_over_the_sorted_decoded_parameters(params, access_key):
    params = {**params, "timeStamp": "20230327070251713"}
    naive = hmac.new(f"{access_key}20230327070251713".encode(), digestmod="sha256")
    ordered = "&".join(f"{name}={params[name]}" for name in sorted(params))
    naive.update(ordered.encode())
    assert signing.auth_token(access_key, params) == base64.b64encode(naive.digest()).decode()


def test_a_v1_time_has_17_digits():
    assert signing.v1_timestamp(datetime(2023, 3, 27, 7, 2, 51, 713_999, tzinfo=UTC)) == "20230327070251713"


@given(st.binary(max_size=200), access_keys)
def test_a_v2_signature_is_two_keyed_digests(payload, access_key):
    inner = hmac.new(access_key.encode(), payload, hashlib.sha256).hexdigest()
    outer = hmac.new(access_key.encode(), f"{access_key}N1680508066618{inner}".encode(), hashlib.sha256).hexdigest()
    assert signing.v2_signature(access_key, payload, timestamp="1680508066618", nonce="N") == outer


@given(st.binary(max_size=200), st.binary(max_size=200), access_keys, access_keys)
def test_an_answers_signature_is_of_its_bytes_and_its_key(body, other, access_key, other_key):
    header = signing.body_sign_header(access_key, body)
    assert signing.body_sign_is_right(header, access_key, body)
    assert signing.body_sign_is_right(header, access_key, other) == (body == other)
    assert signing.body_sign_is_right(header, other_key, body) == (access_key == other_key)


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "signature",
        lambda right: right.replace('"', ""),
        lambda right: right.replace('"', "'"),
        lambda right: right.replace("HMAC-SHA256", "HMAC-SHA1"),
        lambda right: right.partition(", ")[2],
        lambda right: right + ", x",
    ],
)
def test_a_body_sign_of_another_form_is_wrong(wrong):
    header = wrong(signing.body_sign_header(KEY, b"{}")) if callable(wrong) else wrong
    assert not signing.body_sign_is_right(header, KEY, b"{}")


def test_an_authorization_of_another_form_is_none():
    read = signing.SdkAuthorization.read
    whole = f"SDK-HMAC-SHA256 Access=AK1, SignedHeaders=host;x-sdk-date, Signature={'aB' * 32}"
    assert read(whole) == signing.SdkAuthorization("AK1", ("host", "x-sdk-date"), "ab" * 32)
    for wrong in ("", "Token x", whole.replace("SHA256", "SHA1"), whole[:-1], whole.replace("Access=AK1, ", "")):
        assert read(wrong) is None
