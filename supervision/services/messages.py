"""Messages on a flow: recorded, but they move nothing and stop no clock."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from django.conf import settings

from accounts.actor import Actor, Party
from koogallery.kernel import clock
from koogallery.kernel.errors import InvalidInput, InvalidTransition, Throttled
from koogallery.kernel.outbox import publish
from supervision.choices import Action, FlowStatus, Purpose
from supervision.events import MessageToBuyer, MessageToSeller
from supervision.files import Attachable, check_files
from supervision.models import FlowRecord, ServiceFlow
from supervision.rules import messages_refusal
from supervision.services.acting import acting_on, record, required_text, store_files

DAY = timedelta(days=1)
SHOWN_IN_NOTICE = 300


def message_refusal(flow: ServiceFlow, at: datetime) -> str | None:
    """Why nobody can write on the flow now, or None."""
    return messages_refusal(flow.is_frozen, flow.ended_at, at, settings.FLOW_MESSAGES_AFTER_END)


def send_message(
    flow: ServiceFlow,
    *,
    text: str,
    files: Sequence[Attachable] = (),
    mentions: int | None = None,
    by: Actor,
    at: datetime | None = None,
) -> FlowRecord:
    """Write to the other side. It is recorded like everything else, and changes neither status, turn nor deadlines.

    Args:
        mentions: the number of the operation record that it is about.

    Raises:
        FlowFrozen: an appeal is open; what the sides have to say then are their statements.
        InvalidTransition: the flow ended too long ago. Throttled: this side has written too much today.
        InvalidInput, AttachmentRefused: the text, the mention or a file.
    """
    at = at or clock.now()
    cleaned, checked = required_text(text, "text", "a message"), check_files(files)
    with acting_on(flow, Action.MESSAGE, by=by) as flow:
        if by.party not in (Party.BUYER, Party.SELLER):
            raise InvalidTransition("Messages are between the customer and the seller.")
        if refusal := message_refusal(flow, at):
            raise InvalidTransition(refusal)
        today = FlowRecord.objects.filter(flow=flow, action=Action.MESSAGE, party=by.party, at__gt=at - DAY)
        if today.count() >= settings.FLOW_MESSAGES_A_DAY:
            raise Throttled(f"You can send up to {settings.FLOW_MESSAGES_A_DAY} messages in 24 hours.")
        step = _mentioned(flow, mentions)
        entry = record(flow, Action.MESSAGE, by=by, at=at, note=cleaned, mentions=step)
        store_files(entry, checked, Purpose.MESSAGE)
        told = MessageToSeller if by.party is Party.BUYER else MessageToBuyer
        publish(told(order_number=flow.order.number, text=cleaned[:SHOWN_IN_NOTICE]), at=at)
    return entry


def _mentioned(flow: ServiceFlow, number: int | None) -> FlowRecord | None:
    if number is None:
        return None
    found = FlowRecord.objects.filter(flow=flow, pk=number).exclude(action=Action.MESSAGE).first()
    if found is None:
        why = "This step is not one of the service flow's."
        raise InvalidInput(why, errors={"mentions": [why]})
    return found


def rounds_that_reached_the_buyer(entries: Iterable[FlowRecord], begins: Mapping[int, int]) -> set[int]:
    """The rounds that waited for acceptance or were accepted: none that the platform's review holds or returned.

    Args:
        entries: the flow's records.
        begins: a round's number by the record that delivered it.
    """
    reached = (FlowStatus.AWAITING_ACCEPTANCE, FlowStatus.COMPLETED)
    return {
        begins[max(began)]
        for entry in entries
        if entry.to_status in reached and (began := [one for one in begins if one <= entry.pk])
    }
