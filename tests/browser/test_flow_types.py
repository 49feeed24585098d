"""Flow types that no other walk takes to their end, and the operators' screen of an appeal with everything on it."""

import pytest
from django.forms import model_to_dict
from playwright.sync_api import expect

from catalog.services import refresh_listing, set_criteria
from supervision import services
from supervision.models import FlowTemplate
from supervision.services import Answer
from tests.browser.test_delivery import LINES, log_in
from tests.factories import AgreementFactory, an_operator
from tests.supervision.conftest import Deal, make_deal
from tests.supervision.sample_files import PDF as PDF_BYTES
from tests.supervision.test_flow import a_file

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def press(someone, path: str, button: str, **texts: str):
    """Fill in the page of an act and send it; back on the details page."""
    page = someone.goto(path)
    for name, text in texts.items():
        page.fill(f"[name={name}]", text)
    page.click(f"main form button:has-text('{button}')")
    if page.locator("dialog[open]").count():
        page.click("dialog[open] button:has-text('OK')")
    page.wait_for_url(lambda url: path not in url)
    return page


def asks(someone, path: str, button: str) -> None:
    """Press a button of the details page that asks first."""
    page = someone.goto(path)
    page.click(f"main a:has-text('{button}')")
    page.click("dialog[open] button:has-text('OK')")
    page.wait_for_selector(".flash")


@pytest.mark.parametrize("flow_type", ["website", "5g_naas"])
def test_from_the_request_to_acceptance(person, templates, flow_type):
    drafts = flow_type == "website"
    if drafts:
        values = model_to_dict(FlowTemplate.in_force("website"), exclude=["id", "version"])
        services.publish_template(FlowTemplate(**values | {"drafts": True}))
    AgreementFactory()
    deal = make_deal(service=True, flow_type=flow_type)
    refresh_listing(deal.flow.order.product)
    number = deal.flow.order.number
    mine, theirs = f"/my/supervision/{number}/", f"/seller/supervision/{number}/"
    buyer, seller, operator = log_in(person, deal)

    label = {"website": "Website deployment", "5g_naas": "5G NaaS"}[flow_type]
    expect(buyer.goto("/my/supervision/").locator(f".pills a:has-text('{label}') >> text=1").first).to_be_visible()
    page = buyer.goto(f"{mine}request/")
    page.fill("textarea", "A shop with ten pages.")
    page.click("main form button:has-text('Submit request')")
    page.click("dialog[open] button:has-text('OK')")
    page.wait_for_url(f"**/{number}/")
    asks(seller, theirs, "Confirm request")
    if drafts:
        press(seller, f"{theirs}deliver-draft/", "Deliver draft", note="The first page.")
        buyer.goto(mine)
        buyer.look("flow-draft")
        press(buyer, f"{mine}reject-draft/", "Reject draft", reason="Too dark.")
        press(seller, f"{theirs}deliver-draft/", "Deliver draft", note="A light one.")
        asks(buyer, mine, "Confirm draft")
    press(seller, f"{theirs}deliver/", "Deliver service", note="It is online.")
    asks(buyer, mine, "Accept service")
    expect(buyer.page.locator("main :text('Service completed')").first).to_be_visible()
    expect(seller.goto(theirs).locator("main :text('Service completed')").first).to_be_visible()
    page = operator.goto("/admin/supervision/serviceflow/")
    expect(page.locator(f"#result_list tr:has-text('{number}'):has-text('Service completed')")).to_be_visible()


def a_case(deal: Deal) -> None:
    """Two requests, three rounds with answers and files, messages, an appeal with proof, statements of both sides."""
    by, at = deal.buyer, deal.seller
    services.submit_request(deal.flow, description="Two tenants.", files=[a_file("plan.pdf")], by=by)
    services.reject_request(deal.flow, reason="Which weekend?", by=at)
    services.submit_request(deal.flow, description="Two tenants, the second weekend of May.", by=by)
    services.confirm_request(deal.flow, by=at)
    for round in range(1, 4):
        answers = {1: Answer(f"Both run, try {round}."), 2: Answer(file=a_file("way-back.pdf", PDF_BYTES))}
        services.deliver(deal.flow, note=f"Moved, round {round}.", files=[a_file()], answers=answers, by=at)
        services.reject_delivery(
            deal.flow, reason=f"Round {round} did not start.", failed=[2], files=[a_file("log.pdf")], by=by
        )
    services.send_message(deal.flow, text="Can you log in?", files=[a_file("how.pdf")], by=at)
    services.file_appeal(deal.flow, reason="Three times in vain.", files=[a_file("proof.pdf")], by=by)
    for party, who in (("buyer", by), ("seller", at)):
        services.ask_statement(deal.flow, party=who.party, question=f"What happened, {party}?", by=deal.operator)
        services.give_statement(deal.flow, text=f"This is what the {party} saw.", files=[a_file("seen.pdf")], by=who)


def test_the_operators_screen_with_everything_on_it(person, templates):
    AgreementFactory()
    deal = make_deal(service=True)
    set_criteria(refresh_listing(deal.flow.order.product), LINES, by=an_operator())
    a_case(deal)
    number = deal.flow.order.number
    buyer, seller, operator = log_in(person, deal)
    page = operator.goto("/admin/supervision/appeal/")
    page.click(f"#result_list a:has-text('{number}')")
    for text in (
        "Three times in vain.", "Two tenants, the second weekend of May.", "Moved, round 3.", "Both run, try 3.", LINES[1],
        "Round 3 did not start.", "This is what the buyer saw.", "This is what the seller saw.", "Can you log in?",
        "proof.pdf", "way-back.pdf", "log.pdf", "seen.pdf", deal.flow.order.payable_money.display(),
    ):  # fmt: skip
        expect(page.locator(f"#content :text('{text}')").first).to_be_visible()
    operator.look("case-filled")
    with page.expect_download() as leaving:
        page.click("#content a:has-text('zip')")
    assert leaving.value.suggested_filename == f"{number}-case.zip"
    for someone, path in ((buyer, "my"), (seller, "seller")):
        page = someone.goto(f"/{path}/supervision/{number}/")
        expect(page.locator("#appeal :text('Three times in vain.')").first).to_be_visible()
        someone.look(f"case-filled-{path}")
