"""A small HTTP server that speaks the part of Stripe's interface that we use.

Its hosted pages (entering a card, the bank's question) are there for browsers. It honours Idempotency-Key, takes nested form fields, answers errors in Stripe's shape, and can misbehave: hang, break
off after charging, fail, take another amount. Cards are payment methods whose id says what they do: `pm_ok`,
`pm_insufficient_funds`, `pm_authentication`, ...
"""

import hashlib
import hmac
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from billing.gateways.base import _load

SECRET = "sk_test_loopback"
WEBHOOK_SECRET = "whsec_loopback"
FEE = 59
# Real addresses of a bank's question carry secrets and keys.
ADDRESS_LENGTH = 400


class Refused(Exception):
    """An error answer."""

    def __init__(self, status: int, kind: str, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status, self.error = status, {"type": kind, "message": message, **more}


class Stripe:
    """What the processor knows, and how it shall misbehave next."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.objects: dict[str, dict[str, Any]] = {}
        self.answered: dict[str, tuple[str, int, bytes]] = {}
        self.calls: list[str] = []
        self.hang_seconds = 0.0
        self.drop_after_charge = False
        self.fail_with = 0
        self.take_instead: int | None = None
        self.settles_in = ""
        self.address = ""
        self.next_card = "pm_ok"
        self.refund_status = "succeeded"

    def make(self, prefix: str, kind: str, **fields: Any) -> dict[str, Any]:
        one = {"id": f"{prefix}_{len(self.objects) + 1:04d}", "object": kind, "created": int(time.time()), **fields}
        self.objects[one["id"]] = one
        return one

    # --- what people do on Stripe's pages -----------------------------------------------------------------------

    def complete_session(self, session_id: str, card: str = "pm_ok") -> None:
        """The card holder entered a card on the hosted page."""
        session = self.objects[session_id]
        method = {
            "id": card,
            "object": "payment_method",
            "customer": session["customer"],
            "card": {"brand": "visa", "last4": "4242", "exp_year": 2036, "exp_month": 7},
        }
        self.objects[card] = method
        session["setup_intent"] = {
            "id": "seti_1",
            "object": "setup_intent",
            "status": "succeeded",
            "payment_method": method,
        }
        session["status"] = "complete"

    def authenticate(self, intent_id: str, *, ok: bool) -> None:
        """The card holder answered the bank."""
        intent = self.objects[intent_id]
        intent["next_action"] = None
        if ok:
            self._take(intent)
        else:
            intent["status"] = "requires_payment_method"
            intent["last_payment_error"] = {"code": "payment_intent_authentication_failure"}

    def webhook(
        self, kind: str, about: dict[str, Any], *, at: float | None = None, secret: str = WEBHOOK_SECRET
    ) -> tuple[dict[str, str], bytes]:
        """Headers and body of a signed message."""
        body = json.dumps(
            {"id": f"evt_{len(self.calls)}", "object": "event", "type": kind, "data": {"object": about}}
        ).encode()
        sent = str(int(time.time() if at is None else at))
        mark = hmac.new(secret.encode(), f"{sent}.".encode() + body, hashlib.sha256).hexdigest()
        return {"Stripe-Signature": f"t={sent},v1={mark}"}, body

    def page(self, path: str, query: dict[str, Any]) -> str | None:
        """A hosted page: one form, back to itself. None: there is no such page."""
        if found := re.fullmatch(r"/c/pay/(cs_\w+)", path):
            return f"<h1>Enter your card</h1>{self.objects[found[1]]['customer']}{button('save', 'Save card')}"
        if found := re.fullmatch(r"/3ds/(pi_\w+)", path):
            back = f"<input type=hidden name=return_url value='{query['return_url']}'>"
            return f"<h1>Your bank</h1>{button('approve', 'Approve', back)}{button('refuse', 'Refuse', back)}"
        return None

    def submit(self, path: str, data: dict[str, Any]) -> str:
        """A hosted page's form was sent; where the browser is sent then."""
        pk = path.rsplit("/", 1)[-1]
        if pk.startswith("cs_"):
            self.complete_session(pk, self.next_card)
            return str(self.objects[pk]["success_url"]).replace("{CHECKOUT_SESSION_ID}", pk)
        self.authenticate(pk, ok="approve" in data)
        return f"{data['return_url']}?{urlencode({'payment_intent': pk, 'redirect_status': 'succeeded'})}"

    # --- the interface ----------------------------------------------------------------------------------------------

    def answer(self, method: str, path: str, data: dict[str, Any], query: dict[str, Any]) -> dict[str, Any]:
        self.calls.append(f"{method} {path}")
        routes = [
            ("POST", r"/v1/customers", lambda: self.make("cus", "customer", **data)),
            ("POST", r"/v1/checkout/sessions", lambda: self._session(data)),
            ("GET", r"/v1/checkout/sessions/(\w+)", self._get),
            ("POST", r"/v1/payment_methods/(\w+)/detach", self._detach),
            ("POST", r"/v1/payment_intents", lambda: self._intent(data)),
            ("GET", r"/v1/payment_intents", lambda: self._list(query)),
            ("POST", r"/v1/payment_intents/(\w+)/confirm", lambda pk: self._confirm(pk, data)),
            ("POST", r"/v1/payment_intents/(\w+)/cancel", self._cancel),
            ("POST", r"/v1/refunds", lambda: self._refund(data)),
            ("GET", r"/v1/refunds", lambda: self._refunds(query)),
            ("GET", r"/v1/disputes", lambda: self._kept("dispute", query)),
            ("GET", r"/v1/payouts", lambda: self._kept("payout", query)),
        ]
        for wanted, pattern, act in routes:
            found = re.fullmatch(pattern, path)
            if wanted == method and found:
                return act(*found.groups())
        raise Refused(404, "invalid_request_error", f"Unrecognized request URL ({method}: {path}).")

    def _get(self, pk: str) -> dict[str, Any]:
        if pk not in self.objects:
            raise Refused(404, "invalid_request_error", f"No such object: {pk}", code="resource_missing")
        return self.objects[pk]

    def _session(self, data: dict[str, Any]) -> dict[str, Any]:
        session = self.make("cs", "checkout.session", setup_intent=None, status="open", **data)
        session["url"] = f"{self.address}/c/pay/{session['id']}"
        return session

    def _detach(self, pk: str) -> dict[str, Any]:
        method = self._get(pk)
        if not method.get("customer"):
            raise Refused(400, "invalid_request_error", "The payment method is not attached to a customer.")
        method["customer"] = None
        return method

    def _intent(self, data: dict[str, Any]) -> dict[str, Any]:
        intent = self.make(
            "pi", "payment_intent", amount=int(data["amount"]), currency=data["currency"], customer=data["customer"],
            payment_method=data["payment_method"], metadata=data.get("metadata", {}), amount_received=0,
            capture_method=data.get("capture_method", "automatic_async"),
            status="requires_confirmation", latest_charge=None, next_action=None, last_payment_error=None,
        )  # fmt: skip
        card = data["payment_method"]
        if card == "pm_gone":
            raise Refused(400, "invalid_request_error", f"No such PaymentMethod: '{card}'", code="resource_missing")
        if card == "pm_refused":
            raise Refused(400, "invalid_request_error", "Amount must be at least 50 cents.", code="amount_too_small")
        if card == "pm_ok":
            self._take(intent)
            return intent
        code = {"pm_authentication": "authentication_required"}.get(card, "card_declined")
        intent["status"] = "requires_payment_method"
        intent["last_payment_error"] = {"code": code, "decline_code": card.removeprefix("pm_")}
        raise Refused(
            402,
            "card_error",
            "Your card was declined.",
            code=code,
            decline_code=card.removeprefix("pm_"),
            payment_intent=intent,
        )

    def _take(self, intent: dict[str, Any]) -> None:
        taken = intent["amount"] if self.take_instead is None else self.take_instead
        currency = self.settles_in or intent["currency"]
        moved = {"id": "txn_1", "object": "balance_transaction", "fee": FEE, "currency": currency}
        # What is captured later has moved nothing yet when the answer is given.
        at_once = intent["capture_method"] == "automatic"
        charge = self.make("ch", "charge", amount=taken, balance_transaction=moved if at_once else None)
        intent |= {"status": "succeeded", "amount_received": taken, "latest_charge": charge, "next_action": None}

    def _confirm(self, pk: str, data: dict[str, Any]) -> dict[str, Any]:
        intent = self._get(pk)
        page = (
            f"{self.address}/3ds/{pk}?{urlencode({'secret': 'x' * ADDRESS_LENGTH, 'return_url': data['return_url']})}"
        )
        intent |= {
            "status": "requires_action",
            "next_action": {"type": "redirect_to_url", "redirect_to_url": {"url": page}},
        }
        return intent

    def _cancel(self, pk: str) -> dict[str, Any]:
        intent = self._get(pk)
        if intent["status"] == "succeeded":
            raise Refused(400, "invalid_request_error", "It has succeeded.", code="payment_intent_unexpected_state")
        intent["status"] = "canceled"
        return intent

    def _list(self, query: dict[str, Any]) -> dict[str, Any]:
        mine = [
            one
            for one in self.objects.values()
            if one["object"] == "payment_intent"
            and query.get("customer") in (None, one["customer"])
            and made(one, query)
        ]
        return {"object": "list", "url": "/v1/payment_intents", "has_more": False, "data": mine[::-1]}

    def _refunds(self, query: dict[str, Any]) -> dict[str, Any]:
        mine = [
            one
            for one in self.objects.values()
            if one["object"] == "refund"
            and query.get("payment_intent") in (None, one["payment_intent"])
            and made(one, query)
        ]
        return {"object": "list", "url": "/v1/refunds", "has_more": False, "data": mine[::-1]}

    def _kept(self, kind: str, query: dict[str, Any]) -> dict[str, Any]:
        mine = [
            one
            for one in self.objects.values()
            if one["object"] == kind
            and made(one, query)
            and (kind != "payout" or query.get("status") in (None, one["status"]))
        ]
        return {"object": "list", "url": f"/v1/{kind}s", "has_more": False, "data": mine[::-1]}

    def _refund(self, data: dict[str, Any]) -> dict[str, Any]:
        intent = self._get(data["payment_intent"])
        back = sum(
            one["amount"]
            for one in self.objects.values()
            if one["object"] == "refund" and one["payment_intent"] == intent["id"]
        )
        if back + int(data["amount"]) > intent["amount_received"]:
            raise Refused(400, "invalid_request_error", "More than was charged.", code="amount_too_large")
        return self.make(
            "re", "refund", amount=int(data["amount"]), currency=intent["currency"], payment_intent=intent["id"],
            status=self.refund_status, failure_reason=None, metadata=data.get("metadata", {}),
        )  # fmt: skip


def made(one: dict[str, Any], query: dict[str, Any]) -> bool:
    """Whether it was created in the asked time."""
    asked = query.get("created", {})
    return int(asked.get("gte", 0)) <= one["created"] < int(asked.get("lt", 2**40))


def button(name: str, label: str, more: str = "") -> str:
    return f"<form method=post>{more}<button name={name} value=1>{label}</button></form>"


def nested(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """`metadata[key]=x&expand[0]=y` as nested objects."""
    result: dict[str, Any] = {}
    for name, value in pairs:
        first, *rest = re.findall(r"[^\[\]]+", name)
        if not rest:
            result[first] = value
        else:
            result.setdefault(first, {})[rest[0]] = value
    return result


def handler_of(stripe: Stripe) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: Any) -> None:
            """Tests read no access log."""

        def do_GET(self) -> None:
            self._serve(b"")

        def do_POST(self) -> None:
            self._serve(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

        def _serve(self, body: bytes) -> None:
            url = urlsplit(self.path)
            if not url.path.startswith("/v1/"):
                self._serve_page(url.path, body, url.query)
                return
            if stripe.hang_seconds:
                time.sleep(stripe.hang_seconds)
            status, told = self._answered(url.path, body, url.query)
            if stripe.drop_after_charge and url.path == "/v1/payment_intents" and self.command == "POST":
                self.close_connection = True
                self.connection.close()
                return
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        def _serve_page(self, path: str, body: bytes, query: str) -> None:
            with stripe.lock:
                page = stripe.page(path, dict(parse_qsl(query)))
                there = stripe.submit(path, dict(parse_qsl(body.decode()))) if page and self.command == "POST" else ""
            told = f"<!doctype html><title>Stripe</title><link rel=icon href=data:,>{page}".encode()
            self.send_response(302 if there else 200 if page else 404)
            if there:
                self.send_header("Location", there)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        def _answered(self, path: str, body: bytes, query: str) -> tuple[int, bytes]:
            with stripe.lock:
                if stripe.fail_with:
                    return stripe.fail_with, b'{"error": {"type": "api_error", "message": "Sorry."}}'
                if self.headers.get("Authorization") != f"Bearer {SECRET}":
                    return 401, b'{"error": {"type": "invalid_request_error", "message": "Invalid API Key."}}'
                key = self.headers.get("Idempotency-Key") if self.command == "POST" else None
                mark = hashlib.sha256(path.encode() + body).hexdigest()
                if key and key in stripe.answered:
                    before, status, told = stripe.answered[key]
                    if before != mark:
                        error = {
                            "type": "idempotency_error",
                            "message": "Keys can only be used with the same parameters.",
                        }
                        return 400, json.dumps({"error": error}).encode()
                    return status, told
                try:
                    data, asked = nested(parse_qsl(body.decode())), nested(parse_qsl(query))
                    status, told = 200, json.dumps(stripe.answer(self.command, path, data, asked)).encode()
                except Refused as refused:
                    status, told = refused.status, json.dumps({"error": refused.error}).encode()
                if key:
                    stripe.answered[key] = (mark, status, told)
                return status, told

    return Handler


def install(settings: Any, server: Stripe) -> None:
    """Stripe at `server` is the marketplace's card processor."""
    settings.STRIPE_API_BASE, settings.STRIPE_SECRET_KEY = server.address, SECRET
    settings.STRIPE_WEBHOOK_SECRET, settings.STRIPE_TIMEOUT_SECONDS = WEBHOOK_SECRET, 1.0
    settings.PAYMENT_GATEWAY = "billing.gateways.stripe.StripeGateway"
    _load.cache_clear()


@contextmanager
def serving() -> Iterator[Stripe]:
    """The server on a free port of loopback, as long as the block runs."""
    stripe = Stripe()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(stripe))
    server.daemon_threads = True
    stripe.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield stripe
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
