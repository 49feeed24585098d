"""A card processor for demos and tests, which keeps its own records as a real one would.

It lives in our process, but has its own tables and transactions, so that a crash between its call and our outcome
leaves it knowing more than we do: exactly what has to be survived. Card numbers are chosen from a list on its
hosted page and never typed. Its webhooks are signed and sent by a timer, through the same door as a real one's.
"""

import hashlib
import hmac
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.db import IntegrityError, transaction
from django.urls import reverse

from billing.gateways.base import (
    CardDetails,
    ChargeOutcome,
    DisputeNotice,
    DisputeState,
    GatewayAnswer,
    GatewayNotice,
    GatewayRecord,
    NoticeKind,
    RecordKind,
    WebhookRefused,
)
from billing.models import SandboxCard, SandboxCharge, SandboxWebhook
from koogallery.kernel import clock
from koogallery.kernel.compiled import Compiled, Param
from koogallery.kernel.ids import public_id
from koogallery.kernel.money import Money
from koogallery.kernel.stored import insert

CARD_LIFETIME_YEARS = 10
FEE_SHARE = Decimal("0.029")
SIGNATURE_HEADER = "Sandbox-Signature"
SIGNATURE_TOLERANCE = timedelta(minutes=5)
WEBHOOK_LATE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Scenario:
    """What a test card does when it is charged.

    Attributes:
        answered: whether the answer of the call reaches us; otherwise it is asked for, or a webhook tells.
        webhooks: how often the message of the charge is sent, `webhook_after` later.
        disputed: the card holder has his bank take the money back at once.
    """

    code: str
    number: str
    brand: str
    text: str
    outcome: ChargeOutcome = ChargeOutcome.SUCCEEDED
    reason: str = ""
    answered: bool = True
    slow: bool = False
    webhooks: int = 0
    webhook_after: timedelta = timedelta(0)
    disputed: bool = False


def _declines(code: str, number: str, text: str, reason: str) -> Scenario:
    return Scenario(code, number, "Visa", text, ChargeOutcome.DECLINED, reason)


SCENARIOS = {
    one.code: one
    for one in (
        Scenario("success", "4242 4242 4242 4242", "Visa", "Every payment succeeds."),
        Scenario("success_mastercard", "5555 5555 5555 4444", "Mastercard", "Every payment succeeds."),
        _declines("declined", "4000 0000 0000 0002", "The bank declines.", "card_declined"),
        _declines("insufficient_funds", "4000 0000 0000 9995", "Declined: insufficient funds.", "insufficient_funds"),
        _declines("expired_card", "4000 0000 0000 0069", "Declined: the card has expired.", "expired_card"),
        Scenario(
            "authentication",
            "4000 0025 0000 3155",
            "Visa",
            "The bank asks the card holder to confirm.",
            ChargeOutcome.ACTION_REQUIRED,
        ),
        Scenario("slow", "4000 0000 0000 0077", "Visa", "Succeeds, but the answer takes several seconds.", slow=True),
        Scenario(
            "lost_answer",
            "4000 0000 0000 0341",
            "Visa",
            "Charged, but the answer is lost; it is asked for later.",
            answered=False,
        ),
        Scenario(
            "webhook_late",
            "4000 0000 0000 1000",
            "Visa",
            "Charged, the answer is lost, and a message tells of it a minute later.",
            answered=False,
            webhooks=1,
            webhook_after=WEBHOOK_LATE,
        ),
        Scenario("webhook_twice", "4000 0000 0000 1018", "Visa", "Charged, and told of twice.", webhooks=2),
        Scenario("disputed", "4000 0000 0000 0259", "Visa", "Charged, then the bank takes it back.", disputed=True),
    )
}


_CARD = Compiled(lambda: SandboxCard.objects.filter(pk=Param("pk")))


class SandboxGateway:
    """The embedded default of the payment gateway port."""

    name = "sandbox"
    pays_out = False

    def create_customer(self, key: str, name: str) -> str:
        return f"cus_{key}"

    def charge(self, key: str, card: str, amount: Money, return_to: str) -> GatewayAnswer:
        known = _CARD.first(pk=card)
        if known is None:
            return GatewayAnswer(ChargeOutcome.DECLINED, reason="unknown_card")
        scenario = SCENARIOS[known.scenario]
        if scenario.slow:
            time.sleep(settings.SANDBOX_SLOW_SECONDS)
        record = self._record(
            key,
            card=known,
            currency=amount.currency,
            amount=amount.amount,
            fee=(amount * FEE_SHARE).rounded().amount,
            outcome=scenario.outcome.value,
            reason=scenario.reason,
        )
        return self._answer(record) if scenario.answered else GatewayAnswer(ChargeOutcome.UNKNOWN)

    def find_charge(self, key: str, card: str) -> GatewayAnswer:
        record = SandboxCharge.objects.filter(pk=key).first()
        return self._answer(record) if record else GatewayAnswer(ChargeOutcome.NOT_FOUND)

    def cancel_charge(self, key: str, card: str) -> GatewayAnswer:
        reference = SandboxCharge.objects.filter(pk=key).values_list("reference", flat=True).first()
        if reference:
            self.confirm(reference, approved=False)
        return self.find_charge(key, card)

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

    def find_refund(self, key: str, charge: str) -> GatewayAnswer:
        record = SandboxCharge.objects.filter(pk=key, refund_of__reference=charge).first()
        return self._answer(record) if record else GatewayAnswer(ChargeOutcome.NOT_FOUND)

    def records(self, since: datetime, until: datetime) -> Iterator[GatewayRecord]:
        made = SandboxCharge.objects.filter(
            created_at__gte=since, created_at__lt=until, outcome=ChargeOutcome.SUCCEEDED.value
        )
        for one in made.order_by("created_at"):
            kind = RecordKind.REFUND if one.refund_of_id else RecordKind.CHARGE
            answer = self._answer(one)
            yield GatewayRecord(kind, one.key, one.reference, Money(one.amount, one.currency), answer.fee)

    def disputes(self, since: datetime, until: datetime) -> Iterator[DisputeNotice]:
        # Every change of a charge-back is sent as a message; the last one is how it stands.
        told = SandboxWebhook.objects.filter(body__kind=NoticeKind.DISPUTE.value).order_by("id")
        newest = {one.body["dispute"]["reference"]: one.body for one in told}
        made = SandboxCharge.objects.filter(created_at__gte=since, created_at__lt=until)
        ours = set(made.filter(key__in=[body["key"] for body in newest.values()]).values_list("key", flat=True))
        for body in newest.values():
            if body["key"] in ours:
                yield _dispute(body["dispute"])

    def payouts(self, since: datetime, until: datetime) -> Iterator[GatewayRecord]:
        """It keeps play money."""
        return iter(())

    def binding_url(self, customer: str, return_to: str) -> str:
        return f"{reverse('billing:sandbox_card')}?{urlencode({'return_to': return_to, 'customer': customer})}"

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
            customer=card.customer or None,
        )

    def forget_card(self, card: str) -> None:
        """Charges keep their card; nothing else is kept of it."""

    def read_webhook(self, headers: Mapping[str, str], body: bytes, at: datetime) -> GatewayNotice:
        given = dict(part.split("=", 1) for part in headers.get(SIGNATURE_HEADER, "").split(",") if "=" in part)
        sent, mark = given.get("t", ""), given.get("v1", "")
        if not (sent.isascii() and sent.isdigit()) or not hmac.compare_digest(
            signature(sent, body).encode(), mark.encode()
        ):
            raise WebhookRefused
        if abs(at.timestamp() - int(sent[:12])) > SIGNATURE_TOLERANCE.total_seconds():
            raise WebhookRefused("This message is too old.")
        try:
            told = json.loads(body)
            dispute = told.get("dispute")
            return GatewayNotice(
                event_id=str(told["id"]),
                kind=NoticeKind(told["kind"]),
                key=str(told.get("key", "")),
                dispute=dispute and _dispute(dispute),
            )
        except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError) as broken:
            raise WebhookRefused("This is no message of the card processor.") from broken

    def signed(self, told: Mapping[str, object]) -> tuple[dict[str, str], bytes]:
        """Headers and body of a message as the sandbox sends it now."""
        body = json.dumps(told).encode()
        sent = str(int(clock.machine_now().timestamp()))
        return {SIGNATURE_HEADER: f"t={sent},v1={signature(sent, body)}"}, body

    def dispute(self, charge: str, state: DisputeState) -> None:
        """The card holder's bank opens, wins or loses a charge-back of a charge: the message is sent at once."""
        record = SandboxCharge.objects.get(reference=charge)
        self._announce(
            NoticeKind.DISPUTE,
            record,
            after=timedelta(0),
            times=1,
            dispute={
                "reference": f"dp_{record.key}",
                "charge": record.reference,
                "amount": str(record.amount),
                "currency": record.currency,
                "state": state.value,
            },
        )

    def enter_card(self, scenario: str, customer: str = "") -> str:
        """The hosted page's form was sent: keep the card and return its reference.

        Raises:
            KeyError: no such test card.
        """
        card = SandboxCard(reference=f"card_{public_id()}", scenario=SCENARIOS[scenario].code, customer=customer)
        card.save(force_insert=True)
        return card.reference

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
                record = SandboxCharge(key=key, reference=f"ch_{public_id()}", created_at=clock.now(), **fields)
                insert([record])
                scenario = SCENARIOS[record.card.scenario] if record.card else None
                if scenario and scenario.webhooks:
                    self._announce(NoticeKind.CHARGE, record, after=scenario.webhook_after, times=scenario.webhooks)
                if scenario and scenario.disputed:
                    self.dispute(record.reference, DisputeState.OPENED)
                return record
        except IntegrityError:
            return SandboxCharge.objects.select_related("card").get(pk=key)

    def _announce(
        self, kind: NoticeKind, record: SandboxCharge, *, after: timedelta, times: int, **more: object
    ) -> None:
        event_id = f"evt_{public_id()}"
        SandboxWebhook.objects.create(
            event_id=event_id,
            body={"id": event_id, "kind": kind.value, "key": record.key, **more},
            due_at=clock.now() + after,
            sends_left=times,
        )

    def _answer(self, record: SandboxCharge) -> GatewayAnswer:
        outcome = ChargeOutcome(record.outcome)
        url = (
            reverse("billing:sandbox_confirm", args=[record.reference])
            if outcome is ChargeOutcome.ACTION_REQUIRED
            else ""
        )
        taken = Money(record.amount, record.currency)
        fee = None
        if outcome is ChargeOutcome.SUCCEEDED and record.refund_of_id is None:
            fee = (taken * FEE_SHARE).rounded() if record.fee is None else Money(record.fee, record.currency)
        return GatewayAnswer(
            outcome,
            reference=record.reference,
            amount=taken,
            fee=fee,
            reason=record.reason,
            action_url=url,
        )


def _dispute(told: Mapping[str, Any]) -> DisputeNotice:
    return DisputeNotice(
        reference=str(told["reference"]),
        charge=str(told["charge"]),
        amount=Money(Decimal(told["amount"]), str(told["currency"])),
        state=DisputeState(told["state"]),
    )


def signature(sent: str, body: bytes) -> str:
    """HMAC-SHA256 over time and body, with a key made from the installation's secret."""
    key = hashlib.sha256(f"sandbox webhooks {settings.SECRET_KEY}".encode()).digest()
    return hmac.new(key, sent.encode() + b"." + body, hashlib.sha256).hexdigest()
