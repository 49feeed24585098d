"""What happened to payments."""

from dataclasses import dataclass

from koogallery.kernel.outbox import Event
from orders.events import OrderEvent


@dataclass(frozen=True, slots=True)
class PaymentFailed(OrderEvent):
    """The bank declined, or nobody confirmed; `reason` is for people."""

    reason: str


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
