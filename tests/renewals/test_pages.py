"""The Renewals pages by plain forms: what they refuse, what they list, what they say."""

import csv
import io
import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Account, User
from billing.models import PaymentMethod
from catalog.models import Price, Product
from koogallery.kernel import clock
from notifications.models import Message
from orders.models import Order, Subscription
from orders.terms import last_day
from pricing.values import Duration
from renewals.models import RenewalSettings
from renewals.services import PlanWish, change_plan
from tests.factories import MembershipFactory, logged_in
from tests.renewals.conftest import MONTH, YEAR, Running, a_running, day
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
    assert (
        "Not supported: auto-renewal applies to yearly/monthly subscriptions to licenses and professional services."
        in page
    )
    plan = browser(one).get(f"/billing/renewals/{one.app.public_id}/plan/").content.decode()
    assert 'value="auto"' not in plan


def test_a_card_that_ends_before_a_near_deduction_is_told_at_once_and_once_for_each_deduction(timers):
    one = a_running(day("2024-03-31"))
    PaymentMethod.objects.update(expires_year=2024, expires_month=3)
    moments = (day("2024-04-10", f"12:{minute:02}") for minute in range(60))

    def told(*wishes: PlanWish) -> list[str]:
        for wish in wishes:
            change_plan(one.app, wish, by=one.by, at=next(moments))
        timers.run(day("2024-04-10", "13:00"))
        return [
            next(when for when in ("2024-04-23", "2024-04-27") if when in text)
            for text in Message.objects.filter(title__contains="ends before")
            .order_by("id")
            .values_list("text", flat=True)
        ]

    assert told(PlanWish("auto", MONTH)) == ["2024-04-23"]
    assert told(PlanWish("auto", MONTH, 5), PlanWish("manual"), PlanWish("auto", MONTH, 0)) == ["2024-04-23"]
    assert told(PlanWish("auto", MONTH, 0, 3)) == ["2024-04-23", "2024-04-27"]
    PaymentMethod.objects.update(expires_month=2)
    assert told(PlanWish("auto", MONTH, 0, 3)) == ["2024-04-23", "2024-04-27", "2024-04-27"]


def test_only_what_is_not_refused_is_offered(timers):
    one = a_running(day("2024-01-31"))
    auto = a_running(day("2024-03-10"), by=one.by, specification=one.specification, auto_renew=True)
    client, why = browser(one), "Renew it by hand first; then auto-renewal can be switched on."
    timers.run(day("2024-03-11"))
    with clock.standing_at(day("2024-03-11")):
        listed = client.get("/billing/renewals/").content.decode()
        assert ("Enable Auto-Renewal" in listed, "Renewal settings" in listed, why in listed) == (False, True, True)
        page = client.get(f"/my/apps/{one.app.public_id}/").content.decode()
        assert ("Enable Auto-Renewal" in page, "Renew</a>" in page, why in page) == (False, True, True)
        page = client.get(f"/billing/renewals/{one.app.public_id}/plan/").content.decode()
        assert 'value="auto" disabled' in page
        assert why in page
        assert 'name="count"' not in page
        answer = client.post(f"/billing/renewals/{one.app.public_id}/plan/", AUTO)
        assert (answer.status_code, why in answer.content.decode()) == (422, True)
        # Off sale: what is on goes on, the rest ends.
        Product.objects.update(status="taken_down")
        for mode in ("manual", "auto"):
            listed = client.get(f"/billing/renewals/?mode={mode}").content.decode()
            assert "no longer available" in listed
            assert not any(label in listed for label in ("Enable Auto", "Modify Auto", "Disable Auto", "/stop/"))
        assert f"/billing/renewals/{one.app.public_id}/" not in client.get("/my/apps/").content.decode()
        page = client.get(f"/billing/renewals/{auto.app.public_id}/stop/").content.decode()
        assert "cannot be switched off now" in page
        assert "<button" not in page.partition("<main")[2].partition("</main>")[0]
        page = client.get(f"/billing/renewals/{auto.app.public_id}/plan/").content.decode()
        assert ">Save<" not in page
        Product.objects.update(status="published")


def test_where_an_order_waits_for_payment_it_is_shown_and_no_renewal_is_offered():
    one = a_running(clock.now())
    client, renew = browser(one), f'href="/billing/renewals/{one.app.public_id}/"'
    pages = ("/my/apps/", f"/my/apps/{one.app.public_id}/")
    assert [renew in client.get(path).content.decode() for path in pages] == [True, True]
    order = one.renewal(at=clock.now())
    assert [renew in client.get(path).content.decode() for path in pages] == [False, False]
    assert f'href="{order.get_absolute_url()}">View unpaid order' in client.get(pages[1]).content.decode()
    assert f'href="/purchase/orders/{order.number}/pay/">Pay Now' in client.get(pages[0]).content.decode()
    viewer = logged_in(MembershipFactory(account=one.account, role="viewer").user).get(pages[0]).content.decode()
    assert ("Pay Now" in viewer, f'href="{order.get_absolute_url()}">View unpaid order' in viewer) == (False, True)


def test_an_app_that_cannot_renew_by_itself_now_can_still_be_switched_off_on_its_page():
    one = a_running(clock.now(), auto_renew=True)
    client, path = browser(one), f"/my/apps/{one.app.public_id}/"
    stop = f"/billing/renewals/{one.app.public_id}/stop/"
    Account.objects.filter(pk=one.account.pk).update(frozen_at=clock.now())
    page = client.get(path).content.decode()
    assert ("Modify Auto-Renewal" in page, f'href="{stop}">Disable Auto-Renewal' in page) == (False, True)
    # So it can where a notice of a deduction that failed leads.
    assert (
        f'href="{stop}">Disable Auto-Renewal' in client.get(f"/billing/renewals/{one.app.public_id}/").content.decode()
    )
    assert client.post(stop).status_code == 302
    assert stop not in client.get(f"/billing/renewals/{one.app.public_id}/").content.decode()
    page = client.get(path).content.decode()
    assert ("Disable Auto-Renewal" in page, "Renewal settings" in page) == (False, True)


def test_a_period_that_is_not_sold_is_neither_offered_nor_taken():
    one = a_running(clock.now())
    client, plan = browser(one), f"/billing/renewals/{one.app.public_id}/plan/"
    assert "Enable Auto-Renewal" in client.get("/billing/renewals/").content.decode()
    Price.objects.filter(billing_mode="yearly").delete()
    Price.objects.update(billing_mode="one_time")
    why = "It is not sold by the month or year any more"
    for path in ("/billing/renewals/", f"/my/apps/{one.app.public_id}/"):
        assert "Enable Auto-Renewal" not in client.get(path).content.decode()
    assert 'value="auto" disabled' in client.get(plan).content.decode()
    answer = client.post(plan, AUTO)
    assert (answer.status_code, why in answer.content.decode()) == (422, True)


def test_a_plan_can_be_chosen_before_the_term_has_begun():
    one = a_running(clock.now(), duration=Duration(3, "month"))
    pending = Subscription.objects.filter(pk=one.pk)
    pending.update(status="pending", starts_at=None, expires_at=None, anchor_day=None)
    page = browser(one).get(f"/billing/renewals/{one.app.public_id}/plan/").content.decode()
    assert ('value="1-month"' in page, 'value="1-year"' in page, 'value="2-month"' in page) == (True, True, False)
    assert browser(one).post(f"/billing/renewals/{one.app.public_id}/plan/", AUTO).status_code == 302
    assert one.plan.mode == "auto"
    pending.update(status="closed", closed_at=clock.now())


def test_the_navigation_counts_what_ends_within_30_days_as_the_overview_does():
    now = clock.now()
    one, stranger = a_running(now, duration=YEAR), a_running(now, duration=YEAR)
    soon, later = last_day(now) + timedelta(days=28), last_day(now) + timedelta(days=31)
    rows = [Sold(one.account, one.specification, soon, soon.day, mode) for mode in ("manual", "auto")]
    sell([*rows, Sold(one.account, one.specification, later, later.day)], at=now - timedelta(days=30))

    def shown(buyer: Running) -> tuple[str, int]:
        page = browser(buyer).get("/billing/")
        found = re.search(
            r'Renewals<span class="n">([^<]*)<span class="visually-hidden"> expiring', page.content.decode()
        )
        return (found.group(1) if found else ""), page.context["ending"]

    assert (shown(one), shown(stranger)) == (("2", 2), ("", 0))
    sell([Sold(one.account, one.specification, soon, soon.day)] * 98, at=now - timedelta(days=20))
    assert shown(one) == ("99+", 100)


def test_purchased_apps_and_orders_are_exported():
    one = a_running(clock.now(), auto_renew=True)
    two = a_running(clock.now(), by=one.by, specification=one.specification)
    one.renewal(at=clock.now())
    client = browser(one)

    def rows(path: str) -> list[dict[str, str]]:
        with CaptureQueriesContext(connection) as queries:
            found = list(csv.DictReader(io.StringIO(client.get(path).getvalue().decode())))
        (read,) = [one["sql"] for one in queries if "catalog_product" in one["sql"]]
        # All rows by one cursor, without the texts that they do not print.
        assert "CURSOR" in read
        assert "LIMIT" not in read
        assert not any(f'"{long}"' in read for long in ("description", "requirement_template", "logo", "quote"))
        return found

    apps = {row["resource"]: row for row in rows("/my/apps/?export=csv")}
    assert {key: row["auto_renewal"] for key, row in apps.items()} == {
        one.app.public_id: "yes",
        two.app.public_id: "no",
    }
    assert apps[one.app.public_id]["expires"] == one.app.expires_at.isoformat()
    orders = rows("/billing/orders/?export=csv")
    newest = orders[0]
    assert (newest["type"], newest["status"], newest["amount"]) == ("renewal", "pending_payment", "5.00")
    assert len(orders) == 3
    assert len(rows("/billing/orders/?status=pending_payment&export=csv")) == 1
    assert len(rows("/my/apps/?status=closed&export=csv")) == 0


def test_an_orders_page_tells_its_history(timers):
    one = a_running(day("2024-01-31"))
    order = one.renew(at=day("2024-02-01"))
    page = browser(one).get(f"/billing/orders/{order.number}/")
    titles = [record.title for record in page.context["records"]]
    assert (titles[-1], sorted(titles[:-1])) == ("Order submitted", ["Completed", "Paid"])
