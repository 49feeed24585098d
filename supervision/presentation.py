"""A flow as both portals show it: diagram, whose turn, records, files, rejections, appeal."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from accounts.actor import Actor, Party
from koogallery.kernel.web.badges import Tone
from koogallery.kernel.web.parts import Record, Step, Text
from supervision import services
from supervision.acts import Act, offered
from supervision.cases import CaseView, case_of
from supervision.choices import Action, FlowStatus, Silence
from supervision.evidence import Evidence, evidence_of, files_of
from supervision.models import FlowRecord, ServiceFlow
from supervision.rules import AppealVerdict
from supervision.words import appeal_opens, span, state

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
    Action.REVEAL_PASSWORD: ("neutral", "eye"),
    Action.APPEAL: ("bad", "gavel"),
    Action.WITHDRAW_APPEAL: ("neutral", "arrow-back-up"),
    Action.ASK_STATEMENT: ("info", "gavel"),
    Action.STATEMENT: ("info", "file-text"),
    Action.STATEMENT_SILENCE: ("neutral", "clock"),
    Action.PROPOSE_DECISION: ("neutral", "gavel"),
    Action.DECIDE: ("wait", "gavel"),
    Action.REVIEW: ("bad", "gavel"),
    Action.DECIDE_RESUME: ("info", "gavel"),
    Action.DECIDE_REDELIVER: ("info", "gavel"),
    Action.DECIDE_ACCEPT: ("ok", "gavel"),
    Action.DECIDE_REFUND: ("bad", "gavel"),
    Action.CLOSE: ("neutral", "ban"),
    Action.REMINDED: ("neutral", "bell"),
    Action.ACCEPT_BY_SILENCE: ("ok", "check"),
}

DECIDED = (Action.DECIDE_RESUME, Action.DECIDE_REDELIVER)
ROUND_OF: dict[str, Text] = {
    Action.DELIVER: _("round"),
    Action.REJECT: _("rejection"),
    Action.REJECT_REQUEST: _("rejection"),
}


@dataclass(frozen=True, slots=True)
class Upcoming:
    """Something that happens by itself: its words, and its moment when there is one."""

    text: Text
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Counter:
    """A rejection counter: its words and a bar for each rejection that opens the appeal."""

    text: Text
    pips: list[bool]


@dataclass(frozen=True)
class FlowView:
    """What a details page prints of a flow for one side; the evidence is put together when a page asks for it."""

    flow: ServiceFlow
    party: Party
    steps: list[Step]
    position: int
    records: list[Record]
    acts: list[Act]
    dialogs: list[tuple[Act, Text]]
    verdict: AppealVerdict
    reminder_refusal: str | None
    my_turn: bool
    turn: Text
    headline: Text
    told: str
    respond_by: datetime | None
    upcoming: list[Upcoming]
    counters: list[Counter]
    message_refusal: str | None
    case: CaseView | None

    @cached_property
    def evidence(self) -> Evidence:
        return evidence_of(self.flow, self.party)

    @property
    def appeals_close_before(self) -> str:
        """How long before the flow's end appeals close, in words."""
        return span(settings.APPEAL_BAN_BEFORE_CLOSE)

    @property
    def may_remind(self) -> bool:
        return any(act.action == Action.REMIND for act in self.acts)


def present(flow: ServiceFlow, by: Actor, at: datetime) -> FlowView:
    """Everything a page prints; `flow` was read by `evidence.with_evidence`."""
    records = list(flow.records.all())
    names: dict[Party, Text] = {Party.BUYER: flow.account.name, Party.SELLER: flow.seller.name}
    names[by.party] = _("You")
    ordinals = _ordinals(records)
    # Messages have a place of their own; exports have them among the records.
    shown = [entry for entry in records if entry.action != Action.MESSAGE]
    entries = [_record(flow, entry, ordinals.get(entry.pk, ""), by.party) for entry in shown]
    steps = _steps(flow, records, names)
    allowed = services.allowed_actions(flow, by, at)
    waits = Party(flow.waiting_on) if flow.waiting_on else None
    turn = names.get(waits, _("Operations")) if waits else ""
    told = flow.state.told(by.party)
    acts = offered(flow, allowed, by.party)
    return FlowView(
        flow=flow,
        party=by.party,
        steps=steps,
        position=next((number for number, step in enumerate(steps, 1) if step.state in ("now", "frozen")), len(steps)),
        records=entries,
        acts=acts,
        dialogs=[(act, act.title_of(flow.order.product)) for act in acts if not act.text],
        verdict=services.may_appeal(flow, by.party, at),
        reminder_refusal=services.reminder_refusal(flow, by, at, services.last_reminder(flow)),
        my_turn=waits is by.party,
        turn=turn,
        headline=told.removesuffix(".") if waits is by.party else _("Waiting for %(who)s") % {"who": turn},
        told="" if waits is by.party else told,
        respond_by=flow.respond_by,
        upcoming=_upcoming(flow, by.party),
        counters=_counters(flow),
        message_refusal=services.message_refusal(flow, at),
        case=case_of(flow, by, at, names),
    )


def _ordinals(records: list[FlowRecord]) -> dict[int, str]:
    """The how manieth delivery or rejection a record is; deliveries count on, rejections anew after a decision."""
    counted: dict[str, int] = {}
    found = {}
    for entry in reversed(records):
        if entry.action in ROUND_OF:
            counted[entry.action] = counted.get(entry.action, 0) + 1
            found[entry.pk] = f" ({ROUND_OF[entry.action]} {counted[entry.action]})"
        elif entry.action in DECIDED:
            counted = {Action.DELIVER: counted.get(Action.DELIVER, 0)}
    return found


def _upcoming(flow: ServiceFlow, viewer: Party) -> list[Upcoming]:
    """What silence brings from here, with the moments that are known."""
    due = services.deadlines(flow)
    found = []
    if "next_reminder_at" in due:
        who = _("You are") if flow.waiting_on == viewer else f"{Party(str(flow.waiting_on)).label} {_('is')}"
        found.append(Upcoming(f"{who} {_('reminded on')}", due["next_reminder_at"]))
    appeal = next((one for one in flow.silence if one.silence == Silence.APPEAL), None)
    if appeal and "appeal_opens_at" in due:
        found.append(Upcoming(appeal_opens(appeal, viewer), due["appeal_opens_at"]))
    if "accepted_by_silence_at" in due:
        found.append(Upcoming(_("Without an answer the delivery counts as accepted on"), due["accepted_by_silence_at"]))
    elif flow.status == FlowStatus.AWAITING_ACCEPTANCE:
        found.append(Upcoming(_("Nothing is accepted by silence.")))
    return found


def _counters(flow: ServiceFlow) -> list[Counter]:
    """How often each side has rejected since the last decision, of how many times that open an appeal."""
    most = flow.template.appeal_after
    rejected = [(_("Delivery"), flow.buyer_rejections)]
    if flow.graph.has_request:
        rejected.append((_("Request"), flow.seller_rejections))
    return [
        Counter(
            (_("%(what)s rejected %(n)d of %(of)d times") if count <= most else _("%(what)s rejected %(n)d times"))
            % {"what": what, "n": count, "of": most},
            [number < count for number in range(most)],
        )
        for what, count in rejected
    ]


def _record(flow: ServiceFlow, entry: FlowRecord, ordinal: str, party: Party) -> Record:
    tone, icon = LOOKS.get(entry.action, ("neutral", "circle-dot"))
    own = entry.party == party
    moved = entry.from_status != entry.to_status
    return Record(
        title=f"{Action(entry.action).label}{ordinal}",
        who=f"{_('You')}, {entry.by}" if own else entry.author_for(party),
        at=entry.at,
        text=entry.note,
        quote=bool(entry.note),
        tone=tone,
        icon=icon,
        files=files_of(flow, entry, party),
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
    after = span(settings.ORDER_COMPLETES_AFTER_ACCEPTANCE)
    completes = _("%(after)s after acceptance the order completes") % {"after": after}
    steps = []
    for number, status in enumerate(path):
        owner = state(status, flow.flow_type).waits_for
        who = names.get(owner, _("Operations")) if owner else completes
        note = ""
        if status == FlowStatus.AWAITING_DELIVERY and flow.rounds > 1:
            note = _("Round %(n)d") % {"n": flow.rounds}
        if flow.status == FlowStatus.CLOSED:
            steps.append(
                Step(
                    state(status, flow.flow_type).title,
                    "failed" if status == path[-1] else "done",
                    who,
                    left.get(status),
                    note,
                )
            )
        elif number < index or flow.status == FlowStatus.COMPLETED:
            steps.append(
                Step(state(status, flow.flow_type).title, "done", who, left.get(status) or reached.get(status), note)
            )
        elif number == index:
            steps.append(
                Step(
                    state(status, flow.flow_type).title,
                    "frozen" if flow.is_frozen else "now",
                    who,
                    flow.waiting_since,
                    note,
                )
            )
        else:
            steps.append(Step(state(status, flow.flow_type).title, "todo", who))
    return steps
