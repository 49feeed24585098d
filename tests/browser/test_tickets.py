"""In a browser: a service ticket from an order to its end."""

import re

from playwright.sync_api import expect

from accounts.models import Account
from accounts.web import buyer_actor
from billing.gateways.sandbox import SandboxGateway
from billing.services import PaymentRequest, bind_card, pay_order
from orders.models import Order
from orders.services import Placement, place_order
from pricing.values import Duration, QuoteRequest
from support.tickets.models import Ticket
from tests.billing import cloud
from tests.browser.buying import come_in
from tests.browser.conftest import on_sale
from tests.factories import UserFactory
from tests.supervision.test_flow import PDF


def bought(member, product) -> Order:
    """Paid by card, and delivered with that."""
    by = buyer_actor(member.user, member)
    account = Account.objects.get(pk=member.account_id)
    bind_card(account, SandboxGateway().enter_card("success"), by=by)
    request = QuoteRequest(product.specifications.get().pk, "monthly", Duration(1, "month"))
    order = place_order(Placement(request, agreements_accepted=True), account=account, by=by)
    pay_order(order, PaymentRequest(), by=by)
    return Order.objects.get(pk=order.pk, status="completed")


def test_a_ticket_is_opened_from_an_order_answered_and_closed(person, settings):
    settings.FULFILMENT = cloud.FULFILMENT
    order_of = on_sale(saas=True)
    mara, omar = person("mara"), person("omar")
    order = bought(come_in(mara), order_of)
    operator = UserFactory(email="omar@operations.example", is_staff=True, is_superuser=True)
    omar.log_in(operator)

    page = mara.goto(f"/billing/orders/{order.number}/")
    page.get_by_role("link", name="submit a service ticket", exact=True).click()
    expect(page.get_by_text("This order goes along")).to_be_visible()
    page.get_by_role("button", name="Submit", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Enter a subject.")
    mara.look("ticket-new")
    page.fill("#id_subject", "The seller does not answer")
    page.fill("#id_text", "Since Monday.")
    page.set_input_files("#id_attachment", {"name": "mail.pdf", "mimeType": "application/pdf", "buffer": PDF})
    page.get_by_role("button", name="Submit", exact=True).click()
    expect(page.get_by_text("Operations answer next")).to_be_visible()
    expect(page.get_by_text("mail.pdf")).to_be_visible()

    desk = omar.goto("/admin/")
    expect(desk.locator("#queues").get_by_role("row", name="Service tickets")).to_contain_text("1")
    omar.look("operations")
    desk.locator("#queues").get_by_role("link", name="Service tickets").click()
    desk.get_by_role("link", name=re.compile("^TK")).click()
    desk.fill("#id_text", "We have reached them; they write today.")
    desk.get_by_role("button", name="Send").click()
    expect(desk.get_by_text("Sent.")).to_be_visible()

    page.reload()
    expect(page.get_by_text("We have reached them")).to_be_visible()
    mara.look("ticket")
    page.fill("#id_text", "They did. Thank you.")
    page.get_by_role("button", name="Reply").click()
    expect(page.get_by_text("Your message was sent.")).to_be_visible()
    page.get_by_role("button", name="Close ticket").click()
    expect(page.get_by_text("is closed.").first).to_be_visible()
    mara.goto("/my/tickets/")
    mara.look("tickets")
    assert Ticket.objects.get().status == "closed"
