"""Criteria, answers and failed lines by REST, for both sides."""

import json

import pytest

from accounts.models import Account
from catalog.services import set_criteria
from supervision import services
from supervision.models import Delivery
from tests.api.conftest import buyer_api, seller_api
from tests.factories import an_operator
from tests.supervision.conftest import make_deal
from tests.supervision.test_flow import a_file

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    deal = make_deal(service=True)
    set_criteria(deal.flow.order.product, ["Both tenants run.", "The way back was shown."], by=an_operator())
    services.submit_request(deal.flow, description="Two tenants.", by=deal.buyer)
    services.confirm_request(deal.flow, by=deal.seller)
    selling = seller_api(deal.flow.order.lines.get().specification)
    buying = buyer_api(account=Account.objects.get(pk=deal.buyer.account_id), card=False)
    return deal.flow.public_id, buying, selling


def test_a_delivery_answers_and_a_rejection_names(world):
    flow, buying, selling = world
    shown = selling.get(f"seller/service-flows/{flow}/").json()
    assert [(one["number"], one["text"]) for one in shown["criteria"]] == [
        (1, "Both tenants run."),
        (2, "The way back was shown."),
    ]
    path = f"seller/service-flows/{flow}/deliver/"
    refused = selling.post(path, {"note": "Done.", "answers": {"1": "They do."}})
    assert (refused.status_code, refused.json()["code"]) == (400, "validation_error")
    assert list(refused.json()["errors"]) == ["answer_2"]
    done = selling.post(path, {"answers": {"1": "They do.", "2": "On Monday."}}, idempotency_key="d-1")
    assert done.status_code == 200, done.content
    answers = done.json()["deliveries"][0]["answers"]
    assert [(one["criterion"], one["text"], one["attachment"]) for one in answers] == [
        (1, "They do.", None),
        (2, "On Monday.", None),
    ]
    reject = f"service-flows/{flow}/reject/"
    assert buying.post(reject, {"reason": "No."}).json()["errors"].keys() == {"failed_criteria"}
    rejected = buying.post(reject, {"reason": "No.", "failed_criteria": [2]}).json()
    assert rejected["records"][0]["failed_criteria"] == ["The way back was shown."]
    assert [one["failed_in_rounds"] for one in rejected["criteria"]] == [[], [1]]
    assert [one["description"] for one in rejected["requests"]] == ["Two tenants."]


def test_an_answer_may_be_a_file(world):
    flow, buying, selling = world
    body = {
        "answers": json.dumps({"1": "They do."}),
        "answer_2": a_file("protocol.pdf"),
        "attachment": [a_file("report.pdf")],
    }
    done = selling.post(f"seller/service-flows/{flow}/deliver/", body, multipart=True)
    assert done.status_code == 200, done.content
    delivery = done.json()["deliveries"][0]
    named = {one["id"]: one["name"] for one in delivery["attachments"]}
    assert named[delivery["answers"][1]["attachment"]] == "protocol.pdf"
    assert set(named.values()) == {"protocol.pdf", "report.pdf"}
    file = buying.get(f"service-flows/{flow}/attachments/{delivery['answers'][1]['attachment']}/")
    assert file.status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {"answers": [1]},
        {"answers": {"one": "x"}},
        {"answers": {"1": 5, "2": "x"}},
        {"answers": {"0": "x"}},
        {"answers": "{"},
        {"answers": {"1": "a", "2": "b", "3": "c"}},
        {"answers": {"1": "x" * 1001, "2": "b"}},
        {"answers": {"1": "a", "2": "b"}, "license_key": "K"},
        {"answers": {"1": "a", "2": "b"}, "license_key": 5},
        {"answers": {"1": "a", "2": "b"}, "answer_1": "c"},
        {"answers": {"1": "a", "2": "b"}, "criteria": []},
    ],
    ids=[
        "a list", "no number", "no text", "zero", "no JSON", "a line too many", "1,001 characters", "a key of no licence", "a key that is no text",
        "a file that is none", "a field that is not taken",
    ],
)  # fmt: skip
def test_bad_answers_change_nothing(world, body):
    flow, _buying, selling = world
    answer = selling.post(f"seller/service-flows/{flow}/deliver/", body)
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("failed", [["1"], [True], "1", [0], [3], {"1": True}, [2**70]])
def test_bad_failed_criteria_change_nothing(world, failed):
    flow, buying, selling = world
    selling.post(f"seller/service-flows/{flow}/deliver/", {"answers": {"1": "a", "2": "b"}})
    answer = buying.post(f"service-flows/{flow}/reject/", {"reason": "No.", "failed_criteria": failed})
    assert answer.status_code == 400
    assert buying.get(f"service-flows/{flow}/").json()["status"] == "awaiting_acceptance"
