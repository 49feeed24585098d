"""How the states of a flow read: in the filter, in tables, to the buyer, the seller and operations (UX 3.4)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings

from accounts.actor import Party
from catalog.choices import FlowType
from koogallery.kernel.web.badges import Tone
from supervision.choices import FlowStatus, Silence
from supervision.rules import Consequence

S = FlowStatus
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class State:
    """How a status reads and whose turn it is.

    Attributes:
        filter_label: the guide's long text, in the Service Status filter.
        table_label: the guide's short text, in tables and on the details page.
        waits_for: whose turn it is; None at the end.
        prose: how the guide's text calls it, where that is neither (UX 3.4).
        step: how the flow diagram names it (`title`), where that is not the short text.
        to_buyer, to_seller, to_operator: the same in a sentence to each side, with what to do next.
    """

    status: FlowStatus
    filter_label: str
    table_label: str
    waits_for: Party | None
    tone: Tone
    icon: str
    to_buyer: str
    to_seller: str
    to_operator: str
    step: str = ""
    prose: str = ""

    @property
    def title(self) -> str:
        return self.step or self.table_label

    def told(self, party: Party) -> str:
        """The sentence to one side."""
        if party is Party.BUYER:
            return self.to_buyer
        return self.to_seller if party is Party.SELLER else self.to_operator


def state(status: str, flow_type: str) -> State:
    """How `status` reads for a flow type: a licence has words of its own (guide 4.1, UX 3.4)."""
    licence = flow_type == FlowType.LICENSE
    what = "license" if licence else "service"
    match FlowStatus(status):
        case S.AWAITING_REQUEST:
            return State(
                S.AWAITING_REQUEST, "Waiting for the user to submit the request", "Customer submits request",
                Party.BUYER, "info", "clock",
                "Your turn: describe what you need and submit the request.",
                "The customer submits the request; then you confirm or reject it.",
                "The customer submits the request.",
                "Submit request",
            )  # fmt: skip
        case S.AWAITING_CONFIRMATION:
            return State(
                S.AWAITING_CONFIRMATION, "Waiting for the seller to confirm the request", "Seller confirms request",
                Party.SELLER, "wait", "hourglass",
                "The seller confirms your request or rejects it with a reason.",
                "Your turn: confirm the request, or reject it with a reason.",
                "The seller confirms or rejects the request.",
            )  # fmt: skip
        case S.AWAITING_DRAFT:
            return State(
                S.AWAITING_DRAFT, "Waiting for the seller to deliver the draft", "Seller delivers draft",
                Party.SELLER, "wait", "hourglass",
                "The seller shows you a draft.",
                "Your turn: deliver a draft.",
                "The seller delivers a draft.",
            )  # fmt: skip
        case S.AWAITING_DRAFT_CONFIRMATION:
            return State(
                S.AWAITING_DRAFT_CONFIRMATION, "Waiting for the user to confirm the draft", "Customer confirms draft",
                Party.BUYER, "info", "clock",
                "Your turn: check the draft, then confirm or reject it.",
                "The customer confirms the draft or rejects it with a reason.",
                "The customer answers the draft.",
                "Confirm draft",
            )  # fmt: skip
        case S.AWAITING_DELIVERY:
            return State(
                S.AWAITING_DELIVERY,
                "License delivered offline" if licence else "Waiting for the seller to deliver the service",
                "Seller provides license" if licence else "Seller delivers service",
                Party.SELLER, "wait", "send" if licence else "hourglass",
                f"The seller {'provides the license' if licence else 'delivers the service'}; then you accept or reject it.",
                f"Your turn: {'provide the license' if licence else 'deliver the service'}.",
                f"The seller {'provides the license' if licence else 'delivers the service'}.",
                prose="Waiting for the seller to provide the service" if licence else "",
            )  # fmt: skip
        case S.PLATFORM_REVIEW:
            return State(
                S.PLATFORM_REVIEW, f"{settings.SITE_CLOUD_NAME} Reviews Service", "Platform reviews service",
                Party.OPERATIONS, "neutral", "shield-check",
                "Operations review the delivery before you accept it.",
                "Operations review your delivery, and pass it on to the customer or return it with a reason.",
                "Your turn: review the delivery, then approve it or return it with a reason.",
            )  # fmt: skip
        case S.AWAITING_ACCEPTANCE:
            return State(
                S.AWAITING_ACCEPTANCE, "Waiting for the user to confirm acceptance", f"Customer accepts {what}",
                Party.BUYER, "info", "clock",
                "Your turn: check the delivery, then accept or reject it.",
                "The customer checks your delivery, then accepts or rejects it.",
                "The customer accepts or rejects the delivery.",
                "Confirm acceptance",
            )  # fmt: skip
        case S.UNDER_APPEAL:
            return State(
                S.UNDER_APPEAL, "Waiting for the operations team to handle", "Operations handles appeal",
                Party.OPERATIONS, "bad", "gavel",
                "Operations decide the appeal. You and the seller cannot act until then.",
                "Operations decide the appeal. You and the customer cannot act until then.",
                "Your turn: hear both sides and decide the appeal.",
            )  # fmt: skip
        case S.COMPLETED:
            after = span(settings.ORDER_COMPLETES_AFTER_ACCEPTANCE)
            done = f"The service is accepted; the order completes {after} later."
            return State(S.COMPLETED, "Service completed", "Service completed", None, "ok", "check", done, done, done)
        case S.CLOSED:
            closed = "The service flow ended without completion."
            return State(S.CLOSED, "Service closed", "Service closed", None, "neutral", "ban",
                         f"{closed} You are refunded.", f"{closed} The customer is refunded.",
                         f"{closed} The customer is refunded.")  # fmt: skip
    raise AssertionError(status)


def span(period: timedelta, *, days_from: int = 5) -> str:
    """ "5 days", "72 hours": whole days from five on, hours below, as the guide and RULES count."""
    days = period // DAY
    if period == days * DAY and days >= days_from:
        return f"{days} day{'s' if days != 1 else ''}"
    hours = int(period / HOUR)
    return f"{hours} hour{'s' if hours != 1 else ''}"


def _and(parts: Iterable[str]) -> str:
    *rest, last = parts
    return f"{', '.join(rest)} and {last}" if rest else last


def _spans(periods: list[timedelta]) -> str:
    """ "72 and 96 hours", "1, 3, 5 and 10 days"."""
    if all(one % DAY == timedelta(0) for one in periods) and max(periods) >= 5 * DAY:
        return f"{_and(str(one // DAY) for one in periods)} days"
    return f"{_and(str(int(one / HOUR)) for one in periods)} hours"


def reminders_text() -> str:
    """How often a seller is reminded."""
    return f"One reminder can be sent in {span(settings.REMINDER_INTERVAL)}."


def silence_texts(consequences: Iterable[Consequence], viewer: Party | None = None) -> list[str]:
    """What silence brings, in sentences; "you" is `viewer`, if the reader is a side."""
    given = list(consequences)
    texts = []
    reminded = [one for one in given if one.silence == Silence.REMIND]
    if reminded:
        who = _who(reminded[0].party, viewer)
        are = "are" if who == "you" else "is"
        texts.append(f"{_capital(who)} {are} reminded after {_spans([one.after for one in reminded])}.")
    for one in given:
        if one.silence == Silence.APPEAL:
            texts.append(f"After more than {span(one.after)} of silence {_who(one.party, viewer)} may appeal.")
        elif one.silence == Silence.ACCEPT:
            texts.append(
                f"After {span(one.after, days_from=1)} of silence the delivery counts as accepted; "
                "this clock stands still while an appeal is handled."
            )
    return texts


def appeal_opens(consequence: Consequence, viewer: Party) -> str:
    """Whose right it is, before its time: "You may appeal from", "Customer may appeal from"."""
    return f"{'You' if consequence.party is viewer else consequence.party.label} may appeal from"


def _who(party: Party, viewer: Party | None) -> str:
    return "you" if party is viewer else f"the {str(party.label).lower()}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
