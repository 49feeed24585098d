"""Request, delivery, criteria, messages and the platform's review in three browsers; the guide's dialogs word for word."""

import pytest
from playwright.sync_api import expect

from accounts.models import Account, SellerMember
from catalog.services import refresh_listing, set_criteria
from supervision import services
from tests.browser.conftest import PASSWORD
from tests.browser.test_main_job import PDF
from tests.factories import AgreementFactory, UserFactory, an_operator
from tests.supervision.conftest import make_deal
from tests.supervision.sample_files import png

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PROVISIONED = (
    "Has the service been completely provisioned? If you still have any question, please contact the seller before "
    "confirming acceptance. The service cannot be unsubscribed from after provision completion."
)
FORMATS = (
    "Supported formats: BMP, JPG, JPEG, PNG, GIF, DOC, DOCX, XLS, XLSX, PPT, PPTX, PDF, RAR, and ZIP. "
    "Max. file size: 50.0 MB"
)
REMINDER = (
    "Reminder: For information security, do not include sensitive information such as personal details, accounts, "
    "and passwords in the description and attachment."
)
LINES = ["Both tenants run on the new cluster.", "The way back was shown once."]


def log_in(person, deal):
    """Buyer, seller and operator of a deal at their browsers."""
    buying = Account.objects.get(pk=deal.buyer.account_id).memberships.get().user
    working = SellerMember.objects.get(user_id=deal.seller.user_id).user
    operating = UserFactory(email="olu@ops.example", is_staff=True, is_superuser=True)
    people = []
    for name, user in (("buyer", buying), ("seller", working), ("operator", operating)):
        user.set_password(PASSWORD)
        user.save()
        people.append(person(name))
        people[-1].log_in(user)
    return people


def open_dialog(page, *, title: str, text: str) -> None:
    """The open dialog says exactly this, with OK and Cancel."""
    dialog = page.locator("dialog[open]")
    dialog.wait_for()
    assert dialog.locator("h2").inner_text() == title
    assert dialog.locator(".dialog-b").inner_text().strip() == text
    assert [one.strip() for one in dialog.locator(".dialog-f button").all_inner_texts()] == ["OK", "Cancel"]


def test_a_service_with_criteria_under_review_from_request_to_acceptance(person, templates):
    AgreementFactory()
    deal = make_deal(service=True, joint_operation=True)
    product = refresh_listing(deal.flow.order.product)
    product.requirement_template = "1. What do you need?"
    product.save()
    set_criteria(product, LINES, by=an_operator())
    services.save_note_template(None, title="Migration done", text="All moved.", product=None, by=deal.seller)
    number = deal.flow.order.number
    buyer, seller, operator = log_in(person, deal)

    page = buyer.goto(product.get_absolute_url())
    expect(page.locator(f"#acceptance-criteria :text('{LINES[0]}')").first).to_be_visible()
    buyer.look("product-criteria")

    # The form as in the guide (4.2, Submitting a Request).
    page = buyer.goto(f"/my/supervision/{number}/request/")
    for text in ("Service Information", "Product Name", "Specification Name", "Service Status", FORMATS, REMINDER):
        expect(page.locator(f"main :text('{text}')").first).to_be_visible()
    expect(page.locator("main :text('Click this number to view the order details.')").first).to_be_visible()
    expect(page.locator("main :text('Download requirement templates')").first).to_be_visible()
    expect(page.locator("label:has-text('Requirement Description')").first).to_be_visible()
    assert page.inner_text(".counter") == "0/1,000"
    page.click("main form button:has-text('Submit request')")
    page.wait_for_selector(".field-error")  # what is missing is said at once, without the dialog
    page.fill("textarea", "Two tenants, one weekend.")
    assert page.inner_text(".counter") == "25/1,000"
    page.set_input_files("input[type=file]", PDF)
    page.click("main form button:has-text('Submit request')")
    open_dialog(
        page,
        title="Submit Request",
        text="After submitting the requirement, wait for the seller to confirm the request.",
    )
    buyer.look("dialog-submit-request")
    page.click("dialog[open] button:has-text('Cancel')")
    assert page.input_value("textarea") == "Two tenants, one weekend."
    page.click("main form button:has-text('Submit request')")
    page.click("dialog[open] button:has-text('OK')")
    page.wait_for_url(f"**/{number}/")

    # The seller sends it back, then confirms the second revision with others at once.
    page = seller.goto(f"/seller/supervision/{number}/reject-request/")
    expect(page.locator("text=This is rejection 1 of 3.").first).to_be_visible()
    page.fill("textarea", "Which weekend?")
    page.click("main button:has-text('Reject request')")
    page.wait_for_url(f"**/{number}/")
    page = buyer.goto(f"/my/supervision/{number}/request/")
    page.fill("textarea", "Two tenants, the second weekend of May.")
    page.click("main form button:has-text('Submit request')")
    page.click("dialog[open] button:has-text('OK')")
    page.wait_for_url(f"**/{number}/")
    assert page.locator("#request ins, #request del").count() > 0
    buyer.look("request-revisions")
    page = seller.goto("/seller/supervision/")
    page.click("text=Confirm several requests")
    page.check("input[name=order]")
    seller.look("seller-confirm")
    page.click("button:has-text('Confirm selected requests')")
    page.wait_for_selector("text=confirmed.")
    seller.look("seller-confirmed")

    page = seller.goto(f"/seller/supervision/{number}/handler/")
    seller.look("seller-handler")
    page.click("main button:has-text('Save')")
    page.wait_for_url(f"**/{number}/")
    expect(page.locator("text=Customer may appeal from").first).to_be_visible()
    seller.goto("/seller/delivery-templates/")
    seller.look("delivery-templates")
    seller.page.click("main a:has-text('Migration done')")
    seller.look("delivery-template")

    # A delivery answers each line, by text or file.
    page = seller.goto(f"/seller/supervision/{number}/deliver/")
    page.click("main a:has-text('Migration done')")
    assert page.input_value("textarea[name=note]") == "All moved."
    page.fill("textarea[name=answer_1]", "Both run since Sunday.")
    page.click("main form button:has-text('Deliver service')")
    page.wait_for_selector("text=Answer criterion 2 with a text or a file")
    seller.look("deliver-refused")
    page.set_input_files("input[name=answer_file_2]", PDF)
    page.click("main form button:has-text('Deliver service')")
    page.wait_for_url(f"**/{number}/")

    # The platform's review.
    page = operator.goto("/admin/supervision/platformreview/")
    page.click("text=Review the delivery")
    expect(page.locator("text=Both run since Sunday.").first).to_be_visible()
    page.select_option("select[name=verdict]", "return")
    page.fill("textarea[name=reason]", "The protocol is unsigned.")
    page.click("input[type=submit]")
    page.wait_for_selector("text=Done:")
    expect(buyer.goto(f"/my/supervision/{number}/").locator("text=The protocol is unsigned.").first).to_be_visible()
    page = seller.goto(f"/seller/supervision/{number}/deliver/")
    page.fill("textarea[name=note]", "All moved, protocol signed.")
    page.fill("textarea[name=answer_1]", "Both run since Sunday noon.")
    page.fill("textarea[name=answer_2]", "Shown on Monday.")
    page.click("main form button:has-text('Deliver service')")
    page.wait_for_url(f"**/{number}/")
    page = operator.goto("/admin/supervision/platformreview/")
    page.click("text=Review the delivery")
    page.click("input[type=submit]")
    page.wait_for_selector("text=Done:")

    # Messages change nothing.
    page = seller.goto(f"/seller/supervision/{number}/")
    page.click("a:has-text('Ask customer')")
    page.fill("textarea", "Can you log in?")
    page.select_option("select[name=mentions]", index=1)
    page.set_input_files("input[type=file]", {"name": "login.png", "mimeType": "image/png", "buffer": png(20_000)})
    expect(page.locator("li.file").get_by_text("Uploaded")).to_be_visible()
    seller.look("messages-seller")
    page.click("main button:has-text('Send')")
    page.wait_for_selector("text=The message was sent.")
    page = buyer.goto(f"/my/supervision/{number}/messages/")
    expect(page.get_by_role("link", name="login.png")).to_be_visible()
    buyer.look("messages")

    # A rejection names the lines that failed.
    page = buyer.goto(f"/my/supervision/{number}/reject/")
    page.fill("textarea", "Nobody showed us the way back.")
    page.click("main form button:has-text('Reject service')")
    page.wait_for_selector(".field-error")
    page.check(f"label:has-text('{LINES[1]}')")
    buyer.look("reject-criteria")
    page.click("main form button:has-text('Reject service')")
    page.wait_for_url(f"**/{number}/")
    expect(page.locator("text=Acceptance criteria not met:").first).to_be_visible()
    buyer.look("detail-criteria")
    seller.goto(f"/seller/supervision/{number}/")
    seller.look("seller-detail-criteria")
    services.deliver(
        deal.flow, answers={1: services.Answer("Yes."), 2: services.Answer("Shown on Tuesday.")}, by=deal.seller
    )
    services.approve_delivery(deal.flow, by=an_operator())

    page = buyer.goto(f"/my/supervision/{number}/")
    page.click("a:has-text('Accept service')")
    open_dialog(page, title="Confirmed", text=PROVISIONED)
    buyer.look("dialog-confirmed")
    page.click("dialog[open] button:has-text('OK')")
    page.wait_for_selector("text=Service accepted.")


def test_a_licence_key_is_shown_when_asked_for_and_accepted(person, templates):
    AgreementFactory()
    deal = make_deal()
    refresh_listing(deal.flow.order.product)
    number = deal.flow.order.number
    buyer, seller, _operator = log_in(person, deal)
    page = seller.goto(f"/seller/supervision/{number}/deliver/")
    page.fill("textarea[name=license_key]", "KOO-7F3A-91BC-0042")
    seller.look("deliver-license")
    page.click("main form button:has-text('Deliver service')")
    page.wait_for_url(f"**/{number}/")
    assert "KOO-7F3A" not in page.content()

    page = buyer.goto(f"/my/supervision/{number}/")
    assert "KOO-7F3A" not in page.content()
    page.click("#delivery button[aria-label='Show license key']")
    page.wait_for_selector("code:has-text('KOO-7F3A-91BC-0042')")
    buyer.look("license-key-shown")
    page = buyer.goto(f"/my/supervision/{number}/key/1/")
    buyer.look("license-key-ask")
    page.click("main button:has-text('Show license key')")
    page.wait_for_selector("code:has-text('KOO-7F3A-91BC-0042')")
    buyer.look("license-key")
    page = buyer.goto(f"/my/supervision/{number}/")
    expect(page.locator("text=License key shown").first).to_be_visible()
    page.click("a:has-text('Accept service')")
    open_dialog(page, title="Confirm Acceptance", text=PROVISIONED)
    buyer.look("dialog-confirm-acceptance")
    page.click("dialog[open] button:has-text('OK')")
    page.wait_for_selector("text=Service accepted.")


def test_the_confirm_acceptance_dialog_of_saas(person, templates):
    AgreementFactory()
    deal = make_deal(saas_supervised=True)
    refresh_listing(deal.flow.order.product)
    from tests.supervision.test_flow import a_file

    services.submit_request(deal.flow, description="Ten accounts.", files=[a_file()], by=deal.buyer)
    services.confirm_request(deal.flow, by=deal.seller)
    services.deliver(deal.flow, note="Ready.", by=deal.seller)
    buyer, _seller, _operator = log_in(person, deal)
    page = buyer.goto(f"/my/supervision/{deal.flow.order.number}/")
    page.click("a:has-text('Accept service')")
    open_dialog(page, title="Confirm Acceptance", text=PROVISIONED)
