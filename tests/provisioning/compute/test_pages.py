"""Buying an image in the browser's pages, without a browser: quick and customized provisioning, and the console."""

import csv
import html
import io
import re
from datetime import date, timedelta

import pytest
from django.test import Client

from accounts.actor import Actor
from accounts.models import Membership
from catalog.models import FlavorOffer, Product
from koogallery.kernel import clock
from koogallery.kernel.quiet import run_until_quiet
from orders.models import Order, PurchaseDraft, Subscription
from orders.services import RenewalWish, price_of_renewal
from orders.terms import renewed_until
from pricing.values import Duration
from provisioning.compute.models import Deployment, SecurityGroup, Server
from provisioning.metering.recording import catch_up
from renewals.models import RenewalPlan
from renewals.services import deduct
from renewals.services.notifying import change_text
from tests.factories import MembershipFactory, a_usage_bill, logged_in
from tests.provisioning.compute.conftest import PASSWORD, let_pass

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(shop) -> Client:
    return logged_in(Membership.objects.get(account=shop.account).user)


def draft_of(browser: Client, shop, mode: str = "pay_per_use") -> PurchaseDraft:
    answer = browser.get(
        f"/purchase/new/{shop.product.slug}/",
        {"billing_mode": mode, "region": shop.region.code, "image": "V1.0"},
    )
    assert answer.status_code == 302, answer
    draft = PurchaseDraft.objects.latest("id")
    assert answer.url == f"/purchase/{draft.public_id}/provision/"
    return draft


def shown(answer, name: str) -> str:
    """The value of a hidden field in a page."""
    found = re.search(rf'name="{name}" value="([^"]*)"', answer.content.decode())
    assert found, name
    return html.unescape(found[1])


def confirmed(answer) -> dict[str, str]:
    return {
        "quote": shown(answer, "quote"),
        "agreements_shown": shown(answer, "agreements_shown"),
        "agreements": "on",
    }


def test_the_product_page_shows_software_ecs_and_total_with_a_star(shop, client):
    page = client.get(f"/products/{shop.product.slug}/", {"billing_mode": "pay_per_use"}).content.decode()
    row = re.search(r"<tr>(?:(?!</tr>).)*s6\.large\.2(?:(?!</tr>).)*</tr>", page, re.DOTALL)[0]
    assert "Recommended:" in row
    assert re.findall(r'num t-num"[^>]*>(?:<b>)?([^<]+)', row) == [
        "2 vCPUs", "4 GB", "40 GB", "5.00", "0.0536", "5.0536"
    ]  # fmt: skip
    assert "EU-Dublin" in page
    assert page.index("s6.large.2") < page.index("s6.small.1")


def test_quick_provisioning_by_use_ends_on_the_ecs_console(shop, browser):
    draft = draft_of(browser, shop)
    choice = browser.get(f"/purchase/{draft.public_id}/provision/").content.decode()
    assert "Buy" in choice
    assert "Customize Config" in choice
    address = f"/purchase/{draft.public_id}/quick/"
    page = browser.get(address)
    assert page.status_code == 200
    form = {"flavor": "s6.large.2", "network": "default", "subnet": "", "security_group": "recommended"}
    weak = browser.post(address, form | confirmed(page) | {"password": "weak", "confirm_password": "weak"})
    assert weak.status_code == 422
    assert "8 to 26 characters" in weak.content.decode()
    assert 'value="weak"' not in weak.content.decode()
    no_box = browser.post(
        address, form | {**confirmed(page), "agreements": ""} | {"password": PASSWORD, "confirm_password": PASSWORD}
    )
    assert "Select the Terms and Conditions" in no_box.content.decode()
    other = browser.post(
        address, form | confirmed(page) | {"flavor": "s6.xlarge.2", "password": PASSWORD, "confirm_password": PASSWORD}
    )
    assert other.status_code == 422  # the price of another flavor was shown
    assert not Order.objects.exists()
    done = browser.post(address, form | confirmed(page) | {"password": PASSWORD, "confirm_password": PASSWORD})
    order = Order.objects.get()
    assert done.url == f"/my/servers/?order={order.number}"
    assert (order.status, order.payable) == ("processing", 0)
    assert [line.delivery_method for line in order.lines.all()] == ["image", "ecs"]
    let_pass(3)
    console = browser.get(done.url).content.decode()
    assert "Running" in console
    page = browser.get(Server.objects.get().get_absolute_url()).content.decode()
    assert "Created." in page
    assert "No operation records yet." not in page
    assert Deployment.objects.get().password is None
    again = browser.post(address, form | {"password": PASSWORD, "confirm_password": PASSWORD})
    assert again.status_code == 302
    assert Order.objects.count() == 1


def test_quick_provisioning_by_month_deducts_the_fees(shop, browser):
    draft = draft_of(browser, shop, "monthly")
    address = f"/purchase/{draft.public_id}/quick/"
    page = browser.get(address)
    form = {"flavor": "s6.large.2", "network": "default", "security_group": "recommended", "duration": "1"}
    browser.post(address, form | confirmed(page) | {"password": PASSWORD, "confirm_password": PASSWORD})
    order = Order.objects.get()
    image, ecs = order.lines.all()
    assert (order.status, order.allocations.get().payment.status) == ("processing", "succeeded")
    assert [str(one) for one in (image.money, ecs.money, order.payable_money)] == [
        "155.00 USD",
        "26.80 USD",
        "181.80 USD",
    ]


def test_customized_provisioning_keeps_each_step_and_never_the_password(shop, browser):
    draft = draft_of(browser, shop, "monthly")
    home = f"/purchase/{draft.public_id}/custom/"
    basic = {
        "flavor": "s6.xlarge.2", "region": shop.region.code, "mode": "term", "zone": "AZ2", "image": "V1.0",
        "system_disk_type": "high_io", "system_disk_gb": "60", "data_disk_type": "ultra_high_io", "data_disk_gb": "100",
        "quantity": "3", "duration": "2-month",
    }  # fmt: skip
    assert browser.get(f"{home}basic/").status_code == 200
    assert browser.post(f"{home}basic/", basic).url == f"{home}network/"
    assert browser.get(f"{home}network/").status_code == 200
    network = {"network": "default", "subnet": "", "security_group": "recommended", "eip": "auto", "bandwidth": "5"}
    assert browser.post(f"{home}network/", network).url == f"{home}advanced/"
    advanced = {"name": "web", "login_mode": "password", "auto_recovery": "on"}
    assert browser.post(f"{home}advanced/", advanced).status_code == 422  # no password
    typed = {"password": PASSWORD, "confirm_password": PASSWORD}
    answer = browser.post(f"{home}advanced/", advanced | typed)
    assert answer.url == f"{home}confirm/"
    sealed = next(one for name, one in answer.cookies.items() if name.startswith("sealed_"))
    assert PASSWORD not in sealed.value
    assert sealed["httponly"]
    assert sealed["path"] == home
    draft.refresh_from_db()
    assert PASSWORD not in str(draft.deployment) + str(draft.request)
    page = browser.get(f"{home}confirm/")
    text = page.content.decode()
    for word in ("s6.xlarge.2", "AZ2", "60 GiB", "Ultra-high I/O, 100 GiB", "5 Mbit/s", "web", "Password", "2,048"):
        assert word in text, word
    assert f"{home}basic/" in text
    done = browser.post(f"{home}confirm/", {"quantity": "3", "duration": "2-month"} | confirmed(page))
    order = Order.objects.get()
    assert done.url == f"/purchase/orders/{order.number}/pay/"
    deployment = Deployment.objects.get()
    assert deployment.password.reveal() == PASSWORD
    assert (deployment.quantity, deployment.zone, deployment.system_disk_gb) == (3, "AZ2", 60)
    browser.post(f"/purchase/orders/{order.number}/pay/", {"method": "card"})
    let_pass(4)
    assert [one.name for one in Server.objects.order_by("id")] == ["web-0001", "web-0002", "web-0003"]
    assert {one.status for one in Server.objects.all()} == {"running"}
    assert all(one.public_ip for one in Server.objects.all())
    assert Deployment.objects.get().password is None
    assert Order.objects.get().status == "completed"


@pytest.mark.parametrize("typed", [False, True], ids=["proposed", "typed"])
def test_a_proposed_name_that_a_colleague_took_is_given_anew_and_a_typed_one_refused(shop, browser, typed):
    home = f"/purchase/{draft_of(browser, shop, 'monthly').public_id}/custom/"
    browser.post(f"{home}network/", {"network": "default", "security_group": "recommended"})
    proposed = "shop-1" if typed else shown(browser.get(f"{home}advanced/"), "initial-name")
    form = {"name": proposed, "initial-name": "ecs-0001", "login_mode": "password"}
    # A colleague takes it while the page stands open, and again before Submit.
    shop.buy("pay_per_use", wish={"name": proposed})
    wrong = browser.post(f"{home}advanced/", form)
    assert (wrong.status_code, shown(wrong, "initial-name")) == (422, "ecs-0001")
    browser.post(f"{home}advanced/", form | {"password": PASSWORD, "confirm_password": PASSWORD})
    page = browser.get(f"{home}confirm/")
    answer = browser.post(f"{home}confirm/", {"quantity": "1", "duration": "1-month"} | confirmed(page))
    if typed:
        assert (answer.status_code, "There is an ECS named shop-1 already." in answer.content.decode()) == (422, True)
        assert Deployment.objects.count() == 1
    else:
        assert answer.status_code == 302
        assert list(Deployment.objects.order_by("id").values_list("name", flat=True)) == ["ecs-0001", "ecs-0002"]


def test_five_hundred_servers_in_one_order_make_no_page_heavy(shop, browser):
    order = shop.buy("pay_per_use", quantity=500)
    named = list(Server.objects.order_by("number").values_list("name", flat=True))
    assert (named[0], named[-1], len(named)) == ("ecs-0001", "ecs-0500", 500)
    answer = browser.get(f"/billing/orders/{order.number}/")
    assert "and 980 more in" in answer.content.decode()
    assert len({(name, app.delivery_method) for app, name in answer.context["resources"] if name}) == 20
    for address in (f"/billing/orders/{order.number}/", f"/my/servers/?order={order.number}", "/my/apps/"):
        answer = browser.get(address)
        assert answer.status_code == 200
        assert len(answer.content) < 80_000, address


def test_use_and_its_bill_name_each_server(shop, browser):
    order = shop.buy("pay_per_use", quantity=2)
    let_pass(5)
    bill = a_usage_bill(shop.account)
    for app in Subscription.objects.filter(line__order=order):
        bill.lines.create(
            subscription=app, line=app.line, month=date(2026, 3, 1), seconds=60, currency="USD", unit_price=1, amount=1
        )
    names = ["ecs-0001", "ecs-0001", "ecs-0002", "ecs-0002"]
    for page in ("/billing/usage/", bill.get_absolute_url()):
        shown = browser.get(page).content.decode()
        assert sorted(re.findall(r"ecs-\d{4}(?=</span>)", shown)) == names, page
        assert browser.get(page).context["page"].paginator.count == 4
    file = b"".join(browser.get(f"{bill.get_absolute_url()}export.csv").streaming_content).decode()
    assert sorted(row["server"] for row in csv.DictReader(io.StringIO(file)) if row["server"]) == names
    catch_up(clock.now() + timedelta(hours=1), at=clock.now() + timedelta(hours=2))
    file = b"".join(browser.get("/billing/usage/export.csv").streaming_content).decode()
    assert {row["server"] for row in csv.DictReader(io.StringIO(file))} == set(names)


def test_a_lost_password_is_asked_for_again(shop, browser):
    draft = draft_of(browser, shop, "monthly")
    page = browser.get(f"/purchase/{draft.public_id}/custom/confirm/")
    assert "Enter the password again" in page.content.decode()
    browser.post(f"/purchase/{draft.public_id}/custom/confirm/", {"quantity": "1"} | confirmed(page))
    assert not Order.objects.exists()


def test_the_console_starts_stops_and_deletes(shop, browser):
    shop.buy("pay_per_use")
    at = let_pass(3)
    server = Server.objects.get()
    home = server.get_absolute_url()
    assert browser.get(f"{home}start/").status_code == 200
    assert browser.post(f"{home}start/", follow=True).status_code == 200
    assert Server.objects.get().status == "running"
    browser.post(f"{home}stop/")
    at = let_pass(2, at=at)
    assert Server.objects.get().status == "stopped"
    browser.post(f"{home}start/")
    at = let_pass(2, at=at)
    browser.post(f"{home}restart/")
    at = let_pass(2, at=at)
    assert Server.objects.get().status == "running"
    assert browser.post(f"{home}password/", {"password": "x", "confirm_password": "y"}).status_code == 422
    assert (
        browser.post(f"{home}password/", {"password": "N3w-pass!", "confirm_password": "N3w-pass!"}).status_code == 302
    )
    browser.post(f"{home}delete/")
    let_pass(2, at=at)
    assert Server.objects.get().status == "deleted"
    assert [one.status for one in Server.objects.get().account.subscriptions.all()] == ["closed", "closed"]


def test_a_frozen_server_says_what_has_to_be_paid(shop, browser):
    for mode, why, refusal in (
        ("pay_per_use", "A bill of pay-per-use is not paid.", "because a bill is not paid"),
        ("monthly", "The image or the ECS has expired.", "Renew its subscriptions first"),
    ):
        server = shop.buy(mode).deployment.servers.get()
        Server.objects.filter(pk=server.pk).update(frozen_at=server.created_at, status="stopped")
        page = browser.get(server.get_absolute_url()).content.decode()
        assert why in page
        assert refusal in page
        assert "/start/" not in page


def test_a_server_renews_by_itself_as_its_image_may_and_is_found_by_its_name(shop, browser):
    Product.objects.update(auto_renewal_supported=True)
    shop.buy("monthly")
    at = let_pass(3)
    server = Subscription.objects.get(delivery_method="ecs")
    plan, page = f"/billing/renewals/{server.public_id}/plan/", f"/my/apps/{server.public_id}/"
    assert "Enable Auto-Renewal" in browser.get(page).content.decode()
    assert 'value="2-month"' in browser.get(plan).content.decode()
    wish = {"mode": "auto", "period": "2-month", "count": "0", "deduction_days": "7"}
    assert browser.post(plan, wish).status_code == 302
    for name in ("ecs", server.server.name):
        found = browser.get("/billing/renewals/", {"mode": "auto", "q": name}).content.decode()
        assert (server.public_id in found, server.server.name in found) == (True, True)
    for path in (page, "/billing/unsubscriptions/"):
        assert server.server.name in browser.get(path).content.decode()
    assert "Modify Auto-Renewal" in found
    due = RenewalPlan.objects.get(subscription=server).deduct_at
    deduct(server.renewal_plan.pk, at=due, by=Actor.system("timers"))
    run_until_quiet(at=due)
    renewed = Subscription.objects.get(pk=server.pk)
    assert renewed.expires_at == renewed_until(server.expires_at, server.anchor_day, Duration(2, "month"))
    # What its region sells no more can be switched off, and nothing else is offered.
    FlavorOffer.objects.all().delete()
    for path in (page, "/billing/renewals/?mode=auto"):
        shown = browser.get(path).content.decode()
        assert ("Modify Auto-Renewal" in shown, "Disable Auto-Renewal" in shown) == (False, True)
    answer = browser.post(plan, wish)
    assert (answer.status_code, "not sold by the month or year" in answer.content.decode()) == (422, True)
    assert at < due


def test_the_price_of_one_of_several_servers_is_compared_with_its_own_part_of_what_they_cost_together(shop):
    shop.buy("monthly", 2)
    at = let_pass(3)
    apps = Subscription.objects.with_table_columns()
    assert len(apps) == 4
    for app in apps:
        quote = price_of_renewal(app, RenewalWish(Duration(1, "month")), account=shop.account, at=at)
        assert change_text(app, quote.renews.as_json()) == "the same as with the last term"


def test_security_groups_are_edited(shop, browser):
    assert browser.get("/my/security-groups/new/").status_code == 200
    browser.post("/my/security-groups/new/", {"region": shop.region.code, "name": "web"})
    group = SecurityGroup.objects.get()
    home = f"/my/security-groups/{group.public_id}/"
    rule = {"add": "1", "protocol": "tcp", "ports": "8000-8080", "source": "10.0.0.0/8", "description": "App"}
    browser.post(home, rule)
    assert SecurityGroup.objects.get().rules[0]["ports"] == "8000-8080"
    for wrong in ({"ports": "0"}, {"ports": "9-1"}, {"source": "10.0.0.1/8"}, {"protocol": "gre"}, {"ports": "70000"}):
        assert browser.post(home, rule | wrong).status_code == 422, wrong
    assert browser.post(home, {"remove": "5"}).status_code == 404
    browser.post(home, {"remove": "0"})
    assert SecurityGroup.objects.get().rules == []
    for kind, form in {
        "ecs-groups": {"region": shop.region.code, "name": "apart"},
        "enterprise-projects": {"name": "shop"},
        "key-pairs": {"name": "k", "public_key": "ssh-ed25519 " + "A" * 68},
    }.items():
        assert browser.get(f"/my/cloud/{kind}/new/").status_code == 200
        assert browser.post(f"/my/cloud/{kind}/new/", form).status_code == 302, kind
    assert (
        browser.post("/my/cloud/key-pairs/new/", {"name": "p", "public_key": "-----BEGIN PRIVATE KEY-----"}).status_code
        == 422
    )
    vpc = {
        "region": shop.region.code,
        "name": "v",
        "cidr": "10.1.0.0/16",
        "subnet_name": "s",
        "subnet_cidr": "10.1.1.0/24",
    }
    assert browser.post("/my/networks/new/", vpc).status_code == 302
    assert browser.post("/my/networks/new/", vpc | {"name": "w", "cidr": "8.8.8.0/24"}).status_code == 422
    assert browser.get("/my/networks/").status_code == 200
    assert browser.get("/my/cloud/").status_code == 200


def test_somebody_elses_draft_and_server_are_not_there(shop, browser):
    draft = draft_of(browser, shop)
    shop.buy("pay_per_use")
    server = Server.objects.get()
    stranger = logged_in(MembershipFactory().user)
    for address in (
        f"/purchase/{draft.public_id}/quick/",
        f"/purchase/{draft.public_id}/custom/basic/",
        server.get_absolute_url(),
        f"{server.get_absolute_url()}stop/",
    ):
        assert stranger.get(address).status_code == 404
    assert stranger.post(f"{server.get_absolute_url()}stop/").status_code == 404
