"""Buyers who go through whole checkouts, by pages or by REST, many at once: a closed loop in one thread.

A checkout is a script: a generator that yields what to ask and is sent the answer. It reads what it needs (form
token, quote, method) from the pages that it gets, as a browser does, and follows redirects. What a browser has in its
cache (styles, scripts, pictures) is not asked for.
"""

import contextlib
import json
import re
import secrets
import selectors
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from html import unescape
from itertools import count
from typing import Any
from urllib.parse import urlencode

from bench.load import TIMEOUT_SECONDS, Connection, Measured, measuring, percentile

MOST_FAILURES = 50
WEB, API = "web", "api"
# In the order in which a buyer meets them.
STEPS = {
    WEB: ("product", "continue", "confirm", "submit", "pay page", "pay", "done"),
    API: ("quote", "order", "pay"),
}
_COOKIE = re.compile(r"(\w+)=([^;]*)")


@dataclass(slots=True)
class Ask:
    """One request: the step that it is, and what is sent."""

    step: str
    path: str
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str:
        return next((value for known, value in self.headers if known == name), "")


class Unexpected(Exception):
    """A step was answered otherwise than a checkout needs it."""


@dataclass(slots=True)
class Buyer:
    """Who buys: a session for the pages, a key for REST, and what he buys in turn.

    Attributes:
        cookies: as his browser holds them.
        key: of the API.
        items: each with `path` (the product page with its configuration), `continue` and `body` (of a quote).
    """

    cookies: dict[str, str]
    key: str
    items: list[dict[str, Any]]
    origin: str = ""


Script = Generator[Ask, Answer, None]


@dataclass(slots=True)
class Checkouts(Measured):
    """What a run saw; `latencies` are those of whole checkouts, and `failed` counts those that ended before their end.

    Attributes:
        steps: seconds of each request, by step.
        failures: why checkouts failed, in words.
    """

    steps: dict[str, list[float]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def step(self, name: str, share: float) -> float:
        """Milliseconds that `share` (0 to 1) of the answers to a step stayed within."""
        return 1000 * percentile(self.steps[name], share)

    def fail(self, why: str) -> None:
        self.failed += 1
        self.failures.append(why)


# --- the two ways ----------------------------------------------------------------------------------------------------


def by_pages(buyer: Buyer, item: Mapping[str, Any]) -> Script:
    """Configure, Continue to Submit, Confirm, Pay, Done, in a session (guide 2.1, steps 4 to 6)."""
    yield from _page(buyer, "product", item["path"])
    confirm = yield from _redirected(buyer, "continue", item["continue"])
    page = yield from _page(buyer, "confirm", confirm)
    form = {
        "csrfmiddlewaretoken": _value(page, "csrfmiddlewaretoken"),
        "quote": _value(page, "quote"),
        "agreements_shown": _value(page, "agreements_shown"),
    }
    pay = yield from _redirected(buyer, "submit", confirm, form | {"agreements": "on"})
    page = yield from _page(buyer, "pay page", pay)
    form = {"csrfmiddlewaretoken": _value(page, "csrfmiddlewaretoken"), "method": _value(page, "method")}
    done = yield from _redirected(buyer, "pay", pay, form)
    page = yield from _page(buyer, "done", done)
    if "Payment successful" not in page:
        raise Unexpected("the page does not say that the payment was successful")


def _page(buyer: Buyer, step: str, path: str) -> Generator[Ask, Answer, str]:
    answer = yield from _asked(buyer, step, path, None)
    if answer.status != 200:
        raise Unexpected(f"{answer.status} {answer.header('location')}")
    return answer.body.decode()


def _redirected(
    buyer: Buyer, step: str, path: str, form: Mapping[str, str] | None = None
) -> Generator[Ask, Answer, str]:
    answer = yield from _asked(buyer, step, path, form)
    if answer.status != 302:
        raise Unexpected(f"{answer.status} instead of a redirect")
    return answer.header("location")


def _asked(buyer: Buyer, step: str, path: str, form: Mapping[str, str] | None) -> Generator[Ask, Answer, Answer]:
    ask = Ask(step, path, headers={"Cookie": "; ".join(f"{name}={value}" for name, value in buyer.cookies.items())})
    if form is not None:
        ask.method, ask.body = "POST", urlencode(form).encode()
        ask.headers |= {
            "Content-Type": "application/x-www-form-urlencoded",
            "Origin": buyer.origin,
            "Referer": f"{buyer.origin}{path}",
        }
    answer = yield ask
    for name, value in answer.headers:
        if name == "set-cookie" and (cookie := _COOKIE.match(value)):
            buyer.cookies[cookie[1]] = cookie[2]
    return answer


def _value(page: str, name: str) -> str:
    """The value of the form field `name` that comes first."""
    tag = re.search(rf'<input\b[^>]*\bname="{name}"[^>]*>', page)
    found = re.search(r'\bvalue="([^"]*)"', tag[0]) if tag else None
    if found is None:
        raise Unexpected(f"the page has no field {name}")
    return unescape(found[1])


def by_api(buyer: Buyer, item: Mapping[str, Any]) -> Script:
    """Quote, order, payment by REST, each with an idempotency key where API.md wants one."""
    quote = yield from _called(buyer, "quote", "/api/v1/quotes/", item["body"], 200)
    confirmed = item["body"] | {"agreements_accepted": True, "quote": quote["quote"]}
    order = yield from _called(buyer, "order", "/api/v1/orders/", confirmed, 201)
    paid = yield from _called(buyer, "pay", f"/api/v1/orders/{order['number']}/pay/", {"method": "card"}, 200)
    if paid["status"] != "processing":
        raise Unexpected(f"the order is {paid['status']}")


def _called(
    buyer: Buyer, step: str, path: str, body: Mapping[str, Any], wanted: int
) -> Generator[Ask, Answer, dict[str, Any]]:
    headers = {"Authorization": f"Token {buyer.key}", "Content-Type": "application/json"}
    if step != "quote":
        headers["Idempotency-Key"] = secrets.token_hex(8)
    answer = yield Ask(step, path, "POST", headers, json.dumps(body).encode())
    if answer.status != wanted:
        raise Unexpected(f"{answer.status} {answer.body[:200].decode(errors='replace')}")
    read: dict[str, Any] = json.loads(answer.body)
    return read


WAYS: dict[str, Callable[[Buyer, Mapping[str, Any]], Script]] = {WEB: by_pages, API: by_api}


# --- all of them at once ---------------------------------------------------------------------------------------------


class _Shopper:
    """A buyer at work: one checkout after the other over one connection."""

    def __init__(self, buyer: Buyer, way: str, port: int, first: int) -> None:
        self.buyer, self.way, self.port = buyer, way, port
        self.turns = count(first)
        self.connection = Connection(port)
        self.began = 0.0
        self.step = ""

    def begin(self) -> None:
        self.began = time.perf_counter()
        item = self.buyer.items[next(self.turns) % len(self.buyer.items)]
        self.script = WAYS[self.way](self.buyer, item)
        self.ask(next(self.script))

    def ask(self, ask: Ask) -> None:
        self.step = ask.step
        # Should the other side just have closed the connection, reading says so next.
        with contextlib.suppress(ConnectionError):
            self.connection.send(ask.path, time.perf_counter(), method=ask.method, headers=ask.headers, body=ask.body)


def shop(port: int, way: str, buyers: Sequence[Buyer], *, seconds: float) -> Checkouts:
    """Every buyer checks out again and again for so long; what is under way at the end is waited for and counted.

    Raises:
        ConnectionError: nobody listens.
    """
    seen = Checkouts(steps={step: [] for step in STEPS[way]})
    # The generator's clock and garbage collector are those of the other loads.
    with selectors.DefaultSelector() as waiting, measuring(seen) as started:
        end = started + seconds

        def begin(shopper: _Shopper) -> None:
            waiting.register(shopper.connection.socket, selectors.EVENT_READ, shopper)
            shopper.begin()

        for number, buyer in enumerate(buyers):
            buyer.origin = f"http://127.0.0.1:{port}"
            begin(_Shopper(buyer, way, port, number))
        while waiting.get_map():
            events = waiting.select(TIMEOUT_SECONDS)
            if not events:
                for key in waiting.get_map().values():
                    seen.fail(f"{key.data.step}: no answer")
                break
            for key, _events in events:
                shopper: _Shopper = key.data
                if _goes_on(shopper, seen):
                    continue
                waiting.unregister(key.fileobj)
                if time.perf_counter() < end and seen.failed < MOST_FAILURES:
                    begin(shopper)
                else:
                    shopper.connection.close()
        for key in list(waiting.get_map().values()):
            key.data.connection.close()
    return seen


def _goes_on(shopper: _Shopper, seen: Checkouts) -> bool:
    """Take in what came; False when the checkout is over, well or not."""
    connection = shopper.connection
    try:
        status = connection.receive()
        if status is None:
            return True
        now = time.perf_counter()
        seen.steps[shopper.step].append(now - connection.began)
        shopper.ask(shopper.script.send(Answer(status, *connection.answer())))
    except StopIteration:
        seen.latencies.append(now - shopper.began)
        return False
    except (Unexpected, ConnectionError, TimeoutError) as error:
        seen.fail(f"{shopper.step}: {str(error) or type(error).__name__}")
        connection.close()
        shopper.connection = Connection(shopper.port)
        return False
    return True
