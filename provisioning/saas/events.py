"""What happens between us and sellers' servers, for whoever listens through the outbox."""

from dataclasses import dataclass

from koogallery.kernel.outbox import Event
from orders.events import OrderEvent


@dataclass(frozen=True, slots=True)
class CallDue(Event):
    """A call to a seller is to be made now. `lane`: calls of one lane are made one after the other."""

    call: str
    lane: str

    @property
    def subject(self) -> str:
        return self.lane


@dataclass(frozen=True, slots=True)
class InterfaceCallFailed(OrderEvent):
    """A try of a call failed; it is tried again."""

    activity: str
    error: str


@dataclass(frozen=True, slots=True)
class InterfaceCallGivenUp(OrderEvent):
    """A call was given up after its time; the seller may restart it."""

    activity: str
    error: str


@dataclass(frozen=True, slots=True)
class InstanceNotDelivered(OrderEvent):
    """An order ended because its instance was not created or upgraded in time."""

    error: str


@dataclass(frozen=True, slots=True)
class InstanceReady(OrderEvent):
    """The seller made an instance, and its buyer can log in."""


@dataclass(frozen=True, slots=True)
class ProductDelisted(OrderEvent):
    """Too many orders of a product failed: it is off sale until operations lift it; the order is the last of them."""
