"""Application information by REST: given by the seller, read and revealed by the buyer (API.md)."""

import json

import pytest

from accounts.models import Account, Reveal
from provisioning.models import Application
from supervision import services
from tests.api.conftest import buyer_api, seller_api
from tests.provisioning.conftest import PASSWORD, app_of, ready
from tests.supervision.test_flow import a_file

pytestmark = pytest.mark.django_db

APPLICATION = {
    "username": "admin",
    "password": PASSWORD,
    "frontend_url": "https://app.example",
    "management_url": "https://app.example/admin",
}


@pytest.fixture
def world():
    deal = ready()
    selling = seller_api(deal.flow.order.lines.get().specification)
    buying = buyer_api(account=Account.objects.get(pk=deal.buyer.account_id), card=False)
    return deal, buying, selling, f"seller/service-flows/{deal.flow.public_id}/deliver/"


def test_given_read_and_revealed(world):
    deal, buying, selling, deliver = world
    app = f"subscriptions/{app_of(deal).public_id}/"
    assert buying.get(app).json()["application"] is None
    assert buying.post(f"{app}reveal-password/").status_code == 404
    done = selling.post(deliver, {"application": APPLICATION}, idempotency_key="d-1")
    assert done.status_code == 200, done.content
    assert done.json()["deliveries"][0]["has_application"] is True
    assert selling.post(deliver, {"application": APPLICATION}, idempotency_key="d-1").json() == done.json()
    shown = buying.get(app)
    assert shown.json()["application"] == {
        "username": "admin",
        "frontend_url": "https://app.example",
        "management_url": "https://app.example/admin",
        "guide_url": None,
    }
    flow = buying.get(f"service-flows/{deal.flow.public_id}/")
    for answer in (done, shown, flow, selling.get("seller/subscriptions/"), buying.get("subscriptions/")):
        assert "Tr0ub4dor" not in answer.content.decode()
    revealed = buying.post(f"{app}reveal-password/")
    assert revealed.json() == {"username": "admin", "password": PASSWORD}
    assert revealed["Cache-Control"] == "no-store"
    seen = Reveal.objects.get()
    assert seen.key is not None
    assert seen.account_id == deal.buyer.account_id
    services.accept_delivery(deal.flow, by=deal.buyer)
    assert buying.get("subscriptions/").json()["results"][0]["application"]["username"] == "admin"


def test_in_multipart_it_is_json_text(world):
    _deal, _buying, selling, deliver = world
    half = selling.post(deliver, {"application": '{"\\ud800": "x"}'}, multipart=True)
    assert (half.status_code, list(half.json()["errors"])) == (400, ["application"])
    body = {"application": json.dumps(APPLICATION), "attachment": [a_file()]}
    assert selling.post(deliver, body, multipart=True).status_code == 200
    assert Application.objects.get().username == "admin"


@pytest.mark.parametrize(
    ("application", "field"),
    [
        ("x", "application"),
        ([], "application"),
        (["a"], "application"),
        (7, "application"),
        ({"username": 5}, "application"),
        ({**APPLICATION, "memo": "x"}, "application_memo"),
        ({**APPLICATION, "frontend_url": "javascript:alert(1)"}, "application_frontend_url"),
        ({**APPLICATION, "frontend_url": ""}, "application_frontend_url"),
        ({**APPLICATION, "management_url": "https://u:p@app.example"}, "application_management_url"),
        ({**APPLICATION, "username": ""}, "application_username"),
        ({**APPLICATION, "password": "p" * 129}, "application_password"),
        ({}, "note"),
        (None, "note"),
    ],
)
def test_bad_input_changes_nothing(world, application, field):
    deal, _buying, selling, deliver = world
    answer = selling.post(deliver, {"application": application})
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")
    assert list(answer.json()["errors"]) == [field]
    assert PASSWORD not in answer.content.decode()
    assert (deal.now().rounds, Application.objects.count()) == (0, 0)


def test_refusals_of_the_reveal(world, settings):
    deal, buying, selling, deliver = world
    selling.post(deliver, {"application": APPLICATION})
    path = f"subscriptions/{app_of(deal).public_id}/reveal-password/"
    account = Account.objects.get(pk=deal.buyer.account_id)
    viewer = buyer_api("viewer", account, card=False).post(path)
    assert (viewer.status_code, viewer.json()["code"]) == (403, "permission_denied")
    assert buyer_api().post(path).status_code == 404
    assert selling.post(path).status_code == 403
    assert buying.post(path, {"version": 1}).status_code == 400
    assert buying.get(path).status_code == 405
    settings.REVEALS_PER_HOUR = 1
    assert buying.post(path).status_code == 200
    refused = buying.post(path)
    assert (refused.status_code, refused.json()["code"]) == (429, "throttled")
    assert int(refused["Retry-After"]) > 3500
    assert Reveal.objects.count() == 1
