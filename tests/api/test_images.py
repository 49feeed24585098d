"""Images and servers for programs: what an image can run on, ordering one, the server, its network; bad input everywhere."""

import re
from copy import copy
from datetime import date, timedelta

import pytest

from accounts.actor import Actor
from accounts.models import Account, User
from billing.models import CreditLine, Statement, UsageBill
from koogallery.kernel import clock
from koogallery.kernel.ids import public_id
from koogallery.kernel.models import IdempotencyKey
from orders.models import Order, PurchaseDraft, Subscription
from provisioning.compute.models import Deployment, SecurityGroup, Server, ServerQuota
from provisioning.compute.services.living import forget_waiting_password
from tests.api.conftest import Api, buyer_api
from tests.factories import AccountFactory, MembershipFactory, logged_in
from tests.provisioning.compute.conftest import PASSWORD, Shop, let_pass, shop  # noqa: F401

pytestmark = pytest.mark.django_db


@pytest.fixture
def api(shop: Shop) -> Api:  # noqa: F811
    return buyer_api("owner", shop.account, card=False)


def body(shop: Shop, mode: str = "pay_per_use", deployment: dict | None = None, **more: object) -> dict:  # noqa: F811
    wish = {"region": shop.region.code, "image_version": "V1.0", "flavor": "s6.large.2", "password": PASSWORD}
    duration = {} if mode == "pay_per_use" else {"duration": {"value": 1, "unit": "month"}}
    return {
        "specification": shop.product.specifications.get().pk,
        "billing_mode": mode,
        "agreements_accepted": True,
        "deployment": wish | (deployment or {}),
        **duration,
        **more,
    }


def test_a_program_finds_orders_and_runs_a_server(shop, api):  # noqa: F811
    product = api.get(f"products/{shop.product.slug}/").json()
    assert product["image_versions"][0]["version"] == "V1.0"
    assert [one["code"] for one in api.get("regions/").json()] == ["eu-dublin"]
    flavors = api.get(f"products/{shop.product.slug}/flavors/", region="eu-dublin").json()
    large = next(one for one in flavors["results"] if one["code"] == "s6.large.2")
    assert large["recommended"]
    assert {"billing_mode": "pay_per_use", "unit": "hour", "price": {"amount": "0.0536", "currency": "USD"}} in large[
        "prices"
    ]
    wanted = body(shop)
    quote = api.post("quotes/", {key: value for key, value in wanted.items() if key != "agreements_accepted"}).json()
    assert quote["payable"] == {"amount": "0.00", "currency": "USD"}
    assert any("ECS s6.large.2: $0.0536 USD/hour" in line["text"] for line in quote["lines"])
    answer = api.post("orders/", wanted | {"quote": quote["quote"]}, idempotency_key="one")
    assert answer.status_code == 201, answer.json()
    order = answer.json()
    assert order["status"] == "processing"
    assert [line["quantity"] for line in order["lines"]] == [1, 1]
    assert len({line["subscription"] for line in order["lines"]}) == 2
    assert PASSWORD not in str(IdempotencyKey.objects.values_list("body", "fingerprint")) + answer.content.decode()
    again = api.post("orders/", wanted | {"quote": quote["quote"]}, idempotency_key="one")
    assert again.json()["number"] == order["number"]
    # Each time further ahead of the machine's clock than the last.
    let_pass(3)
    server = api.get("servers/", order=order["number"]).json()["results"][0]
    assert (server["status"], server["flavor"], server["name"]) == ("running", "s6.large.2", "ecs-0001")
    assert set(server["allowed_actions"]) == {"stop", "restart", "password", "delete"}
    assert api.post(f"servers/{server['id']}/stop/").json()["status"] == "stopping"
    assert api.post(f"servers/{server['id']}/stop/").status_code == 409
    assert api.post(f"servers/{server['id']}/explode/").status_code == 404
    let_pass(6)
    assert (
        api.post(f"servers/{server['id']}/password/", {"password": "Good-enough-1"}).status_code == 409
    )  # it is stopped
    assert api.post(f"servers/{server['id']}/start/").status_code == 200
    let_pass(9)
    assert api.post(f"servers/{server['id']}/password/", {"password": "short"}).status_code == 400
    assert api.post(f"servers/{server['id']}/password/", {"password": "Good-enough-1"}).status_code == 200
    assert api.post(f"servers/{server['id']}/delete/").json()["status"] == "deleting"
    let_pass(12)
    assert api.get(f"servers/{server['id']}/").json()["status"] == "deleted"
    assert api.get("servers/").json()["results"] == []


def test_a_monthly_order_waits_for_payment_and_forgets_the_password_when_canceled(shop, api):  # noqa: F811
    order = api.post("orders/", body(shop, "monthly", quantity=2)).json()
    assert (order["status"], order["payable"]["amount"]) == ("pending_payment", "363.60")
    assert Deployment.objects.get().password.reveal() == PASSWORD
    api.post(f"orders/{order['number']}/cancel/")
    let_pass(0)
    assert Deployment.objects.get().password is None
    paid = api.post("orders/", body(shop, "monthly")).json()
    assert api.post(f"orders/{paid['number']}/pay/", {"method": "card"}).json()["status"] == "processing"
    let_pass(3)
    assert api.get(f"orders/{paid['number']}/").json()["status"] == "completed"
    server = api.get("servers/").json()["results"][0]
    assert "delete" not in server["allowed_actions"]  # it is unsubscribed
    assert api.post(f"servers/{server['id']}/delete/").status_code == 409


BAD = [
    pytest.param({"region": "atlantis"}, "deployment.region", id="unknown region"),
    pytest.param({"flavor": "x.huge"}, "deployment.flavor", id="unknown flavor"),
    pytest.param({"image_version": "V9"}, "deployment.image_version", id="unknown version"),
    pytest.param({"password": "weak"}, "deployment.password", id="weak password"),
    pytest.param({"password": "Root-12345"}, "deployment.password", id="username in password"),
    pytest.param({"password": None}, "deployment.password", id="no log-in"),
    pytest.param({"password": "Passw0rd-é"}, "deployment.password", id="other characters"),
    pytest.param({"key_pair": "NOPE"}, "deployment.password", id="both log-ins"),
    pytest.param({"network": "SOMEBODYS"}, "deployment.network", id="not my network"),
    pytest.param({"subnet": "SOMEBODYS"}, "deployment.subnet", id="not my subnet"),
    pytest.param({"security_group": "SOMEBODYS"}, "deployment.security_group", id="not my group"),
    pytest.param({"server_group": "X"}, "deployment.server_group", id="not my ECS group"),
    pytest.param({"enterprise_project": "X"}, "deployment.enterprise_project", id="not my project"),
    pytest.param({"zone": "AZ9"}, "deployment.zone", id="unknown zone"),
    pytest.param({"name": "-web"}, "deployment.name", id="bad name"),
    pytest.param({"name": "a b"}, "deployment.name", id="blank in name"),
    pytest.param({"system_disk": {"type": "high_io", "size_gb": 39}}, "deployment.system_disk", id="small disk"),
    pytest.param({"system_disk": {"type": "high_io", "size_gb": 1025}}, "deployment.system_disk", id="large disk"),
    pytest.param({"bandwidth": 301}, "", id="too much bandwidth"),
    pytest.param({"bandwidth": -1}, "", id="negative bandwidth"),
    pytest.param({"data_disks": [{"type": "high_io", "size_gb": 10}] * 24}, "", id="too many disks"),
    pytest.param({"data_disks": [{"type": "tape", "size_gb": 10}]}, "", id="unknown disk"),
    pytest.param({"data_disks": [{"type": "high_io", "size_gb": 5}]}, "deployment.data_disks", id="tiny disk"),
    pytest.param({"price": "0.01"}, "", id="a price"),
    pytest.param({"flavor": 7}, "", id="a number for a text"),
    pytest.param({"name": "x" * 65}, "", id="too long"),
    pytest.param({"name": "we\x00b"}, "", id="NUL"),
]


@pytest.mark.parametrize(("wrong", "field"), BAD)
def test_bad_deployments_change_nothing_and_say_what_is_wrong(shop, api, wrong, field):  # noqa: F811
    given = body(shop, "monthly", wrong)
    answer = api.post("orders/", given)
    assert answer.status_code == 400, answer.json()
    problem = answer.json()
    assert problem["code"] == "validation_error"
    assert not field or field in problem["errors"], problem
    assert PASSWORD not in answer.content.decode()
    assert not Order.objects.exists()
    assert not SecurityGroup.objects.filter(deployments__isnull=False).exists()


def test_what_is_not_allowed_is_refused_with_its_code(shop, api, settings):  # noqa: F811
    assert api.post("orders/", body(shop) | {"deployment": None}).json()["code"] == "validation_error"
    assert api.post("orders/", body(shop, quantity=501)).status_code == 400
    assert api.post("orders/", body(shop) | {"deployment": {"region": "eu-dublin"}}).status_code == 400
    ServerQuota.objects.create(account=shop.account, servers=1)
    many = api.post("orders/", body(shop, quantity=2)).json()
    assert "maximum of 1 ECSs" in many["errors"]["quantity"][0]
    ServerQuota.objects.all().delete()
    poor = AccountFactory()
    nobody = buyer_api("owner", poor, card=False)
    assert nobody.post("orders/", body(shop)).json()["code"] == "payment_method_required"
    viewer = buyer_api("viewer", shop.account, card=False)
    assert viewer.post("orders/", body(shop)).status_code == 403
    shop.region.offers.filter(flavor__code="s6.large.2").update(sold_out=True)
    assert "deployment.flavor" in api.post("orders/", body(shop)).json()["errors"]
    assert not Order.objects.exists()


def test_who_owes_for_use_uses_nothing_more_until_it_is_paid(shop, api):  # noqa: F811
    at = clock.now()
    bill = UsageBill.objects.create(
        account=shop.account, currency="USD", until=at, closes_month=True, last_record=0, amount=5, issued_at=at
    )
    assert api.post("orders/", body(shop)).status_code == 201, "issued and being charged is not owed yet"
    bill.fall_into_arrears(at, freezes_at=at + timedelta(days=15), releases_at=at + timedelta(days=30))
    bill.save()
    refused = api.post("orders/", body(shop))
    assert (refused.status_code, refused.json()["code"]) == (409, "in_arrears")
    assert refused.json()["bill"] == bill.public_id
    assert Order.objects.count() == 1
    assert api.post("orders/", body(shop, "monthly")).status_code == 201, "what is paid at once is sold"
    bill.settle(at)
    bill.save()
    assert api.post("orders/", body(shop)).status_code == 201
    # Use stands on the statement of an account that has one; while one is overdue nothing more is taken on credit.
    CreditLine.objects.create(account=shop.account, currency="USD", limit=100, next_statement_at=at + timedelta(days=9))
    statement = Statement(account=shop.account, currency="USD", month=date(2026, 1, 1), amount=5)
    statement.issued_at = statement.due_at = statement.freezes_at = at
    statement.fall_overdue()
    statement.save()
    assert "overdue" in api.post("orders/", body(shop)).json()["detail"]


def test_a_password_that_waits_for_payment_is_erased_after_an_hour(shop, api):  # noqa: F811
    late, soon = (api.post("orders/", body(shop, "monthly")).json()["number"] for _ in range(2))
    api.post(f"orders/{soon}/pay/", {"method": "card"})
    let_pass(61)
    assert not Deployment.objects.exclude(password=None).exists()
    assert Order.objects.get(number=late).status == "pending_payment"
    assert Order.objects.get(number=soon).status == "completed"
    api.post(f"orders/{late}/pay/", {"method": "card"})
    let_pass(70)
    server = api.get("servers/", order=late).json()["results"][0]
    assert (server["status"], server["needs_password"]) == ("running", True)
    assert not api.get("servers/", order=soon).json()["results"][0]["needs_password"]
    page = logged_in(User.objects.get(pk=shop.buyer.user_id)).get(f"/my/servers/{server['id']}/").content.decode()
    assert "Set a password" in page
    assert api.post(f"servers/{server['id']}/password/", {"password": "Good-enough-1"}).status_code == 200
    assert not api.get(f"servers/{server['id']}/").json()["needs_password"]


def test_what_is_being_made_keeps_its_password(shop, api):  # noqa: F811
    """A process of the version before, in a rolling upgrade, starts servers and does not know of `forget_password_at`."""
    number = api.post("orders/", body(shop, "monthly")).json()["number"]
    api.post(f"orders/{number}/pay/", {"method": "card"})
    at = clock.now()
    Deployment.objects.update(forget_password_at=at)
    deployment = Deployment.objects.get(status="building")
    forget_waiting_password(deployment.pk, at=at, by=Actor.system("timer"))
    deployment = Deployment.objects.get()
    assert (deployment.password.reveal(), deployment.forget_password_at) == (PASSWORD, None)


def test_names_are_not_taken_twice_unless_it_is_allowed(shop, api):  # noqa: F811
    assert api.post("orders/", body(shop, deployment={"name": "web"})).status_code == 201
    twice = api.post("orders/", body(shop, deployment={"name": "web"}))
    assert "deployment.name" in twice.json()["errors"]
    allowed = {"name": "web", "allow_duplicate_name": True}
    assert api.post("orders/", body(shop, deployment=allowed)).status_code == 201
    assert [one.name for one in Server.objects.all()] == ["web", "web"]
    for _ in range(2):
        assert api.post("orders/", body(shop)).status_code == 201, "who chooses no name never has one that is taken"
    assert api.post("orders/", body(shop, quantity=2)).status_code == 201
    named = Server.objects.filter(name__startswith="ecs").order_by("id").values_list("name", flat=True)
    assert list(named) == ["ecs-0001", "ecs-0002", "ecs-0003", "ecs-0004"]


def test_names_are_given_with_the_order_whenever_it_is_paid(shop, api):  # noqa: F811
    """Two unnamed servers, several of them, and two of one name, all of them placed before anything is paid."""
    placed = [api.post("orders/", body(shop, "monthly", quantity=quantity)).json() for quantity in (1, 1, 3, 1)]
    assert api.post("orders/", body(shop, "monthly", {"name": "web"})).status_code == 201
    twice = api.post("orders/", body(shop, "monthly", {"name": "web"}))
    assert twice.json()["errors"]["deployment.name"] == [
        "There is an ECS named web already. Enter another name, or allow duplicate names."
    ]
    canceled = api.post("orders/", body(shop, "monthly")).json()
    api.post(f"orders/{canceled['number']}/cancel/")
    for order in reversed(placed):
        assert api.post(f"orders/{order['number']}/pay/", {"method": "card"}).json()["status"] == "processing"
    named = {
        order["number"]: list(
            Server.objects.filter(deployment__order__number=order["number"]).values_list("name", flat=True)
        )
        for order in placed
    }
    assert [sorted(named[order["number"]]) for order in placed] == [
        ["ecs-0001"], ["ecs-0002"], ["ecs-0003", "ecs-0004", "ecs-0005"], ["ecs-0006"]
    ]  # fmt: skip
    assert api.post("orders/", body(shop)).status_code == 201
    assert Server.objects.latest("id").name == "ecs-0007", "the name of the order that was canceled is free again"


def test_several_that_were_ordered_before_names_came_with_the_order_are_numbered_when_paid(shop, api):  # noqa: F811
    order = api.post("orders/", body(shop, "monthly", quantity=2)).json()
    Deployment.objects.update(first_number=0)
    assert api.post("orders/", body(shop)).status_code == 201
    api.post(f"orders/{order['number']}/pay/", {"method": "card"})
    assert sorted(Server.objects.values_list("name", flat=True)) == ["ecs-0001", "ecs-0002", "ecs-0003"]


def servers_there(shop: Shop, number: int) -> None:  # noqa: F811
    """As many running servers of the account, all like the first one."""
    first, missing = Server.objects.order_by("id")[0], number - Server.objects.count()
    pairs = []
    for app in (first.subscription, first.image_subscription):
        apps = [copy(app) for _ in range(missing)]
        for one in apps:
            one.pk, one.public_id = None, public_id()
        pairs.append(Subscription.objects.bulk_create(apps))
    rows = [copy(first) for _ in range(missing)]
    for place, (one, ecs, image) in enumerate(zip(rows, *pairs, strict=True), number - missing + 1):
        one.pk, one.public_id, one.number, one.name = None, public_id(), place, f"full-{place:04d}"
        one.subscription_id, one.image_subscription_id = ecs.pk, image.pk
    Server.objects.bulk_create(rows)


def test_a_filled_quota_is_told_and_nothing_more_is_ordered(shop, api):  # noqa: F811
    full = "You can create a maximum of 2,048 ECSs, and 0 more now. Submit a service ticket to increase the quota."
    shop.buy()
    servers_there(shop, 1_549)
    refused = api.post("orders/", body(shop, quantity=500))
    assert (refused.status_code, refused.json()["code"]) == (400, "validation_error")
    assert refused.json()["errors"]["quantity"] == [full.replace("0 more", "499 more")]
    servers_there(shop, 2_043)
    # What waits for payment counts: it will be made once it is paid.
    waiting = api.post("orders/", body(shop, "monthly", quantity=5))
    assert waiting.status_code == 201, waiting.json()
    one_more = api.post("orders/", body(shop))
    assert one_more.json()["errors"]["quantity"] == [
        full.replace("now.", "now (5 are in orders that wait for payment).")
    ]
    api.post(f"orders/{waiting.json()['number']}/pay/", {"method": "card"})
    assert Server.objects.existing().count() == 2_048
    refused = api.post("orders/", body(shop))
    assert (refused.status_code, refused.json()["errors"]) == (400, {"quantity": [full]})
    browser = logged_in(User.objects.get(pk=shop.buyer.user_id))
    browser.get(f"/purchase/new/{shop.product.slug}/", {"billing_mode": "pay_per_use", "region": shop.region.code})
    draft = PurchaseDraft.objects.latest("id")
    address = f"/purchase/{draft.public_id}/quick/"
    page = browser.get(address).content.decode()
    hidden = dict(re.findall(r'name="(quote|agreements_shown)" value="([^"]*)"', page))
    there = Deployment.objects.select_related("subnet__vpc", "security_group")[0]
    form = {"network": there.subnet.vpc.public_id, "security_group": there.security_group.public_id}
    form |= hidden | {"flavor": "s6.large.2", "agreements": "on"}
    answer = browser.post(address, form | {"password": PASSWORD, "confirm_password": PASSWORD})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert full in page
    assert Order.objects.count() == 2
    deleted = Server.objects.latest("id")
    Server.objects.filter(pk=deleted.pk).update(status="deleted", deleted_at=clock.now())
    assert api.post("orders/", body(shop)).status_code == 201, "a deleted one makes room"


def test_networks_groups_and_keys_are_made_and_belong_to_their_account(shop, api):  # noqa: F811
    vpc = {"region": "eu-dublin", "name": "v", "cidr": "10.1.0.0/16", "subnet_name": "s", "subnet_cidr": "10.1.1.0/28"}
    made = api.post("networks/", vpc).json()
    assert made["subnets"][0]["cidr"] == "10.1.1.0/28"
    assert api.post("networks/", vpc).status_code == 400
    rules = [{"protocol": "tcp", "ports": "443", "source": "0.0.0.0/0"}]
    group = api.post("security-groups/", {"region": "eu-dublin", "name": "web", "rules": rules}).json()
    assert group["rules"][0]["ports"] == "443"
    put = api.client.put(
        f"/api/v1/security-groups/{group['id']}/",
        {"rules": [{"protocol": "gre", "source": "x"}]},
        content_type="application/json",
        headers=api._headers(),
    )
    assert put.status_code == 400
    key = api.post("key-pairs/", {"name": "k", "public_key": "ssh-ed25519 " + "A" * 68}).json()
    assert key["fingerprint"].startswith("SHA256:")
    assert api.post("ecs-groups/", {"region": "eu-dublin", "name": "apart"}).status_code == 201
    assert api.post("enterprise-projects/", {"name": "shop"}).status_code == 201
    stranger = buyer_api("owner", MembershipFactory().account, card=True)
    theirs = {"network": made["id"], "security_group": group["id"]}
    assert stranger.post("orders/", body(shop, deployment=theirs)).status_code == 400
    assert stranger.get(f"security-groups/{group['id']}/").status_code == 404
    assert stranger.get("networks/").json()["results"] == []
    mine = theirs | {"password": None, "key_pair": key["id"]}
    assert api.post("orders/", body(shop, deployment=mine, quantity=12)).status_code == 400  # a /28 has 11 addresses
    assert api.post("orders/", body(shop, deployment=mine)).status_code == 201
    assert Account.objects.get(pk=shop.account.pk).deployments.get().login_mode == "key_pair"
    used = api.delete(f"security-groups/{group['id']}/")
    assert used.status_code == 409
