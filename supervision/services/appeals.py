"""Appeals: a side asks operations to decide; the flow is frozen until they have (RULES 1.4, 1.5)."""

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.db import transaction

from accounts.actor import Actor, Party
from koogallery.kernel import clock
from koogallery.kernel.errors import InvalidTransition
from koogallery.kernel.money import Money
from koogallery.kernel.outbox import publish
from orders import services as orders
from supervision.choices import Action, AppealStatus, Decision, FlowStatus, Purpose
from supervision.errors import AppealNotAllowed, FlowFrozen
from supervision.events import AppealEnded, AppealFiled, DeliveryAccepted, FlowClosed
from supervision.files import Attachable, check_files
from supervision.models import Appeal, ServiceFlow
from supervision.rules import AppealTerms, AppealVerdict, appeal_verdict
from supervision.services.acting import acting_on, required_text, step_for, store_files, take
from supervision.services.delivery import DELIVERER

DECISIONS = {
    Decision.RESUME: Action.DECIDE_RESUME,
    Decision.REDELIVER: Action.DECIDE_REDELIVER,
    Decision.ACCEPT: Action.DECIDE_ACCEPT,
    Decision.REFUND: Action.DECIDE_REFUND,
}


def appeal_terms(flow: ServiceFlow) -> AppealTerms:
    """What the rule needs to know of a flow."""
    return AppealTerms(
        open=flow.is_open,
        already_open=flow.is_frozen,
        waiting_on=Party(flow.waiting_on) if flow.waiting_on else None,
        waiting_since=flow.waiting_since,
        on_acceptance=flow.status == FlowStatus.AWAITING_ACCEPTANCE,
        seller_rejections=flow.seller_rejections,
        buyer_rejections=flow.buyer_rejections,
        appeals_close_at=flow.appeals_close_at,
        silence=flow.within or settings.SILENCE_BEFORE_APPEAL,
        appeal_after=flow.template.appeal_after,
        appeal_on_acceptance_after=flow.template.appeal_on_acceptance_after,
    )


def may_appeal(flow: ServiceFlow, party: Party, at: datetime) -> AppealVerdict:
    """Whether `party` may appeal at `at`, why or why not, and from when."""
    return appeal_verdict(appeal_terms(flow), party, at)


def file_appeal(
    flow: ServiceFlow, *, reason: str, files: Sequence[Attachable] = (), by: Actor, at: datetime | None = None
) -> Appeal:
    """Freeze the flow and hand it to operations.

    Raises:
        AppealNotAllowed: says why and, where the clock will allow it, from when.
        InvalidInput, AttachmentRefused: the reason or a file.
    """
    at = at or clock.now()
    text, checked = required_text(reason, "reason", "a reason"), check_files(files)
    with acting_on(flow, Action.APPEAL, by=by) as flow:
        verdict = may_appeal(flow, by.party, at)
        if not verdict.allowed:
            opens = verdict.allowed_from
            raise AppealNotAllowed(verdict.reason, extra={"allowed_from": opens.isoformat() if opens else None})
        entry = take(flow, step_for(flow, Action.APPEAL, by), by=by, at=at, note=text)
        store_files(entry, checked, Purpose.APPEAL)
        appeal = Appeal.objects.create(flow=flow, party=by.party, ground=verdict.reason, reason=text, filed_at=at)
        publish(AppealFiled(order_number=flow.order.number, by=str(by.party), reason=text), at=at)
    return appeal


def _open_appeal(flow: ServiceFlow) -> Appeal:
    appeal = flow.appeals.filter(status=AppealStatus.OPEN).first()
    if appeal is None:
        raise InvalidTransition("No appeal is being handled.")
    return appeal


def withdraw_appeal(flow: ServiceFlow, *, by: Actor, at: datetime | None = None) -> ServiceFlow:
    """The appellant takes it back: the flow goes on where it was frozen, and the five days begin anew.

    Raises:
        FlowFrozen: `by` is the other side.
        InvalidTransition: there is no open appeal.
    """
    at = at or clock.now()
    with acting_on(flow, Action.WITHDRAW_APPEAL, by=by) as flow:
        appeal = _open_appeal(flow)
        if appeal.party != by.party:
            raise FlowFrozen("Only the side that appealed can withdraw the appeal.")
        appeal.withdraw(at)
        appeal.save()
        take(flow, step_for(flow, Action.WITHDRAW_APPEAL, by, target=flow.frozen_from), by=by, at=at)
        publish(AppealEnded(order_number=flow.order.number, outcome="The appeal was withdrawn."), at=at)
    return flow


def decide_appeal(
    flow: ServiceFlow,
    *,
    decision: Decision,
    reason: str,
    refund: Money | None = None,
    by: Actor,
    at: datetime | None = None,
) -> ServiceFlow:
    """Operations decide; counters begin anew. `refund` None with `Decision.REFUND` gives everything back.

    Raises:
        InvalidTransition: there is no open appeal, or more is to be refunded than is held.
        InvalidInput: no reason.
    """
    at = at or clock.now()
    text = required_text(reason, "reason", "a reason")
    with acting_on(flow, DECISIONS[decision], by=by) as flow:
        appeal = _open_appeal(flow)
        appeal.decide(decision, text, at)
        appeal.decided_by_id = by.user_id
        appeal.refund = refund.amount if refund else None
        appeal.save()
        target = flow.frozen_from if decision == Decision.RESUME else ""
        take(flow, step_for(flow, DECISIONS[decision], by, target=target), by=by, at=at, note=text)
        number = flow.order.number
        if decision == Decision.ACCEPT:
            orders.delivery_done(flow.order, deliverer=DELIVERER, accepted=True, by=by, at=at)
            publish(DeliveryAccepted(order_number=number), at=at)
        elif decision == Decision.REFUND:
            orders.end_with_refund(flow.order, amount=refund, reason=text, by=by, at=at)
            publish(FlowClosed(order_number=number, reason=text), at=at)
        publish(AppealEnded(order_number=number, outcome=f"{decision.label}: {text}"), at=at)
    return flow


def close_overdue_flow(pk: int, *, at: datetime, by: Actor) -> None:
    """Timer: the flow's end has come (365 days): it closes and the buyer is refunded (RULES 1.6).

    A flow under appeal is not closed before the decision: its end moves behind it.
    """
    with transaction.atomic():
        flow = ServiceFlow.objects.select_related("order").get(pk=pk)
        orders.order_locked(flow.order_id)
        flow = ServiceFlow.objects.with_table_columns().get(pk=pk)
        if not flow.is_open or flow.closes_at > at:
            return
        if flow.is_frozen:
            flow.closes_at = clock.now() + settings.SILENCE_BEFORE_APPEAL
            flow.save(update_fields=["closes_at"])
            return
        reason = "The service flow was not completed in time."
        take(flow, step_for(flow, Action.CLOSE, by), by=by, at=at, note=reason)
        orders.end_with_refund(flow.order, amount=None, reason=reason, by=by, at=at)
        publish(FlowClosed(order_number=flow.order.number, reason=reason), at=at)


def close_with_order(flow: ServiceFlow, *, reason: str, by: Actor, at: datetime) -> None:
    """The order ends for another reason (another deliverer failed): the flow ends with it. Idempotent."""
    flow = ServiceFlow.objects.with_table_columns().get(pk=flow.pk)
    if not flow.is_open:
        return
    system = by.acting_as(Party.SYSTEM)
    step = next((one for one in flow.graph.steps if one.action == Action.CLOSE and one.source == flow.status), None)
    if step is None:
        appeal = _open_appeal(flow)
        appeal.withdraw(at)
        appeal.save()
        step = step_for(flow, Action.DECIDE_REFUND, by.acting_as(Party.OPERATIONS))
    take(flow, step, by=system, at=at, note=reason)
    publish(FlowClosed(order_number=flow.order.number, reason=reason), at=at)
