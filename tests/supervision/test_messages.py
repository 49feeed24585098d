"""Messages between the two sides: they are recorded and told, and change nothing."""

from datetime import timedelta

import pytest
from django.conf import settings as django_settings
from django.test import Client

from accounts.models import Account
from accounts.permissions import Role
from koogallery.kernel import clock
from koogallery.kernel.errors import InvalidInput, InvalidTransition, PermissionRefused, Throttled
from koogallery.kernel.quiet import run_until_quiet
from notifications.models import Message
from supervision import services
from supervision.choices import Action
from supervision.errors import AttachmentRefused, FlowFrozen
from supervision.models import FlowRecord
from tests.api.conftest import buyer_api
from tests.factories import MembershipFactory, SellerMemberFactory, a_buyer
from tests.supervision.conftest import assert_books_are_right
from tests.supervision.test_flow import a_file

pytestmark = pytest.mark.django_db


def test_a_message_changes_nothing_and_stops_no_clock(deal):
    one = deal()
    before = one.now()
    at = before.waiting_since + timedelta(days=4)
    entry = services.send_message(
        one.flow, text="When do you deliver?", files=[a_file()], by=one.buyer, at=at, mentions=before.records.get().pk
    )
    services.send_message(one.flow, text="Tomorrow.", by=one.seller, at=at)
    after = one.now()
    assert (after.status, after.waiting_on, after.waiting_since) == (
        before.status,
        before.waiting_on,
        before.waiting_since,
    )
    assert (entry.mentions.action, entry.attachments.get().name) == (Action.OPEN, "requirements.pdf")
    assert services.may_appeal(after, one.buyer.party, before.waiting_since + timedelta(days=5, seconds=1)).allowed
    assert_books_are_right(one)


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"text": ""}, InvalidInput),
        ({"text": "x" * 1001}, InvalidInput),
        ({"text": "a\x00"}, InvalidInput),
        ({"text": "Hm.", "mentions": 2**40}, InvalidInput),
        ({"text": "Hm.", "files": [a_file("a.svg", b"<svg>")]}, AttachmentRefused),
    ],
    ids=["empty", "1,001 characters", "NUL", "a step of nowhere", "a bad file"],
)
def test_bad_messages_are_refused(deal, given, refusal):
    one = deal()
    with pytest.raises(refusal):
        services.send_message(one.flow, by=one.buyer, **given)
    assert not FlowRecord.objects.filter(action=Action.MESSAGE).exists()


def test_a_message_mentions_a_step_of_its_own_flow_only(deal):
    one, other = deal(), deal()
    with pytest.raises(InvalidInput):
        services.send_message(one.flow, text="Hm.", mentions=other.flow.records.get().pk, by=one.buyer)


def test_strangers_viewers_and_operators_do_not_write(deal):
    one = deal()
    with pytest.raises(InvalidTransition):
        services.send_message(one.flow, text="Hm.", by=a_buyer())
    with pytest.raises(PermissionRefused):
        services.send_message(
            one.flow, text="Hm.", by=a_buyer(Role.VIEWER, Account.objects.get(pk=one.buyer.account_id))
        )
    with pytest.raises(InvalidTransition):
        services.send_message(one.flow, text="Hm.", by=one.operator)


def test_while_an_appeal_freezes_the_flow_nobody_writes(deal):
    one = deal()
    later = one.flow.waiting_since + timedelta(days=6)
    services.file_appeal(one.flow, reason="Silence.", by=one.buyer, at=later)
    for by in (one.buyer, one.seller):
        with pytest.raises(FlowFrozen):
            services.send_message(one.flow, text="Hm.", by=by, at=later)


def test_after_the_end_messages_stay_open_for_thirty_days(deal):
    one = deal()
    services.deliver(one.flow, note="Key.", by=one.seller)
    ended = clock.now()
    services.accept_delivery(one.flow, by=one.buyer, at=ended)
    kept = django_settings.FLOW_MESSAGES_AFTER_END
    services.send_message(one.flow, text="Thanks.", by=one.buyer, at=ended + kept)
    with pytest.raises(InvalidTransition, match="30 days"):
        services.send_message(one.flow, text="One more.", by=one.buyer, at=ended + kept + timedelta(seconds=1))


def test_one_side_writes_only_so_much_a_day(deal, settings):
    settings.FLOW_MESSAGES_A_DAY = 2
    one, at = deal(), clock.now()
    for _time in range(2):
        services.send_message(one.flow, text="Hello?", by=one.buyer, at=at)
    with pytest.raises(Throttled):
        services.send_message(one.flow, text="Hello?", by=one.buyer, at=at)
    services.send_message(one.flow, text="Yes.", by=one.seller, at=at)
    services.send_message(one.flow, text="Hello?", by=one.buyer, at=at + timedelta(days=1, seconds=1))


@pytest.mark.django_db(transaction=True)
def test_the_other_side_is_told(deal, transactional_db):
    from supervision.models import FlowTemplate

    FlowTemplate.objects.get_or_create(flow_type="license", version=1)
    one = deal()
    services.send_message(one.flow, text="When do you deliver?", by=one.buyer)
    services.send_message(one.flow, text="Tomorrow.", by=one.seller)
    run_until_quiet()
    told = {(message.user_id, message.text) for message in Message.objects.filter(title__startswith="Message from")}
    assert told == {(one.seller.user_id, "When do you deliver?"), (one.buyer.user_id, "Tomorrow.")}


def test_both_pages_show_and_send(deal):
    one = deal()
    services.send_message(one.flow, text="<i>When?</i>", by=one.buyer)
    number, selling = one.flow.order.number, Client()
    selling.force_login(SellerMemberFactory(seller=one.flow.seller).user)
    page = selling.get(f"/seller/supervision/{number}/messages/")
    assert "&lt;i&gt;When?&lt;/i&gt;" in page.content.decode()
    sent = selling.post(f"/seller/supervision/{number}/messages/", {"text": "Tomorrow.", "attachment": a_file()})
    assert sent.status_code == 302
    assert selling.post(f"/seller/supervision/{number}/messages/", {"text": " "}).status_code == 422
    viewer = Client()
    viewer.force_login(MembershipFactory(account_id=one.buyer.account_id, role="viewer").user)
    detail = viewer.get(f"/my/supervision/{number}/").content.decode()
    assert "Tomorrow." in detail
    assert "you need the role" in viewer.get(f"/my/supervision/{number}/messages/").content.decode()
    assert viewer.post(f"/my/supervision/{number}/messages/", {"text": "Me too."}).status_code == 403


def test_messages_by_rest_and_none_of_them_among_the_records(deal):
    one = deal()
    api = buyer_api(account=Account.objects.get(pk=one.buyer.account_id), card=False)
    path = f"service-flows/{one.flow.public_id}/messages/"
    sent = api.post(path, {"text": "When?"}, idempotency_key="m-1")
    again = api.post(path, {"text": "When?"}, idempotency_key="m-1")
    assert (sent.status_code, again.json()) == (201, sent.json())
    with_file = api.post(path, {"text": "See this.", "mentions": str(one.flow.records.last().pk), "attachment": a_file()}, multipart=True)  # fmt: skip
    assert with_file.status_code == 201, with_file.content
    listed = api.get(path).json()["results"]
    assert [(row["text"], row["role"], len(row["attachments"])) for row in listed] == [
        ("See this.", "buyer", 1),
        ("When?", "buyer", 0),
    ]
    flow = api.get(f"service-flows/{one.flow.public_id}/").json()
    assert [entry["action"] for entry in flow["records"]] == ["open"]
    for body in ({}, {"text": 5}, {"text": "a", "status": "completed"}, {"text": "a", "mentions": "x"}):
        assert api.post(path, body).status_code == 400
