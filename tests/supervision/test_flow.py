"""The guide's chapter 4, step by step, on the real services."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, transaction

from accounts.permissions import Role
from koogallery.kernel import clock
from koogallery.kernel.errors import InvalidInput, InvalidTransition, PermissionRefused
from koogallery.kernel.money import Money
from orders.choices import OrderStatus, SubscriptionStatus
from orders.models import Order, Subscription
from supervision import services
from supervision.choices import Action, Decision, FlowStatus
from supervision.errors import (
    AppealNotAllowed,
    AttachmentRefused,
    FlowFrozen,
    RequestAttachmentRequired,
    TooManyReminders,
)
from supervision.models import FlowRecord
from tests.factories import a_buyer, an_operator

PDF = b"%PDF-1.7\n%%EOF"


def a_file(name: str = "requirements.pdf", content: bytes = PDF) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def test_a_licence_goes_to_the_seller_at_payment_without_a_request(deal):
    one = deal()
    assert one.flow.status == FlowStatus.AWAITING_DELIVERY
    assert one.flow.state.filter_label == "License delivered offline"
    with pytest.raises(InvalidTransition):
        services.submit_request(one.flow, description="Please.", by=one.buyer)


def test_a_service_is_requested_confirmed_delivered_and_accepted(deal):
    one = deal(service=True)
    assert one.flow.status == FlowStatus.AWAITING_REQUEST
    services.submit_request(one.flow, description="Move our data.", files=[a_file()], by=one.buyer)
    services.confirm_request(one.flow, by=one.seller)
    services.deliver(one.flow, note="Done.", by=one.seller)
    at = clock.now()
    services.accept_delivery(one.flow, by=one.buyer, at=at)

    flow, order = one.now(), Order.objects.get()
    assert (flow.status, flow.waiting_on, order.status) == (FlowStatus.COMPLETED, None, OrderStatus.PROCESSING)
    assert order.completes_at == at + timedelta(hours=3)
    assert Subscription.objects.get().starts_at == at
    assert [one.action for one in flow.records.all()] == [
        Action.ACCEPT,
        Action.DELIVER,
        Action.CONFIRM,
        Action.SUBMIT_REQUEST,
        Action.OPEN,
    ]
    assert flow.attachments.get().name == "requirements.pdf"


def test_records_replay_to_the_present_status(deal):
    one = deal(service=True)
    services.submit_request(one.flow, description="Move our data.", by=one.buyer)
    services.reject_request(one.flow, reason="Which data?", by=one.seller)
    status = ""
    for entry in FlowRecord.objects.filter(flow=one.flow).order_by("id"):
        assert entry.from_status == status
        status = entry.to_status
    assert status == one.now().status == FlowStatus.AWAITING_REQUEST


def test_a_rejected_delivery_goes_back_to_the_seller(deal):
    one = deal()
    services.deliver(one.flow, note="Key in the mail.", by=one.seller)
    services.reject_delivery(one.flow, reason="No mail came.", by=one.buyer)
    flow = one.now()
    assert (flow.status, flow.buyer_rejections, flow.rounds) == (FlowStatus.AWAITING_DELIVERY, 1, 1)


def test_nobody_acts_out_of_turn(deal):
    one = deal()
    with pytest.raises(InvalidTransition):
        services.accept_delivery(one.flow, by=one.buyer)
    with pytest.raises(InvalidTransition):
        services.deliver(one.flow, note="I deliver to myself.", by=one.buyer)
    services.deliver(one.flow, note="Here.", by=one.seller)
    with pytest.raises(InvalidTransition):
        services.deliver(one.flow, note="Here again.", by=one.seller)
    with pytest.raises(InvalidTransition):
        services.accept_delivery(one.flow, by=one.seller)


def test_strangers_and_viewers_do_not_act(deal):
    one = deal()
    services.deliver(one.flow, note="Here.", by=one.seller)
    with pytest.raises(InvalidTransition):
        services.accept_delivery(one.flow, by=a_buyer())
    with pytest.raises(PermissionRefused):
        services.accept_delivery(one.flow, by=a_buyer(Role.VIEWER))


@pytest.mark.parametrize(
    ("description", "problem"),
    [("", "Enter"), ("   ", "Enter"), ("x" * 1001, "1,001"), ("a\x00b", "characters"), ("\u202egnp", "characters")],
    ids=["empty", "blank", "1,001 characters", "NUL", "turns the reading direction"],
)
def test_a_bad_description_is_refused_and_changes_nothing(deal, description, problem):
    one = deal(service=True)
    with pytest.raises(InvalidInput, match=problem):
        services.submit_request(one.flow, description=description, by=one.buyer)
    assert one.now().status == FlowStatus.AWAITING_REQUEST


def test_a_description_of_1000_characters_is_taken(deal):
    one = deal(service=True)
    services.submit_request(one.flow, description="x" * 1000, by=one.buyer)


def test_saas_needs_a_file_with_the_request(deal):
    one = deal(saas_supervised=True)
    with pytest.raises(RequestAttachmentRequired):
        services.submit_request(one.flow, description="Fifty seats.", by=one.buyer)
    services.submit_request(one.flow, description="Fifty seats.", files=[a_file()], by=one.buyer)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("run.exe", b"MZ\x90"),
        ("run.pdf", b"MZ\x90\x00"),
        ("page.png", b"<svg onload=alert(1)>"),
        ("empty.pdf", b""),
        ("noextension", PDF),
        ("many.docx", b"%PDF-1.7"),
    ],
)
def test_a_file_that_is_not_what_it_says_is_refused(deal, name, content):
    one = deal(service=True)
    with pytest.raises(AttachmentRefused):
        services.submit_request(one.flow, description="Please.", files=[a_file(name, content)], by=one.buyer)
    assert one.now().status == FlowStatus.AWAITING_REQUEST


def test_a_file_over_the_limit_is_refused(deal, settings):
    settings.ATTACHMENT_MAX_BYTES = 1000
    one = deal(service=True)
    services.submit_request(one.flow, description="1", files=[a_file(content=PDF.ljust(1000))], by=one.buyer)
    services.reject_request(one.flow, reason="?", by=one.seller)
    with pytest.raises(AttachmentRefused, match="maximum"):
        services.submit_request(one.flow, description="1", files=[a_file(content=PDF.ljust(1001))], by=one.buyer)


def test_a_path_in_a_file_name_is_left_out(deal):
    one = deal(service=True)
    services.submit_request(one.flow, description="1", files=[a_file("../../etc/pass wd.PDF")], by=one.buyer)
    stored = one.now().attachments.get()
    assert stored.name == "pass wd.PDF"
    assert ".." not in stored.file.name
    assert "pass" not in stored.file.name


def test_an_empty_delivery_is_refused(deal):
    one = deal()
    with pytest.raises(InvalidInput):
        services.deliver(one.flow, note="  ", by=one.seller)


def test_one_reminder_in_24_hours_while_it_is_the_sellers_turn(deal):
    one = deal()
    at = clock.now()
    services.send_reminder(one.flow, by=one.buyer, at=at)
    with pytest.raises(TooManyReminders, match=r"One reminder can be sent in 24 hours\."):
        services.send_reminder(one.flow, by=one.buyer, at=at + timedelta(hours=23))
    services.send_reminder(one.flow, by=one.buyer, at=at + timedelta(hours=24))
    services.deliver(one.flow, note="Here.", by=one.seller)
    with pytest.raises(InvalidTransition):
        services.send_reminder(one.flow, by=one.buyer, at=at + timedelta(days=3))


def test_an_appeal_after_five_days_of_silence_freezes_the_flow(deal):
    one = deal()
    since = one.flow.waiting_since
    with pytest.raises(AppealNotAllowed) as refused:
        services.file_appeal(one.flow, reason="Silence.", by=one.buyer, at=since + timedelta(days=5))
    assert refused.value.extra["allowed_from"]
    at = since + timedelta(days=5, seconds=1)
    services.file_appeal(one.flow, reason="Silence.", by=one.buyer, at=at)
    assert one.now().is_frozen
    with pytest.raises(FlowFrozen):
        services.deliver(one.flow, note="Late.", by=one.seller, at=at)
    with pytest.raises(FlowFrozen):
        services.send_reminder(one.flow, by=one.buyer, at=at)
    with pytest.raises(AppealNotAllowed):
        services.file_appeal(one.flow, reason="Again.", by=one.buyer, at=at)
    with pytest.raises(FlowFrozen):
        services.withdraw_appeal(one.flow, by=one.seller, at=at)
    services.withdraw_appeal(one.flow, by=one.buyer, at=at)
    assert one.now().status == FlowStatus.AWAITING_DELIVERY


def frozen(one):
    services.file_appeal(one.flow, reason="Silence.", by=one.buyer, at=one.flow.waiting_since + timedelta(days=6))
    return one.flow.waiting_since + timedelta(days=7)


@pytest.mark.parametrize(
    ("decision", "flow_status", "order_status"),
    [
        (Decision.RESUME, FlowStatus.AWAITING_DELIVERY, OrderStatus.PROCESSING),
        (Decision.REDELIVER, FlowStatus.AWAITING_DELIVERY, OrderStatus.PROCESSING),
        (Decision.ACCEPT, FlowStatus.COMPLETED, OrderStatus.PROCESSING),
        (Decision.REFUND, FlowStatus.CLOSED, OrderStatus.REFUNDING),
    ],
)
def test_operations_decide(deal, decision, flow_status, order_status):
    one = deal()
    at = frozen(one)
    services.decide_appeal(one.flow, decision=decision, reason="Heard both.", by=one.operator, at=at)
    for side in (one.buyer, one.seller):
        if one.now().is_frozen:
            services.waive_review(one.flow, by=side, at=at)
    assert (one.now().status, Order.objects.get().status) == (flow_status, order_status)


def test_a_partial_refund_ends_the_flow_and_completes_the_order(deal):
    one = deal()
    at = frozen(one)
    half = Money(Decimal("2.50"), "USD")
    services.decide_appeal(one.flow, decision=Decision.REFUND, refund=half, reason="Half.", by=one.operator, at=at)
    assert (one.now().is_frozen, Order.objects.get().status) == (True, OrderStatus.PROCESSING)
    for side in (one.buyer, one.seller):
        services.waive_review(one.flow, by=side, at=at)
    assert (one.now().status, Order.objects.get().status) == (FlowStatus.CLOSED, OrderStatus.COMPLETED)


def test_a_joint_operation_product_passes_the_platforms_review(deal):
    one = deal(joint_operation=True)
    services.deliver(one.flow, note="Key.", by=one.seller)
    assert one.now().status == FlowStatus.PLATFORM_REVIEW
    services.return_delivery(one.flow, reason="Report missing.", by=one.operator)
    services.deliver(one.flow, note="Key and report.", by=one.seller)
    services.approve_delivery(one.flow, by=one.operator)
    assert one.now().status == FlowStatus.AWAITING_ACCEPTANCE


def test_at_its_end_the_flow_closes_and_the_buyer_is_refunded(deal):
    one = deal()
    by = services.close_overdue_flow
    from accounts.actor import Actor

    by(one.flow.pk, at=one.flow.closes_at - timedelta(seconds=1), by=Actor.timer("close_overdue_flows"))
    assert one.now().is_open
    by(one.flow.pk, at=one.flow.closes_at, by=Actor.timer("close_overdue_flows"))
    assert (one.now().status, Order.objects.get().status) == (FlowStatus.CLOSED, OrderStatus.REFUNDING)
    assert Subscription.objects.get().status == SubscriptionStatus.CLOSED


def test_records_cannot_be_changed_or_deleted(deal):
    one = deal()
    entry = FlowRecord.objects.filter(flow=one.flow).first()
    for change in (
        lambda: FlowRecord.objects.filter(pk=entry.pk).update(note="It never happened."),
        lambda: FlowRecord.objects.filter(pk=entry.pk)._raw_delete("default"),
    ):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            change()


def test_what_an_operator_ends_with_the_order_did_not_happen_by_itself(deal):
    one = deal()
    services.close_with_order(one.flow, reason="Refunded.", by=an_operator(), at=clock.now())
    record = FlowRecord.objects.filter(flow=one.flow, action=Action.CLOSE).get()
    assert (record.party, record.author_for("buyer")) == ("system", "KooGallery operations")
