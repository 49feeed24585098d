"""The one table of who is told what, when, and by which channel (docs/notifications.md is made from it).

An event without a row here fails a test: either somebody is told, or the row says why nobody is.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from accounts.actor import Party
from billing import events as billing
from koogallery.kernel.outbox import Event
from orders import events as orders
from renewals import events as renewals
from supervision import events as supervision


class Audience(Enum):
    """Who is told: the people of one side who may do what comes next."""

    BUYERS = "the account's owners and purchasers"
    PAYERS = "the account's owners and finance members"
    SELLERS = "the seller's members"
    OPERATORS = "operations staff"


@dataclass(frozen=True, slots=True)
class Notice:
    """One row: on `event`, `audience` reads `title` and `text`, which may name `{order}`, `{product}`, `{seller}`,
    `{account}` and the event's own fields; `email` says whether it also goes out by e-mail.

    A subject line begins with the action (UX 5). `link` names the page to act on: order, flow, app, admin.
    """

    event: type[Event]
    audience: Audience
    title: str
    text: str
    link: str
    email: bool = True


@dataclass(frozen=True, slots=True)
class Untold:
    """An event of which nobody is told, and why."""

    event: type[Event]
    why: str


NOTICES: list[Notice] = [
    Notice(
        orders.OrderPlaced,
        Audience.PAYERS,
        "Pay for your order: {product} ({order})",
        "The order is pending payment. It is canceled if it is not paid in time.",
        "order",
        email=False,
    ),
    Notice(
        orders.OrderPaid,
        Audience.BUYERS,
        "Order paid: {product} ({order})",
        "The payment succeeded and the delivery has begun.",
        "order",
    ),
    Notice(
        orders.OrderCancelled,
        Audience.BUYERS,
        "Order canceled: {product} ({order})",
        "{reason} Anything that was paid is refunded.",
        "order",
    ),
    Notice(
        orders.OrderCompleted,
        Audience.BUYERS,
        "Order completed: {product} ({order})",
        "Everything that this order bought is delivered and final.",
        "order",
    ),
    Notice(
        orders.OrderCompleted,
        Audience.SELLERS,
        "Order completed: {product} ({order})",
        "What {account} paid is payable to you now.",
        "seller_flow",
        email=False,
    ),
    Notice(
        orders.OrderRefunded,
        Audience.PAYERS,
        "Refunded {amount}: {product} ({order})",
        "The money went back to the card that paid.",
        "order",
    ),
    Notice(
        billing.PaymentFailed,
        Audience.PAYERS,
        "Choose another payment method: {product} ({order})",
        "{reason}",
        "order",
    ),
    Notice(
        billing.RefundStuck,
        Audience.OPERATORS,
        "Pay a refund by hand: {order}",
        "The card processor refuses refund {refund} for good.",
        "admin",
    ),
    Notice(
        renewals.SubscriptionExpired,
        Audience.PAYERS,
        "Renew {product}: it has expired",
        "In the grace period it is still usable; renew it before that ends.",
        "app",
    ),
    Notice(
        renewals.SubscriptionFrozen,
        Audience.PAYERS,
        "Renew {product}: it is frozen",
        "It cannot be used; its data is kept until the retention period ends.",
        "app",
    ),
    Notice(
        renewals.SubscriptionReleased,
        Audience.PAYERS,
        "Closed: {product}",
        "The retention period is over; the resource was released and cannot be renewed.",
        "app",
    ),
]

UNTOLD: list[Untold] = [
    Untold(orders.SubscriptionStarted, "The buyer accepted a moment ago; the flow's own notice says so."),
    Untold(billing.PaymentInDoubt, "Between us and the gateway; its outcome is told."),
    Untold(billing.RefundRequested, "Between us and the gateway; its outcome is told."),
]
