"""The buyer's pages of invoices by plain forms: what an application comes to, who supports what is invoiced."""

import pytest

from billing.invoices.models import Invoice, InvoiceHeader
from billing.invoices.services import save_header
from billing.services import propose_refund
from tests.billing.conftest import usd
from tests.billing.invoicing import HEADER, applied, completed, issued
from tests.billing.invoicing import shop as shop  # a fixture

pytestmark = pytest.mark.django_db


def test_the_application_shows_what_it_comes_to_before_it_is_sent(shop, client):
    orders = [completed(shop, months=months) for months in (1, 2, 3)]
    numbers = [one.number for one in orders]
    client.force_login(shop.account.memberships.get().user)
    save_header(shop.account, HEADER, by=shop.by)
    header = InvoiceHeader.objects.get().public_id
    path = "/billing/invoices/apply/"

    page = client.get(path, {"order": numbers})
    assert [ticked for _row, ticked in page.context["rows"]] == [True] * 3
    assert page.context["preview"].total == usd("30.00")
    assert client.get(f"{path}total/", {"order": numbers[:2]}).context["preview"].total == usd("15.00")
    # Without a script the button Update total adds up; what was typed stays.
    form = {"shown": numbers, "order": numbers[1:], "header": header, "note": "PO 4711"}
    page = client.post(path, form | {"act": "total"})
    assert (page.status_code, page.context["preview"].total) == (200, usd("25.00"))
    assert sum(ticked for _row, ticked in page.context["rows"]) == 2
    assert "PO 4711" in page.content.decode()
    assert not Invoice.objects.exists()
    none = client.post(path, form | {"order": []})
    assert (none.status_code, "Select at least one order." in none.content.decode()) == (422, True)
    strange = client.get(f"{path}total/", {"order": ["CS2611269999999999"]})
    assert "Select at least one order." in strange.content.decode()
    assert client.post(path, form).status_code == 302
    invoice = Invoice.objects.get()
    assert (invoice.money, invoice.note) == (usd("25.00"), "PO 4711")
    # What was refunded after it was invoiced lowers the total that is shown, as it lowers the invoice.
    issued(invoice)
    propose_refund(orders[1], usd("2.00"), reason="Late.", by=shop.operator)
    page = client.get(path, {"order": numbers[:1]})
    preview = page.context["preview"]
    assert (preview.named, preview.offset, preview.total) == (usd("5.00"), usd("2.00"), usd("3.00"))
    (group,) = client.get("/billing/invoices/").context["groups"]
    assert group.preview.total == usd("3.00")
    assert applied(shop, orders[0]).money == usd("3.00")


def test_every_list_of_invoices_leads_to_who_supports_what_was_bought(shop, client):
    order = completed(shop)
    client.force_login(shop.account.memberships.get().user)
    where = f"{order.product.get_absolute_url()}#support"
    invoice = applied(shop, order)
    assert where in client.get("/billing/invoices/?tab=applications").content.decode()
    issued(invoice)
    assert where in client.get("/billing/invoices/?tab=issued").content.decode()
    assert where in client.get(f"/billing/invoices/{invoice.number}/").content.decode()
