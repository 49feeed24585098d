"""What operations staff see and may do in Django admin."""

from datetime import timedelta

import pytest
from django.contrib import admin

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


def test_a_template_is_changed_by_its_next_version(operator):
    deal = make_deal()
    form = {"flow_type": "license", "request_attachment": "none", "appeal_on_acceptance_after": 1, "appeal_after": 2}
    assert operator.post("/admin/supervision/flowtemplate/add/", form).status_code == 302
    assert FlowTemplate.in_force("license").version == 2
    assert deal.now().template.version == 1


def test_an_appeal_is_decided(operator):
    deal = make_deal()
    services.file_appeal(deal.flow, reason="Silence.", by=deal.buyer, at=clock.now() + timedelta(days=6))
    page = f"/admin/supervision/serviceflow/{deal.flow.pk}/act/"
    assert b"Silence." in operator.get(page).content
    assert b"This field is required" in operator.post(page, {"decision": "refund"}).content
    assert operator.post(page, {"decision": "refund", "reason": "Nothing came."}).status_code == 302
    assert (deal.now().status, Order.objects.get().status) == ("closed", "refunding")


def test_a_delivery_is_reviewed(operator):
    deal = make_deal(joint_operation=True)
    services.deliver(deal.flow, note="Key.", by=deal.seller)
    page = f"/admin/supervision/platformreview/{deal.flow.pk}/review/"
    assert b"Enter a reason" in operator.post(page, {"verdict": "return", "reason": ""}).content
    operator.post(page, {"verdict": "approve"})
    assert deal.now().status == "awaiting_acceptance"
