"""How a product's delivery goes, for its page before the purchase: the flow's graph in the words of a buyer."""

from django.conf import settings

from accounts.actor import Party
from orders.ports import DeliveryStep
from supervision.choices import Action, AttachmentRule, FlowStatus
from supervision.graph import FORWARD, Graph, flow_lifetime
from supervision.words import silence_texts, span

WHO = {Party.BUYER: "You", Party.SELLER: "Seller", Party.OPERATIONS: "Operations"}
FILES = {AttachmentRule.OPTIONAL: "A file may be attached.", AttachmentRule.MANDATORY: "A file must be attached."}


def delivery_steps(graph: Graph) -> list[DeliveryStep]:
    """The way to completion, each step with who acts, by when, and what silence brings."""
    steps = []
    for status in graph.path():
        state = graph.state(status)
        if state.waits_for is None:
            after = span(settings.ORDER_COMPLETES_AFTER_ACCEPTANCE)
            steps.append(DeliveryStep(state.title, "", "", (f"The order completes {after} after acceptance.",)))
            continue
        within = graph.within(status)
        steps.append(
            DeliveryStep(
                state.title,
                WHO[state.waits_for],
                f"within {span(within)}" if within else "",
                (*_needs(graph, status), *silence_texts(graph.silence(status), Party.BUYER)),
            )
        )
    return steps


def closing_rules(graph: Graph) -> list[str]:
    """What holds for the whole flow, in sentences to a buyer."""
    parameters = graph.parameters
    at_acceptance = min(parameters.appeal_on_acceptance_after, parameters.appeal_after)
    rules = [
        "An appeal freezes the delivery until an operations manager has decided. You may also appeal after "
        f"{parameters.appeal_after} rejections by either side, on the acceptance page after {at_acceptance}."
    ]
    if parameters.accept_after is None:
        rules.append("Nothing is accepted by silence.")
    rules.append(
        f"A delivery that is not completed {span(flow_lifetime())} after payment is closed and you are refunded."
    )
    return rules


def _needs(graph: Graph, status: FlowStatus) -> list[str]:
    notes = []
    for step in graph.steps:
        if step.source != status or not step.button or step.action == Action.APPEAL:
            continue
        if step.action == Action.SUBMIT_REQUEST and step.attachments in FILES:
            notes.append(FILES[step.attachments])
        elif step.action not in FORWARD and step.party is Party.BUYER:
            notes.append("You may reject it with a reason; then it is delivered again.")
        elif step.action not in FORWARD and step.party is Party.SELLER:
            notes.append("The seller may reject it with a reason; then you submit another.")
    return notes
