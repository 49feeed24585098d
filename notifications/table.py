"""The one table of who is told what, when, and by which channel (docs/notifications.md is made from it).

An event without a row here fails a test: either somebody is told, or the row says why nobody is.
"""

from dataclasses import dataclass
from enum import Enum

from billing import events as billing
from catalog import events as catalog
from koogallery.kernel.outbox import Event
from notifications import events as messages
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

    A subject line begins with the action (UX 5). `link` names the page to act on (`services.LINKS`).
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
        orders.OrderSubmitted,
        Audience.BUYERS,
        "Order submitted: {product} ({order})",
        "There is nothing to pay here, and the delivery has begun.",
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
        supervision.FlowOpened,
        Audience.SELLERS,
        "New order: {product} ({order})",
        "{account} has paid. The service page says whose turn it is and until when.",
        "seller_flow",
    ),
    Notice(
        supervision.RequestSubmitted,
        Audience.SELLERS,
        "Confirm the request: {product} ({order})",
        "{account} submitted a request. Confirm or reject it; after five days without an update an appeal is possible.",
        "seller_flow",
    ),
    Notice(
        supervision.RequestConfirmed,
        Audience.BUYERS,
        "Request confirmed: {product} ({order})",
        "{seller} took your request on and delivers next.",
        "flow",
    ),
    Notice(
        supervision.RequestRejected,
        Audience.BUYERS,
        "Submit the request again: {product} ({order})",
        "{seller} rejected your request: {reason}",
        "flow",
    ),
    Notice(
        supervision.DraftDelivered,
        Audience.BUYERS,
        "Confirm the draft: {product} ({order})",
        "{seller} shows a draft. Confirm or reject it.",
        "flow",
    ),
    Notice(
        supervision.DraftAnswered,
        Audience.SELLERS,
        "Draft answered: {product} ({order})",
        "{account} answered your draft.",
        "seller_flow",
    ),
    Notice(
        supervision.ReviewAwaited,
        Audience.OPERATORS,
        "Review a delivery: {product} ({order})",
        "{seller} delivered a joint-operation product.",
        "admin_flow",
    ),
    Notice(
        supervision.DeliveryApproved,
        Audience.SELLERS,
        "Review passed: {product} ({order})",
        "The platform's review passed your delivery; {account} accepts or rejects it next.",
        "seller_flow",
        email=False,
    ),
    Notice(
        supervision.DeliveryReturned,
        Audience.BUYERS,
        "Returned by the platform's review: {product} ({order})",
        "The delivery went back to {seller}, who delivers again: {reason}",
        "flow",
        email=False,
    ),
    Notice(
        supervision.MessageToBuyer,
        Audience.BUYERS,
        "Message from {seller}: {product} ({order})",
        "{text}",
        "flow",
    ),
    Notice(
        supervision.MessageToSeller,
        Audience.SELLERS,
        "Message from {account}: {product} ({order})",
        "{text}",
        "seller_flow",
    ),
    Notice(
        supervision.DeliveryReturned,
        Audience.SELLERS,
        "Deliver again: {product} ({order})",
        "The platform's review returned your delivery: {reason}",
        "seller_flow",
    ),
    Notice(
        supervision.ServiceDelivered,
        Audience.BUYERS,
        "Confirm acceptance: {product} ({order})",
        "{seller} delivered. Accept it if you are satisfied, or reject it with a reason.",
        "flow",
    ),
    Notice(
        supervision.DeliveryAccepted,
        Audience.SELLERS,
        "Accepted: {product} ({order})",
        "{account} accepted your delivery. The order completes three hours later.",
        "seller_flow",
    ),
    Notice(
        supervision.DeliveryAccepted,
        Audience.BUYERS,
        "Service accepted: {product} ({order})",
        "The term has started and the product can be used. The order completes three hours later.",
        "flow",
        email=False,
    ),
    Notice(
        supervision.DeliveryRejected,
        Audience.SELLERS,
        "Deliver again: {product} ({order})",
        "{account} rejected your delivery: {reason}",
        "seller_flow",
    ),
    Notice(
        supervision.SellerReminded,
        Audience.SELLERS,
        "Reminder: it is your turn with {product} ({order})",
        "{account} waits for you. After five days without an update an appeal is possible.",
        "seller_flow",
    ),
    Notice(
        supervision.SellerTurnReminder,
        Audience.SELLERS,
        "Reminder: it is your turn with {product} ({order})",
        "{account} has waited for {waited}. Update the service flow within {left}; then an appeal is possible.",
        "seller_flow",
    ),
    Notice(
        supervision.AcceptanceReminder,
        Audience.BUYERS,
        "Reminder: accept or reject {product} ({order})",
        "{seller} has waited for your answer for {waited}. {outcome}",
        "flow",
    ),
    Notice(
        supervision.DeliveryAcceptedBySilence,
        Audience.BUYERS,
        "Accepted by silence: {product} ({order})",
        "You did not answer the delivery in time. The term has started; the order completes three hours later.",
        "flow",
    ),
    Notice(
        supervision.DeliveryAcceptedBySilence,
        Audience.SELLERS,
        "Accepted by silence: {product} ({order})",
        "{account} did not answer your delivery in time. The order completes three hours later.",
        "seller_flow",
    ),
    Notice(
        supervision.AppealFiled,
        Audience.OPERATORS,
        "Decide an appeal: {product} ({order})",
        "The {by} appealed: {reason}",
        "admin_appeal",
    ),
    Notice(
        supervision.AppealFiled,
        Audience.BUYERS,
        "An appeal is being handled: {product} ({order})",
        "The service flow is frozen until operations have decided.",
        "flow",
    ),
    Notice(
        supervision.AppealFiled,
        Audience.SELLERS,
        "An appeal is being handled: {product} ({order})",
        "The service flow is frozen until operations have decided.",
        "seller_flow",
    ),
    Notice(
        supervision.AppealOpened,
        Audience.BUYERS,
        "You can appeal: {product} ({order})",
        "{ground} Open the page to submit the appeal; the reason is filled in.",
        "flow_appeal",
    ),
    Notice(
        supervision.CustomerAsked,
        Audience.BUYERS,
        "Give a statement until {until}: {product} ({order})",
        "Operations ask you about the appeal: {question}",
        "flow_statement",
    ),
    Notice(
        supervision.SellerAsked,
        Audience.SELLERS,
        "Give a statement until {until}: {product} ({order})",
        "Operations ask you about the appeal: {question}",
        "seller_flow_statement",
    ),
    Notice(
        supervision.StatementGiven,
        Audience.OPERATORS,
        "Read a statement: {product} ({order})",
        "The {by} answered what was asked about the appeal.",
        "admin_appeal",
    ),
    Notice(
        supervision.StatementMissed,
        Audience.OPERATORS,
        "No statement came: {product} ({order})",
        "The {by} was silent until the deadline. The appeal can be decided without it.",
        "admin_appeal",
        email=False,
    ),
    Notice(
        supervision.RulingAwaitsConsent,
        Audience.OPERATORS,
        "Confirm a decision: {product} ({order})",
        "A refund above the limit needs a second operator. It lapses after three days.",
        "admin_appeal",
    ),
    Notice(
        supervision.RulingLapsed,
        Audience.OPERATORS,
        "Decide again: {product} ({order})",
        "Nobody confirmed the refund in time.",
        "admin_appeal",
    ),
    Notice(
        supervision.AppealAnnounced,
        Audience.BUYERS,
        "The appeal is decided: {product} ({order})",
        "{outcome} {reason} It takes effect on {until} unless a side asks for a second look before.",
        "flow",
    ),
    Notice(
        supervision.AppealAnnounced,
        Audience.SELLERS,
        "The appeal is decided: {product} ({order})",
        "{outcome} {reason} It takes effect on {until} unless a side asks for a second look before.",
        "seller_flow",
    ),
    Notice(
        supervision.ReviewAsked,
        Audience.OPERATORS,
        "Take a second look: {product} ({order})",
        "The {by} asks for another operator: {reason}",
        "admin_appeal",
    ),
    Notice(
        supervision.ReviewAsked,
        Audience.BUYERS,
        "A second look was asked for: {product} ({order})",
        "The {by} asked for it. Another operator decides; that decision is final.",
        "flow",
    ),
    Notice(
        supervision.ReviewAsked,
        Audience.SELLERS,
        "A second look was asked for: {product} ({order})",
        "The {by} asked for it. Another operator decides; that decision is final.",
        "seller_flow",
    ),
    Notice(
        supervision.AppealOverdue,
        Audience.OPERATORS,
        "Overdue: decide the appeal on {product} ({order})",
        "An answer was due on {due}.",
        "admin_appeal",
    ),
    Notice(
        supervision.AppealEnded,
        Audience.BUYERS,
        "The appeal has ended: {product} ({order})",
        "{outcome}",
        "flow",
    ),
    Notice(
        supervision.AppealEnded,
        Audience.SELLERS,
        "The appeal has ended: {product} ({order})",
        "{outcome}",
        "seller_flow",
    ),
    Notice(
        supervision.FlowClosed,
        Audience.BUYERS,
        "Service closed: {product} ({order})",
        "{reason} What was paid is refunded.",
        "flow",
    ),
    Notice(
        supervision.FlowClosed,
        Audience.SELLERS,
        "Service closed: {product} ({order})",
        "{reason} The customer is refunded.",
        "seller_flow",
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
        "The money went back to where it came from.",
        "order",
    ),
    Notice(
        orders.OrderTakenBack,
        Audience.BUYERS,
        "Order ended: {product} ({order})",
        "Nothing of it was left to be refunded. A coupon that was used for it is yours again.",
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
        billing.PaymentNeedsAction,
        Audience.PAYERS,
        "Confirm a payment at the bank: {product} ({order})",
        "The bank asks the card holder to confirm the payment. Nothing was charged yet.",
        "order",
    ),
    Notice(
        billing.StatementPaymentFailed,
        Audience.PAYERS,
        "Choose another payment method: statement of {month}",
        "{reason}",
        "statement",
    ),
    Notice(
        billing.StatementPaymentNeedsAction,
        Audience.PAYERS,
        "Confirm a payment at the bank: statement of {month}",
        "The bank asks the card holder to confirm the payment. Nothing was charged yet.",
        "statement",
    ),
    Notice(
        billing.PaymentReversed,
        Audience.PAYERS,
        "A late payment goes back: {product} ({order})",
        "{amount} arrived when the order could not be paid any more. It is refunded to where it came from.",
        "order",
    ),
    Notice(
        billing.RefundProposed,
        Audience.OPERATORS,
        "Consent to a refund or decline it: {order}",
        "An operator proposes a refund above the limit of one person. It lapses by itself.",
        "admin_refund",
    ),
    Notice(
        billing.UnsubscriptionInReview,
        Audience.OPERATORS,
        "Review an unsubscription: {product} ({order})",
        "{account} unsubscribed; {amount} would go back. It is approved by itself at {until}.",
        "admin_unsubscription",
    ),
    Notice(
        billing.UnsubscriptionInReview,
        Audience.PAYERS,
        "Unsubscription in review: {product} ({order})",
        "The refund of {amount} is reviewed first, until {until} at the latest. Nothing changes until then.",
        "order",
    ),
    Notice(
        billing.Unsubscribed,
        Audience.PAYERS,
        "Unsubscribed: {product} ({order})",
        "The subscription is closed and its resources are released. {amount} goes back to the original payment method.",
        "order",
    ),
    Notice(
        billing.Unsubscribed,
        Audience.SELLERS,
        "Unsubscribed: {product} ({order})",
        "{account} unsubscribed; {amount} goes back.",
        "seller_orders",
        email=False,
    ),
    Notice(
        billing.UnsubscriptionDeclined,
        Audience.PAYERS,
        "Unsubscription declined: {product} ({order})",
        "{reason} The subscription goes on as before.",
        "order",
    ),
    Notice(
        billing.DisputeOpened,
        Audience.OPERATORS,
        "Answer a charge-back: payment {payment}",
        "The card holder of {account} had the bank take the money back: {dispute}",
        "admin_dispute",
    ),
    Notice(
        billing.DisputeExceedsCharge,
        Audience.OPERATORS,
        "Look at a charge-back: more than is left of payment {payment}",
        "The bank of {account} takes {amount} back by {dispute}; only what was not refunded before is in the books.",
        "admin_dispute",
    ),
    Notice(
        billing.StatementIssued,
        Audience.PAYERS,
        "Pay your statement of {month}: {owed}",
        "It is due on {due}.",
        "statement",
    ),
    Notice(
        billing.StatementOverdue,
        Audience.PAYERS,
        "Overdue: pay your statement of {month}",
        "{owed} was due on {due}. No new orders on monthly settlement are possible until it is paid; later the account is frozen.",
        "statement",
    ),
    Notice(
        billing.StatementPaid,
        Audience.PAYERS,
        "Statement of {month} is paid",
        "Nothing is owed for that month any more.",
        "statement",
        email=False,
    ),
    Notice(
        billing.AccountFrozenForDebt,
        Audience.PAYERS,
        "Pay your statement of {month}: the account is frozen",
        "{owed} was due on {due}. No orders can be placed or paid, and your apps are out of use, until it is paid.",
        "statement",
    ),
    Notice(
        billing.AccountFrozenForDebt,
        Audience.OPERATORS,
        "Frozen for debt: {account}",
        "The statement of {month} over {owed} was due on {due}. The freeze is lifted by itself when it is paid.",
        "admin_statement",
        email=False,
    ),
    Notice(
        billing.DebtFreezeLifted,
        Audience.PAYERS,
        "The account is in use again",
        "Every overdue statement is paid; your apps can be used.",
        "statement",
    ),
    Notice(
        billing.CardExpiring,
        Audience.PAYERS,
        "Bind another credit card: {card} expires this month",
        "Orders and renewals cannot be charged to it afterwards.",
        "cards",
    ),
    Notice(
        orders.UpgradePaid,
        Audience.SELLERS,
        "Raise {product} for {account} ({order})",
        "An upgrade was paid; the new configuration is in force now. Delivery by interface happens by itself.",
        "seller_orders",
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
    Untold(catalog.ProductPublished, "Operations did it; the seller sees it in his list of products."),
    Untold(catalog.ProductTakenDown, "Operations or the seller did it; instances sold keep running."),
    Untold(orders.SubscriptionStarted, "The buyer accepted a moment ago; the flow's own notice says so."),
    Untold(billing.PaymentInDoubt, "Between us and the gateway; its outcome is told."),
    Untold(messages.MessagesWritten, "It is how e-mails leave."),
    Untold(billing.WrongAmountTaken, "Between us and the gateway; the payment's failure is told."),
    Untold(billing.CardUnbound, "Between us and the gateway; the buyer did it."),
    Untold(billing.RefundInDoubt, "Between us and the gateway; its outcome is told."),
    Untold(billing.RefundRequested, "Between us and the gateway; its outcome is told."),
]
