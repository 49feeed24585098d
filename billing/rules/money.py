"""What a page says of an order's money: where it is and why (issue: either page says why it is still held). Pure."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from billing.choices import PaymentStatus
from orders.choices import OrderKind, OrderStatus


@dataclass(frozen=True, slots=True)
class MoneyState:
    """Where the money of an order is.

    Attributes:
        label: in two or three words.
        why: what it waits for, or what became of it.
        until: when the waiting ends by itself (UTC), where that is known.
    """

    label: str
    why: str
    until: datetime | None = None


def money_state(
    kind: str, status: str, *, accepted: bool, completes_at: datetime | None, supervised: bool
) -> MoneyState:
    """Where the money of a paid order is, for its buyer and its seller alike."""
    match status:
        case OrderStatus.PENDING_PAYMENT:
            return MoneyState(_("Not paid"), _("Nothing was paid yet."))
        case OrderStatus.PROCESSING if accepted:
            return MoneyState(
                _("Held"),
                _("The delivery was accepted; the payment is held until the order is Completed."),
                completes_at,
            )
        case OrderStatus.PROCESSING if supervised and kind == OrderKind.NEW:
            return MoneyState(
                _("Held"),
                _("The payment is held until the customer has accepted the delivery and the order is Completed."),
            )
        case OrderStatus.PROCESSING:
            return MoneyState(
                _("Held"), _("The payment is held until everything is delivered and the order is Completed.")
            )
        case OrderStatus.COMPLETED:
            return MoneyState(_("Payable"), _("The order is Completed: the payment is payable to the seller."))
        case OrderStatus.REFUNDING:
            return MoneyState(_("Going back"), _("The payment is on its way back to the customer."))
        case OrderStatus.REFUNDED:
            return MoneyState(_("Given back"), _("The payment was given back to the customer."))
    return MoneyState(_("None"), _("The order was canceled; what was paid for it is given back."))


IN_DISPUTE, CHARGED_BACK = "in_dispute", "charged_back"


def payment_state(status: str, in_dispute: bool, taken_back: Decimal | None) -> str:
    """What a payment's badge says: its status, or what the card holder's bank made of one that had succeeded."""
    if taken_back and status in (PaymentStatus.SUCCEEDED, PaymentStatus.PARTLY_REFUNDED):
        return IN_DISPUTE if in_dispute else CHARGED_BACK
    return status


def charge_back_state(in_dispute: bool) -> MoneyState:
    """What a buyer reads in place of `money_state` once his bank has taken back all that was not refunded."""
    if in_dispute:
        why = _("Your bank took the payment back. Whether it keeps it is not decided yet.")
        return MoneyState(_("In dispute"), why)
    return MoneyState(_("Charged back"), _("Your bank took the payment back."))
