"""`manage.py reconcile`: Stripe's own list against our books, both ways, through the real SDK."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.urls import reverse

from accounts.actor import Actor
from billing.gateways.base import GatewayUnavailable
from billing.gateways.stripe import StripeGateway
from billing.models import Dispute, Payment, Posting, Reconciliation, Refund
from billing.services import PaymentRequest, pay_order, propose_refund, receive_from_gateway, receive_webhook
from billing.services.reconciling_daily import make_reconciliation, schedule_reconciliation, start_reconciliation
from billing.services.webhooks import fee_of
from koogallery.kernel import clock
from notifications.models import Message
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


def disputed(stripe, status: str = "needs_response"):  # noqa: F811
    """A charge-back of the deal's charge, opened two hours ago."""
    charge = Payment.objects.get().reference
    about = stripe.make("dp", "dispute", payment_intent=charge, amount=200, currency="usd", status=status)
    about["created"] = int((clock.now() - timedelta(hours=2)).timestamp())
    return about


def test_a_charge_back_that_only_stripe_knows_is_told(deal, stripe, capsys):  # noqa: F811
    about = disputed(stripe)
    told = lines(capsys)
    assert f"Charge-back {about['id']} of 2.00 USD over {about['payment_intent']}: it is not in the books." in told
    receive_webhook(*stripe.webhook("charge.dispute.created", about))
    call_command("reconcile")
    assert "agree" in capsys.readouterr().out


def test_a_charge_back_that_ended_otherwise_is_told(deal, stripe, capsys):  # noqa: F811
    about = disputed(stripe)
    receive_webhook(*stripe.webhook("charge.dispute.created", about))
    about["status"] = "lost"
    assert f"Charge-back {about['id']} is lost there and open here." in lines(capsys)
    about["amount"] = 150
    assert "the bank took 1.50 USD, the books say 2.00 USD" in lines(capsys)
    del stripe.objects[about["id"]]
    assert f"Charge-back {about['id']} of 2.00 USD: the processor has none of this name." in lines(capsys)


def test_what_a_charge_back_costs_is_booked_once_and_given_back_with_it(deal, stripe, capsys):  # noqa: F811
    about = disputed(stripe)
    about["balance_transactions"] = [{"fee": 1500, "currency": "usd"}]
    for _message in range(2):
        receive_webhook(*stripe.webhook("charge.dispute.funds_withdrawn", about))
    dispute = Dispute.objects.get()
    assert [one.money for one in Posting.objects.filter(entry__dispute=dispute, ledger="processor_fees")] == [usd("15")]
    call_command("reconcile")
    about["balance_transactions"].append({"fee": -1500, "currency": "usd"})
    assert f"Charge-back {about['id']}: the fee was 0.00 USD, the books say 15.00 USD." in lines(capsys)
    receive_webhook(*stripe.webhook("charge.dispute.closed", about | {"status": "won"}))
    assert not fee_of(dispute, "USD")


def test_a_late_message_of_its_beginning_books_no_fee_of_a_charge_back_that_was_won(deal, stripe, capsys):  # noqa: F811
    about = disputed(stripe)
    withdrawn = about | {"balance_transactions": [{"fee": 1500, "currency": "usd"}]}
    moved = [*withdrawn["balance_transactions"], {"fee": -1500, "currency": "usd"}]
    about |= {"status": "won", "balance_transactions": moved}
    receive_webhook(*stripe.webhook("charge.dispute.closed", about))
    receive_webhook(*stripe.webhook("charge.dispute.funds_withdrawn", withdrawn))
    dispute = Dispute.objects.get()
    assert (dispute.status, fee_of(dispute, "USD")) == ("won", usd("0.00"))
    call_command("reconcile")
    assert "agree" in capsys.readouterr().out


def test_payouts_to_the_bank_are_compared_by_their_names(deal, by_stripe, stripe, capsys):  # noqa: F811
    sent = stripe.make("po", "payout", amount=300, currency="usd", status="paid")
    stripe.make("po", "payout", amount=999, currency="usd", status="in_transit")
    assert f"Payout {sent['id']} of 3.00 USD: it is not in the books." in lines(capsys)
    receive_from_gateway(usd("2.00"), reference=sent["id"], by=by_stripe.operator)
    assert f"Payout {sent['id']}: 3.00 USD were sent, the books say 2.00 USD." in lines(capsys)
    sent["amount"] = 200
    call_command("reconcile")
    receive_from_gateway(usd("1.00"), reference="po_made_up", by=by_stripe.operator)
    assert "Payout po_made_up of 1.00 USD: the processor has none of this name." in lines(capsys)


# --- every day -------------------------------------------------------------------------------------------------------


def due_in(rest: timedelta) -> Reconciliation:
    """The next comparison, instead of the one that every database begins with."""
    Reconciliation.objects.all().delete()
    until = clock.now() + rest
    return schedule_reconciliation(until, since=until - timedelta(days=7))


def test_every_day_operators_are_told_of_what_is_new(deal, by_stripe, stripe, timers, admin_client):  # noqa: F811
    told = Message.objects.filter(event="BooksDiffer", user_id=by_stripe.operator.user_id)
    day = due_in(timedelta(days=1))
    timers.run(at=day.until)
    day.refresh_from_db()
    assert (day.differences, day.made_at is not None, told.count()) == ([], True, 0)

    StripeGateway().charge("orphan", CARD, usd("77.00"), RETURN)
    for _day in ("told", "known by now"):
        timers.run(at=Reconciliation.objects.get(due_at__isnull=False).until)
        made = Reconciliation.objects.exclude(made_at=None).latest("made_at")
        assert "of 77.00 USD: no payment of ours" in made.differences[0]
        assert [one.title for one in told] == ["Look at the reconciliation: 1 new"]
    assert "not made yet" in admin_client.get(told.get().url).content.decode()
    shown = admin_client.get(reverse("admin:billing_reconciliation_change", args=[made.pk])).content.decode()
    assert "no payment of ours" in shown


def test_a_processor_that_is_silent_is_asked_again(deal, stripe, timers):  # noqa: F811
    day = due_in(timedelta())
    stripe.fail_with = 503
    start_reconciliation(day.pk, at=day.until, by=Actor.system("reconcile"))
    with pytest.raises(GatewayUnavailable):
        make_reconciliation(day.pk, at=clock.now())
    day.refresh_from_db()
    assert (day.made_at, day.due_at) == (None, None)
    stripe.fail_with = None
    timers.run()
    day.refresh_from_db()
    assert day.made_at is not None


def test_days_that_nothing_ran_are_one(deal, timers):
    day = due_in(timedelta())
    timers.run(at=day.until + timedelta(days=40, hours=1))
    waiting = Reconciliation.objects.get(made_at=None)
    assert Reconciliation.objects.count() == 2
    assert (waiting.since, waiting.until) == (day.since, day.until + timedelta(days=41))


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
