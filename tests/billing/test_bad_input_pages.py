"""What must be refused on pages, of operators and of the processor's messages: each in words or with its status, and no row changed."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from billing.gateways.sandbox import signature
from koogallery.kernel import clock
from tests.billing.bad_input import Send, Shop, a_digit_away, broken, photograph, refused

pytestmark = pytest.mark.django_db

THIRTY_DIGITS = 10**29


# --- pages --------------------------------------------------------------------------------------------------------------


def confirm(**form: Any) -> Send:
    return lambda s: s.browser().post(f"/purchase/{s.draft.public_id}/confirm/", {"agreements": "on"} | form)


def page_quote(make: Callable[[Shop], str]) -> Send:
    return lambda s: confirm(quote=make(s))(s)


def coupon_page(make: Callable[[Shop], str]) -> Send:
    return lambda s: s.browser().post(f"/purchase/{s.draft.public_id}/coupon/", {"coupon": make(s)})


def pay_page(make: Callable[[Shop], str]) -> Send:
    return lambda s: s.browser().post(f"/purchase/orders/{s.order.number}/pay/", {"method": make(s)})


def configured(query: str) -> Send:
    return lambda s: s.browser().get(f"/purchase/new/{s.customer.specification.product.slug}/?{query}")


def browse(path: Callable[[Shop], str], form: dict[str, str] | None = None) -> Send:
    def send(shop: Shop) -> Any:
        client = shop.browser()
        return client.get(path(shop)) if form is None else client.post(path(shop), form)

    return send


PAGES = [
    ("Confirm with a forged quote", page_quote(lambda s: s.draft.quote[:-2] + "xx"), 422, "expired"),
    ("Confirm without a quote", confirm(), 400, "price offer is missing"),
    ("Confirm with a stranger's quote", page_quote(lambda s: s.other_draft.quote), 422, "expired"),
    ("Confirm with NUL in the quote", page_quote(lambda s: "a\x00b"), 400, ""),
    ("Confirm without the agreements", lambda s: confirm(agreements="", quote=s.draft.quote)(s), 422, "agree"),
    ("a stranger's Confirm", browse(lambda s: f"/purchase/{s.other_draft.public_id}/confirm/"), 404, ""),
    ("a stranger's Confirm sent", browse(lambda s: f"/purchase/{s.other_draft.public_id}/confirm/", {"quote": "x"}), 404, ""),
    *[
        (f"on Confirm a coupon {name}", coupon_page(lambda s, name=name: s.coupons[name].code), 422, "coupon")
        for name in ("expired", "not valid yet", "of another currency", "of another account", "of another product", "used up")
    ],
    ("on Confirm a coupon with NUL", coupon_page(lambda s: "A\x00B"), 400, ""),
    ("on Confirm a coupon that turns", coupon_page(lambda s: "\u202eABC"), 422, "coupon"),
    ("on Confirm a coupon of a megabyte", coupon_page(lambda s: "x" * 2**20), 422, "coupon"),
    ("on Pay a method that is none", pay_page(lambda s: "free"), 422, "method"),
    ("on Pay the reseller", pay_page(lambda s: "reseller"), 422, "method"),
    ("on Pay a stranger's card", pay_page(lambda s: f"card:{s.other_card.public_id}"), 422, "card"),
    ("on Pay a card with NUL", pay_page(lambda s: "card:a\x00b"), 400, ""),
    ("on Pay monthly settlement without a grant", pay_page(lambda s: "monthly_settlement"), 422, "service ticket"),
    ("on Pay an empty balance", pay_page(lambda s: "balance"), 422, "not enough"),
    ("Pay for a stranger's order", browse(lambda s: f"/purchase/orders/{s.other_order.number}/pay/", {"method": "card"}), 404, ""),
    ("Pay one digit away", browse(lambda s: f"/purchase/orders/{a_digit_away(s.order.number)}/pay/", {"method": "card"}), 404, ""),
    (
        "Pay for a stranger's order among mine",
        browse(lambda s: f"/purchase/pay/?order={s.order.number}&order={s.other_order.number}", {"method": "card"}),
        404,
        "",
    ),
    (
        "Pay for 31 orders",
        browse(lambda s: "/purchase/pay/?" + "&".join(f"order=CS{n:014d}" for n in range(31)), {"method": "card"}),
        404,
        "",
    ),
    ("a stranger's receipt", browse(lambda s: f"/billing/orders/{s.other_order.number}/receipt.pdf"), 404, ""),
    ("the receipt of an unpaid order", browse(lambda s: f"/billing/orders/{s.order.number}/receipt.pdf"), 404, ""),
    ("a stranger's order", browse(lambda s: f"/billing/orders/{s.other_order.number}/"), 404, ""),
    ("a stranger's order canceled", browse(lambda s: f"/billing/orders/{s.other_order.number}/cancel/", {}), 404, ""),
    ("a stranger's statement", browse(lambda s: f"/billing/statements/{s.other_statement.public_id}/", {"method": "card"}), 404, ""),
    ("a stranger's card unbound", browse(lambda s: f"/billing/payment-methods/{s.other_card.public_id}/unbind/", {}), 404, ""),
    ("a stranger's card as default", browse(lambda s: f"/billing/payment-methods/{s.other_card.public_id}/default/", {}), 404, ""),
    (
        "a form without a token",
        lambda s: s.browser(enforce_csrf_checks=True).post(f"/purchase/orders/{s.order.number}/pay/", {"method": "card"}),
        403,
        "",
    ),
    *[
        (f"configured with {query}", configured(query), 302, "")
        for query in (
            "quantity=0", "quantity=-1", "quantity=1e3", "quantity=NaN", f"quantity={THIRTY_DIGITS}", "quantity=1.0", "quantity=١",
            "duration=0", "duration=10", "duration=1e0", "specification=0",
            "specification=x", f"specification={THIRTY_DIGITS}", "billing_mode=weekly", "billing_mode=one_time",
        )
    ],
    ("configured with NUL", configured("quantity=%00"), 400, ""),
]  # fmt: skip


@pytest.mark.parametrize(("send", "status", "says"), [row[1:] for row in PAGES], ids=[row[0][:70] for row in PAGES])
def test_a_person_is_refused_in_words_and_nothing_changes(shop, send, status, says):
    answer = refused(shop, send)
    assert answer.status_code == status, answer.content[-2000:]
    if status == 302:
        assert answer["Location"].endswith("#pricing")
    else:
        assert says.lower() in answer.content.decode().lower()


REFUNDS = ["5.01", "0", "0.00", "-1", "0.001", "1e0", "1e30", "NaN", "Infinity", str(THIRTY_DIGITS), "١", "1,00", "x"]


@pytest.mark.parametrize("amount", REFUNDS)
def test_a_refund_above_what_was_paid_or_of_no_amount_is_refused(shop, amount):
    form = {"order_number": shop.paid.number, "amount": amount, "reason": "Asked for."}
    answer = refused(shop, lambda s: s.operations().post("/admin/billing/refundproposal/add/", form))
    assert answer.status_code == 422


@pytest.mark.parametrize("amount", ["0", "-1", "0.001", "1e3", "NaN", "-Infinity", str(THIRTY_DIGITS), "x", ""])
@pytest.mark.parametrize("kind", ["top_up", "payout", "reseller_paid", "adjustment"])
def test_a_posting_by_hand_of_no_amount_is_refused(shop, kind, amount):
    form = {
        "kind": kind, "account": shop.customer.account.public_id, "seller": shop.paid.seller.slug, "currency": "USD",
        "amount": amount, "text": "BANK-1", "cause": "correction",
    }  # fmt: skip
    answer = refused(shop, lambda s: s.operations().post("/admin/billing/journalentry/add/", form))
    assert answer.status_code == 422


# --- the processor's messages ------------------------------------------------------------------------------------------


def webhook(
    told: Any, *, age: float = 0, mark: str = "", path: str = "/webhooks/sandbox/", signed: bool = True
) -> Send:
    def send(shop: Shop) -> Any:
        body = told if isinstance(told, bytes) else json.dumps(told).encode()
        sent = str(int(clock.machine_now().timestamp() - age))
        headers = {"Sandbox-Signature": f"t={sent},v1={mark or signature(sent, body)}"} if signed else {}
        return shop.browser().post(path, body, content_type="application/json", headers=headers)

    return send


def dispute(**change: Any) -> dict[str, Any]:
    about = {"reference": "dp_1", "charge": "", "amount": "5.00", "currency": "USD", "state": "opened"}
    return {"id": "evt_1", "kind": "dispute", "dispute": about | change}


CHARGE = {"id": "evt_1", "kind": "charge", "key": "x"}

WEBHOOKS = [
    ("a wrong signature", webhook(CHARGE, mark="0" * 64), 400),
    ("a signature that is no text of ours", webhook(CHARGE, mark="é"), 400),
    ("no signature", webhook(CHARGE, signed=False), 400),
    ("six minutes old", webhook(CHARGE, age=361), 400),
    ("from the future", webhook(CHARGE, age=-361), 400),
    ("no JSON", webhook(b"{"), 400),
    ("a list", webhook([]), 400),
    ("deeply nested", webhook(b"[" * 100_000 + b"]" * 100_000), 400),
    ("2 MB", webhook(b'"' + b"x" * 2 * 2**20 + b'"'), 413),
    ("another processor's", webhook(CHARGE, path="/webhooks/stripe/"), 404),
    ("an id with NUL", webhook({"id": "a\x00b", "kind": "charge", "key": "x"}), 400),
    ("a key with NUL", webhook({"id": "a", "kind": "charge", "key": "a\x00b"}), 400),
    ("an unknown kind", webhook({"id": "a", "kind": "gift"}), 400),
    ("a dispute over NaN", webhook(dispute(amount="NaN")), 400),
    ("a dispute over less than nothing", webhook(dispute(amount="-5.00")), 400),
    ("a dispute over nothing", webhook(dispute(amount="0")), 400),
    ("a dispute over 30 digits", webhook(dispute(amount=str(THIRTY_DIGITS))), 400),
    ("a dispute in a currency that is none", webhook(dispute(currency="DOLLAR")), 400),
    ("a dispute in no known state", webhook(dispute(state="settled")), 400),
]


@pytest.mark.parametrize(("send", "status"), [row[1:] for row in WEBHOOKS], ids=[row[0] for row in WEBHOOKS])
def test_a_message_that_is_not_the_processors_is_refused(shop, send, status):
    assert refused(shop, send).status_code == status


def test_a_message_that_comes_again_changes_nothing(shop):
    reference = shop.paid.allocations.get().payment.reference
    send = webhook(dispute(charge=reference))
    assert send(shop).status_code == 200
    assert refused(shop, send).status_code == 200
    # Also under another id: a dispute is booked once.
    again = webhook(dispute(charge=reference) | {"id": "evt_2"})
    before = {name: rows for name, rows in photograph().items() if name != "GatewayMessage"}
    assert again(shop).status_code == 200
    assert {name: rows for name, rows in photograph().items() if name != "GatewayMessage"} == before
    assert broken() == []
