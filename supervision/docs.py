"""Makes docs/flows.md from the graph and the timers (`manage.py describe_flows`); a test compares the two."""

from collections.abc import Iterable
from datetime import timedelta

from django.conf import settings

from catalog.choices import FlowType
from koogallery.kernel.timers import all_timers
from supervision.choices import OPEN, Action, AttachmentRule, FlowStatus
from supervision.graph import Graph, Parameters, Step, flow_lifetime, graph_for
from supervision.services.offers import DEADLINES
from supervision.words import silence_texts, span

HEAD = """# Service flows

Made from `supervision/graph.py`, `supervision/words.py` and the registered timers by `python manage.py describe_flows`
(a test compares the two). The numbers are those of a new template (`docs/operations.md`, Settings); operators change
them in the admin, as a new version, for orders from then on. An order keeps the version that it was bought under.
"""

# The flow types as migrations make their first templates (RULES 1.2, 1.3), with what each may switch on.
KINDS: list[tuple[str, Parameters]] = [
    ("Standard, 5G NaaS and Website deployment", Parameters(FlowType.STANDARD, appeal_on_acceptance_after=2)),
    ("SaaS", Parameters(FlowType.SAAS, request_attachment=AttachmentRule.MANDATORY)),
    (
        "License",
        Parameters(
            FlowType.LICENSE,
            request_form=False,
            request_attachment=AttachmentRule.NONE,
            appeal_on_acceptance_after=2,
        ),
    ),
    (
        "With everything switched on: platform review, drafts, acceptance by silence after 14 days",
        Parameters(FlowType.WEBSITE, drafts=True, platform_review=True, accept_after=timedelta(days=14)),
    ),
]

NO_SILENCE = {
    FlowStatus.PLATFORM_REVIEW: "Nothing before the end of the flow.",
    FlowStatus.UNDER_APPEAL: "Nothing: the flow is frozen until operations have decided.",
}

# What each timer of the app does; one without a line here fails the document's test.
TIMERS = {
    "send_flow_notices": "tells the notice of the present turn that has come (a reminder; to the buyer, that he may appeal, or files it where his account chose that), once, and sets the next",
    "accept_silent_deliveries": "accepts for a silent buyer, where the template has that, never an empty delivery",
    "close_overdue_flows": "closes a flow that is not completed and refunds the buyer",
    "expire_uploads": "removes an upload that was not attached within 24 hours",
    "sweep_stored_files": "removes stored files of a day that no row names",
    "miss_statements": "records that a side gave no statement in time, and tells operations",
    "escalate_appeals": "tells all operators that the answer to an appeal is overdue",
    "lapse_rulings": "drops a refund above the limit that no second operator confirmed",
    "appeal_decisions_take_effect": "brings a decision into effect of which nobody asked for a second look",
}


def as_markdown() -> str:
    """The document."""
    parts = [HEAD, _states(), *(_kind(name, parameters) for name, parameters in KINDS), _appeals(), _timers(), _api()]
    return "\n".join(parts)


def _table(head: tuple[str, ...], rows: Iterable[Iterable[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _states() -> str:
    everything = graph_for(KINDS[-1][1])
    rows = []
    for status in FlowStatus:
        one = everything.state(status)
        turn = str(one.waits_for.label) if one.waits_for else "nobody"
        rows.append(
            (f"`{status}`", one.filter_label, one.table_label, turn, one.to_buyer, one.to_seller, one.to_operator)
        )
    head = ("status", "in the filter", "in tables", "whose turn", "to the buyer", "to the seller", "to operations")
    licence = graph_for(KINDS[2][1])
    delivery, acceptance = licence.state(FlowStatus.AWAITING_DELIVERY), licence.state(FlowStatus.AWAITING_ACCEPTANCE)
    return (
        f"\n## States\n\n{_table(head, rows)}\nOf a licence `awaiting_delivery` reads “{delivery.filter_label}” and "
        f"“{delivery.table_label}”, `awaiting_acceptance` “{acceptance.table_label}”.\n"
    )


def _kind(name: str, parameters: Parameters) -> str:
    graph = graph_for(parameters)
    path = " → ".join(f"`{status}`" for status in graph.path())
    silence = [
        (
            f"`{status}`",
            str(party.label),
            span(within) if (within := graph.within(status)) else "none",
            " ".join(silence_texts(graph.silence(status))) or NO_SILENCE.get(status, ""),
        )
        for status in graph.statuses()
        if status in OPEN and (party := graph.state(status).waits_for) is not None
    ]
    close = f"From every open state, {span(flow_lifetime())} after payment: it closes and the customer is refunded."
    return (
        f"\n## {name}\n\n{path}\n\n{_steps(graph)}\n"
        f"{_table(('state', 'waits for', 'deadline', 'silence'), silence)}\n{close} A flow under appeal waits for the "
        f"decision. An appeal opens after {parameters.appeal_after} rejections by either side, on the acceptance page "
        f"after {min(parameters.appeal_after, parameters.appeal_on_acceptance_after)}.\n"
    )


def _steps(graph: Graph) -> str:
    merged: dict[tuple[str, ...], list[str]] = {}
    for step in graph.steps:
        target = (
            "where it was frozen"
            if step.action in (Action.WITHDRAW_APPEAL, Action.DECIDE_RESUME)
            else f"`{step.target}`"
        )
        # The same step from many states is one row.
        key = (f"`{step.action}`", str(step.party.label), target, _needs(step), _effects(step))
        sources = merged.setdefault(key, [])
        if f"`{step.source}`" not in sources:
            sources.append(f"`{step.source}`")
    every = {f"`{one}`" for one in graph.statuses() if one in OPEN and one != FlowStatus.UNDER_APPEAL}
    rows = [
        (action, party, "every open state" if set(sources) == every else ", ".join(sources), target, needs, effects)
        for (action, party, target, needs, effects), sources in merged.items()
    ]
    return _table(("step", "who", "from", "to", "needs", "does"), rows)


def _needs(step: Step) -> str:
    needs = []
    if step.not_empty:
        needs.append("a note or files")
    elif step.text:
        needs.append(f"a {step.text} of 1 to 1,000 characters")
    if step.attachments == AttachmentRule.MANDATORY:
        needs.append("a file")
    elif step.attachments == AttachmentRule.OPTIONAL and not step.not_empty:
        needs.append("files if you like")
    if step.guard:
        needs.append(f"that {step.guard.label}")
    return ", ".join(needs) or "nothing"


def _effects(step: Step) -> str:
    effects = [str(one.label) for one in step.effects]
    if step.within:
        effects.append(f"A new deadline of {span(step.within)}")
    return "; ".join(effects) or "—"


# What happens in an appeal without moving the frozen flow: the action, who, when.
CASE = (
    (Action.ASK_STATEMENT, "Operations", "while undecided; the side has the statement hours of the flow's template"),
    (Action.STATEMENT, "The side that was asked", "until its deadline"),
    (Action.STATEMENT_SILENCE, "Timer", "at the deadline; the decision does not wait for it"),
    (Action.PROPOSE_DECISION, "Operations", "a refund above the limit, which another operator confirms or drops"),
    (Action.DROP_DECISION, "Operations, timer", "not confirmed, or not in time"),
    (Action.DECIDE, "Operations", "accepting and refunding: in effect later"),
    (
        Action.REVIEW,
        "Either side, once",
        "after such a decision, until it is in effect; another operator decides, for good",
    ),
    (Action.WAIVE_REVIEW, "Either side", "the same; when both have waived, the decision is in effect at once"),
)


def _appeals() -> str:
    rows = [(f"`{action}`", who, when) for action, who, when in CASE]
    return (
        f"\n## Appeals\n\nWhat happens while the flow is frozen and moves it nowhere:\n\n"
        f"{_table(('record', 'who', 'when'), rows)}\n"
        f"`decide-accept` and `decide-refund` take effect {span(settings.APPEAL_SECOND_LOOK_TIME)} after the decision, "
        "or when both sides have waived the second look; the other decisions, and a second look's, at once. The "
        "appellant may withdraw until it is decided.\n"
    )


def _timers() -> str:
    ours = [one for one in all_timers() if one.model._meta.app_label == "supervision"]
    rows = [(f"`{one.name}`", f"`{one.model.__name__}.{one.due_column}`", TIMERS[one.name]) for one in ours]
    return (
        f"\n## Timers\n\n{_table(('timer', 'due column', 'does'), rows)}\n"
        "`python manage.py run_timers --at TIME` shows each. Three hours after acceptance `complete_accepted_orders` "
        "completes the order.\n"
    )


def _api() -> str:
    rows = [(f"`{name}`", meaning) for name, meaning in DEADLINES.items()]
    return (
        "\n## `deadlines` in the API\n\nThe same for buyer and seller, RFC 3339; a name is absent when nothing of it is "
        f"due.\n\n{_table(('name', 'what'), rows)}"
    )
