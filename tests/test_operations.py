"""What operations staff see and may do in Django admin."""

from datetime import timedelta

import pytest
from django import forms
from django.contrib import admin
from django.db import IntegrityError, transaction

from catalog.models import Product
from koogallery.kernel import clock
from orders.models import Order
from supervision import services
from supervision.models import FlowTemplate
from tests.factories import ProductFactory, UserFactory, a_specification
from tests.supervision.conftest import make_deal

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(client):
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    return client


def test_every_screen_opens(operator):
    deal = make_deal()
    assert operator.get("/admin/").status_code == 200
    for model, screen in admin.site._registry.items():
        name = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        assert operator.get(name).status_code == 200, name
        assert operator.get(f"{name}?q=CS").status_code == 200, name
        row = model._base_manager.first()
        if row is not None:
            assert operator.get(f"{name}{row.pk}/change/").status_code == 200, name
        assert screen is not None
    assert deal.flow.pk


@pytest.mark.parametrize(
    "name", ["orders/order", "supervision/serviceflow", "supervision/flowrecord", "billing/payment"]
)
def test_records_cannot_be_edited(operator, name):
    deal = make_deal()
    rows = {"orders/order": deal.flow.order.pk, "supervision/serviceflow": deal.flow.pk}
    assert operator.get(f"/admin/{name}/add/").status_code == 403
    if pk := rows.get(name):
        assert operator.post(f"/admin/{name}/{pk}/change/", {"status": "completed"}).status_code == 403
    assert Order.objects.get().status == "processing"


def test_visitors_and_buyers_have_no_admin(client):
    assert client.get("/admin/").status_code == 302
    client.force_login(UserFactory())
    assert client.get("/admin/").status_code == 302


def test_products_are_published_and_taken_down_by_their_verbs(operator):
    product = ProductFactory(status="draft", published_at=None)
    act = {"action": "publish", "_selected_action": [product.pk]}
    operator.post("/admin/catalog/product/", act)
    assert Product.objects.get().status == "draft"  # it has no price yet
    a_specification(product=product)
    operator.post("/admin/catalog/product/", act)
    assert Product.objects.get().status == "published"
    operator.post("/admin/catalog/product/", {"action": "take_down", "_selected_action": [product.pk]})
    assert Product.objects.get().status == "taken_down"


def template_form(flow_type: str, **changes: object) -> dict[str, object]:
    """What the add form posts: the values of the version in force, with changes."""
    shown = forms.model_to_dict(FlowTemplate.in_force(flow_type), exclude=["id", "version"])
    for name in ("seller_reminder_hours", "buyer_reminder_days"):
        shown[name] = ", ".join(map(str, shown[name]))
    return {name: value for name, value in (shown | changes).items() if value is not False}


def test_a_template_is_changed_by_its_next_version(operator):
    deal = make_deal()
    add = "/admin/supervision/flowtemplate/add/"
    prefilled = operator.get(f"{add}?version={FlowTemplate.in_force('license').pk}").content.decode()
    assert 'value="72,96"' in prefilled
    assert operator.post(add, template_form("license", deliver_hours=200, appeal_after=2)).status_code == 302
    assert FlowTemplate.in_force("license").version == 2
    flow = deal.now()
    assert (flow.template.version, flow.respond_by - flow.waiting_since) == (1, timedelta(hours=120))
    later = make_deal().flow
    assert (later.template.version, later.respond_by - later.waiting_since) == (2, timedelta(hours=200))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"seller_reminder_hours": "96, 72"}, "ascending order"),
        ({"seller_reminder_hours": "72, 120"}, "before his deadline: less than 120 hours"),
        ({"buyer_reminder_days": "1, 1"}, "ascending order"),
        ({"buyer_reminder_days": "1, soon"}, "whole number"),
        ({"deliver_hours": "0"}, "greater than or equal to 1"),
        ({"confirm_hours": "5000"}, "less than or equal to 4320"),
        ({"accept_days": "-1"}, "greater than or equal to 0"),
        ({"drafts": "on", "request_form": False}, "A draft answers a request"),
        ({"request_attachment": "mandatory", "request_form": False}, "nothing to attach a file to"),
    ],
)
def test_a_template_that_cannot_be_is_refused_beside_its_field(operator, changes, told):
    answer = operator.post("/admin/supervision/flowtemplate/add/", template_form("website", **changes))
    assert answer.status_code == 200
    assert told in answer.content.decode()
    assert FlowTemplate.in_force("website").version == 1


def test_no_version_of_a_template_is_ever_changed(operator):
    template = FlowTemplate.in_force("license")
    page = f"/admin/supervision/flowtemplate/{template.pk}/change/"
    assert operator.post(page, template_form("license", deliver_hours=1)).status_code == 403
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        FlowTemplate.objects.update(deliver_hours=1)


def test_an_appeal_is_decided(operator):
    deal = make_deal()
    services.file_appeal(deal.flow, reason="Silence.", by=deal.buyer, at=clock.now() + timedelta(days=6))
    page = operator.get(f"/admin/supervision/serviceflow/{deal.flow.pk}/act/").url
    assert b"Silence." in operator.get(page).content
    given = {"verb": "decide", "decide-decision": "refund"}
    assert b"This field is required" in operator.post(page, given).content
    assert operator.post(page, given | {"decide-reason": "Nothing came."}).status_code == 302
    assert (deal.now().status, Order.objects.get().status) == ("under_appeal", "processing")
    assert b"Nothing came." in operator.get(page).content
    for side in (deal.buyer, deal.seller):
        services.waive_review(deal.flow, by=side)
    assert (deal.now().status, Order.objects.get().status) == ("closed", "refunding")


def test_a_delivery_is_reviewed(operator):
    deal = make_deal(joint_operation=True)
    services.deliver(deal.flow, note="Key.", by=deal.seller)
    page = f"/admin/supervision/platformreview/{deal.flow.pk}/review/"
    assert b"Enter a reason" in operator.post(page, {"verdict": "return", "reason": ""}).content
    operator.post(page, {"verdict": "approve"})
    assert deal.now().status == "awaiting_acceptance"
