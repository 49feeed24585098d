"""A shop with a customer, a stranger and things of both to aim bad input at; and a photograph of every row of money."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.apps import apps
from django.test import Client

from accounts.models import Membership, User
from accounts.services import create_api_key
from billing.models import PaymentMethod, Statement
from billing.services import PaymentRequest, pay_order
from koogallery.kernel import clock
from koogallery.kernel.books import breaches
from koogallery.kernel.ids import CROCKFORD
from orders.models import Order, PurchaseDraft
from orders.services import open_draft
from pricing.models import Coupon
from pricing.services import quote_purchase
from pricing.values import Duration, QuoteRequest
from tests.billing.conftest import Shopper, a_shopper
from tests.factories import AgreementFactory, a_coupon, a_specification, a_statement


def photograph() -> dict[str, list[dict[str, Any]]]:
    """Every row of what is bought, priced and paid: nothing may differ after a refusal."""
    models = [one for label in ("pricing", "orders", "billing") for one in apps.get_app_config(label).get_models()]
    return {one.__name__: list(one.objects.order_by("pk").values()) for one in models}


def broken() -> list[str]:
    return [str(one) for one in breaches() if one.invariant.name != "listing_repeats_prices"]


@dataclass
class Shop:
    """What the customer and the stranger have. `stranger` belongs to another account."""

    customer: Shopper
    stranger: Shopper
    key: str
    order: Order
    paid: Order
    other_order: Order
    card: PaymentMethod
    other_card: PaymentMethod
    statement: Statement
    other_statement: Statement
    draft: PurchaseDraft
    other_draft: PurchaseDraft
    coupons: dict[str, Coupon]

    # --- by REST ----------------------------------------------------------------------------------------------------

    def api(self, method: str, path: str, body: Any = None, *, raw: bytes | None = None, **headers: str) -> Any:
        data = raw if raw is not None else json.dumps(body if body is not None else {}).encode()
        client = Client(raise_request_exception=False)
        sent = {
            "Authorization": f"Token {self.key}",
            **{name.replace("_", "-"): text for name, text in headers.items()},
        }
        return client.generic(method, f"/api/v1/{path}", data, content_type="application/json", headers=sent)

    @property
    def body(self) -> dict[str, Any]:
        """The body of a quote that is answered."""
        return {
            "specification": self.customer.specification.pk,
            "billing_mode": "monthly",
            "duration": {"value": 1, "unit": "month"},
        }

    def quote(self, who: Shopper | None = None, at: Any = None, **request: Any) -> str:
        wanted = {"specification": self.customer.specification.pk, "billing_mode": "monthly"} | request
        wanted.setdefault("duration", Duration(1, "month"))
        account = (who or self.customer).account
        return quote_purchase(QuoteRequest(**wanted), account=account, at=at).token

    # --- by pages ---------------------------------------------------------------------------------------------------

    def browser(self, who: Shopper | None = None, **options: Any) -> Client:
        client = Client(raise_request_exception=False, **options)
        client.force_login(User.objects.get(pk=(who or self.customer).by.user_id))
        return client

    def operations(self) -> Client:
        client = Client(raise_request_exception=False)
        client.force_login(User.objects.get(pk=self.customer.operator.user_id))
        return client


def a_shop() -> Shop:
    AgreementFactory()
    customer, stranger = a_shopper(), a_shopper()
    specification = customer.specification
    specification.max_quantity = 1_000
    specification.save()
    stranger.specification = specification
    card, other_card = customer.card(), stranger.card()
    membership = Membership.objects.select_related("user").get(user_id=customer.by.user_id)
    _row, key = create_api_key(membership.user, name="test", account=customer.account)
    at = clock.now()
    account = customer.account
    elsewhere = a_specification().product
    coupons = {
        "good": a_coupon(account),
        "expired": a_coupon(account),
        "not valid yet": a_coupon(account, valid_from=at + timedelta(days=1)),
        "of another currency": a_coupon(account, currency="JPY", value=Decimal(3)),
        "of another account": a_coupon(stranger.account),
        "of another product": a_coupon(account, product=elsewhere),
        "of another seller": a_coupon(account, seller=elsewhere.seller),
        "for a larger order": a_coupon(account, minimum_spend=Decimal("5.01")),
        "used up": a_coupon(account),
    }
    Coupon.objects.filter(pk=coupons["expired"].pk).update(
        valid_from=at - timedelta(days=2), valid_until=at - timedelta(days=1)
    )
    customer.order(coupon=coupons["used up"].code)
    paid = pay_order(customer.order(), PaymentRequest(), by=customer.by)
    drafts = [
        open_draft(
            QuoteRequest(specification.pk, "monthly", Duration(1, "month")),
            account=who.account, user=User.objects.get(pk=who.by.user_id), by=who.by,
        )
        for who in (customer, stranger)
    ]  # fmt: skip
    return Shop(
        customer, stranger, key, customer.order(), paid, stranger.order(), card, other_card,
        a_statement(account), a_statement(stranger.account), *drafts, coupons,
    )  # fmt: skip


def a_digit_away(number: str) -> str:
    """The order number with its last digit changed."""
    return number[:-1] + CROCKFORD[(CROCKFORD.index(number[-1]) + 1) % len(CROCKFORD)]


Send = Callable[[Shop], Any]


def refused(shop: Shop, send: Send) -> Any:
    """The answer, once it is sure that nothing changed and the books are right."""
    before = photograph()
    answer = send(shop)
    assert photograph() == before
    assert broken() == []
    return answer
