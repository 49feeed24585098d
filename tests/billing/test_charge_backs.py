"""A buyer gets what he paid back once, by refund or by charge-back; an ended order bears its charge-back."""

import pytest

from accounts.actor import Actor
from accounts.models import User
from billing import ledger
from billing.choices import DisputeStatus, Ledger, PaymentStatus
from billing.gateways.base import DisputeNotice, DisputeState
from billing.models import Dispute, Payment, Posting, Refund
from billing.services import PaymentRequest, pay_order, pay_orders, propose_refund, record_dispute
from koogallery.kernel import clock
from koogallery.kernel.errors import InvalidInput
from notifications.models import Message
from orders.choices import OrderStatus
from orders.models import Order
from orders.services import end_with_refund
from tests.billing.conftest import usd
from tests.billing.test_gateway import completed

CARD = PaymentRequest()


def charge_back(amount: str, state: DisputeState = DisputeState.OPENED, reference: str = "dp_1") -> Dispute | None:
    notice = DisputeNotice(reference, Payment.objects.get().reference, usd(amount), state)
    return record_dispute(notice, by=Actor.system("card processor"), at=clock.now())


def at(name: Ledger) -> str:
    return str(sum(one.amount for one in Posting.objects.filter(ledger=name)))


def bought(shopper, months: int = 2) -> Order:
    shopper.card()
    return pay_order(shopper.order(months=months), CARD, by=shopper.by)


def end(shopper, timers, order: Order) -> Order:
    end_with_refund(order, amount=None, reason="Ended.", by=shopper.operator, at=clock.now())
    timers.run()
    return Order.objects.get(pk=order.pk)


@pytest.mark.parametrize("state", [DisputeState.OPENED, DisputeState.LOST])
def test_what_a_bank_took_back_is_not_refunded_again(shopper, timers, state):
    order = bought(shopper)
    charge_back("10.00", state)
    with pytest.raises(InvalidInput, match=r"up to \$0\.00"):
        propose_refund(order, usd("0.01"), reason="Again.", by=shopper.operator)
    assert end(shopper, timers, order).status == OrderStatus.REFUNDED
    assert not Refund.objects.exists()
    assert at(Ledger.HELD) == "0.0000"


def test_only_the_rest_is_refunded_and_the_order_bears_the_charge_back(shopper, timers):
    order = bought(shopper)
    charge_back("4.00")
    assert end(shopper, timers, order).status == OrderStatus.REFUNDED
    assert Refund.objects.get().money == usd("6.00")
    charge_back("4.00", DisputeState.LOST)
    assert (at(Ledger.DISPUTE_LOSSES), at(Ledger.DISPUTED), at(Ledger.HELD)) == ("0.0000", "0.0000", "0.0000")


def test_a_charge_back_that_is_won_after_the_end_is_the_buyers(shopper, timers):
    order = bought(shopper)
    charge_back("4.00")
    end(shopper, timers, order)
    charge_back("4.00", DisputeState.WON)
    timers.run()
    assert sorted(one.money.digits() for one in Refund.objects.all()) == ["4.00", "6.00"]
    assert Payment.objects.get().status == PaymentStatus.REFUNDED
    assert (at(Ledger.DISPUTE_LOSSES), at(Ledger.DISPUTED)) == ("0.0000", "0.0000")


def test_a_charge_back_that_is_won_before_makes_all_refundable_again(shopper, timers):
    order = bought(shopper)
    charge_back("4.00")
    charge_back("4.00", DisputeState.WON)
    end(shopper, timers, order)
    assert Refund.objects.get().money == usd("10.00")


def test_a_completed_order_keeps_its_money_until_it_is_taken_back(shopper, timers):
    order = completed(shopper, timers)
    charge_back("2.00", DisputeState.LOST)
    seller = ledger.payable_to(order.seller, "USD")
    assert seller.amount > 0
    assert at(Ledger.DISPUTE_LOSSES) == "2.0000"
    propose_refund(order, None, reason="Taken back.", by=shopper.operator)
    timers.run()
    assert Refund.objects.get().money == usd("3.00")
    assert not ledger.payable_to(order.seller, "USD")
    assert (at(Ledger.DISPUTE_LOSSES), at(Ledger.SERVICE_FEES), Order.objects.get().status) == (
        "0.0000",
        "0.0000",
        OrderStatus.REFUNDED,
    )


def test_orders_of_one_charge_share_what_is_left(shopper, timers):
    shopper.card()
    first, second = shopper.order(), shopper.order()
    pay_orders([first, second], CARD, by=shopper.by)
    charge_back("5.00")
    end(shopper, timers, first)
    end(shopper, timers, second)
    assert Refund.objects.get().money == usd("5.00")
    charge_back("5.00", DisputeState.WON)
    timers.run()
    assert {one.order_id for one in Refund.objects.all()} == {first.pk, second.pk}


@pytest.mark.parametrize(("told", "counts"), [("500.00", "7.00"), ("7.00", "7.00")])
def test_a_charge_back_counts_for_what_is_left_of_its_charge(shopper, timers, told, counts):
    order = bought(shopper)
    propose_refund(order, usd("3.00"), reason="A part.", by=shopper.operator)
    timers.run()
    charge_back(told, DisputeState.LOST)
    timers.run()
    assert Dispute.objects.get().money == usd(counts)
    assert Message.objects.filter(event="DisputeExceedsCharge").exists() == (told != counts)


def test_nothing_is_left_to_charge_back_after_a_whole_refund(shopper, timers):
    end(shopper, timers, bought(shopper))
    assert charge_back("10.00") is None
    timers.run()
    assert not Dispute.objects.exists()
    assert "$10.00 USD" in Message.objects.filter(event="DisputeExceedsCharge")[0].text


def test_a_charge_back_in_another_currency_is_for_people(shopper, timers):
    bought(shopper)
    notice = DisputeNotice("dp_9", Payment.objects.get().reference, usd("1"), DisputeState.OPENED)
    other = DisputeNotice(
        notice.reference, notice.charge, type(notice.amount)(notice.amount.amount, "JPY"), notice.state
    )
    assert record_dispute(other, by=Actor.system("x"), at=clock.now()) is None
    assert not Dispute.objects.filter(status=DisputeStatus.OPEN).exists()


@pytest.mark.parametrize(
    ("state", "badge", "money"),
    [
        (DisputeState.OPENED, "In dispute", "In dispute"),
        (DisputeState.LOST, "Charged back", "Charged back"),
        (DisputeState.WON, "Succeeded", "Held"),
    ],
)
def test_buyer_and_operator_read_what_became_of_the_charge(shopper, client, state, badge, money):
    order = bought(shopper)
    charge_back("10.00", state)
    client.force_login(shopper.account.memberships.get().user)
    shown = client.get(f"/billing/orders/{order.number}/")
    assert shown.context["money"].label == money
    page = shown.content.decode()
    assert ("was taken back by your bank" in page) == (state is not DisputeState.WON)
    client.force_login(User.objects.create_superuser("root@example.com", "-"))
    payment = Payment.objects.get()
    screens = [
        client.get(f"/admin/billing/payment/{where}").content.decode() for where in ("", f"{payment.pk}/change/")
    ]
    screens.append(client.get(f"/admin/orders/order/{order.pk}/change/").content.decode())
    words = {"In dispute", "Charged back", "Succeeded"}
    for one in [page, *screens[1:]]:
        assert {word for word in words if f">{word}<" in one or f"</svg>{word}" in one} == {badge}
    assert f'field-state">{badge}<' in screens[0]


def test_of_a_part_that_a_bank_took_the_rest_is_as_before(shopper, timers, client):
    order = bought(shopper)
    charge_back("4.00", DisputeState.LOST)
    client.force_login(shopper.account.memberships.get().user)
    shown = client.get(f"/billing/orders/{order.number}/")
    assert (shown.context["money"].label, "$4.00" in shown.content.decode()) == ("Held", True)
    end(shopper, timers, order)
    shown = client.get(f"/billing/orders/{order.number}/")
    assert shown.context["money"].label == "Charged back"
    assert "Partly refunded" not in shown.content.decode()
