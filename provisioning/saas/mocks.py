"""Mock orders of the original (RULES 2.3, 2.8): what the debugger's calls are about, and what the Open API says of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from provisioning.saas.words import Activity

CREATED = datetime(2024, 1, 1, tzinfo=UTC)
EXPIRES = datetime(2025, 1, 1, 15, 59, 59, tzinfo=UTC)
BUYER = {
    "customerId": "MOCKCUSTOMER00001", "customerName": "Mock customer", "userId": "MOCKUSER00000001",
    "userName": "Mock user", "mobilePhone": "00000000000", "email": "mock@customer.example",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class MockOrder:
    """One of them: what kind of order it is, and how it is charged."""

    order_id: str
    order_type: str
    charging: str
    period: tuple[str, int] | None = None

    @property
    def line_id(self) -> str:
        return f"{self.order_id}-000001"

    @property
    def expires_at(self) -> datetime | None:
        return EXPIRES if self.period else None


_ALL = [
    MockOrder("MOCKPERIODYEARNEW", "NEW", "PERIOD", ("year", 1)),
    MockOrder("MOCKONETIMENEW", "NEW", "ONE_TIME"),
    MockOrder("MOCKONDEMAND", "NEW", "ON_DEMAND"),
    MockOrder("MOCKONDEMANDPKG", "NEW", "ON_DEMAND_PKG"),
    MockOrder("MOCKPERIODDAYTRIAL", "TRIAL", "PERIOD", ("day", 7)),
    MockOrder("MOCKMONTYTRIALTOFORMAL", "TRIAL_TO_FORMAL", "PERIOD", ("month", 1)),
    MockOrder("MOCKMONTYUNSUBSCRIBE", "UNSUBSCRIBE", "PERIOD", ("month", 1)),
    MockOrder("MOCKMONTYRENEW", "RENEW", "PERIOD", ("month", 1)),
    MockOrder("MOCKMONTYCHANGE", "CHANGE", "PERIOD", ("month", 1)),
]
MOCK_ORDERS: Mapping[str, MockOrder] = {one.order_id: one for one in _ALL}

_NEW = {"period": "MOCKPERIODYEARNEW", "one_time": "MOCKONETIMENEW", "on_demand": "MOCKONDEMAND"}
_OTHERS = {
    Activity.REFRESH: "MOCKMONTYRENEW", Activity.UPGRADE: "MOCKMONTYCHANGE", Activity.RELEASE: "MOCKMONTYUNSUBSCRIBE"
}  # fmt: skip


def mock_for(activity: Activity, charging: str) -> MockOrder:
    """The order that a debugging case is about."""
    return MOCK_ORDERS[_OTHERS.get(activity, _NEW[charging])]


def mock_details(mock: MockOrder) -> dict[str, Any]:
    """Its `orderInfo`, always the same."""
    line: dict[str, Any] = {
        "orderLineId": mock.line_id,
        "chargingMode": mock.charging,
        "currency": "USD",
        "currencyAfterDiscount": 100,
        "productInfo": [
            {
                "productId": "MOCKPRODUCT000001",
                "productName": "Mock product",
                "skuCode": "MOCKSKU00000001",
                "linearValue": 1,
            }
        ],
    }
    if mock.period:
        line |= {"expireTime": f"{EXPIRES:%Y%m%d%H%M%S}", "periodType": mock.period[0], "periodNumber": mock.period[1]}
    return {
        "orderId": mock.order_id,
        "orderType": mock.order_type,
        "createTime": f"{CREATED:%Y%m%d%H%M%S}",
        "orderLine": [line],
        "buyerInfo": BUYER,
    }
