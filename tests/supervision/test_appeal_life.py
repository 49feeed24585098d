"""Appeals beside their decision: statements, silence that opens them, the clock, the freeze (RULES 1.5)."""

from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.actor import Party
from accounts.models import Account, User
from accounts.services import choose_appeal_filing
from billing.services import consent_to_refund, propose_refund
from koogallery.kernel import clock
from koogallery.kernel.errors import InvalidInput, InvalidTransition, PermissionRefused
from koogallery.kernel.money import Money
from notifications.models import Message
from orders import services as orders
from orders.models import Order, Subscription
from orders.services import UpgradeWish
from supervision import services
from supervision.choices import Action, Decision, FlowStatus, StatementStatus
from supervision.errors import FlowFrozen
from supervision.models import FlowRecord
from tests.factories import a_buyer
from tests.supervision.appeals import DAY, HOUR, SECOND, actions, appeal_of, decide, held_of, no_breach
from tests.supervision.conftest import fall_silent
from tests.supervision.test_flow import a_file

# Statements


def test_a_side_is_asked_answers_with_a_file_and_the_other_one_cannot(case):
    services.ask_statement(case.flow, party=Party.SELLER, question="Where is it?", by=case.operator, at=case.at)
    with pytest.raises(FlowFrozen, match="not asked you"):
        services.give_statement(case.flow, text="Me too.", by=case.buyer, at=case.at)
    with pytest.raises(InvalidInput):
        services.give_statement(case.flow, text=" ", by=case.seller, at=case.at)
    asked = services.give_statement(case.flow, text="Sent.", files=[a_file()], by=case.seller, at=case.at + HOUR)
    assert (asked.status, asked.record.attachments.get().name) == (StatementStatus.GIVEN, "requirements.pdf")
    assert case.now().is_frozen
    with pytest.raises(FlowFrozen):
        services.give_statement(case.flow, text="Twice.", by=case.seller, at=case.at + HOUR)


def test_silence_is_recorded_at_the_deadline_and_stops_nothing(case, timers):
    asked = services.ask_statement(case.flow, party=Party.BUYER, question="Why?", by=case.operator, at=case.at)
    assert asked.due_at == case.at + 48 * HOUR
    timers.run(asked.due_at - SECOND, "miss_statements")
    assert Action.STATEMENT_SILENCE not in actions(case)
    timers.run(asked.due_at, "miss_statements")
    entry = FlowRecord.objects.filter(flow=case.flow).first()
    assert (entry.action, entry.at, entry.party) == (Action.STATEMENT_SILENCE, asked.due_at, "system")
    assert (entry.author_for("buyer"), entry.author_for("operations")) == (
        "KooGallery, by itself", "timer miss_statements",
    )  # fmt: skip
    decide(case, Decision.RESUME, at=asked.due_at)


def test_a_decision_does_not_wait_for_a_statement(case):
    asked = services.ask_statement(case.flow, party=Party.BUYER, question="Why?", by=case.operator, at=case.at)
    decide(case, Decision.REFUND)
    asked = appeal_of(case).statements.get()
    assert asked.status == StatementStatus.DROPPED
    with pytest.raises(FlowFrozen):
        services.give_statement(case.flow, text="Late.", by=case.buyer, at=case.at)


# Withdrawing and the clock


def test_withdrawn_the_flow_goes_on_where_it_stood(case, settings):
    services.ask_statement(case.flow, party=Party.SELLER, question="?", by=case.operator, at=case.at)
    with pytest.raises(FlowFrozen):
        services.withdraw_appeal(case.flow, by=case.seller, at=case.at)
    settings.APPEALS_CAN_BE_WITHDRAWN = False
    with pytest.raises(FlowFrozen):
        services.withdraw_appeal(case.flow, by=case.buyer, at=case.at)
    settings.APPEALS_CAN_BE_WITHDRAWN = True
    services.withdraw_appeal(case.flow, by=case.buyer, at=case.at)
    assert (case.now().status, case.now().waiting_since) == (FlowStatus.AWAITING_DELIVERY, case.at)
    assert no_breach()


def test_nobody_withdraws_from_a_decision(case):
    decide(case, Decision.ACCEPT)
    with pytest.raises(FlowFrozen, match="decided"):
        services.withdraw_appeal(case.flow, by=case.buyer, at=case.at)


def test_the_sellers_silence_opens_the_appeal_to_the_buyer_with_one_click(deal, timers, client):
    one = deal()
    due = one.flow.waiting_since + 5 * DAY + SECOND
    timers.run(due - SECOND)
    assert not Message.objects.filter(event="AppealOpened").exists()
    timers.run(due)
    message = Message.objects.get(event="AppealOpened")
    assert message.wants_email
    timers.run(due + DAY)
    assert Message.objects.filter(event="AppealOpened").count() == 1
    assert message.url == f"/my/supervision/{one.flow.order.number}/appeal/?ground=silence"
    client.force_login(User.objects.get(pk=one.buyer.user_id))
    fall_silent(one.flow)
    ground = "The seller has not updated the service flow for more than 5 days."
    assert f">\n{ground}</textarea>" in client.get(message.url).content.decode()
    assert client.post(message.url, {"reason": ground}).status_code == 302
    assert one.now().is_frozen


def test_an_account_may_let_the_timer_file_the_appeal(deal, timers):
    one = deal()
    account = Account.objects.get(pk=one.buyer.account_id)
    with pytest.raises(PermissionRefused):
        choose_appeal_filing(account, filed_for_us=True, by=a_buyer("viewer", account))
    who = a_buyer("purchaser", account)
    for _twice in range(2):
        choose_appeal_filing(account, filed_for_us=True, by=who)
    [change] = account.changes.all()
    assert (change.what, change.by, change.user_id) == ("Appeals are filed for the account", who.label, who.user_id)
    due = one.flow.waiting_since + 5 * DAY + SECOND
    timers.run(due - SECOND)
    assert not one.now().is_frozen
    timers.run(due)
    assert one.now().is_frozen
    appeal, entry = appeal_of(one), FlowRecord.objects.filter(flow=one.flow).first()
    assert (appeal.party, appeal.filed_at) == ("buyer", due)
    assert (entry.action, entry.party, entry.at) == (Action.APPEAL, "system", due)
    assert entry.by == f"timer send_flow_notices, on behalf of {account.name}"
    assert entry.author_for("seller") == f"KooGallery, on behalf of {account.name}"
    assert no_breach()


def test_a_delivery_in_time_opens_nothing(deal, timers):
    one = deal()
    services.deliver(one.flow, note="Key.", by=one.seller, at=one.flow.waiting_since + 4 * DAY)
    timers.run(one.flow.waiting_since + 40 * DAY)
    assert not Message.objects.filter(event="AppealOpened").exists()


def test_within_the_ban_silence_opens_nothing(deal, timers):
    one = deal()
    near = one.flow.closes_at - 17 * DAY
    services.deliver(one.flow, note="Key.", by=one.seller, at=near)
    services.reject_delivery(one.flow, reason="No.", by=one.buyer, at=near)
    timers.run(near + 6 * DAY, "send_flow_notices")
    assert not Message.objects.filter(event="AppealOpened").exists()
    assert one.now().next_notice_at is None


def test_the_flows_end_waits_for_the_decision_and_does_not_drift(case, timers):
    late = case.flow.closes_at + 10 * DAY
    timers.run(late, "close_overdue_flows")
    assert case.now().is_frozen
    assert case.now().closes_at == case.flow.closes_at
    services.withdraw_appeal(case.flow, by=case.buyer, at=late)
    timers.run(late + HOUR)
    assert (case.now().status, case.now().ended_at) == (FlowStatus.CLOSED, late)
    assert no_breach()


def test_a_new_deadline_outlives_the_flows_end(case, timers):
    late = case.flow.closes_at + DAY
    decide(case, Decision.REDELIVER, at=late)
    timers.run(late + 120 * HOUR, "close_overdue_flows")
    assert case.now().is_open
    timers.run(late + 120 * HOUR + 5 * DAY, "close_overdue_flows")
    assert case.now().status == FlowStatus.CLOSED


def test_past_the_service_level_all_operators_are_told_once_to_the_second(case, timers):
    due = appeal_of(case).answer_due_at
    timers.run(due - SECOND)
    assert appeal_of(case).escalated_at is None
    timers.run(due)
    assert appeal_of(case).escalated_at == due
    timers.run(due + 9 * DAY)
    told = Message.objects.filter(event="AppealOverdue")
    assert told.count() == User.objects.filter(is_staff=True).count() >= 2


def test_a_decided_appeal_is_not_overdue_until_a_second_look_is_asked_for(case, timers):
    decide(case, Decision.ACCEPT, at=case.at)
    services.ask_review(case.flow, reason="Look.", by=case.buyer, at=case.at + 4 * DAY)
    appeal = appeal_of(case)
    assert appeal.answer_due_at > case.at + 6 * DAY
    timers.run(appeal.answer_due_at)
    assert appeal_of(case).escalated_at == appeal.answer_due_at


# Frozen


def test_while_frozen_every_other_verb_on_the_order_is_refused(case):
    one, order = case, Order.objects.get()
    app, by = Subscription.objects.get(), case.operator
    reason = {"reason": "Because.", "by": by, "at": case.at}
    verbs = {
        "deliver": lambda: services.deliver(one.flow, note="Late.", by=one.seller),
        "deliver a draft": lambda: services.deliver_draft(one.flow, note="Late.", by=one.seller),
        "answer a draft": lambda: services.answer_draft(one.flow, confirmed=True, by=one.buyer),
        "submit": lambda: services.submit_request(one.flow, description="More.", by=one.buyer),
        "confirm": lambda: services.confirm_request(one.flow, by=one.seller),
        "reject the request": lambda: services.reject_request(one.flow, reason="No.", by=one.seller),
        "accept": lambda: services.accept_delivery(one.flow, by=one.buyer),
        "reject": lambda: services.reject_delivery(one.flow, reason="No.", by=one.buyer),
        "remind": lambda: services.send_reminder(one.flow, by=one.buyer),
        "approve": lambda: services.approve_delivery(one.flow, by=by),
        "return": lambda: services.return_delivery(one.flow, reason="No.", by=by),
        "close with the order": lambda: services.close_with_order(one.flow, **reason),
        "finish the delivery": lambda: orders.delivery_done(
            order, deliverer="supervision", accepted=True, by=by, at=one.at
        ),
        "fail the delivery": lambda: orders.delivery_failed(order, deliverer="supervision", **reason),
        "complete the order": lambda: orders.complete_order(order, by=by),
        "end the order": lambda: orders.end_with_refund(order, amount=None, **reason),
        "take the order back": lambda: orders.take_back(order, Money(Decimal(1), "USD"), whole=False, **reason),
        "propose a refund": lambda: propose_refund(order, None, reason="Because.", by=by),
        "upgrade its app": lambda: orders.quote_upgrade(app, UpgradeWish(), account=one.flow.account),
        "order an upgrade": lambda: orders.place_upgrade(app, UpgradeWish(), by=one.buyer),
    }
    records = FlowRecord.objects.count()
    for name, verb in verbs.items():
        with pytest.raises(FlowFrozen) as refused:
            verb()
        assert refused.value.code == "flow_frozen", name
    with pytest.raises(InvalidTransition):
        orders.cancel_order(order, by=one.buyer)  # a paid order never can be
    assert FlowRecord.objects.count() == records
    assert (case.now().status, held_of(order)) == (FlowStatus.UNDER_APPEAL, 5)


def test_a_refund_that_waits_for_consent_is_not_made_while_frozen(deal, settings):
    settings.REFUND_CONSENT_ABOVE = Decimal("1.00")
    one = deal()
    proposal = propose_refund(one.flow.order, None, reason="Goodwill.", by=one.operator)
    services.file_appeal(one.flow, reason="Silence.", by=one.buyer, at=one.flow.waiting_since + 6 * DAY)
    with pytest.raises(FlowFrozen):
        consent_to_refund(proposal, by=one.reviewer, at=clock.now())


def test_each_button_says_why_it_is_off(case, client):
    for user, page, words in (
        (
            case.buyer.user_id,
            f"/my/supervision/{case.flow.order.number}/",
            ["Withdraw appeal", "Operations have not decided yet."],
        ),
        (
            case.seller.user_id,
            f"/seller/supervision/{case.flow.order.number}/",
            ["Deliver service", "Only the side that appealed"],
        ),
    ):
        client.force_login(User.objects.get(pk=user))
        text = client.get(page).content.decode()
        for one in [
            *words,
            "Silence.",
            "An appeal is being handled.",
            "Operations have not asked you for a statement.",
        ]:
            assert one in text, (page, one)


def test_pages_of_an_appeal_read_the_case_in_few_queries(case, client):
    for number in range(3):
        asked = services.ask_statement(case.flow, party=Party.SELLER, question="?", by=case.operator, at=case.at)
        files = [a_file(f"{number}.pdf")]
        services.give_statement(case.flow, text="So.", files=files, by=case.seller, at=asked.asked_at + HOUR)
    decide(case, Decision.REFUND)
    number, pk = case.flow.order.number, appeal_of(case).pk
    for who, page in (
        (case.buyer, f"/my/supervision/{number}/"),
        (case.seller, f"/seller/supervision/{number}/"),
        (case.buyer, f"/my/supervision/{number}/review/"),
        (case.operator, f"/admin/supervision/appeal/{pk}/case/"),
    ):
        client.force_login(User.objects.get(pk=who.user_id))
        client.get(page)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(page).status_code == 200
        # A page whose flow is frozen reads the appeal's statements and decisions besides what every page reads.
        limit = 15 if page.startswith("/admin/") else 12
        assert len(queries) <= limit, "\n".join([page, *(one["sql"][:90] for one in queries)])
