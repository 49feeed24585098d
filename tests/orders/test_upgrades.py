"""Upgrades of SaaS (guide 2.2, RULES 7): one row a sentence, then the whole way."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from time_machine import travel

from accounts.models import Account, User
from billing.gateways.sandbox import SandboxGateway
from billing.services import PaymentRequest, bind_card, pay_order, propose_refund
from catalog.models import Price, Product, Specification, UpgradeRule
from koogallery.kernel.books import breaches
from koogallery.kernel.errors import DomainError, InvalidTransition
from koogallery.kernel.money import Money
from orders.choices import OrderKind, OrderStatus
from orders.errors import OrderNotPayable, PendingOrderExists
from orders.models import Order, Subscription
from orders.services import (
    Placement,
    UpgradeWish,
    cancel_order,
    delivery_done,
    delivery_failed,
    place_order,
    place_upgrade,
    quote_upgrade,
    upgradable,
)
from pricing.errors import PriceChanged, QuoteExpired, UpgradeNotAllowed
from pricing.values import Duration, QuoteRequest
from tests.factories import AttributeFactory, a_buyer, a_coupon, a_specification, an_operator

BOUGHT = datetime(2021, 8, 15, 2, tzinfo=UTC)
CHANGE = datetime(2021, 8, 24, 2, tzinfo=UTC)


class Running:
    """A monthly SaaS with 10 users at 2.00 USD, bought on Aug 15 2021 for three months."""

    def __init__(self, **price: object) -> None:
        self.operator = an_operator()
        self.specification = a_specification(saas=True)
        users = AttributeFactory(specification=self.specification, minimum=1, maximum=1000, step=1)
        Price.objects.filter(specification=self.specification).update(amount=Decimal("2.00"), per=users, **price)
        UpgradeRule.objects.create(specification=self.specification, attributes=["users"])
        self.by = a_buyer()
        self.account = Account.objects.get(pk=self.by.account_id)
        bind_card(self.account, SandboxGateway().enter_card("success"), by=self.by)
        with travel(BOUGHT, tick=False):
            request = QuoteRequest(self.specification.pk, "monthly", Duration(3, "month"))
            order = place_order(Placement(request, agreements_accepted=True), account=self.account, by=self.by)
            self.order = pay_order(order, PaymentRequest(), by=self.by)
            delivery_done(self.order, deliverer="noting", accepted=False, by=self.operator, at=BOUGHT)

    @property
    def app(self) -> Subscription:
        return Subscription.objects.with_table_columns().get()

    def quote(self, users: object = 11, **wish: str):
        return quote_upgrade(self.app, UpgradeWish({"users": users}, **wish), account=self.account, at=CHANGE)

    def place(self, users: object = 11, **wish: str) -> Order:
        return place_upgrade(self.app, UpgradeWish({"users": users}, **wish), by=self.by, at=CHANGE)


@pytest.fixture
def running(db, settings):
    settings.FULFILMENT = {("saas", False): ["tests.orders.conftest.NotingDeliverer"]}
    one = Running()
    yield one
    assert [str(breach) for breach in breaches() if breach.invariant.name != "listing_repeats_prices"] == []


def test_the_cost_is_the_difference_for_what_remains(running):
    quote = running.quote()
    # 7/31 + 2 + 15/30 months, one user more at 2.00 USD: 5.4516...
    assert quote.payable.digits() == "5.45"
    assert sum(line.amount.amount for line in quote.lines) == quote.payable.amount
    assert quote.credit is not None
    assert quote.credit.amount > 0
    assert quote.renews is not None
    assert (quote.renews.amount.digits(), quote.renews.at) == ("22.00", running.app.expires_at)


@pytest.mark.parametrize(
    ("sentence", "users", "why"),
    [
        ("the same configuration", 10, "current configuration"),
        ("a downgrade", 9, "only be raised"),
        ("more than five times as much", 51, "50 at the most"),
        ("out of bounds", 1001, "1 to 1000"),
        ("no number", "x", "number"),
    ],
)
def test_a_target_that_is_refused(running, sentence, users, why):
    with pytest.raises(DomainError, match=why):
        running.quote(users)


def test_an_attribute_outside_the_sellers_rule_does_not_change(running):
    AttributeFactory(specification=running.specification, code="sites", name="Sites", default="1", minimum=1, step=1)
    with pytest.raises(UpgradeNotAllowed, match="rule"):
        quote_upgrade(running.app, UpgradeWish({"sites": 2}), account=running.account, at=CHANGE)


@pytest.mark.parametrize(
    ("sentence", "spoil"),
    [
        ("no rule", lambda one: UpgradeRule.objects.all().delete()),
        ("delisted", lambda one: Product.objects.update(status="taken_down")),
        ("specification removed", lambda one: Specification.objects.update(removed_at=CHANGE)),
        ("not SaaS", lambda one: Subscription.objects.update(delivery_method="license")),
        ("one-time", lambda one: Subscription.objects.update(billing_mode="one_time")),
        ("expired", lambda one: Subscription.objects.update(expires_at=CHANGE)),
        ("not completed yet", lambda one: Order.objects.update(status="processing", completed_at=None)),
    ],
)
def test_a_subscription_that_may_not_be_upgraded(db, settings, sentence, spoil):
    settings.FULFILMENT = {("saas", False): ["tests.orders.conftest.NotingDeliverer"]}
    one = Running()
    assert upgradable([one.app], at=CHANGE) == {one.app.pk}
    spoil(one)
    with pytest.raises(UpgradeNotAllowed):
        one.quote()
    # Its row in Purchased Apps offers none either.
    assert upgradable([one.app], at=CHANGE) == set()


def test_the_cost_cannot_be_negative(running):
    # All units get cheaper from 11 on: eleven at 1.00 list for less than ten at 2.00.
    Price.objects.update(scheme="tiered", tiers=[{"from": 11, "amount": "1.00"}])
    with pytest.raises(UpgradeNotAllowed, match="cannot be negative"):
        running.quote(11)
    assert running.quote(20).payable.digits() == "0.00"
    Price.objects.update(scheme="volume", tiers=[{"from": 11, "amount": "1.00"}])
    # By volume only what is added is paid, at the price that the total reaches.
    assert running.quote(20).payable.digits() == "27.26"


def test_a_tiered_upgrade_is_the_unit_price_of_the_total_times_the_total(running):
    """RULES 7: unit price for the total users x total users x remaining - old price x remaining."""
    Price.objects.update(scheme="tiered", tiers=[{"from": 15, "amount": "1.80"}])
    # (20 x 1.80 - 10 x 2.00) x (7/31 + 2 + 15/30)
    quote = running.quote(20)
    assert quote.payable.digits() == "43.61"
    assert "$1.80 USD/user/month x 20 user(s)" in quote.lines[0].text
    assert quote.renews is not None
    # It renews as a purchase of 20 costs: each unit at its own tier.
    assert quote.renews.amount.digits() == "38.80"


def test_a_tiered_upgrade_in_two_steps_costs_what_one_costs(running):
    Price.objects.update(scheme="tiered", tiers=[{"from": 15, "amount": "1.80"}])
    once = running.quote(30).payable.amount
    first = upgraded(running, 20)
    assert abs(first.payable + running.quote(30).payable.amount - once) <= Decimal("0.01")


def test_an_upgrade_offer_holds_until_the_end_of_its_day(running):
    """What remains is counted in days of GMT+08:00: the offer ends with the day, not after 24 hours."""
    late = datetime(2021, 8, 24, 15, 50, tzinfo=UTC)  # 23:50 GMT+08:00
    quote = quote_upgrade(running.app, UpgradeWish({"users": 11}), account=running.account, at=late)
    midnight = datetime(2021, 8, 24, 16, tzinfo=UTC)
    assert late < quote.expires_at < midnight
    wish = UpgradeWish({"users": 11}, quote.token)
    with pytest.raises(QuoteExpired):
        place_upgrade(running.app, wish, by=running.by, at=midnight)
    assert place_upgrade(running.app, wish, by=running.by, at=midnight - timedelta(seconds=1)).payable == (
        quote.payable.amount
    )


def test_paying_raises_the_subscription_at_once_and_keeps_its_expiry(running):
    expires_at = running.app.expires_at
    order = running.place(20)
    assert (order.kind, running.app.attributes) == (OrderKind.UPGRADE, {"users": 10})
    with travel(CHANGE, tick=False):
        pay_order(order, PaymentRequest(), by=running.by)
    assert (running.app.attributes, running.app.expires_at) == ({"users": 20}, expires_at)
    with pytest.raises(PendingOrderExists, match="being delivered"):
        running.quote(21)
    assert upgradable([running.app], at=CHANGE) == set()
    delivery_done(order, deliverer="noting", accepted=False, by=running.operator, at=CHANGE)
    assert Order.objects.get(pk=order.pk).status == OrderStatus.COMPLETED


def test_an_unpaid_upgrade_blocks_another_until_it_is_cancelled(running):
    order = running.place()
    with pytest.raises(PendingOrderExists):
        running.place(12)
    cancel_order(order, by=running.by)
    assert running.place(12)


def test_an_upgrade_is_not_paid_once_the_term_is_over_though_its_timer_is_late(running):
    last = running.app.expires_at
    order = place_upgrade(running.app, UpgradeWish({"users": 11}), by=running.by, at=last - timedelta(days=2))
    for late in (timedelta(seconds=0), timedelta(hours=1)):
        with pytest.raises(OrderNotPayable):
            pay_order(order, PaymentRequest(), by=running.by, at=last + late)
    paid = pay_order(order, PaymentRequest(), by=running.by, at=last - timedelta(seconds=1))
    assert paid.status == OrderStatus.PROCESSING


def test_a_failed_delivery_gives_the_money_and_the_old_configuration_back(running, timers):
    with travel(CHANGE, tick=False):
        order = pay_order(running.place(), PaymentRequest(), by=running.by)
    delivery_failed(order, deliverer="noting", reason="No answer.", by=running.operator, at=CHANGE)
    order = Order.objects.get(pk=order.pk)
    assert (order.status, running.app.attributes) == (OrderStatus.CANCELLED, {"users": 10})
    assert running.app.status == "enabled"
    timers.run()
    assert order.allocations.get().payment.status == "refunded"


def test_a_whole_refund_of_a_delivered_upgrade_takes_it_back(running, timers):
    with travel(CHANGE, tick=False):
        order = pay_order(running.place(), PaymentRequest(), by=running.by)
    delivery_done(order, deliverer="noting", accepted=False, by=running.operator, at=CHANGE)
    propose_refund(order, None, reason="Agreed.", by=running.operator)
    timers.run()
    assert running.app.attributes == {"users": 10}


# --- taken back ------------------------------------------------------------------------------------------------------


def upgraded(running, users: int) -> Order:
    """A paid and delivered upgrade."""
    with travel(CHANGE, tick=False):
        order = pay_order(running.place(users), PaymentRequest(), by=running.by)
    return delivery_done(order, deliverer="noting", accepted=False, by=running.operator, at=CHANGE)


def test_upgrades_go_back_newest_first(running, timers):
    first, second = upgraded(running, 20), upgraded(running, 30)
    with pytest.raises(InvalidTransition, match=second.number):
        propose_refund(first, None, reason="Agreed.", by=running.operator)
    assert propose_refund(first, Money(Decimal("1.00"), "USD"), reason="A part.", by=running.operator)
    propose_refund(second, None, reason="Agreed.", by=running.operator)
    assert running.app.attributes == {"users": 20}
    propose_refund(first, None, reason="Agreed.", by=running.operator)
    timers.run()
    assert running.app.attributes == {"users": 10}


def test_an_unpaid_upgrade_is_canceled_with_the_one_below_it(running, timers):
    first, waiting = upgraded(running, 20), running.place(30)
    propose_refund(first, None, reason="Agreed.", by=running.operator)
    waiting.refresh_from_db()
    assert (waiting.status, running.app.attributes) == (OrderStatus.CANCELLED, {"users": 10})


def test_what_is_ordered_on_top_of_an_order_that_is_taken_back_ends_with_it(running, timers):
    waiting = running.place(30)
    propose_refund(running.order, None, reason="It never worked.", by=running.operator)
    timers.run()
    waiting.refresh_from_db()
    assert (waiting.status, running.app.status) == (OrderStatus.CANCELLED, "closed")
    assert running.order.number in waiting.cancel_reason


def test_an_upgrade_that_is_being_delivered_goes_back_with_its_base(running, timers):
    with travel(CHANGE, tick=False):
        order = pay_order(running.place(30), PaymentRequest(), by=running.by)
    propose_refund(running.order, None, reason="It never worked.", by=running.operator)
    timers.run()
    order.refresh_from_db()
    assert (order.status, running.app.status) == (OrderStatus.REFUNDED, "closed")
    assert order.allocations.get().payment.status == "refunded"
    with pytest.raises(InvalidTransition):
        delivery_done(order, deliverer="noting", accepted=False, by=running.operator, at=CHANGE)


def test_completed_upgrades_are_named_when_their_base_is_taken_back(running, timers):
    first, second = upgraded(running, 20), upgraded(running, 30)
    note = propose_refund(running.order, None, reason="It never worked.", by=running.operator).note
    assert note.index(second.number) < note.index(first.number)
    timers.run()
    propose_refund(second, None, reason="Agreed.", by=running.operator)
    propose_refund(first, None, reason="Agreed.", by=running.operator)
    timers.run()
    assert set(Order.objects.values_list("status", flat=True)) == {OrderStatus.REFUNDED}


def test_a_quote_is_for_one_subscription_one_purpose_and_one_price(running):
    quote = running.quote()
    with pytest.raises(QuoteExpired):
        running.place(12, quote=quote.token)
    Price.objects.update(amount=Decimal("3.00"))
    with pytest.raises(PriceChanged):
        running.place(quote=quote.token)
    Price.objects.update(amount=Decimal("2.00"))
    order = running.place(quote=quote.token)
    assert order.payable == quote.payable.amount
    cancel_order(order, by=running.by)
    with pytest.raises(QuoteExpired):
        running.place(quote=quote.token)


def test_a_coupon_lowers_an_upgrade(running):
    with travel(CHANGE, tick=False):
        coupon = a_coupon(running.account)
    assert running.place(coupon=coupon.code).payable == Decimal("2.45")


def test_the_upgrade_page_takes_a_coupon(running, client):
    with travel(CHANGE, tick=False):
        coupon = a_coupon(running.account)
        client.force_login(User.objects.get(pk=running.by.user_id))
        address = f"/my/apps/{running.app.public_id}/upgrade/"
        page = client.get(address, {"attribute.users": 11, "coupon": coupon.code})
        assert page.context["quote"].payable.digits() == "2.45"
        assert f'<option value="{coupon.code}" selected>' in page.content.decode()
        form = {"attribute.users": 11, "quote": page.context["quote"].token, "coupon": coupon.code}
        assert client.post(address, form).status_code == 302
        assert running.app.change_orders.get().payable == Decimal("2.45")


def test_a_coupon_that_does_not_fit_an_upgrade_is_said(running, client):
    with travel(CHANGE, tick=False):
        coupon = a_coupon(running.account, minimum_spend=Decimal("50.00"))
        client.force_login(User.objects.get(pk=running.by.user_id))
        address = f"/my/apps/{running.app.public_id}/upgrade/quote/"
        page = client.get(address, {"attribute.users": 11, "coupon": coupon.code})
        assert (page.status_code, page.context["quote"]) == (422, None)
        assert "50.00" in page.content.decode()


def test_an_unpaid_upgrade_ends_with_the_term(running, timers):
    order = running.place()
    timers.run(running.app.expires_at + timedelta(seconds=1), "expire_subscriptions")
    assert Order.objects.get(pk=order.pk).status == OrderStatus.CANCELLED
    with pytest.raises(OrderNotPayable):
        pay_order(order, PaymentRequest(), by=running.by)
