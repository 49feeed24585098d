"""Operations decide an appeal: at once, or in effect when nobody asks for a second look (RULES 1.5)."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from accounts.actor import Actor, Party
from koogallery.kernel import clock
from koogallery.kernel.errors import InvalidInput, InvalidTransition, PermissionRefused
from koogallery.kernel.money import Money
from koogallery.kernel.outbox import publish
from orders import ports
from orders import services as orders
from orders.terms import until_text
from supervision.choices import UNANSWERED, Action, AppealStatus, Decision, RulingStatus
from supervision.events import (
    AppealAnnounced,
    AppealEnded,
    AppealOverdue,
    DeliveryAccepted,
    FlowClosed,
    ReviewAsked,
    RulingAwaitsConsent,
    RulingLapsed,
)
from supervision.models import Appeal, Ruling, ServiceFlow
from supervision.services.acting import acting_on, record, required_text, step_for, take
from supervision.services.appeals import drop_statements, live_appeal, refuse_unless_allowed
from supervision.services.delivery import DELIVERER
from supervision.services.statements import wait_of

STEPS = {
    Decision.RESUME: Action.DECIDE_RESUME,
    Decision.REDELIVER: Action.DECIDE_REDELIVER,
    Decision.ACCEPT: Action.DECIDE_ACCEPT,
    Decision.REFUND: Action.DECIDE_REFUND,
}
# What cannot be undone waits for the second look.
WITH_SECOND_LOOK = (Decision.ACCEPT, Decision.REFUND)


def decide_appeal(
    flow: ServiceFlow,
    *,
    decision: Decision,
    reason: str,
    refund: Money | None = None,
    deliver_within: timedelta | None = None,
    by: Actor,
    at: datetime | None = None,
) -> Ruling:
    """Operations decide. Resuming and sending back take effect at once, so does whatever a second look decides.

    Accepting and refunding wait until both sides have waived the second look or five days have passed. A refund
    above the limit first waits for another operator's confirmation.

    Args:
        refund: with `Decision.REFUND`: the amount, or None for all that is held.
        deliver_within: with `Decision.REDELIVER`: the new deadline; None is the usual one.

    Raises:
        InvalidTransition: nothing waits for a decision.
        InvalidInput: no reason, a refund out of bounds, or an amount that does not belong here.
        PermissionRefused: not operations, of one of the two companies, or the second look by who decided first.
    """
    at = at or clock.now()
    text = required_text(reason, "reason", "a reason")
    with acting_on(flow, Action.DECIDE, by=by) as flow:
        appeal = live_appeal(flow)
        _refuse_operator(appeal, by)
        if appeal.status not in (AppealStatus.OPEN, AppealStatus.UNDER_REVIEW):
            raise InvalidTransition("This appeal does not wait for a decision: another operator has decided.")
        amount = _refund_of(flow, decision, refund)
        asks_consent = amount is not None and ports.money().needs_consent(flow.order, amount)
        ruling = Ruling(
            appeal=appeal,
            status=RulingStatus.AWAITING_CONSENT if asks_consent else RulingStatus.ANNOUNCED,
            second_look=appeal.reviewed,
            decision=decision,
            reason=text,
            refund=refund.amount if refund else None,
            decided_by_id=by.user_id,
            decided_at=at,
            lapses_at=at + settings.REFUND_CONSENT_LIFETIME if asks_consent else None,
        )
        if decision == Decision.REDELIVER:
            ruling.deliver_by = at + wait_of(deliver_within, flow.graph.parameters.redeliver_within, "hours")
        if asks_consent:
            _await_consent(flow, appeal, ruling, by=by, at=at)
        else:
            _conclude(flow, appeal, ruling, by=by, at=at)
    return ruling


def _refuse_operator(appeal: Appeal, by: Actor) -> None:
    """Only operations decide, and a second look only those who had no part in the first decision."""
    if by.party is not Party.OPERATIONS or by.user_id is None:
        raise PermissionRefused("Only operations decide appeals.")
    first = [one for one in appeal.rulings.all() if not one.second_look and one.status == RulingStatus.ANNOUNCED]
    if appeal.reviewed and any(by.user_id in (one.decided_by_id, one.confirmed_by_id) for one in first):
        raise PermissionRefused("Another operator than the one who decided first has to take the second look.")


def _refund_of(flow: ServiceFlow, decision: Decision, asked: Money | None) -> Money | None:
    """What a decision gives back; None when it gives nothing back."""
    if decision != Decision.REFUND:
        if asked is not None:
            raise InvalidInput("Only a refund has an amount.", errors={"refund": ["Only a refund has an amount."]})
        return None
    left = ports.money().refundable(flow.order)
    if asked is None:
        return left
    if asked.currency != left.currency or asked.amount <= 0 or left < asked or asked != asked.rounded():
        raise InvalidInput(f"Refund an amount up to {left.display()}.", errors={"refund": [f"Up to {left.display()}."]})
    return asked


def _await_consent(flow: ServiceFlow, appeal: Appeal, ruling: Ruling, *, by: Actor, at: datetime) -> None:
    appeal.await_consent()
    appeal.save()
    ruling.save()
    record(flow, Action.PROPOSE_DECISION, by=by, at=at, note="A refund above the limit needs two operators.")
    publish(RulingAwaitsConsent(order_number=flow.order.number), at=at)


def confirm_ruling(flow: ServiceFlow, *, by: Actor, at: datetime | None = None) -> Ruling:
    """Another operator agrees with a refund above the limit: it is decided.

    Raises:
        PermissionRefused: not operations, of one of the two companies, or the one who decided.
        InvalidTransition: nothing waits for confirmation, or it has lapsed.
    """
    at = at or clock.now()
    with acting_on(flow, Action.DECIDE, by=by) as flow:
        appeal, ruling = _waiting_ruling(flow, by, at)
        if ruling.decided_by_id == by.user_id:
            raise PermissionRefused("Another operator than the one who decided has to confirm.")
        ruling.confirm(by.user_id, at)
        _conclude(flow, appeal, ruling, by=by, at=at)
    return ruling


def decline_ruling(flow: ServiceFlow, *, by: Actor, at: datetime | None = None) -> Ruling:
    """An operator does not confirm a refund above the limit, or its maker takes it back: the appeal is undecided again.

    Raises:
        See `confirm_ruling`.
    """
    at = at or clock.now()
    with acting_on(flow, Action.DROP_DECISION, by=by) as flow:
        appeal, ruling = _waiting_ruling(flow, by, at)
        ruling.decline()
        _undecide(flow, appeal, ruling, "Another decision is needed.", by=by, at=at)
    return ruling


def lapse_ruling(pk: int, *, at: datetime, by: Actor) -> None:
    """Timer: nobody confirmed a refund above the limit in time."""
    with transaction.atomic():
        orders.order_locked(Ruling.objects.values_list("appeal__flow__order_id", flat=True).get(pk=pk))
        ruling = Ruling.objects.select_related("appeal").get(pk=pk)
        if ruling.status != RulingStatus.AWAITING_CONSENT or ruling.lapses_at is None or ruling.lapses_at > at:
            return
        flow = ServiceFlow.objects.with_table_columns().get(pk=ruling.appeal.flow_id)
        ruling.lapse()
        _undecide(flow, ruling.appeal, ruling, "It was not confirmed in time.", by=by, at=at)
        publish(RulingLapsed(order_number=flow.order.number), at=at)


def _undecide(flow: ServiceFlow, appeal: Appeal, ruling: Ruling, why: str, *, by: Actor, at: datetime) -> None:
    ruling.save()
    if ruling.second_look:
        appeal.reopen_review()
    else:
        appeal.reopen()
    appeal.save()
    record(flow, Action.DROP_DECISION, by=by, at=at, note=why)


def _waiting_ruling(flow: ServiceFlow, by: Actor, at: datetime) -> tuple[Appeal, Ruling]:
    appeal = live_appeal(flow)
    if by.party is not Party.OPERATIONS or by.user_id is None:
        raise PermissionRefused("Only operations decide appeals.")
    ruling = appeal.rulings.filter(status=RulingStatus.AWAITING_CONSENT).first()
    if ruling is None or ruling.lapses_at is None or ruling.lapses_at <= at:
        raise InvalidTransition("No decision waits for confirmation.")
    return appeal, ruling


def _conclude(flow: ServiceFlow, appeal: Appeal, ruling: Ruling, *, by: Actor, at: datetime) -> None:
    """A decision stands: in effect at once, or announced until nobody can ask for a second look any more."""
    ruling.save()
    drop_statements(appeal, at)
    if ruling.decision not in WITH_SECOND_LOOK or ruling.second_look:
        _bring_into_effect(flow, appeal, ruling, by=by, at=at)
        return
    appeal.announce(at + settings.APPEAL_SECOND_LOOK_TIME)
    appeal.save()
    assert appeal.takes_effect_at is not None
    outcome, until = outcome_text(flow, ruling), until_text(appeal.takes_effect_at)
    record(flow, Action.DECIDE, by=by, at=at, note=f"{outcome} {ruling.reason}")
    publish(AppealAnnounced(order_number=flow.order.number, outcome=outcome, reason=ruling.reason, until=until), at=at)


def outcome_text(flow: ServiceFlow, ruling: Ruling) -> str:
    """A decision in a sentence."""
    label = str(Decision(ruling.decision).label)
    if ruling.decision == Decision.REFUND:
        money = ruling.money(flow.order.currency)
        return f"{label}: {money.display() if money else 'everything that is held'}."
    if ruling.deliver_by is not None:
        return f"{label}, until {until_text(ruling.deliver_by)}."
    return f"{label}."


def _bring_into_effect(flow: ServiceFlow, appeal: Appeal, ruling: Ruling, *, by: Actor, at: datetime) -> None:
    for one in appeal.rulings.filter(status=RulingStatus.ANNOUNCED).exclude(pk=ruling.pk):
        one.replace()
        one.save()
    ruling.take_effect(at)
    ruling.save()
    appeal.finish(at)
    appeal.save()
    decision, number, text = Decision(ruling.decision), flow.order.number, ruling.reason
    outcome = outcome_text(flow, ruling)
    step = step_for(
        flow,
        STEPS[decision],
        by.acting_as(Party.OPERATIONS),
        target=flow.frozen_from if decision == Decision.RESUME else "",
    )
    within = ruling.deliver_by - at if ruling.deliver_by else None
    if ruling.deliver_by is not None:
        # The flow does not end before the customer could have appealed and been answered.
        flow.closes_at = max(flow.closes_at, ruling.deliver_by + settings.SILENCE_BEFORE_APPEAL)
    take(flow, step, by=by, at=at, note=f"{outcome} {text}", within=within)
    if decision == Decision.ACCEPT:
        orders.delivery_done(flow.order, deliverer=DELIVERER, accepted=True, by=by, at=at)
        publish(DeliveryAccepted(order_number=number), at=at)
    elif decision == Decision.REFUND:
        orders.end_with_refund(flow.order, amount=ruling.money(flow.order.currency), reason=text, by=by, at=at)
        publish(FlowClosed(order_number=number, reason=text), at=at)
    publish(AppealEnded(order_number=number, outcome=f"{outcome} {text}"), at=at)


def ask_review(flow: ServiceFlow, *, reason: str, by: Actor, at: datetime | None = None) -> Appeal:
    """A side asks for a second look by another operator, whose decision is final. One only.

    Raises:
        FlowFrozen: not decided, in effect, asked for before, or `by` waived it.
        InvalidInput: no reason.
    """
    at = at or clock.now()
    text = required_text(reason, "reason", "a reason")
    with acting_on(flow, Action.REVIEW, by=by) as flow:
        appeal = live_appeal(flow)
        refuse_unless_allowed(appeal, Action.REVIEW, by, at)
        appeal.ask_review(by.party, text, at)
        appeal.save()
        record(flow, Action.REVIEW, by=by, at=at, note=text)
        publish(ReviewAsked(order_number=flow.order.number, by=str(by.party.label).lower(), reason=text), at=at)
    return appeal


def waive_review(flow: ServiceFlow, *, by: Actor, at: datetime | None = None) -> Appeal:
    """A side does without a second look; when both do, the decision takes effect at once.

    Raises:
        FlowFrozen: not decided, in effect, a second look was asked for, or waived before.
    """
    at = at or clock.now()
    with acting_on(flow, Action.WAIVE_REVIEW, by=by) as flow:
        appeal = live_appeal(flow)
        refuse_unless_allowed(appeal, Action.WAIVE_REVIEW, by, at)
        both = appeal.waive(by.party, at)
        appeal.save()
        record(flow, Action.WAIVE_REVIEW, by=by, at=at)
        ruling = appeal.ruling()
        if both and ruling is not None:
            _bring_into_effect(flow, appeal, ruling, by=Actor.system("second look waived by both sides"), at=at)
    return appeal


def bring_into_effect(pk: int, *, at: datetime, by: Actor) -> None:
    """Timer: nobody asked for a second look in time."""
    with transaction.atomic():
        orders.order_locked(Appeal.objects.values_list("flow__order_id", flat=True).get(pk=pk))
        appeal = Appeal.objects.with_case().get(pk=pk)
        due = appeal.takes_effect_at
        ruling = appeal.ruling()
        if appeal.status != AppealStatus.ANNOUNCED or due is None or due > at or ruling is None:
            return
        flow = ServiceFlow.objects.with_table_columns().get(pk=appeal.flow_id)
        _bring_into_effect(flow, appeal, ruling, by=by, at=due)


def escalate_appeal(pk: int, *, at: datetime, by: Actor) -> None:
    """Timer: operations owe an answer for longer than the service level allows; all of them are told."""
    with transaction.atomic():
        number, order = Appeal.objects.values_list("flow__order__number", "flow__order_id").get(pk=pk)
        orders.order_locked(order)
        appeal = Appeal.objects.get(pk=pk)
        if appeal.status not in UNANSWERED or appeal.escalated_at is not None or appeal.answer_due_at > at:
            return
        appeal.escalated_at = at
        appeal.save(update_fields=["escalated_at"])
        publish(AppealOverdue(order_number=number, due=until_text(appeal.answer_due_at)), at=at)
