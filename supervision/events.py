"""What happened to service flows. Their subject is the order, so that they come in order with its own events."""

from dataclasses import dataclass

from orders.events import OrderEvent


@dataclass(frozen=True, slots=True)
class FlowOpened(OrderEvent):
    """Paid: the delivery is under supervision from now on. `waiting_on` is "buyer" or "seller"."""

    waiting_on: str


@dataclass(frozen=True, slots=True)
class RequestSubmitted(OrderEvent):
    """The buyer said what he needs."""


@dataclass(frozen=True, slots=True)
class RequestConfirmed(OrderEvent):
    """The seller takes the request on."""


@dataclass(frozen=True, slots=True)
class RequestRejected(OrderEvent):
    """The seller sent the request back; `reason` is his."""

    reason: str


@dataclass(frozen=True, slots=True)
class DraftDelivered(OrderEvent):
    """The seller showed a draft."""


@dataclass(frozen=True, slots=True)
class DraftAnswered(OrderEvent):
    """The buyer confirmed or rejected a draft."""

    confirmed: bool


@dataclass(frozen=True, slots=True)
class ReviewAwaited(OrderEvent):
    """A delivery waits for the platform's review."""


@dataclass(frozen=True, slots=True)
class DeliveryApproved(OrderEvent):
    """The platform's review passed a delivery, which waits for acceptance now."""


@dataclass(frozen=True, slots=True)
class MessageToBuyer(OrderEvent):
    """The seller wrote on the flow; `text` is how it begins."""

    text: str


@dataclass(frozen=True, slots=True)
class MessageToSeller(OrderEvent):
    """The buyer wrote on the flow; `text` is how it begins."""

    text: str


@dataclass(frozen=True, slots=True)
class DeliveryReturned(OrderEvent):
    """The platform's review sent a delivery back."""

    reason: str


@dataclass(frozen=True, slots=True)
class ServiceDelivered(OrderEvent):
    """A delivery waits for acceptance."""


@dataclass(frozen=True, slots=True)
class DeliveryAccepted(OrderEvent):
    """The buyer accepted; the term has started and the order completes three hours later."""


@dataclass(frozen=True, slots=True)
class DeliveryRejected(OrderEvent):
    """The buyer rejected; `reason` is his."""

    reason: str


@dataclass(frozen=True, slots=True)
class SellerReminded(OrderEvent):
    """The buyer reminds the seller that it is his turn."""


@dataclass(frozen=True, slots=True)
class SellerTurnReminder(OrderEvent):
    """The seller was silent for `waited` ("72 hours"); in `left` an appeal becomes possible."""

    waited: str
    left: str


@dataclass(frozen=True, slots=True)
class AcceptanceReminder(OrderEvent):
    """The buyer has not answered a delivery for `waited` ("3 days"); `outcome` is what silence brings."""

    waited: str
    outcome: str


@dataclass(frozen=True, slots=True)
class DeliveryAcceptedBySilence(OrderEvent):
    """The buyer was silent to the end; the term has started and the order completes three hours later."""


@dataclass(frozen=True, slots=True)
class AppealFiled(OrderEvent):
    """A side appealed; the flow is frozen. `by` is "buyer" or "seller"."""

    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class AppealOpened(OrderEvent):
    """The seller was silent for more than five days: the customer may appeal. `ground` in words."""

    ground: str


@dataclass(frozen=True, slots=True)
class CustomerAsked(OrderEvent):
    """Operations ask the customer for a statement."""

    question: str
    until: str


@dataclass(frozen=True, slots=True)
class SellerAsked(OrderEvent):
    """Operations ask the seller for a statement."""

    question: str
    until: str


@dataclass(frozen=True, slots=True)
class StatementGiven(OrderEvent):
    """The side that was asked answered; `by` is "customer" or "seller"."""

    by: str


@dataclass(frozen=True, slots=True)
class StatementMissed(OrderEvent):
    """The side that was asked was silent."""

    by: str


@dataclass(frozen=True, slots=True)
class RulingAwaitsConsent(OrderEvent):
    """A refund above the limit waits for another operator."""


@dataclass(frozen=True, slots=True)
class RulingLapsed(OrderEvent):
    """Nobody confirmed it in time: the appeal is undecided again."""


@dataclass(frozen=True, slots=True)
class AppealAnnounced(OrderEvent):
    """Decided, not yet in effect: either side may ask for a second look until then."""

    outcome: str
    reason: str
    until: str


@dataclass(frozen=True, slots=True)
class ReviewAsked(OrderEvent):
    """A side asked for a second look; `by` is "customer" or "seller"."""

    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class AppealOverdue(OrderEvent):
    """Operations owe an answer for longer than the service level allows."""

    due: str


@dataclass(frozen=True, slots=True)
class AppealEnded(OrderEvent):
    """Withdrawn, or its decision is in effect; `outcome` in words."""

    outcome: str


@dataclass(frozen=True, slots=True)
class FlowClosed(OrderEvent):
    """Ended without completion; the buyer is refunded."""

    reason: str
