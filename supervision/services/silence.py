"""What silence brings by itself: reminders, the right to appeal, acceptance where a template has it (docs/flows.md)."""

from collections.abc import Callable, Mapping
from datetime import datetime

from accounts.actor import Actor, Party
from koogallery.kernel.outbox import publish
from koogallery.kernel.stored import update
from orders import services as orders
from supervision.choices import Action, FlowStatus, Silence
from supervision.events import AcceptanceReminder, DeliveryAcceptedBySilence, SellerTurnReminder
from supervision.models import Delivery, LicenseKey, ServiceFlow
from supervision.rules import Consequence, next_notice, notices_due
from supervision.services.acting import flow_locked, flows_locked, record, step_for, take
from supervision.services.appeals import tell_appeal_opens
from supervision.services.delivery import DELIVERER
from supervision.words import span

Tell = Callable[[ServiceFlow, Consequence, Actor, datetime], None]


def send_due_notice(pk: int, *, at: datetime, by: Actor) -> None:
    """Timer: a notice of the present turn has come. Tells it, and sets when the next one comes.

    It moves no clock of the turn. A step that was taken meanwhile has set another time, or none: nobody is told then.
    """
    _send_if_due(flow_locked(pk), by=by, at=at)


def send_due_notices(due: Mapping[int, datetime], *, by: Actor) -> None:
    """Timer: the same for several flows at once."""
    flows = flows_locked(due)
    for pk, at in due.items():
        _send_if_due(flows[pk], by=by, at=at)


def _send_if_due(flow: ServiceFlow, *, by: Actor, at: datetime) -> None:
    if flow.next_notice_at != at:
        return
    due = notices_due(flow.silence, flow.waiting_since, at)
    flow.next_notice_at = next_notice(flow.silence, flow.waiting_since, at)
    update(flow, "next_notice_at")
    for one in due:
        TELLS[one.silence](flow, one, by, at)


def _remind(flow: ServiceFlow, notice: Consequence, by: Actor, at: datetime) -> None:
    record(flow, Action.REMINDED, by=by, at=at)
    number = flow.order.number
    if notice.party is Party.SELLER:
        left = span((flow.within or notice.after) - notice.after)
        publish(SellerTurnReminder(order_number=number, waited=span(notice.after), left=left), at=at)
        return
    accepted = next((one for one in flow.silence if one.silence == Silence.ACCEPT), None)
    outcome = (
        f"After {span(accepted.after)} without an answer it counts as accepted."
        if accepted and flow.accepts_at
        else "Nothing is accepted by silence, but the seller may appeal."
    )
    publish(AcceptanceReminder(order_number=number, waited=span(notice.after, days_from=1), outcome=outcome), at=at)


# How each kind of `rules.TOLD` is told.
TELLS: dict[Silence, Tell] = {Silence.REMIND: _remind, Silence.APPEAL: tell_appeal_opens}


def accept_silent_delivery(pk: int, *, at: datetime, by: Actor) -> None:
    """Timer: the buyer was silent for as long as the flow's template says; the delivery counts as accepted.

    An empty delivery is never accepted by silence: then this clock is taken off.
    """
    flow = flow_locked(pk)
    if flow.status != FlowStatus.AWAITING_ACCEPTANCE or flow.accepts_at != at:
        return
    if is_empty_delivery(flow):
        flow.accepts_at = None
        update(flow, "accepts_at")
        return
    take(flow, step_for(flow, Action.ACCEPT_BY_SILENCE, by), by=by, at=at)
    orders.delivery_done(flow.order, deliverer=DELIVERER, accepted=True, by=by, at=at)
    publish(DeliveryAcceptedBySilence(order_number=flow.order.number), at=at)


def is_empty_delivery(flow: ServiceFlow) -> bool:
    """Whether the newest delivery holds nothing that a buyer could have checked."""
    newest = flow.records.filter(action=Action.DELIVER).order_by("-id").first()
    if newest is None:
        return True
    delivery = Delivery.objects.filter(record=newest).first()
    answered = delivery is not None and (
        any(one["text"] or one["file"] for one in delivery.answers)
        or delivery.application
        or LicenseKey.objects.filter(delivery=delivery).exists()
    )
    return not (newest.note.strip() or newest.attachments.exists() or answered)
