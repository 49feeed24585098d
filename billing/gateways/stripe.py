"""Stripe behind our port: the real SDK, hosted Checkout to bind cards, off-session charges, signed webhooks.

What we store of a card is `customer/payment method`. Every PaymentIntent carries our key as its Idempotency-Key and in
its metadata, so that an unknown outcome is found by listing the customer's intents: Stripe's search lags behind.
"""

import json
import math
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

import stripe
from django.conf import settings

from billing.gateways.base import (
    CardDetails,
    ChargeOutcome,
    DisputeNotice,
    DisputeState,
    GatewayAnswer,
    GatewayNotice,
    GatewayRecord,
    GatewayUnavailable,
    NoticeKind,
    RecordKind,
    WebhookRefused,
)
from koogallery.kernel.money import Money

KEY = "koogallery_key"
SIGNATURE_HEADER = "Stripe-Signature"
SIGNATURE_TOLERANCE_SECONDS = 300
LISTED = 100
# Without this a charge does not say what it cost.
EXPANDED = ["latest_charge.balance_transaction"]
# How Stripe counts money, from its own lists (docs.stripe.com/currencies): these currencies in whole units, those in
# thousandths whose last digit is 0, everything else in hundredths, whatever CLDR says of the currency's decimals.
# ISK and UGX have no decimals, yet Stripe wants them in hundredths that end in 00.
WHOLE = frozenset(
    ["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"]
)
THOUSANDTHS = frozenset(["BHD", "JOD", "KWD", "OMR", "TND"])
ENDINGS = {**dict.fromkeys(THOUSANDTHS, 10), "ISK": 100, "UGX": 100}
# What banks say, in the reason classes of our pages; the rest reads as a plain decline.
REASONS = {
    "insufficient_funds": "insufficient_funds",
    "expired_card": "expired_card",
    "authentication_required": "authentication_failed",
    "payment_intent_authentication_failure": "authentication_failed",
}
DISPUTES = {"won": DisputeState.WON, "lost": DisputeState.LOST}


class StripeGateway:
    """`billing.gateways.base.PaymentGateway` over Stripe's API."""

    name = "stripe"
    pays_out = True

    @cached_property
    def _client(self) -> stripe.StripeClient:
        addresses: Any = {"api": settings.STRIPE_API_BASE} if settings.STRIPE_API_BASE else {}
        return stripe.StripeClient(
            settings.STRIPE_SECRET_KEY,
            base_addresses=addresses,
            http_client=stripe.RequestsClient(timeout=settings.STRIPE_TIMEOUT_SECONDS),
            # Retries are ours: with the same key, after asking.
            max_network_retries=0,
        )

    def create_customer(self, key: str, name: str) -> str:
        try:
            made = self._client.v1.customers.create(
                {"name": name, "metadata": {KEY: key}}, {"idempotency_key": f"customer-{key}"}
            )
        except stripe.StripeError as failed:
            raise GatewayUnavailable(type(failed).__name__) from failed
        return made.id

    def binding_url(self, customer: str, return_to: str) -> str:
        try:
            session = self._client.v1.checkout.sessions.create(
                {
                    "mode": "setup",
                    "customer": customer,
                    "currency": settings.SITE_CURRENCY.lower(),
                    "success_url": f"{return_to}?card={{CHECKOUT_SESSION_ID}}",
                    "cancel_url": return_to,
                }
            )
        except stripe.StripeError as failed:
            raise GatewayUnavailable(type(failed).__name__) from failed
        if not session.url:
            raise GatewayUnavailable("The session has no page.")
        return session.url

    def card_details(self, reference: str) -> CardDetails | None:
        if not reference.startswith("cs_"):
            return None
        try:
            session = self._client.v1.checkout.sessions.retrieve(reference, {"expand": ["setup_intent.payment_method"]})
        except stripe.InvalidRequestError:
            return None
        except stripe.StripeError as failed:
            raise GatewayUnavailable(type(failed).__name__) from failed
        told = session.to_dict()
        setup = told.get("setup_intent") or {}
        method = setup.get("payment_method") or {}
        if setup.get("status") != "succeeded" or not method.get("card") or not told.get("customer"):
            return None
        card = method["card"]
        return CardDetails(
            reference=f"{told['customer']}/{method['id']}",
            brand=str(card["brand"]).title(),
            last4=str(card["last4"]),
            expires_year=int(card["exp_year"]),
            expires_month=int(card["exp_month"]),
            customer=str(told["customer"]),
        )

    def forget_card(self, card: str) -> None:
        try:
            self._client.v1.payment_methods.detach(_method(card))
        except stripe.InvalidRequestError:
            return  # it is detached already
        except stripe.StripeError as failed:
            raise GatewayUnavailable(type(failed).__name__) from failed

    def charge(self, key: str, card: str, amount: Money, return_to: str) -> GatewayAnswer:
        try:
            intent = self._client.v1.payment_intents.create(
                {
                    "amount": to_stripe(amount),
                    "currency": amount.currency.lower(),
                    "customer": _customer(card),
                    "payment_method": _method(card),
                    "confirm": True,
                    "off_session": True,
                    # Captured later, as is Stripe's own choice, the answer would not say what the charge cost.
                    "capture_method": "automatic",
                    "metadata": {KEY: key},
                    "expand": EXPANDED,
                },
                {"idempotency_key": key},
            )
        except stripe.CardError as declined:
            if declined.code == "authentication_required" and (found := _intent_of(declined)):
                return self._ask_card_holder(key, found, card, return_to)
            return GatewayAnswer(ChargeOutcome.DECLINED, reason=_reason(declined), reference=_intent_of(declined))
        except (stripe.InvalidRequestError, ValueError) as refused:
            return _refused(refused)
        except stripe.StripeError:
            return GatewayAnswer(ChargeOutcome.UNKNOWN)
        return answer_of(intent.to_dict())

    def _ask_card_holder(self, key: str, intent: str, card: str, return_to: str) -> GatewayAnswer:
        """The bank wants the card holder (3-D Secure): confirm the same intent on-session, which gives the bank's page."""
        try:
            asked = self._client.v1.payment_intents.confirm(
                intent,
                {"payment_method": _method(card), "return_url": return_to, "expand": EXPANDED},
                {"idempotency_key": f"{key}-confirm"},
            )
        except stripe.CardError as declined:
            return GatewayAnswer(ChargeOutcome.DECLINED, reason=_reason(declined), reference=intent)
        except stripe.InvalidRequestError as refused:
            return _refused(refused)
        except stripe.StripeError:
            return GatewayAnswer(ChargeOutcome.UNKNOWN)
        return answer_of(asked.to_dict())

    def find_charge(self, key: str, card: str) -> GatewayAnswer:
        try:
            page = self._client.v1.payment_intents.list(
                {"customer": _customer(card), "limit": LISTED, "expand": ["data.latest_charge.balance_transaction"]}
            )
            for intent in page.auto_paging_iter():
                told = intent.to_dict()
                if _key(told) == key:
                    return answer_of(told)
        except stripe.InvalidRequestError as refused:
            # Who is not known there was never charged there.
            return GatewayAnswer(ChargeOutcome.NOT_FOUND if _is_missing(refused) else ChargeOutcome.UNKNOWN)
        except stripe.StripeError:
            return GatewayAnswer(ChargeOutcome.UNKNOWN)
        return GatewayAnswer(ChargeOutcome.NOT_FOUND)

    def cancel_charge(self, key: str, card: str) -> GatewayAnswer:
        found = self.find_charge(key, card)
        if found.outcome is not ChargeOutcome.ACTION_REQUIRED:
            return found
        try:
            self._client.v1.payment_intents.cancel(found.reference, {}, {"idempotency_key": f"{key}-cancel"})
        except stripe.StripeError:
            return self.find_charge(key, card)  # confirmed meanwhile, or no answer: what is true is asked for
        return GatewayAnswer(ChargeOutcome.DECLINED, reference=found.reference, reason="authentication_failed")

    def refund(self, key: str, charge: str, amount: Money) -> GatewayAnswer:
        # Stripe forgets idempotency keys after a day, and answers a repeated one as it did the first time.
        found = self.find_refund(key, charge)
        if found.outcome is not ChargeOutcome.NOT_FOUND:
            return found
        try:
            made = self._client.v1.refunds.create(
                {"payment_intent": charge, "amount": to_stripe(amount), "metadata": {KEY: key}},
                {"idempotency_key": key},
            )
        except (stripe.InvalidRequestError, ValueError) as refused:
            return _refused(refused)
        except stripe.StripeError:
            return GatewayAnswer(ChargeOutcome.UNKNOWN)
        return refund_answer_of(made.to_dict())

    def find_refund(self, key: str, charge: str) -> GatewayAnswer:
        try:
            page = self._client.v1.refunds.list({"payment_intent": charge, "limit": LISTED})
            for refund in page.auto_paging_iter():
                told = refund.to_dict()
                if _key(told) == key:
                    return refund_answer_of(told)
        except stripe.InvalidRequestError as refused:
            return GatewayAnswer(ChargeOutcome.NOT_FOUND if _is_missing(refused) else ChargeOutcome.UNKNOWN)
        except stripe.StripeError:
            return GatewayAnswer(ChargeOutcome.UNKNOWN)
        return GatewayAnswer(ChargeOutcome.NOT_FOUND)

    def records(self, since: datetime, until: datetime) -> Iterator[GatewayRecord]:
        created: Any = {"gte": int(since.timestamp()), "lt": math.ceil(until.timestamp())}
        try:
            intents = self._client.v1.payment_intents.list(
                {"created": created, "limit": LISTED, "expand": ["data.latest_charge.balance_transaction"]}
            )
            for intent in intents.auto_paging_iter():
                told = intent.to_dict()
                answer = answer_of(told)
                if answer.outcome is ChargeOutcome.SUCCEEDED and answer.amount is not None:
                    yield GatewayRecord(RecordKind.CHARGE, _key(told), answer.reference, answer.amount, answer.fee)
            for refund in self._client.v1.refunds.list({"created": created, "limit": LISTED}).auto_paging_iter():
                told = refund.to_dict()
                answer = refund_answer_of(told)
                if answer.outcome is ChargeOutcome.SUCCEEDED and answer.amount is not None:
                    yield GatewayRecord(RecordKind.REFUND, _key(told), answer.reference, answer.amount)
        except stripe.StripeError as failed:
            raise GatewayUnavailable(type(failed).__name__) from failed

    def disputes(self, since: datetime, until: datetime) -> Iterator[DisputeNotice]:
        created: Any = {"gte": int(since.timestamp()), "lt": math.ceil(until.timestamp())}
        try:
            for dispute in self._client.v1.disputes.list({"created": created, "limit": LISTED}).auto_paging_iter():
                yield _dispute(dispute.to_dict())
        except stripe.StripeError as failed:
            raise GatewayUnavailable(type(failed).__name__) from failed

    def payouts(self, since: datetime, until: datetime) -> Iterator[GatewayRecord]:
        created: Any = {"gte": int(since.timestamp()), "lt": math.ceil(until.timestamp())}
        try:
            sent = self._client.v1.payouts.list({"created": created, "status": "paid", "limit": LISTED})
            for payout in sent.auto_paging_iter():
                told = payout.to_dict()
                amount = from_stripe(told["amount"], told["currency"])
                yield GatewayRecord(RecordKind.PAYOUT, "", str(told["id"]), amount)
        except stripe.StripeError as failed:
            raise GatewayUnavailable(type(failed).__name__) from failed

    def read_webhook(self, headers: Mapping[str, str], body: bytes, at: datetime) -> GatewayNotice:
        given = headers.get(SIGNATURE_HEADER, "")
        if not settings.STRIPE_WEBHOOK_SECRET:
            raise WebhookRefused  # anybody could sign with no secret
        try:
            # The SDK compares in constant time; the time it would compare with the process's clock, we do with `at`.
            stripe.WebhookSignature.verify_header(body.decode(), given, settings.STRIPE_WEBHOOK_SECRET, tolerance=None)
            sent = int(dict(part.split("=", 1) for part in given.split(",") if "=" in part)["t"])
        except (stripe.SignatureVerificationError, UnicodeDecodeError, ValueError, KeyError) as wrong:
            raise WebhookRefused from wrong
        if abs(at.timestamp() - sent) > SIGNATURE_TOLERANCE_SECONDS:
            raise WebhookRefused("This message is too old.")
        try:
            return _notice(json.loads(body))
        except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError) as broken:
            raise WebhookRefused("This is no message of the card processor.") from broken


def to_stripe(amount: Money) -> int:
    """An amount as Stripe counts it.

    Raises:
        ValueError: a fraction of what Stripe counts.
    """
    counted = amount.amount.scaleb(_digits(amount.currency))
    if counted % ENDINGS.get(amount.currency, 1):
        raise ValueError(f"{amount} cannot be charged.")
    return int(counted)


def from_stripe(counted: int, currency: str) -> Money:
    """An amount that Stripe tells."""
    code = currency.upper()
    return Money(Decimal(counted).scaleb(-_digits(code)), code)


def _digits(currency: str) -> int:
    if currency in WHOLE:
        return 0
    return 3 if currency in THOUSANDTHS else 2


def answer_of(intent: Mapping[str, Any]) -> GatewayAnswer:
    """What a PaymentIntent says."""
    reference = str(intent["id"])
    match intent["status"]:
        case "succeeded":
            charge = intent.get("latest_charge")
            return GatewayAnswer(
                ChargeOutcome.SUCCEEDED,
                reference=reference,
                amount=from_stripe(intent["amount_received"], intent["currency"]),
                fee=_fee(charge) if isinstance(charge, Mapping) else None,
            )
        case "requires_action":
            redirect = (intent.get("next_action") or {}).get("redirect_to_url") or {}
            return GatewayAnswer(
                ChargeOutcome.ACTION_REQUIRED, reference=reference, action_url=str(redirect.get("url", ""))
            )
        case "requires_payment_method" | "canceled":
            failed = intent.get("last_payment_error") or {}
            code = failed.get("decline_code") or failed.get("code") or "authentication_required"
            return GatewayAnswer(ChargeOutcome.DECLINED, reference=reference, reason=REASONS.get(code, "card_declined"))
    return GatewayAnswer(ChargeOutcome.UNKNOWN, reference=reference)


def refund_answer_of(refund: Mapping[str, Any]) -> GatewayAnswer:
    """What a Refund says; one that is on its way is unknown, and has its name."""
    reference = str(refund["id"])
    match refund["status"]:
        case "succeeded":
            amount = from_stripe(refund["amount"], refund["currency"])
            return GatewayAnswer(ChargeOutcome.SUCCEEDED, reference=reference, amount=amount)
        case "failed" | "canceled":
            reason = str(refund.get("failure_reason") or "refused")
            return GatewayAnswer(ChargeOutcome.DECLINED, reference=reference, reason=reason)
    return GatewayAnswer(ChargeOutcome.UNKNOWN, reference=reference)


def _refused(refused: Exception) -> GatewayAnswer:
    """Stripe (or `to_stripe`) refuses the request as it stands: nothing was moved, and asking again changes nothing."""
    return GatewayAnswer(ChargeOutcome.DECLINED, reason="unknown_card" if _is_missing(refused) else "refused")


def _is_missing(refused: Exception) -> bool:
    return getattr(refused, "code", None) == "resource_missing"


def _fee(charge: Mapping[str, Any]) -> Money | None:
    """What a charge cost, in the currency in which Stripe settles it: it may be another one than the charge's."""
    moved = charge.get("balance_transaction")
    return from_stripe(moved["fee"], moved["currency"]) if isinstance(moved, Mapping) else None


def _reason(declined: stripe.CardError) -> str:
    told = declined.error.decline_code if declined.error and declined.error.decline_code else declined.code
    return REASONS.get(told or "", "card_declined")


def _intent_of(declined: stripe.CardError) -> str:
    told = declined.json_body or {}
    intent = told.get("error", {}).get("payment_intent") or {} if isinstance(told, Mapping) else {}
    return str(intent.get("id", ""))


def _notice(told: Mapping[str, Any]) -> GatewayNotice:
    kind, about = str(told["type"]), told["data"]["object"]
    key = _key(about)
    if kind.startswith("payment_intent."):
        return GatewayNotice(str(told["id"]), NoticeKind.CHARGE, key)
    if kind.startswith("charge.dispute."):
        return GatewayNotice(str(told["id"]), NoticeKind.DISPUTE, dispute=_dispute(about))
    if kind.startswith(("refund.", "charge.refund")):
        return GatewayNotice(str(told["id"]), NoticeKind.REFUND, key)
    return GatewayNotice(str(told["id"]), NoticeKind.OTHER)


def _dispute(told: Mapping[str, Any]) -> DisputeNotice:
    return DisputeNotice(
        reference=str(told["id"]),
        charge=str(told["payment_intent"]),
        amount=from_stripe(told["amount"], told["currency"]),
        state=DISPUTES.get(str(told["status"]), DisputeState.OPENED),
        fee=_dispute_fee(told),
    )


def _dispute_fee(told: Mapping[str, Any]) -> Money | None:
    """What a dispute has cost so far: kept when the money was withdrawn, given back with it in some countries; in the
    currency in which Stripe settles it."""
    moved = [one for one in told.get("balance_transactions") or () if isinstance(one, Mapping)]
    currencies = {str(one["currency"]) for one in moved}
    return from_stripe(sum(int(one["fee"]) for one in moved), currencies.pop()) if len(currencies) == 1 else None


def _key(told: Mapping[str, Any]) -> str:
    """Our key, as it stands in an object's metadata."""
    return str((told.get("metadata") or {}).get(KEY, ""))


def _customer(card: str) -> str:
    return card.partition("/")[0]


def _method(card: str) -> str:
    return card.partition("/")[2]
