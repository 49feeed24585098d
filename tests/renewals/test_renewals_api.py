"""Renewals for programs, as API.md names them: codes, amounts, nothing changed by bad input."""

from datetime import timedelta

import pytest

from accounts.models import Account
from koogallery.kernel import clock
from orders.models import Order
from orders.terms import last_day
from renewals.services import SettingsWish, choose_settings
from tests.api.conftest import buyer_api
from tests.renewals.conftest import a_running

pytestmark = pytest.mark.django_db


@pytest.fixture
def one():
    return a_running(clock.now())


@pytest.fixture
def api(one):
    return buyer_api(account=Account.objects.get(pk=one.by.account_id), card=False)


def address(one, what: str) -> str:
    return f"subscriptions/{one.app.public_id}/{what}/"


def test_a_renewal_is_quoted_ordered_paid_and_completed(one, api):
    month = {"duration": {"value": 1, "unit": "month"}}
    quote = api.post(address(one, "renew-quote"), month).json()
    assert (quote["payable"]["amount"], quote["lines"][0]["text"]) == ("5.00", "$5.00 USD/month x 1 month(s)")
    before = one.app.expires_at
    made = api.post(address(one, "renew"), month | {"quote": quote["quote"]}, idempotency_key="r-1")
    assert made.status_code == 201
    order = made.json()
    assert (order["kind"], order["status"], order["subscription"]) == ("renewal", "pending_payment", one.app.public_id)
    assert api.post(address(one, "renew"), month | {"quote": quote["quote"]}, idempotency_key="r-1").json() == order
    again = api.post(address(one, "renew"), month)
    assert (again.status_code, again.json()["code"]) == (409, "pending_order_exists")
    paid = api.post(f"orders/{order['number']}/pay/", {"method": "card"})
    assert (paid.status_code, paid.json()["status"]) == (200, "completed")
    assert one.app.expires_at > before


def test_to_the_renewal_date(one, api):
    choose_settings(one.account, SettingsWish(31, "none"), by=one.by)
    made = api.post(address(one, "renew"), {"duration": {"value": 1, "unit": "month"}, "to_renewal_date": True})
    api.post(f"orders/{made.json()['number']}/pay/", {"method": "card"})
    end = last_day(one.app.expires_at)
    assert (end + timedelta(days=1)).day == 1


def test_auto_renewal_is_switched_on_changed_and_off(one, api):
    answer = api.put(address(one, "auto-renewal"), {"enabled": True, "period": "year", "count": 3})
    plan = answer.json()["auto_renewal"]
    assert (answer.status_code, plan["enabled"], plan["period"], plan["count"]) == (
        200,
        True,
        {"value": 1, "unit": "year"},
        3,
    )
    assert plan["next_deduction_at"]
    plan = api.put(
        address(one, "auto-renewal"), {"mode": "auto", "period": {"value": 2, "unit": "month"}, "deduction_days": 1}
    ).json()["auto_renewal"]
    assert (plan["period"], plan["deduction_days"], plan["count"]) == ({"value": 2, "unit": "month"}, 1, 3)
    plan = api.put(address(one, "auto-renewal"), {"mode": "cancelled"}).json()["auto_renewal"]
    assert (plan["enabled"], plan["mode"], plan["next_deduction_at"]) == (False, "cancelled", None)
    assert api.put(address(one, "auto-renewal"), {"enabled": False}).json()["auto_renewal"]["mode"] == "manual"


@pytest.mark.parametrize(
    ("sentence", "what", "body", "status", "code"),
    [
        ("nothing said", "auto-renewal", {}, 400, "validation_error"),
        ("two that disagree", "auto-renewal", {"enabled": False, "mode": "auto"}, 400, "validation_error"),
        ("count -1", "auto-renewal", {"enabled": True, "count": -1}, 400, "validation_error"),
        ("count 100", "auto-renewal", {"enabled": True, "count": 100}, 400, "validation_error"),
        ("count as a text", "auto-renewal", {"enabled": True, "count": "3"}, 400, "validation_error"),
        (
            "10 months",
            "auto-renewal",
            {"enabled": True, "period": {"value": 10, "unit": "month"}},
            400,
            "validation_error",
        ),
        (
            "10^9 years of nothing",
            "auto-renewal",
            {"enabled": False, "period": {"value": 10**9, "unit": "year"}},
            400,
            "validation_error",
        ),
        ("enabled in words", "auto-renewal", {"enabled": "yes"}, 400, "validation_error"),
        ("enabled as a number", "auto-renewal", {"enabled": 1}, 400, "validation_error"),
        ("a date in words", "renew", {"to_renewal_date": "yes"}, 400, "validation_error"),
        ("a period of days", "auto-renewal", {"enabled": True, "period": "day"}, 400, "validation_error"),
        ("day 8", "auto-renewal", {"enabled": True, "deduction_days": 8}, 400, "validation_error"),
        ("a price of his own", "auto-renewal", {"enabled": True, "price": "0.01"}, 400, "validation_error"),
        ("10 months", "renew", {"duration": {"value": 10, "unit": "month"}}, 409, "not_renewable"),
        ("0 months", "renew", {"duration": {"value": 0, "unit": "month"}}, 400, "validation_error"),
        ("10^9 years", "renew", {"duration": {"value": 10**9, "unit": "year"}}, 409, "not_renewable"),
        ("days", "renew", {"duration": {"value": 1, "unit": "day"}}, 400, "validation_error"),
        ("a date", "renew", {"expires_at": "9999-12-31T00:00:00Z"}, 400, "validation_error"),
        ("1900", "renew", {"starts_at": "1900-01-01"}, 400, "validation_error"),
        ("a forged quote", "renew", {"quote": "x:y:z"}, 409, "quote_expired"),
        ("a coupon of nobody", "renew", {"coupon": "AAAABBBBCCCCDDDD"}, 400, "coupon_invalid"),
    ],
)
def test_bad_input_changes_nothing(one, api, sentence, what, body, status, code):
    answer = (api.put if what == "auto-renewal" else api.post)(address(one, what), body)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.content
    assert Order.objects.filter(kind="renewal").count() == 0
    assert one.plan.mode == "manual"


def test_a_kept_period_that_is_sold_no_more_is_not_switched_on(one, api):
    api.put(address(one, "auto-renewal"), {"enabled": True, "period": "year"})
    api.put(address(one, "auto-renewal"), {"enabled": False})
    one.app.specification.prices.filter(billing_mode="yearly").delete()
    answer = api.put(address(one, "auto-renewal"), {"enabled": True})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["period"])
    assert api.put(address(one, "auto-renewal"), {"enabled": True, "period": "month"}).status_code == 200


def test_other_accounts_and_roles(one, api):
    stranger, viewer = buyer_api(), buyer_api("viewer", one.account, card=False)
    for what in ("renew", "renew-quote"):
        assert stranger.post(address(one, what), {}).status_code == 404
    assert stranger.put(address(one, "auto-renewal"), {"enabled": True}).status_code == 404
    assert viewer.post(address(one, "renew"), {}).status_code == 403
    assert viewer.put(address(one, "auto-renewal"), {"enabled": True}).status_code == 403
    elsewhere = buyer_api("viewer", card=False)
    assert elsewhere.post(address(one, "reveal-password"), {}).status_code == 404
    assert viewer.post(address(one, "reveal-password"), {}).status_code == 403


def test_saas_says_that_it_is_not_supported():
    saas = a_running(clock.now(), saas=True)
    api = buyer_api(account=saas.account, card=False)
    answer = api.put(address(saas, "auto-renewal"), {"enabled": True})
    assert (answer.status_code, answer.json()["code"]) == (409, "auto_renewal_not_supported")
    assert api.get(f"subscriptions/{saas.app.public_id}/").json()["auto_renewal"]["supported"] is False
