"""What somebody may do with a flow now, made from the graph: buttons, `allowed_actions`, deadlines."""

from datetime import datetime

from django.conf import settings

from accounts.actor import Actor, Party
from accounts.permissions import Permission, may
from supervision.choices import Action, AppealStatus
from supervision.graph import Step
from supervision.models import ServiceFlow
from supervision.rules import reminder_allowed_from
from supervision.services.appeals import may_appeal


def offered_steps(flow: ServiceFlow, by: Actor) -> list[Step]:
    """The steps that `by` may take now, appeals apart; none without the role for it (RULES 6)."""
    if by.party is Party.BUYER and not may(by.role, Permission.SUPERVISE):
        return []
    return [one for one in flow.graph.steps_of(by.party, flow.status) if one.action != Action.APPEAL]


def reminder_refusal(flow: ServiceFlow, by: Actor, at: datetime) -> str | None:
    """Why `by` cannot remind the seller now, or None. Reads the flow's prefetched records."""
    if by.party is not Party.BUYER or flow.waiting_on != Party.SELLER or flow.is_frozen:
        return "A reminder can be sent while it is the seller's turn."
    sent = [one.at for one in flow.records.all() if one.action == Action.REMIND]
    from_when = reminder_allowed_from(max(sent), settings.REMINDER_INTERVAL) if sent else None
    return None if from_when is None or at >= from_when else "One reminder can be sent in 24 hours."


def allowed_actions(flow: ServiceFlow, by: Actor, at: datetime) -> list[str]:
    """Names of the API's action endpoints that would not be refused for `by` now."""
    if by.party is Party.BUYER and not may(by.role, Permission.SUPERVISE):
        return []
    names = [str(one.action) for one in offered_steps(flow, by)]
    if reminder_refusal(flow, by, at) is None:
        names.append(str(Action.REMIND))
    if may_appeal(flow, by.party, at).allowed:
        names.append(str(Action.APPEAL))
    if flow.is_frozen and any(one.status == AppealStatus.OPEN and one.party == by.party for one in flow.appeals.all()):
        names.append(str(Action.WITHDRAW_APPEAL))
    return names


def deadlines(flow: ServiceFlow) -> dict[str, datetime]:
    """When what becomes due: the right to appeal for the waiting side, the end of appeals, the end of the flow."""
    if not flow.is_open:
        return {}
    found = {"appeals_close_at": flow.appeals_close_at, "closes_at": flow.closes_at}
    if flow.waiting_on in (Party.BUYER, Party.SELLER):
        found["appeal_opens_at"] = flow.waiting_since + settings.SILENCE_BEFORE_APPEAL
    return found
