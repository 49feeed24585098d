"""The checkout benchmark: buyers read pages as browsers do, existing orders are right, a tiny run counts every checkout."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench.report import checkouts_compared, checkouts_met, checkouts_table
from bench.shopping import Answer, Buyer, Unexpected, by_api, by_pages

ROOT = Path(__file__).resolve().parent.parent.parent
ITEM = {"path": "/products/one/?quantity=1", "continue": "/purchase/new/one/?quantity=1", "body": {"quantity": 1}}


def a_buyer() -> Buyer:
    return Buyer({"sessionid": "mine"}, "kg_key", [ITEM], "http://127.0.0.1:1")


def page(text: str, *cookies: str) -> Answer:
    return Answer(200, [("set-cookie", cookie) for cookie in cookies], text.encode())


def redirect(to: str) -> Answer:
    return Answer(302, [("location", to)], b"")


def field(name: str, value: str) -> str:
    return f'<input type="hidden" name="{name}" value="{value}">'


def test_a_buyer_sends_back_what_the_pages_gave_him():
    script = by_pages(a_buyer(), ITEM)

    assert next(script).path == ITEM["path"]
    assert script.send(page("configure")).path == ITEM["continue"]
    assert script.send(redirect("/purchase/1/confirm/")).step == "confirm"
    form = field("csrfmiddlewaretoken", "t") + field("quote", "a&amp;b") + field("agreements_shown", "3,7")
    submit = script.send(page(form, "csrftoken=secret; Path=/; HttpOnly"))
    assert (submit.method, submit.body) == (
        "POST",
        b"csrfmiddlewaretoken=t&quote=a%26b&agreements_shown=3%2C7&agreements=on",
    )
    assert submit.headers["Cookie"] == "sessionid=mine; csrftoken=secret"
    assert script.send(redirect("/purchase/orders/1/pay/")).step == "pay page"
    paid = script.send(page(field("csrfmiddlewaretoken", "t") + field("method", "card:1")))
    assert paid.body == b"csrfmiddlewaretoken=t&method=card%3A1"
    assert script.send(redirect("/purchase/orders/1/done/")).step == "done"
    with pytest.raises(StopIteration):
        script.send(page("<h1>Payment successful</h1>"))


@pytest.mark.parametrize("answer", [Answer(500, [], b""), Answer(422, [], b""), page("no form")])
def test_a_checkout_ends_where_an_answer_is_not_what_it_needs(answer):
    script = by_pages(a_buyer(), ITEM)
    next(script)
    script.send(page("configure"))
    script.send(redirect("/purchase/1/confirm/"))

    with pytest.raises(Unexpected):
        script.send(answer)


def test_a_program_orders_by_the_quote_that_it_was_given():
    script = by_api(a_buyer(), ITEM)

    assert "Idempotency-Key" not in next(script).headers
    order = script.send(Answer(200, [], b'{"quote": "signed"}'))
    assert json.loads(order.body) == {"quantity": 1, "agreements_accepted": True, "quote": "signed"}
    pay = script.send(Answer(201, [], b'{"number": "CS1"}'))
    assert pay.path == "/api/v1/orders/CS1/pay/"
    assert pay.headers["Idempotency-Key"] != order.headers["Idempotency-Key"]


def a_report(**more: object) -> dict:
    """A report whose targets are all met."""
    step = {"all": 12, "transactions": 2}
    one = {
        "per_second": 25.0, "p50": 500.0, "p99": 900.0, "most": 950.0, "steps": {"pay": 30.0}, "steps_p99": {"pay": 50.0},
        "statements": {"pay": step}, "counted": 100, "undelivered": 0, "paid": 100, "right": True, "failed": 0, "failures": [], "breaches": [],
    }  # fmt: skip
    return {
        "orders": 1_000, "buyers": 16, "seconds": 60.0, "worker": True, "machine": {"cores": 2},
        "measured_at": "2026-11-24 15:00 UTC", "ways": {"web": one | more},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("figures", "missed"),
    [({}, 0), ({"per_second": 19.9}, 1), ({"p99": 1500.0}, 1), ({"right": False}, 1), ({"failed": 1}, 1)],
)
def test_targets_of_checkouts_are_named_in_the_table(figures, missed):
    report = a_report(**figures)

    assert checkouts_met(report) == (missed == 0)
    assert "\n".join(checkouts_table(report)).count("MISSED") == missed


def test_a_million_orders_may_slow_a_checkout_by_a_fifth():
    lines = list(checkouts_compared(a_report(), a_report(per_second=20.0, p50=600.0, p99=1100.0)))

    assert [met for _line, met in lines] == [False, True, False]


@pytest.mark.long
def test_a_tiny_run_counts_every_checkout_and_finds_the_books_right(tmp_path_factory):
    report = tmp_path_factory.mktemp("bench") / "report.json"
    command = [sys.executable, "bench/checkout.py", "--orders", "20", "--products", "0", "--buyers", "2"]

    done = subprocess.run(
        [*command, "--seconds", "1", "--warm-seconds", "0.2", "--no-worker", "--json", str(report)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )

    assert done.returncode in (0, 1), done.stderr
    ways = json.loads(report.read_text())["ways"]
    assert [(name, one["right"], one["failed"]) for name, one in ways.items()] == [("web", True, 0), ("api", True, 0)]
    assert all(one["counted"] == one["paid"] > 0 for one in ways.values())
