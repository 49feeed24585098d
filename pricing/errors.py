"""Refusals of prices and quotes, with the codes of API.md."""

from koogallery.kernel.errors import DomainError, InvalidInput


class NotConfigurable(InvalidInput):
    """The specification, billing mode, duration, quantity or an attribute is not sold so."""

    default_message = "This configuration is not sold. Check the values and try again."


class QuoteExpired(DomainError):
    code = "quote_expired"
    status = 409
    default_message = "This price offer has expired or was used already. Ask for the price again."


class PriceChanged(DomainError):
    """`extra` carries the old and the new payable amount."""

    code = "price_changed"
    status = 409
    default_message = "The price has changed since you configured the product. Check the new price and confirm again."


class CouponInvalid(DomainError):
    code = "coupon_invalid"
    status = 400
    default_message = "This coupon cannot be used for this order."


class UpgradeNotAllowed(DomainError):
    """The subscription may not be upgraded, or not to this configuration (RULES 7)."""

    code = "upgrade_not_allowed"
    status = 409
    default_message = "This subscription cannot be upgraded."
