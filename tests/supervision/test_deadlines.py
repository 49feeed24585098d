"""Deadlines and what silence brings, on the real sweeper (docs/flows.md)."""

from datetime import timedelta

import pytest
from django.db import connection
from django.forms import model_to_dict

from catalog.services import set_criteria
from koogallery.kernel import clock
from koogallery.kernel.timers import all_timers
from notifications.models import Message
from orders.models import Order
from supervision import services
from supervision.choices import Action, Decision, FlowStatus
from supervision.models import Delivery, FlowRecord, FlowTemplate, ServiceFlow
from supervision.services.acting import step_for, take
from tests.factories import ProductFactory, an_operator
from tests.supervision.test_flow import a_file

HOURS, DAYS, SECOND = timedelta(hours=1), timedelta(days=1), timedelta(seconds=1)


def new_version(flow_type: str, **changes: object) -> FlowTemplate:
    """The next version of a flow type's template, with changes."""
    values = model_to_dict(FlowTemplate.in_force(flow_type), exclude=["id", "version"])
    return services.publish_template(FlowTemplate(**values | changes))


def told(one, event: str) -> list[Message]:
    """What the buyer and the seller were told of this kind, oldest first."""
    people = [one.buyer.user_id, one.seller.user_id]
    return list(Message.objects.filter(event=event, user_id__in=people).order_by("id"))


def reminded_at(one) -> list[timedelta]:
    """After how long the platform reminded somebody, counted from the flow's beginning."""
    entries = FlowRecord.objects.filter(flow=one.flow, action=Action.REMINDED).order_by("id")
    return [entry.at - one.flow.created_at for entry in entries]


def test_the_seller_is_reminded_after_72_and_96_hours_once_each(deal, timers, mailoutbox):
    one = deal()
    begun = one.flow.waiting_since
    timers.run(begun + 72 * HOURS - SECOND)
    assert reminded_at(one) == []
    mails = len(mailoutbox)
    timers.run(begun + 72 * HOURS)
    timers.run(begun + 72 * HOURS)
    assert reminded_at(one) == [72 * HOURS]
    assert [message.user_id for message in told(one, "SellerTurnReminder")] == [one.seller.user_id]
    assert [mail.to for mail in mailoutbox[mails:]] == [[message_email(one.seller)]]
    timers.run(begun + 100 * DAYS)
    assert reminded_at(one) == [72 * HOURS, 96 * HOURS]
    first, second = told(one, "SellerTurnReminder")
    assert "has waited for 72 hours. Update the service flow within 48 hours;" in first.text
    assert "has waited for 96 hours. Update the service flow within 24 hours;" in second.text


def message_email(actor) -> str:
    from accounts.models import User

    return User.objects.get(pk=actor.user_id).email


def test_the_buyer_is_reminded_of_acceptance_after_1_3_5_and_10_days(deal, timers):
    one = deal()
    services.deliver(one.flow, note="Key.", by=one.seller, at=one.flow.created_at)
    timers.run(one.flow.created_at + 300 * DAYS)
    assert reminded_at(one) == [1 * DAYS, 3 * DAYS, 5 * DAYS, 10 * DAYS]
    messages = told(one, "AcceptanceReminder")
    assert [message.user_id for message in messages] == [one.buyer.user_id] * 4
    assert "Nothing is accepted by silence" in messages[0].text
    assert one.now().status == FlowStatus.AWAITING_ACCEPTANCE


def test_a_reminder_moves_no_clock(deal, timers):
    one = deal()
    before = one.now()
    services.send_reminder(one.flow, by=one.buyer, at=before.waiting_since + HOURS)
    timers.run(before.waiting_since + 80 * HOURS)
    after = one.now()
    assert (after.waiting_since, after.respond_by) == (before.waiting_since, before.respond_by)
    assert after.next_notice_at == before.waiting_since + 96 * HOURS


def test_nobody_is_reminded_once_the_turn_has_changed(deal, timers):
    one = deal()
    services.deliver(one.flow, note="Key.", by=one.seller, at=one.flow.waiting_since + 71 * HOURS)
    timers.run(one.flow.waiting_since + 90 * HOURS)
    assert told(one, "SellerTurnReminder") == []


def test_a_late_worker_sends_what_was_due_with_the_times_at_which_it_was_due(deal, timers):
    one = deal()
    timers.run(one.flow.waiting_since + 200 * HOURS)
    assert reminded_at(one) == [72 * HOURS, 96 * HOURS]
    assert one.now().next_notice_at is None


def test_a_firing_that_finds_another_time_does_nothing(deal):
    one = deal()
    from accounts.actor import Actor

    services.send_due_notice(one.flow.pk, at=one.flow.created_at + 73 * HOURS, by=Actor.timer("send_flow_notices"))
    assert reminded_at(one) == []


def test_nobody_is_reminded_while_an_appeal_freezes_the_flow_and_anew_afterwards(deal, timers):
    one = deal()
    services.deliver(one.flow, note="Key.", by=one.seller, at=one.flow.created_at)
    for _ in range(2):
        services.reject_delivery(one.flow, reason="No.", by=one.buyer, at=one.flow.created_at)
        services.deliver(one.flow, note="Key.", by=one.seller, at=one.flow.created_at)
    services.file_appeal(one.flow, reason="Unfair.", by=one.buyer, at=one.flow.created_at + HOURS)
    timers.run(one.flow.created_at + 20 * DAYS)
    assert told(one, "AcceptanceReminder") == []
    services.withdraw_appeal(one.flow, by=one.buyer, at=one.flow.created_at + 20 * DAYS)
    timers.run(one.flow.created_at + 22 * DAYS)
    assert reminded_at(one) == [21 * DAYS]


def test_after_an_appeal_the_seller_has_the_templates_new_deadline(deal):
    new_version("license", redeliver_hours=48)
    one = deal()
    at = one.flow.waiting_since + 6 * DAYS
    services.file_appeal(one.flow, reason="Silence.", by=one.buyer, at=at)
    services.decide_appeal(one.flow, decision=Decision.REDELIVER, reason="Deliver.", by=one.operator, at=at)
    flow = one.now()
    assert flow.respond_by == at + 48 * HOURS
    assert not services.may_appeal(flow, one.buyer.party, at + 48 * HOURS).allowed
    assert services.may_appeal(flow, one.buyer.party, at + 48 * HOURS + SECOND).allowed
    told = "reminders after 72 and 96 hours would come after the deadline: the buyer is told that he may appeal"
    assert flow.next_notice_at == at + 48 * HOURS + SECOND, told


def silent(deal, days: int = 7, note: str = "Key."):
    new_version("license", accept_days=days)
    one = deal()
    services.deliver(one.flow, note=note, files=[] if note else [a_file()], by=one.seller, at=one.flow.created_at)
    return one


def test_nothing_is_accepted_by_silence_unless_the_template_says_so(deal, timers):
    one = deal()
    services.deliver(one.flow, note="Key.", by=one.seller)
    assert one.now().accepts_at is None
    timers.run(one.flow.created_at + 340 * DAYS)
    assert one.now().status == FlowStatus.AWAITING_ACCEPTANCE


def test_where_the_template_says_so_silence_accepts(deal, timers):
    one = silent(deal)
    timers.run(one.flow.created_at + 7 * DAYS - SECOND)
    assert one.now().status == FlowStatus.AWAITING_ACCEPTANCE
    timers.run(one.flow.created_at + 7 * DAYS)
    order = Order.objects.get()
    assert (one.now().status, order.accepted_at) == (FlowStatus.COMPLETED, one.flow.created_at + 7 * DAYS)
    assert order.completes_at == order.accepted_at + 3 * HOURS
    assert len(told(one, "DeliveryAcceptedBySilence")) == 2
    assert "counts as accepted" in told(one, "AcceptanceReminder")[0].text


def test_an_answer_stops_acceptance_by_silence(deal, timers):
    one = silent(deal)
    services.reject_delivery(one.flow, reason="No.", by=one.buyer, at=one.flow.created_at + 6 * DAYS)
    timers.run(one.flow.created_at + 30 * DAYS)
    assert one.now().status == FlowStatus.AWAITING_DELIVERY


def test_the_clock_of_acceptance_stands_still_while_the_flow_is_frozen(deal, timers):
    one = silent(deal)
    begun = one.flow.created_at
    services.file_appeal(one.flow, reason="No answer.", by=one.seller, at=begun + 6 * DAYS)
    timers.run(begun + 30 * DAYS)
    assert one.now().is_frozen
    services.withdraw_appeal(one.flow, by=one.seller, at=begun + 30 * DAYS)
    timers.run(begun + 31 * DAYS - SECOND)
    assert one.now().status == FlowStatus.AWAITING_ACCEPTANCE
    timers.run(begun + 31 * DAYS)
    assert one.now().status == FlowStatus.COMPLETED


@pytest.mark.parametrize("lines", [None, ["It runs."]], ids=["without a delivery", "whose criteria have no answers"])
def test_an_empty_delivery_is_never_accepted_by_silence(deal, timers, lines):
    new_version("license", accept_days=7)
    product = ProductFactory()
    criteria = set_criteria(product, lines, by=an_operator()) if lines else None
    one = deal(product=product)
    # No verb delivers nothing; a record that says so all the same is not taken for a delivery.
    flow = one.now()
    entry = take(flow, step_for(flow, Action.DELIVER, one.seller), by=one.seller, at=flow.created_at)
    if lines:
        nothing = [{"text": "", "file": ""}]
        Delivery.objects.create(flow=flow, round=1, record=entry, criteria=criteria, answers=nothing)
    assert one.now().accepts_at == flow.created_at + 7 * DAYS
    timers.run(one.flow.created_at + 30 * DAYS)
    flow = one.now()
    assert (flow.status, flow.accepts_at) == (FlowStatus.AWAITING_ACCEPTANCE, None)


def test_a_delivery_of_files_alone_is_not_empty(deal, timers):
    one = silent(deal, note="")
    timers.run(one.flow.created_at + 7 * DAYS)
    assert one.now().status == FlowStatus.COMPLETED


def test_a_template_decides_about_request_form_and_review(deal):
    new_version("standard", request_form=False, platform_review="always")
    one = deal(service=True)
    assert one.flow.status == FlowStatus.AWAITING_DELIVERY
    services.deliver(one.flow, note="Done.", by=one.seller)
    assert one.now().status == FlowStatus.PLATFORM_REVIEW


def test_joint_operation_products_are_not_reviewed_where_the_template_says_never(deal):
    new_version("license", platform_review="never")
    one = deal(joint_operation=True)
    services.deliver(one.flow, note="Done.", by=one.seller)
    assert one.now().status == FlowStatus.AWAITING_ACCEPTANCE


def test_deadlines_are_named_for_both_sides(deal):
    one = deal()
    begun = one.flow.created_at
    assert services.deadlines(one.now()) == {
        "respond_by": begun + 120 * HOURS,
        "next_reminder_at": begun + 72 * HOURS,
        "appeal_opens_at": begun + 120 * HOURS + SECOND,
        "appeals_close_at": begun + 350 * DAYS,
        "closes_at": begun + 365 * DAYS,
    }
    services.deliver(one.flow, note="Key.", by=one.seller, at=begun)
    services.accept_delivery(one.flow, by=one.buyer, at=begun)
    assert services.deadlines(one.now()) == {"order_completes_at": begun + 3 * HOURS}
    assert set(services.DEADLINES) >= set(services.deadlines(one.now()))


@pytest.mark.parametrize("name", ["send_flow_notices", "accept_silent_deliveries", "close_overdue_flows"])
def test_a_sweep_finds_what_is_due_by_an_index_of_its_own(deal, name):
    deal()
    timer = next(one for one in all_timers() if one.name == name)
    rows = ServiceFlow.objects.filter(timer.open, **{f"{timer.due_column}__lte": clock.now()})
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    plan = rows.order_by(timer.due_column, "pk").values("pk")[:100].explain()
    assert "Index" in plan, plan
    assert any(index in plan for index in ("flow_notice_due", "flow_accepted_by_silence_due", "flow_end_due")), plan
