"""What a time of use costs: the one place that reckons pay-per-use (RULES 8). Pure."""

from dataclasses import dataclass
from decimal import localcontext

from koogallery.kernel.money import PRECISION, Money
from pricing.reductions import HUNDRED
from pricing.values import MeteredPrice

SECONDS_AN_HOUR = 3600


@dataclass(frozen=True, slots=True)
class UseCharge:
    """The amount after the discount, and the tax on it, each rounded once."""

    amount: Money
    tax: Money

    @property
    def total(self) -> Money:
        return self.amount + self.tax


def use_charge(seconds: int, price: MeteredPrice) -> UseCharge:
    """What `seconds` of use cost; negative seconds give money back."""
    with localcontext() as context:
        context.prec = PRECISION
        left = HUNDRED - price.discount_percent
        exact = price.unit_price.amount * seconds * left / (HUNDRED * SECONDS_AN_HOUR)
        amount = Money(exact, price.unit_price.currency).rounded()
        tax = Money(amount.amount * price.tax_percent / HUNDRED, amount.currency).rounded()
    return UseCharge(amount, tax)
