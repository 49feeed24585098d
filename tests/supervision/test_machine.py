"""Buyer, seller, operator and clock play a flow at random; what must always be true is checked after each step."""

from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from accounts.actor import Actor
from koogallery.kernel import clock
from koogallery.kernel.books import breaches
from koogallery.kernel.errors import DomainError
from orders.models import Order, Subscription
from orders.services import complete_due_order
from supervision import services
from supervision.choices import Action, Decision, FlowStatus
from supervision.models import FlowRecord, ServiceFlow
from tests.supervision.conftest import Deal, make_deal
from tests.supervision.test_flow import a_file

KINDS = ({}, {"service": True}, {"saas_supervised": True}, {"joint_operation": True})


class FlowMachine(RuleBasedStateMachine):
    deal: Deal
    at: datetime

    @initialize(kind=st.sampled_from(KINDS))
    def begin(self, kind: dict[str, bool]) -> None:
        from catalog.services import refresh_listing

        self.deal = make_deal(**kind)
        refresh_listing(self.deal.flow.order.product)
        self.at = clock.now()

    def flow(self) -> ServiceFlow:
        return self.deal.now()

    def attempt(self, party: str, verb, *args, **kwargs) -> None:
        """Try an act; it must change nothing when it is refused, and be refused when it is not the party's turn."""
        before = self.flow()
        records = FlowRecord.objects.count()
        by = getattr(self.deal, party)
        try:
            verb(self.deal.flow, *args, by=by, at=self.at, **kwargs)
        except DomainError:
            after = self.flow()
            assert (after.status, after.waiting_since) == (before.status, before.waiting_since)
            assert FlowRecord.objects.count() == records
        else:
            assert before.is_open
            newest = FlowRecord.objects.order_by("-id").first()
            assert newest is not None
            if newest.action not in (Action.REMIND, Action.APPEAL, Action.WITHDRAW_APPEAL):
                assert before.waiting_on == newest.party, "only the side whose turn it is moves a flow"
            if before.status == FlowStatus.UNDER_APPEAL:
                assert newest.action in (
                    Action.WITHDRAW_APPEAL,
                    *(f"decide-{one}" for one in ("resume", "redeliver", "accept", "refund")),
                )

    @rule(party=st.sampled_from(["buyer", "seller"]))
    def request(self, party: str) -> None:
        self.attempt(party, services.submit_request, description="Please.", files=[a_file()])

    @rule(party=st.sampled_from(["buyer", "seller"]))
    def confirm(self, party: str) -> None:
        self.attempt(party, services.confirm_request)

    @rule()
    def reject_request(self) -> None:
        self.attempt("seller", services.reject_request, reason="Unclear.")

    @rule(party=st.sampled_from(["buyer", "seller"]))
    def deliver(self, party: str) -> None:
        self.attempt(party, services.deliver, note="Here.")

    @rule(approve=st.booleans())
    def review(self, approve: bool) -> None:
        if approve:
            self.attempt("operator", services.approve_delivery)
        else:
            self.attempt("operator", services.return_delivery, reason="Incomplete.")

    @rule(party=st.sampled_from(["buyer", "seller"]))
    def accept(self, party: str) -> None:
        self.attempt(party, services.accept_delivery)

    @rule()
    def reject(self) -> None:
        self.attempt("buyer", services.reject_delivery, reason="No.")

    @rule()
    def remind(self) -> None:
        self.attempt("buyer", services.send_reminder)

    @rule(party=st.sampled_from(["buyer", "seller"]))
    def appeal(self, party: str) -> None:
        self.attempt(party, services.file_appeal, reason="Unfair.")

    @rule(party=st.sampled_from(["buyer", "seller"]))
    def withdraw(self, party: str) -> None:
        self.attempt(party, services.withdraw_appeal)

    @rule(decision=st.sampled_from(list(Decision)))
    def decide(self, decision: Decision) -> None:
        self.attempt("operator", services.decide_appeal, decision=decision, reason="Heard both.")

    @rule(hours=st.sampled_from([1, 25, 121, 24 * 30, 24 * 365]))
    def wait(self, hours: int) -> None:
        self.at += timedelta(hours=hours)
        services.close_overdue_flow(self.deal.flow.pk, at=self.at, by=Actor.timer("close_overdue_flows"))
        complete_due_order(self.deal.flow.order_id, at=self.at, by=Actor.timer("complete_accepted_orders"))

    @invariant()
    def the_books_are_right(self) -> None:
        if hasattr(self, "deal"):
            assert not list(breaches())

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
