"""The Renewals pages by plain forms: what they refuse, what they list, what they say."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from billing.models import PaymentMethod
from koogallery.kernel import clock
from notifications.models import Message
from orders.models import Order
from orders.terms import last_day
from renewals.models import RenewalSettings
from renewals.services import PlanWish, change_plan
from tests.renewals.conftest import MONTH, Running, a_running, day
from tests.renewals.many import Sold, sell

pytestmark = pytest.mark.django_db


def browser(one: Running) -> Client:
    client = Client()
    client.force_login(User.objects.get(pk=one.by.user_id))
    return client


AUTO = {"mode": "auto", "period": "1-month", "count": "0", "deduction_days": "7"}


def test_what_a_form_may_not_send_is_refused_in_words_and_changes_nothing():
    one = a_running(clock.now())
    client, base = browser(one), f"/billing/renewals/{one.app.public_id}"
    cases: list[tuple[str, dict[str, Any], str]] = [
        (f"{base}/plan/", AUTO | {"count": "-1"}, "from 0 (no limit) to 99"),
        (f"{base}/plan/", AUTO | {"count": "100"}, "from 0 (no limit) to 99"),
        (f"{base}/plan/", AUTO | {"count": "1e3"}, "whole number"),
        (f"{base}/plan/", AUTO | {"count": "9" * 7}, "whole number"),
        (f"{base}/plan/", AUTO | {"deduction_days": "0"}, "from 1 to 7 days"),
        (f"{base}/plan/", AUTO | {"deduction_days": "8"}, "from 1 to 7 days"),
        (f"{base}/plan/", AUTO | {"period": "10-month"}, "Choose one of"),
        (f"{base}/plan/", AUTO | {"period": "9999-year"}, "Choose what each renewal buys"),
        (f"{base}/plan/", {"mode": "sometimes"}, "manual, auto or cancelled"),
        ("/billing/renewals/date/", {"renewal_day": "0", "coupons": "none"}, "from 1 to 28"),
        ("/billing/renewals/date/", {"renewal_day": "29", "coupons": "none"}, "from 1 to 28"),
        ("/billing/renewals/date/", {"renewal_day": "1900", "coupons": "none"}, "from 1 to 28"),
        ("/billing/renewals/date/", {"renewal_day": "9999", "coupons": "none"}, "from 1 to 28"),
        ("/billing/renewals/date/", {"renewal_day": "1900-01-01", "coupons": "none"}, "whole number"),
        ("/billing/renewals/date/", {"renewal_day": "1", "coupons": "all"}, "how coupons are used"),
        (f"{base}/", {"duration": "1-month"}, "price offer is missing"),
        (f"{base}/", {"duration": "-1-month", f"quote.{one.app.public_id}": "x"}, "Choose a duration"),
        (f"{base}/", {"duration": "1-month", f"quote.{one.app.public_id}": "x:y:z"}, "price"),
    ]
    for path, form, said in cases:
        answer = client.post(path, form)
        assert answer.status_code == 422, (path, form)
        assert said in answer.content.decode(), (path, form)
    assert one.plan.mode == "manual"
    assert not RenewalSettings.objects.exists()
    assert not Order.objects.filter(kind="renewal").exists()


def test_batches_take_1_to_200_of_the_accounts_own():
    one, stranger = a_running(clock.now()), a_running(clock.now())
    client = browser(one)
    for apps in ([], [f"{number:016}" for number in range(201)]):
        answer = client.post("/billing/renewals/batch/", {"app": apps, "duration": "1-month"}, follow=True)
        assert "Select 1 to 200 resources" in answer.content.decode()
    mixed = {"app": [one.app.public_id, stranger.app.public_id], "duration": "1-month"}
    assert client.get("/billing/renewals/batch/", mixed).status_code == 404
    assert client.post("/billing/renewals/batch/", mixed).status_code == 404
    for what in ("", "plan/", "stop/"):
        assert client.get(f"/billing/renewals/{stranger.app.public_id}/{what}").status_code == 404
    assert not Order.objects.filter(kind="renewal").exists()


def test_the_list_has_the_tabs_of_the_rules_finds_by_ids_and_shows_up_to_200_rows():
    now = clock.now()
    one = a_running(now)
    until = last_day(now) + timedelta(days=20)
    other, *more = sell([Sold(one.account, one.specification, until, until.day)] * 21, at=now)
    client = browser(one)
    page = client.get("/billing/renewals/").content.decode()
    for tab in ("Manual Renewals", "Auto Renewals", "Renewals Canceled"):
        assert tab in page
    assert page.count('name="app"') == 20
    assert "Select all on this page" in page
    assert client.get("/billing/renewals/?rows=200").content.decode().count('name="app"') == 22
    assert client.get("/billing/renewals/?rows=9999").content.decode().count('name="app"') == 20
    ids = f"{one.app.public_id}, {other.public_id}"
    found = client.get("/billing/renewals/", {"q": ids}).content.decode()
    assert found.count('name="app"') == 2
    assert "A search takes up to 200" not in found
    many = " ".join([more[0].public_id, *(f"{number:016}" for number in range(200))])
    found = client.get("/billing/renewals/", {"q": many}).content.decode()
    assert found.count('name="app"') == 1
    assert "A search takes up to 200" in found
    change_plan(other, PlanWish("cancelled"), by=one.by)
    assert client.get("/billing/renewals/?mode=cancelled").content.decode().count('name="app"') == 1


def test_what_does_not_renew_by_itself_says_no_and_why():
    one = a_running(clock.now(), saas=True)
    page = browser(one).get(f"/my/apps/{one.app.public_id}/").content.decode()
    assert "Not supported: auto-renewal applies to licenses and professional services." in page
    plan = browser(one).get(f"/billing/renewals/{one.app.public_id}/plan/").content.decode()
    assert 'value="auto"' not in plan


def test_a_card_that_ends_before_a_near_deduction_is_told_at_once(timers):
    one = a_running(day("2024-03-31"))
    PaymentMethod.objects.update(expires_year=2024, expires_month=3)
    change_plan(one.app, PlanWish("auto", MONTH), by=one.by, at=day("2024-04-10"))
    timers.run(day("2024-04-10", "13:00"))
    assert "2024-04-23" in Message.objects.get(title__contains="ends before").text
