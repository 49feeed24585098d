"""The whole table of service flows: the rules, the services and the guide's sentences say the same.

Every kind of flow in every status is asked for every action by every role at the moments that matter. The outcome that
the graph and the rules say (`table.cells`) is what the services do, and what the hand-written `guide_table.csv` says;
and whatever is allowed has a sentence that allows it. So none of the three can drift alone.
"""

from collections.abc import Collection, Iterator
from datetime import timedelta

import pytest
from django.db import transaction
from django.forms import model_to_dict

from accounts.actor import Actor, Party
from accounts.models import Account
from accounts.permissions import Role
from koogallery.kernel.errors import DomainError
from supervision import services
from supervision.choices import Action, AppealStatus, Decision, FlowStatus, RulingStatus, Silence
from supervision.models import Appeal, FlowRecord, FlowTemplate, Ruling, ServiceFlow, StatementRequest
from supervision.services.acting import record
from tests.factories import a_buyer, a_seller
from tests.supervision.conftest import Deal, make_deal
from tests.supervision.table import (
    APPELLANT,
    FROZEN_FROM,
    KINDS,
    MOMENTS,
    PARTY,
    RECORDED,
    SIDES,
    VERBS,
    Cell,
    Kind,
    Moment,
    cells,
    sentences,
)

pytestmark = pytest.mark.django_db


def a_deal(kind: Kind) -> Deal:
    """A paid order of this kind; its flow stands where payment leads."""
    if kind.changes:
        values = model_to_dict(FlowTemplate.in_force(kind.flow_type), exclude=["id", "version"])
        services.publish_template(FlowTemplate(**values | kind.changes))
    return make_deal(**kind.traits)


def people(deal: Deal) -> dict[str, Actor]:
    account = Account.objects.get(pk=deal.buyer.account_id)
    return {
        "owner": deal.buyer,
        "purchaser": a_buyer(Role.PURCHASER, account),
        "finance": a_buyer(Role.FINANCE, account),
        "viewer": a_buyer(Role.VIEWER, account),
        "other_account": a_buyer(),
        "seller": deal.seller,
        "other_seller": a_seller(),
        "operator": deal.operator,
        "timer": Actor.timer("table"),
    }


def put(deal: Deal, status: FlowStatus) -> ServiceFlow:
    """The flow as it would stand in `status`, written straight into its row: the table asks what follows, not how."""
    flow = deal.now()
    state = flow.graph.state(status)
    at = flow.created_at
    flow.begin_turn(status, at)
    columns = {
        "status": status,
        "waiting_on": state.waits_for,
        "frozen_from": FROZEN_FROM if status == FlowStatus.UNDER_APPEAL else "",
        "ended_at": None if state.waits_for else at,
        "respond_by": flow.respond_by,
        "next_notice_at": flow.next_notice_at,
        "accepts_at": flow.accepts_at,
        "rounds": 1,
    }
    ServiceFlow.objects.filter(pk=flow.pk).update(**columns)
    flow = deal.now()
    if status == FlowStatus.UNDER_APPEAL:
        due = at + timedelta(days=5)
        Appeal.objects.create(
            flow=flow, party=APPELLANT, ground="Silence.", reason="Silence.", filed_at=at, answer_due_at=due
        )
    record(flow, Action.DELIVER, by=deal.seller, at=at, note="Here.")
    return flow


def prepare(flow: ServiceFlow, moment: Moment) -> None:
    """Give the flow's rows what the moment says: rejections, the notice that is due then, how far its appeal is."""
    for appeal in flow.appeals.all():
        put_case(appeal, moment.case)
    due = any(one.silence == Silence.REMIND and one.after == moment.after for one in flow.silence)
    ServiceFlow.objects.filter(pk=flow.pk).update(
        buyer_rejections=moment.buyer_rejections,
        seller_rejections=moment.seller_rejections,
        next_notice_at=moment.at(flow) if due else flow.next_notice_at,
    )


def put_case(appeal: Appeal, case: str) -> None:
    """The appeal as it would stand: undecided, both sides asked until 48 hours after, or decided for 5 days after."""
    at = appeal.filed_at
    appeal.statements.all().delete()
    appeal.rulings.all().delete()
    effect = at + timedelta(days=5) if case in Decision.values else None
    status = AppealStatus.ANNOUNCED if effect else AppealStatus.OPEN
    Appeal.objects.filter(pk=appeal.pk).update(status=status, takes_effect_at=effect)
    if effect:
        ruling = {"status": RulingStatus.ANNOUNCED, "decision": case, "reason": "Heard both.", "decided_at": at}
        Ruling.objects.create(appeal=appeal, **ruling)
    for party in (Party.BUYER, Party.SELLER) if case == "asked" else ():
        due = at + timedelta(hours=48)
        StatementRequest.objects.create(appeal=appeal, party=party, question="Why?", asked_at=at, due_at=due)


def tried(flow: ServiceFlow, cell: Cell, moment: Moment, by: Actor) -> str:
    """What the service did, in the table's words. What should be allowed is undone again."""
    action = Action(cell.action)
    if not (cell.outcome.startswith("->") or cell.outcome == "told"):
        return carried_out(flow, action, moment, by)
    with transaction.atomic():
        outcome = carried_out(flow, action, moment, by)
        transaction.set_rollback(True)
    return outcome


def carried_out(flow: ServiceFlow, action: Action, moment: Moment, by: Actor) -> str:
    try:
        VERBS[action](flow, by, moment.at(flow))
    except DomainError as refused:
        return refused.code
    after = ServiceFlow.objects.values_list("status", flat=True).get(pk=flow.pk)
    newest = FlowRecord.objects.filter(flow=flow).first()
    assert newest is not None
    assert newest.to_status == after, "the record says where the flow went"
    if after != flow.status:
        return f"-> {after}"
    return "told" if newest.action == RECORDED.get(action, action) else "nothing"


def rows_of(kind: Kind, roles: Collection[str]) -> Iterator[tuple[Cell, str]]:
    """Every cell of a kind with what the services did."""
    deal = a_deal(kind)
    actors = people(deal)
    opened = deal.now()
    yield Cell(kind.name, "", "owner", "open", "early", f"-> {opened.graph.initial}"), f"-> {opened.status}"
    for status in opened.graph.statuses():
        with transaction.atomic():
            flow = put(deal, status)
            prepared, records = None, FlowRecord.objects.count()
            for cell, moment in cells(kind, flow, roles):
                if moment is not prepared:
                    prepare(flow, moment)
                    prepared = moment
                yield cell, tried(flow, cell, moment, actors[cell.role])
            assert (deal.now().status, FlowRecord.objects.count()) == (status, records), "refused, and nothing changed"
            transaction.set_rollback(True)


# Roles are judged by rules that know nothing of the kind: one kind meets all of them always, the others by --long.
IN_FULL = ("saas_joint_operation",)
CASES = [pytest.param(kind, tuple(PARTY) if kind.name in IN_FULL else SIDES, id=kind.name) for kind in KINDS] + [
    pytest.param(kind, tuple(PARTY), id=f"{kind.name}_by_all_roles", marks=pytest.mark.long)
    for kind in KINDS
    if kind.name not in IN_FULL
]


@pytest.mark.parametrize(("kind", "roles"), CASES)
def test_services_rules_and_guide_agree(kind: Kind, roles: Collection[str]) -> None:
    written = sentences()
    spoken_of = set()
    services_differ, guide_differs, unsaid = [], [], []
    for cell, outcome in rows_of(kind, roles):
        if outcome != cell.outcome:
            services_differ.append((cell, outcome))
        about = [one for one in written if one.speaks_of(cell)]
        guide_differs += [(cell, one) for one in about if one.outcome != cell.outcome]
        if not about and (cell.outcome.startswith("->") or cell.outcome == "told"):
            unsaid.append(cell)
        spoken_of.update(about)
    assert not services_differ, services_differ[:5]
    assert not guide_differs, guide_differs[:5]
    assert not unsaid, f"allowed, but no sentence allows it: {unsaid[:5]}"
    about_nothing = {one for one in written if one.is_about(kind.name)} - spoken_of
    assert not about_nothing, about_nothing


def test_every_sentence_has_words_that_the_table_knows() -> None:
    """A misspelt status or role would speak of nothing, and so forbid and allow nothing."""
    known = {
        "kind": {one.name for one in KINDS},
        "status": {*FlowStatus.values, ""},
        "role": set(PARTY),
        "action": {*map(str, VERBS), "open"},
        "moment": {one.name for moments in MOMENTS.values() for one in moments},
    }
    for sentence in sentences():
        assert sentence.source
        assert len(sentence.sentence) > 15
        for column, words in known.items():
            given = getattr(sentence, column).removeprefix("!")
            assert given == "*" or set(given.split("|")) <= words, (column, sentence)
