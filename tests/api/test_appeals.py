"""Appeals by REST, for both sides (API.md): each phase with its `allowed_actions`, codes and the open case."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.actor import Party
from accounts.models import Account, User
from accounts.services import create_api_key
from koogallery.kernel.money import Money
from supervision import services
from tests.api.conftest import Api, buyer_api
from tests.supervision.conftest import fall_silent, make_deal

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    """A deal, and its flow's resources for the buyer and the seller."""
    deal = make_deal()
    user = User.objects.get(pk=deal.buyer.user_id)
    account = Account.objects.get(pk=deal.buyer.account_id)
    buyer = Api(create_api_key(user, name="b", account=account)[1])
    seller_user = User.objects.get(pk=deal.seller.user_id)
    seller = Api(create_api_key(seller_user, name="s", seller=deal.flow.seller)[1])
    return deal, buyer, f"service-flows/{deal.flow.public_id}/", seller, f"seller/service-flows/{deal.flow.public_id}/"


def silent(deal) -> None:
    """The seller has been silent for more than five days."""
    fall_silent(deal.flow)


def test_before_the_time_the_reason_and_the_time_are_told(world):
    deal, buyer, path, _seller, _seller_path = world
    appeal = buyer.get(path).json()["appeal"]
    opens = deal.flow.waiting_since + timedelta(days=5, seconds=1)
    assert (appeal["allowed"], appeal["allowed_from"], appeal["case"]) == (False, opens.isoformat(), None)
    refused = buyer.post(path + "appeal/", {"reason": "Silence."})
    assert (refused.status_code, refused.json()["code"]) == (409, "appeal_not_allowed")
    assert refused.json()["allowed_from"] == opens.isoformat()


def test_an_appeal_from_filing_to_its_end(world):
    deal, buyer, path, seller, seller_path = world
    silent(deal)
    assert "appeal" in buyer.get(path).json()["allowed_actions"]
    assert "appeal" not in seller.get(seller_path).json()["allowed_actions"]
    flow = buyer.post(path + "appeal/", {"reason": "Silence."}).json()
    assert (flow["status"], flow["waiting_on"]) == ("under_appeal", "operations")
    assert flow["allowed_actions"] == ["withdraw-appeal"]
    case = flow["appeal"]["case"]
    assert (case["status"], case["by"], case["decision"], case["takes_effect_at"]) == ("open", "buyer", None, None)
    assert "more than 5 days" in case["ground"]
    assert seller.get(seller_path).json()["allowed_actions"] == []

    for verb, body, code in (
        ("deliver/", {"note": "Late."}, "flow_frozen"),
        ("appeal/", {"reason": "Me too."}, "appeal_not_allowed"),
        ("statement/", {"text": "Unasked."}, "flow_frozen"),
        ("review/", {"reason": "Early."}, "flow_frozen"),
        ("waive-review/", {}, "flow_frozen"),
        ("withdraw-appeal/", {}, "flow_frozen"),
    ):
        refused = seller.post(seller_path + verb, body)
        assert (refused.status_code, refused.json()["code"]) == (409, code), verb

    services.ask_statement(deal.flow, party=Party.SELLER, question="Where is it?", by=deal.operator)
    assert seller.get(seller_path).json()["allowed_actions"] == ["statement"]
    file = SimpleUploadedFile("proof.pdf", b"%PDF-1.7\n%%EOF")
    answer = seller.post(seller_path + "statement/", {"text": "Sent.", "attachments": file}, multipart=True)
    assert answer.status_code == 200, answer.content
    (statement,) = buyer.get(path).json()["appeal"]["case"]["statements"]
    assert (statement["party"], statement["text"], statement["status"]) == ("seller", "Sent.", "given")
    assert answer.json()["records"][0]["attachments"][0]["name"] == "proof.pdf"

    services.decide_appeal(deal.flow, decision="refund", reason="Nothing came.", by=deal.operator)
    for api, where in ((buyer, path), (seller, seller_path)):
        flow = api.get(where).json()
        assert flow["allowed_actions"] == ["review", "waive-review"]
        case = flow["appeal"]["case"]
        assert case["decision"]["decision"] == "refund"
        assert case["takes_effect_at"] == flow["deadlines"]["takes_effect_at"].replace("+00:00", "Z")
    assert buyer.post(path + "waive-review/").json()["allowed_actions"] == []
    flow = seller.post(seller_path + "review/", {"reason": "We sent it."}).json()
    assert (flow["appeal"]["case"]["status"], flow["allowed_actions"]) == ("under_review", [])
    assert flow["appeal"]["case"]["review"]["by"] == "seller"
    services.decide_appeal(deal.flow, decision="resume", reason="Talk.", by=deal.reviewer)
    assert seller.get(seller_path).json()["allowed_actions"] == ["deliver"]


def test_a_partial_refund_is_told_in_the_currencys_digits(world):
    deal, buyer, path, _seller, _seller_path = world
    silent(deal)
    buyer.post(path + "appeal/", {"reason": "Silence."})
    half = Money(Decimal("2.5"), "USD")
    services.decide_appeal(deal.flow, decision="refund", reason="Half came.", refund=half, by=deal.operator)
    told = buyer.get(path).json()["appeal"]["case"]["decision"]["refund"]
    assert told == {"amount": "2.50", "currency": "USD"}


def test_what_waits_for_another_operator_is_not_told(world, settings):
    deal, buyer, path, _seller, _seller_path = world
    settings.REFUND_CONSENT_ABOVE = 1
    silent(deal)
    buyer.post(path + "appeal/", {"reason": "Silence."})
    services.decide_appeal(deal.flow, decision="refund", reason="Secret so far.", by=deal.operator)
    answer = buyer.get(path)
    assert answer.json()["appeal"]["case"]["decision"] is None
    assert "Secret so far." not in answer.content.decode()


@pytest.mark.parametrize("verb", ["statement/", "review/", "waive-review/", "withdraw-appeal/"])
def test_without_an_appeal_its_verbs_are_no_transition(world, verb):
    _deal, buyer, path, _seller, _seller_path = world
    refused = buyer.post(
        path + verb, {"text": "x"} if verb == "statement/" else {"reason": "x"} if verb == "review/" else {}
    )
    assert (refused.status_code, refused.json()["code"]) == (409, "invalid_transition")


@pytest.mark.parametrize("verb", ["statement/", "review/", "waive-review/"])
def test_walls_of_the_new_verbs(world, verb):
    deal, _buyer, path, seller, _seller_path = world
    account = Account.objects.get(pk=deal.buyer.account_id)
    assert Api("").post(path + verb).status_code == 401
    assert buyer_api().post(path + verb).status_code == 404
    assert seller.post(path + verb).status_code == 403
    body = {"text": "x"} if verb == "statement/" else {"reason": "x"} if verb == "review/" else {}
    assert buyer_api("viewer", account, card=False).post(path + verb, body).status_code == 403


@pytest.mark.parametrize(
    ("verb", "body", "code"),
    [
        ("statement/", {"text": ""}, "validation_error"),
        ("statement/", {"text": "x" * 1001}, "validation_error"),
        ("statement/", {"text": 5}, "validation_error"),
        ("statement/", {"text": "x", "party": "seller"}, "validation_error"),
        ("review/", {"reason": "\u202e"}, "validation_error"),
    ],
    ids=["empty", "1,001 characters", "a number", "a field that it does not take", "turns the reading direction"],
)
def test_bad_input(world, verb, body, code):
    deal, buyer, path, _seller, _seller_path = world
    silent(deal)
    buyer.post(path + "appeal/", {"reason": "Silence."})
    services.ask_statement(deal.flow, party=Party.BUYER, question="What came?", by=deal.operator)
    if verb == "review/":
        services.decide_appeal(deal.flow, decision="refund", reason="Nothing came.", by=deal.operator)
    refused = buyer.post(path + verb, body)
    assert (refused.status_code, refused.json()["code"]) == (400, code)
