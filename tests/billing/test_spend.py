"""Spend and statement of account: what the pages say is what orders, refunds, bills and postings come to, to the cent."""

import csv
import io
from datetime import timedelta
from decimal import Decimal

from django.db.models import Sum
from time_machine import travel

from accounts.models import Account
from billing.models import Posting, Refund, UsageBillLine
from billing.services import PaymentRequest, pay_order, propose_refund
from billing.spend import month_earlier, spent
from orders.models import Order
from orders.services import Placement, place_order
from pricing.values import Duration, QuoteRequest
from provisioning.metering.services import start_meter, stop_meter
from tests.billing.test_usage_bills import STARTED, THIRD_OF_APRIL, shopper  # noqa: F401
from tests.factories import a_specification, logged_in
from tests.provisioning.servers import a_server

NOW = THIRD_OF_APRIL + timedelta(days=1)


def rows_of(response) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode())))


def test_spend_is_orders_less_refunds_and_use(shopper, timers):  # noqa: F811
    shopper.card()
    with travel(STARTED, tick=False):
        order = pay_order(shopper.order(), PaymentRequest(), by=shopper.by)
        shopper.order()  # not paid: not spent
    server = a_server(shopper.account, "1.25", tax_percent="9", tax_name="GST")
    start_meter(server, at=STARTED)
    stop_meter(server, at=STARTED + timedelta(hours=10, seconds=1))
    timers.run(THIRD_OF_APRIL)
    with travel(NOW, tick=False):
        from tests.billing.conftest import usd

        propose_refund(order, usd("2.00"), reason="Late.", by=shopper.operator)
        found = spent(shopper.account, NOW.date())
        user = Account.objects.get(pk=shopper.account.pk).memberships.earliest("id").user
        page = logged_in(user).get("/billing/spend/")
        file = rows_of(logged_in(user).get("/billing/spend/?export=csv"))
    paid = Order.objects.filter(paid_at__isnull=False).aggregate(total=Sum("payable"))["total"]
    back = Refund.objects.aggregate(total=Sum("amount"))["total"]
    used = UsageBillLine.objects.aggregate(total=Sum("amount") + Sum("tax"))["total"]
    assert (paid, back, used) == (Decimal("5.00"), Decimal("2.00"), Decimal("13.63"))
    whole = paid - back + used
    assert sum(one.money.amount for one in found) == whole
    assert sum(Decimal(row["amount"]) for row in file) == whole
    by_month, by_product, by_seller = page.context["panels"]
    for panel in (by_month, by_product, by_seller):
        assert sum(share.money.amount for share in panel.shares) == whole
    assert {share.name: str(share.money.amount.normalize()) for share in by_month.shares if share.money} == {
        "2026-03": "18.63",
        "2026-04": "-2",
    }
    assert len(by_month.shares) == 12
    assert month_earlier(NOW.date(), 4).isoformat() == "2025-12-01"


def test_products_of_the_same_name_are_kept_apart(shopper):  # noqa: F811
    shopper.card()
    mine = shopper.specification.product
    other = a_specification(prices={"monthly": "7.00"})
    type(mine).objects.filter(pk=other.product_id).update(name=mine.name)
    request = QuoteRequest(other.pk, "monthly", Duration(1, "month"))
    placement = Placement(request, agreements_accepted=True)
    for order in (shopper.order(), place_order(placement, account=shopper.account, by=shopper.by)):
        pay_order(order, PaymentRequest(), by=shopper.by)
    client = logged_in(Account.objects.get(pk=shopper.account.pk).memberships.earliest("id").user)
    page = client.get("/billing/spend/")
    _by_month, by_product, by_seller = page.context["panels"]
    sellers = (other.product.seller.name, mine.seller.name)
    assert [(one.name, one.product.seller.name, one.money.amount) for one in by_product.shares] == [
        (mine.name, sellers[0], 7),
        (mine.name, sellers[1], 5),
    ]
    assert [one.name for one in by_seller.shares] == list(sellers)
    assert all(f"{mine.name}, {seller}" in page.content.decode() for seller in sellers)
    slugs = {row["product_slug"]: row["amount"] for row in rows_of(client.get("/billing/spend/?export=csv"))}
    assert slugs == {mine.slug: "5.00", other.product.slug: "7.00"}


def test_a_statement_of_account_adds_up(shopper):  # noqa: F811
    shopper.balance("50.00")
    pay_order(shopper.order(), PaymentRequest("balance"), by=shopper.by)
    client = logged_in(Account.objects.get(pk=shopper.account.pk).memberships.earliest("id").user)
    page = client.get("/billing/account-statement/")
    assert [str(page.context[name]) for name in ("opening", "closing")] == ["0.00 USD", "45.00 USD"]
    assert [str(amount) for _row, amount, _balance in page.context["rows"]] == ["50.00 USD", "-5.00 USD"]
    total = Posting.objects.filter(ledger="balance").aggregate(total=Sum("amount"))["total"]
    assert page.context["closing"].amount == -total
    file = rows_of(client.get(f"/billing/account-statement/{page.context['export']}"))
    assert (file[-1]["balance"], file[1]["credit"], file[2]["debit"]) == ("45.00", "50.00", "5.00")
    bad = {"ledger": "balance", "first": "1900-01-01", "last": "9999-12-31"}
    assert client.get("/billing/account-statement/", bad).status_code == 422
    assert client.get("/billing/account-statement/", bad | {"ledger": "held"}).status_code == 422
