"""Refusals of metering."""

from koogallery.kernel.errors import DomainError


class NotPriced(DomainError):
    """A pay-per-use line without the price of an hour: a fault of who placed the order."""

    code = "not_priced"
    default_message = "This order line has no price of an hour; it cannot be metered."
