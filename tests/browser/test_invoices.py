"""In a browser: an invoice applied for, issued, returned by a ticket and reissued; an image unsubscribed."""

from playwright.sync_api import expect

from accounts.models import Account
from accounts.web import buyer_actor
from billing.gateways.sandbox import SandboxGateway
from billing.invoices.models import Invoice
from billing.services import PaymentRequest, bind_card, pay_order
from orders.models import Order, Subscription
from orders.services import Placement, place_order
from pricing.values import Duration, QuoteRequest
from tests.billing import cloud
from tests.browser.buying import come_in
from tests.browser.conftest import on_sale
from tests.factories import SellerMemberFactory, UserFactory


def bought(member, product) -> Order:
    """Paid by card, and delivered with that."""
    by = buyer_actor(member.user, member)
    account = Account.objects.get(pk=member.account_id)
    bind_card(account, SandboxGateway().enter_card("success"), by=by)
    request = QuoteRequest(product.specifications.get().pk, "monthly", Duration(1, "month"))
    order = place_order(Placement(request, agreements_accepted=True), account=account, by=by)
    pay_order(order, PaymentRequest(), by=by)
    return Order.objects.get(pk=order.pk, status="completed")


def test_an_invoice_is_returned_by_a_ticket_and_an_image_unsubscribed(person, settings, timers):
    settings.FULFILMENT = cloud.FULFILMENT
    product = on_sale({"monthly": "100.00"}, image=True, name="Hardened Linux")
    seller = SellerMemberFactory(seller=product.seller, user=UserFactory(email="ines@seller.example"))
    mara, ines = person("mara"), person("ines")
    order = bought(come_in(mara), product)
    ines.log_in(seller.user)

    page = mara.goto("/billing/invoices/")
    expect(page.get_by_text(order.number)).to_be_visible()
    mara.look("invoices")
    page.get_by_role("button", name="Issue invoice").click()
    page.get_by_role("link", name="Add an invoice header").click()
    page.fill("#id_tax_number", "201912345K")
    page.fill("#id_address", "1 Raffles Place")
    page.fill("#id_company_name", "")
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_role("alert")).to_contain_text("Enter the company name.")
    page.fill("#id_company_name", "Contoso Retail Pte. Ltd.")
    page.get_by_role("button", name="Save changes").click()
    expect(page.get_by_text("a digit may be wrong").first).to_be_visible()
    box = page.get_by_label(f"Select order {order.number}")
    expect(page.locator("#total [data-total]")).to_contain_text("100.00")
    box.uncheck()
    expect(page.locator("#total")).to_contain_text("Select at least one order.")
    box.check()
    expect(page.locator("#total [data-total]")).to_contain_text("100.00")
    mara.look("invoice-apply")
    page.get_by_role("button", name="Submit application").click()
    expect(page.get_by_text("Waiting for the issuer")).to_be_visible()
    invoice = Invoice.objects.get()

    theirs = ines.goto("/seller/invoices/")
    theirs.get_by_role("link", name=invoice.number).first.click()
    expect(theirs.get_by_role("button", name="Reject application")).to_be_visible()
    ines.look("invoice-seller")
    theirs.get_by_role("button", name="Issue invoice").click()
    expect(theirs.get_by_text("The invoice is being issued.")).to_be_visible()
    timers.run()

    page.reload()
    document = Invoice.objects.get().document()
    expect(page.get_by_role("heading", name=f"Invoice {document.number}")).to_be_visible()
    mara.look("invoice-issued")
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Download PDF").click()
    assert downloading.value.suggested_filename == f"invoice-{document.number}.pdf"
    mara.goto(f"/invoices/verify/{document.code}/")
    expect(page.get_by_text("This document is genuine")).to_be_visible()
    mara.look("invoice-verified")

    mara.goto("/billing/")
    expect(page.get_by_role("img", name="Spend by month (USD)")).to_be_visible()
    mara.look("billing-overview")
    page.get_by_role("link", name="Contracts").click()
    expect(page.get_by_role("heading", name="Contracts", exact=True)).to_be_visible()
    mara.look("contracts")
    mara.goto("/billing/unsubscriptions/")
    expect(page.get_by_text(f"Return invoice {document.number} first.")).to_be_visible()
    mara.look("unsubscriptions")
    mara.goto(f"/billing/unsubscriptions/{Subscription.objects.get().public_id}/")
    expect(page.get_by_text(f"Return invoice {document.number} first.")).to_be_visible()
    page.get_by_role("link", name=f"Return invoice {document.number}").click()
    page.fill("#id_text", "We stop using it.")
    page.get_by_role("button", name="Submit a service ticket").click()
    expect(page.get_by_text("Operations answer next")).to_be_visible()
    ticket = page.url

    theirs.reload()
    theirs.get_by_role("button", name="Take back with a credit note").click()
    expect(theirs.get_by_text("taken back with a credit note")).to_be_visible()
    timers.run()

    mara.goto(ticket.removeprefix(mara.base))
    expect(page.get_by_text("Resolved").first).to_be_visible()
    mara.goto("/billing/invoices/?tab=issued")
    page.get_by_role("link", name=f"Reissue {document.number}").click()
    page.get_by_role("button", name="Submit application").click()
    expect(page.get_by_text("Waiting for the issuer")).to_be_visible()

    mara.goto(f"/billing/unsubscriptions/{Subscription.objects.get().public_id}/")
    page.fill("#id_typed", "Something else")
    page.get_by_role("button", name="Unsubscribe").click()
    expect(page.get_by_role("alert")).to_contain_text("This is not the product name.")
    mara.look("unsubscribe")
    page.fill("#id_typed", "hardened linux")
    page.get_by_role("button", name="Unsubscribe").click()
    expect(page.get_by_text("goes back to the original payment method.").first).to_be_visible()
    timers.run()
    assert Subscription.objects.get().status == "closed"
    assert cloud.RELEASED[-1] == Subscription.objects.get().public_id
    assert sorted(Invoice.objects.values_list("status", flat=True)) == ["cancelled", "returned"]
