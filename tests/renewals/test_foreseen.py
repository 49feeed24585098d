"""The forecast, its CSV and chart, and the calendar feed."""

import csv
import io
from datetime import datetime
from decimal import Decimal

import pytest
from django.test import Client
from icalendar import Calendar

from accounts.models import User
from billing.gateways.sandbox import SandboxGateway
from billing.models import PaymentMethod
from koogallery.kernel import clock
from orders.terms import last_day
from pricing.values import Duration
from renewals.services import PlanWish, change_plan
from renewals.services.calendar import calendar_of, calendar_token, replace_calendar_address
from renewals.services.forecasting import forecast
from tests.renewals.conftest import YEAR, a_running, day

pytestmark = pytest.mark.django_db


def test_the_forecast_is_what_is_deducted_month_by_month_and_what_would_be_renewed_by_hand():
    at = day("2024-01-31")
    monthly = a_running(at, auto_renew=True)
    more = {"by": monthly.by, "specification": monthly.specification}
    a_running(at, duration=YEAR, **more)
    counted, ended = a_running(at, **more), a_running(at, **more)
    change_plan(counted.app, PlanWish("auto", Duration(2, "month"), 2), by=monthly.by, at=at)
    change_plan(ended.app, PlanWish("cancelled"), by=monthly.by, at=at)
    (one,) = forecast(monthly.account, at=at)
    automatic = {f"{month.month:%Y-%m}": month.automatic.amount for month in one.months}
    # Deducted 7 days before Feb 29, Mar 31, ...: once in each month from February on; two months for 10.00 in Feb and Apr.
    assert automatic == {"2024-01": 0, "2024-02": 15, "2024-03": 5, "2024-04": 15} | {
        f"2024-{number:02}": 5 for number in range(5, 13)
    }
    assert one.by_hand.amount == 0
    (longer,) = forecast(monthly.account, at=at, months=14)
    assert [month.by_hand.amount for month in longer.months][12:] == [Decimal("50"), 0]
    (product,) = longer.products
    assert (product.product, product.automatic, product.by_hand) == (
        monthly.app.product,
        longer.automatic,
        longer.by_hand,
    )
    assert product.renewals == sum(month.renewals for month in longer.months)


def test_what_has_expired_is_not_foreseen_as_renewed_by_itself(timers):
    at = day("2024-01-31")
    one = a_running(at, auto_renew=True)
    PaymentMethod.objects.update(reference=SandboxGateway().enter_card("declined"))
    timers.run(day("2024-03-02"))
    # Of the term from Feb 29, and at the ends of March, April and May.
    (foreseen,) = forecast(one.account, at=day("2024-03-02"), months=3)
    assert (foreseen.automatic.amount, foreseen.by_hand.amount) == (0, 20)


def test_the_page_its_csv_and_the_query_agree():
    now = clock.now()
    one = a_running(now, auto_renew=True)
    client = Client()
    client.force_login(User.objects.get(pk=one.by.user_id))
    (foreseen,) = forecast(one.account, at=now)
    rows = list(csv.DictReader(io.StringIO(client.get("/billing/renewals/forecast/?format=csv").getvalue().decode())))
    assert [row["Renewed by itself"] for row in rows] == [month.automatic.digits() for month in foreseen.months]
    page = client.get("/billing/renewals/forecast/").content.decode()
    for month in foreseen.months:
        assert f"{month.month:%b %y}: {month.automatic.amount.normalize():f} USD" in page
    assert f"/calendar/{calendar_token(one.account)}.ics" in page
    assert f"{one.app.product.get_absolute_url()}#support" in page


def test_the_feed_parses_and_has_every_expiry():
    at = day("2024-01-31")
    one = a_running(at, auto_renew=True)
    other = a_running(at, duration=YEAR, by=one.by, specification=one.specification)
    events = {str(event["uid"]): event for event in Calendar.from_ical(calendar_of(one.account, at=at)).walk("VEVENT")}
    assert set(events) == {
        f"{one.app.public_id}-expiry@koogallery",
        f"{one.app.public_id}-deduction@koogallery",
        f"{other.app.public_id}-expiry@koogallery",
    }
    for app in (one.app, other.app):
        when: datetime = events[f"{app.public_id}-expiry@koogallery"].decoded("dtstart")
        assert when == app.expires_at
    assert last_day(events[f"{one.app.public_id}-deduction@koogallery"].decoded("dtstart")).isoformat() == "2024-02-22"


def test_the_address_cannot_be_guessed_needs_no_session_and_is_replaced():
    one, stranger = a_running(day("2024-01-31")), a_running(day("2024-01-31"))
    visitor, token = Client(), calendar_token(one.account)
    answer = visitor.get(f"/calendar/{token}.ics")
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/calendar; charset=utf-8")
    assert one.app.public_id in answer.content.decode()
    assert stranger.app.public_id not in answer.content.decode()
    body, _sign, signature = token.rpartition("~")
    public_id = stranger.account.public_id
    for wrong in (f"{body}~{signature[:-1]}", f"{public_id}.0~{signature}", public_id, f"{public_id}.0", "x"):
        assert visitor.get(f"/calendar/{wrong}.ics").status_code == 404
    replace_calendar_address(one.account, by=one.by)
    assert visitor.get(f"/calendar/{token}.ics").status_code == 404
    assert visitor.get(f"/calendar/{calendar_token(one.account)}.ics").status_code == 200


def test_a_month_that_is_renewed_by_hand_in_grace_counts_now(timers):
    at = day("2024-01-31")
    one = a_running(at)
    timers.run(day("2024-03-02"))
    (foreseen,) = forecast(one.account, at=day("2024-03-02"))
    assert foreseen.months[0].by_hand.amount == Decimal("10")  # what is over, and what then expires on Mar 31
    change_plan(one.app, PlanWish("cancelled"), by=one.by, at=day("2024-03-02"))
    assert forecast(one.account, at=day("2024-03-02"))[0].by_hand.amount == 0
