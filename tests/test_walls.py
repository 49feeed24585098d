"""Every address of the project, as everybody: a new one without a row in this table fails.

Rows say who may: `public`, `person` (logged in), `buyer` (member of the account that it belongs to; a stranger's is
404), `seller`, `staff`, `own` (the person's own), and for acts the permission that a viewer lacks (403).
"""

import re

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.models import Account
from orders.models import Subscription
from supervision.models import NoteTemplate
from tests.api.conftest import Api, buyer_api
from tests.factories import (
    MembershipFactory,
    SellerMemberFactory,
    UserFactory,
    a_statement,
    a_usage_bill,
)
from tests.world import SERVERS, World, a_world

pytestmark = pytest.mark.django_db

PUBLIC, PERSON, BUYER, SELLER, STAFF = "public", "person", "buyer", "seller", "staff"
# A buyer's act: refused to a viewer of the account with 403.
ACT = "act"

# A machine's door: without a signature 400, whoever knocks.
SIGNED = "signed"
# The same where it asks: 401.
SIGNED_GET = "signed question"

PAGES: dict[str, str] = {
    "catalog:home": PUBLIC,
    "catalog:products": PUBLIC,
    "catalog:total": PUBLIC,
    "catalog:search": PUBLIC,
    "catalog:suggest": PUBLIC,
    "catalog:category": PUBLIC,
    "catalog:logo": PUBLIC,
    "catalog:requirement_template": PUBLIC,
    "catalog:seller": PUBLIC,
    "catalog:card": PUBLIC,
    "support:requirement": PUBLIC,
    "support:requirement_sent": PUBLIC,
    "support:contact_sales": PUBLIC,
    "support:contact_sent": PUBLIC,
    "support:help": PUBLIC,
    "support:learning": PUBLIC,
    "support:article": PUBLIC,
    "support:sell": PUBLIC,
    "support:tickets": BUYER,
    "support:ticket_new": ACT,
    "support:invoice_return": ACT,
    "support:ticket": BUYER,
    "support:ticket_close": ACT,
    "support:ticket_file": BUYER,
    "catalog:picture": PUBLIC,
    "catalog:document": PUBLIC,
    "catalog:collection": PUBLIC,
    "catalog:compare": PUBLIC,
    "catalog:robots": PUBLIC,
    "catalog:sitemap": PUBLIC,
    "catalog:sitemap_file": PUBLIC,
    "catalog:undo_remove": ACT,
    "catalog:saved": BUYER,
    "catalog:save_page": ACT,
    "catalog:save": ACT,
    "catalog:remove": ACT,
    "orders:product": PUBLIC,
    "orders:product_quote": PUBLIC,
    "orders:agreement_in_force": PUBLIC,
    "orders:draft_new": ACT,
    "orders:confirm": ACT,
    "orders:draft_coupon": ACT,
    "pricing:discounts": BUYER,
    "orders:agreements": BUYER,
    "orders:agreement": BUYER,
    "billing:pay": BUYER,
    "billing:done": BUYER,
    "billing:give_up": ACT,
    "billing:returned": BUYER,
    "billing:pay_together": BUYER,
    "billing:done_together": BUYER,
    "billing:overview": BUYER,
    "billing:contracts": BUYER,
    "billing:unsubscriptions": BUYER,
    "billing:unsubscribe": ACT,
    "billing:invoices": BUYER,
    "billing:invoice_apply": ACT,
    "billing:invoice_total": ACT,
    "billing:invoice": BUYER,
    "billing:invoice_pdf": BUYER,
    "billing:credit_note_pdf": BUYER,
    "billing:invoice_cancel": ACT,
    "billing:headers": BUYER,
    "billing:header_new": ACT,
    "billing:header": ACT,
    "billing:header_remove": ACT,
    "billing:seller_invoices": SELLER,
    "billing:seller_issuer": SELLER,
    "billing:seller_invoice": SELLER,
    "billing:seller_invoice_pdf": SELLER,
    "billing:seller_credit_note_pdf": SELLER,
    "billing:verify_form": PUBLIC,
    "billing:verify": PUBLIC,
    "billing:statements": BUYER,
    "billing:spend": BUYER,
    "billing:account_statement": BUYER,
    "billing:usage_bills": BUYER,
    "billing:usage_bill": BUYER,
    "billing:usage_bill_csv": BUYER,
    "metering:usage": BUYER,
    "metering:usage_csv": BUYER,
    "billing:statement": BUYER,
    "billing:statement_csv": BUYER,
    "billing:card_new": ACT,
    "billing:webhook": SIGNED,
    "billing:seller_orders": SELLER,
    "billing:orders": BUYER,
    "billing:order": BUYER,
    "billing:order_cancel": ACT,
    "billing:receipt": BUYER,
    "orders:agreement_file": BUYER,
    "billing:payment_methods": BUYER,
    "billing:card_bound": ACT,
    "billing:card_default": ACT,
    "billing:card_unbind": ACT,
    "billing:sandbox_card": PERSON,
    "billing:sandbox_confirm": PERSON,
    "supervision:list": BUYER,
    "supervision:detail": BUYER,
    "supervision:records": BUYER,
    "supervision:records_pdf": BUYER,
    "supervision:case": BUYER,
    "supervision:attachment": BUYER,
    "supervision:act": ACT,
    "supervision:messages": BUYER,
    "supervision:license_key": ACT,
    "supervision:application": ACT,
    "supervision:requirement_file": BUYER,
    "supervision:seller_messages": SELLER,
    "supervision:seller_confirm": SELLER,
    "supervision:seller_handler": SELLER,
    "supervision:templates": SELLER,
    "supervision:template_new": SELLER,
    "supervision:template": SELLER,
    "supervision:template_delete": SELLER,
    "supervision:uploads": ACT,
    "supervision:upload": ACT,
    "supervision:upload_complete": ACT,
    "supervision:seller_uploads": SELLER,
    "supervision:seller_upload": SELLER,
    "supervision:seller_upload_complete": SELLER,
    "supervision:seller_dashboard": SELLER,
    "supervision:seller_list": SELLER,
    "supervision:seller_detail": SELLER,
    "supervision:seller_records": SELLER,
    "supervision:seller_records_pdf": SELLER,
    "supervision:seller_case": SELLER,
    "supervision:seller_attachment": SELLER,
    "supervision:seller_act": SELLER,
    "provisioning:access_keys": SELLER,
    "provisioning:interfaces": SELLER,
    "provisioning:interface": SELLER,
    "provisioning:debug": SELLER,
    "provisioning:messages": SELLER,
    "provisioning:message": SELLER,
    "provisioning:replay": SELLER,
    "provisioning:order_query": SIGNED_GET,
    "renewals:apps": BUYER,
    "renewals:app": BUYER,
    "renewals:reveal": ACT,
    "renewals:renewals": BUYER,
    "renewals:renew": ACT,
    "renewals:batch": ACT,
    "renewals:cost": ACT,
    "renewals:date": ACT,
    "renewals:forecast": BUYER,
    "renewals:new_calendar": ACT,
    "renewals:calendar": PUBLIC,
    "renewals:plan": ACT,
    "renewals:stop": ACT,
    "renewals:upgrade": ACT,
    "renewals:upgrade_quote": ACT,
    "compute:provision": ACT,
    "compute:quick": ACT,
    "compute:quick_quote": ACT,
    "compute:custom": ACT,
    "compute:servers": BUYER,
    "compute:server": BUYER,
    "compute:password": ACT,
    "compute:act": ACT,
    "compute:networks": BUYER,
    "compute:network_new": ACT,
    "compute:subnet_new": ACT,
    "compute:security_groups": BUYER,
    "compute:security_group_new": ACT,
    "compute:security_group": BUYER,
    "compute:cloud": BUYER,
    "compute:cloud_new": ACT,
    "notifications:messages": PERSON,
    "notifications:read_all": PERSON,
    "notifications:read": PERSON,
    "accounts:settings": PERSON,
    "accounts:appeal_filing": ACT,
    "accounts:switch": PERSON,
    "accounts:api_keys": PERSON,
    "accounts:api_key_revoke": PERSON,
    "web:theme": PUBLIC,
    "web:styleguide": STAFF,
    "web:healthz": PUBLIC,
    "web:readyz": PUBLIC,
    "api-schema": PUBLIC,
    "api-docs": PUBLIC,
}
# Kept by django-allauth and django.contrib.admin, which test their own walls; ours are in test_operations.py.
FOREIGN = ("account_", "mfa_", "admin:")
POST_ONLY = {
    "catalog:save", "catalog:remove", "catalog:undo_remove", "billing:card_default", "billing:card_unbind", "notifications:read_all",
    "billing:card_new", "orders:draft_coupon", "billing:webhook", "billing:give_up",
    "notifications:read", "accounts:api_key_revoke", "renewals:new_calendar", "supervision:upload_complete", "supervision:seller_upload_complete",
    "accounts:appeal_filing", "provisioning:debug", "provisioning:replay",
    "billing:invoice_cancel", "billing:header_remove", "support:ticket_close",
}  # fmt: skip
# Lists of one's own have nothing of others to hide.
OWN_LISTS = {
    "provisioning:access_keys", "provisioning:interfaces", "provisioning:messages",
    "catalog:saved", "catalog:save_page", "catalog:save", "catalog:remove", "orders:agreements", "orders:draft_new",
    "pricing:discounts", "support:tickets", "support:ticket_new", "billing:unsubscriptions", "billing:invoices", "billing:invoice_apply", "billing:invoice_total",
    "billing:headers", "billing:header_new", "billing:seller_invoices", "billing:seller_issuer", "billing:statements", "billing:card_new", "billing:seller_orders",
    "billing:overview", "billing:contracts", "billing:usage_bills", "billing:spend", "billing:account_statement", "metering:usage", "metering:usage_csv", "billing:orders", "billing:payment_methods", "billing:card_bound", "supervision:list", "supervision:seller_dashboard",
    "supervision:seller_list", "renewals:apps", "renewals:renewals", "renewals:date", "renewals:forecast", "renewals:new_calendar", "supervision:seller_confirm", "supervision:templates", "supervision:template_new",
    "supervision:uploads", "supervision:seller_uploads", "accounts:appeal_filing", "compute:servers", "compute:networks",
    "compute:network_new", "compute:security_groups", "compute:security_group_new", "compute:cloud", "compute:cloud_new",
}  # fmt: skip


def walk(patterns, prefix="", namespace="") -> list[tuple[str, str]]:
    """Every (name, route) of the project."""
    found = []
    for one in patterns:
        route = prefix + str(one.pattern)
        if isinstance(one, URLResolver):
            inner = f"{namespace}{one.namespace}:" if one.namespace else namespace
            found += walk(one.url_patterns, route, inner)
        elif isinstance(one, URLPattern):
            found.append((f"{namespace}{one.name}" if one.name else "", route))
    return found


ROUTES = walk(get_resolver().url_patterns)


def test_every_page_has_a_row():
    names = {name for name, route in ROUTES if name and not name.startswith(FOREIGN) and not route.startswith("admin/")}
    assert names == set(PAGES)


@pytest.fixture
def world() -> World:
    return a_world()


def ask(client: Client, name: str, address: str) -> int:
    return (client.post(address) if name in POST_ONLY else client.get(address)).status_code


CASES = [pytest.param(name, route, id=name) for name, route in ROUTES if name in PAGES]


@pytest.mark.parametrize(("name", "route"), CASES)
def test_walls_of_pages(world, name, route):
    who, address = PAGES[name], world.address(route)
    visitor, stranger, other_seller, viewer = Client(), Client(), Client(), Client()
    if who == SIGNED:
        assert ask(visitor, name, address) == 400
        assert visitor.get(address).status_code == 405
        return
    if who == SIGNED_GET:
        assert visitor.get(address).status_code == 401
        assert visitor.post(address).status_code == 405
        return
    stranger.force_login(MembershipFactory().user)
    other_seller.force_login(SellerMemberFactory().user)
    account = Account.objects.get(pk=world.deal.buyer.account_id)
    viewer.force_login(MembershipFactory(account=account, role="viewer").user)
    if who == PUBLIC:
        assert ask(visitor, name, address) in (200, 302)
        return
    assert ask(visitor, name, address) == 302, "visitors are sent to log in"
    if who == STAFF:
        assert ask(stranger, name, address) == 404
    elif who == PERSON:
        nobodys = "<" in route or name == "billing:sandbox_card"
        assert ask(stranger, name, address) in ((404,) if nobodys else (200, 302))
    elif who == SELLER:
        assert ask(stranger, name, address) == 404
        assert ask(other_seller, name, address) == (200 if name in OWN_LISTS else 404)
    else:
        assert ask(other_seller, name, address) == 404
        # A card that the processor does not know is bad input, whoever brings it.
        assert ask(stranger, name, address) in ((200, 302, 400) if name in OWN_LISTS else (404,))
        assert ask(viewer, name, address) == 403 if who == ACT else ask(viewer, name, address) in (200, 302)


OPERATIONS = [
    (name or route, route)
    for name, route in ROUTES
    if route.startswith("api/v1/") and "schema" not in route and "docs" not in route
]


@pytest.mark.parametrize(("name", "route"), OPERATIONS, ids=[route for _name, route in OPERATIONS])
def test_walls_of_the_api(world, name, route):
    flow = world.deal.flow.public_id
    path = route.removeprefix("api/v1/")
    if "invoices/" in path:
        path = path.replace("<str:action>", "issue")
    path = path.replace("<str:action>", "accept" if "seller/" not in path else "deliver")
    public_id = flow if "flows" in path else Subscription.objects.get().public_id
    if "delivery-templates/" in path:
        public_id = NoteTemplate.objects.get().public_id
    if "statements/" in path:
        public_id = a_statement(world.deal.flow.order.account).public_id
    if "bills/" in path:
        public_id = a_usage_bill(world.deal.flow.order.account).public_id
    if "uploads/" in path:
        public_id = world.address(route).split("uploads/")[1].partition("/")[0]
    if not any(part in path for part in SERVERS):
        path = path.replace("<str:public_id>", public_id)
    path = world.address(path).removeprefix("/")
    posting = [
        "replay",
        "pay",
        "cancel",
        "accept",
        "deliver",
        "quotes",
        "payments",
        "upgrade",
        "upgrade-quote",
        "assign",
        "unsubscribe",
        "unsubscribe-quote",
        "renew",
        "renew-quote",
        "issue",
        "close",
        "stop",
        "password",
    ]
    posts = path.endswith((*(f"{one}/" for one in posting), "reveal-license-key/", "reveal-password/", "complete/"))
    posts = posts or bool(re.fullmatch(r"tickets/\w+/messages/", path))
    removes, puts = re.fullmatch(r"saved/.+/", path), path.endswith("auto-renewal/")

    def status(api: Api) -> int:
        if puts:
            return api.put(path, {"enabled": True}).status_code
        return (api.post(path) if posts else api.delete(path) if removes else api.get(path)).status_code

    if path.startswith(("products/", "regions/")):
        assert status(Api("")) == (404 if "flavors/" in path else 200)  # this product is no image
        return
    assert status(Api("")) == 401
    assert status(Api("kg_wrong")) == 401
    stranger = status(buyer_api())
    if path.startswith("seller/"):
        assert stranger == 403
        from tests.api.conftest import on_sale, seller_api

        assert status(seller_api(on_sale())) == (404 if "<" in route else 200)
    elif "<" in route:
        assert stranger == 404
        account = Account.objects.get(pk=world.deal.buyer.account_id)
        viewer = status(buyer_api("viewer", account, card=False))
        # A viewer may ask what an upgrade costs: only the empty body is wrong. He has no uploads to look at.
        acts = posts or removes or puts or path.startswith("uploads/")
        # A license is never unsubscribed, whoever asks what it would give back; nothing is renewed before it began.
        asks = {"upgrade-quote/": 400, "unsubscribe-quote/": 409, "renew-quote/": 409}
        expected = next((code for end, code in asks.items() if path.endswith(f"/{end}")), 403 if acts else 200)
        assert viewer == expected
    else:
        assert stranger in (200, 400)


def test_a_stranger_logged_in_as_nobody_in_particular_sees_no_console(client):
    client.force_login(UserFactory())
    assert client.get("/my/apps/").status_code == 404
