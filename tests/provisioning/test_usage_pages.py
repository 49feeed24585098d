"""The usage page, its file and the REST interface: every figure is what the records under it come to."""

import csv
import io
from datetime import timedelta
from decimal import Decimal

import pytest
from time_machine import travel

from accounts.models import Account
from koogallery.kernel.api.output import LARGEST_SIZE
from koogallery.kernel.web.charts import plain
from provisioning.metering.models import UsageRecord
from provisioning.metering.recording import catch_up
from provisioning.metering.rules import month_bounds, month_of
from provisioning.metering.services import start_meter, stop_meter
from tests.api.conftest import buyer_api
from tests.factories import a_buyer, logged_in
from tests.provisioning.servers import STARTED, a_server

pytestmark = pytest.mark.django_db

NOW = STARTED + timedelta(days=3, minutes=10)


@pytest.fixture
def account():
    """Two servers: one ran for 30 hours and a bit, one runs since 50 hours ago."""
    by = a_buyer()
    account = Account.objects.get(pk=by.account_id)
    first = a_server(account, "0.0136", tax_percent="9", tax_name="GST")
    start_meter(first, at=STARTED)
    stop_meter(first, at=STARTED + timedelta(hours=30, seconds=1))
    start_meter(a_server(account, "1.5", discount_percent="10"), at=STARTED + timedelta(hours=22))
    catch_up(NOW, at=NOW)
    with travel(NOW, tick=False):
        yield account


def test_the_page_says_what_the_records_come_to(account):
    page = logged_in(account.memberships.earliest("id").user).get("/billing/usage/")
    (used, chart), *_ = page.context["used"]
    seconds = sum(UsageRecord.objects.values_list("seconds", flat=True))
    assert used.seconds == seconds == 30 * 3600 + 1 + 50 * 3600
    # 0.0136 * 30 h 1 s = 0.408, and 9 % of 0.41; 1.5 * 50 h less 10 %.
    assert str(used.total) == "67.95 USD"
    assert sum(one.amount.amount for one in used.days) == Decimal("67.91")
    assert [bar.value for bar in chart.bars][9] == f"10: {plain(used.days[9].amount.amount)} USD"
    # What runs goes on from the last recorded hour to the month's end.
    _start, end = month_bounds(month_of(NOW))
    left = Decimal((end - NOW.replace(minute=0)).total_seconds()) / 3600
    assert used.expected.amount == Decimal("67.95") + Decimal("1.35") * left
    assert b"67.95" in page.content


def test_the_file_is_the_records(account):
    file = logged_in(account.memberships.earliest("id").user).get("/billing/usage/export.csv?month=2026-03")
    rows = list(csv.DictReader(io.StringIO(b"".join(file.streaming_content).decode())))
    assert sum(int(row["seconds"]) for row in rows) == 80 * 3600 + 1
    assert {row["price per hour"] for row in rows} == {"0.0136", "1.50"}


def test_by_rest(account):
    api = buyer_api(account=account, card=False)
    month = api.get("usage/month/", month="2026-03").json()
    assert (month[0]["total"], len(month[0]["lines"])) == ({"amount": "67.95", "currency": "USD"}, 2)
    hours = api.get("usage/", page_size=LARGEST_SIZE).json()
    assert hours["count"] == 81
    of_one = api.get("usage/", subscription=month[0]["lines"][0]["subscription"]).json()
    assert of_one["count"] == 31
    assert of_one["results"][0]["seconds"] == 1


@pytest.mark.parametrize("month", ["2026-13", "9999-12", "1900-01", "x", "2026-3", "2026-03-01", "2026-05"])
def test_months_that_are_none(account, month):
    assert (
        logged_in(account.memberships.earliest("id").user).get("/billing/usage/", {"month": month}).status_code == 404
    )
    refused = buyer_api(account=account, card=False).get("usage/", month=month)
    assert (refused.status_code, refused.json()["code"]) == (400, "validation_error")


def test_another_account_sees_nothing_of_it(account):
    other = Account.objects.get(pk=a_buyer().account_id)
    assert buyer_api(account=other, card=False).get("usage/").json()["count"] == 0
    assert logged_in(other.memberships.earliest("id").user).get("/billing/usage/").context["used"] == []
