"""Files by REST: uploaded in parts and named by their ids, or sent along as multipart."""

import io
import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from supervision.models import Attachment, Upload
from tests.api.conftest import Api, buyer_api, on_sale, order_body, seller_api
from tests.supervision.sample_files import PDF, png

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_storage(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    settings.UPLOAD_PART_LEAST_BYTES = 10


@pytest.fixture
def specification():
    return on_sale(service=True)


@pytest.fixture
def flow(api, specification):
    number = api.post("orders/", order_body(specification)).json()["number"]
    return api.post(f"orders/{number}/pay/", {"method": "card"}).json()["service_flow"]


def part(api: Api, path: str, offset: object, content: bytes):
    headers = api._headers() | ({"Upload-Offset": str(offset)} if offset is not None else {})
    return api.client.patch(f"/api/v1/{path}", content, content_type="application/octet-stream", headers=headers)


def upload(api: Api, content: bytes = PDF, name: str = "plan.pdf", base: str = "uploads/") -> str:
    begun = api.post(base, {"name": name, "size": len(content)})
    assert begun.status_code == 201, begun.json()
    one = f"{base}{begun.json()['id']}/"
    half = len(content) // 2
    assert part(api, one, 0, content[:half]).json()["received"] == half
    assert api.get(one).json()["received"] == half
    assert part(api, one, half, content[half:]).json()["status"] == "receiving"
    done = api.post(f"{one}complete/")
    assert (done.status_code, done.json()["status"]) == (200, "ready"), done.json()
    return begun.json()["id"]


def test_an_action_in_json_names_finished_uploads(api, flow, specification):
    body = {"description": "See the plan.", "attachments": [upload(api), upload(api, png(500), "chart.png")]}
    done = api.post(f"service-flows/{flow}/submit-request/", body, idempotency_key="one")
    assert done.status_code == 200, done.json()
    assert [one["name"] for one in done.json()["records"][0]["attachments"]] == ["plan.pdf", "chart.png"]
    again = api.post(f"service-flows/{flow}/submit-request/", body, idempotency_key="one")
    assert (again.status_code, again.json()) == (200, done.json())
    selling = seller_api(specification)
    selling.post(f"seller/service-flows/{flow}/confirm/")
    theirs = {"note": "Done.", "attachments": [upload(selling, base="seller/uploads/")]}
    assert selling.post(f"seller/service-flows/{flow}/deliver/", theirs).status_code == 200
    assert Attachment.objects.count() == 3
    refused = api.post(f"service-flows/{flow}/reject/", {"reason": "?", "attachments": body["attachments"]})
    assert (refused.status_code, refused.json()["code"]) == (400, "attachment_refused")


def test_a_multipart_body_is_taken_as_before_and_replayed(api, flow, settings):
    def body():
        files = [SimpleUploadedFile(f"{n}.pdf", PDF) for n in (1, 2)]
        return {"description": "x", "attachment": files[0], "attachments": files[1]}

    path = f"service-flows/{flow}/submit-request/"
    done = api.post(path, body(), multipart=True, idempotency_key="one")
    assert [one["name"] for one in done.json()["records"][0]["attachments"]] == ["1.pdf", "2.pdf"]
    again = api.post(path, body(), multipart=True, idempotency_key="one")
    assert (again.status_code, again["Idempotency-Replayed"]) == (200, "true")
    assert len([one for one in settings.MEDIA_ROOT.rglob("*") if one.is_file()]) == 2, "a replay stores nothing"


@pytest.mark.parametrize(
    ("attachments", "code"),
    [
        (["0000000000000000"], "attachment_refused"),
        ("0000000000000000", "attachment_refused"),
        ([7], "validation_error"),
        ({"id": 7}, "validation_error"),
    ],
)
def test_what_is_no_upload_is_refused(api, flow, attachments, code):
    refused = api.post(f"service-flows/{flow}/submit-request/", {"description": "x", "attachments": attachments})
    assert (refused.status_code, refused.json()["code"]) == (400, code)


def test_another_accounts_upload_is_not_there(api, flow):
    foreign = upload(buyer_api())
    refused = api.post(f"service-flows/{flow}/submit-request/", {"description": "x", "attachments": [foreign]})
    assert (refused.status_code, refused.json()["code"]) == (400, "attachment_refused")
    for answer in (
        api.get(f"uploads/{foreign}/"),
        api.post(f"uploads/{foreign}/complete/"),
        api.delete(f"uploads/{foreign}/"),
    ):
        assert answer.status_code == 404
    assert part(api, f"uploads/{foreign}/", 0, b"x" * 20).status_code == 404


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "validation_error"),
        ({"name": "a.pdf"}, "validation_error"),
        ({"name": "a.pdf", "size": "10"}, "validation_error"),
        ({"name": "a.pdf", "size": True}, "validation_error"),
        ({"name": "a.pdf", "size": -1}, "validation_error"),
        ({"name": "a.pdf", "size": 10, "account": 1}, "validation_error"),
        ({"name": "a\x00.exe", "size": 10}, "validation_error"),
        ({"name": "a.exe", "size": 10}, "attachment_refused"),
        ({"name": "a.pdf", "size": 0}, "attachment_refused"),
        ({"name": "a.pdf", "size": 52_428_801}, "attachment_refused"),
        ({"name": "a.pdf", "size": 10**30}, "attachment_refused"),
    ],
)
def test_a_bad_announcement_is_refused(api, body, code):
    refused = api.post("uploads/", body)
    assert (refused.status_code, refused.json()["code"]) == (400, code)
    assert not Upload.objects.exists()


@pytest.mark.parametrize("offset", [None, "-1", "1e3", "\u0661", "", 10**20], ids=repr)
def test_a_part_without_a_true_offset_is_refused(api, offset):
    one = api.post("uploads/", {"name": "a.pdf", "size": 100}).json()["id"]
    try:
        refused = part(api, f"uploads/{one}/", offset, b"x" * 50)
    except UnicodeEncodeError:
        pytest.skip("no header can say that")
    assert (refused.status_code, refused.json()["code"]) == (400, "validation_error")


def test_a_wrong_offset_says_where_to_go_on(api):
    one = api.post("uploads/", {"name": "a.pdf", "size": 100}).json()["id"]
    part(api, f"uploads/{one}/", 0, b"x" * 50)
    refused = part(api, f"uploads/{one}/", 0, b"x" * 50)
    assert (refused.status_code, refused.json()["code"], refused.json()["received"]) == (409, "upload_offset", 50)


def test_open_uploads_are_listed_and_removed(api):
    one = upload(api)
    assert [row["id"] for row in api.get("uploads/").json()["results"]] == [one]
    assert api.delete(f"uploads/{one}/").status_code == 204
    assert api.get("uploads/").json() == {"count": 0, "next": None, "previous": None, "results": []}


def test_too_many_are_429(api, settings):
    settings.UPLOADS_OPEN_MAX = 1
    upload(api)
    refused = api.post("uploads/", {"name": "a.pdf", "size": 100})
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_uploads")


def test_a_multipart_body_that_was_cut_off_changes_nothing(api, flow):
    """A body that ends before its Content-Length, as a broken connection leaves it."""
    line = b"--limit\r\nContent-Disposition: form-data; name="
    body = line + b'"description"\r\n\r\nHalf.\r\n' + line + b'"attachment"; filename="a.pdf"\r\n\r\n' + PDF
    headers = api._headers()
    answer = Client(raise_request_exception=False).generic(
        "POST",
        f"/api/v1/service-flows/{flow}/submit-request/",
        body,
        content_type="multipart/form-data; boundary=limit",
        headers=headers,
        CONTENT_LENGTH=str(len(body) + 5_000),
        # Django's own pretended body would not end early.
        **{"wsgi.input": io.BytesIO(body)},
    )
    assert answer.status_code == 400, json.loads(answer.content)
    assert not Attachment.objects.exists()
