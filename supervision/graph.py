"""A flow as data (RULES 1.2): states, steps, who may take them, what they need, what comes next.

One declared graph for each flow type and its template's parameters. The FSM's guard, the buttons of all sides, the
API's `allowed_actions`, the filters and the tables are made from it, so none can disagree with another.
"""

from dataclasses import dataclass
from functools import lru_cache

from django.conf import settings

from accounts.actor import Party
from catalog.choices import FlowType
from koogallery.kernel.web.badges import Tone
from supervision.choices import OPEN, Action, AttachmentRule, FlowStatus

S, A = FlowStatus, Action


@dataclass(frozen=True, slots=True)
class State:
    """How a status reads and whose turn it is.

    Attributes:
        filter_label: the guide's long text, in the Service Status filter.
        table_label: the guide's short text, in tables and on the details page.
        waits_for: whose turn it is; None at the end.
        silence: what it brings if that party does nothing, in words for both sides.
    """

    status: FlowStatus
    filter_label: str
    table_label: str
    waits_for: Party | None
    tone: Tone
    icon: str
    silence: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One move: `party` takes `action` from `source` to `target`.

    Attributes:
        attachments: whether files may or must come with it.
        text: the name of the text that it needs ("reason", "description"), or empty.
        button: how the party's button reads.
    """

    action: Action
    source: FlowStatus
    target: FlowStatus
    party: Party
    button: str = ""
    text: str = ""
    attachments: AttachmentRule = AttachmentRule.NONE


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a template decides."""

    flow_type: FlowType
    request_attachment: AttachmentRule = AttachmentRule.OPTIONAL
    drafts: bool = False
    platform_review: bool = False


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

    def path(self) -> list[FlowStatus]:
        """The way to completion when nothing is rejected: the flow diagram."""
        forward = {A.SUBMIT_REQUEST, A.CONFIRM, A.DELIVER_DRAFT, A.CONFIRM_DRAFT, A.DELIVER, A.APPROVE, A.ACCEPT}
        way, status = [self.initial], self.initial
        while status != S.COMPLETED:
            status = next(one.target for one in self.steps if one.source == status and one.action in forward)
            way.append(status)
        return way


def _request_steps(parameters: Parameters, confirmed: FlowStatus) -> list[Step]:
    return [
        Step(A.SUBMIT_REQUEST, S.AWAITING_REQUEST, S.AWAITING_CONFIRMATION, Party.BUYER, "Submit Request",
             "description", parameters.request_attachment),
        Step(A.CONFIRM, S.AWAITING_CONFIRMATION, confirmed, Party.SELLER, "Confirm request"),
        Step(A.REJECT_REQUEST, S.AWAITING_CONFIRMATION, S.AWAITING_REQUEST, Party.SELLER, "Reject request", "reason"),
    ]  # fmt: skip


def _draft_steps() -> list[Step]:
    optional = AttachmentRule.OPTIONAL
    return [
        Step(A.DELIVER_DRAFT, S.AWAITING_DRAFT, S.AWAITING_DRAFT_CONFIRMATION, Party.SELLER, "Deliver draft",
             attachments=optional),
        Step(A.CONFIRM_DRAFT, S.AWAITING_DRAFT_CONFIRMATION, S.AWAITING_DELIVERY, Party.BUYER, "Confirm draft"),
        Step(A.REJECT_DRAFT, S.AWAITING_DRAFT_CONFIRMATION, S.AWAITING_DRAFT, Party.BUYER, "Reject draft", "reason"),
    ]  # fmt: skip


def _delivery_steps(parameters: Parameters) -> list[Step]:
    optional = AttachmentRule.OPTIONAL
    delivered = S.PLATFORM_REVIEW if parameters.platform_review else S.AWAITING_ACCEPTANCE
    steps = [Step(A.DELIVER, S.AWAITING_DELIVERY, delivered, Party.SELLER, "Deliver service", attachments=optional)]
    if parameters.platform_review:
        steps += [
            Step(A.APPROVE, S.PLATFORM_REVIEW, S.AWAITING_ACCEPTANCE, Party.OPERATIONS, "Approve"),
            Step(A.RETURN, S.PLATFORM_REVIEW, S.AWAITING_DELIVERY, Party.OPERATIONS, "Return", "reason"),
        ]
    return [
        *steps,
        Step(A.ACCEPT, S.AWAITING_ACCEPTANCE, S.COMPLETED, Party.BUYER, "Accept service"),
        Step(A.REJECT, S.AWAITING_ACCEPTANCE, S.AWAITING_DELIVERY, Party.BUYER, "Reject service", "reason", optional),
    ]


def _appeal_steps(sources: set[FlowStatus]) -> list[Step]:
    """From every open state either side may freeze the flow; operations decide. Who may when is in `rules.py`."""
    optional, under = AttachmentRule.OPTIONAL, S.UNDER_APPEAL
    steps = [
        Step(A.APPEAL, source, under, party, "Appeal", "reason", optional)
        for source in OPEN
        if source in sources
        for party in (Party.BUYER, Party.SELLER)
    ]
    for source in sorted(sources):
        steps += [
            Step(A.WITHDRAW_APPEAL, under, source, party) for party in (Party.BUYER, Party.SELLER)
        ]  # the target is where it was frozen: see ServiceFlow.target_of
        steps.append(Step(A.DECIDE_RESUME, under, source, Party.OPERATIONS, text="reason"))
    return [
        *steps,
        Step(A.DECIDE_REDELIVER, under, S.AWAITING_DELIVERY, Party.OPERATIONS, text="reason"),
        Step(A.DECIDE_ACCEPT, under, S.COMPLETED, Party.OPERATIONS, text="reason"),
        Step(A.DECIDE_REFUND, under, S.CLOSED, Party.OPERATIONS, text="reason"),
    ]


@lru_cache(maxsize=64)
def graph_for(parameters: Parameters) -> Graph:
    """The graph of a flow type with a template's parameters. Licences begin at delivery (guide 4.1)."""
    confirmed = S.AWAITING_DRAFT if parameters.drafts else S.AWAITING_DELIVERY
    steps: list[Step] = []
    initial = S.AWAITING_DELIVERY
    if parameters.flow_type != FlowType.LICENSE:
        initial = S.AWAITING_REQUEST
        steps += _request_steps(parameters, confirmed)
        steps += _draft_steps() if parameters.drafts else []
    steps += _delivery_steps(parameters)
    steps += _appeal_steps({one.source for one in steps})
    steps += [Step(A.CLOSE, source, S.CLOSED, Party.SYSTEM) for source in sorted({one.source for one in steps})]
    return Graph(parameters, initial, tuple(steps))


SELLER_SILENCE = "After five days without an update by the seller, the customer may appeal."
BUYER_SILENCE = (
    "After five days without an answer by the customer, the seller may appeal. Nothing is accepted by silence."
)


def state(status: str, flow_type: str) -> State:
    """How `status` reads for a flow type: a licence has words of its own (guide 4.1, UX 3.4)."""
    licence = flow_type == FlowType.LICENSE
    match FlowStatus(status):
        case S.AWAITING_REQUEST:
            return State(S.AWAITING_REQUEST, "Waiting for the user to submit the request", "Customer submits request",
                         Party.BUYER, "info", "clock", BUYER_SILENCE)  # fmt: skip
        case S.AWAITING_CONFIRMATION:
            return State(S.AWAITING_CONFIRMATION, "Waiting for the seller to confirm the request",
                         "Seller confirms request", Party.SELLER, "wait", "hourglass", SELLER_SILENCE)  # fmt: skip
        case S.AWAITING_DRAFT:
            return State(S.AWAITING_DRAFT, "Waiting for the seller to deliver the draft", "Seller delivers draft",
                         Party.SELLER, "wait", "hourglass", SELLER_SILENCE)  # fmt: skip
        case S.AWAITING_DRAFT_CONFIRMATION:
            return State(S.AWAITING_DRAFT_CONFIRMATION, "Waiting for the user to confirm the draft",
                         "Customer confirms draft", Party.BUYER, "info", "clock", BUYER_SILENCE)  # fmt: skip
        case S.AWAITING_DELIVERY if licence:
            return State(S.AWAITING_DELIVERY, "License delivered offline", "Seller provides license",
                         Party.SELLER, "wait", "send", SELLER_SILENCE)  # fmt: skip
        case S.AWAITING_DELIVERY:
            return State(S.AWAITING_DELIVERY, "Waiting for the seller to deliver the service",
                         "Seller delivers service", Party.SELLER, "wait", "hourglass", SELLER_SILENCE)  # fmt: skip
        case S.PLATFORM_REVIEW:
            label = f"{settings.SITE_CLOUD_NAME} Reviews Service"
            return State(S.PLATFORM_REVIEW, label, "Platform reviews service", Party.OPERATIONS, "neutral",
                         "shield-check")  # fmt: skip
        case S.AWAITING_ACCEPTANCE:
            what = "license" if licence else "service"
            return State(S.AWAITING_ACCEPTANCE, "Waiting for the user to confirm acceptance",
                         f"Customer accepts {what}", Party.BUYER, "info", "clock", BUYER_SILENCE)  # fmt: skip
        case S.UNDER_APPEAL:
            return State(S.UNDER_APPEAL, "Waiting for the operations team to handle", "Operations handles appeal",
                         Party.OPERATIONS, "bad", "gavel")  # fmt: skip
        case S.COMPLETED:
            return State(S.COMPLETED, "Service completed", "Service completed", None, "ok", "check")
        case S.CLOSED:
            return State(S.CLOSED, "Service closed", "Service closed", None, "neutral", "ban")
    raise AssertionError(status)
