"""What happened to orders, for whoever listens through the outbox."""

from dataclasses import dataclass

from koogallery.kernel.outbox import Event


@dataclass(frozen=True, slots=True)
class OrderEvent(Event):
    """Something happened to one order; events of an order are delivered in order."""

    order_number: str

    @property
    def subject(self) -> str:
        return f"order:{self.order_number}"


@dataclass(frozen=True, slots=True)
class OrderPlaced(OrderEvent):
    """A buyer confirmed an order that now waits for payment."""


@dataclass(frozen=True, slots=True)
class OrderPaid(OrderEvent):
    """The order is paid and its delivery has started."""


@dataclass(frozen=True, slots=True)
class OrderSubmitted(OrderEvent):
    """Nobody pays the order here, since it costs nothing or a reseller owes it; its delivery has started."""


@dataclass(frozen=True, slots=True)
class OrderCancelled(OrderEvent):
    """The order will not be delivered; `reason` is for people."""

    reason: str


@dataclass(frozen=True, slots=True)
class OrderCompleted(OrderEvent):
    """Everything is delivered and final; the seller's money is payable. `kind` is the order's."""

    kind: str = ""


@dataclass(frozen=True, slots=True)
class OrderRefunded(OrderEvent):
    """The buyer has his money back; `amount` as "5.00 USD"."""

    amount: str


@dataclass(frozen=True, slots=True)
class OrderTakenBack(OrderEvent):
    """The order ended and nothing of it was to be refunded: a coupon paid for it, or a bank took the money back."""


@dataclass(frozen=True, slots=True)
class SubscriptionStarted(OrderEvent):
    """A purchased app can be used from now on."""

    subscription: str


@dataclass(frozen=True, slots=True)
class UpgradePaid(OrderEvent):
    """A purchased app has a larger configuration from now on."""

    subscription: str


@dataclass(frozen=True, slots=True)
class UsageRecorded(Event):
    """Hours of pay-per-use were recorded up to `until` (ISO, UTC, a full hour)."""

    until: str

    @property
    def subject(self) -> str:
        return "usage"


@dataclass(frozen=True, slots=True)
class SubscriptionRenewed(OrderEvent):
    """A renewal is paid: the app runs on from its expiry until `until`, a day in GMT+08:00, for `amount` ("5.00 USD")."""

    subscription: str
    until: str
    amount: str


@dataclass(frozen=True, slots=True)
class RenewalTakenBack(OrderEvent):
    """A renewal was refunded in whole: the app expires when it would have without it."""

    subscription: str
