"""At most 12 SQL queries on any page, however many rows there are."""

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account, Reseller
from catalog.search import Search, category_tree
from catalog.search.engine import chosen
from catalog.services import refresh_listing, save_product
from orders.models import OrderLine, Subscription
from pricing.models import Discount, ResellerPrice
from tests.factories import AgreementFactory, AttributeFactory, SellerMemberFactory, a_specification
from tests.supervision.conftest import make_deal

pytestmark = pytest.mark.django_db

BUDGET = 12


@pytest.fixture
def deal():
    AgreementFactory()
    deal = make_deal()
    refresh_listing(deal.flow.order.product)
    return deal


def more_rows(deal, number: int) -> None:
    """More of everything for the same buyer and seller."""
    from billing.services import PaymentRequest, pay_order
    from orders.services import Placement, place_order
    from pricing.rules import Duration, QuoteRequest

    account = Account.objects.get(pk=deal.buyer.account_id)
    for _ in range(number):
        specification = a_specification(seller=deal.flow.seller)
        refresh_listing(specification.product)
        save_product(specification.product, account=account, by=deal.buyer)
        request = QuoteRequest(specification.pk, "monthly", Duration(1, "month"))
        order = place_order(Placement(request, agreements_accepted=True), account=account, by=deal.buyer)
        pay_order(order, PaymentRequest(), by=deal.buyer)


def through_a_reseller(app: Subscription) -> None:
    reseller = Reseller.objects.create(name="Cloudhaus")
    Account.objects.filter(pk=app.account_id).update(reseller=reseller)
    ResellerPrice.objects.create(
        reseller=reseller, specification=app.specification, billing_mode=app.billing_mode, currency="USD", amount="4"
    )
    Discount.objects.create(kind="partner", name="Partner", percent=10, reseller=reseller)


def count(client, path: str) -> int:
    cache.clear()
    with CaptureQueriesContext(connection) as queries:
        response = client.get(path)
    assert response.status_code == 200, (path, response.status_code)
    assert len(queries) <= BUDGET, (path, len(queries), [one["sql"][:120] for one in queries])
    return len(queries)


def test_pages_stay_within_their_budget_whatever_the_number_of_rows(client, deal, monkeypatch):
    from django.test import Client

    number, slug = deal.flow.order.number, deal.flow.order.product.slug
    seller_slug = deal.flow.seller.slug
    member = SellerMemberFactory(seller=deal.flow.seller)
    selling = Client()
    selling.force_login(member.user)
    client.force_login(Account.objects.get(pk=deal.buyer.account_id).memberships.get().user)
    app = deal.flow.order.lines.get().subscriptions.get()
    buyer_pages = [
        "/", "/products/", f"/products/{slug}/", f"/sellers/{seller_slug}/", "/my/saved/", "/my/apps/", f"/my/apps/{app.public_id}/",
        f"/compare/?product={slug}&add=product", f"/my/saved/add/{slug}/",
        "/my/agreements/", "/my/messages/", "/my/supervision/", f"/my/supervision/{number}/", f"/my/supervision/{number}/accept/",
        f"/my/supervision/{number}/messages/",
        "/billing/renewals/", f"/billing/renewals/{app.public_id}/",
        f"/billing/renewals/{app.public_id}/plan/", f"/billing/renewals/{app.public_id}/stop/", "/billing/renewals/date/", "/billing/renewals/forecast/",
        "/billing/orders/", f"/billing/orders/{number}/", "/billing/payment-methods/", f"/purchase/orders/{number}/done/",
        "/billing/", "/billing/contracts/", "/billing/invoices/", "/billing/invoices/?tab=applications", "/billing/invoices/?tab=issued", "/billing/invoice-headers/",
        "/my/discounts/", "/billing/statements/", "/billing/unsubscriptions/", "/billing/bills/", "/billing/usage/", "/billing/spend/", "/billing/account-statement/",
        f"/purchase/done/?order={number}",
        "/my/tickets/", f"/my/tickets/new/?order={number}",
        "/account/settings/", "/account/api-keys/", "/account/switch/",
    ]  # fmt: skip
    seller_pages = [
        "/seller/",
        "/seller/supervision/",
        "/seller/orders/",
        "/seller/invoices/",
        "/seller/invoices/?show=all",
        f"/seller/supervision/{number}/",
        f"/seller/supervision/{number}/deliver/",
        f"/seller/supervision/{number}/messages/",
        f"/seller/supervision/{number}/handler/",
        "/seller/supervision/?mine=1",
        "/seller/supervision/confirm/",
        "/seller/access-keys/",
        "/seller/interfaces/",
        "/seller/interface-messages/",
        "/seller/delivery-templates/",
        "/seller/delivery-templates/new/",
    ]

    def walk() -> dict[str, int]:
        assert chosen().count(Search(), category_tree())  # the index is up to date before anything is counted
        # From here on it does not follow: a web process does that in a thread of its own.
        with monkeypatch.context() as patched:
            patched.setattr(chosen(), "_follow_now", lambda: None)
            return counted()

    def counted() -> dict[str, int]:
        return {path: count(client, path) for path in buyer_pages} | {
            path: count(selling, path) for path in seller_pages
        }

    few = walk()
    more_rows(deal, 6)
    many = walk()
    assert {path: (few[path], many[path]) for path in few if many[path] > few[path] + 1} == {}
    # Through a reseller, who has a list and discounts of his own.
    through_a_reseller(app)
    for path in buyer_pages:
        if path.startswith(("/my/apps/", "/billing/", f"/products/{slug}/")):
            count(client, path)


def test_pages_of_saas_with_application_information_stay_within_their_budget(client):
    from supervision import services
    from tests.factories import logged_in
    from tests.provisioning.conftest import GIVEN, app_of, owner_of, ready

    deal = ready()
    number, seller = deal.flow.order.number, logged_in(SellerMemberFactory(seller=deal.flow.seller).user)
    client = logged_in(owner_of(deal))
    line = deal.flow.order.lines.get()
    AttributeFactory(specification=line.specification, code="users")
    OrderLine.objects.filter(pk=line.pk).update(attributes={"users": 10})
    for _ in range(4):
        services.deliver(deal.flow, application=GIVEN, by=deal.seller)
        services.reject_delivery(deal.flow, reason="No.", by=deal.buyer)
    services.deliver(deal.flow, application=GIVEN, by=deal.seller)
    count(client, f"/my/supervision/{number}/")
    count(client, f"/my/supervision/{number}/application/")
    count(seller, f"/seller/supervision/{number}/")
    count(seller, f"/seller/supervision/{number}/deliver/")
    services.accept_delivery(deal.flow, by=deal.buyer)
    count(client, f"/my/apps/{app_of(deal).public_id}/")
    count(client, f"/my/apps/{app_of(deal).public_id}/reveal/")
    through_a_reseller(app_of(deal))
    count(client, f"/my/apps/{app_of(deal).public_id}/")


def test_pages_of_images_and_servers_stay_within_their_budget(client, settings):
    """50 regions of 200 flavors; 30 servers of one order."""
    from accounts.models import Membership
    from billing.gateways.sandbox import SandboxGateway
    from billing.services import bind_card
    from catalog.models import Flavor, FlavorOffer, Region
    from orders.services import open_draft
    from tests.factories import a_buyer, logged_in
    from tests.provisioning.compute.conftest import Shop, a_region, an_image

    AgreementFactory()
    shop = Shop(an_image(), a_region(), a_buyer())
    bind_card(shop.account, SandboxGateway().enter_card("success"), by=shop.buyer)
    user = Membership.objects.get(account=shop.account).user
    size = {"family": "x", "cpu": "X", "assured_gbps": 1, "maximum_gbps": 2, "packets_per_second": 1}
    flavors = Flavor.objects.bulk_create(
        Flavor(code=f"x.{number}", vcpus=number % 64 + 1, memory_gib=number + 1, **size) for number in range(197)
    )
    regions = Region.objects.bulk_create(Region(code=f"r-{n}", name=f"R {n}", zones=["AZ1"]) for n in range(49))
    for region in [shop.region, *regions]:
        FlavorOffer.objects.bulk_create(
            FlavorOffer(region=region, flavor=one, pay_per_use="0.1", monthly=50, yearly=500) for one in flavors
        )
    page = f"/products/{shop.product.slug}/?billing_mode=pay_per_use&region=r-7"
    count(client, page)
    answer = client.get(page)
    assert len(answer.content) < 100_000
    assert answer.content.count(b'data-label="ECS Flavor Name"') == 20
    draft = open_draft(shop.request(), account=shop.account, user=user, by=shop.buyer)
    browser = logged_in(user)
    home = f"/purchase/{draft.public_id}"
    for address in ("provision", "quick", "custom/basic", "custom/network", "custom/advanced", "custom/confirm"):
        count(browser, f"{home}/{address}/")
    order = shop.order(quantity=30)
    server = order.deployment.servers.first()
    for address in ("servers/", f"servers/{server.public_id}/", f"servers/{server.public_id}/stop/", "networks/",
                    "security-groups/", f"security-groups/{order.deployment.security_group.public_id}/", "cloud/", "apps/"):  # fmt: skip
        count(browser, f"/my/{address}")
    count(browser, f"/billing/orders/{order.number}/")
    through_a_reseller(server.image_subscription)
    count(browser, f"/my/apps/{server.subscription.public_id}/")
    count(browser, f"/my/apps/{server.image_subscription.public_id}/")
