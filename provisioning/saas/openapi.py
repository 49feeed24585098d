"""The Open API that sellers call back, at its original path with its original signature (RULES 2.8)."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_GET

from accounts.models import Seller
from koogallery.kernel import clock
from orders.choices import OrderKind, OrderStatus
from orders.models import Order, OrderLine
from provisioning.saas import signing
from provisioning.saas.calling import CHARGING, expiry_told, how_many, line_id, product_id
from provisioning.saas.keys import key_named
from provisioning.saas.messages import moment
from provisioning.saas.mocks import MOCK_ORDERS, mock_details
from provisioning.saas.signing import SdkAuthorization

FRESH = timedelta(minutes=15)
LONGEST_ID = 64
SUCCESS, UNAUTHORISED, BAD_PARAMETER, NOT_THERE = "MKT.0000", "MKT.0101", "MKT.0102", "MKT.0199"

_ORDER_TYPES = {OrderKind.NEW: "NEW", OrderKind.RENEWAL: "RENEW", OrderKind.UPGRADE: "CHANGE",
                OrderKind.UNSUBSCRIPTION: "UNSUBSCRIBE"}  # fmt: skip
_CHARGING = {"period": "PERIOD", "one_time": "ONE_TIME", "on_demand": "ON_DEMAND"}


def _answer(code: str, text: str, *, status: int = 200, **more: Any) -> JsonResponse:
    return JsonResponse({"resultCode": code, "resultMsg": text, **more}, status=status)


@csrf_exempt
@never_cache
@require_GET
def order_query(request: HttpRequest) -> JsonResponse:
    """`GET .../order/query?orderId=...[&orderLineId=...]`: what was bought, for the seller who sold it."""
    caller = _caller(request)
    if isinstance(caller, str):
        return _answer(UNAUTHORISED, caller, status=401)
    order_id, wanted_line = request.GET.get("orderId", ""), request.GET.get("orderLineId", "")
    if not order_id or max(len(order_id), len(wanted_line)) > LONGEST_ID:
        return _answer(BAD_PARAMETER, f"orderId has 1 to {LONGEST_ID} characters.", status=400)
    details = _details(caller, order_id)
    if details is not None and wanted_line:
        details["orderLine"] = [one for one in details["orderLine"] if one["orderLineId"] == wanted_line]
    if details is None or not details["orderLine"]:
        return _answer(NOT_THERE, "There is no such order of yours.", status=404)
    return _answer(SUCCESS, "success", orderInfo=details)


@sensitive_variables()
def _caller(request: HttpRequest) -> Seller | str:
    """The seller whose key signed the request, or in words why nobody's did."""
    given = SdkAuthorization.read(request.headers.get("Authorization", ""))
    if given is None:
        return "Sign the request: Authorization: SDK-HMAC-SHA256 Access=..., SignedHeaders=..., Signature=..."
    headers = {name.lower(): value for name, value in request.headers.items()}
    date = headers.get("x-sdk-date", "")
    try:
        at = datetime.strptime(date, signing.SDK_DATE).replace(tzinfo=UTC)
    except ValueError:
        return "X-Sdk-Date must be a UTC time like 20240317T144237Z."
    if abs(clock.machine_now() - at) > FRESH:
        return "X-Sdk-Date is more than 15 minutes off."
    if "x-sdk-date" not in given.signed:
        return "X-Sdk-Date must be signed."
    key = key_named(given.access)
    # An unknown key is answered like a wrong signature, and takes as long.
    secret = key.secret.reveal() if key else "no such key"
    query = [(name, value) for name, values in request.GET.lists() for value in values]
    expected = signing.sdk_signature(
        secret,
        method=request.method or "",
        path=request.path,
        query=query,
        headers=headers,
        signed=given.signed,
        body=request.body,
    )
    if not signing.same(given.signature, expected) or key is None:
        return "The access key is unknown, or the signature is not right."
    return key.seller


def _details(seller: Seller, order_id: str) -> dict[str, Any] | None:
    if mock := MOCK_ORDERS.get(order_id):
        return mock_details(mock)
    # What is not paid is nobody's to make, and its buyer nobody's to know.
    paid = Order.objects.for_seller(seller).exclude(paid_at=None)
    rows = paid.select_related("account", "placed_by", "product")
    order = rows.filter(number=order_id).first()
    return order_details(order) if order else None


def order_details(order: Order) -> dict[str, Any]:
    """`orderInfo` of a paid order."""
    lines = order.lines.select_related("specification").prefetch_related("subscriptions").order_by("position")
    taken_back = order.status in (OrderStatus.REFUNDING, OrderStatus.REFUNDED, OrderStatus.CANCELLED)
    found: dict[str, Any] = {
        "orderId": order.number,
        "orderType": "UNSUBSCRIBE" if taken_back else _ORDER_TYPES[OrderKind(order.kind)],
        "createTime": moment(order.created_at.astimezone(UTC)),
        "orderLine": [_line(order, line) for line in lines],
        "buyerInfo": {"customerId": order.account.public_id, "customerName": order.customer_name[:64]},
    }
    if order.placed_by:
        person = order.placed_by
        found["buyerInfo"] |= {
            "userId": f"{order.account.public_id}-{person.pk}",
            "userName": person.get_full_name()[:64],
            "email": person.email,
        }
    return found


def _line(order: Order, line: OrderLine) -> dict[str, Any]:
    charging = CHARGING[line.billing_mode]
    extend = [{"name": name, "value": str(value)} for name, value in line.attributes.items()]
    found: dict[str, Any] = {
        "orderLineId": line_id(order.number, line.position),
        "chargingMode": _CHARGING[charging],
        "currency": line.currency,
        "currencyAfterDiscount": float(line.amount),
        "productInfo": [
            {
                "productId": product_id(line),
                "productName": line.product_name,
                "skuCode": line.specification.code if line.specification else "",
                "linearValue": how_many(line),
            }
        ],
    }
    expires_at = order.subject.expires_at if order.subject else expiry_told(order, line)
    if expires_at is not None and charging == "period":
        found["expireTime"] = moment(expires_at.astimezone(UTC))
    if line.duration_value:
        found |= {"periodType": line.duration_unit, "periodNumber": line.duration_value}
    return found | ({"extendParams": extend} if extend else {})
