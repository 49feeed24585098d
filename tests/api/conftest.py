"""A program's way in: keys for a buyer and a seller of the same product."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import Account, Membership
from accounts.services import create_api_key
from billing.gateways.sandbox import SandboxGateway
from billing.services import bind_card
from catalog.models import Specification
from catalog.services import refresh_listing
from tests.factories import AgreementFactory, SellerMemberFactory, a_buyer, a_specification


class Api:
    """`api.post("orders/", {...})` with a key; JSON in, JSON out."""

    def __init__(self, key: str) -> None:
        self.key, self.client = key, Client(raise_request_exception=False)

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(f"/api/v1/{path}", query, headers=self._headers())

    def post(self, path: str, body: Any = None, *, idempotency_key: str = "", multipart: bool = False) -> Any:
        headers = self._headers() | ({"Idempotency-Key": idempotency_key} if idempotency_key else {})
        if multipart:
            return self.client.post(f"/api/v1/{path}", body, headers=headers)
        return self.client.post(f"/api/v1/{path}", body or {}, content_type="application/json", headers=headers)

    def raw(self, path: str, body: bytes) -> Any:
        return self.client.post(f"/api/v1/{path}", body, content_type="application/json", headers=self._headers())

    def put(self, path: str, body: Any = None) -> Any:
        return self.client.put(f"/api/v1/{path}", body or {}, content_type="application/json", headers=self._headers())

    def delete(self, path: str) -> Any:
        return self.client.delete(f"/api/v1/{path}", headers=self._headers())

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Token {self.key}"} if self.key else {}


def buyer_api(role: str = "owner", account: Account | None = None, card: bool = True) -> Api:
    """A key of a new member."""
    buyer = a_buyer(role, account)
    membership = Membership.objects.get(user_id=buyer.user_id)
    if card:
        bind_card(membership.account, SandboxGateway().enter_card("success"), by=a_buyer("owner", membership.account))
    _key, secret = create_api_key(membership.user, name="test", account=membership.account)
    return Api(secret)


def seller_api(specification: Specification) -> Api:
    """A key of a new member of the specification's seller."""
    member = SellerMemberFactory(seller=specification.product.seller)
    _key, secret = create_api_key(member.user, name="test", seller=member.seller)
    return Api(secret)


def on_sale(**traits: Any) -> Specification:
    """A specification whose product is listed."""
    AgreementFactory()
    specification = a_specification(**traits)
    refresh_listing(specification.product)
    return specification


def body_for(specification: Specification, **more: Any) -> dict[str, Any]:
    """The body of a quote."""
    month = {"value": 1, "unit": "month"}
    return {"specification": specification.pk, "billing_mode": "monthly", "duration": month, **more}


def order_body(specification: Specification, **more: Any) -> dict[str, Any]:
    """The body of an order."""
    return body_for(specification, agreements_accepted=True, **more)


@pytest.fixture
def api(db: None) -> Api:
    return buyer_api()
