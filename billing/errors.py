"""Refusals of payments, with the codes of API.md."""

from koogallery.kernel.errors import DomainError, InvalidInput, InvalidTransition


class PaymentMethodRequired(DomainError):
    code = "payment_method_required"
    status = 409
    default_message = "Bind a credit card to the account first (Billing Center > Payment Methods)."


class PaymentDeclined(DomainError):
    """`extra["reason"]` is the reason class of the bank."""

    code = "payment_declined"
    status = 402
    default_message = "The bank declined the card. Choose another method."


class PaymentActionRequired(DomainError):
    """`extra["action_url"]` is where the card holder confirms."""

    code = "payment_action_required"
    status = 409
    default_message = "The bank asks the card holder to confirm this payment."


class InArrears(DomainError):
    """A bill of what was used is unpaid; `extra["bill"]` is the oldest one's id."""

    code = "in_arrears"
    status = 409
    default_message = (
        "A usage bill of this account is in arrears. Pay it first (Billing Center > Bills), then order by use again."
    )


class CreditRefused(InvalidInput):
    """Monthly settlement was not granted, is overdue, or its limit does not allow the amount."""

    default_message = (
        "Monthly settlement is not enabled for this account. To enable credit payment, submit a service ticket."
    )


class NotUnsubscribable(InvalidTransition):
    """The kind of product, or its state, does not allow it; the message says why in the guide's words."""

    code = "not_unsubscribable"
    default_message = "This subscription cannot be unsubscribed."


class InvoiceMustBeReturned(InvalidTransition):
    """An invoice over its orders stands (guide 7.1 NOTICE); `extra["invoice"]` is its number."""

    code = "invoice_must_be_returned"
    default_message = (
        "An invoice has been issued. You can unsubscribe from the product only after the invoice is returned."
    )
