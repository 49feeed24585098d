"""The platform's review of joint-operation products: an operator's queue, approve or return with reason."""

from datetime import timedelta

import pytest
from django.test import Client

from accounts.models import Account, User
from catalog.services import set_criteria
from koogallery.kernel import clock
from koogallery.kernel.errors import PermissionRefused
from supervision import services
from supervision.choices import FlowStatus
from supervision.services import Answer
from tests.factories import MembershipFactory, SellerMemberFactory, UserFactory
from tests.supervision.conftest import assert_books_are_right
from tests.supervision.test_flow import a_file

pytestmark = pytest.mark.django_db


@pytest.fixture
def waiting(deal):
    """A delivery with criteria and a file that waits for the platform."""
    one = deal(service=True, joint_operation=True)
    set_criteria(one.flow.order.product, ["Both tenants run."], by=one.operator)
    services.submit_request(one.flow, description="Two tenants.", by=one.buyer)
    services.confirm_request(one.flow, by=one.seller)
    answers = {1: Answer("They run.", a_file("proof.pdf", b"%PDF-1.7 proof\n%%EOF"))}
    services.deliver(one.flow, note="Done on Sunday.", files=[a_file()], answers=answers, by=one.seller)
    return one


def operating(user: User | None = None) -> Client:
    client = Client()
    client.force_login(user or UserFactory(is_staff=True, is_superuser=True))
    return client


def test_the_queue_has_the_oldest_first_with_its_age(waiting, deal):
    younger = deal(joint_operation=True)
    services.deliver(younger.flow, note="Key.", by=younger.seller, at=clock.now() + timedelta(hours=1))
    elsewhere = deal()
    services.deliver(elsewhere.flow, note="Key.", by=elsewhere.seller)
    page = operating().get("/admin/supervision/platformreview/").content.decode()
    first, second = (page.index(one.flow.order.number) for one in (waiting, younger))
    assert first < second
    assert elsewhere.flow.order.number not in page
    assert "minute" in page


def test_one_screen_shows_the_delivery_with_files_and_criteria(waiting):
    client = operating()
    page = client.get(f"/admin/supervision/platformreview/{waiting.flow.pk}/review/").content.decode()
    for text in ("Done on Sunday.", "Both tenants run.", "They run.", "proof.pdf", "Two tenants.", "requirements.pdf"):
        assert text in page, text
    assert " GMT+08:00" in page
    file = waiting.flow.attachments.get(name="proof.pdf")
    answer = client.get(f"/admin/supervision/platformreview/{waiting.flow.pk}/files/{file.public_id}/")
    assert b"".join(answer.streaming_content) == b"%PDF-1.7 proof\n%%EOF"
    assert answer["Content-Disposition"].startswith("attachment")
    stranger = Client()
    stranger.force_login(UserFactory())
    assert stranger.get(f"/admin/supervision/platformreview/{waiting.flow.pk}/review/").status_code == 302


def test_approved_it_waits_for_the_buyer(waiting):
    address = f"/admin/supervision/platformreview/{waiting.flow.pk}/review/"
    assert operating().post(address, {"verdict": "approve"}).status_code == 302
    assert waiting.now().status == FlowStatus.AWAITING_ACCEPTANCE
    assert_books_are_right(waiting)


def test_returned_with_a_reason_that_both_sides_read(waiting):
    client, address = operating(), f"/admin/supervision/platformreview/{waiting.flow.pk}/review/"
    assert "Enter a reason." in client.post(address, {"verdict": "return", "reason": " "}).content.decode()
    assert waiting.now().status == FlowStatus.PLATFORM_REVIEW
    assert client.post(address, {"verdict": "return", "reason": "No test protocol."}).status_code == 302
    assert (waiting.now().status, waiting.now().buyer_rejections) == (FlowStatus.AWAITING_DELIVERY, 0)
    number = waiting.flow.order.number
    buyer, seller = Client(), Client()
    buyer.force_login(Account.objects.get(pk=waiting.buyer.account_id).memberships.get().user)
    seller.force_login(SellerMemberFactory(seller=waiting.flow.seller).user)
    for page in (buyer.get(f"/my/supervision/{number}/"), seller.get(f"/seller/supervision/{number}/")):
        assert "No test protocol." in page.content.decode()
    # A second verdict on the same delivery finds nothing to judge.
    again = client.post(address, {"verdict": "approve"})
    assert waiting.now().status == FlowStatus.AWAITING_DELIVERY
    assert again.status_code == 200


@pytest.mark.parametrize("side", ["buyer", "seller"])
def test_an_operator_of_either_company_does_not_judge(waiting, side):
    user = UserFactory(is_staff=True, is_superuser=True)
    if side == "buyer":
        MembershipFactory(account_id=waiting.buyer.account_id, user=user, role="viewer")
    else:
        SellerMemberFactory(seller=waiting.flow.seller, user=user)
    address = f"/admin/supervision/platformreview/{waiting.flow.pk}/review/"
    client = operating(user)
    assert "Another operator has to decide this." in client.get(address).content.decode()
    client.post(address, {"verdict": "approve"})
    assert waiting.now().status == FlowStatus.PLATFORM_REVIEW
    from accounts.web import operator_actor

    with pytest.raises(PermissionRefused):
        services.return_delivery(waiting.flow, reason="Mine.", by=operator_actor(user))
