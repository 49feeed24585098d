"""Pay-per-use is invoiced by the bill of a closed cycle, once it is paid in cash; the platform's servers apart (RULES 5)."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing.choices import StatementStatus
from billing.invoices.errors import NotInvoiceable
from billing.invoices.services import (
    Application,
    apply_for_invoice,
    ask_return,
    carry_out_issue,
    finish_return,
    invoice_bill_automatically,
    invoice_statement_automatically,
    save_header,
    usage_sources_of,
)
from billing.invoices.services.sources import _spread
from billing.models import Statement, UsageBill, UsageBillLine
from billing.services import CreditTerms, grant_credit, pay_statement
from koogallery.kernel.errors import NotFound
from provisioning.metering.services import stop_meter
from tests.billing.conftest import a_shopper, usd
from tests.billing.invoicing import HEADER, issued
from tests.billing.test_usage_bills import CARD, STARTED, THIRD_OF_APRIL, THIRD_OF_MAY, used

pytestmark = pytest.mark.django_db


def applied_for(shop, bill: UsageBill, issuer: str = ""):
    wanted = Application(HEADER, usage_bill=bill.public_id, issuer=issuer)
    return apply_for_invoice(wanted, account=shop.account, by=shop.by)


def test_a_paid_bill_is_invoiced_once_by_each_issuer(timers, client):
    shop, other = a_shopper(), a_shopper()
    shop.card()
    used(shop, 36_000, price="1", tax_percent="9", tax_name="GST")
    used(shop, 36_000, price="2", method="ecs")
    timers.run(THIRD_OF_APRIL)
    bill = UsageBill.objects.get()
    sources = {one.issuer: one.left for one in usage_sources_of(shop.account)}
    assert sources.pop("platform") == usd("20.00")
    assert list(sources.values()) == [usd("10.90")]
    with pytest.raises(NotInvoiceable, match="cannot share"):
        applied_for(shop, bill)
    with pytest.raises(NotFound):
        applied_for(other, bill)
    client.force_login(shop.account.memberships.get().user)
    assert client.get("/billing/invoices/").content.decode().count(f"?bill={bill.public_id}") == 2
    ours = applied_for(shop, bill, "platform")
    theirs = applied_for(shop, bill, next(iter(sources)))
    assert (ours.basis, ours.money, theirs.money) == ("cycle", usd("20.00"), usd("10.90"))
    document = issued(theirs).document()
    assert document.facts["taxes"] == [{"label": "GST 9%", "net": "$10.00 USD", "tax": "$0.90 USD"}]
    assert not usage_sources_of(shop.account)
    with pytest.raises(NotInvoiceable, match="invoiced already"):
        applied_for(shop, bill, "platform")
    # Returned, it is applied for again over the same bill.
    ask_return(theirs, reason="Wrong header", by=shop.by)
    finish_return(theirs, by=shop.operator)
    again = client.get("/billing/invoices/?tab=issued").context["rows"][0][1]
    assert f"bill={bill.public_id}" in again
    assert client.get(again).context["rows"][0][0].left == usd("10.90")


def test_what_is_given_back_of_a_month_billed_in_parts_is_of_the_newest_first(
    timers, settings, django_assert_max_num_queries
):
    settings.USAGE_CHARGE_AT = Decimal(90)
    shop = a_shopper()
    shop.card()
    server = used(shop, 100 * 3600, price="1.01")
    timers.run(THIRD_OF_APRIL)
    # (90 h, 10 h): 90.90 and 10.10. 50 h were not used, which is 50.50.
    assert [one.left for one in usage_sources_of(shop.account)] == [usd("10.10"), usd("90.90")]
    stop_meter(server, at=STARTED + timedelta(hours=50))
    server.close(THIRD_OF_APRIL)
    server.save()
    timers.run(THIRD_OF_MAY)
    assert [one.money for one in UsageBill.objects.order_by("id")] == [usd("90.90"), usd("10.10"), usd("-50.50")]
    with django_assert_max_num_queries(8):
        (source,) = usage_sources_of(shop.account)
    assert (source.usage_bill, source.left) == (UsageBill.objects.earliest("id"), usd("50.50")), "the cash that stayed"
    with pytest.raises(NotInvoiceable, match="invoiced already"):
        applied_for(shop, UsageBill.objects.order_by("id")[1])


def a_line(bill: int, seconds: int, amount: str) -> UsageBillLine:
    return UsageBillLine(bill=UsageBill(pk=bill), seconds=seconds, amount=Decimal(amount), tax=Decimal(amount) / 10)


# Beside other work the machine may take seconds for the first examples.
@settings(suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.tuples(st.integers(1, 100), st.integers(1, 5000)), min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(1, 100), st.integers(0, 5000)), max_size=3),
)
def test_what_goes_back_is_all_of_the_credit_and_never_seconds_that_no_bill_took(took, credits_):
    taken = [a_line(at, seconds, f"{cents / 100:.2f}") for at, (seconds, cents) in enumerate(took)]
    left = {one.bill_id: one.seconds for one in taken}
    for seconds, cents in credits_:
        seconds = min(seconds, sum(left.values()))
        parts = list(_spread(a_line(99, -seconds, f"{-cents / 100:.2f}"), taken))
        for part in parts:
            left[part.bill_id] += part.seconds
        assert min(left.values()) >= 0
        assert [one.bill_id for one in parts] == sorted((one.bill_id for one in parts), reverse=True)
        if seconds:
            assert sum(one.seconds for one in parts) == -seconds
            assert sum(one.amount for one in parts) == Decimal(-cents) / 100
            assert sum(one.tax for one in parts) == Decimal(-cents) / 1000


def test_what_stands_on_a_statement_waits_until_that_is_paid(timers):
    shop = a_shopper()
    grant_credit(shop.account, CreditTerms(usd("100"), "TK-1"), by=shop.operator, at=STARTED)
    used(shop, 36_000, price="4")
    timers.run(THIRD_OF_APRIL)
    bill, statement = UsageBill.objects.get(), Statement.objects.get()
    assert not usage_sources_of(shop.account)
    with pytest.raises(NotInvoiceable, match="not paid in cash yet"):
        applied_for(shop, bill)
    shop.card()
    pay_statement(statement, CARD, by=shop.by)
    assert Statement.objects.get().status == StatementStatus.PAID
    assert applied_for(shop, bill).money == usd("40.00")


def test_use_is_invoiced_automatically_once_it_is_paid(timers, settings):
    shop, later = a_shopper(), a_shopper()
    for one in (shop, later):
        save_header(one.account, HEADER, by=one.by)
    shop.card()
    grant_credit(later.account, CreditTerms(usd("100"), "TK-1"), by=shop.operator, at=STARTED)
    used(shop, 36_000, price="1")
    used(shop, 36_000, price="2", method="ecs")
    used(later, 36_000, price="4")
    timers.run(THIRD_OF_APRIL)
    bill, on_credit = (UsageBill.objects.get(account=one.account).public_id for one in (shop, later))
    assert invoice_bill_automatically(bill, at=THIRD_OF_APRIL) == []
    settings.INVOICES_AUTOMATIC = True
    made = invoice_bill_automatically(bill, at=THIRD_OF_APRIL)
    assert sorted(one.money.amount for one in made) == [10, 20]
    assert {one.status for one in made} == {"issuing"}
    # What stands on a statement is invoiced when that is paid.
    assert invoice_bill_automatically(on_credit, at=THIRD_OF_APRIL) == []
    later.card()
    statement = Statement.objects.get()
    pay_statement(statement, CARD, by=later.by)
    (invoice,) = invoice_statement_automatically(statement.public_id, at=THIRD_OF_APRIL)
    assert invoice.money == usd("40.00")
    assert invoice_statement_automatically(statement.public_id, at=THIRD_OF_APRIL) == []
    # What was returned does not come again by itself when another month is paid.
    carry_out_issue(invoice.number, at=THIRD_OF_APRIL)
    ask_return(invoice, reason="Wrong header", by=later.by)
    finish_return(invoice, by=later.operator)
    other = Statement(account=later.account, currency="USD", month=date(2026, 2, 1), amount=5)
    other.issued_at = other.due_at = other.freezes_at = STARTED
    other.settle(STARTED)
    other.save()
    assert invoice_statement_automatically(other.public_id, at=THIRD_OF_APRIL) == []
