"""What is owed on monthly settlement and what became of it: refunds of stated debt, two payers at once, freezes."""

from datetime import UTC, datetime, timedelta

import pytest
from time_machine import travel

from accounts.models import Account
from billing import ledger
from billing.choices import Ledger, PaymentStatus, StatementStatus
from billing.gateways import ChargeOutcome, GatewayAnswer
from billing.models import AccountBalance, CreditLine, Payment, Posting, SandboxCharge, Statement
from billing.services import (
    PaymentRequest,
    pay_order,
    pay_statement,
    propose_refund,
    record_transfer,
    resolve_payment,
)
from billing.services.outcomes import record_outcome
from koogallery.kernel import clock
from notifications.models import Message
from orders.choices import OrderStatus
from orders.errors import AccountFrozen, OrderNotPayable
from orders.models import Order
from tests.billing.conftest import usd

CARD, CREDIT = PaymentRequest(), PaymentRequest("monthly_settlement")
MARCH, APRIL, THIRD_OF_APRIL = (datetime(2026, month, day, tzinfo=UTC) for month, day in ((3, 10), (4, 10), (4, 3)))
SOON_AFTER = datetime(2026, 4, 5, tzinfo=UTC)


def bought(shopper, at: datetime, *, months: int = 1) -> Order:
    """An order that was bought on credit at that time."""
    with travel(at, tick=False):
        if not CreditLine.objects.exists():
            shopper.credit()
        return pay_order(shopper.order(months=months), CREDIT, by=shopper.by)


def refunded(shopper, timers, order: Order, amount: str | None = None, at: datetime = SOON_AFTER) -> None:
    with travel(at, tick=False):
        propose_refund(order, usd(amount) if amount else None, reason="Ended.", by=shopper.operator)
    timers.run(at)


def is_frozen(shopper) -> bool:
    return Account.objects.get(pk=shopper.account.pk).is_frozen


def balance() -> str:
    return str(sum(one.amount for one in AccountBalance.objects.all()))


# --- notices ---------------------------------------------------------------------------------------------------------


def told_of(shopper) -> list[tuple[str, str]]:
    rows = Message.objects.filter(user_id=shopper.by.user_id, event__in=["StatementDueSoon", "DebtFreezeAhead"])
    return [(one.event, f"{one.at:%m-%d}") for one in rows.order_by("at", "pk")]


def test_the_due_date_and_the_freeze_are_announced_7_3_and_1_days_before(shopper, timers):
    bought(shopper, MARCH)
    for month, day in ((4, 11), (4, 15), (4, 17), (4, 26), (4, 30), (5, 2), (5, 20)):
        timers.run(datetime(2026, month, day, tzinfo=UTC))
    # Issued on April 3, due on April 18, frozen on May 3, each at 00:00 GMT+08:00.
    assert told_of(shopper) == [
        ("StatementDueSoon", "04-10"), ("StatementDueSoon", "04-14"), ("StatementDueSoon", "04-16"),
        ("DebtFreezeAhead", "04-25"), ("DebtFreezeAhead", "04-29"), ("DebtFreezeAhead", "05-01"),
    ]  # fmt: skip
    titles = set(Message.objects.values_list("title", flat=True))
    assert "Pay your statement of March 2026 before 2026-04-18 00:00 GMT+08:00: $5.00 USD" in titles
    assert Statement.objects.get().notice_at is None


def test_after_a_standstill_only_the_latest_is_told_and_nothing_that_has_happened(shopper, timers):
    bought(shopper, MARCH)
    timers.run(datetime(2026, 4, 15, tzinfo=UTC))
    assert told_of(shopper) == [("StatementDueSoon", "04-14")]
    timers.run(datetime(2026, 4, 20, tzinfo=UTC))  # due since the 18th: that is overdue, and told as such
    timers.run(datetime(2026, 5, 2, tzinfo=UTC))
    assert told_of(shopper) == [("StatementDueSoon", "04-14"), ("DebtFreezeAhead", "05-01")]


def test_a_paid_statement_announces_nothing_more(shopper, timers):
    bought(shopper, MARCH)
    shopper.card()
    timers.run(datetime(2026, 4, 11, tzinfo=UTC))
    pay_statement(Statement.objects.get(), CARD, by=shopper.by)
    timers.run(datetime(2026, 5, 20, tzinfo=UTC))
    assert told_of(shopper) == [("StatementDueSoon", "04-10")]


# --- refunds ---------------------------------------------------------------------------------------------------------


def test_a_whole_refund_of_stated_debt_pays_its_statement(shopper, timers):
    order = bought(shopper, MARCH)
    timers.run(THIRD_OF_APRIL)
    refunded(shopper, timers, order)
    statement = Statement.objects.get()
    assert (statement.status, statement.to_pay) == (StatementStatus.PAID, usd("0"))
    assert (CreditLine.objects.get().used, Order.objects.get().status) == (0, OrderStatus.REFUNDED)
    timers.run(datetime(2026, 5, 20, tzinfo=UTC))
    assert not is_frozen(shopper)
    assert Statement.objects.count() == 1
    assert not Message.objects.filter(title__startswith="Overdue").exists()


def test_a_part_refund_lowers_what_is_to_be_paid(shopper, timers):
    order = bought(shopper, MARCH)
    timers.run(THIRD_OF_APRIL)
    refunded(shopper, timers, order, "2.00")
    statement = Statement.objects.get()
    assert (statement.money, statement.to_pay, statement.status) == (usd("5.00"), usd("3.00"), StatementStatus.OPEN)
    shopper.card()
    assert pay_statement(statement, CARD, by=shopper.by).money == usd("3.00")
    assert CreditLine.objects.get().used == 0


def test_what_was_paid_already_comes_to_the_balance(shopper, timers):
    order = bought(shopper, MARCH)
    timers.run(THIRD_OF_APRIL)
    record_transfer(Statement.objects.get(), "BANK-1", by=shopper.operator)
    refunded(shopper, timers, order)
    assert (CreditLine.objects.get().used, balance()) == (0, "5.0000")


def test_the_oldest_unpaid_statements_are_paid_first_and_the_rest_is_kept(shopper, timers):
    first, _second = bought(shopper, MARCH, months=3), bought(shopper, APRIL)
    timers.run(datetime(2026, 5, 3, tzinfo=UTC), "issue_statements")
    record_transfer(Statement.objects.get(month="2026-03-01"), "BANK-1", by=shopper.operator)
    refunded(shopper, timers, first, at=datetime(2026, 5, 4, tzinfo=UTC))
    assert Statement.objects.get(month="2026-04-01").status == StatementStatus.PAID
    assert (CreditLine.objects.get().used, balance()) == (0, "10.0000")


@pytest.mark.parametrize("at", [datetime(2026, 3, 20, tzinfo=UTC), datetime(2026, 4, 2, tzinfo=UTC)])
def test_what_is_refunded_before_it_is_stated_is_never_stated(shopper, timers, at):
    order = bought(shopper, MARCH, months=2)
    refunded(shopper, timers, order, "4.00", at=at)
    timers.run(datetime(2026, 5, 3, tzinfo=UTC), "issue_statements")
    assert [one.money for one in Statement.objects.all()] == [usd("6.00")]
    assert balance() == "0"


def test_a_later_refund_does_not_lower_another_months_statement(shopper, timers):
    order, _april = bought(shopper, MARCH), bought(shopper, APRIL)
    timers.run(THIRD_OF_APRIL, "issue_statements")
    refunded(shopper, timers, order, at=datetime(2026, 5, 2, tzinfo=UTC))
    timers.run(datetime(2026, 5, 3, tzinfo=UTC), "issue_statements")
    states = [(one.money, one.status) for one in Statement.objects.order_by("month")]
    assert states == [(usd("5.00"), StatementStatus.PAID), (usd("5.00"), StatementStatus.OPEN)]


def test_a_statement_that_is_being_charged_is_left_alone(shopper, timers):
    order = bought(shopper, MARCH)
    timers.run(THIRD_OF_APRIL, "issue_statements")
    shopper.card("lost_answer")
    with travel(SOON_AFTER, tick=False):
        pay_statement(Statement.objects.get(), CARD, by=shopper.by)
    refunded(shopper, timers, order)
    assert balance() == "5.0000"
    timers.run(SOON_AFTER + timedelta(minutes=15))
    assert (Statement.objects.get().status, Payment.objects.get(method="card").status) == ("paid", "succeeded")


# --- paid twice ------------------------------------------------------------------------------------------------------


def test_no_transfer_is_recorded_while_a_card_is_charged(shopper, timers):
    bought(shopper, MARCH)
    timers.run(THIRD_OF_APRIL, "issue_statements")
    shopper.card("lost_answer")
    statement = Statement.objects.get()
    payment = pay_statement(statement, CARD, by=shopper.by)
    with pytest.raises(OrderNotPayable):
        record_transfer(statement, "BANK-1", by=shopper.operator)
    resolve_payment(payment.public_id, last_call=False, at=clock.now())
    assert Statement.objects.get().status == StatementStatus.PAID


def test_a_late_charge_for_a_statement_that_was_paid_otherwise_goes_back(shopper, timers):
    bought(shopper, MARCH)
    timers.run(THIRD_OF_APRIL, "issue_statements")
    shopper.card("lost_answer")
    payment = pay_statement(Statement.objects.get(), CARD, by=shopper.by)
    record_outcome(payment, GatewayAnswer(ChargeOutcome.NOT_FOUND), by=shopper.by, at=clock.now())
    record_transfer(Statement.objects.get(), "BANK-1", by=shopper.operator)
    resolve_payment(payment.public_id, last_call=False, at=clock.now())
    timers.run()
    payment.refresh_from_db()
    assert (payment.status, payment.failure_code) == (PaymentStatus.FAILED, "paid_otherwise")
    assert SandboxCharge.objects.get(refund_of__key=payment.public_id).amount == 5
    assert not sum(one.amount for one in Posting.objects.filter(ledger=Ledger.SUSPENSE))
    assert ledger.Posting.objects.filter(ledger=Ledger.BANK).get().amount == 5


# --- frozen for debt ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("newest_first", [False, True])
def test_the_freeze_ends_with_the_last_statement_that_froze(shopper, timers, newest_first):
    bought(shopper, MARCH)
    bought(shopper, APRIL)
    timers.run(datetime(2026, 6, 10, tzinfo=UTC))
    first, last = Statement.objects.order_by("-month" if newest_first else "month")
    assert first.froze_at != last.froze_at
    record_transfer(first, "BANK-1", by=shopper.operator)
    assert is_frozen(shopper)
    record_transfer(last, "BANK-2", by=shopper.operator)
    assert not is_frozen(shopper)


def test_a_freeze_by_operations_outlives_the_debt(shopper, timers):
    bought(shopper, MARCH)
    Account.objects.update(frozen_at=MARCH)
    timers.run(datetime(2026, 6, 10, tzinfo=UTC))
    record_transfer(Statement.objects.get(), "BANK-1", by=shopper.operator)
    assert is_frozen(shopper)


def test_a_freeze_for_debt_and_its_end_are_told(shopper, timers):
    bought(shopper, MARCH)
    timers.run(datetime(2026, 6, 10, tzinfo=UTC))
    told = Message.objects.filter(event="AccountFrozenForDebt")
    assert {one.title for one in told} >= {"Pay your statement of March 2026: the account is frozen"}
    record_transfer(Statement.objects.get(), "BANK-1", by=shopper.operator)
    timers.run()
    assert Message.objects.filter(event="DebtFreezeLifted").exists()


def test_a_frozen_account_pays_its_statements_and_no_orders(shopper, timers):
    shopper.balance("50.00")
    bought(shopper, MARCH)
    with travel(datetime(2026, 5, 1, tzinfo=UTC), tick=False):
        waiting = shopper.order()
    with travel(datetime(2026, 5, 4, tzinfo=UTC), tick=False):
        timers.run(clock.now())
        with pytest.raises(AccountFrozen, match="statement"):
            pay_order(waiting, PaymentRequest("balance"), by=shopper.by)
        pay_statement(Statement.objects.get(), PaymentRequest("balance"), by=shopper.by)
        assert pay_order(waiting, PaymentRequest("balance"), by=shopper.by).status == OrderStatus.PROCESSING
