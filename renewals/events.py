"""What happens to a subscription as time passes."""

from dataclasses import dataclass

from koogallery.kernel.outbox import Event


@dataclass(frozen=True, slots=True)
class SubscriptionEvent(Event):
    """Something happened to one subscription; its events are delivered in order."""

    subscription: str

    @property
    def subject(self) -> str:
        return f"subscription:{self.subscription}"


@dataclass(frozen=True, slots=True)
class SubscriptionExpired(SubscriptionEvent):
    """Its term is over; in the grace period it is still usable."""


@dataclass(frozen=True, slots=True)
class SubscriptionFrozen(SubscriptionEvent):
    """The grace period is over: not usable, data kept."""


@dataclass(frozen=True, slots=True)
class SubscriptionReleased(SubscriptionEvent):
    """The retention period is over: gone."""


@dataclass(frozen=True, slots=True)
class AutoRenewalEnabled(SubscriptionEvent):
    """Auto-renewal was switched on or changed: what it buys, when that is deducted next, and how often; in words."""

    period: str
    deducted: str
    often: str


@dataclass(frozen=True, slots=True)
class AutoRenewalDisabled(SubscriptionEvent):
    """Auto-renewal is off from now on."""

    why: str


@dataclass(frozen=True, slots=True)
class RenewalDeductionStarted(SubscriptionEvent):
    """An automatic renewal is ordered; its card is charged outside the transaction."""

    payment: str


@dataclass(frozen=True, slots=True)
class Announcement(SubscriptionEvent):
    """Something will happen `on` a day in GMT+08:00, `when` in words ("in 3 days")."""

    when: str
    on: str


@dataclass(frozen=True, slots=True)
class WillRenew(Announcement):
    """It renews by itself: what that buys and costs, with what it is paid, how that differs from the last term."""

    period: str
    amount: str
    method: str
    change: str


@dataclass(frozen=True, slots=True)
class AutoRenewalFailed(Announcement):
    """The deduction failed, and it expires on that day unless the next try succeeds."""

    amount: str
    method: str
    change: str
    why: str


@dataclass(frozen=True, slots=True)
class CardEndsBeforeRenewal(SubscriptionEvent):
    """The card that would be charged `on` a day is no longer valid then. `bound`: the card, in words."""

    bound: str
    on: str


@dataclass(frozen=True, slots=True)
class WillExpire(Announcement):
    """It expires unless somebody renews it. `costs`: a sentence on what that costs, or why it cannot be renewed."""

    costs: str


@dataclass(frozen=True, slots=True)
class WillEnd(Announcement):
    """It ends, as the account has decided; `costs` as above."""

    costs: str


@dataclass(frozen=True, slots=True)
class WillFreeze(Announcement):
    """The grace period ends; `costs` as above."""

    costs: str


@dataclass(frozen=True, slots=True)
class WillBeReleased(Announcement):
    """The retention period ends, and with it the data; `costs` as above."""

    costs: str
