"""What we ask of a card processor. Calls happen outside any transaction, between two recorded states."""

from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from koogallery.kernel.money import Money


class ChargeOutcome(Enum):
    """What became of a charge or refund. `UNKNOWN`: no answer arrived; ask later, never guess."""

    SUCCEEDED = "succeeded"
    DECLINED = "declined"
    ACTION_REQUIRED = "action_required"
    NOT_FOUND = "not_found"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class GatewayAnswer:
    """A processor's answer.

    Attributes:
        reference: the processor's name for the charge; empty when unknown.
        amount: what was really taken, when the processor says.
        reason: a reason class for a decline (`insufficient_funds`, ...).
        action_url: where the card holder confirms.
    """

    outcome: ChargeOutcome
    reference: str = ""
    amount: Money | None = None
    reason: str = ""
    action_url: str = ""


@dataclass(frozen=True, slots=True)
class CardDetails:
    """What a processor tells of a bound card; never its number."""

    reference: str
    brand: str
    last4: str
    expires_year: int
    expires_month: int


class PaymentGateway(Protocol):
    """A card processor. Every call carries our key; the same key never charges twice."""

    name: str

    def charge(self, key: str, card: str, amount: Money) -> GatewayAnswer:
        """Charge the bound card off-session."""

    def find_charge(self, key: str) -> GatewayAnswer:
        """What became of the charge with our key; NOT_FOUND when it never arrived."""

    def cancel_charge(self, key: str) -> GatewayAnswer:
        """Give up a charge that waits for its card holder; answers what became of it in the end."""

    def refund(self, key: str, charge: str, amount: Money) -> GatewayAnswer:
        """Give back a part or all of a charge."""

    def binding_url(self, return_to: str) -> str:
        """The hosted page where a card holder enters a card; it returns to `return_to` with `card=<reference>`."""

    def card_details(self, reference: str) -> CardDetails | None:
        """The card behind a reference that came back from the hosted page, or None."""


@cache
def _load(path: str) -> PaymentGateway:
    return import_string(path)()


def gateway() -> PaymentGateway:
    """The processor in use."""
    return _load(settings.PAYMENT_GATEWAY)
