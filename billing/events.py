"""What happened to payments."""

from dataclasses import dataclass

from koogallery.kernel.outbox import Event
from orders.events import OrderEvent


@dataclass(frozen=True, slots=True)
class PaymentFailed(OrderEvent):
    """The bank declined, or nobody confirmed; `reason` is for people."""

    reason: str


@dataclass(frozen=True, slots=True)
class PaymentInDoubt(Event):
    """A payment's outcome is unknown: ask the gateway; with `last_call` give up waiting for the card holder."""

    payment: str
    last_call: bool

    @property
    def subject(self) -> str:
        return f"payment:{self.payment}"


@dataclass(frozen=True, slots=True)
class RefundRequested(Event):
    """A refund was decided and recorded; it is carried out outside the transaction."""

    refund: str

    @property
    def subject(self) -> str:
        return f"refund:{self.refund}"


@dataclass(frozen=True, slots=True)
class RefundStuck(OrderEvent):
    """The gateway refuses a refund for good: operations must pay it by hand."""

    refund: str
