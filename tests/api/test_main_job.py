"""The main job by REST, with exactly the names of API.md."""

import threading

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from orders.models import Order
from tests.api.conftest import body_for, buyer_api, on_sale, order_body, seller_api


def test_a_licence_is_bought_delivered_and_accepted(api, timers):
    specification = on_sale()
    selling = seller_api(specification)
    listed = api.get("products/", q=specification.product.name).json()
    assert listed["results"][0]["slug"] == specification.product.slug
    assert {"category", "operating_system", "delivery_method", "pricing"} <= set(listed["facets"])
    product = api.get(f"products/{specification.product.slug}/").json()
    assert product["specifications"][0]["prices"][0] == {
        "billing_mode": "monthly", "unit": "month", "amount": "5.00", "currency": "USD", "per": None
    }  # fmt: skip

    quote = api.post("quotes/", body_for(specification))
    assert quote.status_code == 200
    assert quote.json()["payable"] == {"amount": "5.00", "currency": "USD"}
    assert quote.json()["lines"][0]["text"] == "$5.00 USD/month x 1 month(s)"

    placed = api.post("orders/", order_body(specification, quote=quote.json()["quote"], auto_renew=True))
    assert placed.status_code == 201, placed.json()
    order = placed.json()
    assert (order["status"], order["kind"], order["service_flow"]) == ("pending_payment", "new", None)
    assert order["unpaid_until"].endswith("Z")

    paid = api.post(f"orders/{order['number']}/pay/", {"method": "card"})
    assert paid.status_code == 200, paid.json()
    paid = paid.json()
    assert paid["status"] == "processing"
    assert paid["payments"][0]["status"] == "succeeded"
    flow = api.get(f"service-flows/{paid['service_flow']}/").json()
    assert (flow["status"], flow["waiting_on"], flow["flow_type"]) == ("awaiting_delivery", "seller", "license")
    assert flow["allowed_actions"] == ["remind"]
    assert flow["records"][-1]["from"] is None
    assert api.get("subscriptions/").json()["results"][0]["status"] == "pending"

    delivered = selling.post(f"seller/service-flows/{flow['id']}/deliver/", {"note": "Key 1234"})
    assert delivered.status_code == 200, delivered.json()
    assert api.get("service-flows/", status="awaiting_acceptance").json()["count"] == 1
    accepted = api.post(f"service-flows/{flow['id']}/accept/")
    assert accepted.status_code == 200
    assert accepted.json()["status"] == "completed"
    order = api.get(f"orders/{order['number']}/").json()
    assert order["status"] == "processing"
    timers.run()
    app = api.get(f"subscriptions/{order['subscription']}/").json()
    assert app["status"] == "enabled"
    assert app["auto_renewal"]["enabled"] is True
    from django.utils.dateparse import parse_datetime

    timers.run(parse_datetime(order["completes_at"]))
    assert api.get(f"orders/{order['number']}/").json()["status"] == "completed"
    assert selling.get("seller/orders/").json()["results"][0]["status"] == "completed"


def test_a_request_takes_files_as_multipart(api, settings):
    specification = on_sale(saas_supervised=True)
    selling = seller_api(specification)
    number = api.post("orders/", order_body(specification)).json()["number"]
    flow = api.post(f"orders/{number}/pay/", {"method": "card"}).json()["service_flow"]
    refused = api.post(f"service-flows/{flow}/submit-request/", {"description": "Fifty seats."})
    assert (refused.status_code, refused.json()["code"]) == (400, "request_attachment_required")
    exe = SimpleUploadedFile("run.pdf", b"MZ\x90\x00")
    refused = api.post(f"service-flows/{flow}/submit-request/", {"description": "x", "attachment": exe}, multipart=True)
    assert (refused.status_code, refused.json()["code"]) == (400, "attachment_refused")
    settings.UPLOAD_FILE_MAX_BYTES = settings.ATTACHMENT_MAX_BYTES = 20
    large = {"description": "x", "attachment": SimpleUploadedFile("large.pdf", b"%PDF-1.7\n" + bytes(20))}
    refused = api.post(f"service-flows/{flow}/submit-request/", large, multipart=True, idempotency_key="large")
    assert (refused.status_code, refused.json()["code"]) == (400, "attachment_refused")
    files = [SimpleUploadedFile(f"{n}.pdf", b"%PDF-1.7\n%%EOF") for n in (1, 2)]
    address = f"service-flows/{flow}/submit-request/"
    body = {"description": "x", "attachment": files}
    done = api.post(address, body, multipart=True, idempotency_key="f")
    assert done.status_code == 200, done.json()
    for file in files:
        file.seek(0)
    assert api.post(address, body, multipart=True, idempotency_key="f").json() == done.json()
    files[1] = SimpleUploadedFile("2.pdf", b"%PDF-1.6\n%%EOF")
    files[0].seek(0)
    other = api.post(address, body, multipart=True, idempotency_key="f")
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")
    attached = done.json()["records"][0]["attachments"]
    assert [one["name"] for one in attached] == ["1.pdf", "2.pdf"]
    got = api.get(f"service-flows/{flow}/attachments/{attached[0]['id']}/")
    assert got["Content-Disposition"].startswith("attachment")
    assert selling.get(f"seller/service-flows/{flow}/attachments/{attached[0]['id']}/").status_code == 200
    assert buyer_api().get(f"service-flows/{flow}/attachments/{attached[0]['id']}/").status_code == 404


def test_supervised_saas_is_listed_only_when_its_flow_is_complete(api):
    specification = on_sale(saas_supervised=True)
    number = api.post("orders/", order_body(specification)).json()["number"]
    order = api.post(f"orders/{number}/pay/", {"method": "card"}).json()
    assert api.get("subscriptions/").json()["count"] == 0
    assert api.get(f"subscriptions/{order['subscription']}/").json()["status"] == "pending"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"payable": "0.01"}, "payable"),
        ({"price": 1}, "price"),
        ({"status": "completed"}, "status"),
        ({"account": 1}, "account"),
        ({"quantity": 0}, "quantity"),
        ({"quantity": -1}, "quantity"),
        ({"quantity": 10**9}, "quantity"),
        ({"quantity": "1"}, "quantity"),
        ({"quantity": True}, "quantity"),
        ({"duration": {"value": 10, "unit": "month"}}, "duration"),
        ({"duration": {"value": 1, "unit": "day"}}, "duration.unit"),
        ({"duration": None}, "duration"),
        ({"billing_mode": "yearly"}, "billing_mode"),
        ({"attributes": {"nope": 1}}, "attributes.nope"),
        ({"attributes": []}, "attributes"),
        ({"specification": "x"}, "specification"),
    ],
)
def test_a_tampered_order_is_refused_and_nothing_changes(api, change, field):
    response = api.post("orders/", order_body(on_sale()) | change)
    assert response.status_code == 400, response.json()
    assert response.json()["code"] == "validation_error"
    assert field in response.json()["errors"]
    assert not Order.objects.exists()


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"[]",
        b'{"specification": NaN}',
        b'{"quantity": 1, "quantity": 2}',
        b"\xff\xfe",
        b'{"a":' * 500 + b"1" + b"}" * 500,
        b'{"quote": "' + b"x" * (3 * 2**20) + b'"}',
    ],
    ids=["cut off", "no object", "NaN", "duplicate key", "no UTF-8", "deep", "3 MB"],
)
def test_a_broken_body_is_refused(api, raw):
    response = api.raw("orders/", raw)
    assert response.status_code in (400, 413)
    assert response["Content-Type"] == "application/problem+json"


def test_agreements_must_be_accepted(api):
    response = api.post("orders/", body_for(on_sale()))
    assert (response.status_code, response.json()["code"]) == (400, "agreements_not_accepted")


def test_saas_does_not_renew_by_itself(api):
    response = api.post("orders/", order_body(on_sale(saas_supervised=True), auto_renew=True))
    assert (response.status_code, response.json()["code"]) == (409, "auto_renewal_not_supported")


def test_a_changed_price_and_a_used_quote_are_conflicts(api):
    specification = on_sale()
    quote = api.post("quotes/", body_for(specification)).json()["quote"]
    assert api.post("orders/", order_body(specification, quote=quote)).status_code == 201
    again = api.post("orders/", order_body(specification, quote=quote))
    assert (again.status_code, again.json()["code"]) == (409, "quote_expired")
    quote = api.post("quotes/", body_for(specification)).json()["quote"]
    specification.prices.update(amount=6)
    changed = api.post("orders/", order_body(specification, quote=quote))
    assert (changed.status_code, changed.json()["code"]) == (409, "price_changed")


def test_who_may_what(api):
    specification = on_sale()
    number = api.post("orders/", order_body(specification)).json()["number"]
    viewer, stranger, selling = buyer_api("viewer"), buyer_api(), seller_api(specification)
    anonymous = type(api)("")
    assert anonymous.get("orders/").status_code == 401
    assert anonymous.get("orders/").json()["code"] == "not_authenticated"
    assert anonymous.get("products/").status_code == 200
    assert stranger.get(f"orders/{number}/").json()["code"] == "not_found"
    assert stranger.post(f"orders/{number}/pay/", {"method": "card"}).status_code == 404
    assert viewer.post("orders/", order_body(specification)).json()["code"] == "permission_denied"
    assert selling.get("orders/").status_code == 403
    assert api.get("seller/orders/").status_code == 403
    assert api.get("nowhere/").json()["code"] == "not_found"


def test_paying_needs_a_card_and_an_unpaid_order(api):
    specification = on_sale()
    poor = buyer_api(card=False)
    number = poor.post("orders/", order_body(specification)).json()["number"]
    refused = poor.post(f"orders/{number}/pay/", {"method": "card"})
    assert (refused.status_code, refused.json()["code"]) == (409, "payment_method_required")
    assert poor.post(f"orders/{number}/cancel/").json()["status"] == "cancelled"
    refused = poor.post(f"orders/{number}/pay/", {"method": "card"})
    assert (refused.status_code, refused.json()["code"]) == (409, "order_not_payable")
    assert poor.post(f"orders/{number}/cancel/").json()["code"] == "invalid_transition"


def test_the_same_key_answers_the_same(api):
    body = order_body(on_sale())
    first = api.post("orders/", body, idempotency_key="k1")
    again = api.post("orders/", body, idempotency_key="k1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert again["Idempotency-Replayed"] == "true"
    assert Order.objects.count() == 1
    other = api.post("orders/", body | {"auto_renew": True}, idempotency_key="k1")
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")
    number = first.json()["number"]
    paid = [api.post(f"orders/{number}/pay/", {"method": "card"}, idempotency_key="p1") for _ in range(2)]
    assert [one.status_code for one in paid] == [200, 200]
    assert len(paid[1].json()["payments"]) == 1


@pytest.mark.django_db(transaction=True)
def test_the_same_key_at_once_orders_once():
    api = buyer_api()
    body = order_body(on_sale())
    answers = []

    def order() -> None:
        answers.append(api.post("orders/", body, idempotency_key="same"))
        connection.close()

    threads = [threading.Thread(target=order) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Order.objects.count() == 1
    assert {one.status_code for one in answers} <= {201, 409}
    assert len({one.json()["number"] for one in answers if one.status_code == 201}) == 1


def test_lists_have_keyset_pages(api):
    specification = on_sale()
    numbers = [api.post("orders/", order_body(specification)).json()["number"] for _ in range(5)]
    page = api.get("orders/", page_size=2).json()
    assert (page["count"], page["previous"]) == (5, None)
    seen = [one["number"] for one in page["results"]]
    while page["next"]:
        page = api.client.get(page["next"], headers=api._headers()).json()
        seen += [one["number"] for one in page["results"]]
    assert seen == numbers[::-1]
    assert api.get("orders/", cursor="forged").status_code == 404


def test_too_many_requests_are_told_when_to_come_back(api, settings):
    settings.API_REQUESTS_PER_MINUTE_PER_KEY = 2
    answers = [api.get("orders/") for _ in range(4)]
    assert 429 in {one.status_code for one in answers}
    throttled = next(one for one in answers if one.status_code == 429)
    assert throttled.json()["code"] == "throttled"
    assert int(throttled["Retry-After"]) > 0


def test_the_schema_has_no_warning(tmp_path):
    from django.core.management import call_command

    call_command("spectacular", validate=True, fail_on_warn=True, file=str(tmp_path / "schema.yaml"))
