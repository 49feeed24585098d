"""A flow as data (RULES 1.2): states, steps, who may take them, what they need, what comes next, what silence brings.

One declared graph for each flow type and its template's parameters. The FSM's guard, counters and deadlines, the
buttons of all sides, the API's `allowed_actions`, the timers, the filters, the product page's list of steps and
docs/flows.md are made from it, so none can disagree with another. How states read is in `words.py`.
"""

from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

from django.conf import settings

from accounts.actor import Party
from catalog.choices import FlowType
from supervision.choices import OPEN, Action, AttachmentRule, Effect, FlowStatus, Guard, Silence
from supervision.rules import Consequence
from supervision.words import State, state

S, A = FlowStatus, Action
FORWARD = {A.SUBMIT_REQUEST, A.CONFIRM, A.DELIVER_DRAFT, A.CONFIRM_DRAFT, A.DELIVER, A.APPROVE, A.ACCEPT}
SELLERS_TURN = (S.AWAITING_CONFIRMATION, S.AWAITING_DRAFT, S.AWAITING_DELIVERY)
BUYER_REMINDED = (S.AWAITING_DRAFT_CONFIRMATION, S.AWAITING_ACCEPTANCE)


@dataclass(frozen=True, slots=True)
class Step:
    """One move: `party` takes `action` from `source` to `target`.

    Attributes:
        button: how the party's button reads; empty where operations or a timer act.
        text: the name of the text that it needs ("reason", "description", "note"), or empty.
        attachments: whether files may or must come with it.
        not_empty: text or files must be given, though neither alone is mandatory.
        effects: what it does besides moving the flow.
        guard: what must hold besides the turn, or None.
        within: the deadline of the state it leads to, where it differs from that state's own.
    """

    action: Action
    source: FlowStatus
    target: FlowStatus
    party: Party
    button: str = ""
    text: str = ""
    attachments: AttachmentRule = AttachmentRule.NONE
    not_empty: bool = False
    effects: tuple[Effect, ...] = ()
    guard: Guard | None = None
    within: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a template decides; the defaults are RULES' own numbers.

    Attributes:
        appeal_after: rejections by either side that open the appeal; `appeal_on_acceptance_after`: on the acceptance
            page, to the buyer.
        confirm_within, deliver_within: how long the seller has; then the buyer may appeal.
        answer_within: how long the buyer has; then the seller may appeal.
        statement_within: how long a side has for a statement in an appeal.
        redeliver_within: the new deadline when an appeal sends the flow back to delivery.
        seller_reminders, buyer_reminders: after so much silence.
        accept_after: after so much silence a delivery counts as accepted; None: never (the guide's rule).
    """

    flow_type: FlowType
    request_form: bool = True
    request_attachment: AttachmentRule = AttachmentRule.OPTIONAL
    drafts: bool = False
    platform_review: bool = False
    appeal_after: int = 3
    appeal_on_acceptance_after: int = 3
    confirm_within: timedelta = timedelta(hours=120)
    deliver_within: timedelta = timedelta(hours=120)
    answer_within: timedelta = timedelta(hours=120)
    statement_within: timedelta = timedelta(hours=48)
    redeliver_within: timedelta = timedelta(hours=120)
    seller_reminders: tuple[timedelta, ...] = (timedelta(hours=72), timedelta(hours=96))
    buyer_reminders: tuple[timedelta, ...] = tuple(timedelta(days=days) for days in (1, 3, 5, 10))
    accept_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Graph:
    """All states and steps of one kind of flow."""

    parameters: Parameters
    initial: FlowStatus
    steps: tuple[Step, ...]

    def step(self, action: Action, source: str) -> Step | None:
        """The step that `action` is from `source`, or None when the graph has none."""
        return next((one for one in self.steps if one.action == action and one.source == source), None)

    def steps_of(self, party: Party, source: str) -> list[Step]:
        """What `party` may do at `source`, in the order of the buttons."""
        return [one for one in self.steps if one.source == source and one.party == party and one.button]

    def state(self, status: str) -> State:
        """How a status reads in this kind of flow."""
        return state(status, self.parameters.flow_type)

    @property
    def has_request(self) -> bool:
        """Whether the buyer submits a request first."""
        return self.initial == S.AWAITING_REQUEST

    def statuses(self) -> list[FlowStatus]:
        """Every status that such a flow can have, in the order of the enum."""
        found = {self.initial, *(one.source for one in self.steps), *(one.target for one in self.steps)}
        return [one for one in FlowStatus if one in found]

    def path(self) -> list[FlowStatus]:
        """The way to completion when nothing is rejected: the flow diagram."""
        way, status = [self.initial], self.initial
        while status != S.COMPLETED:
            status = next(one.target for one in self.steps if one.source == status and one.action in FORWARD)
            way.append(status)
        return way

    def within(self, status: str) -> timedelta | None:
        """How long the side whose turn it is has in `status`; None for operations, while frozen and at the end."""
        parameters = self.parameters
        match FlowStatus(status):
            case S.AWAITING_CONFIRMATION:
                return parameters.confirm_within
            case S.AWAITING_DRAFT | S.AWAITING_DELIVERY:
                return parameters.deliver_within
            case S.AWAITING_REQUEST | S.AWAITING_DRAFT_CONFIRMATION | S.AWAITING_ACCEPTANCE:
                return parameters.answer_within
        return None

    def silence(self, status: str, within: timedelta | None = None) -> tuple[Consequence, ...]:
        """What silence brings in `status`, in the order of time; `within` replaces the state's own deadline.

        The end of the whole flow, which closes it from every state, counts from the payment and not from the turn, so
        it is not among them.
        """
        party, parameters = self.state(status).waits_for, self.parameters
        deadline = within or self.within(status)
        if deadline is None or party is None:
            return ()
        found = [Consequence(deadline, Silence.APPEAL, Party.BUYER if party is Party.SELLER else Party.SELLER)]
        if status in SELLERS_TURN:
            # A reminder after the deadline would warn of what has come already.
            found += [Consequence(one, Silence.REMIND, party) for one in parameters.seller_reminders if one < deadline]
        if status in BUYER_REMINDED:
            found += [Consequence(one, Silence.REMIND, party) for one in parameters.buyer_reminders]
        if status == S.AWAITING_ACCEPTANCE and parameters.accept_after is not None:
            found.append(Consequence(parameters.accept_after, Silence.ACCEPT, party))
        return tuple(sorted(found))


def _request_steps(parameters: Parameters, confirmed: FlowStatus) -> list[Step]:
    return [
        Step(A.SUBMIT_REQUEST, S.AWAITING_REQUEST, S.AWAITING_CONFIRMATION, Party.BUYER, "Submit Request",
             "description", parameters.request_attachment),
        Step(A.CONFIRM, S.AWAITING_CONFIRMATION, confirmed, Party.SELLER, "Confirm request"),
        Step(A.REJECT_REQUEST, S.AWAITING_CONFIRMATION, S.AWAITING_REQUEST, Party.SELLER, "Reject request", "reason",
             effects=(Effect.COUNT_SELLER_REJECTION,)),
    ]  # fmt: skip


def _draft_steps() -> list[Step]:
    optional = AttachmentRule.OPTIONAL
    return [
        Step(A.DELIVER_DRAFT, S.AWAITING_DRAFT, S.AWAITING_DRAFT_CONFIRMATION, Party.SELLER, "Deliver draft", "note",
             optional, not_empty=True),
        Step(A.CONFIRM_DRAFT, S.AWAITING_DRAFT_CONFIRMATION, S.AWAITING_DELIVERY, Party.BUYER, "Confirm draft"),
        Step(A.REJECT_DRAFT, S.AWAITING_DRAFT_CONFIRMATION, S.AWAITING_DRAFT, Party.BUYER, "Reject draft", "reason"),
    ]  # fmt: skip


def _delivery_steps(parameters: Parameters) -> list[Step]:
    optional = AttachmentRule.OPTIONAL
    delivered = S.PLATFORM_REVIEW if parameters.platform_review else S.AWAITING_ACCEPTANCE
    steps = [
        Step(A.DELIVER, S.AWAITING_DELIVERY, delivered, Party.SELLER, "Deliver service", "note", optional,
             not_empty=True, effects=(Effect.NEW_ROUND,)),
    ]  # fmt: skip
    if parameters.platform_review:
        steps += [
            Step(A.APPROVE, S.PLATFORM_REVIEW, S.AWAITING_ACCEPTANCE, Party.OPERATIONS, "Approve"),
            Step(A.RETURN, S.PLATFORM_REVIEW, S.AWAITING_DELIVERY, Party.OPERATIONS, "Return", "reason"),
        ]
    steps += [
        Step(A.ACCEPT, S.AWAITING_ACCEPTANCE, S.COMPLETED, Party.BUYER, "Accept service",
             effects=(Effect.START_TERM,)),
        Step(A.REJECT, S.AWAITING_ACCEPTANCE, S.AWAITING_DELIVERY, Party.BUYER, "Reject service", "reason", optional,
             effects=(Effect.COUNT_BUYER_REJECTION,)),
    ]  # fmt: skip
    if parameters.accept_after is not None:
        steps.append(
            Step(A.ACCEPT_BY_SILENCE, S.AWAITING_ACCEPTANCE, S.COMPLETED, Party.SYSTEM,
                 effects=(Effect.START_TERM,), guard=Guard.SILENT)
        )  # fmt: skip
    return steps


def _appeal_steps(sources: set[FlowStatus], parameters: Parameters) -> list[Step]:
    """From every open state either side may freeze the flow; operations decide. Who may when is in `rules.py`."""
    optional, under, anew = AttachmentRule.OPTIONAL, S.UNDER_APPEAL, (Effect.RESET_COUNTERS,)
    steps = [
        Step(A.APPEAL, source, under, party, "Appeal", "reason", optional, effects=(Effect.FREEZE,),
             guard=Guard.APPEAL_RULE)
        for source in OPEN
        if source in sources
        for party in (Party.BUYER, Party.SELLER)
    ]  # fmt: skip
    for source in sorted(sources):
        steps += [
            Step(A.WITHDRAW_APPEAL, under, source, party, guard=Guard.APPELLANT)
            for party in (Party.BUYER, Party.SELLER)
        ]  # the target is where it was frozen: see ServiceFlow.allows
        steps.append(Step(A.DECIDE_RESUME, under, source, Party.OPERATIONS, text="reason", effects=anew))
    return [
        *steps,
        Step(A.DECIDE_REDELIVER, under, S.AWAITING_DELIVERY, Party.OPERATIONS, text="reason", effects=anew,
             within=parameters.redeliver_within),
        Step(A.DECIDE_ACCEPT, under, S.COMPLETED, Party.OPERATIONS, text="reason",
             effects=(*anew, Effect.START_TERM)),
        Step(A.DECIDE_REFUND, under, S.CLOSED, Party.OPERATIONS, text="reason", effects=(*anew, Effect.REFUND)),
    ]  # fmt: skip


@lru_cache(maxsize=256)
def graph_for(parameters: Parameters) -> Graph:
    """The graph of a flow type with a template's parameters.

    Without a request form it begins at delivery; a licence never has one (guide 4.1: "You do not need to submit
    additional requests for the license").
    """
    asked = parameters.request_form and parameters.flow_type != FlowType.LICENSE
    drafts = parameters.drafts and asked
    confirmed = S.AWAITING_DRAFT if drafts else S.AWAITING_DELIVERY
    steps: list[Step] = []
    initial = S.AWAITING_DELIVERY
    if asked:
        initial = S.AWAITING_REQUEST
        steps += _request_steps(parameters, confirmed)
        steps += _draft_steps() if drafts else []
    steps += _delivery_steps(parameters)
    sources = {one.source for one in steps}
    steps += _appeal_steps(sources, parameters)
    steps += [
        Step(A.CLOSE, source, S.CLOSED, Party.SYSTEM, effects=(Effect.REFUND,), guard=Guard.FLOW_ENDED)
        for source in sorted(sources)
    ]
    return Graph(parameters, initial, tuple(steps))


def flow_lifetime() -> timedelta:
    """After payment; then silence of whomever closes the flow and refunds the buyer (RULES 1.6)."""
    lifetime: timedelta = settings.FLOW_LIFETIME
    return lifetime
