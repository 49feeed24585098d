"""Operations decide: four outcomes, the second look, refunds above the limit, impartial operators (RULES 1.5)."""

from decimal import Decimal

import pytest

from accounts.actor import Party
from accounts.models import Membership, SellerMember, User
from billing.models import Refund
from koogallery.kernel.errors import InvalidInput, InvalidTransition, PermissionRefused
from koogallery.kernel.money import Money
from notifications.models import Message
from orders.choices import OrderStatus, SubscriptionStatus
from orders.models import Order, Subscription
from supervision import services
from supervision.choices import Action, AppealStatus, Decision, FlowStatus, RulingStatus
from supervision.errors import AppealNotAllowed, FlowFrozen
from supervision.models import Appeal
from tests.factories import an_operator
from tests.supervision.appeals import DAY, HOUR, SECOND, actions, appeal_of, decide, held_of, no_breach
from tests.supervision.conftest import Deal

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
