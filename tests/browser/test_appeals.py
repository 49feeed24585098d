"""Every outcome of an appeal with buyer, seller and operators side by side, each at his own browser."""

import pytest
from playwright.sync_api import expect

from accounts.models import User
from koogallery.kernel.quiet import run_until_quiet
from orders.models import Order
from supervision.models import FlowTemplate
from tests.factories import AgreementFactory
from tests.supervision.conftest import Deal, fall_silent, make_deal

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PDF = {"name": "proof.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7\n%%EOF"}


@pytest.fixture
def deal(transactional_db: None) -> Deal:
    """A paid licence whose seller has been silent for more than five days."""
    FlowTemplate.objects.get_or_create(flow_type="license", version=1, defaults={"appeal_on_acceptance_after": 2})
    AgreementFactory()
    one = make_deal()
    fall_silent(one.flow)
    run_until_quiet()
    return one


@pytest.fixture
def at_work(deal, person):
    """The four people, logged in."""

    def come(name, actor):
        someone = person(name)
        someone.log_in(User.objects.get(pk=actor.user_id))
        return someone

    return {name: come(name, getattr(deal, name)) for name in ("buyer", "seller", "operator", "reviewer")}


def appeal_from_the_message(buyer, number: str) -> None:
    """The message's link leads to the form with the ground filled in: one click is left."""
    page = buyer.goto("/my/messages/")
    page.click("tr:has-text('You can appeal') button")
    page.wait_for_url("**/appeal/**")
    assert "more than 5 days" in page.input_value("textarea")
    page.click("main button:has-text('Submit appeal')")
    page.wait_for_url(f"**/{number}/")


def decide(operator, number: str, decision: str, reason: str = "Both sides were heard.") -> None:
    page = operator.goto("/admin/supervision/appeal/")
    page.click(f"#result_list a:has-text('{number}')")
    page.select_option("[name=decide-decision]", decision)
    page.fill("[name=decide-reason]", reason)
    page.click("input[value='Decide']")
    page.wait_for_selector(".messagelist .success")


def waive(someone, path: str) -> None:
    page = someone.goto(path)
    page.click("a:has-text('Waive the second look')")
    page.click("dialog[open] button:has-text('OK')")
    page.wait_for_selector("text=You waived the second look.")


def places(number: str) -> tuple[str, str]:
    return f"/my/supervision/{number}/", f"/seller/supervision/{number}/"


def test_refunded_after_statements_and_both_waive_the_second_look(deal, at_work):
    buyer, seller, operator = at_work["buyer"], at_work["seller"], at_work["operator"]
    number = deal.flow.order.number
    mine, theirs = places(number)
    appeal_from_the_message(buyer, number)
    buyer.look("appeal-buyer")
    seller.goto(theirs)
    seller.look("appeal-seller")
    assert seller.page.is_disabled("button:has-text('Deliver service')")

    operator.goto("/admin/supervision/appeal/")
    operator.look("appeal-queue")
    page = operator.page
    page.click(f"#result_list a:has-text('{number}')")
    page.select_option("[name=ask-party]", "seller")
    page.fill("[name=ask-question]", "Where is the licence?")
    page.click("input[value='Ask for a statement']")
    page.wait_for_selector(".messagelist .success")

    page = seller.goto(f"{theirs}statement/")
    seller.look("appeal-statement")
    page.fill("textarea", "It was sent by e-mail.")
    page.set_input_files("input[type=file]", PDF)
    page.click("main button:has-text('Give statement')")
    page.wait_for_url(f"**/{number}/")
    buyer.goto(mine)
    expect(buyer.page.locator("#appeal :text('It was sent by e-mail.')").first).to_be_visible()

    operator.goto("/admin/supervision/appeal/")
    operator.page.click(f"#result_list a:has-text('{number}')")
    operator.look("appeal-case")
    decide(operator, number, "refund", "No licence arrived.")
    buyer.goto(mine)
    buyer.look("appeal-decided")
    expect(buyer.page.locator("#appeal :text('No licence arrived.')").first).to_be_visible()
    waive(buyer, mine)
    waive(seller, theirs)
    run_until_quiet()
    assert Order.objects.get().status == "refunded"
    buyer.goto(mine)
    expect(buyer.page.locator("main :text('Service closed')").first).to_be_visible()


def test_a_second_look_by_another_operator_accepts_for_the_customer(deal, at_work):
    buyer, seller, operator, reviewer = (at_work[name] for name in ("buyer", "seller", "operator", "reviewer"))
    number = deal.flow.order.number
    mine, theirs = places(number)
    appeal_from_the_message(buyer, number)
    decide(operator, number, "refund")
    page = seller.goto(f"{theirs}review/")
    seller.look("appeal-review")
    page.fill("textarea", "The customer uses the licence already.")
    page.click("main button:has-text('Ask for a second look')")
    page.wait_for_url(f"**/{number}/")

    page = operator.goto("/admin/supervision/appeal/")
    page.click(f"#result_list a:has-text('{number}')")
    page.select_option("[name=decide-decision]", "refund")
    page.fill("[name=decide-reason]", "As before.")
    page.click("input[value='Decide']")
    page.wait_for_selector(".errorlist :text('Another operator')")
    decide(reviewer, number, "accept", "The logs show that it is in use.")
    buyer.goto(mine)
    expect(buyer.page.locator("main :text('Service completed')").first).to_be_visible()


@pytest.mark.parametrize("decision", ["resume", "redeliver"])
def test_the_seller_goes_on(deal, at_work, decision):
    buyer, seller, operator = at_work["buyer"], at_work["seller"], at_work["operator"]
    number = deal.flow.order.number
    appeal_from_the_message(buyer, number)
    decide(operator, number, decision)
    page = seller.goto(places(number)[1])
    expect(page.locator("a:has-text('Deliver service')").first).to_be_visible()


def test_withdrawn_the_flow_goes_on(deal, at_work):
    buyer, seller = at_work["buyer"], at_work["seller"]
    number = deal.flow.order.number
    mine, theirs = places(number)
    appeal_from_the_message(buyer, number)
    page = buyer.goto(mine)
    page.click("a:has-text('Withdraw appeal')")
    page.click("dialog[open] button:has-text('OK')")
    page.wait_for_selector("text=The appeal was withdrawn.")
    expect(seller.goto(theirs).locator("a:has-text('Deliver service')").first).to_be_visible()


def test_the_account_chooses_that_appeals_are_filed_for_it(deal, at_work):
    buyer = at_work["buyer"]
    page = buyer.goto("/account/settings/")
    buyer.look("settings-appeals")
    page.check("input[name=filed_for_us][value=yes]")
    page.click("#appeals button")
    page.wait_for_selector("text=Your settings were saved.")
    assert page.is_checked("input[name=filed_for_us][value=yes]")
