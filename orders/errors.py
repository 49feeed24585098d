"""Refusals of orders, with the codes of API.md."""

from koogallery.kernel.errors import DomainError, InvalidInput, InvalidTransition


class AgreementsNotAccepted(DomainError):
    code = "agreements_not_accepted"
    status = 400
    default_message = "Select the Terms and Conditions to continue."


class AgreementsChanged(AgreementsNotAccepted):
    """A text was superseded after it was shown: nobody accepts what he has not seen."""

    status = 409
    default_message = "The Terms and Conditions have a new version since they were shown. Read it and accept it."


class OrderNotPayable(InvalidTransition):
    code = "order_not_payable"
    default_message = "This order cannot be paid: it is paid already, was canceled, or its payment deadline has passed."


class PendingOrderExists(InvalidTransition):
    code = "pending_order_exists"
    default_message = "An unpaid order exists for this subscription. Pay or cancel it first."


class AccountFrozen(DomainError):
    code = "account_frozen"
    status = 403
    default_message = "This account is frozen and cannot place orders. Contact support."


class NotForSale(InvalidInput):
    """Nobody can deliver the product now, or it is not on sale."""

    default_message = "This product is not available for purchase."


class NotRenewable(InvalidTransition):
    code = "not_renewable"
    default_message = "This subscription cannot be renewed."


class AutoRenewalNotSupported(InvalidTransition):
    code = "auto_renewal_not_supported"
    default_message = "This product does not support auto-renewal."


class FlowFrozen(InvalidTransition):
    """An appeal on the order's delivery is open: no other verb on it, its flow or its money."""

    code = "flow_frozen"
    default_message = (
        "An appeal is being handled. You and the seller cannot perform any operations until it is handled."
    )
