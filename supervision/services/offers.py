"""What somebody may do with a flow now, made from the graph: buttons, `allowed_actions`, deadlines."""

from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.db.models import Max

from accounts.actor import Actor, Party
from accounts.permissions import Permission, may
from koogallery.kernel import clock
from orders.choices import OrderStatus
from supervision.choices import Action, Silence
from supervision.graph import Step
from supervision.models import Appeal, FlowRecord, ServiceFlow
from supervision.rules import case_refusal, reminder_allowed_from
from supervision.services.acting import acting_on, step_for
from supervision.services.appeals import ground_of_appeal, live_appeal, may_appeal, refuse_unless_allowed
from supervision.words import reminders_text


def may_act(by: Actor) -> bool:
    """Whether the role of `by` allows acts on a flow at all (RULES 6)."""
    return by.party is not Party.BUYER or may(by.role, Permission.SUPERVISE)


def offered_steps(flow: ServiceFlow, by: Actor) -> list[Step]:
    """The steps that `by` may take now, appeals apart; none without the role for it."""
    if not may_act(by):
        return []
    return [one for one in flow.graph.steps_of(by.party, flow.status) if one.action != Action.APPEAL]


def last_reminders(flows: Iterable[ServiceFlow]) -> dict[int, datetime]:
    """When each of these flows' buyers last reminded the seller, by flow, in one query."""
    sent = FlowRecord.objects.filter(flow__in=list(flows), action=Action.REMIND).order_by()
    return dict(sent.values_list("flow").annotate(last=Max("at")))


def reminder_refusal(flow: ServiceFlow, by: Actor, at: datetime, last_sent: datetime | None) -> str | None:
    """Why `by` cannot remind the seller now, or None; `last_sent` is when he last did."""
    if by.party is not Party.BUYER or flow.waiting_on != Party.SELLER or flow.is_frozen:
        return "A reminder can be sent while it is the seller's turn."
    from_when = reminder_allowed_from(last_sent, settings.REMINDER_INTERVAL)
    return None if from_when is None or at >= from_when else reminders_text()


def last_reminder(flow: ServiceFlow) -> datetime | None:
    """When the buyer last reminded the seller, by the flow's prefetched records."""
    return max((one.at for one in flow.records.all() if one.action == Action.REMIND), default=None)


# What both sides may do while an appeal freezes their flow, in the order of the buttons.
CASE_ACTIONS = (Action.STATEMENT, Action.REVIEW, Action.WAIVE_REVIEW, Action.WITHDRAW_APPEAL)


def open_case(flow: ServiceFlow) -> Appeal | None:
    """The appeal that freezes the flow, or None. Reads prefetched rows."""
    return next((one for one in flow.appeals.all() if one.is_live), None) if flow.is_frozen else None


def case_acts(flow: ServiceFlow, by: Actor, at: datetime) -> list[tuple[Action, str | None]]:
    """The acts of the open appeal with why each is not allowed to `by` now, or None; none without an appeal."""
    case = open_case(flow)
    return [(action, case_refusal(case.terms(), action, by.party, at)) for action in CASE_ACTIONS] if case else []


def frozen_steps(flow: ServiceFlow, by: Actor) -> list[Step]:
    """What `by` could do if the flow were not frozen: buttons that are off."""
    if not flow.is_frozen:
        return []
    return [one for one in flow.graph.steps_of(by.party, flow.frozen_from) if one.action != Action.APPEAL]


def allowed_actions(flow: ServiceFlow, by: Actor, at: datetime) -> list[str]:
    """Names of the API's action endpoints that would not be refused for `by` now."""
    if not may_act(by):
        return []
    names = [str(one.action) for one in offered_steps(flow, by)]
    if reminder_refusal(flow, by, at, last_reminder(flow)) is None:
        names.append(str(Action.REMIND))
    if may_appeal(flow, by.party, at).allowed:
        names.append(str(Action.APPEAL))
    return names + [str(action) for action, why in case_acts(flow, by, at) if why is None]


def refuse_out_of_turn(flow: ServiceFlow, action: Action, *, by: Actor, at: datetime | None = None) -> None:
    """Say what speaks against `action` now, whatever comes with it: that is told before what is wrong with a text or file.

    Raises:
        FlowFrozen, InvalidTransition, AppealNotAllowed, PermissionRefused: as the verb itself.
    """
    at = at or clock.now()
    with acting_on(flow, action, by=by) as fresh:
        if action in CASE_ACTIONS:
            refuse_unless_allowed(live_appeal(fresh), action, by, at)
        elif action == Action.APPEAL:
            ground_of_appeal(fresh, by.party, at)
        elif action != Action.REMIND:  # which moves nothing and comes with nothing
            step_for(fresh, action, by)


# Every name that `deadlines` may hold, for API.md's readers and docs/flows.md.
DEADLINES = {
    "respond_by": "until when the side whose turn it is should act",
    "next_reminder_at": "when that side is reminded next, by message and e-mail",
    "appeal_opens_at": "from when the other side may appeal because of silence",
    "accepted_by_silence_at": "when the delivery counts as accepted, where the flow's template has that",
    "appeals_close_at": "from when no appeal can be filed any more",
    "closes_at": "when the service flow ends: it closes and the customer is refunded",
    "answer_due_at": "until when operations answer an appeal: three working days",
    "takes_effect_at": "when a decision on an appeal takes effect, unless a side asks for a second look before",
    "order_completes_at": "when the order of an accepted service completes",
}


def deadlines(flow: ServiceFlow) -> dict[str, datetime]:
    """When what becomes due, the same for both sides; the names are those of `DEADLINES`."""
    order = flow.order
    if not flow.is_open:
        completes_at = order.completes_at if order.status == OrderStatus.PROCESSING else None
        return {"order_completes_at": completes_at} if completes_at else {}
    case = open_case(flow)
    found = {
        "respond_by": flow.respond_by,
        "next_reminder_at": None,
        "appeal_opens_at": None,
        "answer_due_at": case.answer_due_at if case and case.is_unanswered else None,
        "takes_effect_at": case.takes_effect_at if case else None,
        "accepted_by_silence_at": None if flow.is_frozen else flow.accepts_at,
        "appeals_close_at": flow.appeals_close_at,
        "closes_at": flow.closes_at,
    }
    for one in flow.silence:
        at = one.at(flow.waiting_since)
        if one.silence == Silence.REMIND and at == flow.next_notice_at:
            found["next_reminder_at"] = at
        if one.silence == Silence.APPEAL and at < flow.appeals_close_at:
            found["appeal_opens_at"] = at
    return {name: at for name, at in found.items() if at is not None}
