"""Appeals on the real services: freezing, statements, decisions, the second look, silence, the clock (RULES 1.5)."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext

from accounts.actor import Actor, Party
from accounts.models import Account, Membership, SellerMember, User
from accounts.services import choose_appeal_filing
from billing.models import Posting, Refund
from billing.services import consent_to_refund, propose_refund
from koogallery.kernel import clock
from koogallery.kernel.books import breaches
from koogallery.kernel.errors import InvalidInput, InvalidTransition, PermissionRefused
from koogallery.kernel.money import Money
from notifications.models import Message
from orders import services as orders
from orders.choices import OrderStatus, SubscriptionStatus
from orders.models import Order, Subscription
from orders.services import UpgradeWish
from supervision import services
from supervision.choices import Action, AppealStatus, Decision, FlowStatus, RulingStatus, StatementStatus
from supervision.errors import AppealNotAllowed, FlowFrozen
from supervision.models import Appeal, FlowRecord
from tests.factories import a_buyer, an_operator
from tests.supervision.conftest import Deal, fall_silent
from tests.supervision.test_flow import a_file

SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
SYSTEM = Actor.timer("test")


@pytest.fixture
def case(deal) -> Deal:
    """A licence order that the buyer appealed against on the sixth day, whose `at` is a day later."""
    one = deal()
    services.file_appeal(one.flow, reason="Silence.", by=one.buyer, at=one.flow.waiting_since + 6 * DAY)
    one.at = one.flow.waiting_since + 7 * DAY
    return one


def appeal_of(one: Deal) -> Appeal:
    return Appeal.objects.get(flow=one.flow)


def decide(one: Deal, decision: Decision, *, by: Actor | None = None, at=None, **more):
    return services.decide_appeal(
        one.flow, decision=decision, reason="Heard both.", by=by or one.operator, at=at or one.at, **more
    )


def actions(one: Deal) -> list[str]:
    return list(FlowRecord.objects.filter(flow=one.flow).order_by("id").values_list("action", flat=True))


def held_of(order: Order) -> Decimal:
    rows = Posting.objects.filter(entry__order=order, ledger="held")
    return -rows.aggregate(total=Sum("amount"))["total"]


def no_breach() -> bool:
    return not [one for one in breaches() if one.invariant.name not in ("listing_repeats_prices",)]


# Decisions


@pytest.mark.parametrize("decision", [Decision.RESUME, Decision.REDELIVER])
def test_resuming_and_sending_back_take_effect_at_once(case, decision):
    decide(case, decision)
    flow = case.now()
    assert (flow.status, flow.waiting_since) == (FlowStatus.AWAITING_DELIVERY, case.at)
    assert appeal_of(case).status == AppealStatus.DECIDED
    assert no_breach()


@pytest.mark.parametrize(
    ("decision", "flow_status", "order_status"),
    [
        (Decision.ACCEPT, FlowStatus.COMPLETED, OrderStatus.PROCESSING),
        (Decision.REFUND, FlowStatus.CLOSED, OrderStatus.REFUNDED),
    ],
)
def test_accepting_and_refunding_wait_five_days_to_the_second(case, timers, decision, flow_status, order_status):
    decide(case, decision)
    due = case.at + 5 * DAY
    assert appeal_of(case).takes_effect_at == due

    timers.run(due - SECOND)
    assert (case.now().status, Order.objects.get().status) == (FlowStatus.UNDER_APPEAL, OrderStatus.PROCESSING)
    assert held_of(Order.objects.get()) == 5

    timers.run(due)
    flow, order = case.now(), Order.objects.get()
    assert (flow.status, order.status) == (flow_status, order_status)
    assert flow.ended_at == due
    assert no_breach()
    if decision == Decision.ACCEPT:
        assert order.completes_at == due + 3 * HOUR
        assert Subscription.objects.get().starts_at == due
    else:
        assert (Refund.objects.get().amount, held_of(order)) == (5, 0)


def test_a_worker_that_was_down_changes_no_date(case, timers):
    decide(case, Decision.ACCEPT)
    timers.run(case.at + 9 * DAY, "appeal_decisions_take_effect")
    assert case.now().ended_at == case.at + 5 * DAY


def test_when_both_waive_the_second_look_the_decision_is_in_effect_at_once(case, timers):
    decide(case, Decision.REFUND)
    services.waive_review(case.flow, by=case.seller, at=case.at + HOUR)
    assert case.now().is_frozen
    services.waive_review(case.flow, by=case.buyer, at=case.at + 2 * HOUR)
    assert (case.now().status, Order.objects.get().status) == (FlowStatus.CLOSED, OrderStatus.REFUNDING)
    assert Subscription.objects.get().status == SubscriptionStatus.CLOSED
    assert no_breach()


def test_a_partial_refund_is_made_and_the_rest_goes_to_the_seller(case, timers):
    decide(case, Decision.REFUND, refund=Money(Decimal("2.00"), "USD"))
    timers.run(case.at + 5 * DAY)
    order = Order.objects.get()
    assert (case.now().status, order.status) == (FlowStatus.CLOSED, OrderStatus.COMPLETED)
    assert (Refund.objects.get().amount, held_of(order)) == (2, 0)
    assert no_breach()


@pytest.mark.parametrize("amount", ["5.01", "0", "-1", "0.001", "1E+9"])
def test_a_refund_out_of_bounds_is_refused(case, amount):
    with pytest.raises(InvalidInput):
        decide(case, Decision.REFUND, refund=Money(Decimal(amount), "USD"))
    with pytest.raises(InvalidInput):
        decide(case, Decision.RESUME, refund=Money(Decimal("1.00"), "USD"))
    assert appeal_of(case).status == AppealStatus.OPEN


def test_a_reason_is_mandatory_and_shown_to_both(case, timers):
    with pytest.raises(InvalidInput):
        services.decide_appeal(case.flow, decision=Decision.RESUME, reason=" ", by=case.operator)
    decide(case, Decision.REFUND)
    timers.run(case.at)
    told = Message.objects.filter(event="AppealAnnounced")
    assert {bool(one.seller_id) for one in told} == {True, False}
    assert all("Heard both." in one.text for one in told)


def test_sent_back_with_a_new_deadline_silence_counts_from_there(case):
    decide(case, Decision.REDELIVER, deliver_within=240 * HOUR)
    opens = case.at + 240 * HOUR + SECOND
    verdict = services.may_appeal(case.now(), Party.BUYER, case.at + 6 * DAY)
    assert (verdict.allowed, verdict.allowed_from) == (False, opens)
    assert services.may_appeal(case.now(), Party.BUYER, opens).allowed
    services.deliver(case.flow, note="Here.", by=case.seller, at=case.at + DAY)
    assert case.now().respond_by == case.at + 6 * DAY


@pytest.mark.parametrize("hours", [0, -5, 721])
def test_a_deadline_out_of_bounds_is_refused(case, hours):
    with pytest.raises(InvalidInput):
        decide(case, Decision.REDELIVER, deliver_within=hours * HOUR)


def test_counters_restart_with_the_decision(deal):
    one = deal()
    for _ in range(3):
        services.deliver(one.flow, note="Key.", by=one.seller)
        services.reject_delivery(one.flow, reason="No.", by=one.buyer)
    services.file_appeal(one.flow, reason="Three times.", by=one.seller)
    services.decide_appeal(one.flow, decision=Decision.RESUME, reason="Talk.", by=one.operator)
    assert one.now().buyer_rejections == 0
    with pytest.raises(AppealNotAllowed):
        services.file_appeal(one.flow, reason="Again.", by=one.buyer)


# Who decides


@pytest.mark.parametrize("side", ["buyer", "seller"])
def test_no_operator_acts_on_a_company_that_he_belongs_to(case, side):
    user = User.objects.get(pk=case.operator.user_id)
    if side == "buyer":
        Membership.objects.create(account=case.flow.account, user=user, role="viewer")
    else:
        SellerMember.objects.create(seller=case.flow.seller, user=user)
    for act in (
        lambda: decide(case, Decision.RESUME),
        lambda: services.ask_statement(case.flow, party=Party.BUYER, question="?", by=case.operator),
        lambda: services.confirm_ruling(case.flow, by=case.operator),
    ):
        with pytest.raises(PermissionRefused):
            act()
    assert appeal_of(case).status == AppealStatus.OPEN
    assert appeal_of(case) not in Appeal.objects.decidable_by(user.pk)


def test_an_appeal_of_ones_own_company_is_hidden(client, case):
    user = User.objects.get(pk=case.operator.user_id)
    client.force_login(user)
    page, appeal = "/admin/supervision/appeal/", appeal_of(case)
    assert client.get(page).content.count(case.flow.order.number.encode())
    assert client.get(f"{page}{appeal.pk}/case/").status_code == 200
    SellerMember.objects.create(seller=case.flow.seller, user=user)
    assert not client.get(page).content.count(case.flow.order.number.encode())
    for path in ("case/", "case.zip", "records.pdf"):
        assert client.get(f"{page}{appeal.pk}/{path}").status_code == 404


def test_buyers_and_sellers_do_not_decide(case):
    for by in (case.buyer, case.seller):
        with pytest.raises(PermissionRefused):
            decide(case, Decision.ACCEPT, by=by)


# The second look


def test_a_second_look_is_decided_by_another_operator_and_final(case):
    decide(case, Decision.REFUND)
    services.ask_review(case.flow, reason="We delivered.", by=case.seller, at=case.at + HOUR)
    assert appeal_of(case).takes_effect_at is None
    with pytest.raises(FlowFrozen):
        services.waive_review(case.flow, by=case.buyer, at=case.at + HOUR)
    with pytest.raises(PermissionRefused, match="Another operator"):
        decide(case, Decision.ACCEPT, at=case.at + 2 * HOUR)
    decide(case, Decision.ACCEPT, by=case.reviewer, at=case.at + 2 * HOUR)
    appeal = appeal_of(case)
    assert (case.now().status, appeal.status) == (FlowStatus.COMPLETED, AppealStatus.DECIDED)
    assert [one.status for one in appeal.rulings.all()] == [RulingStatus.IN_EFFECT, RulingStatus.REPLACED]
    with pytest.raises(InvalidTransition):
        services.ask_review(case.flow, reason="Again.", by=case.buyer, at=case.at + 3 * HOUR)
    assert no_breach()


def test_while_a_second_look_is_taken_the_first_decision_does_not_take_effect(case, timers):
    decide(case, Decision.REFUND)
    services.ask_review(case.flow, reason="We delivered.", by=case.seller, at=case.at + HOUR)
    timers.run(case.at + 30 * DAY)
    assert (case.now().status, Order.objects.get().status) == (FlowStatus.UNDER_APPEAL, OrderStatus.PROCESSING)


def test_at_the_second_in_which_it_takes_effect_no_second_look_can_be_asked_for(case):
    decide(case, Decision.REFUND)
    with pytest.raises(FlowFrozen, match="in effect"):
        services.ask_review(case.flow, reason="Late.", by=case.seller, at=case.at + 5 * DAY)


# Refunds above the limit


@pytest.fixture
def large(case, settings) -> Deal:
    """Every refund above 1.00 USD needs two operators; one of 5.00 is decided."""
    settings.REFUND_CONSENT_ABOVE = Decimal("1.00")
    decide(case, Decision.REFUND)
    return case


def test_a_refund_above_the_limit_waits_for_another_operator(large, timers):
    assert appeal_of(large).status == AppealStatus.AWAITING_CONSENT
    with pytest.raises(PermissionRefused):
        services.confirm_ruling(large.flow, by=large.operator, at=large.at)
    timers.run(large.at)
    assert not Message.objects.filter(event="AppealAnnounced").exists(), "nothing is decided yet"
    services.confirm_ruling(large.flow, by=large.reviewer, at=large.at + HOUR)
    assert appeal_of(large).takes_effect_at == large.at + HOUR + 5 * DAY
    timers.run(large.at + HOUR + 5 * DAY)
    assert Order.objects.get().status == OrderStatus.REFUNDED
    assert no_breach()


def test_who_confirmed_does_not_take_the_second_look(large):
    services.confirm_ruling(large.flow, by=large.reviewer, at=large.at)
    services.ask_review(large.flow, reason="Look.", by=large.seller, at=large.at)
    for by in (large.operator, large.reviewer):
        with pytest.raises(PermissionRefused):
            decide(large, Decision.RESUME, by=by)
    decide(large, Decision.RESUME, by=an_operator())
    assert large.now().status == FlowStatus.AWAITING_DELIVERY


def test_without_confirmation_it_lapses_after_three_days_to_the_second(large, timers):
    timers.run(large.at + 3 * DAY - SECOND)
    assert appeal_of(large).status == AppealStatus.AWAITING_CONSENT
    timers.run(large.at + 3 * DAY)
    assert appeal_of(large).status == AppealStatus.OPEN
    with pytest.raises(InvalidTransition):
        services.confirm_ruling(large.flow, by=large.reviewer, at=large.at + 3 * DAY)
    decide(large, Decision.RESUME, at=large.at + 3 * DAY)


def test_declined_the_appeal_is_undecided_again(large):
    services.decline_ruling(large.flow, by=large.reviewer, at=large.at)
    assert (appeal_of(large).status, actions(large)[-1]) == (AppealStatus.OPEN, Action.DROP_DECISION)
    assert no_breach()


def test_a_large_refund_of_the_second_look_is_confirmed_too_and_then_in_effect_at_once(case, settings):
    settings.REFUND_CONSENT_ABOVE = Decimal("1.00")
    decide(case, Decision.ACCEPT)
    services.ask_review(case.flow, reason="Nothing came.", by=case.buyer, at=case.at)
    decide(case, Decision.REFUND, by=case.reviewer)
    services.decline_ruling(case.flow, by=case.reviewer, at=case.at)
    assert appeal_of(case).status == AppealStatus.UNDER_REVIEW
    decide(case, Decision.REFUND, by=case.reviewer)
    services.confirm_ruling(case.flow, by=case.operator, at=case.at)
    assert case.now().status == FlowStatus.CLOSED
    assert no_breach()


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
    choose_appeal_filing(account, filed_for_us=True, by=a_buyer("purchaser", account))
    due = one.flow.waiting_since + 5 * DAY + SECOND
    timers.run(due - SECOND)
    assert not one.now().is_frozen
    timers.run(due)
    assert one.now().is_frozen
    appeal, entry = appeal_of(one), FlowRecord.objects.filter(flow=one.flow).first()
    assert (appeal.party, appeal.filed_at) == ("buyer", due)
    assert (entry.action, entry.party, entry.at) == (Action.APPEAL, "system", due)
    assert entry.by == f"timer send_flow_notices, on behalf of {account.name}"
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
