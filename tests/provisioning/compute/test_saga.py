"""Servers are made, changed and taken away, whatever goes wrong on the way: the same tests for each compute provider."""

from datetime import timedelta

import pytest

from billing.models import Refund
from billing.services import PaymentRequest, pay_order
from billing.services.releasing import released_for
from koogallery.kernel import clock
from koogallery.kernel.books import breaches
from notifications.models import Message
from orders.models import Order, Subscription
from orders.services import RenewalWish, place_renewal
from pricing.values import Disk, Duration
from provisioning.compute.choices import ServerAct
from provisioning.compute.models import CloudResource, Deployment, Orphan, Server
from provisioning.compute.services import own, reconciling
from provisioning.compute.services.living import (
    act_on_server,
    freeze_server,
    release_server,
    reset_password,
    unfreeze_server,
)
from provisioning.metering.models import MeterMark
from tests.factories import an_operator
from tests.provisioning.compute.conftest import PASSWORD, let_pass

pytestmark = pytest.mark.django_db


def states() -> list[str]:
    return list(Server.objects.order_by("id").values_list("status", flat=True))


def kinds() -> dict[str, int]:
    """What we believe to have at the provider, by kind."""
    rows = CloudResource.objects.live().values_list("kind", flat=True)
    return {kind: list(rows).count(kind) for kind in sorted(set(rows))}


def test_a_paid_server_is_up_and_runs_from_then_on(shop, cloud):
    order = shop.buy("pay_per_use", bandwidth=5)
    assert (order.status, order.payable) == ("processing", 0)
    let_pass(3)
    server = Server.objects.get()
    assert states() == ["running"]
    assert Order.objects.get().status == "completed"
    run = server.runs.get()
    assert run.stopped_at is None
    # Image and ECS are metered each, from when the server was handed over.
    assert {mark.at for mark in MeterMark.objects.all()} == {run.started_at.replace(microsecond=0)}
    assert MeterMark.objects.count() == 2
    assert server.private_ip
    assert server.public_ip
    assert kinds() == {"address": 1, "firewall": 1, "network": 1, "server": 1, "volume": 1}
    assert Deployment.objects.get().password is None
    assert not list(breaches())


def test_lost_answers_make_nothing_twice(shop, cloud):
    cloud.lose_answers()
    shop.buy("pay_per_use", bandwidth=5, data_disks=())
    let_pass(6)
    assert states() == ["running"]
    assert kinds() == {"address": 1, "firewall": 1, "network": 1, "server": 1, "volume": 1}
    names = cloud.ours()
    things = {row.token for row in CloudResource.objects.live()}
    assert set(names) == things


def test_servers_that_never_come_up_end_the_order_with_a_full_refund(shop, cloud):
    cloud.break_servers()
    order = shop.buy("monthly", quantity=2)
    let_pass(12)
    order = Order.objects.get()
    assert order.status == "cancelled"
    assert "could not be created" in order.cancel_reason
    assert states() == ["deleted", "deleted"]
    assert cloud.ours() == []
    assert kinds() == {}
    refund = Refund.objects.get()
    assert (refund.amount, refund.status) == (order.payable, "succeeded")
    assert {app.status for app in Subscription.objects.all()} == {"closed"}
    assert Deployment.objects.get().password is None
    assert not list(breaches())


@pytest.mark.parametrize("what", ["sell_out", "sell_out_addresses"])
def test_what_is_sold_out_takes_everything_back(shop, cloud, what):
    getattr(cloud, what)()
    shop.buy("monthly", bandwidth=5)
    let_pass(6)
    assert Order.objects.get().status == "cancelled"
    assert Refund.objects.get().status == "succeeded"
    assert cloud.ours() == []


def test_addresses_are_free_ones_of_the_network_and_used_again(shop):
    shop.buy("pay_per_use", quantity=2, bandwidth=5)
    let_pass(3)
    first, second = Server.objects.order_by("id")
    assert {first.private_ip, second.private_ip} == {"192.168.0.2", "192.168.0.3"}
    act_on_server(first, ServerAct.DELETE, by=shop.buyer, at=clock.now() + timedelta(minutes=4))
    let_pass(3, at=clock.now() + timedelta(minutes=5))
    shop.buy("pay_per_use", bandwidth=5)
    let_pass(9)
    third = Server.objects.order_by("id").last()
    assert third.status == "running"
    assert third.public_ip == first.public_ip
    assert third.public_ip != second.public_ip
    assert third.private_ip == first.private_ip


def test_stop_start_restart_password_and_delete(shop, cloud):
    shop.buy("pay_per_use")
    at = let_pass(3)
    server = Server.objects.get()
    act_on_server(server, ServerAct.STOP, by=shop.buyer, at=at)
    assert server.runs.get().stopped_at == at  # not billed from when it was asked for
    at = let_pass(1, at=at)
    assert states() == ["stopped"]
    act_on_server(server, ServerAct.START, by=shop.buyer, at=at)
    at = let_pass(1, at=at)
    assert states() == ["running"]
    act_on_server(server, ServerAct.RESTART, by=shop.buyer, at=at)
    at = let_pass(2, at=at)
    assert states() == ["running"]
    assert server.runs.count() == 2
    reset_password(server, "An0ther-one!", by=shop.buyer, at=at)
    if hasattr(cloud, "cloud"):
        assert set(cloud.cloud.passwords.values()) == {"An0ther-one!"}
    act_on_server(server, ServerAct.DELETE, by=shop.buyer, at=at)
    let_pass(2, at=at)
    assert states() == ["deleted"]
    assert cloud.ours() == []
    assert {app.status for app in Subscription.objects.all()} == {"closed"}
    assert server.runs.filter(stopped_at=None).count() == 0
    assert not list(breaches())


def test_freezing_either_subscription_stops_the_server_and_renewing_both_starts_it(shop, cloud):
    shop.buy("monthly")
    at = let_pass(3)
    ecs, image = Subscription.objects.get(delivery_method="ecs"), Subscription.objects.get(delivery_method="image")
    by = an_operator()
    freeze_server(ecs, by=by, at=at)
    freeze_server(image, by=by, at=at)
    at = let_pass(1, at=at)
    assert states() == ["stopped"]
    with pytest.raises(Exception, match="frozen"):
        act_on_server(Server.objects.get(), ServerAct.START, by=shop.buyer, at=at)
    Subscription.objects.filter(pk=image.pk).update(status="frozen")
    unfreeze_server(ecs, by=by, at=at)
    assert Server.objects.get().frozen_at is not None  # the image is frozen still
    Subscription.objects.filter(pk=image.pk).update(status="enabled")
    unfreeze_server(image, by=by, at=at)
    at = let_pass(1, at=at)
    assert states() == ["running"]
    release_server(ecs, by=by, at=at)
    let_pass(2, at=at)
    assert states() == ["deleted"]
    assert cloud.ours() == []


def test_an_expired_image_is_stopped_and_runs_again_once_both_are_renewed(shop, cloud):
    shop.buy("monthly")
    let_pass(3)
    ends = Subscription.objects.get(delivery_method="image").expires_at
    at = let_pass(3, at=ends + timedelta(days=16))
    assert {app.status for app in Subscription.objects.all()} == {"frozen"}
    assert states() == ["stopped"]
    # Server and image are told apart by their names, in lists as in notices.
    image = Subscription.objects.get(delivery_method="image").product.name
    told = set(Message.objects.filter(title__endswith="it is frozen").values_list("title", flat=True))
    assert told == {f"Renew {name}: it is frozen" for name in ("ECS", image)}
    for method, then in (("ecs", ["stopped"]), ("image", ["running"])):
        app = Subscription.objects.get(delivery_method=method)
        order = place_renewal(app, RenewalWish(Duration(1, "month")), by=shop.buyer, at=at)
        pay_order(order, PaymentRequest(), by=shop.buyer, at=at)
        at = let_pass(3, at=at)
        assert (Subscription.objects.get(pk=app.pk).status, states()) == ("enabled", then)
    # From the expiry before, not from the day of the renewal.
    assert {app.expires_at > ends + timedelta(days=27) for app in Subscription.objects.all()} == {True}
    assert {app.expires_at < ends + timedelta(days=32) for app in Subscription.objects.all()} == {True}
    assert not list(breaches())


def test_changed_rules_reach_the_cloud(shop, cloud):
    shop.buy("pay_per_use")
    at = let_pass(3)
    group = Server.objects.get().deployment.security_group
    rules = [{"protocol": "tcp", "ports": "22", "source": "10.0.0.0/8"}, {"protocol": "all", "source": "::/0"}]
    own.change_rules(group, rules=rules, by=shop.buyer)
    let_pass(1, at=max(at, clock.now()))
    group.refresh_from_db()
    assert group.changed_at is None
    if hasattr(cloud, "cloud"):
        there = {
            (one["protocol"], one["port_range_min"], one["remote_ip_prefix"]) for one in cloud.cloud.rules.values()
        }
        assert there == {("tcp", 22, "10.0.0.0/8"), (None, None, "::/0")}


def test_the_reconciler_deletes_what_nobody_wants_and_nothing_else(shop, cloud):
    shop.buy("pay_per_use")
    at = let_pass(3)
    before = cloud.ours()
    cloud.put_orphan()
    let_pass(0.5, at=at + timedelta(minutes=20))
    assert cloud.ours() == before
    orphan = Orphan.objects.get()
    assert (orphan.token, orphan.deleted_at is not None) == ("kg-orphan", True)


def test_an_order_of_many_shares_its_network_and_numbers_its_servers(shop, cloud):
    shop.buy("pay_per_use", quantity=3, wish={"name": "web"})
    at = let_pass(3)
    assert [one.name for one in shop.servers()] == ["web-0001", "web-0002", "web-0003"]
    assert kinds() == {"firewall": 1, "network": 1, "server": 3, "volume": 3}
    assert len({one.private_ip for one in shop.servers()}) == 3
    shop.buy("pay_per_use", quantity=2, wish={"name": "web"})
    at = let_pass(3, at=at)
    assert [one.name for one in shop.servers()][3:] == ["web-0004", "web-0005"]
    for server in shop.servers()[:4]:
        act_on_server(server, ServerAct.DELETE, by=shop.buyer, at=at)
    at = let_pass(3, at=at)
    assert kinds() == {"firewall": 1, "network": 1, "server": 1, "volume": 1}  # the last one still needs them


@pytest.mark.parametrize("cloud", ["openstack"], indirect=True)
def test_a_cloud_that_is_away_only_delays(shop, cloud):
    for _ in range(4):
        cloud.cloud.fail_next("POST", "/networks", before=True)
        cloud.cloud.fail_next("GET", "/volumes/detail", before=True)
    shop.buy("pay_per_use")
    let_pass(8)
    assert states() == ["running"]
    assert PASSWORD in cloud.cloud.passwords.values()


def test_reconciling_a_region_whose_cloud_is_away_deletes_nothing(shop, cloud):
    shop.buy("pay_per_use")
    let_pass(3)
    before = cloud.ours()
    if hasattr(cloud, "cloud"):
        cloud.cloud.fail_next("GET", "/networks", before=True)
    assert reconciling.reconcile(shop.region.pk) == 0
    assert cloud.ours() == before


@pytest.mark.parametrize("cloud", ["openstack"], indirect=True)
def test_a_server_that_boots_for_ever_is_given_up_after_an_hour(shop, cloud):
    cloud.cloud.boots_after = 10**6
    shop.buy("monthly")
    let_pass(70)
    assert (Order.objects.get().status, states(), cloud.ours()) == ("cancelled", ["deleted"], [])


def test_image_and_ecs_are_renewed_each_by_itself(shop):
    shop.buy("monthly", system_disk=Disk("high_io", 100), bandwidth=5)
    at = let_pass(3)
    for app, payable in (("image", "155.00"), ("ecs", "107.80")):
        subscription = Subscription.objects.select_related("product", "specification", "line__order").get(
            delivery_method=app
        )
        wish = RenewalWish(Duration(1, "month"))
        order = place_renewal(subscription, wish, by=shop.buyer, at=at)
        # 26.80 for the flavor, 60 GB more of disk at 0.10, 5 Mbit/s at 15.00.
        assert str(order.payable_money) == f"{payable} USD"
        pay_order(order, PaymentRequest(), by=shop.buyer, at=at)
        assert Order.objects.get(pk=order.pk).status == "completed"
    assert not list(breaches())


def test_the_seller_earns_the_software_and_the_platform_the_server(shop):
    order = shop.buy("monthly")
    let_pass(3)
    earned = {name: money for name, money in released_for(Order.objects.get(pk=order.pk)).items() if money}
    # 155.00 less our fee of 15 per cent; 26.80 for the ECS is ours.
    assert {name.value: str(money) for name, money in earned.items()} == {
        "seller_payable": "131.75 USD",
        "service_fees": "50.05 USD",
    }
