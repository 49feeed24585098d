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
