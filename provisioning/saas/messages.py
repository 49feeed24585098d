"""What is said to a seller, and what his answer says: pure functions of both generations (RULES 2.1, 2.3, 2.4).

request = request_for(Version.V2, url, call, access_key=key, at=machine_now)
verdict = read_answer(Version.V2, call, answer, access_keys=[key, the one before])
"""

import base64
import json
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from provisioning.saas import signing
from provisioning.saas.words import NAMES, Activity, Scene, Version

ORDER_LINE_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Told:
    """Everything that a call may tell; each generation takes what it has a field for.

    Attributes:
        order_id, order_line_id: of the order that the call is for: a renewal's or an upgrade's own.
        business_id: the same whenever the same call is tried again.
        expires_at: UTC; None where nothing expires.
        charging: "period", "one_time" or "on_demand".
        period: ("year" or "month", how many), or None.
        amount: how many were bought (users, where these are counted); order_amount: what was paid for it, as text.
        extend: what the buyer configured, by the code of the attribute.
        ended_early: a release because the order was taken back, not because its time is over.
    """

    activity: Activity
    order_id: str
    order_line_id: str
    business_id: str
    instance_id: str = ""
    test: bool = False
    customer_id: str = ""
    customer_name: str = ""
    user_id: str = ""
    user_name: str = ""
    email: str = field(default="", repr=False)
    mobile: str = field(default="", repr=False)
    product_id: str = ""
    sku_code: str = ""
    charging: str = "period"
    period: tuple[str, int] | None = None
    amount: int = 1
    order_amount: str = "0"
    expires_at: datetime | None = None
    extend: tuple[tuple[str, str], ...] = ()
    scene: Scene = Scene.RENEWAL
    ended_early: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request; `shown` is how people read it: without signature."""

    method: str
    url: str = field(repr=False)
    headers: dict[str, str]
    body: bytes | None = field(repr=False)
    shown: str


V1_CHARGING = {"on_demand": "0", "period": "1", "one_time": "3"}
V2_STATUS = {Activity.FREEZE: "FREEZE", Activity.UNFREEZE: "UNFREEZE"}


def moment(at: datetime) -> str:
    """`yyyyMMddHHmmss`; the time is in UTC."""
    return f"{at:%Y%m%d%H%M%S}"


def url_for(version: str, activity: Activity, url: str, urls: dict[str, str]) -> str:
    """Where a call goes: the address of its activity, or the one of the product."""
    return urls.get(NAMES[version][activity], url)


def request_for(version: str, url: str, told: Told, *, access_key: str, at: datetime) -> Request:
    """The signed request.

    Args:
        at: the machine's real time (aware, UTC): signatures do not live in business time.
    """
    if version == Version.V1:
        return _v1_request(url, v1_params(told, access_key), access_key, at)
    return _v2_request(url, v2_body(told), access_key, at)


def v1_params(told: Told, access_key: str) -> dict[str, str]:
    """The parameters of a V1 call without time and token; those that are empty are left out."""
    params = {"activity": NAMES[Version.V1][told.activity], "testFlag": "1" if told.test else ""}
    expires = moment(told.expires_at) if told.expires_at else ""
    period_type, number = told.period or ("", 0)
    period = {"periodType": period_type, "periodNumber": str(number) if number else ""}
    if told.activity == Activity.CREATE:
        params |= {
            "customerId": told.customer_id,
            "customerName": told.customer_name[:64],
            "userId": told.user_id,
            "userName": told.user_name[:64],
            "mobilePhone": told.mobile and signing.encrypt_field(told.mobile, access_key),
            "email": told.email and signing.encrypt_field(told.email, access_key),
            "businessId": told.business_id,
            "orderId": told.order_id,
            "skuCode": told.sku_code,
            "productId": told.product_id,
            "expireTime": expires if told.charging == "period" else "",
            "chargingMode": V1_CHARGING[told.charging],
            **(period if told.charging == "period" else {}),
            "amount": str(told.amount),
            "orderAmount": told.order_amount,
            "saasExtendParams": _extend(told.extend),
        }
    elif told.activity == Activity.REFRESH:
        params |= {
            "orderId": told.order_id,
            "instanceId": told.instance_id,
            "productId": told.product_id,
            "expireTime": expires,
            **period,
            "orderAmount": told.order_amount,
            "trialToFormal": "1" if told.scene == Scene.TRIAL_TO_FORMAL else "",
        }
    elif told.activity == Activity.UPGRADE:
        params |= {
            "orderId": told.order_id,
            "instanceId": told.instance_id,
            "skuCode": told.sku_code,
            "productId": told.product_id,
            "amount": str(told.amount),
            "saasExtendParams": _extend(told.extend),
        }
    elif told.activity == Activity.UNFREEZE:
        params |= {"instanceId": told.instance_id, "instanceStatus": "NORMAL"}
    elif told.activity == Activity.FREEZE and told.charging == "on_demand":
        params |= {"activity": "instanceStatus", "instanceId": told.instance_id, "instanceStatus": "FREEZE"}
    else:
        params |= {"instanceId": told.instance_id, "orderId": told.order_id}
    return {name: value for name, value in params.items() if value}


def _extend(extend: tuple[tuple[str, str], ...]) -> str:
    pairs = [{"name": name, "value": value} for name, value in extend]
    return base64.b64encode(_compact(pairs)).decode() if pairs else ""


def v2_body(told: Told) -> dict[str, str]:
    """The body of a V2 call."""
    body = {"activity": NAMES[Version.V2][told.activity]}
    ids = {"orderId": told.order_id, "orderLineId": told.order_line_id}
    if told.activity == Activity.CREATE:
        body |= {**ids, "businessId": told.business_id}
    elif told.activity == Activity.QUERY:
        body |= {"instanceId": told.instance_id}
    elif told.activity == Activity.REFRESH:
        body |= {"scene": told.scene.value, **ids, "instanceId": told.instance_id, "productId": told.product_id}
        body |= {"expireTime": moment(told.expires_at)} if told.expires_at else {}
    elif told.activity == Activity.UPGRADE:
        body |= {"instanceId": told.instance_id, **ids}
    elif told.activity == Activity.RELEASE:
        body |= {"instanceId": told.instance_id, "orderLineId": told.order_line_id}
        body |= {"orderId": told.order_id} if told.ended_early else {}
    else:
        body |= {"instanceId": told.instance_id, "status": V2_STATUS[told.activity]}
    return body | {"testFlag": "1" if told.test else "0"}


def _compact(value: object) -> bytes:
    """No blanks and no ASCII escapes: some sellers parse and serialise a body anew before they check its signature."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _v1_request(url: str, params: dict[str, str], access_key: str, at: datetime) -> Request:
    parts = urlsplit(url)
    params = {**dict(parse_qsl(parts.query, keep_blank_values=True)), **params, "timeStamp": signing.v1_timestamp(at)}
    token = signing.auth_token(access_key, params)
    full = urlunsplit(parts._replace(query=urlencode({**params, "authToken": token})))
    hidden = ("email", "mobilePhone")
    lines = "\n".join(f"{name}={'••••••••' if name in hidden else value}" for name, value in params.items())
    place = urlunsplit(parts._replace(query=""))
    return Request("GET", full, {"Accept": "application/json"}, None, f"GET {place}\n\n{lines}")


def _v2_request(url: str, body: dict[str, str], access_key: str, at: datetime) -> Request:
    parts, payload = urlsplit(url), _compact(body)
    timestamp, nonce = str(int(at.timestamp() * 1000)), secrets.token_hex(32).upper()
    signature = signing.v2_signature(access_key, payload, timestamp=timestamp, nonce=nonce)
    signed = urlencode({"signature": signature, "timestamp": timestamp, "nonce": nonce})
    full = urlunsplit(parts._replace(query=f"{parts.query}&{signed}" if parts.query else signed))
    headers = {"Accept": "application/json", "Content-Type": "application/json;charset=utf8"}
    return Request("POST", full, headers, payload, f"POST {url}\n\n{payload.decode()}")
