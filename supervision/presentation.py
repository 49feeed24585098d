"""A flow as both portals show it: diagram, whose turn, records, files, rejections, appeal."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from accounts.actor import Actor, Party
from koogallery.kernel.web.badges import Tone
from koogallery.kernel.web.parts import Record, Step, Text
from supervision import services
from supervision.acts import Act, offered
from supervision.choices import Action, FlowStatus
from supervision.evidence import Evidence, evidence_of, stored_file
from supervision.graph import state
from supervision.models import FlowRecord, ServiceFlow
from supervision.rules import AppealVerdict

LOOKS: dict[str, tuple[Tone, str]] = {
    Action.OPEN: ("neutral", "receipt"),
    Action.SUBMIT_REQUEST: ("info", "upload"),
    Action.CONFIRM: ("wait", "circle-check"),
    Action.REJECT_REQUEST: ("bad", "x"),
    Action.DELIVER: ("ok", "send"),
    Action.DELIVER_DRAFT: ("info", "send"),
    Action.APPROVE: ("info", "shield-check"),
    Action.RETURN: ("bad", "arrow-back-up"),
    Action.ACCEPT: ("ok", "check"),
    Action.REJECT: ("bad", "x"),
    Action.REMIND: ("neutral", "bell"),
    Action.REVEAL_KEY: ("neutral", "eye"),
    Action.APPEAL: ("bad", "gavel"),
    Action.CLOSE: ("neutral", "ban"),
}

TITLES = {
    FlowStatus.AWAITING_REQUEST: _("Submit request"),
    FlowStatus.AWAITING_CONFIRMATION: _("Seller confirms request"),
    FlowStatus.AWAITING_DRAFT: _("Seller delivers draft"),
    FlowStatus.AWAITING_DRAFT_CONFIRMATION: _("Confirm draft"),
    FlowStatus.AWAITING_DELIVERY: _("Seller delivers service"),
    FlowStatus.PLATFORM_REVIEW: _("Platform reviews service"),
    FlowStatus.AWAITING_ACCEPTANCE: _("Confirm acceptance"),
    FlowStatus.COMPLETED: _("Service completed"),
}


@dataclass(frozen=True, slots=True)
class FlowView:
    """What a details page prints of a flow for one side."""

    flow: ServiceFlow
    steps: list[Step]
    position: int
    records: list[Record]
    acts: list[Act]
    verdict: AppealVerdict
    reminder_refusal: str | None
    my_turn: bool
    turn: Text
    pips: list[bool]
    deadline: datetime | None
    evidence: Evidence
    message_refusal: str | None

    @property
    def may_remind(self) -> bool:
        return any(act.action == Action.REMIND for act in self.acts)


def present(flow: ServiceFlow, by: Actor, at: datetime) -> FlowView:
    """Everything a page prints; `flow` was read by `evidence.with_evidence`."""
    records = list(flow.records.all())
    names: dict[Party, Text] = {Party.BUYER: flow.account.name, Party.SELLER: flow.seller.name}
    names[by.party] = _("You")
    # Messages have a place of their own; exports have them among the records.
    entries = [_record(flow, entry, names, by.party) for entry in records if entry.action != Action.MESSAGE]
    steps = _steps(flow, records, names)
    allowed = services.allowed_actions(flow, by, at)
    waits = Party(flow.waiting_on) if flow.waiting_on else None
    return FlowView(
        flow=flow,
        steps=steps,
        position=next((number for number, step in enumerate(steps, 1) if step.state in ("now", "frozen")), len(steps)),
        records=entries,
        acts=offered(flow, allowed, by.party),
        verdict=services.may_appeal(flow, by.party, at),
        reminder_refusal=services.reminder_refusal(flow, by, at),
        my_turn=waits is by.party,
        turn=names.get(waits, _("Operations")) if waits else "",
        pips=[number < flow.buyer_rejections for number in range(flow.template.appeal_after)],
        deadline=services.deadlines(flow).get("appeal_opens_at"),
        evidence=evidence_of(flow, by.party),
        message_refusal=services.message_refusal(flow, at),
    )


def _record(flow: ServiceFlow, entry: FlowRecord, names: dict[Party, Text], party: Party) -> Record:
    tone, icon = LOOKS.get(entry.action, ("neutral", "circle-dot"))
    own = entry.party == party
    moved = entry.from_status != entry.to_status
    return Record(
        title=Action(entry.action).label,
        who=f"{_('You')}, {entry.by}" if own else entry.by,
        at=entry.at,
        text=entry.note,
        quote=bool(entry.note),
        tone=tone,
        icon=icon,
        files=[stored_file(flow, one, party) for one in entry.attachments.all()],
        anchor=f"record-{entry.pk}",
        points_title=_("Acceptance criteria not met:") if entry.failed_criteria else "",
        points=entry.failed_criteria,
        from_label=state(entry.from_status, flow.flow_type).table_label if entry.from_status and moved else "",
        to_label=state(entry.to_status, flow.flow_type).table_label if moved else "",
    )


def _steps(flow: ServiceFlow, records: list[FlowRecord], names: dict[Party, Text]) -> list[Step]:
    """The way to completion, with where the flow is; a loop shows its round."""
    path = flow.graph.path()
    here = flow.frozen_from or flow.status
    reached = {entry.to_status: entry.at for entry in reversed(records)}
    left = {entry.from_status: entry.at for entry in reversed(records)}
    index = path.index(FlowStatus(here)) if here in path else len(path) - 1
    steps = []
    for number, status in enumerate(path):
        owner = state(status, flow.flow_type).waits_for
        who = names.get(owner, _("Operations")) if owner else _("3 hours after acceptance the order completes")
        note = ""
        if status == FlowStatus.AWAITING_DELIVERY and flow.rounds > 1:
            note = _("Round %(n)d") % {"n": flow.rounds}
        if flow.status == FlowStatus.CLOSED:
            steps.append(Step(TITLES[status], "failed" if status == path[-1] else "done", who, left.get(status), note))
        elif number < index or flow.status == FlowStatus.COMPLETED:
            steps.append(Step(TITLES[status], "done", who, left.get(status) or reached.get(status), note))
        elif number == index:
            steps.append(Step(TITLES[status], "frozen" if flow.is_frozen else "now", who, flow.waiting_since, note))
        else:
            steps.append(Step(TITLES[status], "todo", who))
    return steps
