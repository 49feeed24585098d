"""What usage bills took too much: given back once, to who paid it, at the fee at which it was booked."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection

from accounts.models import Reseller, User
from billing import ledger
from billing.choices import Ledger, UsageBillStatus
from billing.invoices.services.sources import usage_sources_of
from billing.models import Posting, ProductFee, Statement, UsageAccount, UsageBill
from billing.rules.usage import fee_that_stays
from billing.services import (
    CreditTerms,
    decide_usage_credit,
    grant_credit,
    pay_statement,
    pay_usage_bill,
)
from billing.services.methods import balance_of
from koogallery.kernel.errors import PermissionRefused
from notifications.models import Message
from orders.errors import OrderNotPayable
from provisioning.metering.services import start_meter, stop_meter
from tests.billing.conftest import usd
from tests.billing.test_usage_bills import CARD, DAY, HOUR, THIRD_OF_APRIL, THIRD_OF_JUNE, THIRD_OF_MAY, shopper, used  # noqa: F401
from tests.factories import an_operator, logged_in
from tests.provisioning.servers import STARTED


@pytest.mark.parametrize("through_reseller", [False, True])
def test_what_was_billed_too_much_is_given_back_where_no_bill_follows(shopper, timers, client, through_reseller):  # noqa: F811
    if through_reseller:
        shopper.through(Reseller.objects.create(name="Partner"))
    else:
        shopper.card()
    server = used(shopper, 7200, price="10", tax_percent="10", tax_name="VAT")
    timers.run(THIRD_OF_APRIL)
    stop_meter(server, at=STARTED + timedelta(minutes=90))
    timers.run(THIRD_OF_MAY)
    assert UsageBill.objects.count() == 1  # it may be used again: the next bill would take less
    server.close(THIRD_OF_MAY)
    server.save()
    for month in (6, 7):
        timers.run(datetime(2026, month, 2, 16, tzinfo=UTC))
    bill = UsageBill.objects.newest_first().first()
    assert UsageBill.objects.count() == 2
    assert (bill.money, bill.status, bill.lines.get().seconds) == (usd("-5.50"), UsageBillStatus.CREDITED, -1800)
    owed = {one.ledger: f"{one.amount:.2f}" for one in Posting.objects.filter(entry=bill.credit)}
    source = "reseller_owes" if through_reseller else "balance"
    assert owed == {source: "-5.50", "seller_payable": "4.25", "service_fees": "0.75", "tax": "0.50"}
    if through_reseller:
        assert ledger.total_on(Ledger.RESELLER_OWES, "USD") == usd("16.50")
    else:
        assert balance_of(shopper.account, "USD") == usd("5.50")
        assert Message.objects.get(event="UsageCredited").title == "$5.50 USD of your usage bills is given back"
        assert [one.left for one in usage_sources_of(shopper.account)] == [usd("16.50")], "less is invoiced then"
    page = logged_in(shopper.account.memberships.get().user).get(bill.get_absolute_url()).content.decode()
    assert "Credited" in page
    assert "Pay Now" not in page
    with pytest.raises(OrderNotPayable):
        pay_usage_bill(bill, CARD, by=shopper.by)


def test_who_owes_a_bill_is_given_nothing_back_before_it_is_paid(shopper, timers):  # noqa: F811
    server = used(shopper, 7200, price="10")
    timers.run(THIRD_OF_APRIL)
    server.close(THIRD_OF_APRIL)
    server.save()
    stop_meter(server, at=STARTED + timedelta(minutes=90))
    timers.run(THIRD_OF_MAY)
    assert [one.status for one in UsageBill.objects.all()] == [UsageBillStatus.ARREARS]
    shopper.card()
    pay_usage_bill(UsageBill.objects.get(), CARD, by=shopper.by, at=THIRD_OF_MAY + DAY)
    timers.run(THIRD_OF_JUNE)
    assert [one.status for one in UsageBill.objects.order_by("id")] == [UsageBillStatus.PAID, UsageBillStatus.CREDITED]
    assert balance_of(shopper.account, "USD") == usd("5.00")


def used_through(shopper, timers, partner: Reseller, *, late: bool) -> UsageAccount:  # noqa: F811
    """Use of two hours that a reseller paid, half an hour of which was none; and of two later ones paid by the account."""
    shopper.through(partner)
    server = used(shopper, 7200, price="10")
    timers.run(THIRD_OF_APRIL)
    shopper.account.reseller = None
    shopper.account.save()
    shopper.card()
    if late:
        start_meter(server, at=STARTED + 5 * HOUR)
        stop_meter(server, at=STARTED + 7 * HOUR)
        timers.run(THIRD_OF_MAY)
    server.close(THIRD_OF_MAY)
    server.save()
    stop_meter(server, at=STARTED + timedelta(minutes=90))
    timers.run(THIRD_OF_JUNE)
    return UsageAccount.objects.get()


def test_it_goes_back_to_who_paid_whoever_the_account_buys_through_now(shopper, timers):  # noqa: F811
    partner = Reseller.objects.create(name="Partner")
    used_through(shopper, timers, partner, late=False)
    assert [one.money for one in UsageBill.objects.order_by("id")] == [usd("20.00"), usd("-5.00")]
    assert not balance_of(shopper.account, "USD")
    assert not Message.objects.filter(event="UsageCreditUnclear").exists()
    assert ledger.owed_by(partner, "USD") == usd("15.00")


@pytest.mark.parametrize("to_the_reseller", [False, True])
def test_where_several_paid_operators_are_told_once_and_decide(shopper, timers, client, to_the_reseller):  # noqa: F811
    partner, other = (Reseller.objects.create(name=name) for name in ("Partner", "Other"))
    an_operator()
    of = used_through(shopper, timers, partner, late=True)
    told = Message.objects.filter(event="UsageCreditUnclear")
    before = told.count()
    timers.run(datetime(2026, 7, 2, 16, tzinfo=UTC))
    assert told.count() == before > 0, "the same is not told again"
    assert told[0].title == f"Decide who gets $5.00 USD back: usage bills of {shopper.account.name}"
    assert [one.money for one in UsageBill.objects.all()] == [usd("20.00"), usd("20.00")]
    client.force_login(User.objects.create_superuser("root@example.com", "-"))
    page, url = client.get("/admin/").content.decode(), "/admin/billing/usageaccount/"
    assert "Usage credits to decide" in page
    assert "$5.00 USD" in client.get(f"{url}?undecided__isempty=0").content.decode()

    def decided(action: str, reseller: Reseller | None) -> str:
        form = {"action": action, "_selected_action": of.pk, "reseller": reseller.pk if reseller else ""}
        return client.post(url, form, follow=True).content.decode()

    assert "paid none of these bills" in decided("to_the_reseller", other)
    assert "Choose the reseller" in decided("to_the_reseller", None)
    assert UsageBill.objects.count() == 2
    assert "Credited" in decided(*(("to_the_reseller", partner) if to_the_reseller else ("to_the_account", None)))
    assert "waits to be decided" in decided("to_the_account", None), "nothing is given twice"
    timers.run(datetime(2026, 8, 2, 16, tzinfo=UTC))
    assert UsageBill.objects.newest_first().first().money == usd("-5.00")
    assert (UsageBill.objects.count(), told.count()) == (3, before)
    assert ledger.owed_by(partner, "USD") == usd("15.00" if to_the_reseller else "20.00")
    assert balance_of(shopper.account, "USD") == usd("0" if to_the_reseller else "5.00")
    with pytest.raises(PermissionRefused):
        decide_usage_credit(of, None, by=shopper.by)


@pytest.mark.parametrize("of_before", [False, True])
def test_a_correction_goes_back_at_the_fee_at_which_it_was_booked(shopper, timers, of_before):  # noqa: F811
    """15 per cent of 20.00; the product's fee of 50 per cent is of what comes later."""
    shopper.card()
    server = used(shopper, 7200, price="10")
    product = server.line.order.product
    timers.run(THIRD_OF_APRIL)
    if of_before:  # lines did not say so: what the entry of their bill says counts
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute("UPDATE billing_usagebillline SET fee = NULL")
            cursor.execute("SET LOCAL session_replication_role = origin")
    ProductFee.objects.create(product=product, percent=50)
    stop_meter(server, at=STARTED + timedelta(minutes=90))
    start_meter(server, at=THIRD_OF_APRIL + HOUR)
    stop_meter(server, at=THIRD_OF_APRIL + 3 * HOUR)
    timers.run(THIRD_OF_MAY)
    assert [one.fee for one in UsageBill.objects.newest_first()[0].lines.all()] == [Decimal("-0.75"), Decimal("10.00")]
    assert ledger.total_on(Ledger.SERVICE_FEES, "USD") == usd("-12.25")
    server.close(THIRD_OF_MAY)
    server.save()
    stop_meter(server, at=STARTED)
    timers.run(THIRD_OF_JUNE)
    assert UsageBill.objects.newest_first()[0].money == usd("-15.00")
    assert ledger.total_on(Ledger.SERVICE_FEES, "USD") == usd("-10.00"), "all that was kept of March is given back"


@pytest.mark.parametrize(
    ("sentence", "lines", "stays"),
    [
        ("what was taken", [(3600, "1.50")], "1.50"),
        ("a third of it goes back", [(3600, "1.50"), (-1200, "0")], "1.00"),
        ("of the newest first", [(3600, "1.50"), (3600, "5.00"), (-1800, "0")], "4.00"),
        ("and of those before as far as that took less", [(3600, "1.50"), (1800, "5.00"), (-3600, "0")], "0.75"),
        ("twice", [(3600, "1.50"), (-1800, "0"), (-1800, "0")], "0"),
        ("and what came later", [(3600, "1.50"), (-3600, "0"), (600, "0.20")], "0.20"),
    ],
)
def test_the_fee_that_stays(sentence, lines, stays):
    assert fee_that_stays([(seconds, Decimal(fee)) for seconds, fee in lines]) == Decimal(stays)


def test_what_stands_on_a_statement_is_given_back_once_that_is_paid(shopper, timers):  # noqa: F811
    grant_credit(shopper.account, CreditTerms(usd("100"), "TK-1"), by=shopper.operator, at=STARTED)
    server = used(shopper, 7200, price="10")
    timers.run(THIRD_OF_APRIL)
    server.close(THIRD_OF_APRIL)
    server.save()
    stop_meter(server, at=STARTED + timedelta(minutes=90))
    timers.run(THIRD_OF_MAY)
    assert [one.status for one in UsageBill.objects.all()] == [UsageBillStatus.PAID]  # on the statement, which is owed
    shopper.card()
    pay_statement(Statement.objects.get(), CARD, by=shopper.by, at=THIRD_OF_MAY + DAY)
    timers.run(THIRD_OF_JUNE)
    assert [one.status for one in UsageBill.objects.order_by("id")] == [UsageBillStatus.PAID, UsageBillStatus.CREDITED]
    assert balance_of(shopper.account, "USD") == usd("5.00")
