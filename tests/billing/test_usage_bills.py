"""Bills of pay-per-use: the month's cut, what comes late, cards, statements, resellers, arrears (RULES 8)."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import Reseller
from billing import ledger
from billing.choices import Ledger, PaymentStatus, UsageBillStatus
from billing.gateways.sandbox import SandboxGateway
from billing.models import CreditLine, Payment, Posting, Statement, UsageAccount, UsageBill, UsageBillLine
from billing.rules.usage import first_cut, next_notice, unbilled
from billing.services import (
    CreditTerms,
    PaymentRequest,
    grant_credit,
    pay_statement,
    pay_usage_bill,
    record_transfer,
    unbind_card,
)
from billing.services.reconciling import differences
from koogallery.kernel.books import invariants
from notifications.models import Message
from orders.choices import SubscriptionStatus
from orders.errors import OrderNotPayable
from orders.models import Subscription
from orders.ports import MonthOfUse
from pricing.use import use_charge
from pricing.values import MeteredPrice
from provisioning.metering.services import start_meter, stop_meter
from tests.billing.conftest import a_shopper, usd
from tests.factories import a_statement
from tests.provisioning.servers import STARTED, a_server

CARD = PaymentRequest()
MARCH, APRIL = date(2026, 3, 1), date(2026, 4, 1)
# Midnight in GMT+08:00 is 16:00 UTC of the day before.
END_OF_MARCH, THIRD_OF_APRIL = datetime(2026, 3, 31, 16, tzinfo=UTC), datetime(2026, 4, 2, 16, tzinfo=UTC)
THIRD_OF_MAY, THIRD_OF_JUNE = datetime(2026, 5, 2, 16, tzinfo=UTC), datetime(2026, 6, 2, 16, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def rate(price: str = "0.0136", **terms: str) -> MeteredPrice:
    return MeteredPrice(usd(price), **{name: Decimal(value) for name, value in terms.items()})


@pytest.fixture
def shopper(db) -> Iterator:
    """As everywhere, and whatever a test does, use is bills is postings. (Its servers have no delivery.)"""
    yield a_shopper()

    broken = {}
    for one in invariants():
        if any(word in one.breaches for word in ("usage", "metering_", "billing_posting", "billing_payment")):
            with connection.cursor() as cursor:
                cursor.execute(one.breaches)
                if rows := cursor.fetchall():
                    broken[one.name] = rows
    assert broken == {}


def used(shopper, seconds: int, *, at: datetime = STARTED, **terms) -> Subscription:
    """A server of the shopper's that ran for so long."""
    server = a_server(shopper.account, at=at, **terms)
    start_meter(server, at=at)
    stop_meter(server, at=at + timedelta(seconds=seconds))
    return server


# --- the rules --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "price", "amount", "tax"),
    [
        (3600, rate("0.0136"), "0.01", "0.00"),
        (3600 * 744, rate("0.0136"), "10.12", "0.00"),  # 10.1184
        (3600, rate("5.0136"), "5.01", "0.00"),
        (1, rate("0.0136"), "0.00", "0.00"),
        # Half a cent is rounded up, once: 0.01 an hour, half an hour.
        (1800, rate("0.01"), "0.01", "0.00"),
        (1799, rate("0.01"), "0.00", "0.00"),
        (-1800, rate("0.01"), "-0.01", "0.00"),
        (36_000, rate("1.00", discount_percent="10", tax_percent="9"), "9.00", "0.81"),
        (3600, rate("0.333", discount_percent="33.33", tax_percent="7"), "0.22", "0.02"),
    ],
)
def test_what_use_costs(seconds, price, amount, tax):
    charge = use_charge(seconds, price)
    assert (charge.amount, charge.tax) == (usd(amount), usd(tax))


def test_what_was_billed_is_taken_off_by_line_and_month():
    march, april = (MonthOfUse(1, 2, month, 100, rate()) for month in (MARCH, APRIL))
    assert unbilled([march, april], {}) == [march, april]
    assert unbilled([march], {(1, 2, MARCH): 100}) == []
    assert [one.seconds for one in unbilled([march, april], {(1, 2, MARCH): 130, (1, 9, APRIL): 5})] == [-30, 100]


def test_the_cut_is_the_hour_that_reaches_the_limit():
    hours = [(STARTED + HOUR * at, Decimal(40)) for at in range(1, 7)]
    terms = {"billed": Decimal(0), "after": None, "limit": Decimal(100)}
    assert first_cut(hours, **terms) == STARTED + HOUR * 3
    assert first_cut(hours, **terms | {"billed": Decimal(120), "after": STARTED + HOUR * 3}) == STARTED + HOUR * 6
    assert first_cut(hours, **terms | {"limit": Decimal(241)}) is None
    # What came late of hours before the last cut counts, but cuts no bill there again.
    assert first_cut(hours, **terms | {"after": STARTED + HOUR * 4}) == STARTED + HOUR * 5


def test_steps_are_announced_seven_three_and_one_day_before():
    steps, days, at = [STARTED + 15 * DAY, STARTED + 30 * DAY], [], STARTED
    while at := next_notice(steps, at):
        days.append((at - STARTED).days)
    assert days == [8, 12, 14, 23, 27, 29]


# --- the month ---------------------------------------------------------------------------------------------------


def test_a_card_is_charged_on_the_third_for_the_month_before(shopper, timers):
    shopper.card()
    used(shopper, 100 * 3600, price="0.0136")
    timers.run(THIRD_OF_APRIL - timedelta(seconds=1))
    assert not UsageBill.objects.exists()
    timers.run(THIRD_OF_APRIL)
    bill = UsageBill.objects.get()
    assert (bill.money, bill.status, bill.until, bill.month) == (
        usd("1.36"),
        UsageBillStatus.PAID,
        END_OF_MARCH,
        MARCH,
    )
    payment = Payment.objects.get()
    assert (payment.status, payment.money, payment.method) == (PaymentStatus.SUCCEEDED, usd("1.36"), "card")
    shares = {one.ledger: one.amount for one in Posting.objects.filter(entry__kind="usage")}
    assert shares == {"gateway": Decimal("1.36"), "seller_payable": Decimal("-1.16"), "service_fees": Decimal("-0.20")}
    assert Message.objects.filter(event="UsageBillPaid").exists()
    # What the card was charged stands in the books as the processor has it.
    assert list(differences(SandboxGateway(), THIRD_OF_APRIL - DAY, THIRD_OF_APRIL + DAY)) == []
    timers.run(THIRD_OF_MAY)
    assert UsageBill.objects.count() == 1


def test_the_months_end_is_cut_to_the_second_in_the_billing_zone(shopper, timers):
    shopper.card()
    used(shopper, 3600, at=END_OF_MARCH - timedelta(seconds=600), price="36")
    timers.run(THIRD_OF_MAY)
    lines = UsageBillLine.objects.order_by("month").values_list("month", "seconds", "amount")
    assert list(lines) == [(MARCH, 600, Decimal("6.00")), (APRIL, 3000, Decimal("30.00"))]


def naive_bills(start: datetime, stop: datetime, price: Decimal) -> list[tuple[datetime, datetime, Decimal]]:
    """(cut, issued, amount) of one server, hour by hour with nothing but a sum that is emptied by each bill."""
    bills, seconds, hour = [], 0, start.replace(minute=0, second=0)
    while hour <= THIRD_OF_MAY:
        seconds += max(0, int((min(stop, hour + HOUR) - max(start, hour)).total_seconds()))
        hour += HOUR
        month_ends = hour in (END_OF_MARCH, THIRD_OF_MAY - 2 * DAY)
        if seconds * price / 3600 >= 100 or (month_ends and seconds):
            amount = (seconds * price / 3600).quantize(Decimal("0.01"), rounding="ROUND_HALF_UP")
            at_once = seconds * price / 3600 >= 100
            bills.append((hour, hour if at_once else hour + 2 * DAY, amount))
            seconds = 0
    return bills


@pytest.mark.parametrize("up", [True, False])
def test_a_worker_that_was_down_over_the_months_end_bills_the_same(shopper, timers, up):
    shopper.card()
    stop = datetime(2026, 4, 20, 3, 25, 45, tzinfo=UTC)
    server = a_server(shopper.account, price="2.25")
    start_meter(server, at=STARTED)
    stop_meter(server, at=stop)
    for day in range(0, 60, 3) if up else ():
        timers.run(STARTED + day * DAY)
    timers.run(datetime(2026, 5, 10, tzinfo=UTC))
    bills = UsageBill.objects.order_by("until").values_list("until", "issued_at", "amount")
    assert list(bills) == naive_bills(STARTED, stop, Decimal("2.25"))
    assert {(one.status, one.issued_at == one.paid_at) for one in UsageBill.objects.all()} == {("paid", True)}
    assert sum(one.seconds for one in UsageBillLine.objects.all()) == (stop - STARTED).total_seconds()


def test_late_use_stands_in_the_next_bill(shopper, timers):
    shopper.card()
    server = used(shopper, 3600, price="10")
    timers.run(THIRD_OF_APRIL)
    # After the bill the cloud tells that it ran another half hour in March; and it runs an hour in April.
    start_meter(server, at=STARTED + 5 * HOUR)
    stop_meter(server, at=STARTED + 5 * HOUR + timedelta(minutes=30))
    start_meter(server, at=THIRD_OF_APRIL + HOUR)
    stop_meter(server, at=THIRD_OF_APRIL + 2 * HOUR)
    timers.run(THIRD_OF_MAY)
    first, second = UsageBill.objects.order_by("until")
    assert list(first.lines.values_list("month", "seconds")) == [(MARCH, 3600)]
    assert list(second.lines.values_list("month", "seconds", "amount")) == [
        (MARCH, 1800, Decimal("5.00")),
        (APRIL, 3600, Decimal("10.00")),
    ]


def test_what_was_billed_too_much_comes_off_the_next_bill(shopper, timers):
    shopper.card()
    server = used(shopper, 7200, price="10")
    timers.run(THIRD_OF_APRIL)
    stop_meter(server, at=STARTED + timedelta(minutes=90))  # it had stood still since then
    timers.run(THIRD_OF_MAY)
    assert UsageBill.objects.count() == 1  # nothing to pay: it waits
    start_meter(server, at=THIRD_OF_MAY + HOUR)
    stop_meter(server, at=THIRD_OF_MAY + 3 * HOUR)
    timers.run(THIRD_OF_JUNE)
    assert UsageBill.objects.newest_first().first().money == usd("15.00")


def test_a_card_is_charged_as_soon_as_enough_has_accrued(shopper, timers, settings):
    settings.USAGE_CHARGE_AT = Decimal(100)
    shopper.card()
    start_meter(a_server(shopper.account, price="7"), at=STARTED)
    timers.run(STARTED + 14 * HOUR)
    assert not UsageBill.objects.exists()
    timers.run(STARTED + 15 * HOUR)
    assert [(one.money, one.until, one.closes_month) for one in UsageBill.objects.all()] == [
        (usd("105.00"), STARTED + 15 * HOUR, False)
    ]
    timers.run(STARTED + 45 * HOUR)
    assert UsageBill.objects.count() == 3
    timers.run(THIRD_OF_APRIL)
    of_march = UsageBillLine.objects.filter(month=MARCH)
    assert sum(one.seconds for one in of_march) == (END_OF_MARCH - STARTED).total_seconds()


def test_what_accrues_in_another_currency_than_the_sites_waits_for_the_third(shopper, timers, settings):
    """100 of the site's is not 100 of every currency."""
    settings.USAGE_CHARGE_AT, settings.SITE_CURRENCY = Decimal(100), "KRW"
    shopper.card()
    used(shopper, 40 * 3600, price="7")
    timers.run(STARTED + 45 * HOUR)
    assert not UsageBill.objects.exists()
    timers.run(THIRD_OF_APRIL)
    assert [(one.money, one.closes_month) for one in UsageBill.objects.all()] == [(usd("280.00"), True)]


def test_a_free_hour_makes_no_bill(shopper, timers):
    used(shopper, 3600, price="0")
    timers.run(THIRD_OF_APRIL)
    assert not UsageBill.objects.exists()
    assert UsageAccount.objects.get().next_bill_at == THIRD_OF_MAY


def test_discount_and_tax_of_the_order_hold(shopper, timers):
    shopper.card()
    used(shopper, 36_000, price="1", discount_percent="10", tax_percent="9", tax_name="GST")
    timers.run(THIRD_OF_APRIL)
    assert UsageBill.objects.get().money == usd("9.81")
    assert ledger.total_on(Ledger.TAX, "USD") == usd("-0.81")


def test_our_own_servers_are_our_own_sales(shopper, timers):
    shopper.card()
    used(shopper, 36_000, price="1", method="ecs")
    timers.run(THIRD_OF_APRIL)
    assert ledger.total_on(Ledger.OWN_SALES, "USD") == usd("-10.00")
    assert ledger.total_on(Ledger.SELLER_PAYABLE, "USD") == usd("0")


# --- who pays how ------------------------------------------------------------------------------------------------


def test_settlement_accounts_find_it_on_the_months_statement(shopper, timers):
    grant_credit(shopper.account, CreditTerms(usd("100"), "TK-1"), by=shopper.operator, at=STARTED)
    used(shopper, 36_000 * 3, price="4")
    timers.run(THIRD_OF_APRIL)
    statement, bill = Statement.objects.get(), UsageBill.objects.get()
    assert (statement.month, statement.money) == (MARCH, usd("120.00"))
    assert (bill.status, CreditLine.objects.get().used) == (UsageBillStatus.PAID, Decimal("120.00"))
    shopper.card()
    pay_statement(statement, CARD, by=shopper.by)
    assert CreditLine.objects.get().used == 0


def test_a_reseller_owes_what_his_customer_used(shopper, timers):
    shopper.through(Reseller.objects.create(name="Partner"))
    used(shopper, 36_000, price="4")
    timers.run(THIRD_OF_APRIL)
    assert UsageBill.objects.get().status == UsageBillStatus.PAID
    assert ledger.total_on(Ledger.RESELLER_OWES, "USD") == usd("40.00")


def test_a_balance_that_is_enough_pays_before_the_card(shopper, timers):
    shopper.card()
    shopper.balance("50.00")
    used(shopper, 36_000, price="4")
    timers.run(THIRD_OF_APRIL)
    assert Payment.objects.get().method == "balance"


# --- arrears -----------------------------------------------------------------------------------------------------


@pytest.fixture
def deliverer(settings):
    from tests.orders import conftest

    settings.FULFILMENT = {**settings.FULFILMENT, ("image", False): ["tests.orders.conftest.NotingDeliverer"]}
    conftest.asked.clear()
    return conftest.asked


@pytest.mark.parametrize("card", ["declined", "action", None])
def test_a_failed_charge_is_grace_then_freeze_then_release(shopper, timers, deliverer, card):
    if card:
        shopper.card({"declined": "insufficient_funds", "action": "authentication"}[card])
    server = a_server(shopper.account, price="0.05")
    start_meter(server, at=STARTED)
    timers.run(THIRD_OF_APRIL)
    bill = UsageBill.objects.get()
    assert (bill.status, bill.arrears_at) == (UsageBillStatus.ARREARS, THIRD_OF_APRIL)
    assert bill.freezes_at == THIRD_OF_APRIL + 15 * DAY
    for days in (6, 2):
        timers.run(bill.freezes_at - days * DAY)
    timers.run(bill.freezes_at - timedelta(seconds=1))
    assert deliverer == []
    assert Message.objects.filter(event="UsageFreezeAhead", user_id=shopper.by.user_id).count() == 3
    timers.run(bill.freezes_at)
    assert deliverer == ["freeze"]
    timers.run(bill.releases_at - timedelta(seconds=1))
    assert deliverer == ["freeze"]
    timers.run(bill.releases_at)
    server.refresh_from_db()
    assert (deliverer, server.status) == (["freeze", "release"], SubscriptionStatus.CLOSED)
    assert {one.event for one in Message.objects.all()} >= {"UsageInArrears", "UsageFrozen", "UsageReleased"}


def test_frozen_servers_cost_nothing_from_the_end_of_grace_on(shopper, timers, deliverer):
    server = a_server(shopper.account, price="0.05")
    start_meter(server, at=STARTED)
    # The worker is down when grace ends and comes back a week later.
    timers.run(THIRD_OF_APRIL)
    freezes_at = UsageBill.objects.get().freezes_at
    timers.run(freezes_at + 7 * DAY)
    timers.run(THIRD_OF_MAY)
    april = UsageBillLine.objects.get(month=APRIL)
    assert april.seconds == (freezes_at - END_OF_MARCH).total_seconds()


@pytest.mark.parametrize("bill_first", [False, True])
def test_what_two_debts_froze_comes_back_with_the_later_payment(shopper, timers, deliverer, bill_first):
    shopper.card("insufficient_funds")
    start_meter(a_server(shopper.account, price="0.05"), at=STARTED)
    timers.run(THIRD_OF_APRIL)
    bill = UsageBill.objects.get()
    timers.run(bill.freezes_at)
    with transaction.atomic():
        shopper.balance("200.00")
        shopper.credit()
        CreditLine.objects.update(used=5)
        statement = a_statement(shopper.account, status="overdue", froze_at=bill.freezes_at)
        acts = [
            lambda: record_transfer(statement, "BANK-1", by=shopper.operator),
            lambda: pay_usage_bill(bill, PaymentRequest("balance"), by=shopper.by),
        ]
        first, second = reversed(acts) if bill_first else acts
        first()
        assert deliverer == ["freeze"]
        second()
        assert deliverer == ["freeze", "unfreeze"]
        transaction.set_rollback(True)  # what the statement is over was not bought


def test_paying_lifts_a_freeze(shopper, timers, deliverer):
    shopper.card("insufficient_funds")
    start_meter(a_server(shopper.account, price="0.05"), at=STARTED)
    timers.run(THIRD_OF_APRIL)
    bill = UsageBill.objects.get()
    timers.run(bill.freezes_at)
    unbind_card(shopper.account.payment_methods.get(), by=shopper.by)
    shopper.card()
    pay_usage_bill(bill, CARD, by=shopper.by, at=bill.freezes_at + HOUR)
    bill.refresh_from_db()
    assert (bill.status, deliverer) == (UsageBillStatus.PAID, ["freeze", "unfreeze"])
    with pytest.raises(OrderNotPayable):
        pay_usage_bill(bill, CARD, by=shopper.by)
    timers.run(bill.releases_at + DAY)
    assert "release" not in deliverer


def test_nothing_more_is_charged_in_between_while_in_arrears(shopper, timers, settings, deliverer):
    settings.USAGE_CHARGE_AT = Decimal(5)
    start_meter(a_server(shopper.account, price="1"), at=STARTED)
    timers.run(STARTED + 30 * HOUR)
    assert [one.money for one in UsageBill.objects.all()] == [usd("5.00")]


def test_bill_lines_never_change(shopper, timers):
    shopper.card()
    used(shopper, 36_000, price="4")
    timers.run(THIRD_OF_APRIL)
    with pytest.raises(IntegrityError), transaction.atomic():
        UsageBillLine.objects.update(amount=0)
    with pytest.raises(IntegrityError), transaction.atomic():
        UsageBillLine.objects.all().delete()


def test_no_bill_is_charged_twice(shopper, timers):
    from billing.services import charge_usage_bill

    shopper.card()
    used(shopper, 36_000, price="4")
    timers.run(THIRD_OF_APRIL)
    charge_usage_bill(UsageBill.objects.get().public_id, at=THIRD_OF_APRIL)
    assert Payment.objects.count() == 1
