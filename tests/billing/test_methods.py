"""Card, balance, monthly settlement, reseller, several orders at once (RULES 6)."""

from datetime import UTC, datetime, timedelta

import pytest
from time_machine import travel

from accounts.models import Reseller, User
from billing import ledger
from billing.choices import Ledger, PaymentStatus, StatementStatus
from billing.errors import CreditRefused, PaymentDeclined, PaymentMethodRequired
from billing.models import AccountBalance, CreditLine, Payment, Posting, Statement
from billing.services import (
    CreditTerms,
    PaymentRequest,
    grant_credit,
    pay_order,
    pay_orders,
    pay_statement,
    receive_from_reseller,
    record_transfer,
    revoke_credit,
)
from koogallery.kernel import clock
from koogallery.kernel.errors import InvalidInput, PermissionRefused
from notifications.models import Message
from orders.choices import OrderStatus
from orders.errors import AccountFrozen, OrderNotPayable
from orders.models import Order
from orders.services import cancel_order, end_with_refund
from pricing.models import Discount, ResellerPrice
from tests.billing.conftest import a_shopper, usd

BALANCE, CREDIT = PaymentRequest("balance"), PaymentRequest("monthly_settlement")


def status_of(order: Order) -> str:
    return Order.objects.get(pk=order.pk).status


def test_a_card_must_be_bound_to_pay_by_card(shopper):
    with pytest.raises(PaymentMethodRequired):
        pay_order(shopper.order(), PaymentRequest(), by=shopper.by)


def test_the_balance_pays_without_a_card(shopper):
    shopper.balance("12.00")
    order = pay_order(shopper.order(), BALANCE, by=shopper.by)
    assert order.status == OrderStatus.PROCESSING
    assert AccountBalance.objects.get().money == usd("7.00")


def test_a_balance_that_is_too_small_pays_nothing(shopper):
    shopper.balance("4.99")
    order = shopper.order()
    with pytest.raises(InvalidInput, match="not enough"):
        pay_order(order, BALANCE, by=shopper.by)
    assert status_of(order) == OrderStatus.PENDING_PAYMENT
    assert not Payment.objects.exists()


def test_a_refund_returns_to_the_balance(shopper, timers):
    shopper.balance("5.00")
    order = pay_order(shopper.order(), BALANCE, by=shopper.by)
    end_with_refund(order, amount=None, reason="Ended.", by=shopper.operator, at=clock.now())
    timers.run()
    assert AccountBalance.objects.get().money == usd("5.00")
    assert status_of(order) == OrderStatus.REFUNDED


def test_monthly_settlement_needs_a_grant(shopper):
    with pytest.raises(CreditRefused, match="service ticket"):
        pay_order(shopper.order(), CREDIT, by=shopper.by)


def test_only_operations_grant_credit(shopper):
    with pytest.raises(PermissionRefused):
        grant_credit(shopper.account, CreditTerms(usd("5.00"), "TK-1"), by=shopper.by)


def test_credit_is_granted_for_a_ticket_only(shopper):
    with pytest.raises(InvalidInput, match="ticket"):
        grant_credit(shopper.account, CreditTerms(usd("5.00"), " "), by=shopper.operator)


def test_orders_on_credit_stop_at_the_limit(shopper):
    shopper.credit("9.99")
    assert pay_order(shopper.order(), CREDIT, by=shopper.by).status == OrderStatus.PROCESSING
    with pytest.raises(CreditRefused, match=r"4\.99"):
        pay_order(shopper.order(), CREDIT, by=shopper.by)
    assert CreditLine.objects.get().used == 5


def test_revoked_credit_pays_nothing_new(shopper):
    shopper.credit()
    revoke_credit(shopper.account, by=shopper.operator)
    with pytest.raises(CreditRefused):
        pay_order(shopper.order(), CREDIT, by=shopper.by)


@pytest.fixture
def credit_bought_in_march(shopper):
    with travel(datetime(2026, 3, 10, tzinfo=UTC), tick=False):
        shopper.credit()
        pay_order(shopper.order(), CREDIT, by=shopper.by)
        # 23:59 of the month's last day in GMT+08:00 still counts; one minute later is April.
    with travel(datetime(2026, 3, 31, 15, 59, tzinfo=UTC), tick=False):
        pay_order(shopper.order(), CREDIT, by=shopper.by)
    with travel(datetime(2026, 3, 31, 16, 0, tzinfo=UTC), tick=False):
        pay_order(shopper.order(), CREDIT, by=shopper.by)
    return shopper


def test_last_month_is_stated_on_the_3rd_and_due_15_days_later(credit_bought_in_march, timers):
    third = datetime(2026, 4, 2, 16, tzinfo=UTC)  # 00:00 GMT+08:00
    timers.run(third - timedelta(seconds=1))
    assert not Statement.objects.exists()
    timers.run(third)
    statement = Statement.objects.get()
    assert (statement.money, statement.month.isoformat()) == (usd("10.00"), "2026-03-01")
    assert statement.due_at == third + timedelta(days=15)
    timers.run(datetime(2026, 5, 2, 16, tzinfo=UTC), "issue_statements")
    assert [one.money for one in Statement.objects.order_by("month")] == [usd("10.00"), usd("5.00")]


def test_an_overdue_statement_stops_new_credit_at_once_and_freezes_15_days_later(credit_bought_in_march, timers):
    shopper = credit_bought_in_march
    due = datetime(2026, 4, 17, 16, tzinfo=UTC)
    timers.run(due, "issue_statements", "statements_fall_overdue")
    assert Statement.objects.get(month="2026-03-01").status == StatementStatus.OVERDUE
    with travel(due, tick=False):
        order = shopper.order()
        with pytest.raises(CreditRefused, match="overdue"):
            pay_order(order, CREDIT, by=shopper.by)
    timers.run(due + timedelta(days=15), "freeze_for_debt")
    shopper.account.refresh_from_db()
    assert shopper.account.is_frozen
    with pytest.raises(AccountFrozen):
        shopper.order()
    record_transfer(Statement.objects.get(month="2026-03-01"), "BANK-77", by=shopper.operator)
    shopper.account.refresh_from_db()
    assert not shopper.account.is_frozen
    assert CreditLine.objects.get().used == 5  # April's order


@pytest.mark.parametrize("method", ["card", "balance"])
def test_a_statement_is_paid_once(credit_bought_in_march, timers, method):
    shopper = credit_bought_in_march
    shopper.card()
    shopper.balance("50.00")
    timers.run(datetime(2026, 4, 3, tzinfo=UTC), "issue_statements")
    statement = Statement.objects.get()
    pay_statement(statement, PaymentRequest(method), by=shopper.by)
    statement.refresh_from_db()
    assert statement.status == StatementStatus.PAID
    with pytest.raises(OrderNotPayable):
        pay_statement(statement, PaymentRequest(method), by=shopper.by)
    assert CreditLine.objects.get().used == 5


def test_a_refund_of_a_credit_order_lowers_what_is_owed(shopper, timers):
    shopper.credit()
    order = pay_order(shopper.order(), CREDIT, by=shopper.by)
    end_with_refund(order, amount=None, reason="Ended.", by=shopper.operator, at=clock.now())
    timers.run()
    assert CreditLine.objects.get().used == 0


# --- resellers ---------------------------------------------------------------------------------------------------


def test_a_resellers_customer_submits_and_the_reseller_owes(shopper):
    reseller = Reseller.objects.create(name="Cloudhaus")
    shopper.through(reseller)
    order = shopper.order()
    assert order.status == OrderStatus.PROCESSING
    assert ledger.owed_by(reseller, "USD") == usd("5.00") == ledger.held_for(order)
    assert not Payment.objects.shown().exists()
    receive_from_reseller(reseller, usd("3.00"), reference="BANK-5", by=shopper.operator)
    assert ledger.owed_by(reseller, "USD") == usd("2.00")


def test_a_resellers_customer_is_told_of_no_payment(shopper, timers, client):
    shopper.through(Reseller.objects.create(name="Cloudhaus"))
    order = shopper.order()
    timers.run()
    told = list(Message.objects.filter(account=shopper.account))
    assert [one.title.split(":")[0] for one in told] == ["Order submitted"]
    assert not any("pay for" in (one.title + one.text).lower() or "succeeded" in one.text for one in told)
    client.force_login(User.objects.get(pk=shopper.by.user_id))
    assert b"Your payment" not in client.get(f"/billing/orders/{order.number}/").content


def test_a_refund_reverses_what_the_reseller_owes(shopper, timers):
    reseller = Reseller.objects.create(name="Cloudhaus")
    shopper.through(reseller)
    order = shopper.order()
    end_with_refund(order, amount=None, reason="Ended.", by=shopper.operator, at=clock.now())
    timers.run()
    assert not ledger.owed_by(reseller, "USD")


def test_a_frozen_resellers_customer_cannot_order(shopper):
    shopper.through(Reseller.objects.create(name="Cloudhaus", frozen_at=clock.now()))
    with pytest.raises(AccountFrozen):
        shopper.order()


def test_a_resellers_price_list_and_narrowest_discount_make_the_price(shopper):
    reseller = Reseller.objects.create(name="Cloudhaus")
    ResellerPrice.objects.create(
        reseller=reseller, specification=shopper.specification, billing_mode="monthly", amount="4.00"
    )
    Discount.objects.create(kind="partner", name="All", percent=50, reseller=reseller)
    Discount.objects.create(kind="partner", name="You", percent=10, reseller=reseller, account=shopper.account)
    Discount.objects.create(kind="promotional", name="Autumn", percent=90)
    shopper.through(reseller)
    order = shopper.order()
    assert (order.list_price, order.discount, order.payable) == (4, usd("0.40").amount, usd("3.60").amount)


# --- several orders at once ------------------------------------------------------------------------------------------


def test_one_charge_pays_several_orders(shopper):
    shopper.card()
    orders = [shopper.order() for _number in range(3)]
    payment = pay_orders(orders, PaymentRequest(), by=shopper.by)
    assert payment.money == usd("15.00")
    assert {status_of(order) for order in orders} == {OrderStatus.PROCESSING}


def test_one_order_that_cannot_be_paid_keeps_all_from_being_paid(shopper):
    shopper.card()
    orders = [shopper.order() for _number in range(3)]
    cancel_order(orders[1], by=shopper.by)
    with pytest.raises(OrderNotPayable, match=orders[1].number):
        pay_orders(orders, PaymentRequest(), by=shopper.by)
    assert not Payment.objects.exists()


@pytest.mark.parametrize("number", [0, 31])
def test_a_combined_payment_takes_1_to_30_orders(shopper, number):
    shopper.card()
    with pytest.raises(InvalidInput, match="30"):
        pay_orders([shopper.order() for _number in range(number)], PaymentRequest(), by=shopper.by)


def test_a_decline_leaves_all_orders_payable(shopper):
    shopper.card("insufficient_funds")
    orders = [shopper.order() for _number in range(2)]
    with pytest.raises(PaymentDeclined, match="insufficient funds"):
        pay_orders(orders, PaymentRequest(), by=shopper.by)
    assert {status_of(order) for order in orders} == {OrderStatus.PENDING_PAYMENT}


def test_a_combined_charge_whose_order_was_cancelled_meanwhile_goes_back_whole(shopper, timers):
    shopper.card("lost_answer")
    orders = [shopper.order() for _number in range(2)]
    pay_orders(orders, PaymentRequest(), by=shopper.by)
    cancel_order(orders[0], by=shopper.by)
    timers.run(clock.now() + timedelta(minutes=15))
    assert [status_of(order) for order in orders] == [OrderStatus.CANCELLED, OrderStatus.PENDING_PAYMENT]
    payment = Payment.objects.get()
    assert (payment.status, payment.refunded) == (PaymentStatus.REFUNDED, 10)


def test_orders_of_two_accounts_are_not_paid_together(shopper):
    other = a_shopper()
    shopper.card()
    with pytest.raises(InvalidInput):
        pay_orders([shopper.order(), other.order()], PaymentRequest(), by=shopper.by)


def test_the_processors_fee_is_booked(shopper):
    shopper.card()
    pay_order(shopper.order(months=9), PaymentRequest(), by=shopper.by)
    assert [one.money for one in Posting.objects.filter(ledger=Ledger.PROCESSOR_FEES)] == [usd("1.31")]
