"""The seller's side: several requests at once, who handles one, delivery templates."""

import pytest
from django.test import Client

from accounts.models import SellerMember
from koogallery.kernel.errors import InvalidInput, NotFound
from supervision import services
from supervision.choices import FlowStatus
from supervision.models import NoteTemplate, ServiceFlow
from tests.api.conftest import seller_api
from tests.factories import ProductFactory, SellerMemberFactory, a_seller
from tests.supervision.conftest import assert_books_are_right

pytestmark = pytest.mark.django_db


def selling(one) -> Client:
    client = Client()
    client.force_login(SellerMember.objects.get(user_id=one.seller.user_id).user)
    return client


def requested(deal, **traits):
    one = deal(service=True, **traits)
    services.submit_request(one.flow, description="Move our data.", by=one.buyer)
    return one


def test_several_requests_are_confirmed_each_by_itself(deal):
    one = requested(deal)
    two = requested(deal, seller=one.flow.seller)
    done = requested(deal, seller=one.flow.seller)
    foreign = requested(deal)
    services.confirm_request(done.flow, by=done.seller)
    client = selling(one)
    page = client.get("/seller/supervision/confirm/").content.decode()
    assert "Customer may appeal from" in page
    assert done.flow.order.number not in page
    numbers = [deal.flow.order.number for deal in (one, two, done, foreign)]
    answer = client.post("/seller/supervision/confirm/", {"order": numbers})
    text = answer.content.decode()
    assert text.count("confirmed.") == 2
    assert "It is not possible" in text or "This is not possible while" in text
    assert foreign.flow.order.number not in text
    assert [row.now().status for row in (one, two, foreign)] == [
        FlowStatus.AWAITING_DELIVERY,
        FlowStatus.AWAITING_DELIVERY,
        FlowStatus.AWAITING_CONFIRMATION,
    ]
    assert client.post("/seller/supervision/confirm/").status_code == 422
    assert_books_are_right(one)


def test_a_flow_has_a_handler_whom_only_the_seller_sees(deal):
    one = deal()
    colleague = SellerMemberFactory(seller=one.flow.seller)
    client, number = selling(one), one.flow.order.number
    assert client.post(f"/seller/supervision/{number}/handler/", {"member": colleague.pk}).status_code == 302
    assert one.now().handler == colleague
    assert colleague.user.full_name in client.get(f"/seller/supervision/{number}/").content.decode()
    mine = Client()
    mine.force_login(colleague.user)
    assert number in mine.get("/seller/supervision/?mine=1").content.decode()
    assert number not in client.get("/seller/supervision/?mine=1").content.decode()
    assert ServiceFlow.objects.get().records.count() == 1
    assert_books_are_right(one)
    colleague.delete()
    assert one.now().handler is None


def test_nobody_of_another_seller_handles_a_flow(deal):
    one, stranger = deal(), SellerMemberFactory()
    with pytest.raises(NotFound):
        services.assign_handler(one.flow, member=stranger, by=one.seller)
    with pytest.raises(NotFound):
        services.assign_handler(one.flow, member=None, by=a_seller())
    answer = selling(one).post(f"/seller/supervision/{one.flow.order.number}/handler/", {"member": stranger.pk})
    assert (answer.status_code, one.now().handler) == (422, None)


def test_delivery_templates_fill_the_note(deal):
    one = deal()
    client = selling(one)
    own = {"title": "Key", "text": "Your key is below.", "product": one.flow.order.product_id}
    assert client.post("/seller/delivery-templates/new/", own).status_code == 302
    assert client.post("/seller/delivery-templates/new/", own).status_code == 422
    other = {"title": "Other", "text": "Elsewhere.", "product": ProductFactory(seller=one.flow.seller).pk}
    client.post("/seller/delivery-templates/new/", other)
    kept = NoteTemplate.objects.get(title="Key")
    address = f"/seller/supervision/{one.flow.order.number}/deliver/"
    page = client.get(address).content.decode()
    assert f"?template={kept.public_id}" in page
    assert "Other" not in page
    assert "Your key is below." in client.get(f"{address}?template={kept.public_id}").content.decode()
    assert "Your key is below." not in page
    edited = f"/seller/delivery-templates/{kept.public_id}/"
    assert client.post(edited, own | {"text": "Your key follows."}).status_code == 302
    assert client.post(f"{edited}delete/").status_code == 302
    assert [one.title for one in NoteTemplate.objects.all()] == ["Other"]


@pytest.mark.parametrize(
    "given",
    [{"title": ""}, {"text": ""}, {"title": "x" * 81}, {"text": "x" * 1001}, {"text": "a\x00"}],
    ids=["no title", "no text", "long title", "long text", "NUL"],
)
def test_bad_templates_are_refused(given):
    with pytest.raises(InvalidInput):
        services.save_note_template(None, **{"title": "Key", "text": "Here.", "product": None} | given, by=a_seller())


def test_templates_are_the_sellers_own():
    one, stranger = a_seller(), a_seller()
    kept = services.save_note_template(None, title="Key", text="Here.", product=None, by=one)
    with pytest.raises(NotFound):
        services.save_note_template(kept, title="Key", text="Mine.", product=None, by=stranger)
    with pytest.raises(NotFound):
        services.delete_note_template(kept, by=stranger)
    with pytest.raises(InvalidInput):
        services.save_note_template(None, title="Key", text="Here.", product=ProductFactory(), by=one)


def test_handlers_and_templates_by_rest(deal):
    one = deal()
    api = seller_api(one.flow.order.lines.get().specification)
    email = SellerMember.objects.get(user_id=one.seller.user_id).user.email
    path = f"seller/service-flows/{one.flow.public_id}/assign/"
    assert api.post(path, {"handler": email}).json()["handler"] == email
    assert api.post(path, {"handler": "nobody@else.example"}).status_code == 400
    assert api.post(path, {}).status_code == 400
    assert api.post(path, {"handler": None}).json()["handler"] is None
    made = api.post("seller/delivery-templates/", {"title": "Key", "text": "Here."})
    assert made.status_code == 201, made.content
    assert api.get("seller/delivery-templates/").json()["count"] == 1
    assert api.delete(f"seller/delivery-templates/{made.json()['id']}/").status_code == 204


def test_the_rejection_says_how_many_of_three(deal):
    one = requested(deal)
    page = selling(one).get(f"/seller/supervision/{one.flow.order.number}/reject-request/").content.decode()
    assert "This is rejection 1 of 3." in page
