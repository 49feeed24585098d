"""What is true of service flows, without a database (RULES 1.3, 1.4)."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from accounts.actor import Party
from supervision.choices import LIVE_APPEALS, Action, AppealStatus, Silence

SATURDAY = 5

# "For more than five days" (guide 4.2): the right to appeal opens this much later than the deadline.
STRICTLY = timedelta(seconds=1)
# What a side is told of, once, when its time comes; each has a handler in `services/silence.py`. A seller is not told
# that he may appeal: the reminders of the buyer say so to both.
TOLD = {Silence.REMIND: frozenset({Party.BUYER, Party.SELLER}), Silence.APPEAL: frozenset({Party.BUYER})}


@dataclass(frozen=True, slots=True, order=True)
class Consequence:
    """What silence brings: `after` so much of it, `silence` happens, which concerns `party`.

    Reminders concern the side whose turn it is, the right to appeal the other side.
    """

    after: timedelta
    silence: Silence
    party: Party

    def at(self, since: datetime) -> datetime:
        """When it comes, if the turn began `since`."""
        return since + self.after + (STRICTLY if self.silence == Silence.APPEAL else timedelta(0))


def notices(consequences: Iterable[Consequence]) -> list[Consequence]:
    """Those of a state's consequences of which somebody is told, in the order of time."""
    return sorted(one for one in consequences if one.party in TOLD.get(one.silence, ()))


def notices_due(consequences: Iterable[Consequence], since: datetime, due: datetime) -> list[Consequence]:
    """The notices whose time is `due`, if the turn began `since`."""
    return [one for one in notices(consequences) if one.at(since) == due]


def next_notice(consequences: Iterable[Consequence], since: datetime, after: datetime) -> datetime | None:
    """When the next notice comes after the moment `after`; None when none is left of this turn."""
    return min((one.at(since) for one in notices(consequences) if one.at(since) > after), default=None)


@dataclass(frozen=True, slots=True)
class AppealTerms:
    """What decides whether an appeal may be filed now. Times are aware, in UTC.

    Attributes:
        opens_at: from when the silence of the side whose turn it is opens the appeal to the other one.
        ban: how long before the flow ends appeals close; `silence`: how long the side whose turn it is has.
        appeal_after: rejections by either side that open it anywhere.
        appeal_on_acceptance_after: the customer's rejections that open it to him where he is to accept.
    """

    open: bool
    already_open: bool
    waiting_on: Party | None
    opens_at: datetime | None
    on_acceptance: bool
    seller_rejections: int
    buyer_rejections: int
    appeals_close_at: datetime
    ban: timedelta
    silence: timedelta
    appeal_after: int
    appeal_on_acceptance_after: int


@dataclass(frozen=True, slots=True)
class AppealVerdict:
    """Whether an appeal is allowed, on which ground or why not, and from when the clock alone will allow it."""

    allowed: bool
    reason: str
    allowed_from: datetime | None = None


def _days(period: timedelta) -> str:
    if period % timedelta(days=1):
        return f"{period // timedelta(hours=1)} hours"
    return f"{period.days} days" if period.days != 1 else "1 day"


def appeal_verdict(terms: AppealTerms, by: Party, at: datetime) -> AppealVerdict:
    """Whether `by` may appeal at `at` (RULES 1.4): the ground, or the refusal with the time from which it opens."""
    if not terms.open:
        return AppealVerdict(False, "The service flow has ended.")
    if terms.already_open:
        return AppealVerdict(False, "An appeal is being handled already.")
    if by not in (Party.BUYER, Party.SELLER):
        return AppealVerdict(False, "Only the customer and the seller can appeal.")
    if at >= terms.appeals_close_at:
        return AppealVerdict(False, f"Appeals closed {_days(terms.ban)} before the service flow ends.")
    most = terms.appeal_after
    if terms.seller_rejections >= most:
        return AppealVerdict(True, f"The seller has rejected the request {terms.seller_rejections} times.")
    if terms.buyer_rejections >= most:
        return AppealVerdict(True, f"The customer has rejected the delivery {terms.buyer_rejections} times.")
    if by is Party.BUYER and terms.on_acceptance and terms.buyer_rejections >= terms.appeal_on_acceptance_after:
        return AppealVerdict(True, f"You have rejected the delivery {terms.buyer_rejections} times.")
    other = Party.SELLER if by is Party.BUYER else Party.BUYER
    if terms.waiting_on is other and terms.opens_at is not None:
        who = "seller" if other is Party.SELLER else "customer"
        if at >= terms.opens_at:
            return AppealVerdict(
                True, f"The {who} has not updated the service flow for more than {_days(terms.silence)}."
            )
        if terms.opens_at < terms.appeals_close_at:
            why = f"It opens if the {who} does not update the service flow for more than {_days(terms.silence)}."
            return AppealVerdict(False, f"{why} It also opens after {most} rejections by either side.", terms.opens_at)
    return AppealVerdict(
        False,
        f"It opens after {most} rejections by either side, or if the other side does not update the service flow "
        f"for more than {_days(terms.silence)}.",
    )


def reminder_allowed_from(last_sent: datetime | None, interval: timedelta) -> datetime | None:
    """From when the next reminder may be sent; None at once (RULES 1.3: one in 24 hours)."""
    return None if last_sent is None else last_sent + interval


def messages_refusal(frozen: bool, ended_at: datetime | None, at: datetime, kept_open: timedelta) -> str | None:
    """Why the sides cannot write to each other on a flow now, or None.

    While an appeal freezes the flow they have their statements; a message would be an act that nobody may do
    (guide 4.2). After the end questions are still answered for a while.
    """
    if frozen:
        return "An appeal is being handled: write a statement when operations ask for one."
    if ended_at is not None and at > ended_at + kept_open:
        return f"The service flow ended more than {_days(kept_open)} ago. Open a service ticket."
    return None


@dataclass(frozen=True, slots=True)
class CaseTerms:
    """What decides what a side may do in an appeal.

    Attributes:
        appellant: who filed it.
        asked: the sides that owe a statement, each with its deadline.
        waived: the sides that waived the second look.
        reviewed: whether a second look was asked for; there is one only.
        takes_effect_at: of a decision that is not in effect.
        withdrawable: whether this site lets appeals be withdrawn at all.
    """

    status: AppealStatus
    appellant: Party
    asked: dict[Party, datetime]
    waived: frozenset[Party]
    reviewed: bool
    takes_effect_at: datetime | None
    withdrawable: bool = True


def case_refusal(case: CaseTerms, action: Action, by: Party, at: datetime) -> str | None:
    """Why `by` may not take `action` in an appeal at `at`, or None: the only acts while a flow is frozen (RULES 1.5)."""
    if case.status not in LIVE_APPEALS:
        return "The appeal has ended."
    if by not in (Party.BUYER, Party.SELLER):
        return "Only the customer and the seller act in an appeal; operations decide it."
    decided = case.status == AppealStatus.ANNOUNCED
    match action:
        case Action.WITHDRAW_APPEAL:
            if not case.withdrawable:
                return "Appeals cannot be withdrawn here."
            if by is not case.appellant:
                return "Only the side that appealed can withdraw the appeal."
            if case.status not in (AppealStatus.OPEN, AppealStatus.AWAITING_CONSENT):
                return "The appeal is decided: it cannot be withdrawn any more."
        case Action.STATEMENT:
            if by not in case.asked:
                return "Operations have not asked you for a statement."
            if at >= case.asked[by]:
                return "The deadline for your statement has passed."
        case Action.REVIEW | Action.WAIVE_REVIEW:
            if case.reviewed:
                return "A second look was asked for. Its decision is final."
            if not decided or case.takes_effect_at is None:
                return "Operations have not decided yet."
            if at >= case.takes_effect_at:
                return "The decision is in effect."
            if by in case.waived:
                return "You have waived the second look."
        case _:
            return "An appeal is being handled."
    return None


def working_days_after(start: datetime, days: int, zone: tzinfo, holidays: Collection[date] = frozenset()) -> datetime:
    """`days` working days after `start`, at the same time of day: Monday to Friday in `zone`, but for `holidays`.

    What comes in on a day off counts from the next working day, 00:00.
    """
    local = start.astimezone(zone)
    if _is_off(local, holidays):
        local = datetime.combine(local.date(), time(), zone)
        while _is_off(local, holidays):
            local += timedelta(days=1)
    while days:
        local += timedelta(days=1)
        days -= not _is_off(local, holidays)
    return local.astimezone(start.tzinfo)


def _is_off(local: datetime, holidays: Collection[date]) -> bool:
    return local.weekday() >= SATURDAY or local.date() in holidays
