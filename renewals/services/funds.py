"""What an automatic renewal is paid with: the balance when it is enough, else the default card, else monthly settlement."""

from dataclasses import dataclass
from datetime import datetime

from accounts.models import Account
from billing.choices import PaymentMethodKind
from billing.services import PaymentRequest, methods_of
from koogallery.kernel.money import Money


@dataclass(frozen=True, slots=True)
class Funds:
    """How an amount is paid, in words for the account; or why it cannot be, when there is no request.

    Attributes:
        request: None where nobody is asked here: nothing is to be paid, or a reseller owes it.
    """

    request: PaymentRequest | None
    label: str
    refusal: str = ""


def funds_for(account: Account, amount: Money, *, at: datetime) -> Funds:
    """With what `amount` would be paid at `at`, in three queries."""
    if not amount:
        return Funds(None, "nothing to pay")
    if account.reseller_id:
        return Funds(None, "your reseller")
    methods = methods_of(account, amount)
    if amount <= methods.balance:
        return Funds(PaymentRequest(PaymentMethodKind.BALANCE), "account balance")
    usable = [card for card in methods.cards if not card.is_expired(at)]
    if usable:
        card = usable[0]
        return Funds(PaymentRequest(PaymentMethodKind.CARD, card.public_id), str(card))
    if methods.credit is not None and not methods.credit_refusal:
        return Funds(PaymentRequest(PaymentMethodKind.MONTHLY_SETTLEMENT), "monthly settlement")
    if methods.cards:
        return Funds(None, str(methods.cards[0]), f"{methods.cards[0]} has expired. Bind another credit card.")
    return Funds(None, "no payment method", methods.credit_refusal or "No credit card is bound to the account.")
