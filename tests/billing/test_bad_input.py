"""What must be refused when something is bought, by REST: each with its code, and no row changed.

One row a case (RELIABILITY.md). A row says what is sent; `Shop` has what it is aimed at.
"""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from time_machine import travel

from koogallery.kernel import clock
from pricing.values import Duration
from tests.billing.bad_input import Send, Shop, a_digit_away, refused
from tests.factories import a_specification

pytestmark = pytest.mark.django_db

THIRTY_DIGITS = 10**29
DEEP = b'{"a":' * 5_000 + b"1" + b"}" * 5_000


def quote(**change: Any) -> Send:
    return lambda shop: shop.api("POST", "quotes/", shop.body | change)


def order(**change: Any) -> Send:
    return lambda shop: shop.api("POST", "orders/", shop.body | {"agreements_accepted": True} | change)


def pay(**body: Any) -> Send:
    return lambda shop: shop.api("POST", f"orders/{shop.order.number}/pay/", {"method": "card"} | body)


def together(orders: Callable[[Shop], Any], **body: Any) -> Send:
    return lambda shop: shop.api("POST", "payments/", {"method": "card", "orders": orders(shop)} | body)


def with_quote(make: Callable[[Shop], Any], **change: Any) -> Send:
    return lambda shop: order(quote=make(shop), **change)(shop)


def raw(path: str, body: bytes) -> Send:
    return lambda shop: shop.api("POST", path, raw=body)


def written(**change: str) -> Send:
    """An order in whose body a value stands as it is written: what no JSON library would write."""

    def send(shop: Shop) -> Any:
        shop_body = {name: value for name, value in shop.body.items() if name not in change}
        start = json.dumps(shop_body | {"agreements_accepted": True})[:-1]
        more = "".join(f', "{name}": {text}' for name, text in change.items())
        return shop.api("POST", "orders/", raw=f"{start}{more}}}".encode())

    return send


COUPONS = [
    (f"a coupon {name}", sent(coupon=name), 400, "coupon_invalid")
    for name in (
        "expired", "not valid yet", "of another currency", "of another account", "of another product", "of another seller",
        "for a larger order", "used up",
    )
    for sent in (lambda coupon: lambda shop: order(coupon=shop.coupons[coupon].code)(shop),)
]  # fmt: skip

QUOTES = [
    ("a forged quote", with_quote(lambda shop: shop.quote()[:-2] + "xx"), 409, "quote_expired"),
    ("a quote that is cut off", with_quote(lambda shop: shop.quote()[:40]), 409, "quote_expired"),
    ("no quote at all", with_quote(lambda shop: "x"), 409, "quote_expired"),
    ("a stale quote", with_quote(lambda shop: shop.quote(at=clock.now() - timedelta(hours=25))), 409, "quote_expired"),
    ("a quote of another buyer", with_quote(lambda shop: shop.quote(shop.stranger)), 409, "quote_expired"),
    (
        "a quote of another product",
        with_quote(lambda shop: shop.quote(specification=a_specification().pk)),
        409,
        "quote_expired",
    ),
    ("a quote of fewer", with_quote(lambda shop: shop.quote(), quantity=2), 409, "quote_expired"),
    (
        "a quote of another term",
        with_quote(lambda shop: shop.quote(duration=Duration(2, "month"))),
        409,
        "quote_expired",
    ),
    (
        "a quote that was made without the coupon",
        lambda shop: order(quote=shop.quote(), coupon=shop.coupons["good"].code)(shop),
        409,
        "quote_expired",
    ),
    ("a quote that is a number", with_quote(lambda shop: 1), 400, "validation_error"),
    ("a quote with NUL", with_quote(lambda shop: "a\x00b"), 400, "validation_error"),
    ("a quote of 5,000 letters", with_quote(lambda shop: "x" * 5_000), 400, "validation_error"),
]

NUMBERS = [
    (f"{name} = {text}", written(**{name: text}), 400, "validation_error")
    for name in ("quantity", "specification")
    for text in (
        "-1", "0", "1001", str(THIRTY_DIGITS), "1" * 5_000, "1.5", "1e0", "1E400", "NaN", "-Infinity", '"1"', '"١"', "true",
        "[1]", "{}", "null",
    )
    if (name, text) != ("specification", "1001")
] + [
    (f"duration = {text}", written(duration=text), 400, "validation_error")
    for text in (
        '{"value": 0, "unit": "month"}', '{"value": -1, "unit": "month"}', '{"value": 10, "unit": "month"}',
        '{"value": 1e0, "unit": "month"}', '{"value": NaN, "unit": "month"}', '{"value": "1", "unit": "month"}',
        '{"value": 1, "unit": "day"}', '{"value": 1, "unit": null}', '{"value": 1}', '{"value": 1, "unit": "month", "price": 0}',
        '{"value": 1, "unit": "year"}', f'{{"value": {THIRTY_DIGITS}, "unit": "month"}}', "1", "null", "[]",
    )
] + [
    (f"attributes = {text[:40]}", written(attributes=text), 400, "validation_error")
    for text in (
        '{"nope": 1}', '{"price": "0.01"}', "[]", '"x"', '{"a": {"b": 1}}', '{"a": 1.5}', '{"a": true}', '{"a": "\\u0000"}',
        '{"\\u0000": "a"}', '{"\\u202e": "a"}', json.dumps({"a" * 10_000: 1}), json.dumps({str(n): 1 for n in range(51)}),
    )
]  # fmt: skip

NOT_TAKEN = [
    (f"{where} with {name}", sent(name), 400, "validation_error")
    for where, sent in {
        "a quote": lambda name: quote(**{name: "0.01"}),
        "an order": lambda name: order(**{name: "0.01"}),
        "a payment": lambda name: pay(**{name: "0.01"}),
        "a combined payment": lambda name: together(lambda shop: [shop.order.number], **{name: "0.01"}),
        "a cancellation": lambda name: lambda shop: shop.api("POST", f"orders/{shop.order.number}/cancel/", {name: 1}),
        "a statement's payment": lambda name: (
            lambda shop: shop.api(
                "POST", f"statements/{shop.statement.public_id}/pay/", {"method": "card", name: "0.01"}
            )
        ),
        "a coupon's code": lambda name: lambda shop: shop.api("POST", "coupons/", {"code": "x", name: "0.01"}),
    }.items()
    for name in (
        "price",
        "payable",
        "amount",
        "currency",
        "account",
        "seller",
        "status",
        "discount",
        "paid_at",
        "owner",
    )
]

STRANGERS = [
    ("a stranger's order is read", lambda s: s.api("GET", f"orders/{s.other_order.number}/"), 404, "not_found"),
    ("an order one digit away", lambda s: s.api("GET", f"orders/{a_digit_away(s.order.number)}/"), 404, "not_found"),
    (
        "a stranger's order is paid",
        lambda s: s.api("POST", f"orders/{s.other_order.number}/pay/", {"method": "card"}),
        404,
        "not_found",
    ),
    (
        "an order one digit away is paid",
        lambda s: s.api("POST", f"orders/{a_digit_away(s.order.number)}/pay/", {"method": "card"}),
        404,
        "not_found",
    ),
    (
        "a stranger's order is canceled",
        lambda s: s.api("POST", f"orders/{s.other_order.number}/cancel/"),
        404,
        "not_found",
    ),
    (
        "a stranger's statement is paid",
        lambda s: s.api("POST", f"statements/{s.other_statement.public_id}/pay/", {"method": "card"}),
        404,
        "not_found",
    ),
    ("a stranger's order among mine", together(lambda s: [s.order.number, s.other_order.number]), 404, "not_found"),
    (
        "an order one digit away among mine",
        together(lambda s: [s.order.number, a_digit_away(s.order.number)]),
        404,
        "not_found",
    ),
    (
        "a stranger's card for my order",
        lambda s: pay(payment_method=s.other_card.public_id)(s),
        400,
        "validation_error",
    ),
    (
        "a stranger's card for my orders",
        lambda s: together(lambda s: [s.order.number], payment_method=s.other_card.public_id)(s),
        400,
        "validation_error",
    ),
    (
        "a stranger's card for my statement",
        lambda s: s.api(
            "POST",
            f"statements/{s.statement.public_id}/pay/",
            {"method": "card", "payment_method": s.other_card.public_id},
        ),
        400,
        "validation_error",
    ),
    (
        "an account in the query",
        lambda s: s.api("GET", f"orders/{s.other_order.number}/?account={s.stranger.account.public_id}"),
        404,
        "not_found",
    ),
    (
        "a stranger's coupon redeemed",
        lambda s: s.api("POST", "coupons/", {"code": s.coupons["of another account"].code}),
        400,
        "coupon_invalid",
    ),
    (
        "a subscription that is none",
        lambda s: s.api("POST", "subscriptions/0000000000000000/upgrade/", {}),
        404,
        "not_found",
    ),
]

PAYING = [
    (f"method = {method!r}", pay(method=method), 400, "validation_error")
    for method in ("reseller", "free", "", None, 1, ["card"], {"card": 1}, "CARD", "card\x00", "monthly_settlement", "balance")
] + [
    (f"card = {card!r}", pay(payment_method=card), 400, "validation_error")
    for card in ("x", "a\x00b", "\u202egnp", "x" * 17, 1, [], {})
] + [
    (f"orders = {name}", together(lambda shop, made=made: made(shop)), 400, "validation_error")
    for name, made in {
        "none": lambda shop: [],
        "31 of them": lambda shop: [f"CS{n:014d}" for n in range(31)],
        "a text": lambda shop: shop.order.number,
        "an object": lambda shop: {"0": shop.order.number},
        "a list in a list": lambda shop: [[shop.order.number]],
        "numbers": lambda shop: [1],
        "null": lambda shop: None,
        "one with NUL": lambda shop: [shop.order.number, "CS\x00"],
        "one with a sign that turns": lambda shop: [shop.order.number, "CS\u202e"],
        "one of 21 letters": lambda shop: ["C" * 21],
    }.items()
] + [
    (
        "a paid order again",
        lambda s: s.api("POST", f"orders/{s.paid.number}/pay/", {"method": "card"}),
        409,
        "order_not_payable",
    ),
    ("a paid order among mine", together(lambda s: [s.order.number, s.paid.number]), 409, "order_not_payable"),
    ("a paid order canceled", lambda s: s.api("POST", f"orders/{s.paid.number}/cancel/"), 409, "invalid_transition"),
    ("no agreement", order(agreements_accepted=False), 400, "agreements_not_accepted"),
    ("an agreement in words", order(agreements_accepted="true"), 400, "validation_error"),
    ("auto-renewal in words", order(auto_renew="yes"), 400, "validation_error"),
    ("a coupon with NUL", order(coupon="A\x00B"), 400, "validation_error"),
    ("a coupon that turns", order(coupon="\u202eABC"), 400, "validation_error"),
    ("a coupon that is a list", order(coupon=["x"]), 400, "validation_error"),
    ("a coupon of 41 letters", order(coupon="x" * 41), 400, "validation_error"),
    ("an emoji as a coupon", order(coupon="🚀"), 400, "coupon_invalid"),
    ("a billing mode that is none", order(billing_mode="weekly"), 400, "validation_error"),
    ("a billing mode that is not sold", order(billing_mode="one_time", duration=None), 400, "validation_error"),
    ("an unknown specification", order(specification=2**63 - 1), 404, "not_found"),
]  # fmt: skip

ENVELOPES = [
    (f"{path} {name}", raw(path, body), status, code)
    for path in ("quotes/", "orders/", "payments/", "coupons/")
    for name, body, status, code in (
        ("with a key twice", b'{"quantity": 1, "quantity": 2}', 400, "validation_error"),
        ("with a key twice further down", b'{"duration": {"value": 1, "value": 2}}', 400, "validation_error"),
        ("nested 5,000 deep", DEEP, 400, "validation_error"),
        ("nested 21 deep", b'{"a":' * 21 + b"1" + b"}" * 21, 400, "validation_error"),
        ("lists nested 5,000 deep", b'{"a":' + b"[" * 5_000 + b"]" * 5_000 + b"}", 400, "validation_error"),
        ("of 10 MB", b'{"quote": "' + b"x" * 10 * 2**20 + b'"}', 413, "payload_too_large"),
        ("with NaN", b'{"quantity": NaN}', 400, "validation_error"),
        ("cut off", b'{"quantity": 1', 400, "validation_error"),
        ("that is a list", b"[1]", 400, "validation_error"),
        ("that is a text", b'"x"', 400, "validation_error"),
        ("in UTF-16", '{"quantity": 1}'.encode("utf-16"), 400, "validation_error"),
        ("that is no UTF-8", b'{"quote": "\xff"}', 400, "validation_error"),
        ("with a lone surrogate as a name", b'{"\\ud800": 1}', 400, "validation_error"),
        ("with NUL as a name", b'{"\\u0000": 1}', 400, "validation_error"),
        ("with a lone surrogate", b'{"coupon": "\\ud800", "code": "\\ud800", "quote": "\\ud800"}', 400, "validation_error"),
    )
] + [
    (f"a keyed payment with {body!r}", lambda s, body=body: s.api("POST", f"orders/{s.order.number}/pay/", raw=body, Idempotency_Key="k"), 400, "validation_error")
    for body in (b'{"method": "\\u0000"}', b'{"method": "card", "\\u0000": 1}', b'{"\\udfff": 1}')
] + [
    (f"an Idempotency-Key {name}", lambda s, key=key: s.api("POST", "orders/", s.body, Idempotency_Key=key), 400, "validation_error")
    for name, key in (("of 256 letters", "k" * 256), ("that is empty", ""), ("with a control character", "a\x07b"))
]  # fmt: skip


def table(*rows: list[tuple[str, Send, int, str]]) -> Any:
    listed = [row for some in rows for row in some]
    return pytest.mark.parametrize(
        ("send", "status", "code"), [row[1:] for row in listed], ids=[row[0][:70] for row in listed]
    )


@table(COUPONS, QUOTES, NUMBERS, NOT_TAKEN, STRANGERS, PAYING, ENVELOPES)
def test_a_program_is_refused_with_a_code_and_nothing_changes(shop, send, status, code):
    answer = refused(shop, send)
    assert answer["Content-Type"] == "application/problem+json"
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.content


def test_a_quote_serves_one_order(shop):
    token = shop.quote()
    assert order(quote=token)(shop).status_code == 201
    answer = refused(shop, order(quote=token))
    assert (answer.status_code, answer.json()["code"]) == (409, "quote_expired")


def test_an_order_past_its_deadline_is_not_paid(shop):
    with travel(clock.now() + timedelta(days=7, seconds=1)):
        answer = refused(shop, pay())
    assert (answer.status_code, answer.json()["code"]) == (409, "order_not_payable")


@pytest.mark.parametrize("price", ["9999999999.99999999", "123456789.12345678"])
def test_more_than_the_books_can_hold_is_not_sold(shop, price):
    specification = a_specification(prices={"monthly": price})
    specification.max_quantity = 10**9
    specification.save()
    for send in (quote, order):
        answer = refused(shop, send(specification=specification.pk, quantity=10**9))
        assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")
