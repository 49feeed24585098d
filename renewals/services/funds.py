"""What an automatic renewal is paid with: the balance when it is enough, else the default card, else monthly settlement."""

from dataclasses import dataclass
from datetime import datetime

from accounts.models import Account
from billing.choices import PaymentMethodKind
from billing.models import PaymentMethod
from billing.services import PaymentRequest
from billing.services.methods import balance_of, credit_for, usable_cards
from koogallery.kernel.money import Money
from koogallery.kernel.outbox import Event
from orders.models import Subscription
from orders.terms import last_day
from renewals.events import CardEndsBeforeRenewal
from renewals.models import RenewalPlan


@dataclass(frozen=True, slots=True)
class Funds:
    """How an amount is paid, in words for the account; or why it cannot be, when there is no request.

    Attributes:
        request: None where nobody is asked here: nothing is to be paid, or a reseller owes it.
        card: the card of the request, where it is one.
    """

    request: PaymentRequest | None
    label: str
    refusal: str = ""
    card: PaymentMethod | None = None


def card_ends_before(plan: RenewalPlan, subscription: Subscription) -> list[Event]:
    """What is told when none of the cards is valid any more at the deduction; nothing when one is, or none is bound.

    Told once for a card, its end and a deduction, however often the plan is changed; the caller saves `card_told`.
    """
    cards = usable_cards(subscription.account)
    if not cards or plan.deduct_at is None or any(not one.is_expired(plan.deduct_at) for one in cards):
        return []
    card = cards[0]
    on = str(last_day(plan.deduct_at))
    told = f"{card.public_id} {card.expires_year}-{card.expires_month:02} {on}"
    if plan.card_told == told:
        return []
    plan.card_told = told
    return [CardEndsBeforeRenewal(subscription=subscription.public_id, bound=str(card), on=on)]


def funds_for(account: Account, amount: Money, *, at: datetime) -> Funds:
    """With what `amount` would be paid at `at`, in one to three queries."""
    if not amount:
        return Funds(None, "nothing to pay")
    if account.reseller_id:
        return Funds(None, "your reseller")
    if amount <= balance_of(account, amount.currency):
        return Funds(PaymentRequest(PaymentMethodKind.BALANCE), "account balance")
    cards = usable_cards(account)
    if card := next((one for one in cards if not one.is_expired(at)), None):
        return Funds(PaymentRequest(PaymentMethodKind.CARD, card.public_id), str(card), card=card)
    granted, refusal = credit_for(account, amount)
    if granted and not refusal:
        return Funds(PaymentRequest(PaymentMethodKind.MONTHLY_SETTLEMENT), "monthly settlement")
    if cards:
        return Funds(None, str(cards[0]), f"{cards[0]} has expired. Bind another credit card.")
    return Funds(None, "no payment method", refusal or "No credit card is bound to the account.")
