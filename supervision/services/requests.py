"""From payment to a confirmed request (guide 4.2: Submitting a Request)."""

from collections.abc import Sequence
from datetime import datetime

from accounts.actor import Actor
from catalog.models import AcceptanceCriteria
from koogallery.kernel import clock
from koogallery.kernel.outbox import publish
from koogallery.kernel.stored import insert
from orders.models import Order
from supervision.choices import Action, AttachmentRule, FlowStatus, Purpose
from supervision.errors import RequestAttachmentRequired
from supervision.events import FlowOpened, RequestConfirmed, RequestRejected, RequestSubmitted
from supervision.files import Attachable, check_files
from supervision.graph import flow_lifetime
from supervision.models import FlowTemplate, RequestRevision, ServiceFlow
from supervision.services.acting import acting_on, record, required_text, step_for, store_files, take
from supervision.words import state


def open_flow(order: Order, *, by: Actor, at: datetime) -> ServiceFlow:
    """Begin the supervised delivery of a paid order, under the template in force; in the payment's transaction."""
    product = order.product
    template = FlowTemplate.in_force(product.flow_type)
    review = template.reviews(joint_operation=product.joint_operation)
    initial = template.graph(platform_review=review).initial
    flow = ServiceFlow(
        order=order,
        account_id=order.account_id,
        seller_id=order.seller_id,
        template=template,
        flow_type=product.flow_type,
        platform_review=review,
        status=initial,
        waiting_on=state(initial, product.flow_type).waits_for,
        created_at=at,
        closes_at=at + flow_lifetime(),
        # What begins at the delivery has no request that could be pinned later.
        criteria=None if initial == FlowStatus.AWAITING_REQUEST else AcceptanceCriteria.in_force(product.pk),
    )
    flow.begin_turn(initial, at)
    insert([flow])
    record(flow, Action.OPEN, by=by, at=at, before="")
    publish(FlowOpened(order_number=order.number, waiting_on=str(flow.waiting_on)), at=at)
    return flow


def submit_request(
    flow: ServiceFlow,
    *,
    description: str,
    files: Sequence[Attachable] = (),
    by: Actor,
    at: datetime | None = None,
) -> ServiceFlow:
    """The buyer says what he needs: 1 to 1,000 characters, files as the flow's template asks (RULES 1.3).

    Each submission is a revision, kept whole, and pins the flow to the product's acceptance criteria in force.

    Raises:
        InvalidInput: the description; RequestAttachmentRequired, AttachmentRefused: the files.
        FlowFrozen, InvalidTransition: not now.
    """
    at = at or clock.now()
    text = required_text(description, "description", "a requirement description")
    checked = check_files(files)
    with acting_on(flow, Action.SUBMIT_REQUEST, by=by) as flow:
        step = step_for(flow, Action.SUBMIT_REQUEST, by)
        if step.attachments == AttachmentRule.MANDATORY and not checked:
            why = RequestAttachmentRequired.default_message
            raise RequestAttachmentRequired(errors={"attachment": [why]})
        flow.criteria = AcceptanceCriteria.in_force(flow.order.product_id)
        entry = take(flow, step, by=by, at=at, note=text)
        store_files(entry, checked, Purpose.REQUEST)
        RequestRevision.objects.create(
            flow=flow, number=flow.requests.count() + 1, record=entry, description=text, criteria=flow.criteria
        )
        publish(RequestSubmitted(order_number=flow.order.number), at=at)
    return flow


def confirm_request(flow: ServiceFlow, *, by: Actor, at: datetime | None = None) -> ServiceFlow:
    """The seller takes the request on."""
    at = at or clock.now()
    with acting_on(flow, Action.CONFIRM, by=by) as flow:
        take(flow, step_for(flow, Action.CONFIRM, by), by=by, at=at)
        publish(RequestConfirmed(order_number=flow.order.number), at=at)
    return flow


def reject_request(flow: ServiceFlow, *, reason: str, by: Actor, at: datetime | None = None) -> ServiceFlow:
    """The seller sends the request back with a reason; three of them open the appeal (guide 4.2)."""
    at = at or clock.now()
    text = required_text(reason, "reason", "a reason")
    with acting_on(flow, Action.REJECT_REQUEST, by=by) as flow:
        take(flow, step_for(flow, Action.REJECT_REQUEST, by), by=by, at=at, note=text)
        publish(RequestRejected(order_number=flow.order.number, reason=text), at=at)
    return flow
