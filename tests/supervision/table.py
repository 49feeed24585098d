"""Every (kind of flow, status, role, action, moment) with its outcome, as the graph and the rules say it.

`cells` generates them; `test_table.py` executes each against the real services and compares them with the guide's
sentences in `guide_table.csv`.
"""

import csv
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings

from accounts.actor import Actor, Party
from catalog.choices import FlowType
from supervision import services
from supervision.choices import ENDED, Action, Decision, FlowStatus
from supervision.graph import Graph, Step
from supervision.models import ServiceFlow
from supervision.rules import AppealTerms, appeal_verdict
from supervision.services.acting import WHILE_FROZEN
from tests.supervision.test_flow import a_file

S, A = FlowStatus, Action
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Kind:
    """A flow type with a template's parameters and a product's traits."""

    name: str
    flow_type: FlowType
    traits: dict[str, Any]
    changes: dict[str, Any]


SERVICE = {"service": True}
KINDS = [
    Kind("standard", FlowType.STANDARD, SERVICE, {}),
    Kind("standard_without_request", FlowType.STANDARD, SERVICE, {"request_form": False}),
    Kind("website", FlowType.WEBSITE, SERVICE | {"flow_type": "website"}, {}),
    Kind("website_with_drafts", FlowType.WEBSITE, SERVICE | {"flow_type": "website"}, {"drafts": True}),
    Kind("saas", FlowType.SAAS, {"saas_supervised": True}, {}),
    Kind("saas_joint_operation", FlowType.SAAS, {"saas_supervised": True, "joint_operation": True}, {}),
    Kind("license", FlowType.LICENSE, {}, {}),
    Kind("license_silent", FlowType.LICENSE, {}, {"accept_days": 14}),
    Kind("5g_naas", FlowType.NAAS_5G, SERVICE | {"flow_type": "5g_naas"}, {}),
]

PARTY = {
    "owner": Party.BUYER,
    "purchaser": Party.BUYER,
    "finance": Party.BUYER,
    "viewer": Party.BUYER,
    "other_account": Party.BUYER,
    "seller": Party.SELLER,
    "other_seller": Party.SELLER,
    "operator": Party.OPERATIONS,
    "timer": Party.SYSTEM,
}
# Each side once; the other roles differ from these by rules that know nothing of the kind of flow.
SIDES = ("owner", "seller", "operator", "timer")
WITHOUT_ROLE, FOREIGN = ("finance", "viewer"), ("other_account", "other_seller")


@dataclass(frozen=True, slots=True)
class Moment:
    """When it is tried: so long after the turn began, or before the flow's end, with so many rejections.

    `case`: what has happened in the appeal that freezes the flow: "asked", a decision, or nothing.
    """

    name: str
    after: timedelta = HOUR
    before_end: timedelta | None = None
    buyer_rejections: int = 0
    seller_rejections: int = 0
    case: str = ""

    def at(self, flow: ServiceFlow) -> datetime:
        return flow.waiting_since + self.after if self.before_end is None else flow.closes_at - self.before_end


EARLY = Moment("early")
MOMENTS = {
    A.APPEAL: [
        EARLY,
        Moment("after 5 days", after=5 * DAY),
        Moment("after more than 5 days", after=5 * DAY + timedelta(seconds=1)),
        Moment("buyer rejected twice", buyer_rejections=2),
        Moment("buyer rejected three times", buyer_rejections=3),
        Moment("seller rejected twice", seller_rejections=2),
        Moment("seller rejected three times", seller_rejections=3),
        Moment("15 days before the end", before_end=15 * DAY, buyer_rejections=3),
    ],
    A.WITHDRAW_APPEAL: [EARLY, Moment("decided", case="refund")],
    A.STATEMENT: [EARLY, Moment("asked", case="asked"), Moment("48 hours after asked", after=48 * HOUR, case="asked")],
    A.REVIEW: [EARLY, Moment("decided", case="refund"), Moment("5 days after decided", after=5 * DAY, case="refund")],
    A.WAIVE_REVIEW: [EARLY, Moment("decided", case="accept")],
    A.DECIDE_ACCEPT: [EARLY, Moment("decided", case="accept"), Moment("5 days after decided", 5 * DAY, case="accept")],
    A.DECIDE_REFUND: [EARLY, Moment("decided", case="refund"), Moment("5 days after decided", 5 * DAY, case="refund")],
    A.CLOSE: [EARLY, Moment("at the end", before_end=timedelta(0))],
    A.MESSAGE: [EARLY, Moment("after 30 days", after=30 * DAY), Moment("after 31 days", after=31 * DAY)],
    A.REMINDED: [EARLY, Moment("after 72 hours", after=72 * HOUR), Moment("after 1 day", after=DAY)],
    A.ACCEPT_BY_SILENCE: [EARLY, Moment("after 14 days", after=14 * DAY)],
}
BY_TIMER = (A.CLOSE, A.REMINDED, A.ACCEPT_BY_SILENCE)
DECISIONS = {
    A.DECIDE_RESUME: Decision.RESUME,
    A.DECIDE_REDELIVER: Decision.REDELIVER,
    A.DECIDE_ACCEPT: Decision.ACCEPT,
    A.DECIDE_REFUND: Decision.REFUND,
}
# What cannot be undone is announced; a timer brings it into effect.
ANNOUNCED = (A.DECIDE_ACCEPT, A.DECIDE_REFUND)
# What the newest record says where that is not the action itself.
RECORDED = dict.fromkeys(ANNOUNCED, A.DECIDE)
REVIEWS = (A.APPROVE, A.RETURN)
CASE_ACTS = (A.WITHDRAW_APPEAL, A.STATEMENT, A.REVIEW, A.WAIVE_REVIEW)

Verb = Callable[[ServiceFlow, Actor, datetime], object]


def _decide(decision: Decision) -> Verb:
    return lambda flow, by, at: services.decide_appeal(flow, decision=decision, reason="Heard both.", by=by, at=at)


def _announce(decision: Decision) -> Verb:
    """Operations decide; what a timer does with the decision is to bring it into effect."""

    def verb(flow: ServiceFlow, by: Actor, at: datetime) -> object:
        if by.party is not Party.SYSTEM:
            return _decide(decision)(flow, by, at)
        return [services.bring_into_effect(one.pk, at=at, by=by) for one in flow.appeals.all()]

    return verb


VERBS: dict[Action, Verb] = {
    A.SUBMIT_REQUEST: lambda flow, by, at: services.submit_request(
        flow, description="Please.", files=[a_file()], by=by, at=at
    ),
    A.CONFIRM: lambda flow, by, at: services.confirm_request(flow, by=by, at=at),
    A.REJECT_REQUEST: lambda flow, by, at: services.reject_request(flow, reason="Why?", by=by, at=at),
    A.DELIVER_DRAFT: lambda flow, by, at: services.deliver_draft(flow, note="Draft.", by=by, at=at),
    A.CONFIRM_DRAFT: lambda flow, by, at: services.answer_draft(flow, confirmed=True, by=by, at=at),
    A.REJECT_DRAFT: lambda flow, by, at: services.answer_draft(flow, confirmed=False, reason="No.", by=by, at=at),
    A.DELIVER: lambda flow, by, at: services.deliver(flow, note="Here.", by=by, at=at),
    A.APPROVE: lambda flow, by, at: services.approve_delivery(flow, by=by, at=at),
    A.RETURN: lambda flow, by, at: services.return_delivery(flow, reason="Incomplete.", by=by, at=at),
    A.ACCEPT: lambda flow, by, at: services.accept_delivery(flow, by=by, at=at),
    A.REJECT: lambda flow, by, at: services.reject_delivery(flow, reason="No.", by=by, at=at),
    A.REMIND: lambda flow, by, at: services.send_reminder(flow, by=by, at=at),
    A.MESSAGE: lambda flow, by, at: services.send_message(flow, text="Hello.", by=by, at=at),
    A.APPEAL: lambda flow, by, at: services.file_appeal(flow, reason="Unfair.", by=by, at=at),
    A.WITHDRAW_APPEAL: lambda flow, by, at: services.withdraw_appeal(flow, by=by, at=at),
    A.STATEMENT: lambda flow, by, at: services.give_statement(flow, text="It came.", by=by, at=at),
    A.REVIEW: lambda flow, by, at: services.ask_review(flow, reason="Look again.", by=by, at=at),
    A.WAIVE_REVIEW: lambda flow, by, at: services.waive_review(flow, by=by, at=at),
    **{action: (_announce if action in ANNOUNCED else _decide)(decision) for action, decision in DECISIONS.items()},
    A.CLOSE: lambda flow, by, at: services.close_overdue_flow(flow.pk, at=at, by=by),
    A.REMINDED: lambda flow, by, at: services.send_due_notice(flow.pk, at=at, by=by),
    A.ACCEPT_BY_SILENCE: lambda flow, by, at: services.accept_silent_delivery(flow.pk, at=at, by=by),
}


@dataclass(frozen=True, slots=True)
class Cell:
    """One line of the table. `outcome`: "-> status", "told" (allowed, moves nothing), a refusal's code, or "nothing"."""

    kind: str
    status: str
    role: str
    action: str
    moment: str
    outcome: str


def cells(kind: Kind, flow: ServiceFlow, roles: Collection[str]) -> Iterator[tuple[Cell, Moment]]:
    """What the graph and the rules say of every role and action at a flow; a frozen one was frozen at delivery."""
    for action in VERBS:
        for moment in MOMENTS.get(action, [EARLY]):
            for role in roles:
                if action in BY_TIMER and role != "timer":
                    continue  # no person reaches these
                outcome = _outcome(flow.graph, flow, FlowStatus(flow.status), role, PARTY[role], action, moment)
                yield Cell(kind.name, flow.status, role, action, moment.name, outcome), moment


FROZEN_FROM = S.AWAITING_DELIVERY
APPELLANT = Party.BUYER


def _outcome(
    graph: Graph, flow: ServiceFlow, status: FlowStatus, role: str, party: Party, action: Action, moment: Moment
) -> str:
    if action in BY_TIMER:
        return _by_timer(graph, status, action, moment)
    if action in ANNOUNCED and party is Party.SYSTEM:
        return _effect(graph, status, action, moment)
    if role in WITHOUT_ROLE:
        return "permission_denied"
    if action in REVIEWS and party is not Party.OPERATIONS:
        return "permission_denied"
    if role in FOREIGN:
        return "invalid_transition"
    frozen = status == S.UNDER_APPEAL
    if frozen and action not in WHILE_FROZEN:
        return "flow_frozen"
    if action == A.MESSAGE:
        heard = status not in ENDED or moment.after <= settings.FLOW_MESSAGES_AFTER_END
        return "told" if heard and party in (Party.BUYER, Party.SELLER) else "invalid_transition"
    if status in ENDED:
        return "invalid_transition"
    if action in CASE_ACTS:
        return _in_the_case(party, action, moment) if frozen else "invalid_transition"
    if action in DECISIONS:
        return _decided(graph, party, action, moment) if frozen else "invalid_transition"
    step = _step(graph, status, party, action)
    match action:
        case A.APPEAL:
            allowed = appeal_verdict(_terms(graph, flow, status, moment), party, moment.at(flow)).allowed
            return f"-> {S.UNDER_APPEAL}" if allowed else "appeal_not_allowed"
        case A.REMIND:
            theirs = graph.state(status).waits_for is Party.SELLER and party is Party.BUYER
            return "told" if theirs else "invalid_transition"
    return f"-> {step.target}" if step else "invalid_transition"


def _in_the_case(party: Party, action: Action, moment: Moment) -> str:
    """What a side may do in its appeal: answer what it was asked, look at what was decided, take its own appeal back."""
    if party not in (Party.BUYER, Party.SELLER):
        return "flow_frozen"
    if action == A.WITHDRAW_APPEAL:
        return f"-> {FROZEN_FROM}" if party is APPELLANT and not moment.case else "flow_frozen"
    in_time = moment.case and moment.after < (48 * HOUR if moment.case == "asked" else 5 * DAY)
    return "told" if in_time else "flow_frozen"


def _decided(graph: Graph, party: Party, action: Action, moment: Moment) -> str:
    if party is not Party.OPERATIONS:
        return "permission_denied"
    if moment.case:
        return "invalid_transition"
    step = _step(graph, S.UNDER_APPEAL, party, action)
    assert step is not None
    return "told" if action in ANNOUNCED else f"-> {step.target}"


def _effect(graph: Graph, status: FlowStatus, action: Action, moment: Moment) -> str:
    step = _step(graph, status, Party.OPERATIONS, action)
    return f"-> {step.target}" if step and moment.case and moment.after >= 5 * DAY else "nothing"


def _step(graph: Graph, status: FlowStatus, party: Party, action: Action) -> Step | None:
    thaw = action in (A.WITHDRAW_APPEAL, A.DECIDE_RESUME)
    return next(
        (
            one
            for one in graph.steps
            if (one.action, one.source, one.party) == (action, status, party)
            and (not thaw or one.target == FROZEN_FROM)
        ),
        None,
    )


def _by_timer(graph: Graph, status: FlowStatus, action: Action, moment: Moment) -> str:
    silence = graph.silence(status)
    if action == A.REMINDED:
        due = any(one.silence == "remind" and one.after == moment.after for one in silence)
        return "told" if due else "nothing"
    if action == A.ACCEPT_BY_SILENCE:
        due = any(one.silence == "accept" and one.after == moment.after for one in silence)
    else:
        due = moment.before_end == timedelta(0)
    step = _step(graph, status, Party.SYSTEM, action)
    return f"-> {step.target}" if step and due else "nothing"


def _terms(graph: Graph, flow: ServiceFlow, status: FlowStatus, moment: Moment) -> AppealTerms:
    return AppealTerms(
        open=status not in ENDED,
        already_open=status == S.UNDER_APPEAL,
        waiting_on=graph.state(status).waits_for,
        opens_at=flow.respond_by + timedelta(seconds=1) if flow.respond_by else None,
        on_acceptance=status == S.AWAITING_ACCEPTANCE,
        seller_rejections=moment.seller_rejections,
        buyer_rejections=moment.buyer_rejections,
        appeals_close_at=flow.appeals_close_at,
        ban=15 * DAY,
        silence=5 * DAY,
        appeal_after=graph.parameters.appeal_after,
        appeal_on_acceptance_after=graph.parameters.appeal_on_acceptance_after,
    )


@dataclass(frozen=True, slots=True)
class Sentence:
    """One row of guide_table.csv: what it speaks of (`*`: of all; `a|b`: of these; `!a|b`: of all but these)."""

    source: str
    sentence: str
    kind: str
    status: str
    role: str
    action: str
    moment: str
    outcome: str

    def is_about(self, kind: str) -> bool:
        """Whether it names this kind, and so must speak of some of its cells."""
        return self.kind == kind or (self.kind[0] not in "!*" and kind in self.kind.split("|"))

    def speaks_of(self, cell: Cell) -> bool:
        names = ("kind", "status", "role", "action", "moment")
        return all(_matches(getattr(self, name), getattr(cell, name)) for name in names)


def _matches(pattern: str, value: str) -> bool:
    if pattern == "*":
        return True
    if pattern.startswith("!"):
        return value not in pattern[1:].split("|")
    return value in pattern.split("|")


def sentences() -> list[Sentence]:
    """The hand-written table."""
    with (Path(__file__).parent / "guide_table.csv").open(newline="") as file:
        return [Sentence(**row) for row in csv.DictReader(file)]
