"""A whole SaaS seller in one file: both generations of the production interface, and the call back to the marketplace.

    pip install flask cryptography
    ACCESS_KEY_ID=... ACCESS_KEY=... MARKETPLACE_URL=https://marketplace.example flask --app seller run --port 8700

Register https://your-server/v2 (or /v1, for the older generation) as the production interface of your product.
Read it from the top: signatures, what you keep, what you answer. `docs/sellers.md` says the rest.
"""

import base64
import hashlib
import hmac
import json
import os
import secrets
import sqlite3
import time
import urllib.parse
import urllib.request
from contextlib import closing
from datetime import UTC, datetime

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from flask import Flask, Response, current_app, request

OK, AUTH_FAILED, BAD_PARAMETER, NO_INSTANCE, PROCESSING = "000000", "000001", "000002", "000003", "000004"
FRESH_SECONDS = 60

# --- signatures ---------------------------------------------------------------------------------------------------


def digest(key: str, data: bytes) -> bytes:
    return hmac.new(key.encode(), data, hashlib.sha256).digest()


def v1_is_signed(key: str, params: dict[str, str]) -> bool:
    """`authToken` is over all other parameters, decoded, sorted by name."""
    data = "&".join(f"{name}={params[name]}" for name in sorted(params) if name != "authToken")
    expected = base64.b64encode(digest(key + params.get("timeStamp", ""), data.encode())).decode()
    return hmac.compare_digest(params.get("authToken", "").encode(), expected.encode())


def v2_is_signed(key: str, body: bytes, query: dict[str, str]) -> bool:
    """`signature` is over the body as it came, a nonce and the time in milliseconds."""
    nonce, timestamp = query.get("nonce", ""), query.get("timestamp", "")
    canonical = f"{key}{nonce}{timestamp}{digest(key, body).hex()}"
    expected = digest(key, canonical.encode()).hex()
    return hmac.compare_digest(query.get("signature", "").lower().encode(), expected.encode())


def java_key(access_key: str, length: int = 32) -> bytes:
    """Java's SecureRandom("SHA1PRNG"), seeded with the access key: bytes count as signed."""
    state = bytearray(hashlib.sha1(access_key.encode()).digest())
    made = b""
    while len(made) < length:
        out = hashlib.sha1(bytes(state)).digest()
        made, carry = made + out, 1
        for at in range(20):
            value = (state[at] ^ 0x80) - 0x80 + ((out[at] ^ 0x80) - 0x80) + carry
            state[at], carry = value & 0xFF, value >> 8
    return made[:length]


def encrypted(access_key: str, text: str) -> str:
    """A V1 field in AES-256: 16 random characters, then the ciphertext in base64."""
    iv = secrets.token_hex(8)
    padder = padding.PKCS7(128).padder()
    padded = padder.update(text.encode()) + padder.finalize()
    cipher = Cipher(algorithms.AES(java_key(access_key)), modes.CBC(iv.encode())).encryptor()
    return iv + base64.b64encode(cipher.update(padded) + cipher.finalize()).decode()


def answer(code: str, **more: object) -> Response:
    """Every answer is signed over the very bytes of its body."""
    body = json.dumps({"resultCode": code, "resultMsg": "success." if code == OK else code, **more}).encode()
    signature = base64.b64encode(digest(current_app.config["ACCESS_KEY"], body)).decode()
    header = f'sign_type="HMAC-SHA256", signature="{signature}"'
    return Response(body, content_type="application/json", headers={"Body-Sign": header})


# --- what we keep -------------------------------------------------------------------------------------------------

TABLES = """
CREATE TABLE IF NOT EXISTS instance (
    line TEXT PRIMARY KEY, id TEXT UNIQUE, password TEXT, made_at REAL, status TEXT, expires TEXT, bought TEXT
);
CREATE TABLE IF NOT EXISTS nonce (nonce TEXT PRIMARY KEY, at REAL);
"""


def database() -> sqlite3.Connection:
    found = sqlite3.connect(current_app.config["DATABASE"], timeout=5, isolation_level=None)
    found.row_factory = sqlite3.Row
    return found


def instance_for(line: str, bought: str, expires: str = "", *, rehearsal: bool = False) -> sqlite3.Row:
    """The instance of an order line: made at the first call, the same at every further one.

    The debugger rehearses with the same mock orders each time (testFlag 1): what it released before is made anew.
    """
    with closing(database()) as db:
        if rehearsal:
            db.execute("DELETE FROM instance WHERE line = ? AND status = 'deleted'", (line,))
        fresh = (
            line,
            f"app-{secrets.token_hex(8)}",
            secrets.token_urlsafe(12),
            time.time(),
            "running",
            expires,
            bought,
        )
        db.execute("INSERT OR IGNORE INTO instance VALUES (?, ?, ?, ?, ?, ?, ?)", fresh)
        return db.execute("SELECT * FROM instance WHERE line = ?", (line,)).fetchone()


def instance_named(name: str) -> sqlite3.Row | None:
    with closing(database()) as db:
        return db.execute("SELECT * FROM instance WHERE id = ? AND status != 'deleted'", (name,)).fetchone()


def change(name: str, **values: str) -> Response:
    """Change an instance that exists; doing it twice is as good as once."""
    if instance_named(name) is None:
        return answer(NO_INSTANCE)
    with closing(database()) as db:
        for column, value in values.items():
            db.execute(f"UPDATE instance SET {column} = ? WHERE id = ?", (value, name))
    return answer(OK)


def is_new(nonce: str) -> bool:
    """Whether a nonce was not used before."""
    with closing(database()) as db:
        db.execute("DELETE FROM nonce WHERE at < ?", (time.time() - 2 * FRESH_SECONDS,))
        return db.execute("INSERT OR IGNORE INTO nonce VALUES (?, ?)", (nonce, time.time())).rowcount == 1


# --- asking the marketplace what was bought (Open API) ------------------------------------------------------------


def order_details(order: str, line: str) -> dict[str, object]:
    """`GET .../order/query`, signed as the vendor's SDKs sign: our key's id is the AK, the key itself the SK."""
    base, path = current_app.config["MARKETPLACE_URL"], "/api/mkp-openapi-public/global/v1/order/query"
    if not base:
        return {}
    query = urllib.parse.urlencode(sorted({"orderId": order, "orderLineId": line}.items()))
    headers = {"host": urllib.parse.urlsplit(base).netloc, "x-sdk-date": f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"}
    lines, signed = "".join(f"{name}:{value}\n" for name, value in headers.items()), ";".join(headers)
    canonical = f"GET\n{path}/\n{query}\n{lines}\n{signed}\n{hashlib.sha256(b'').hexdigest()}"
    to_sign = f"SDK-HMAC-SHA256\n{headers['x-sdk-date']}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = digest(current_app.config["ACCESS_KEY"], to_sign.encode()).hex()
    access = (
        f"SDK-HMAC-SHA256 Access={current_app.config['ACCESS_KEY_ID']}, SignedHeaders={signed}, Signature={signature}"
    )
    asked = urllib.request.Request(f"{base}{path}?{query}", headers={**headers, "Authorization": access})
    with urllib.request.urlopen(asked, timeout=3) as response:
        return json.load(response)["orderInfo"]


# --- what we answer -----------------------------------------------------------------------------------------------


def app_info(instance: sqlite3.Row) -> dict[str, str]:
    home = request.host_url.rstrip("/")
    return {
        "frontEndUrl": f"{home}/app/{instance['id']}",
        "adminUrl": f"{home}/admin/{instance['id']}",
        "userName": "administrator",
        "password": instance["password"],
        "memo": "Change the password when you log in first.",
    }


def v2() -> Response:
    """`POST /v2`: the generation to build today."""
    app, query, body = current_app, request.args, request.get_data()
    if not v2_is_signed(app.config["ACCESS_KEY"], body, query):
        return answer(AUTH_FAILED)
    if abs(time.time() - int(query["timestamp"]) / 1000) > FRESH_SECONDS or not is_new(query["nonce"]):
        return answer(AUTH_FAILED)
    told = json.loads(body)
    activity, name = told.get("activity"), told.get("instanceId", "")
    if activity == "newInstance":
        # A good place to check the order; without the answer the marketplace would simply call again.
        bought = order_details(told["orderId"], told["orderLineId"])
        instance = instance_for(told["orderLineId"], json.dumps(bought), rehearsal=told.get("testFlag") == "1")
        return answer(PROCESSING, instanceId=instance["id"])
    if activity == "queryInstance":
        found = [one for one in map(instance_named, name.split(",")) if one]
        if not found:
            return answer(NO_INSTANCE)
        ready = time.time() - app.config["READY_SECONDS"]
        info = [
            {"instanceId": one["id"], **({"appInfo": app_info(one)} if one["made_at"] <= ready else {})}
            for one in found
        ]
        return answer(OK, info=info)
    if activity == "refreshInstance":
        return change(name, expires=told.get("expireTime", ""), status="running")
    if activity == "updateInstanceStatus":
        return change(name, status="frozen" if told["status"] == "FREEZE" else "running")
    if activity == "upgradeInstance":
        return change(name, bought=json.dumps(order_details(told["orderId"], told["orderLineId"])))
    if activity == "releaseInstance":
        return change(name, status="deleted")
    return answer(BAD_PARAMETER)


def v1() -> Response:
    """`GET /v1`: the older generation, which says everything in the query and wants everything at once."""
    key, told = current_app.config["ACCESS_KEY"], request.args.to_dict()
    if not v1_is_signed(key, told):
        return answer(AUTH_FAILED)
    activity, name = told.get("activity"), told.get("instanceId", "")
    if activity == "newInstance":
        line, rehearsal = f"{told['orderId']}-000001", told.get("testFlag") == "1"
        instance = instance_for(line, json.dumps(told), told.get("expireTime", ""), rehearsal=rehearsal)
        info = app_info(instance)
        info |= {field: encrypted(key, info[field]) for field in ("userName", "password")}
        return answer(OK, encryptType="1", instanceId=instance["id"], appInfo=info)
    if activity == "refreshInstance":
        return change(name, expires=told.get("expireTime", ""), status="running")
    if activity in ("expireInstance", "instanceStatus"):
        return change(name, status="running" if told.get("instanceStatus") == "NORMAL" else "frozen")
    if activity == "upgrade":
        return change(name, bought=json.dumps(told))
    if activity == "releaseInstance":
        return change(name, status="deleted")
    return answer(BAD_PARAMETER)


def show(name: str) -> tuple[str, int]:
    """The application itself: here a page that says whether it runs."""
    instance = instance_named(name)
    return (f"Welcome. This application is {instance['status']}.", 200) if instance else ("Not found.", 404)


def create_app(**config: object) -> Flask:
    """The server; the environment says what `config` does not."""
    app = Flask(__name__)
    app.config |= {
        "ACCESS_KEY_ID": os.environ.get("ACCESS_KEY_ID", ""),
        "ACCESS_KEY": os.environ.get("ACCESS_KEY", ""),
        "MARKETPLACE_URL": os.environ.get("MARKETPLACE_URL", ""),
        "DATABASE": os.environ.get("DATABASE", "seller.sqlite"),
        # How long an instance takes to be made.
        "READY_SECONDS": float(os.environ.get("READY_SECONDS", "2")),
        **config,
    }
    app.add_url_rule("/v2", view_func=v2, methods=["POST"])
    app.add_url_rule("/v1", view_func=v1)
    app.add_url_rule("/app/<name>", "app", show)
    app.add_url_rule("/admin/<name>", "admin", show)
    with app.app_context(), closing(database()) as db:
        db.executescript(TABLES)
    return app
