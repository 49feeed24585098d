"""The Stripe adapter through the real SDK against a server of ours on loopback."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import quote

import pytest
from django.test import Client

from billing import ledger
from billing.choices import Ledger, PaymentStatus
from billing.errors import PaymentActionRequired, PaymentDeclined
from billing.gateways.base import ChargeOutcome, DisputeState, GatewayUnavailable, NoticeKind, WebhookRefused, _load
from billing.gateways.stripe import StripeGateway, from_stripe, to_stripe
from billing.models import Dispute, GatewayMessage, Payment, Posting, Refund
from billing.services import PaymentRequest, bind_card, pay_order, propose_refund, resume_payment, start_binding
from koogallery.kernel import clock
from koogallery.kernel.errors import InvalidInput
from koogallery.kernel.money import Money
from notifications.models import Message
from orders.choices import OrderStatus
from orders.models import Order
from tests.billing.conftest import usd
from tests.billing.stripe_server import SECRET, WEBHOOK_SECRET, Stripe, install, serving

CARD = "cus_1/pm_ok"
RETURN = "http://127.0.0.1:8000/back/"


@pytest.fixture
def stripe(settings) -> Iterator[Stripe]:
    with serving() as server:
        settings.STRIPE_API_BASE, settings.STRIPE_SECRET_KEY = server.address, SECRET
        settings.STRIPE_WEBHOOK_SECRET, settings.STRIPE_TIMEOUT_SECONDS = WEBHOOK_SECRET, 1.0
        yield server


@pytest.fixture
def gateway(stripe) -> StripeGateway:
    return StripeGateway()


@pytest.mark.parametrize(
    ("amount", "currency", "counted"),
    [
        *[("5.00", "USD", 500), ("500", "JPY", 500), ("1.230", "KWD", 1230), ("7", "ISK", 700), ("5", "UGX", 500)],
        # CLDR gives these no decimals, or three, Stripe has two.
        *[("1000", code, 100_000) for code in ("RSD", "ALL", "LBP", "AFN", "MMK", "LAK", "SOS", "YER", "TZS", "HUF")],
        *[("1000", "MGA", 1000), ("1.5", "BHD", 1500), ("1000", "XPF", 1000)],
    ],
)
def test_amounts_are_counted_as_stripe_counts(amount, currency, counted):
    assert to_stripe(Money(Decimal(amount), currency)) == counted
    assert from_stripe(counted, currency.lower()).amount == Decimal(amount)


@pytest.mark.parametrize(("amount", "currency"), [("0.001", "USD"), ("0.5", "JPY"), ("1.234", "KWD"), ("0.5", "ISK")])
def test_what_stripe_cannot_count_is_refused(amount, currency):
    with pytest.raises(ValueError, match="cannot be charged"):
        to_stripe(Money(Decimal(amount), currency))


def test_a_charge_is_taken_with_its_fee(gateway):
    answer = gateway.charge("k1", CARD, usd("5.00"), RETURN)
    assert (answer.outcome, answer.amount, answer.fee) == (ChargeOutcome.SUCCEEDED, usd("5.00"), usd("0.59"))


def test_the_same_key_charges_once(gateway, stripe):
    first, second = (gateway.charge("k1", CARD, usd("5.00"), RETURN) for _time in range(2))
    assert first == second
    assert sum(one["object"] == "charge" for one in stripe.objects.values()) == 1


def test_the_same_key_with_another_amount_is_not_charged(gateway, stripe):
    gateway.charge("k1", CARD, usd("5.00"), RETURN)
    assert gateway.charge("k1", CARD, usd("6.00"), RETURN).outcome is ChargeOutcome.UNKNOWN
    assert sum(one["object"] == "charge" for one in stripe.objects.values()) == 1


@pytest.mark.parametrize(
    ("card", "reason"),
    [("insufficient_funds", "insufficient_funds"), ("expired_card", "expired_card"), ("lost_card", "card_declined")],
)
def test_a_decline_has_a_reason_class(gateway, card, reason):
    answer = gateway.charge("k1", f"cus_1/pm_{card}", usd("5.00"), RETURN)
    assert (answer.outcome, answer.reason) == (ChargeOutcome.DECLINED, reason)


@pytest.mark.parametrize("fault", ["hang_seconds", "drop_after_charge", "fail_with"])
def test_no_answer_is_unknown_and_asked_for(gateway, stripe, fault):
    setattr(stripe, fault, {"hang_seconds": 1.5, "drop_after_charge": True, "fail_with": 503}[fault])
    assert gateway.charge("k1", CARD, usd("5.00"), RETURN).outcome is ChargeOutcome.UNKNOWN
    time.sleep(0.7 if fault == "hang_seconds" else 0)
    stripe.hang_seconds, stripe.drop_after_charge, stripe.fail_with = 0.0, False, 0
    found = gateway.find_charge("k1", CARD)
    assert found.outcome is (ChargeOutcome.NOT_FOUND if fault == "fail_with" else ChargeOutcome.SUCCEEDED)


def test_asking_makes_nothing(gateway, stripe):
    assert gateway.find_charge("unknown", CARD).outcome is ChargeOutcome.NOT_FOUND
    assert stripe.objects == {}


@pytest.mark.parametrize(("ok", "outcome"), [(True, ChargeOutcome.SUCCEEDED), (False, ChargeOutcome.DECLINED)])
def test_the_card_holder_confirms_at_the_bank(gateway, stripe, ok, outcome):
    asked = gateway.charge("k1", "cus_1/pm_authentication", usd("5.00"), RETURN)
    assert asked.outcome is ChargeOutcome.ACTION_REQUIRED
    assert asked.action_url.endswith(quote(RETURN, safe=""))
    assert gateway.find_charge("k1", CARD).outcome is ChargeOutcome.ACTION_REQUIRED
    stripe.authenticate(asked.reference, ok=ok)
    assert gateway.find_charge("k1", CARD).outcome is outcome


def test_giving_up_a_charge_that_waits(gateway):
    gateway.charge("k1", "cus_1/pm_authentication", usd("5.00"), RETURN)
    assert gateway.cancel_charge("k1", CARD).outcome is ChargeOutcome.DECLINED
    assert gateway.find_charge("k1", CARD).outcome is ChargeOutcome.DECLINED


def test_refunds_are_bounded_by_the_charge_and_made_once(gateway):
    charge = gateway.charge("k1", CARD, usd("5.00"), RETURN).reference
    first, again = (gateway.refund("r1", charge, usd("3.00")) for _time in range(2))
    assert first == again
    assert gateway.refund("r2", charge, usd("2.01")).outcome is ChargeOutcome.DECLINED
    assert gateway.refund("r3", charge, usd("2.00")).outcome is ChargeOutcome.SUCCEEDED


def test_a_wrong_secret_key_charges_nothing(gateway, stripe, settings):
    settings.STRIPE_SECRET_KEY = "sk_wrong"
    assert StripeGateway().charge("k1", CARD, usd("5.00"), RETURN).outcome is ChargeOutcome.UNKNOWN
    with pytest.raises(GatewayUnavailable):
        StripeGateway().create_customer("a", "Contoso")


NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("sentence", "given"),
    [
        ("wrong secret", {"at": NOW.timestamp(), "secret": "whsec_other"}),
        ("six minutes old", {"at": NOW.timestamp() - 361}),
        ("from the future", {"at": NOW.timestamp() + 361}),
    ],
)
def test_a_webhook_with_a_wrong_signature_or_time_is_refused(gateway, stripe, sentence, given):
    headers, body = stripe.webhook("payment_intent.succeeded", {"id": "pi_1"}, **given)
    with pytest.raises(WebhookRefused):
        gateway.read_webhook(headers, body, NOW)


def test_without_a_secret_no_webhook_is_believed(gateway, stripe, settings):
    settings.STRIPE_WEBHOOK_SECRET = ""
    headers, body = stripe.webhook("payment_intent.succeeded", {"id": "pi_1"}, at=NOW.timestamp(), secret="")
    with pytest.raises(WebhookRefused):
        gateway.read_webhook(headers, body, NOW)


def test_a_changed_body_is_refused(gateway, stripe):
    headers, body = stripe.webhook("payment_intent.succeeded", {"id": "pi_1"}, at=NOW.timestamp())
    with pytest.raises(WebhookRefused):
        gateway.read_webhook(headers, body.replace(b"pi_1", b"pi_2"), NOW)
    with pytest.raises(WebhookRefused):
        gateway.read_webhook({}, body, NOW)


@pytest.mark.parametrize(
    ("status", "state"),
    [("needs_response", DisputeState.OPENED), ("won", DisputeState.WON), ("lost", DisputeState.LOST)],
)
def test_a_dispute_is_read(gateway, stripe, status, state):
    about = {"id": "dp_1", "payment_intent": "pi_1", "amount": 500, "currency": "usd", "status": status}
    headers, body = stripe.webhook("charge.dispute.created", about, at=NOW.timestamp())
    notice = gateway.read_webhook(headers, body, NOW)
    assert notice.kind is NoticeKind.DISPUTE
    assert notice.dispute is not None
    assert (notice.dispute.charge, notice.dispute.amount, notice.dispute.state) == ("pi_1", usd("5.00"), state)


# --- the whole way, with Stripe as the gateway of the marketplace ------------------------------------------------


@pytest.fixture
def by_stripe(shopper, stripe, settings):
    install(settings, stripe)
    yield shopper
    _load.cache_clear()


def bound(shopper, stripe, card: str = "pm_ok"):
    page = start_binding(shopper.account, RETURN, by=shopper.by)
    session = page.rsplit("/", 1)[-1]
    stripe.complete_session(session, card)
    return bind_card(shopper.account, session, by=shopper.by)


def test_a_card_is_bound_on_the_hosted_page_and_pays(by_stripe, stripe, timers):
    card = bound(by_stripe, stripe)
    assert str(card) == "Visa ending in 4242"
    order = pay_order(by_stripe.order(), PaymentRequest(), by=by_stripe.by)
    assert order.status == OrderStatus.PROCESSING
    propose_refund(order, None, reason="Ended.", by=by_stripe.operator)
    timers.run()
    assert Refund.objects.get().status == "succeeded"
    assert Payment.objects.get().status == PaymentStatus.REFUNDED


def test_one_customer_for_two_bindings(by_stripe, stripe):
    bound(by_stripe, stripe)
    start_binding(by_stripe.account, RETURN, by=by_stripe.by)
    assert sum(one["object"] == "customer" for one in stripe.objects.values()) == 1


def test_three_d_secure_comes_back_and_pays(by_stripe, stripe):
    bound(by_stripe, stripe, "pm_authentication")
    with pytest.raises(PaymentActionRequired):
        pay_order(by_stripe.order(), PaymentRequest(), by=by_stripe.by)
    payment = Payment.objects.get()
    stripe.authenticate(payment.reference, ok=True)
    resume_payment(payment, by=by_stripe.by)
    assert Order.objects.get().status == OrderStatus.PROCESSING


def test_a_decline_is_told(by_stripe, stripe):
    bound(by_stripe, stripe, "pm_insufficient_funds")
    with pytest.raises(PaymentDeclined, match="insufficient funds"):
        pay_order(by_stripe.order(), PaymentRequest(), by=by_stripe.by)


def test_a_lost_answer_is_found_by_webhook(by_stripe, stripe, timers):
    bound(by_stripe, stripe)
    stripe.drop_after_charge = True
    order = pay_order(by_stripe.order(), PaymentRequest(), by=by_stripe.by)
    assert order.status == OrderStatus.PENDING_PAYMENT
    stripe.drop_after_charge = False
    intent = next(one for one in stripe.objects.values() if one["object"] == "payment_intent")
    headers, body = stripe.webhook("payment_intent.succeeded", intent)
    for _time in range(2):
        answer = Client().post("/webhooks/stripe/", body, content_type="application/json", headers=headers)
        assert answer.status_code == 200
    timers.run()
    assert Order.objects.get().status == OrderStatus.PROCESSING


def test_another_amount_at_the_gateway_pays_nothing_and_goes_back(by_stripe, stripe, timers):
    bound(by_stripe, stripe)
    stripe.take_instead = 100
    with pytest.raises(PaymentDeclined, match="another amount"):
        pay_order(by_stripe.order(), PaymentRequest(), by=by_stripe.by)
    timers.run()
    assert [one["amount"] for one in stripe.objects.values() if one["object"] == "refund"] == [100]
    assert Order.objects.get().status == OrderStatus.PENDING_PAYMENT


@pytest.mark.parametrize(("settles_in", "fees"), [("", ["0.59 USD", "15.00 USD"]), ("jpy", ["59 JPY", "1500 JPY"])])
def test_a_dispute_comes_by_webhook(by_stripe, stripe, timers, settles_in, fees):
    """What Stripe keeps is booked in the currency in which it settles, whatever was charged."""
    bound(by_stripe, stripe)
    stripe.settles_in = settles_in
    pay_order(by_stripe.order(), PaymentRequest(), by=by_stripe.by)
    kept = {"amount": -500, "fee": 1500, "currency": settles_in or "usd"}
    about = {
        "id": "dp_1", "payment_intent": Payment.objects.get().reference, "amount": 500, "currency": "usd",
        "status": "needs_response", "balance_transactions": [kept],
    }  # fmt: skip
    for kind in ("created", "updated"):
        headers, body = stripe.webhook(f"charge.dispute.{kind}", about)
        Client().post("/webhooks/stripe/", body, content_type="application/json", headers=headers)
    assert Dispute.objects.get().money == usd("5.00")
    posted = [one.money for one in Posting.objects.filter(ledger=Ledger.PROCESSOR_FEES).order_by("id")]
    assert [str(one) for one in posted] == fees
    assert [ledger.total_on(Ledger.GATEWAY, one.currency).amount for one in posted] == [
        -sum(one.amount for one in posted)
    ] * 2


def test_a_dispute_of_what_was_refunded_is_told_once_and_not_waited_for(by_stripe, stripe, paid, timers):
    propose_refund(paid, None, reason="Ended.", by=by_stripe.operator)
    timers.run()
    charge = Payment.objects.get().reference
    about = {"id": "dp_1", "payment_intent": charge, "amount": 500, "currency": "usd", "status": "needs_response"}
    headers, body = stripe.webhook("charge.dispute.created", about)
    Client().post("/webhooks/stripe/", body, content_type="application/json", headers=headers)
    for days in (0, 1, 9):
        timers.run(clock.now() + timedelta(days=days))
    told = Message.objects.filter(event="DisputeExceedsCharge")
    assert told.count() == told.values("user").distinct().count() > 0
    assert not GatewayMessage.objects.filter(match_at__isnull=False).exists()


def test_an_unanswered_payment_is_asked_for_until_stripe_answers(by_stripe, stripe, timers):
    bound(by_stripe, stripe)
    stripe.fail_with = 500
    pay_order(by_stripe.order(), PaymentRequest(), by=by_stripe.by)
    timers.run(clock.now() + timedelta(minutes=5))
    assert Payment.objects.get().status == PaymentStatus.AUTHORISING
    stripe.fail_with = 0
    timers.run(clock.now() + timedelta(minutes=15))
    assert Payment.objects.get().failure_code == "not_arrived"


@pytest.mark.parametrize(("card", "words"), [("pm_gone", "does not know this card"), ("pm_refused", "refused")])
def test_what_stripe_refuses_for_good_is_a_decline(by_stripe, stripe, card, words):
    bound(by_stripe, stripe, card)
    with pytest.raises(PaymentDeclined, match=words):
        pay_order(by_stripe.order(), PaymentRequest(), by=by_stripe.by)
    assert Payment.objects.get().status == PaymentStatus.FAILED


def test_a_card_that_was_entered_for_another_customer_is_not_bound(by_stripe, stripe):
    start_binding(by_stripe.account, RETURN, by=by_stripe.by)
    theirs = StripeGateway().create_customer("theirs", "Fabrikam")
    session = StripeGateway().binding_url(theirs, RETURN).rsplit("/", 1)[-1]
    stripe.complete_session(session)
    with pytest.raises(InvalidInput, match="another account"):
        bind_card(by_stripe.account, session, by=by_stripe.by)


@pytest.fixture
def paid(by_stripe, stripe) -> Order:
    bound(by_stripe, stripe)
    return pay_order(by_stripe.order(), PaymentRequest(), by=by_stripe.by)


def told_of_the_refund(stripe: Stripe, status: str) -> None:
    refund = next(one for one in stripe.objects.values() if one["object"] == "refund")
    refund["status"] = status
    headers, body = stripe.webhook("refund.failed" if status == "failed" else "refund.updated", refund)
    Client().post("/webhooks/stripe/", body, content_type="application/json", headers=headers)


def test_a_refund_on_its_way_is_not_believed_to_be_there(by_stripe, stripe, paid, timers):
    stripe.refund_status = "pending"
    propose_refund(paid, None, reason="Ended.", by=by_stripe.operator)
    timers.run()
    assert (Refund.objects.get().status, Order.objects.get().status) == ("created", OrderStatus.REFUNDING)
    timers.run(clock.now() + timedelta(hours=1))  # asked by the timer: still on its way
    assert Refund.objects.get().status == "created"
    told_of_the_refund(stripe, "succeeded")
    timers.run()
    assert (Refund.objects.get().status, Order.objects.get().status) == ("succeeded", OrderStatus.REFUNDED)
    assert sum(one["object"] == "refund" for one in stripe.objects.values()) == 1


def test_a_refund_on_its_way_is_asked_for_without_a_webhook(by_stripe, stripe, paid, timers):
    stripe.refund_status = "pending"
    propose_refund(paid, None, reason="Ended.", by=by_stripe.operator)
    timers.run()
    next(one for one in stripe.objects.values() if one["object"] == "refund")["status"] = "succeeded"
    timers.run(clock.now() + timedelta(hours=1))
    assert Refund.objects.get().status == "succeeded"


@pytest.mark.parametrize("first", ["pending", "succeeded"])
def test_a_refund_that_fails_later_is_owed_again(by_stripe, stripe, paid, timers, first):
    stripe.refund_status = first
    propose_refund(paid, None, reason="Ended.", by=by_stripe.operator)
    timers.run()
    told_of_the_refund(stripe, "failed")
    timers.run()
    assert (Refund.objects.get().status, Order.objects.get().status) == ("failed", OrderStatus.REFUNDING)


def test_a_refund_is_made_once_when_stripe_has_forgotten_its_key(gateway, stripe):
    charge = gateway.charge("k1", CARD, usd("5.00"), RETURN).reference
    first = gateway.refund("r1", charge, usd("2.00"))
    stripe.answered.clear()
    assert gateway.refund("r1", charge, usd("2.00")) == first
    assert sum(one["object"] == "refund" for one in stripe.objects.values()) == 1


def test_the_address_of_a_bank_can_be_long(by_stripe, stripe):
    bound(by_stripe, stripe, "pm_authentication")
    with pytest.raises(PaymentActionRequired):
        pay_order(by_stripe.order(), PaymentRequest(), by=by_stripe.by)
    assert len(Payment.objects.get().action_url) > 400
