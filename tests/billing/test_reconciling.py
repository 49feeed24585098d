"""`manage.py reconcile`: Stripe's own list against our books, both ways, through the real SDK."""

from decimal import Decimal

import pytest
from django.core.management import call_command

from billing.gateways.stripe import StripeGateway
from billing.models import Payment, Posting, Refund
from billing.services import PaymentRequest, pay_order, propose_refund
from orders.models import Order
from tests.billing.conftest import usd
from tests.billing.test_stripe import CARD, RETURN, bound, by_stripe, stripe  # noqa: F401


@pytest.fixture
def deal(by_stripe, stripe, timers) -> Order:  # noqa: F811
    """Paid, and a part of it given back."""
    bound(by_stripe, stripe)
    order = pay_order(by_stripe.order(), PaymentRequest(), by=by_stripe.by)
    propose_refund(order, usd("1.00"), reason="Late.", by=by_stripe.operator)
    timers.run()
    return order


def lines(capsys, status: int = 1) -> str:
    with pytest.raises(SystemExit) as ended:
        call_command("reconcile")
    assert ended.value.code == status
    told = capsys.readouterr()
    return str(told.out + told.err)


def one(stripe, kind: str):  # noqa: F811
    return next(found for found in stripe.objects.values() if found["object"] == kind)


def test_what_agrees_is_said_so(deal, capsys):
    call_command("reconcile")
    assert "stripe and the books agree" in capsys.readouterr().out


def test_a_charge_over_another_amount_that_went_back_agrees(by_stripe, stripe, timers, capsys):  # noqa: F811
    bound(by_stripe, stripe)
    stripe.take_instead = 100
    with pytest.raises(Exception, match="another amount"):
        pay_order(by_stripe.order(), PaymentRequest(), by=by_stripe.by)
    timers.run()
    call_command("reconcile")
    assert "agree" in capsys.readouterr().out


def test_a_charge_that_only_stripe_knows_is_told(deal, stripe, capsys):  # noqa: F811
    StripeGateway().charge("orphan", CARD, usd("77.00"), RETURN)
    assert "of 77.00 USD: no payment of ours" in lines(capsys)


def test_a_charge_that_stripe_does_not_have_is_told(deal, stripe, capsys):  # noqa: F811
    one(stripe, "payment_intent")["status"] = "canceled"
    assert f"Payment {Payment.objects.get().public_id} of 5.00 USD: the processor has no charge" in lines(capsys)


def test_another_amount_and_another_fee_are_told(deal, stripe, capsys):  # noqa: F811
    intent = one(stripe, "payment_intent")
    intent["amount_received"] = 499
    intent["latest_charge"]["balance_transaction"]["fee"] = 60
    told = lines(capsys)
    assert "took 4.99 USD, the books say 5.00 USD" in told
    assert "the fee was 0.60 USD, the books say 0.59 USD" in told


def test_a_refund_that_only_stripe_knows_is_told(deal, stripe, capsys):  # noqa: F811
    StripeGateway().refund("orphan", Payment.objects.get().reference, usd("2.00"))
    assert "of 2.00 USD: no refund of ours" in lines(capsys)


def test_a_refund_that_stripe_does_not_have_is_told(deal, stripe, capsys):  # noqa: F811
    one(stripe, "refund")["status"] = "failed"
    assert f"Refund {Refund.objects.get().public_id} of 1.00 USD: the processor has none" in lines(capsys)


def test_no_answer_is_no_agreement(deal, stripe, capsys):  # noqa: F811
    stripe.fail_with = 503
    assert "does not answer" in lines(capsys, 2)


def test_the_sandbox_is_asked_in_the_same_way(shopper, timers, capsys):
    shopper.card()
    order = pay_order(shopper.order(), PaymentRequest(), by=shopper.by)
    propose_refund(order, usd("1.00"), reason="Late.", by=shopper.operator)
    timers.run()
    call_command("reconcile")
    assert "sandbox and the books agree" in capsys.readouterr().out
    assert Posting.objects.filter(ledger="processor_fees").get().amount == Decimal("0.15")
