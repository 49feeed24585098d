"""From a confirmed request to an accepted delivery (guide 4.1, 4.2: Accepting a Product)."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.conf import settings

from accounts.actor import Actor
from koogallery.kernel import clock
from koogallery.kernel.errors import InvalidTransition
from koogallery.kernel.outbox import publish
from orders import ports
from orders import services as orders
from supervision.choices import Action, FlowStatus, Purpose
from supervision.errors import TooManyReminders
from supervision.events import (
    DeliveryAccepted,
    DeliveryApproved,
    DeliveryRejected,
    DeliveryReturned,
    DraftAnswered,
    DraftDelivered,
    ReviewAwaited,
    SellerReminded,
    ServiceDelivered,
)
from supervision.files import Attachable, check_files
from supervision.models import FlowRecord, ServiceFlow
from supervision.rules import reminder_allowed_from
from supervision.services.acting import acting_on, record, required_text, step_for, store_files, take
from supervision.services.delivering import Answer, check_answers, checked_content, failed_lines, keep_delivery
from supervision.words import reminders_text

DELIVERER = "supervision"


def deliver(
    flow: ServiceFlow,
    *,
    note: str = "",
    files: Sequence[Attachable] = (),
    answers: Mapping[int, Answer] | None = None,
    license_key: str = "",
    application: ports.ApplicationGiven | None = None,
    by: Actor,
    at: datetime | None = None,
) -> ServiceFlow:
    """The seller delivers a round: it waits for the platform's review or for acceptance.

    Args:
        answers: to each acceptance criterion that the flow is pinned to, by its number from 1.
        license_key: a licence's key as text; it is kept encrypted and stands in no record.
        application: what the buyer of SaaS logs in with (guide 3.3); kept encrypted by whoever answers the port.

    Raises:
        InvalidInput: nothing at all, or a criterion without an answer. AttachmentRefused: a file.
        FlowFrozen, InvalidTransition: not now.
    """
    at = at or clock.now()
    given = checked_content(note, files, answers, license_key, application)
    with acting_on(flow, Action.DELIVER, by=by) as flow:
        step = step_for(flow, Action.DELIVER, by)
        check_answers(flow, given)
        version = None
        if given.application:
            version = ports.applications().give(flow.order, given.application, by=by, at=at)
        entry = take(flow, step, by=by, at=at, note=given.note)
        keep_delivery(flow, entry, given, version)
        reviewed = flow.status == FlowStatus.PLATFORM_REVIEW
        told = ReviewAwaited if reviewed else ServiceDelivered
        publish(told(order_number=flow.order.number), at=at)
    return flow


def deliver_draft(
    flow: ServiceFlow, *, note: str = "", files: Sequence[Attachable] = (), by: Actor, at: datetime | None = None
) -> ServiceFlow:
    """The seller shows a draft (website deployment with drafts switched on in its template)."""
    at = at or clock.now()
    given = checked_content(note, files)
    with acting_on(flow, Action.DELIVER_DRAFT, by=by) as flow:
        entry = take(flow, step_for(flow, Action.DELIVER_DRAFT, by), by=by, at=at, note=given.note)
        store_files(entry, given.files, Purpose.DELIVERY)
        publish(DraftDelivered(order_number=flow.order.number), at=at)
    return flow


def answer_draft(
    flow: ServiceFlow, *, confirmed: bool, reason: str = "", by: Actor, at: datetime | None = None
) -> ServiceFlow:
    """The buyer confirms a draft, or rejects it with a reason."""
    at = at or clock.now()
    action = Action.CONFIRM_DRAFT if confirmed else Action.REJECT_DRAFT
    text = "" if confirmed else required_text(reason, "reason", "a reason")
    with acting_on(flow, action, by=by) as flow:
        take(flow, step_for(flow, action, by), by=by, at=at, note=text)
        publish(DraftAnswered(order_number=flow.order.number, confirmed=confirmed), at=at)
    return flow


def approve_delivery(flow: ServiceFlow, *, by: Actor, at: datetime | None = None) -> ServiceFlow:
    """Operations pass a joint-operation product's delivery (RULES 1.2, S4).

    Raises:
        PermissionRefused: the operator belongs to a side.
    """
    at = at or clock.now()
    with acting_on(flow, Action.APPROVE, by=by) as flow:
        take(flow, step_for(flow, Action.APPROVE, by), by=by, at=at)
        publish(DeliveryApproved(order_number=flow.order.number), at=at)
        publish(ServiceDelivered(order_number=flow.order.number), at=at)
    return flow


def return_delivery(flow: ServiceFlow, *, reason: str, by: Actor, at: datetime | None = None) -> ServiceFlow:
    """Operations send a delivery back to the seller with a reason, which both sides read.

    Raises:
        PermissionRefused: the operator belongs to a side. InvalidInput: no reason.
    """
    at = at or clock.now()
    text = required_text(reason, "reason", "a reason")
    with acting_on(flow, Action.RETURN, by=by) as flow:
        take(flow, step_for(flow, Action.RETURN, by), by=by, at=at, note=text)
        publish(DeliveryReturned(order_number=flow.order.number, reason=text), at=at)
    return flow


def accept_delivery(flow: ServiceFlow, *, by: Actor, at: datetime | None = None) -> ServiceFlow:
    """Accept what the seller delivered, which ends the flow and starts the subscription's term.

    The order itself completes three hours later (RULES 1.1).

    Raises:
        FlowFrozen: an appeal is open.
        InvalidTransition: nothing waits for acceptance, or `by` is not the buyer.
    """
    at = at or clock.now()
    with acting_on(flow, Action.ACCEPT, by=by) as flow:
        take(flow, step_for(flow, Action.ACCEPT, by), by=by, at=at)
        flow.order = orders.delivery_done(flow.order, deliverer=DELIVERER, accepted=True, by=by, at=at)
        publish(DeliveryAccepted(order_number=flow.order.number), at=at)
    return flow


def reject_delivery(
    flow: ServiceFlow,
    *,
    reason: str,
    files: Sequence[Attachable] = (),
    failed: Sequence[int] = (),
    by: Actor,
    at: datetime | None = None,
) -> ServiceFlow:
    """Send the delivery back to the seller with a reason; two or three of them open the appeal (RULES 1.4).

    Args:
        failed: numbers, from 1, of the acceptance criteria that the delivery does not meet; at least one where the
            flow is pinned to criteria.
    """
    at = at or clock.now()
    text, checked = required_text(reason, "reason", "a reason"), check_files(files)
    with acting_on(flow, Action.REJECT, by=by) as flow:
        step = step_for(flow, Action.REJECT, by)
        lines = failed_lines(flow, failed)
        entry = take(flow, step, by=by, at=at, note=text, failed=lines)
        store_files(entry, checked, Purpose.REJECTION)
        publish(DeliveryRejected(order_number=flow.order.number, reason=text), at=at)
    return flow


def send_reminder(flow: ServiceFlow, *, by: Actor, at: datetime | None = None) -> ServiceFlow:
    """Remind the seller that it is his turn: one in 24 hours; it moves no clock (RULES 1.3).

    Raises:
        InvalidTransition: it is not the seller's turn.
        TooManyReminders: the last one is not old enough.
    """
    at = at or clock.now()
    with acting_on(flow, Action.REMIND, by=by) as flow:
        if flow.waiting_on != "seller" or by.party != "buyer":
            raise InvalidTransition("A reminder can be sent by the customer while it is the seller's turn.")
        last = FlowRecord.objects.filter(flow=flow, action=Action.REMIND).values_list("at", flat=True).first()
        from_when = reminder_allowed_from(last, settings.REMINDER_INTERVAL)
        if from_when is not None and at < from_when:
            raise TooManyReminders(reminders_text(), extra={"allowed_from": from_when.isoformat()})
        record(flow, Action.REMIND, by=by, at=at)
        publish(SellerReminded(order_number=flow.order.number), at=at)
    return flow
