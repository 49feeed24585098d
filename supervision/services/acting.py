"""What every verb on a flow does first and last: lock, look again, take the step, write the record."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from accounts.actor import Actor, Party
from accounts.permissions import Permission, require
from koogallery.kernel.compiled import Compiled, OneOf, Param
from koogallery.kernel.errors import InvalidInput, InvalidTransition, PermissionRefused
from koogallery.kernel.stored import insert, update
from koogallery.kernel.text import clean_text
from orders import ports
from orders import services as orders
from orders.models import Order
from orders.terms import until_text
from supervision.choices import Action, FlowStatus, Purpose
from supervision.errors import FlowFrozen
from supervision.files import CheckedFile
from supervision.graph import Step
from supervision.models import Attachment, FlowRecord, ServiceFlow
from supervision.services.claiming import claim_uploads
from supervision.services.impartial import require_impartial

LONGEST_TEXT = 1_000

# What may still happen while an appeal freezes the flow.
WHILE_FROZEN = frozenset(
    {
        Action.APPEAL,
        Action.WITHDRAW_APPEAL,
        Action.ASK_STATEMENT,
        Action.STATEMENT,
        Action.PROPOSE_DECISION,
        Action.DROP_DECISION,
        Action.DECIDE,
        Action.REVIEW,
        Action.WAIVE_REVIEW,
        Action.DECIDE_RESUME,
        Action.DECIDE_REDELIVER,
        Action.DECIDE_ACCEPT,
        Action.DECIDE_REFUND,
        Action.REVEAL_KEY,
        Action.REVEAL_PASSWORD,
    }
)
# How it reads to a side other than the buyer's, whose words are the refusal's own.
FROZEN = {
    Party.SELLER: "An appeal is being handled. You and the customer cannot perform any operations until it is handled.",
    Party.OPERATIONS: "An appeal is being handled: decide it first.",
}
# What neither side may ever do, whoever's turn it is.
OPERATIONS_ONLY = frozenset({Action.APPROVE, Action.RETURN, Action.ASK_STATEMENT})
# What may still happen when the flow has ended; each says itself for how long.
AFTER_END = frozenset({Action.MESSAGE, Action.REVEAL_KEY, Action.REVEAL_PASSWORD})
# What a step may change of a flow.
MOVED = (
    "status",
    "frozen_from",
    "waiting_on",
    "waiting_since",
    "respond_by",
    "next_notice_at",
    "accepts_at",
    "seller_rejections",
    "buyer_rejections",
    "rounds",
    "criteria",
    "closes_at",
    "ended_at",
)
# Where a delivery has reached the buyer.
REACHED = (FlowStatus.AWAITING_ACCEPTANCE, FlowStatus.COMPLETED)


@contextmanager
def acting_on(flow: ServiceFlow, action: Action, *, by: Actor) -> Iterator[ServiceFlow]:
    """The flow, read afresh under its order's lock, when `by` may do `action` at all.

    Raises:
        PermissionRefused: the buyer's role does not allow it, it is for operations alone, or the operator belongs to
            one of the two companies.
        FlowFrozen: an appeal is open.
        InvalidTransition: the flow has ended.
    """
    require(by, Permission.SUPERVISE)
    if action in OPERATIONS_ONLY and by.party is not Party.OPERATIONS:
        raise PermissionRefused("Only operations do this.")
    with transaction.atomic():
        orders.order_locked(flow.order_id)
        fresh = ServiceFlow.objects.with_table_columns().select_related("criteria").get(pk=flow.pk)
        _check_side(fresh, by)
        if fresh.is_frozen and action not in WHILE_FROZEN:
            raise FlowFrozen(FROZEN.get(by.party))
        if not fresh.is_open and action not in AFTER_END:
            raise InvalidTransition("The service flow has ended.")
        yield fresh


_ORDER_LOCKED = Compiled(
    lambda: (
        Order.objects.select_for_update(of=("self",))
        .select_related("account", "seller", "product")
        .filter(flow=Param("flow"))
    )
)
_FLOW = Compiled(lambda: ServiceFlow.objects.select_related("template").filter(pk=Param("pk")))
# Waits for none, as in `orders.reads`.
_ORDERS_LOCKED = Compiled(
    lambda: (
        Order.objects.select_for_update(of=("self",), nowait=True)
        .select_related("account", "seller", "product")
        .filter(OneOf(F("flow__pk"), Param("flows")))
        .order_by("pk")
    )
)
_FLOWS = Compiled(lambda: ServiceFlow.objects.select_related("template").filter(OneOf(F("pk"), Param("pks"))))


def flow_locked(pk: int) -> ServiceFlow:
    """For timers: the flow with its order, account and seller, read afresh under the order's lock.

    Raises:
        Order.DoesNotExist: there is no such flow.
    """
    order = _ORDER_LOCKED.get(flow=pk)
    flow = _FLOW.get(pk=pk)
    flow.order, flow.account, flow.seller = order, order.account, order.seller
    return flow


def flows_locked(pks: Collection[int]) -> dict[int, ServiceFlow]:
    """The same for several, by their numbers, for timers that fire together. Waits for none.

    Raises:
        OperationalError: somebody has one of their orders.
    """
    orders = {order.pk: order for order in _ORDERS_LOCKED.all(flows=list(pks))}
    found = {}
    for flow in _FLOWS.all(pks=list(pks)):
        order = orders[flow.order_id]
        flow.order, flow.account, flow.seller = order, order.account, order.seller
        found[flow.pk] = flow
    return found


def _check_side(flow: ServiceFlow, by: Actor) -> None:
    """A buyer or seller acts on his own flows only; views look flows up by owner, so this never fires for them."""
    foreign = (by.party is Party.BUYER and by.account_id != flow.account_id) or (
        by.party is Party.SELLER and by.seller_id != flow.seller_id
    )
    if foreign:
        raise InvalidTransition("This service flow belongs to others.")
    if by.party is Party.OPERATIONS:
        require_impartial(flow, by)


def step_for(flow: ServiceFlow, action: Action, by: Actor, *, target: str = "") -> Step:
    """The step of the flow's graph that `by` wants to take.

    Raises:
        InvalidTransition: there is none from here, or it is another side's turn.
    """
    fitting = [
        one
        for one in flow.graph.steps
        if one.action == action and flow.allows(one) and one.party == by.party and (not target or one.target == target)
    ]
    if not fitting:
        turn = flow.state.waits_for
        whose = f" It is the turn of the {turn.label.lower()}." if turn and turn is not by.party else ""
        status = flow.state.table_label
        raise InvalidTransition(f"This is not possible while the service status is “{status}”.{whose}{_changed(flow)}")
    return fitting[0]


def _changed(flow: ServiceFlow) -> str:
    """Who changed the flow last, for somebody whose page is older than that (UX 3)."""
    last = flow.records.exclude(from_status=F("to_status")).first()
    if last is None or last.action == Action.OPEN:
        return ""
    who = str(Party(last.party).label).lower()
    return f" The order was changed at {until_text(last.at)} by the {who}. Reload to see the current status."


def take(
    flow: ServiceFlow,
    step: Step,
    *,
    by: Actor,
    at: datetime,
    note: str = "",
    failed: Sequence[str] = (),
    within: timedelta | None = None,
) -> FlowRecord:
    """Take a step and write its record; `failed` are the criteria that a rejection names.

    `within`: see `ServiceFlow.take`.
    """
    before = flow.status
    flow.take(step, at, within)
    update(flow, *MOVED)
    if flow.status in REACHED and ports.applications().kept_for(flow.order.product):
        ports.applications().hand_over(flow.order, at=at)
    return record(flow, step.action, by=by, at=at, before=before, note=note, failed=failed)


def record(
    flow: ServiceFlow,
    action: Action,
    *,
    by: Actor,
    at: datetime,
    before: str | None = None,
    note: str = "",
    failed: Sequence[str] = (),
    mentions: FlowRecord | None = None,
) -> FlowRecord:
    """Write an operation record; `before` is the status that the flow came from, now's when it did not move."""
    entry = FlowRecord(
        flow=flow,
        at=at,
        action=action,
        party=by.party,
        role=by.role,
        by=by.label,
        user_id=by.user_id,
        from_status=flow.status if before is None else before,
        to_status=FlowStatus(flow.status),
        note=note,
        address=by.address,
        failed_criteria=list(failed),
        mentions=mentions,
    )
    insert([entry])
    return entry


def required_text(text: str, field: str, label: str) -> str:
    """A text of 1 to 1,000 characters, cleaned (RULES 1.3).

    Raises:
        InvalidInput: empty, too long, or with characters that no text has.
    """
    cleaned = optional_text(text, field)
    if not cleaned:
        why = f"Enter {label}."
        raise InvalidInput(why, errors={field: [why]})
    return cleaned


def optional_text(text: str, field: str) -> str:
    """A text of up to 1,000 characters, cleaned."""
    try:
        cleaned = clean_text(text)
    except ValueError as refused:
        raise InvalidInput(str(refused), errors={field: [str(refused)]}) from refused
    if len(cleaned) > LONGEST_TEXT:
        why = f"Enter at most {LONGEST_TEXT:,} characters; there are {len(cleaned):,}."
        raise InvalidInput(why, errors={field: [why]})
    return cleaned


def store_files(entry: FlowRecord, files: Sequence[CheckedFile], purpose: Purpose) -> None:
    """Make checked files, which are stored already, the attachments of a record.

    Raises:
        AttachmentRefused: a staged upload is gone, was attached before, or is not the actor's.
    """
    claim_uploads(entry, files)
    for one in files:
        Attachment.objects.create(
            # The last part of the key is random; the sweep of forgotten files looks an attachment up by it.
            public_id=one.key.rpartition("/")[2],
            flow=entry.flow,
            record=entry,
            purpose=purpose,
            name=one.name,
            size=one.size,
            content_type=one.content_type,
            sha256=one.sha256,
            file=one.key,
        )
