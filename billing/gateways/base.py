"""What we ask of a card processor. Calls happen outside any transaction, between two recorded states."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any, Protocol, Self

from django.conf import settings
from django.utils.module_loading import import_string

from koogallery.kernel.errors import DomainError
from koogallery.kernel.money import LARGEST, Money

CURRENCY = re.compile("[A-Z]{3}")


class ChargeOutcome(Enum):
    """What became of a charge or refund. `UNKNOWN`: no answer arrived; ask later, never guess. With a reference
    the processor has it and does not know itself yet."""

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
        fee: what the processor keeps of it, when it says; where it settles in another currency, in that.
        reason: a reason class for a decline (`insufficient_funds`, ...).
        action_url: where the card holder confirms.
    """

    outcome: ChargeOutcome
    reference: str = ""
    amount: Money | None = None
    fee: Money | None = None
    reason: str = ""
    action_url: str = ""


@dataclass(frozen=True, slots=True)
class CardDetails:
    """What a processor tells of a bound card; never its number.

    Attributes:
        reference: what `charge` takes to charge this card again; at most 80 characters.
        customer: for whom the hosted page was opened (`binding_url`); None: for nobody in particular.
    """

    reference: str
    brand: str
    last4: str
    expires_year: int
    expires_month: int
    customer: str | None = None


class NoticeKind(Enum):
    """What a processor's webhook tells of. Only a hint: what became of a charge is always asked for."""

    CHARGE = "charge"
    REFUND = "refund"
    DISPUTE = "dispute"
    OTHER = "other"


class DisputeState(Enum):
    """How far a charge-back is, as the processor says."""

    OPENED = "opened"
    WON = "won"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class DisputeNotice:
    """The card holder had his bank take the money back.

    Attributes:
        reference: the processor's name for the dispute.
        charge: the processor's name for the charge, as in `GatewayAnswer.reference`.
        amount: what the bank took back.
        fee: what the processor keeps for it so far, when it says; where it settles in another currency, in that.
    """

    reference: str
    charge: str
    amount: Money
    state: DisputeState
    fee: Money | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be written down.

        Raises:
            ValueError: no amount of a currency, or characters that no name has.
        """
        amount = self.amount.amount
        if not (amount.is_finite() and 0 < amount <= LARGEST) or not CURRENCY.fullmatch(self.amount.currency):
            raise ValueError("A dispute is over an amount of money.")
        _check_name(self.reference)
        _check_name(self.charge)

    def as_json(self) -> dict[str, Any]:
        return {
            "reference": self.reference,
            "charge": self.charge,
            "amount": self.amount.as_json(),
            "state": self.state.value,
        } | ({"fee": self.fee.as_json()} if self.fee else {})

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Self:
        amount, state = Money.from_json(told["amount"]), DisputeState(told["state"])
        fee = Money.from_json(told["fee"]) if told.get("fee") else None
        return cls(str(told["reference"]), str(told["charge"]), amount, state, fee)


@dataclass(frozen=True, slots=True)
class GatewayNotice:
    """One verified webhook message.

    Attributes:
        event_id: the processor's id of the message; the same message may come twice.
        key: our idempotency key of the charge or refund, when the message names it.
    """

    event_id: str
    kind: NoticeKind
    key: str = ""
    dispute: DisputeNotice | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be written down.

        Raises:
            ValueError: characters that no name has.
        """
        _check_name(self.event_id)
        _check_name(self.key)


def _check_name(name: str) -> None:
    if not name.isprintable():
        raise ValueError("A name has characters that cannot be stored.")


class RecordKind(Enum):
    """What a processor's own list has."""

    CHARGE = "charge"
    REFUND = "refund"
    PAYOUT = "payout"


@dataclass(frozen=True, slots=True)
class GatewayRecord:
    """A charge, refund or payout to our bank that succeeded, as the processor's own list has it.

    Attributes:
        key: our idempotency key; empty or foreign for what was not made by us, and for payouts.
        fee: what it kept of a charge, when it says.
    """

    kind: RecordKind
    key: str
    reference: str
    amount: Money
    fee: Money | None = None


class WebhookRefused(DomainError):
    """A webhook whose signature or time is wrong, or whose body is not a message of the processor."""

    code = "validation_error"
    status = 400
    default_message = "This message is not signed by the card processor."


class GatewayUnavailable(RuntimeError):
    """The processor gave no usable answer to something that may simply be tried again."""


class PaymentGateway(Protocol):
    """A card processor. Every call that moves money carries our key; the same key never moves it twice.

    Attributes:
        pays_out: whether it tells what it pays out to our bank.
    """

    name: str
    pays_out: bool

    def create_customer(self, key: str, name: str) -> str:
        """The processor's name for a paying account; the same key gives the same customer.

        Raises:
            GatewayUnavailable: no answer.
        """

    def binding_url(self, customer: str, return_to: str) -> str:
        """The hosted page where a card holder enters a card. `return_to` is an absolute address without a query,
        to which the page returns with `card=<what card_details takes>` in its query.

        Raises:
            GatewayUnavailable: no answer.
        """

    def card_details(self, reference: str) -> CardDetails | None:
        """The card behind what came back from the hosted page, or None when there is none."""

    def forget_card(self, card: str) -> None:
        """The card was unbound: have the processor forget it. Forgetting twice changes nothing."""

    def charge(self, key: str, card: str, amount: Money, return_to: str) -> GatewayAnswer:
        """Charge the bound card off-session. Where the bank wants the card holder, the answer is ACTION_REQUIRED,
        and the bank's page returns to `return_to`, an absolute address. Never raises: no answer is UNKNOWN."""

    def find_charge(self, key: str, card: str) -> GatewayAnswer:
        """What became of the charge with our key; NOT_FOUND when it never arrived. Creates nothing."""

    def cancel_charge(self, key: str, card: str) -> GatewayAnswer:
        """Give up a charge that waits for its card holder; answers what became of it in the end."""

    def refund(self, key: str, charge: str, amount: Money) -> GatewayAnswer:
        """Give back a part or all of a charge. Repeated with the same key, it tells what became of it."""

    def find_refund(self, key: str, charge: str) -> GatewayAnswer:
        """What became of the refund with our key; NOT_FOUND when it never arrived. A refund that succeeded can
        fail days later, when the card holder's bank sends it back. Creates nothing."""

    def records(self, since: datetime, until: datetime) -> Iterator[GatewayRecord]:
        """Every charge and refund made in this time that succeeded, also those that are not ours.

        Raises:
            GatewayUnavailable: no answer.
        """

    def disputes(self, since: datetime, until: datetime) -> Iterator[DisputeNotice]:
        """Every charge-back that was opened in this time, as it stands now.

        Raises:
            GatewayUnavailable: no answer.
        """

    def payouts(self, since: datetime, until: datetime) -> Iterator[GatewayRecord]:
        """Every payout to our bank that was sent in this time.

        Raises:
            GatewayUnavailable: no answer.
        """

    def read_webhook(self, headers: Mapping[str, str], body: bytes, at: datetime) -> GatewayNotice:
        """Verify and read one webhook message. `at` is the machine's real time.

        Raises:
            WebhookRefused: wrong signature, too old, or no message of this processor.
        """


ADAPTERS = {"sandbox": "billing.gateways.sandbox.SandboxGateway", "stripe": "billing.gateways.stripe.StripeGateway"}


@cache
def _load(path: str) -> PaymentGateway:
    return import_string(path)()


def gateway() -> PaymentGateway:
    """The processor in use."""
    return _load(settings.PAYMENT_GATEWAY)


def gateway_named(name: str) -> PaymentGateway:
    """The processor that a payment was made with, which another may have followed in the settings.

    Raises:
        GatewayUnavailable: nobody knows it any more.
    """
    if name == gateway().name:
        return gateway()
    if name not in ADAPTERS:
        raise GatewayUnavailable(f"There is no card processor {name!r}.")
    return _load(ADAPTERS[name])
