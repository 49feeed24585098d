"""From payment to a log-in by machine: both generations against the reference seller, from both sides."""

import sqlite3
from datetime import datetime, timedelta

import pytest

from billing.errors import NotUnsubscribable
from billing.services import PaymentRequest, pay_order, unsubscribe
from koogallery.kernel import clock
from koogallery.kernel.errors import InvalidTransition
from orders.models import Order, Subscription
from orders.ports import applications
from orders.services import RenewalWish, place_renewal
from pricing.values import Duration
from provisioning.models import Call, Exchange, Instance
from provisioning.saas import signing
from tests.factories import logged_in
from tests.provisioning.saas.conftest import a_shop, key_of, later

pytestmark = pytest.mark.django_db

MEMO = "Change the password when you log in first."


@pytest.fixture(params=["v1", "v2"])
def version(request):
    return request.param


def bought(reference, version, **traits):
    shop = a_shop(**traits)
    url = reference(key_of(shop))
    shop.connect(f"{url}/{version}", version)
    return shop, shop.buy()


def test_what_is_paid_for_appears_and_works(reference, version, timers):
    shop, order = bought(reference, version)
    assert shop.now(order).status == "processing"
    timers.run()
    app = shop.app(order)
    assert (shop.now(order).status, app.status) == ("completed", "enabled")
    shown = applications().shown([app])[app.pk]
    assert (shown.username, shown.has_password) == ("administrator", True)
    password = applications().reveal(app, by=shop.buyer, at=clock.now()).password
    assert password
    page = logged_in(shop.account.memberships.get().user).get(f"/my/apps/{app.public_id}/").content.decode()
    assert "Memo" in page
    assert MEMO not in page
    told = logged_in(shop.account.memberships.get().user).post(f"/my/apps/{app.public_id}/reveal/").content.decode()
    assert MEMO in told
    assert password in told
    calls = [one.activity for one in shop.calls(order)]
    assert calls == (["create"] if version == "v1" else ["create", "query"])
    kept = "\n".join(f"{one.request} {one.answer} {one.fault}" for one in Exchange.objects.all())
    assert "frontEndUrl" in kept
    assert password not in kept
    assert MEMO not in kept
    assert key_of(shop) not in kept
    assert "signature=" not in kept.lower()
    assert "authtoken" not in kept.lower()


def test_the_whole_life_of_an_instance(reference, version, timers, tmp_path):
    shop, order = bought(reference, version)
    timers.run()
    app = shop.app(order)

    def at_the_sellers(what: str = "status") -> str:
        with sqlite3.connect(tmp_path / "seller0.sqlite") as db:
            return db.execute(f"SELECT {what} FROM instance").fetchone()[0]

    def renewed(at: datetime) -> Order:
        app = Subscription.objects.get(line__order=order)
        renewal = place_renewal(app, RenewalWish(Duration(1, "month")), by=shop.buyer, at=at)
        pay_order(renewal, PaymentRequest(), by=shop.buyer, at=at)
        timers.run(at)
        return Order.objects.get(pk=renewal.pk)

    assert at_the_sellers() == "running"
    with pytest.raises(NotUnsubscribable, match="SaaS products cannot"):
        unsubscribe(app, by=shop.buyer)
    timers.run()
    assert at_the_sellers() == "running"
    # In its term the seller hears of the new end; frozen, it is put into use again as well.
    before = at_the_sellers("expires")
    assert renewed(app.expires_at - timedelta(days=2)).status == "completed"
    app = shop.app(order)
    in_term = at_the_sellers("expires")
    assert in_term != before
    timers.run(app.expires_at + timedelta(days=1))
    assert shop.app(order).status == "frozen"
    assert at_the_sellers() == "frozen"
    assert renewed(app.expires_at + timedelta(days=3)).status == "completed"
    assert (shop.app(order).status, at_the_sellers()) == ("enabled", "running")
    assert at_the_sellers("expires") not in (before, in_term)
    app = shop.app(order)
    timers.run(app.expires_at + timedelta(days=1))
    assert at_the_sellers() == "frozen"
    timers.run(app.expires_at + timedelta(days=40))
    assert shop.app(order).status == "closed"
    assert at_the_sellers() == "deleted"
    assert Instance.objects.get().status == "released"
    assert {one.status for one in Call.objects.all()} == {"done"}


def test_a_retry_is_the_same_request_and_makes_nothing_twice(reference, version, timers, tmp_path):
    shop, order = bought(reference, version)
    timers.run()
    create = shop.calls(order)[0]
    from provisioning.saas.calls import replay

    replay(create, by=shop.selling)
    timers.run()
    with sqlite3.connect(tmp_path / "seller0.sqlite") as db:
        assert db.execute("SELECT count(*) FROM instance").fetchone()[0] == 1
    tries = [one.request for one in Exchange.objects.filter(call=create).order_by("id")]
    assert len(tries) == 2
    named = [[part for part in one.splitlines() if "businessId" in part] for one in tries]
    assert named[0]
    if version == "v2":
        assert named[0] == named[1]


def test_a_seller_who_is_down_for_a_while_delivers_later(reference, version):
    shop = a_shop(version=version)
    order = shop.buy()
    later(0.5)
    create = shop.calls(order)[0]
    assert (create.status, create.tries > 3) == ("waiting", True)
    assert shop.now(order).status == "processing"
    shop.connect(f"{reference(key_of(shop))}/{version}", version)
    later(2)
    assert shop.now(order).status == "completed"


def test_after_three_hours_the_order_is_cancelled_and_refunded():
    shop = a_shop()
    order = shop.buy()
    later(2.9)
    assert shop.now(order).status == "processing"
    later(3.1)
    order = shop.now(order)
    assert (order.status, order.cancel_reason) == (
        "cancelled",
        "The seller's server did not create the instance within 3 hours.",
    )
    assert order.allocations.get().payment.status == "refunded"
    assert order.cancelled_at == order.paid_at + timedelta(hours=3)
    assert shop.app(order).status == "closed"
    assert Instance.objects.get().status == "failed"
    assert Call.objects.get().status == "failed"


def test_supervised_saas_is_made_at_payment_and_its_term_begins_at_acceptance(reference, version, timers, tmp_path):
    from supervision import services
    from supervision.models import ServiceFlow
    from tests.factories import logged_in
    from tests.supervision.test_flow import a_file

    shop, order = bought(reference, version, saas=False, saas_supervised=True)
    flow = ServiceFlow.objects.get(order=order)
    services.submit_request(flow, description="Ten accounts.", files=[a_file()], by=shop.buyer)
    services.confirm_request(flow, by=shop.selling)
    services.deliver(flow, note="Made.", by=shop.selling)
    with pytest.raises(InvalidTransition, match="still being created"):
        services.accept_delivery(flow, by=shop.buyer)
    timers.run()
    assert shop.now(order).status == "processing"
    assert shop.app(order).status == "pending"
    page = logged_in(shop.account.memberships.get().user).get(f"/my/supervision/{order.number}/").content.decode()
    assert "administrator" in page
    accepted_at = clock.now() + timedelta(days=40)
    services.accept_delivery(flow, by=shop.buyer, at=accepted_at)
    timers.run(accepted_at)
    app = shop.app(order)
    assert (app.status, app.starts_at) == ("enabled", accepted_at)
    assert shop.calls(order)[-1].activity == "refresh"
    with sqlite3.connect(tmp_path / "seller0.sqlite") as db:
        assert db.execute("SELECT expires FROM instance").fetchone()[0] == f"{app.expires_at:%Y%m%d%H%M%S}"
    timers.run(accepted_at + timedelta(hours=3))
    assert shop.now(order).status == "completed"


def test_a_v1_field_of_the_reference_seller_opens_with_our_key():
    from examples.saas_seller.seller import encrypted

    assert signing.decrypt_field(encrypted("k", "pässword"), "k") == "pässword"
