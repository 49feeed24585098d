"""Every page of the main job answers, for a licence bought and delivered in a browser's way."""

import pytest
from django.test import Client

from billing.gateways.sandbox import SandboxGateway
from catalog.services import refresh_listing
from orders.models import Order
from tests.factories import (
    AgreementFactory,
    MembershipFactory,
    ProductFactory,
    SellerMemberFactory,
    a_specification,
)

pytestmark = pytest.mark.django_db


def ok(response, status=200):
    assert response.status_code == status, (
        response.status_code,
        response.headers.get("Location"),
        response.content[:3000],
    )
    return response


def test_the_main_job_by_plain_forms(client):
    AgreementFactory()
    product = ProductFactory()
    specification = a_specification(product=product)
    refresh_listing(product)
    member = MembershipFactory()
    ok(client.get("/"))
    ok(client.get("/products/?q=product"))
    ok(client.get("/products/?q=&pricing=monthly&min_price=1&page=-1"))
    ok(client.get(f"/categories/{product.category.slug}/"))
    ok(client.get(f"/products/{product.slug}/"))
    ok(client.get(f"/products/{product.slug}/quote/?specification={specification.pk}&duration=3"))
    ok(client.get(f"/sellers/{product.seller.slug}/"))
    ok(client.get(f"/purchase/new/{product.slug}/"), 302)

    client.force_login(member.user)
    confirm = ok(client.get(f"/purchase/new/{product.slug}/?specification={specification.pk}&duration=3"), 302).url
    page = ok(client.get(confirm))
    token = page.context["quote"].token
    ok(client.post(confirm, {"quote": token}), 422)
    accepted = {"quote": token, "agreements": "on", "agreements_shown": page.context["agreements_shown"]}
    pay = ok(client.post(confirm, accepted), 302).url
    assert ok(client.post(confirm, accepted), 302).url == pay
    ok(client.get(pay))
    ok(client.post(pay), 422)
    reference = SandboxGateway().enter_card("success")
    ok(client.get("/billing/payment-methods/"))
    ok(client.get(f"/billing/payment-methods/bound/?card={reference}"), 302)
    ok(client.get("/billing/payment-methods/"))
    ok(client.get(pay))
    done = ok(client.post(pay), 302).url
    ok(client.get(done))
    order = Order.objects.get()
    assert str(order.payable) == "15.0000"
    ok(client.get("/billing/orders/"))
    ok(client.get(f"/billing/orders/{order.number}/"))
    ok(client.get("/my/apps/"))
    ok(client.get("/my/agreements/"))
    ok(client.get("/my/supervision/"))
    ok(client.get(f"/my/supervision/{order.number}/"))
    ok(client.get(f"/my/supervision/{order.number}/accept/"))
    ok(client.get(f"/my/supervision/{order.number}/records.csv"))

    selling = Client()
    selling.force_login(SellerMemberFactory(seller=product.seller).user)
    ok(selling.get("/seller/"))
    ok(selling.get("/seller/supervision/"))
    ok(selling.get(f"/seller/supervision/{order.number}/"))
    ok(selling.get(f"/seller/supervision/{order.number}/deliver/"))
    ok(selling.post(f"/seller/supervision/{order.number}/deliver/", {"note": ""}), 422)
    ok(selling.post(f"/seller/supervision/{order.number}/deliver/", {"note": "Key: 1234"}), 302)

    ok(client.post(f"/my/supervision/{order.number}/accept/"), 302)
    ok(client.get(f"/my/supervision/{order.number}/"))
    app = order.lines.get().subscriptions.get()
    assert app.status == "enabled"
    ok(client.get(f"/my/apps/{app.public_id}/"))
