"""Refusals of payments, with the codes of API.md."""

from koogallery.kernel.errors import DomainError, InvalidInput


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


class CreditRefused(InvalidInput):
    """Monthly settlement was not granted, is overdue, or its limit does not allow the amount."""

    default_message = (
        "Monthly settlement is not enabled for this account. To enable credit payment, submit a service ticket."
    )
