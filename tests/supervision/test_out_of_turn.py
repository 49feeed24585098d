"""What a flow's state forbids is told first, whatever else is wrong with what was sent; and who was quicker."""

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import Account
from accounts.permissions import Role
from supervision import services
from tests.api.conftest import Api, buyer_api, seller_api
from tests.factories import logged_in
from tests.supervision.conftest import Deal

pytestmark = pytest.mark.django_db

# All that the sides can ask for, with nothing in the body.
BUYERS = ("submit-request", "accept", "reject", "confirm-draft", "reject-draft", "remind")
SELLERS = ("confirm", "reject-request", "deliver", "deliver-draft")
CASE = ("statement", "review", "waive-review")


def apis(one: Deal) -> list[tuple[Api, str, tuple[str, ...]]]:
    """Each side's key, where its flow is, and its verbs."""
    buyer = buyer_api(account=Account.objects.get(pk=one.buyer.account_id), card=False)
    seller = seller_api(one.flow.order.lines.get().specification)
    flow = f"service-flows/{one.flow.public_id}/"
    return [(buyer, flow, BUYERS), (seller, f"seller/{flow}", SELLERS)]


def code(answer) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_frozen_every_verb_says_so_before_it_looks_at_the_body(deal):
    one = deal(service=True)
    services.file_appeal(one.flow, reason="Silence.", by=one.seller, at=one.flow.waiting_since + timedelta(days=6))
    for api, flow, verbs in apis(one):
        for verb in (*verbs, *CASE):
            assert code(api.post(f"{flow}{verb}/")) == (409, "flow_frozen"), verb
        assert code(api.post(f"{flow}appeal/")) == (409, "appeal_not_allowed")
    buyer, seller = (api.post(f"{flow}{verbs[0]}/").json()["detail"] for api, flow, verbs in apis(one))
    assert "You and the seller cannot perform any operations" in buyer
    assert "You and the customer cannot perform any operations" in seller


def test_out_of_turn_a_bad_body_or_file_changes_nothing_about_the_answer(deal):
    one = deal()  # a licence: the seller delivers
    (buyer, flow, _), (seller, sold, _) = apis(one)
    for verb in ("submit-request", "accept", "reject", "reject-draft"):
        assert code(buyer.post(f"{flow}{verb}/")) == (409, "invalid_transition"), verb
    program = SimpleUploadedFile("a.exe", b"MZ")
    sent = buyer.post(f"{flow}reject/", {"reason": "No.", "attachment": program}, multipart=True)
    assert code(sent) == (409, "invalid_transition")
    assert code(buyer.post(f"{flow}appeal/", {"reason": ""})) == (409, "appeal_not_allowed")
    assert code(buyer.post(f"{flow}remind/", {"status": "completed"})) == (400, "validation_error")
    assert code(seller.post(f"{sold}deliver/")) == (400, "validation_error")
    assert one.now().records.count() == 1


def test_who_may_not_act_is_told_so_before_his_files_are_looked_at(deal):
    one = deal()
    account = Account.objects.get(pk=one.buyer.account_id)
    viewer = buyer_api(Role.VIEWER, account, card=False)
    assert code(viewer.post(f"service-flows/{one.flow.public_id}/reject/")) == (403, "permission_denied")


def test_in_the_second_tab_one_reads_who_was_quicker_and_after_accepting_when_the_order_completes(deal):
    one = deal(service=True)
    services.submit_request(one.flow, description="Please.", by=one.buyer)
    services.confirm_request(one.flow, by=one.seller)
    services.deliver(one.flow, note="Done.", by=one.seller)
    client = logged_in(Account.objects.get(pk=one.buyer.account_id).memberships.get(role="owner").user)
    page = f"/my/supervision/{one.flow.order.number}/"
    assert "<h1>Confirmed</h1>" in client.get(f"{page}accept/").content.decode()
    services.reject_delivery(one.flow, reason="No.", by=one.buyer)
    for act in ("accept", "reject"):  # the second without its reason
        answer = client.post(f"{page}{act}/")
        assert answer.status_code == 409
        assert "by the customer. Reload to see the current status." in answer.content.decode()
        told = client.post(f"{page}{act}/", headers={"referer": f"http://testserver{page}"}, follow=True)
        assert "The order was changed at" in told.content.decode()
    services.deliver(one.flow, note="Better.", by=one.seller)
    done = client.post(f"{page}accept/", follow=True).content.decode()
    assert "Service accepted. The order changes to Completed at" in done
    assert "(GMT+08:00)." in done
