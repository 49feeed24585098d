"""The seller's side: keys, addresses, debugger, release, Service Interface Messages, by page and by REST; no secret leaks."""

import logging
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import override_settings

from accounts.models import Seller
from accounts.services import create_api_key
from catalog.models import UpgradeRule
from catalog.services import publish_product
from koogallery.kernel import clock
from koogallery.kernel.errors import InvalidInput, InvalidTransition, NotFound
from orders.services import UpgradeWish, place_upgrade
from provisioning.models import AccessKey, Call, DebugRun, Exchange
from provisioning.saas import debugger, words
from provisioning.saas.interfaces import set_interface
from provisioning.saas.keys import access_keys_of, create_access_key
from provisioning.tasks import purge_old_tries
from tests.api.conftest import Api
from tests.factories import AttributeFactory, SellerMemberFactory, a_seller, an_operator, logged_in
from tests.hostile import hostile, http
from tests.provisioning.saas.conftest import a_shop, key_of, later

pytestmark = pytest.mark.django_db


def api_of(shop) -> Api:
    from accounts.models import User

    user = User.objects.get(pk=shop.selling.user_id)
    return Api(create_api_key(user, name="test", seller=shop.product.seller)[1])


def upgradable(shop):
    AttributeFactory(specification=shop.specification)
    UpgradeRule.objects.create(specification=shop.specification, attributes=["users"])
    return shop


def test_two_keys_are_valid_the_newest_is_in_use_a_third_ends_the_first():
    shop = a_shop()
    seller = shop.product.seller
    create_access_key(seller, by=shop.selling, secret="second")
    assert list(access_keys_of(seller)) == ["second", key_of(shop)]
    create_access_key(seller, by=shop.selling, secret="third")
    assert list(access_keys_of(seller)) == ["third", "second"]
    assert "third" not in str(AccessKey.objects.first().__dict__)


def test_a_seller_who_does_not_know_the_newest_key_yet_loses_no_order(reference):
    shop = a_shop()
    shop.connect(f"{reference(key_of(shop))}/v2")
    create_access_key(shop.product.seller, by=shop.selling, secret="the next key")
    order = shop.buy()
    later(0.1)
    assert shop.now(order).status == "completed"


def test_a_new_key_needs_a_recent_login_and_is_shown_once():
    shop = a_shop()
    member = SellerMemberFactory(seller=shop.product.seller)
    old = logged_in(member.user, ago=timedelta(minutes=16))
    assert "reauthenticate" in old.post("/seller/access-keys/")["Location"]
    client = logged_in(member.user)
    page = client.post("/seller/access-keys/")
    newest = access_keys_of(shop.product.seller)[0]
    assert newest in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    assert newest not in client.get("/seller/access-keys/").content.decode()


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_the_debugger_runs_every_mandatory_case(reference, version):
    # Nobody can order an app by use, so nobody has to pass its cases.
    shop = upgradable(a_shop(prices={"monthly": "5.00", "one_time": "9.00", "pay_per_use": "0.10"}))
    kept = shop.connect(f"{reference(key_of(shop))}/{version}", version)
    cases = debugger.cases_for(shop.product, version)
    expected = {
        "v1": ["create", "refresh", "freeze", "upgrade", "release", "create", "release"],
        "v2": ["create", "query", "refresh", "freeze", "unfreeze", "upgrade", "release", "create", "query", "release"],
    }
    assert [one.activity for one in cases] == expected[version]
    runs = debugger.debug(shop.product, [], by=shop.selling)
    assert [one.faults for one in runs] == [""] * len(cases)
    again = debugger.debug(shop.product, [], by=shop.selling)
    assert [one.faults for one in again] == [""] * len(cases), "the release asks for all of them once more"
    assert all(one.passed for one in debugger.results(kept, cases))
    assert all("testFlag" in one.request and "MOCK" in one.request + one.instance_id + "MOCK" for one in runs)
    assert not Call.objects.exists()
    changed = set_interface(shop.product, version=version, url="https://elsewhere.example/", urls={}, by=shop.selling)
    assert not any(one.passed for one in debugger.results(changed, cases)), "a change asks for them anew"


def test_what_is_wrong_is_said_in_words_and_the_walk_ends_there():
    shop = a_shop()
    with hostile(http(b'{"resultCode": "000000"}')) as server:
        shop.connect(server.url())
        (run,) = debugger.debug(shop.product, [], by=shop.selling)
    assert (run.passed, run.faults) == (False, words.NO_BODY_SIGN)
    assert '"testFlag":"1"' in run.request
    assert "MOCKPERIODYEARNEW" in run.request


def test_a_product_is_not_released_before_its_cases_pass(reference):
    shop = a_shop(status="draft", published_at=None)
    operator = an_operator()
    with pytest.raises(InvalidTransition, match="“Create an instance” does not pass: The connection failed"):
        publish_product(shop.product, by=operator)
    shop.connect(f"{reference(key_of(shop))}/v2")
    assert publish_product(shop.product, by=operator).status == "published"
    assert DebugRun.objects.filter(passed=True).count() == 6


def test_an_upgrade_reaches_the_seller_and_one_that_does_not_is_undone(reference, timers):
    shop = upgradable(a_shop(status="published"))
    url = reference(key_of(shop))
    shop.connect(f"{url}/v2")
    order = shop.buy(attributes={"users": 10})
    timers.run()
    from billing.services import PaymentRequest, pay_order

    def upgrade(users):
        placed = place_upgrade(shop.app(order), UpgradeWish({"users": users}), by=shop.buyer)
        return pay_order(placed, PaymentRequest(), by=shop.buyer) if placed.is_payable else placed

    shop.specification.prices.update(per=shop.specification.attributes.get())
    done = upgrade(20)
    timers.run()
    assert (shop.now(done).status, shop.app(order).attributes) == ("completed", {"users": 20})
    assert Call.objects.get(activity="upgrade").status == "done"
    shop.connect("http://127.0.0.1:9/v2")
    lost = upgrade(30)
    later(3.1)
    assert (shop.now(lost).status, shop.app(order).attributes) == ("cancelled", {"users": 20})
    assert shop.now(order).status == "completed"


def test_messages_and_interfaces_by_rest(reference, timers):
    shop = a_shop()
    api, url = api_of(shop), f"{reference(key_of(shop))}/v2"
    path = f"seller/products/{shop.product.slug}/interface/"
    put = Client().put(
        f"/api/v1/{path}", {"version": "v2", "url": url}, content_type="application/json",
        headers={"Authorization": f"Token {api.key}"},
    )  # fmt: skip
    assert (put.status_code, put.json()) == (200, {"version": "v2", "url": url, "urls": {}})
    assert api.get(path).json()["url"] == url
    order = shop.buy()
    timers.run()
    listed = api.get("seller/interface-messages/").json()
    assert [(one["order"], one["activity"], one["status"]) for one in listed["results"]] == [
        (order.number, "query", "done"),
        (order.number, "create", "done"),
    ]
    one = listed["results"][1]["id"]
    detail = api.get(f"seller/interface-messages/{one}/").json()
    assert "newInstance" in detail["exchanges"][0]["request"]
    assert api.post(f"seller/interface-messages/{one}/replay/", idempotency_key="1").status_code == 200
    assert api.post(f"seller/interface-messages/{one}/replay/").json()["code"] == "invalid_transition"
    made = api.post("seller/access-keys/")
    assert (made.status_code, set(made.json())) == (201, {"id", "access_key"})
    assert made.json()["access_key"] not in api.get("seller/access-keys/").content.decode()
    other = api_of(a_shop())
    assert other.get(path).status_code == other.get(f"seller/interface-messages/{one}/").status_code == 404
    stranger = logged_in(SellerMemberFactory().user)
    assert stranger.get(f"/seller/interface-messages/{one}/").status_code == 404
    assert stranger.post(f"/seller/interface-messages/{one}/replay/").status_code == 404
    assert stranger.get(f"/seller/interfaces/{shop.product.slug}/").status_code == 404


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"url": "ftp://a.example/"}, "url"),
        ({"url": "https://10.0.0.1/"}, "url"),
        ({"url": ""}, "url"),
        ({"version": "v3"}, "version"),
        ({"urls": {"deleteEverything": "https://a.example/"}}, "urls"),
        ({"urls": {"newInstance": "http://192.168.0.1/"}}, "urls"),
    ],
)
def test_addresses_that_are_refused_change_nothing(values, field):
    shop = a_shop()
    given = {"version": "v2", "url": "https://a.example/", "urls": {}} | values
    with pytest.raises(InvalidInput) as refused:
        set_interface(shop.product, by=shop.selling, **given)
    assert field in refused.value.errors
    assert shop.product.production_interface.url == "http://127.0.0.1:9/"
    with pytest.raises(NotFound):
        set_interface(shop.product, by=a_seller(), version="v2", url="https://a.example/", urls={})


def test_what_was_said_long_ago_is_forgotten_and_the_call_stays(timers):
    shop = a_shop()
    order = shop.buy()
    call, now = shop.calls(order)[0], clock.machine_now()
    for days in (400, 181, 179, 31):
        Exchange.objects.create(call=call, at=now - timedelta(days=days), request=f"{days} days ago")
    later(4)
    tried = Exchange.objects.count()
    purge_old_tries()
    assert Exchange.objects.count() == tried - 2
    assert not Exchange.objects.filter(at__lt=now - timedelta(days=180)).exists()
    with override_settings(EXCHANGES_KEPT_FOR=timedelta(0)):
        purge_old_tries()
    assert Exchange.objects.count() == tried - 4, "what the database keeps does not keep the older ones"
    with pytest.raises(IntegrityError), transaction.atomic():
        Exchange.objects.all()._raw_delete("default")
    purge_old_tries()  # a day on which nothing is old
    assert Call.objects.get(pk=call.pk).status == "failed"


def test_old_runs_of_the_debugger_go_but_for_the_newest_of_each_case(db):
    shop, now = a_shop(), clock.machine_now()
    for activity, days, passed in (
        ("create", 400, True),
        ("create", 181, True),
        ("create", 179, True),
        ("create", 31, True),
        ("query", 400, True),
        ("query", 181, True),
        ("release", 400, True),
        ("release", 300, True),
        ("release", 200, False),
        ("release", 190, False),
    ):
        DebugRun.objects.create(
            product=shop.product, version="v2", activity=activity, charging="period", passed=passed,
            request=f"{days} days ago", at=now - timedelta(days=days), by="test",
        )  # fmt: skip
    purge_old_tries()
    assert list(DebugRun.objects.order_by("id").values_list("activity", "request")) == [
        ("create", "179 days ago"), ("create", "31 days ago"), ("query", "181 days ago"),
        ("release", "300 days ago"), ("release", "190 days ago"),
    ]  # fmt: skip
    DebugRun.objects.create(
        product=shop.product, version="v2", activity="create", charging="period", passed=True, request="", by="test"
    )
    with pytest.raises(IntegrityError), transaction.atomic():
        DebugRun.objects.all()._raw_delete("default")


def test_credentials_stand_in_no_page_log_error_export_or_backup(reference, timers, caplog, capsys, tmp_path):
    from orders.ports import applications
    from supervision import services
    from supervision.models import ServiceFlow
    from tests.supervision.test_flow import a_file

    caplog.set_level(logging.DEBUG)
    shop = a_shop(saas=False, saas_supervised=True)
    shop.connect(f"{reference(key_of(shop))}/v2")
    order = shop.buy()
    timers.run()
    app = shop.app(order)
    shown = applications().reveal(app, by=shop.buyer, at=clock.now())
    password = shown.password
    services.submit_request(ServiceFlow.objects.get(), description="Ten.", files=[a_file()], by=shop.buyer)
    buyer = logged_in(shop.account.memberships.get().user)
    selling = logged_in(SellerMemberFactory(seller=Seller.objects.get(pk=shop.selling.seller_id)).user)
    message = Call.objects.order_by("-id").first()
    pages = [
        (buyer, f"/my/supervision/{order.number}/"),
        (buyer, f"/my/supervision/{order.number}/records.csv"),
        (buyer, f"/my/apps/{app.public_id}/"),
        (selling, f"/seller/supervision/{order.number}/"),
        (selling, f"/seller/interface-messages/{message.public_id}/"),
        (selling, f"/seller/interfaces/{shop.product.slug}/"),
        (selling, "/seller/access-keys/"),
    ]
    secrets = (password, shown.memo, key_of(shop))
    for client, address in pages:
        answer = client.get(address)
        assert answer.status_code == 200, address
        text = b"".join(answer) if answer.streaming else answer.content
        assert not any(one.encode() in text for one in secrets), address
    zipped = b"".join(buyer.get(f"/my/supervision/{order.number}/case.zip"))
    assert password.encode() not in zipped
    call_command("dumpdata", "provisioning", output=str(tmp_path / "dump.json"))
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(payload::text, ' ') FROM kernel_outboxmessage")
        stored = cursor.fetchone()[0]
    told = "\n".join([caplog.text, capsys.readouterr().out, (tmp_path / "dump.json").read_text(), stored])
    told += "\n".join(f"{one.request} {one.answer} {one.fault}" for one in Exchange.objects.all())
    assert not any(one in told for one in secrets)
