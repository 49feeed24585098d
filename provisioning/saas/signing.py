"""Signatures, and the encryption of single fields, of both generations of the production interface: pure functions.

V1 (RULES 2.1, 2.2): a token over the query, single fields in AES under a key that Java's SHA1PRNG makes of the access
key. V2 (RULES 2.3): a signature over the body. Both: answers carry `Body-Sign`. The Open API (RULES 2.8) is signed as
the vendor's SDKs sign, with an access key's id and the key itself.
"""

import base64
import hashlib
import hmac
import re
import secrets
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from urllib.parse import quote

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

BLOCK_BYTES = 16
IV_ALPHABET = string.ascii_letters + string.digits
# What `encryptType` names (RULES 2.1): key lengths in bytes.
AES_256, AES_128 = 32, 16
KEY_BYTES = {"1": AES_256, "2": AES_128}

SDK_ALGORITHM = "SDK-HMAC-SHA256"
SDK_DATE = "%Y%m%dT%H%M%SZ"

_BODY_SIGN = re.compile(r'\s*sign_type="HMAC-SHA256"\s*,\s*signature="([A-Za-z0-9+/]+=*)"\s*')
_SDK_HEADER = re.compile(
    r"SDK-HMAC-SHA256 +Access=([^,\s]{1,200}), *SignedHeaders=([A-Za-z0-9;_-]{1,500}), *Signature=([0-9a-fA-F]{64})"
)


class Undecipherable(ValueError):
    """A field is not what its sender says it is: too short, no base64, another key."""


def _hmac(key: str, data: bytes) -> bytes:
    return hmac.new(key.encode(), data, hashlib.sha256).digest()


def same(given: str, expected: str) -> bool:
    """Whether two signatures are the same, in a time that tells nothing."""
    return hmac.compare_digest(given.encode(), expected.encode())


# --- V1 -------------------------------------------------------------------------------------------------------


def v1_timestamp(at: datetime) -> str:
    """`yyyyMMddHHmmssSSS` in UTC."""
    return f"{at:%Y%m%d%H%M%S}{at.microsecond // 1000:03d}"


def auth_token(access_key: str, params: Mapping[str, str]) -> str:
    """The `authToken` of a V1 call: over all other parameters as they read before they are URL-encoded.

    Args:
        params: with `timeStamp`, without `authToken`.
    """
    data = "&".join(f"{name}={params[name]}" for name in sorted(params))
    return base64.b64encode(_hmac(access_key + params["timeStamp"], data.encode())).decode()


@lru_cache(maxsize=64)
def v1_field_key(access_key: str, length: int) -> bytes:
    """The AES key that Java makes with `SecureRandom("SHA1PRNG")` seeded by the access key: `length` bytes.

    The generator adds its state and output as *signed* bytes with a carry, which matters from the 21st byte on.
    """
    state = bytearray(hashlib.sha1(access_key.encode(), usedforsecurity=False).digest())
    made = b""
    while len(made) < length:
        output = hashlib.sha1(bytes(state), usedforsecurity=False).digest()
        made += output
        before, carry = bytes(state), 1
        for at in range(20):
            value = _signed(state[at]) + _signed(output[at]) + carry
            state[at] = value & 0xFF
            carry = value >> 8
        if bytes(state) == before:
            state[0] = (state[0] + 1) & 0xFF
    return made[:length]


def _signed(byte: int) -> int:
    return byte - 256 if byte > 127 else byte


def random_iv() -> str:
    """16 random letters and digits."""
    return "".join(secrets.choice(IV_ALPHABET) for _ in range(BLOCK_BYTES))


def encrypt_field(text: str, access_key: str, *, length: int = AES_256, iv: str = "") -> str:
    """A V1 field: the IV as plain text, then base64 of AES-CBC with PKCS5 padding."""
    iv = iv or random_iv()
    padder = padding.PKCS7(BLOCK_BYTES * 8).padder()
    padded = padder.update(text.encode()) + padder.finalize()
    encryptor = Cipher(algorithms.AES(v1_field_key(access_key, length)), modes.CBC(iv.encode())).encryptor()
    return iv + base64.b64encode(encryptor.update(padded) + encryptor.finalize()).decode()


def decrypt_field(given: str, access_key: str, *, length: int = AES_256) -> str:
    """The text of a V1 field.

    Raises:
        Undecipherable: it was not encrypted so, or with another key.
    """
    try:
        iv, data = given[:BLOCK_BYTES].encode("ascii"), base64.b64decode(given[BLOCK_BYTES:], validate=True)
        if len(iv) != BLOCK_BYTES or not data:
            raise Undecipherable("The field is shorter than an IV and one block.")
        decryptor = Cipher(algorithms.AES(v1_field_key(access_key, length)), modes.CBC(iv)).decryptor()
        unpadder = padding.PKCS7(BLOCK_BYTES * 8).unpadder()
        padded = decryptor.update(data) + decryptor.finalize()
        return (unpadder.update(padded) + unpadder.finalize()).decode()
    except Undecipherable:
        raise
    except ValueError:
        raise Undecipherable("The field does not open with the access key.") from None


# --- V2 -------------------------------------------------------------------------------------------------------


def v2_signature(access_key: str, payload: bytes, *, timestamp: str, nonce: str) -> str:
    """The `signature` of a V2 call, in lower-case hex."""
    digest = _hmac(access_key, payload).hex()
    return _hmac(access_key, f"{access_key}{nonce}{timestamp}{digest}".encode()).hex()


# --- answers of both ------------------------------------------------------------------------------------------


def body_signature(access_key: str, body: bytes) -> str:
    """The signature within `Body-Sign`, over the bytes of the body as they are."""
    return base64.b64encode(_hmac(access_key, body)).decode()


def body_sign_header(access_key: str, body: bytes) -> str:
    """The whole header; the double quotes are compulsory."""
    return f'sign_type="HMAC-SHA256", signature="{body_signature(access_key, body)}"'


def has_body_sign_form(header: str) -> bool:
    """Whether it reads as a `Body-Sign` at all."""
    return _BODY_SIGN.fullmatch(header) is not None


def body_sign_is_right(header: str, access_key: str, body: bytes) -> bool:
    """Whether an answer's `Body-Sign` has the right form and was made with this key over this body."""
    found = _BODY_SIGN.fullmatch(header)
    return found is not None and same(found[1], body_signature(access_key, body))


# --- the Open API ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SdkAuthorization:
    """The parts of an `Authorization` header as the vendor's SDKs write it; `signed` in lower case."""

    access: str
    signed: tuple[str, ...]
    signature: str

    @classmethod
    def read(cls, header: str) -> "SdkAuthorization | None":
        """The header's parts, or None when it has another form."""
        found = _SDK_HEADER.fullmatch(header.strip())
        return cls(found[1], tuple(found[2].lower().split(";")), found[3].lower()) if found else None


def sdk_signature(
    secret: str,
    *,
    method: str,
    path: str,
    query: Iterable[tuple[str, str]],
    headers: Mapping[str, str],
    signed: Iterable[str],
    body: bytes,
) -> str:
    """The signature of a call to the Open API (RULES 2.8), in lower-case hex.

    Args:
        path: not encoded, with or without the slash at its end.
        query: names and values, not encoded.
        headers: by their names in lower case, with `x-sdk-date`.
        signed: the names of those that are signed, in lower case.
    """
    names = sorted(signed)
    encoded = "/".join(quote(part, safe="~") for part in path.split("/"))
    canonical = "\n".join(
        [
            method.upper(),
            encoded if encoded.endswith("/") else f"{encoded}/",
            "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in sorted(query)),
            "".join(f"{name}:{headers.get(name, '').strip()}\n" for name in names),
            ";".join(names),
            hashlib.sha256(body).hexdigest(),
        ]
    )
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    return _hmac(secret, f"{SDK_ALGORITHM}\n{headers['x-sdk-date']}\n{digest}".encode()).hex()
