"""Statements: operations ask a side, which answers by a deadline or is silent; neither holds up the decision."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction

from accounts.actor import Actor, Party
from koogallery.kernel import clock
from koogallery.kernel.errors import InvalidInput, InvalidTransition
from koogallery.kernel.outbox import publish
from orders import services as orders
from orders.terms import until_text
from supervision.choices import Action, Purpose, StatementStatus
from supervision.events import CustomerAsked, SellerAsked, StatementGiven, StatementMissed
from supervision.files import Attachable, check_files
from supervision.models import ServiceFlow, StatementRequest
from supervision.services.acting import acting_on, record, required_text, store_files
from supervision.services.appeals import live_appeal, refuse_unless_allowed

SIDES = (Party.BUYER, Party.SELLER)
LONGEST_WAIT = timedelta(days=30)


def wait_of(given: timedelta | None, default: timedelta, field: str) -> timedelta:
    """The time that an operator gives somebody.

    Raises:
        InvalidInput: no time at all, or more than 30 days.
    """
    wait = default if given is None else given
    if not timedelta(hours=1) <= wait <= LONGEST_WAIT:
        why = f"Give from 1 hour to {LONGEST_WAIT.days} days."
        raise InvalidInput(why, errors={field: [why]})
    return wait


def ask_statement(
    flow: ServiceFlow,
    *,
    party: Party,
    question: str,
    within: timedelta | None = None,
    by: Actor,
    at: datetime | None = None,
) -> StatementRequest:
    """Operations ask a side for a statement, within the time of its flow's template unless they give another.

    Raises:
        InvalidInput: no question, or a time out of bounds.
        InvalidTransition: nothing waits for a decision, or the side is asked already.
        PermissionRefused: not operations, or the operator belongs to one of the two companies.
    """
    at = at or clock.now()
    text = required_text(question, "question", "a question")
    with acting_on(flow, Action.ASK_STATEMENT, by=by) as flow:
        wait = wait_of(within, flow.graph.parameters.statement_within, "hours")
        appeal = live_appeal(flow)
        if party not in SIDES or not appeal.is_unanswered:
            raise InvalidTransition("Operations can ask either side for a statement while the appeal is undecided.")
        if appeal.statements.filter(party=party, status=StatementStatus.ASKED).exists():
            raise InvalidTransition("This side is asked already. Wait for its answer or its deadline.")
        asked = StatementRequest.objects.create(
            appeal=appeal, party=party, question=text, asked_by_id=by.user_id, asked_at=at, due_at=at + wait
        )
        until = until_text(asked.due_at)
        record(flow, Action.ASK_STATEMENT, by=by, at=at, note=f"To the {party.label.lower()}, until {until}: {text}")
        told = CustomerAsked if party is Party.BUYER else SellerAsked
        publish(told(order_number=flow.order.number, question=text, until=until), at=at)
    return asked


def give_statement(
    flow: ServiceFlow, *, text: str, files: Sequence[Attachable] = (), by: Actor, at: datetime | None = None
) -> StatementRequest:
    """The side that was asked answers, with files if it likes.

    Raises:
        FlowFrozen: it was not asked, or the deadline has passed.
        InvalidTransition: there is no appeal.
        InvalidInput, AttachmentRefused: the text or a file.
    """
    at = at or clock.now()
    cleaned, checked = required_text(text, "text", "your statement"), check_files(files)
    with acting_on(flow, Action.STATEMENT, by=by) as flow:
        appeal = live_appeal(flow)
        refuse_unless_allowed(appeal, Action.STATEMENT, by, at)
        asked = appeal.statements.get(party=by.party, status=StatementStatus.ASKED)
        entry = record(flow, Action.STATEMENT, by=by, at=at, note=cleaned)
        store_files(entry, checked, Purpose.STATEMENT)
        asked.give(cleaned, entry, at)
        asked.save()
        publish(StatementGiven(order_number=flow.order.number, by=str(by.party.label).lower()), at=at)
    return asked


def miss_statement(pk: int, *, at: datetime, by: Actor) -> None:
    """Timer: a statement's deadline has passed. The silence is recorded; the decision does not wait for it."""
    with transaction.atomic():
        orders.order_locked(StatementRequest.objects.values_list("appeal__flow__order_id", flat=True).get(pk=pk))
        asked = StatementRequest.objects.select_related("appeal").get(pk=pk)
        if asked.status != StatementStatus.ASKED or asked.due_at > at:
            return
        asked.miss()
        asked.save()
        flow = ServiceFlow.objects.with_table_columns().get(pk=asked.appeal.flow_id)
        side = str(Party(asked.party).label).lower()
        record(flow, Action.STATEMENT_SILENCE, by=by, at=asked.due_at, note=f"The {side} gave no statement in time.")
        publish(StatementMissed(order_number=flow.order.number, by=side), at=at)
