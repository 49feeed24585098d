"""A card processor for demos and tests, which keeps its own records as a real one would.

It lives in our process, but has its own tables and transactions, so that a crash between its call and our outcome
leaves it knowing more than we do: exactly what has to be survived. Card numbers are chosen from a list on its
hosted page and never typed.
"""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.db import IntegrityError, transaction
from django.urls import reverse

from billing.gateways.base import CardDetails, ChargeOutcome, GatewayAnswer
from billing.models import SandboxCard, SandboxCharge
from koogallery.kernel import clock
from koogallery.kernel.ids import public_id
from koogallery.kernel.money import Money

CARD_LIFETIME_YEARS = 10


@dataclass(frozen=True, slots=True)
class Scenario:
    """What a test card does when it is charged."""

    code: str
    number: str
    brand: str
    text: str
    outcome: ChargeOutcome = ChargeOutcome.SUCCEEDED
    reason: str = ""


SCENARIOS = {
    one.code: one
    for one in (
        Scenario("success", "4242 4242 4242 4242", "Visa", "Every payment succeeds."),
        Scenario("success_mastercard", "5555 5555 5555 4444", "Mastercard", "Every payment succeeds."),
        Scenario(
            "declined", "4000 0000 0000 0002", "Visa", "The bank declines.", ChargeOutcome.DECLINED, "card_declined"
        ),
        Scenario(
            "insufficient_funds",
            "4000 0000 0000 9995",
            "Visa",
            "Declined: insufficient funds.",
            ChargeOutcome.DECLINED,
            "insufficient_funds",
        ),
        Scenario(
            "authentication",
            "4000 0025 0000 3155",
            "Visa",
            "The bank asks the card holder to confirm.",
            ChargeOutcome.ACTION_REQUIRED,
        ),
        Scenario(
            "lost_answer",
            "4000 0000 0000 0341",
            "Visa",
            "Charged, but the answer is lost; it is asked for later.",
            ChargeOutcome.UNKNOWN,
        ),
    )
}


class SandboxGateway:
    """The embedded default of the payment gateway port."""

    name = "sandbox"

    def charge(self, key: str, card: str, amount: Money) -> GatewayAnswer:
        known = SandboxCard.objects.filter(pk=card).first()
        if known is None:
            return GatewayAnswer(ChargeOutcome.DECLINED, reason="unknown_card")
        scenario = SCENARIOS[known.scenario]
        taken = ChargeOutcome.SUCCEEDED if scenario.outcome is ChargeOutcome.UNKNOWN else scenario.outcome
        record = self._record(
            key,
            card=known,
            currency=amount.currency,
            amount=amount.amount,
            outcome=taken.value,
            reason=scenario.reason,
        )
        if scenario.outcome is ChargeOutcome.UNKNOWN:
            return GatewayAnswer(ChargeOutcome.UNKNOWN)
        return self._answer(record)

    def find_charge(self, key: str) -> GatewayAnswer:
        record = SandboxCharge.objects.filter(pk=key).first()
        return self._answer(record) if record else GatewayAnswer(ChargeOutcome.NOT_FOUND)

    def cancel_charge(self, key: str) -> GatewayAnswer:
        reference = SandboxCharge.objects.filter(pk=key).values_list("reference", flat=True).first()
        if reference:
            self.confirm(reference, approved=False)
        return self.find_charge(key)

    def refund(self, key: str, charge: str, amount: Money) -> GatewayAnswer:
        original = SandboxCharge.objects.filter(reference=charge, outcome=ChargeOutcome.SUCCEEDED.value).first()
        if original is None or original.currency != amount.currency:
            return GatewayAnswer(ChargeOutcome.DECLINED, reason="unknown_charge")
        before = sum(one.amount for one in original.refunds.exclude(pk=key))
        if before + amount.amount > original.amount:
            return GatewayAnswer(ChargeOutcome.DECLINED, reason="more_than_charged")
        return self._answer(
            self._record(
                key,
                refund_of=original,
                currency=amount.currency,
                amount=amount.amount,
                outcome=ChargeOutcome.SUCCEEDED.value,
            )
        )

    def binding_url(self, return_to: str) -> str:
        return f"{reverse('billing:sandbox_card')}?{urlencode({'return_to': return_to})}"

    def card_details(self, reference: str) -> CardDetails | None:
        card = SandboxCard.objects.filter(pk=reference).first()
        if card is None:
            return None
        scenario = SCENARIOS[card.scenario]
        return CardDetails(
            reference=card.reference,
            brand=scenario.brand,
            last4=scenario.number[-4:],
            expires_year=card.created_at.year + CARD_LIFETIME_YEARS,
            expires_month=card.created_at.month,
        )

    def enter_card(self, scenario: str) -> str:
        """The hosted page's form was sent: keep the card and return its reference.

        Raises:
            KeyError: no such test card.
        """
        return SandboxCard.objects.create(reference=f"card_{public_id()}", scenario=SCENARIOS[scenario].code).reference

    def confirm(self, reference: str, *, approved: bool) -> None:
        """The card holder answered the bank's question on the hosted page; the first answer counts."""
        SandboxCharge.objects.filter(reference=reference, outcome=ChargeOutcome.ACTION_REQUIRED.value).update(
            outcome=(ChargeOutcome.SUCCEEDED if approved else ChargeOutcome.DECLINED).value,
            reason="" if approved else "authentication_failed",
        )

    def _record(self, key: str, **fields: object) -> SandboxCharge:
        """The charge with this key: made now, or as it was made before."""
        try:
            with transaction.atomic():
                return SandboxCharge.objects.create(
                    key=key, reference=f"ch_{public_id()}", created_at=clock.now(), **fields
                )
        except IntegrityError:
            return SandboxCharge.objects.get(pk=key)

    def _answer(self, record: SandboxCharge) -> GatewayAnswer:
        outcome = ChargeOutcome(record.outcome)
        url = (
            reverse("billing:sandbox_confirm", args=[record.reference])
            if outcome is ChargeOutcome.ACTION_REQUIRED
            else ""
        )
        return GatewayAnswer(
            outcome,
            reference=record.reference,
            amount=Money(record.amount, record.currency),
            reason=record.reason,
            action_url=url,
        )
