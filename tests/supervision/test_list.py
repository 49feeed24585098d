"""My KooGallery > Service Supervision: tabs, filters with counts, what waits for me first (guide 4, UX 3.3)."""

import copy
import re
import time
from datetime import timedelta
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.actor import Party
from accounts.models import Seller, User
from accounts.permissions import Role
from catalog.models import Product
from koogallery.kernel import clock
from koogallery.kernel.ids import public_id
from notifications.services import Subject
from orders.models import Order, OrderLine
from supervision import services
from supervision.acts import act_named
from supervision.choices import FlowStatus
from supervision.models import FlowTemplate, ServiceFlow
from supervision.words import state
from tests.factories import a_buyer
from tests.supervision.conftest import Deal, make_deal
from tests.supervision.test_deadlines import new_version

pytestmark = pytest.mark.django_db
PAGE = "/my/supervision/"


def many(deal: Deal, number: int) -> None:
    """So many more flows of the same buyer and seller, straight into the tables: every third waits for the buyer."""
    order, line = deal.flow.order, deal.flow.order.lines.get()
    orders, lines, flows = [], [], []
    for at in range(number):
        one = copy.copy(order)
        one.pk, one.number = None, f"CSMANY{at:06}"
        orders.append(one)
    orders = Order.objects.bulk_create(orders)
    for at, one in enumerate(orders):
        its = copy.copy(line)
        its.pk, its.order = None, one
        lines.append(its)
        flow = copy.copy(deal.flow)
        flow.pk, flow.order, flow.public_id = None, one, public_id()
        flow.created_at = deal.flow.created_at - timedelta(minutes=at)
        flow.status = "awaiting_acceptance" if at % 3 == 0 else "awaiting_delivery"
        flow.waiting_on = "buyer" if at % 3 == 0 else "seller"
        flows.append(flow)
    OrderLine.objects.bulk_create(lines)
    ServiceFlow.objects.bulk_create(flows)


def text_of(client, query: str = "") -> str:
    """What the page says, without its tags."""
    answer = client.get(f"{PAGE}{query}")
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())))


@pytest.fixture
def logged_in(client):
    def enter(actor):
        client.force_login(User.objects.get(pk=actor.user_id))
        return client

    return enter


def test_tabs_and_filters_count_and_print_values_without_orders_with_0(deal, logged_in):
    one = deal()
    page = text_of(logged_in(one.buyer))
    for told in (
        "Submit Requests (0) Accept Requests (0) All (1)",
        "Service Flow: All (1) Standard (0) Website deployment (0) SaaS (0) License (1) 5G NaaS (0)",
        "Service Status: All (1) Waiting for the user to submit the request (0)",
        "Reviews Service (0)",
        "Waiting for the operations team to handle (0) Service completed (0)",
    ):
        assert told in page, told
    assert "Service closed" not in page
    services.deliver(one.flow, note="Key.", by=one.seller)
    assert "Accept Requests (1)" in text_of(logged_in(one.buyer))
    licences = text_of(logged_in(one.buyer), "?flow_type=license")
    assert "License delivered offline (0)" in licences


def test_rows_that_wait_for_me_come_first_are_marked_and_say_until_when(deal, logged_in):
    one = deal()
    many(one, 5)
    client = logged_in(one.buyer)
    page = client.get(PAGE).content.decode()
    rows = re.findall(r"<tr( class=\"mine\")?>\s*<td class=\"num\"", page)
    assert [bool(row) for row in rows] == [True, True, False, False, False, False]
    assert "Your turn, until" in text_of(client)
    ServiceFlow.objects.update(respond_by=clock.now() - timedelta(days=1))
    assert "Your turn, overdue since" in text_of(client)


def test_the_operation_column_offers_what_may_be_done_now(deal, logged_in):
    one = deal()
    number = one.flow.order.number
    client = logged_in(one.buyer)
    page = text_of(client)
    assert f"View Details {number} Reminder {number}" in page
    assert "Appeal" not in page
    services.send_reminder(one.flow, by=one.buyer)
    assert "Reminder" not in text_of(client)
    ServiceFlow.objects.update(
        waiting_since=clock.now() - timedelta(days=6), respond_by=clock.now() - timedelta(days=1)
    )
    assert f"Appeal {number}" in text_of(client)
    services.deliver(one.flow, note="Key.", by=one.seller)
    assert f"Confirm Acceptance {number} View Details {number}" in text_of(client)
    viewer = a_buyer(Role.VIEWER, one.now().account)
    shown = text_of(logged_in(viewer))
    assert number in shown
    assert "Confirm Acceptance" not in shown


def test_an_order_is_found_by_its_number(deal, logged_in):
    one = deal()
    many(one, 3)
    client = logged_in(one.buyer)
    found = text_of(client, "?number=csmany000002")
    assert "CSMANY000002" in found
    assert one.flow.order.number not in found
    assert "No orders match these filters." in text_of(client, "?number=CS9")
    assert "Clear the filters" in text_of(client, "?number=%27+OR")


def test_or_by_a_part_of_the_products_name(deal, logged_in):
    one = deal(name="Ledger 100% Pro")
    client = logged_in(one.buyer)
    number = one.flow.order.number
    assert number in text_of(client, "?by=product&number=ledger+100%25")
    assert "No orders match these filters." in text_of(client, "?by=product&number=100_")
    assert number not in text_of(client, "?by=order&number=ledger")


def test_statuses_that_the_guide_has_not_are_filters_where_there_are_such_orders(deal, logged_in):
    new_version("website", drafts=True)
    one = deal(service=True, flow_type="website")
    services.submit_request(one.flow, description="A shop.", by=one.buyer)
    services.confirm_request(one.flow, by=one.seller)
    assert "Waiting for the seller to deliver the draft (1)" in text_of(logged_in(one.buyer))
    assert FlowTemplate.in_force("website").drafts


def test_the_details_page_says_whose_turn_until_when_and_what_silence_brings(deal, client, logged_in):
    one = deal()
    number = one.flow.order.number
    logged_in(one.buyer)

    def shown(path: str) -> str:
        answer = client.get(path)
        assert answer.status_code == 200
        return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())))

    buyer = shown(f"{PAGE}{number}/")
    for told in ("Waiting for Seller", "The seller provides the license", "You may appeal from", "reminded on"):
        assert told in buyer, told
    logged_in(one.seller)
    seller = shown(f"/seller/supervision/{number}/")
    for told in ("Your turn: provide the license", "Customer may appeal from", "You are reminded on", "left"):
        assert told in seller, told
    beside = r'<div class="call-aside">\s*<span class="countdown"'
    assert re.search(beside, client.get(f"/seller/supervision/{number}/").content.decode())
    services.deliver(one.flow, note="Key.", by=one.seller)
    services.reject_delivery(one.flow, reason="No.", by=one.buyer)
    services.deliver(one.flow, note="Key.", by=one.seller)
    logged_in(one.buyer)
    page = shown(f"{PAGE}{number}/")
    for told in (
        "Your turn: check the delivery, then accept or reject it",
        "Nothing is accepted by silence.",
        "Delivery rejected 1 of 3 times",
        "Service delivered (round 2)",
        "Delivery rejected (rejection 1)",
        "View delivery",
    ):
        assert told in page, told
    # Who rejects on and does not appeal is not told a fourth of three times.
    ServiceFlow.objects.update(buyer_rejections=4)
    assert "Delivery rejected 4 times" in shown(f"{PAGE}{number}/")
    assert "This is rejection 5." in shown(f"{PAGE}{number}/reject/")


def test_texts_print_the_numbers_that_are_in_force(settings):
    settings.REMINDER_INTERVAL = timedelta(hours=12)
    settings.ORDER_COMPLETES_AFTER_ACCEPTANCE = timedelta(hours=6)
    settings.APPEAL_WORKING_DAYS = 5
    remind, appeal = (act_named(Party.BUYER, path) for path in ("remind", "appeal"))
    assert remind is not None
    assert appeal is not None
    assert "One reminder can be sent in 12 hours." in str(remind.question)
    assert str(appeal.done).endswith("Operations handle it within 5 working days.")
    assert "completes 6 hours later" in state(FlowStatus.COMPLETED, "license").told(Party.BUYER)
    order = Order(number="CS1", product=Product(name="App"), seller=Seller(name="Shop"))
    assert Subject(order=order).words()["completes_after"] == "6 hours"


def test_an_account_with_5000_flows_sees_its_list_within_12_queries_and_at_once():
    from django.test import Client

    deal = make_deal()
    many(deal, 5_000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE supervision_serviceflow, orders_order, orders_orderline")
    client = Client()
    client.force_login(User.objects.get(pk=deal.buyer.user_id))
    client.get(PAGE)
    took = []
    for query in ("", "?page=200", "?status=awaiting_acceptance", "?flow_type=license&number=CSMANY0001"):
        begun = time.perf_counter()
        with CaptureQueriesContext(connection) as queries:
            answer = client.get(f"{PAGE}{query}")
        took.append(time.perf_counter() - begun)
        assert answer.status_code == 200
        assert len(queries) <= 12, [one["sql"][:100] for one in queries]
    print([f"{one * 1000:.0f} ms" for one in took])
    # Twenty rows; generous, because other work may run on the machine beside the tests.
    assert min(took) < 0.5, took
