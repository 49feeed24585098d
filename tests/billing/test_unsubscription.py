"""Unsubscribing (guide 7, RULES 4): images only, with the calculation that was shown, books balanced, large ones reviewed."""

from datetime import timedelta
from decimal import Decimal

import pytest

from billing.models import Payment, Refund, Unsubscription
from billing.services import (
    PaymentRequest,
    approve_unsubscription,
    decline_unsubscription,
    pay_order,
    quote_unsubscription,
    refusal_of,
    unsubscribe,
)
from koogallery.kernel import clock
from koogallery.kernel.errors import InvalidInput, InvalidTransition, PermissionRefused
from notifications.models import Message
from orders.models import Order, Subscription, SubscriptionTerm
from orders.services import delivery_failed
from orders.terms import until_text
from pricing.errors import PriceChanged, QuoteExpired
from tests.billing import cloud
from tests.billing.conftest import a_shopper, usd
from tests.factories import a_buyer, a_coupon, a_specification, an_operator

pytestmark = pytest.mark.django_db
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture(autouse=True)
def _cloud(settings):
    settings.FULFILMENT = cloud.FULFILMENT
    cloud.RELEASED.clear()


@pytest.fixture
def shop(_cloud, shopper):
    """The shopper, who buys images; the books are checked afterwards."""
    shopper.specification = a_specification(prices={"monthly": "100.00"}, image=True)
    shopper.card()
    return shopper


def bought(shop, **order) -> Subscription:
    placed = shop.order(**order)
    pay_order(placed, PaymentRequest(), by=shop.by)
    return Subscription.objects.filter(line__order=placed).latest("pk")


def now_of(app: Subscription) -> Subscription:
    return Subscription.objects.get(pk=app.pk)


def test_the_rest_goes_back_to_the_card_and_the_server_is_released(shop, timers):
    app = bought(shop)
    at = app.starts_at + 10 * DAY
    offer = quote_unsubscription(app, at=at)
    made = unsubscribe(app, reason="Not needed", quote=offer.quote.token, by=shop.by, at=at)
    timers.run()

    assert offer.refund == made.refund_money
    assert offer.refund < usd("67.00")
    assert now_of(app).status == "closed"
    assert [app.public_id] == cloud.RELEASED
    order = Order.objects.get(kind="unsubscription")
    assert (order.status, order.subject_id, order.payable) == ("completed", app.pk, 0)
    base = Order.objects.get(kind="new")
    assert base.status == "completed"
    refund = Refund.objects.get()
    assert (refund.money, refund.status, refund.order_id) == (offer.refund, "succeeded", base.pk)
    assert Payment.objects.get().status == "partly_refunded"
    with pytest.raises(InvalidTransition, match="closed already"):
        unsubscribe(app, by=shop.by)


def test_a_coupon_is_neither_counted_nor_given_back(shop):
    coupon = a_coupon(shop.account, value=Decimal("30.00"))
    app = bought(shop, coupon=coupon.code)
    offer = quote_unsubscription(app, at=app.starts_at + HOUR)
    assert offer.paid == usd("70.00")
    unsubscribe(app, by=shop.by, at=app.starts_at + HOUR)
    coupon.refresh_from_db()
    assert coupon.remaining == 0


def test_one_server_of_several_gives_its_part_back_and_the_others_run_on(shop, timers):
    shop.specification = a_specification(prices={"monthly": "100.01"}, image=True)
    app = bought(shop)
    line = app.line
    sibling = Subscription.objects.create(
        account=app.account, line=line, product=app.product, specification=app.specification, delivery_method="image",
        billing_mode="monthly", status="enabled", starts_at=app.starts_at, expires_at=app.expires_at, anchor_day=app.anchor_day,
        listed_at=app.starts_at,
    )  # fmt: skip
    term = app.terms.get()
    SubscriptionTerm.objects.create(
        subscription=sibling, line=line, starts_at=term.starts_at, ends_at=term.ends_at, anchor_day=term.anchor_day,
        bought_at=term.bought_at,
    )  # fmt: skip
    first, second = (quote_unsubscription(one, at=app.starts_at).paid for one in (app, sibling))
    assert (first, second) == (usd("50.01"), usd("50.00"))
    unsubscribe(app, by=shop.by, at=app.starts_at)
    assert (now_of(app).status, now_of(sibling).status) == ("closed", "enabled")
    assert Order.objects.get(kind="new").status == "completed"
    unsubscribe(sibling, by=shop.by, at=app.starts_at)
    timers.run()
    assert sum(one.amount for one in Refund.objects.all()) == Decimal("90.01")


@pytest.mark.parametrize(
    ("traits", "prices", "words"),
    [
        ({}, {"monthly": "5.00"}, "Licenses cannot be unsubscribed."),
        ({"saas": True}, {"monthly": "5.00"}, "SaaS products cannot be unsubscribed."),
        ({"service": True}, {"one_time": "5.00"}, "Professional services cannot be unsubscribed."),
        ({"image": True}, {"pay_per_use": "0.01"}, "Pay-per-use resources cannot be unsubscribed."),
    ],
    ids=["license", "saas", "professional service", "pay-per-use"],
)
def test_what_cannot_be_unsubscribed_says_why_in_the_guides_words(shop, settings, traits, prices, words):
    settings.FULFILMENT = {**cloud.FULFILMENT, ("professional_service", True): ["tests.billing.cloud.Cloud"]}
    specification = a_specification(prices=prices, **traits)
    app = bought(shop)
    method, mode = specification.product.delivery_method, next(iter(prices))
    Subscription.objects.filter(pk=app.pk).update(delivery_method=method, billing_mode=mode)
    refusal = refusal_of(now_of(app), at=clock.now())
    assert (refusal.code, refusal.status) == ("not_unsubscribable", 409)
    assert words in refusal.message
    with pytest.raises(InvalidTransition, match=words[:20]):
        unsubscribe(app, by=shop.by)


def test_failed_provisioning_is_a_cancellation_with_the_whole_refund(shop, timers):
    shop.specification.name = "never arrives"
    shop.specification.save()
    app = bought(shop)
    assert "still being provisioned" in refusal_of(app, at=clock.now()).message
    delivery_failed(app.line.order, deliverer="test_cloud", reason="No capacity.", by=an_operator(), at=clock.now())
    timers.run()
    order = Order.objects.get()
    assert (order.status, Refund.objects.get().money) == ("cancelled", usd("100.00"))
    assert not Unsubscription.objects.exists()


def test_in_grace_nothing_is_left_but_it_can_be_released(shop, timers):
    app = bought(shop)
    timers.run(app.expires_at)
    made = unsubscribe(now_of(app), by=shop.by, at=app.expires_at + DAY)
    assert (made.refund, now_of(app).status, cloud.RELEASED) == (0, "closed", [app.public_id])
    assert not Refund.objects.exists()


def test_a_large_refund_is_reviewed_and_approved_by_itself_after_a_day(shop, settings, timers):
    settings.UNSUBSCRIPTION_REVIEW_ABOVE = Decimal("50.00")
    app = bought(shop)
    at = clock.now()
    made = unsubscribe(app, by=shop.by, at=at)
    timers.run()
    assert (made.status, now_of(app).status, Refund.objects.count()) == ("in_review", "enabled", 0)
    assert Message.objects.filter(text__contains=f"until {until_text(at + DAY)} at the latest").exists()
    with pytest.raises(InvalidTransition, match="being reviewed"):
        unsubscribe(app, by=shop.by)
    timers.run(at + DAY - timedelta(seconds=1))
    assert now_of(app).status == "enabled"
    timers.run(at + DAY)
    assert (now_of(app).status, Refund.objects.get().status) == ("closed", "succeeded")
    assert Refund.objects.get().money == made.refund_money


def test_operations_approve_or_decline_and_nobody_else(shop, settings, timers):
    settings.UNSUBSCRIPTION_REVIEW_ABOVE = Decimal("50.00")
    app = bought(shop)
    first = unsubscribe(app, by=shop.by)
    with pytest.raises(PermissionRefused):
        approve_unsubscription(first, by=shop.by)
    with pytest.raises(InvalidInput):
        decline_unsubscription(first, reason=" ", by=shop.operator)
    decline_unsubscription(first, reason="Call us first.", by=shop.operator)
    assert (now_of(app).status, Order.objects.get(kind="unsubscription").status) == ("enabled", "cancelled")
    timers.run(clock.now() + 2 * DAY)
    assert now_of(app).status == "enabled"
    second = unsubscribe(app, by=shop.by)
    assert approve_unsubscription(second, by=shop.operator).decided_by_id == shop.operator.user_id
    with pytest.raises(InvalidTransition):
        decline_unsubscription(second, reason="Too late.", by=shop.operator)


def test_other_currencies_are_always_reviewed_and_the_limit_itself_is_not(settings):
    from billing.services.unsubscribing import needs_review
    from koogallery.kernel.money import Money

    assert not needs_review(usd("7000.00"))
    assert needs_review(usd("7000.01"))
    assert needs_review(Money(Decimal("1"), "EUR"))
    assert not needs_review(Money(Decimal("0"), "EUR"))


def test_the_five_day_rule_is_a_setting_that_is_off(shop, settings):
    app = bought(shop)
    at = app.starts_at + 4 * DAY
    assert quote_unsubscription(app, at=at).total("fee") == usd("10.00")
    settings.UNCONDITIONAL_REFUND_WITHIN = 5 * DAY
    assert quote_unsubscription(app, at=at).refund == usd("100.00")
    assert quote_unsubscription(app, at=app.starts_at + 5 * DAY + timedelta(seconds=1)).total("fee") == usd("10.00")
    settings.UNCONDITIONAL_REFUNDS_A_YEAR = 1
    other = bought(shop)
    made = unsubscribe(app, by=shop.by, at=at)
    assert made.unconditional
    assert Order.objects.get(pk=app.line.order_id).status == "refunding"
    assert quote_unsubscription(other, at=at).total("fee") == usd("10.00")


def test_the_refund_that_was_shown_is_the_one_that_is_given(shop):
    app = bought(shop)
    shown = quote_unsubscription(app, at=app.starts_at)
    with pytest.raises(QuoteExpired):
        unsubscribe(app, quote=shown.quote.token, by=shop.by, at=app.starts_at + HOUR)
    other = bought(shop)
    with pytest.raises(QuoteExpired):
        unsubscribe(other, quote=shown.quote.token, by=shop.by, at=app.starts_at)
    from billing.services.refunds import request_refund

    request_refund(app.line.order, usd("80.00"), reason="Goodwill", at=app.starts_at)
    with pytest.raises(PriceChanged):
        unsubscribe(app, quote=shown.quote.token, by=shop.by, at=app.starts_at)
    assert quote_unsubscription(app, at=app.starts_at).refund == usd("20.00")


def test_a_renewal_that_has_not_begun_goes_back_whole_with_its_cash_coupon(shop, timers):
    from orders.services import RenewalWish, place_renewal
    from pricing.values import Duration

    app = bought(shop)
    before = quote_unsubscription(app, at=app.starts_at).refund
    coupon = a_coupon(shop.account, value=Decimal("30.00"))
    renewal = place_renewal(app, RenewalWish(Duration(1, "month"), coupon=coupon.code), by=shop.by)
    assert refusal_of(now_of(app), at=clock.now()).code == "pending_order_exists"
    pay_order(renewal, PaymentRequest(), by=shop.by)
    app = now_of(app)
    offer = quote_unsubscription(app, at=app.starts_at)
    # Renewing and then giving up gains nothing and costs nothing.
    assert offer.refund == before + usd("70.00")
    unsubscribe(app, by=shop.by, at=app.starts_at)
    timers.run()
    coupon.refresh_from_db()
    assert coupon.remaining == Decimal("30.00")
    assert Order.objects.get(pk=renewal.pk).status == "refunded"
    assert sorted(one.amount for one in Refund.objects.all()) == [Decimal("70.00"), Decimal("90.00")]


@pytest.mark.parametrize("role", ["viewer", "purchaser"])
def test_roles_that_may_not(shop, role):
    with pytest.raises(PermissionRefused):
        unsubscribe(bought(shop), by=a_buyer(role, shop.account))


@pytest.mark.parametrize("reason", ["x" * 1001, "a\x00b", "a\u202eb"])
def test_bad_reasons_change_nothing(shop, reason):
    app = bought(shop)
    with pytest.raises(InvalidInput):
        unsubscribe(app, reason=reason, by=shop.by)
    assert not Unsubscription.objects.exists()


def test_pages_and_api_tell_the_same(shop, client):
    from tests.api.conftest import buyer_api

    app = bought(shop)
    client.force_login(shop.account.memberships.get().user)
    page = client.get("/billing/unsubscriptions/").content.decode()
    assert "Pay-per-use resources cannot be unsubscribed." in page
    url = f"/billing/unsubscriptions/{app.public_id}/"
    token = client.get(url).context["offer"].quote.token
    assert client.post(url, {"typed": "something", "quote": token}).status_code == 422
    api = buyer_api("owner", shop.account, card=False)
    quoted = api.post(f"subscriptions/{app.public_id}/unsubscribe-quote/").json()
    assert quoted["paid"] == {"amount": "100.00", "currency": "USD"}
    assert quoted["refund"]["amount"] == "90.00"
    assert api.post(f"subscriptions/{app.public_id}/unsubscribe/", {"reason": "x" * 1001}).status_code == 400
    assert api.post(f"subscriptions/{app.public_id}/unsubscribe/", {"refund": "100.00"}).status_code == 400
    assert not Unsubscription.objects.exists()
    answer = client.post(url, {"typed": app.product.name, "quote": token, "reason": "Moved"})
    assert answer.status_code == 302
    # An unsubscription pays nobody: there is nothing to keep a receipt of.
    path = f"/billing/orders/{Order.objects.get(kind='unsubscription').number}/"
    page = client.get(path).content.decode()
    assert "Nothing was to be paid." in page
    assert "Download receipt" not in page
    assert client.get(f"{path}receipt.pdf").status_code == 404
    again = api.post(f"subscriptions/{app.public_id}/unsubscribe/", {"reason": ""})
    assert (again.status_code, again.json()["code"]) == (409, "not_unsubscribable")


def test_the_list_says_which_invoice_is_returned_first(shop, client):
    from tests.billing.invoicing import applied, issued

    app = bought(shop)
    client.force_login(shop.account.memberships.get().user)
    invoice = applied(shop, app.line.order)
    assert "Return invoice" not in client.get("/billing/unsubscriptions/").content.decode()  # it is canceled with it
    number = issued(invoice).document().number
    page = client.get("/billing/unsubscriptions/").content.decode()
    assert f"Return invoice {number} first." in page
    assert f"/my/tickets/return/{invoice.number}/" in page
    assert (
        "Unsubscription rules for images on KooGallery are the same as those for products and services on KooGallery Cloud."
        in page
    )


def test_by_api_with_an_idempotency_key(shop):
    from tests.api.conftest import buyer_api

    app = bought(shop)
    api = buyer_api("owner", shop.account, card=False)
    first = api.post(f"subscriptions/{app.public_id}/unsubscribe/", {"reason": "Moved"}, idempotency_key="once")
    again = api.post(f"subscriptions/{app.public_id}/unsubscribe/", {"reason": "Moved"}, idempotency_key="once")
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    body = first.json()
    assert (body["kind"], body["subscription"], body["unsubscription"]["status"]) == (
        "unsubscription",
        app.public_id,
        "done",
    )
    assert Unsubscription.objects.count() == 1


def test_a_shopper_without_images_is_told_so(client):
    one = a_shopper()
    client.force_login(one.account.memberships.get().user)
    assert "No resources can be unsubscribed." in client.get("/billing/unsubscriptions/").content.decode()
