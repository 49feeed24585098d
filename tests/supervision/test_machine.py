"""Buyer, seller, operator and clock play a flow at random; what must always be true is checked after each step.

A rule of the game is a verb that somebody tries; `attempt` judges what came of it by the records alone. New verbs (an
appeal's statements, its second look) become new rules; `WHILE_FROZEN` and the graph say what they may move.
"""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.forms import model_to_dict
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from accounts.actor import Party
from koogallery.kernel import clock
from koogallery.kernel.books import breaches
from koogallery.kernel.errors import DomainError
from koogallery.kernel.quiet import run_until_quiet
from notifications.models import Message
from orders.models import Order, Subscription
from supervision import services
from supervision.choices import ENDED, Action, Decision, FlowStatus, Silence
from supervision.models import FlowRecord, FlowTemplate, Ruling, ServiceFlow
from supervision.services.acting import WHILE_FROZEN
from tests.supervision.conftest import Deal, make_deal
from tests.supervision.table import KINDS, Kind
from tests.supervision.test_flow import a_file

TIMERS = (
    "send_flow_notices",
    "accept_silent_deliveries",
    "close_overdue_flows",
    "complete_accepted_orders",
    "miss_statements",
    "escalate_appeals",
    "lapse_rulings",
    "appeal_decisions_take_effect",
)
SIDES = st.sampled_from(["buyer", "seller"])
REMINDED = ("SellerTurnReminder", "AcceptanceReminder")
# What anybody may do out of turn: these move no turn, or only freeze and thaw.
OUT_OF_TURN = {
    Action.REMIND,
    Action.MESSAGE,
    Action.APPEAL,
    Action.WITHDRAW_APPEAL,
    Action.STATEMENT,
    Action.REVIEW,
    Action.WAIVE_REVIEW,
}


class FlowMachine(RuleBasedStateMachine):
    deal: Deal
    at: datetime

    @initialize(kind=st.sampled_from(KINDS))
    def begin(self, kind: Kind) -> None:
        from catalog.services import refresh_listing

        if kind.changes:
            values = model_to_dict(FlowTemplate.in_force(kind.flow_type), exclude=["id", "version"])
            services.publish_template(FlowTemplate(**values | kind.changes))
        self.deal = make_deal(**kind.traits)
        refresh_listing(self.deal.flow.order.product)
        self.at = clock.now()
        self.waited_until = self.at
        self.ended = ""

    def flow(self) -> ServiceFlow:
        return self.deal.now()

    def records(self) -> list[FlowRecord]:
        return list(FlowRecord.objects.filter(flow=self.deal.flow).order_by("id"))

    def attempt(self, who: str, verb: Callable[..., Any], **given: Any) -> None:
        """Try an act; it must change nothing when it is refused, and be refused when it is not the party's turn."""
        before, records = self.flow(), len(self.records())
        by = getattr(self.deal, who)
        try:
            verb(self.deal.flow, by=by, at=self.at, **given)
        except DomainError:
            after = self.flow()
            assert model_to_dict(after) == model_to_dict(before)
            assert (after.status, after.waiting_since, after.respond_by, after.next_notice_at) == (
                before.status,
                before.waiting_since,
                before.respond_by,
                before.next_notice_at,
            )
            assert len(self.records()) == records
            return
        newest, *consequences = self.records()[records:]
        assert before.is_open or newest.action == Action.MESSAGE, "what has ended is final"
        if newest.action == Action.WAIVE_REVIEW and consequences:
            # Both sides have waived by now: the decision is in effect at once.
            assert [one.action for one in consequences] in ([Action.DECIDE_ACCEPT], [Action.DECIDE_REFUND])
        else:
            assert not consequences, "every act writes a record"
        assert (newest.party, newest.user_id, newest.at) == (by.party, by.user_id, self.at)
        if newest.action not in OUT_OF_TURN:
            assert before.waiting_on == newest.party, "only the side whose turn it is moves a flow"
        if before.is_frozen:
            assert newest.action in WHILE_FROZEN, "a frozen flow never moves"
        if newest.action in (Action.REMIND, Action.MESSAGE):
            after = self.flow()
            assert model_to_dict(after) == model_to_dict(before)
            assert (after.waiting_since, after.respond_by) == (before.waiting_since, before.respond_by)

    @rule(party=SIDES)
    def request(self, party: str) -> None:
        self.attempt(party, services.submit_request, description="Please.", files=[a_file()])

    @rule(party=SIDES)
    def confirm(self, party: str) -> None:
        self.attempt(party, services.confirm_request)

    @rule()
    def reject_request(self) -> None:
        self.attempt("seller", services.reject_request, reason="Unclear.")

    @rule(party=SIDES)
    def deliver_draft(self, party: str) -> None:
        self.attempt(party, services.deliver_draft, note="Draft.")

    @rule(party=SIDES, confirmed=st.booleans())
    def answer_draft(self, party: str, confirmed: bool) -> None:
        self.attempt(party, services.answer_draft, confirmed=confirmed, reason="" if confirmed else "No.")

    @rule(party=SIDES)
    def deliver(self, party: str) -> None:
        self.attempt(party, services.deliver, note="Here.")

    @rule()
    def deliver_nothing(self) -> None:
        self.attempt("seller", services.deliver, note=" ")
        assert self.records()[-1].note.strip() or self.records()[-1].action != Action.DELIVER

    @rule(approve=st.booleans(), party=st.sampled_from(["operator", "seller"]))
    def review(self, approve: bool, party: str) -> None:
        if approve:
            self.attempt(party, services.approve_delivery)
        else:
            self.attempt(party, services.return_delivery, reason="Incomplete.")

    @rule(party=SIDES)
    def accept(self, party: str) -> None:
        self.attempt(party, services.accept_delivery)

    @rule()
    def reject(self) -> None:
        self.attempt("buyer", services.reject_delivery, reason="No.")

    @rule(party=SIDES)
    def remind(self, party: str) -> None:
        self.attempt(party, services.send_reminder)

    @rule(party=st.sampled_from(["buyer", "seller", "operator"]))
    def write(self, party: str) -> None:
        self.attempt(party, services.send_message, text="When will it be done?")

    @rule(party=SIDES)
    def appeal(self, party: str) -> None:
        self.attempt(party, services.file_appeal, reason="Unfair.")

    @rule(party=SIDES)
    def withdraw(self, party: str) -> None:
        self.attempt(party, services.withdraw_appeal)

    @rule(decision=st.sampled_from(list(Decision)), party=st.sampled_from(["operator", "reviewer", "seller"]))
    def decide(self, decision: Decision, party: str) -> None:
        self.attempt(party, services.decide_appeal, decision=decision, reason="Heard both.")

    @rule(asked=st.sampled_from([Party.BUYER, Party.SELLER]), party=st.sampled_from(["operator", "operator", "buyer"]))
    def ask(self, asked: Party, party: str) -> None:
        self.attempt(party, services.ask_statement, party=asked, question="What happened?")

    @rule(party=SIDES)
    def state(self, party: str) -> None:
        self.attempt(party, services.give_statement, text="This.")

    @rule(party=SIDES)
    def review_decision(self, party: str) -> None:
        self.attempt(party, services.ask_review, reason="Not fair.")

    @rule(party=SIDES)
    def waive(self, party: str) -> None:
        self.attempt(party, services.waive_review)

    @rule(hours=st.sampled_from([1, 25, 73, 97, 121, 24 * 14, 24 * 30, 24 * 365]))
    def wait(self, hours: int) -> None:
        """The clock jumps; what became due meanwhile fires, in order, at the times at which it was due."""
        before = self.flow()
        self.at += timedelta(hours=hours)
        assert not run_until_quiet(at=self.at, names=TIMERS).failed
        self.waited_until = self.at
        if before.is_frozen:
            self._only_its_appeal_moved_it(before)

    def _only_its_appeal_moved_it(self, before: ServiceFlow) -> None:
        """A frozen flow stands still until its decision takes effect, at the moment that was announced."""
        after = self.flow()
        effect = Ruling.objects.filter(appeal__flow=before, effective_at__gt=before.waiting_since).first()
        if effect is None:
            assert (after.status, after.waiting_since) == (before.status, before.waiting_since), "frozen for everybody"
            assert after.accepts_at == before.accepts_at
            return
        moved = next(
            one
            for one in self.records()
            if one.from_status == FlowStatus.UNDER_APPEAL != one.to_status and one.at > before.waiting_since
        )
        assert (moved.at, moved.party) == (effect.effective_at, Party.SYSTEM)
        assert effect.decision in (Decision.ACCEPT, Decision.REFUND), "what can be undone waits for nothing"

    @invariant()
    def the_books_are_right(self) -> None:
        """Money, order and flow agree; the records of every flow follow each other to its status."""
        if hasattr(self, "deal"):
            assert not list(breaches())

    @invariant()
    def replaying_the_records_gives_the_state(self) -> None:
        if not hasattr(self, "deal"):
            return
        flow, status, turn, counted = self.flow(), "", None, Counter[str]()
        for entry in self.records():
            assert entry.from_status == status
            status = entry.to_status
            turn = entry.at if entry.from_status != entry.to_status else turn
            counted[entry.action] += 1
            if entry.action.startswith("decide-"):
                counted[Action.REJECT] = counted[Action.REJECT_REQUEST] = 0
        assert (status, turn) == (flow.status, flow.waiting_since)
        assert flow.waiting_on == flow.graph.state(flow.status).waits_for
        assert (flow.buyer_rejections, flow.seller_rejections, flow.rounds) == (
            counted[Action.REJECT],
            counted[Action.REJECT_REQUEST],
            counted[Action.DELIVER],
        )

    @invariant()
    def what_has_ended_is_final(self) -> None:
        if not hasattr(self, "deal"):
            return
        status = self.flow().status
        assert not self.ended or status == self.ended
        self.ended = status if status in ENDED else ""

    @invariant()
    def reminders_come_once_each_and_to_whose_turn_it_is(self) -> None:
        if not hasattr(self, "deal"):
            return
        flow, turn, status = self.flow(), self.deal.flow.created_at, ""
        reminders = []
        for entry in self.records():
            if entry.action == Action.REMINDED:
                due = {one.after for one in flow.graph.silence(status) if one.silence == Silence.REMIND}
                assert entry.at - turn in due, "a reminder of this turn"
                reminders.append((turn, entry.at))
            elif entry.from_status != entry.to_status:
                turn, status = entry.at, entry.to_status
        assert len(set(reminders)) == len(reminders), "none twice"
        if not flow.is_frozen and self.waited_until == self.at:
            due = {one.at(turn) for one in flow.silence if one.silence == Silence.REMIND and one.at(turn) <= self.at}
            assert {at for since, at in reminders if since == turn} == due, "none left out"
        people = [self.deal.buyer.user_id, self.deal.seller.user_id]
        assert Message.objects.filter(event__in=REMINDED, user_id__in=people).count() == len(reminders), "each is told"
        assert flow.next_notice_at is None or flow.waiting_on in (Party.BUYER, Party.SELLER)
        assert flow.next_notice_at is None or flow.next_notice_at > flow.waiting_since

    @invariant()
    def flow_order_and_subscription_agree(self) -> None:
        if not hasattr(self, "deal"):
            return
        flow, order = self.flow(), Order.objects.get(pk=self.deal.flow.order_id)
        app = Subscription.objects.get(line__order=order)
        assert (app.status == "enabled") == (flow.status == FlowStatus.COMPLETED)
        if order.status == "completed":
            assert flow.status == FlowStatus.COMPLETED
        if flow.status == FlowStatus.CLOSED:
            assert app.status == "closed"


@pytest.mark.django_db
def test_a_flow_keeps_its_promises_whatever_happens():
    few = settings(max_examples=12, stateful_step_count=18, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(FlowMachine, settings=few)


@pytest.mark.long
@pytest.mark.django_db
def test_a_flow_keeps_its_promises_in_many_games():
    many = settings(max_examples=300, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(FlowMachine, settings=many)
