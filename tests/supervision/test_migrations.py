"""What migrations do to rows that there are."""

from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection

from supervision import services
from supervision.choices import Action
from supervision.models import Appeal, FlowRecord, ServiceFlow

pytestmark = pytest.mark.django_db

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
NOTICES = import_module("supervision.migrations.0063_appeal_notices")
AWAY = import_module("supervision.migrations.0064_appeal_columns_go")


def run(sql: str, *values: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values or None)


def columns() -> set[str]:
    with connection.cursor() as cursor:
        found = connection.introspection.get_table_description(cursor, "supervision_appeal")
    return {one.name for one in found}


def test_open_flows_learn_when_the_buyer_is_told_that_he_may_appeal(deal, timers):
    reminded, passed, answered, unreminded = deal(), deal(), deal(service=True), deal()
    for one in (reminded, passed, answered):
        ServiceFlow.objects.filter(pk=one.flow.pk).update(next_notice_at=None)
    long_ago = passed.flow.respond_by - 30 * DAY
    ServiceFlow.objects.filter(pk=passed.flow.pk).update(waiting_since=long_ago - 5 * DAY, respond_by=long_ago)
    NOTICES.set_notices(apps, None)
    assert reminded.now().next_notice_at == reminded.flow.respond_by + SECOND
    assert passed.now().next_notice_at == long_ago + SECOND
    assert answered.now().next_notice_at is None, "it is not the seller's turn"
    assert unreminded.now().next_notice_at == unreminded.flow.next_notice_at, "a reminder comes first"
    timers.run(passed.flow.created_at + SECOND)
    entries = FlowRecord.objects.filter(flow=passed.flow)
    assert [one.action for one in entries] == [Action.OPEN], "told by a message; nothing is filed"


def test_what_processes_of_before_wrote_during_an_upgrade_is_kept(deal):
    """Between the two steps they file and decide appeals as they always did."""
    decided, filed, ours = deal(), deal(), deal()
    for one in (decided, filed, ours):
        services.file_appeal(one.flow, reason="Silence.", by=one.buyer, at=one.flow.waiting_since + 6 * DAY)
    services.decide_appeal(ours.flow, decision="resume", reason="Go on.", by=ours.operator)
    run("SET CONSTRAINTS ALL IMMEDIATE")
    run(AWAY.BACK)
    assert {"decision", "decision_reason", "refund", "decided_by_id"} <= columns()
    at = decided.flow.created_at + 8 * DAY
    run(
        "UPDATE supervision_appeal SET status = 'decided', decision = 'refund', decision_reason = 'Nothing came.',"
        " refund = 3, decided_by_id = %s, ended_at = %s, answer_due_at = NULL WHERE flow_id = %s",
        decided.operator.user_id, at, decided.flow.pk,
    )  # fmt: skip
    run("UPDATE supervision_appeal SET answer_due_at = NULL WHERE flow_id = %s", filed.flow.pk)
    AWAY.filed_meanwhile(apps, None)
    for step in (AWAY.DECIDED_MEANWHILE, "SET CONSTRAINTS ALL IMMEDIATE", AWAY.AWAY):
        run(step)
    ruling = Appeal.objects.get(flow=decided.flow).rulings.get()
    assert (ruling.status, ruling.decision, ruling.reason, ruling.refund) == ("in_effect", "refund", "Nothing came.", 3)
    assert (ruling.decided_by_id, ruling.decided_at, ruling.effective_at) == (decided.operator.user_id, at, at)
    assert Appeal.objects.get(flow=filed.flow).answer_due_at > filed.flow.created_at + 8 * DAY
    assert Appeal.objects.get(flow=ours.flow).rulings.count() == 1
    assert not {"decision", "decision_reason", "refund", "decided_by_id"} & columns()
    for step in (AWAY.DECIDED_MEANWHILE, AWAY.AWAY):
        run(step)  # a database without the columns stays as it is
