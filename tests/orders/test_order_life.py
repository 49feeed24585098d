"""From a configured product to a completed, refunded or cancelled order, through the real money keeper."""

from datetime import timedelta
from decimal import Decimal

import pytest

from accounts.actor import Actor
from accounts.models import Account
from accounts.permissions import Role
from billing import ledger
from billing.errors import PaymentDeclined, PaymentMethodRequired
from billing.gateways.sandbox import SandboxGateway
from billing.models import JournalEntry, Payment, Refund
from billing.services import PaymentRequest, bind_card, carry_out_refund, pay_order
from koogallery.kernel import clock
from koogallery.kernel.errors import InvalidTransition, PermissionRefused
from koogallery.kernel.money import Money
from orders import services
from orders.choices import OrderStatus, SubscriptionStatus
from orders.errors import AgreementsNotAccepted, OrderNotPayable
from orders.models import Order, Subscription
from orders.services import Placement, place_order
from orders.terms import first_term
from pricing.errors import NotConfigurable, PriceChanged, QuoteExpired
from pricing.rules import Duration, QuoteRequest
from pricing.services import quote_purchase
from tests.factories import AgreementFactory, a_buyer, a_specification

pytestmark = pytest.mark.django_db


def account_of(buyer: Actor) -> Account:
    return Account.objects.get(pk=buyer.account_id)


def request_for(specification, months: int = 1, quantity: int = 1) -> QuoteRequest:
    return QuoteRequest(specification.pk, "monthly", Duration(months, "month"), quantity)


def bind(buyer: Actor, scenario: str = "success") -> None:
    bind_card(account_of(buyer), SandboxGateway().enter_card(scenario), by=buyer)


def placed(buyer: Actor, specification=None, **placement) -> Order:
    specification = specification or a_specification()
    placement = Placement(request_for(specification), agreements_accepted=True, **placement)
    return place_order(placement, account=account_of(buyer), by=buyer)


@pytest.fixture
def buyer() -> Actor:
    return a_buyer()


def test_an_order_is_paid_delivered_and_completed_three_hours_after_acceptance(deliverer, buyer):
    AgreementFactory()
    bind(buyer)
    order = placed(buyer)
    assert (order.status, order.payable, order.agreements.count()) == (OrderStatus.PENDING_PAYMENT, Decimal("5.00"), 1)

    order = pay_order(order, PaymentRequest(), by=buyer)
    assert order.status == OrderStatus.PROCESSING
    assert deliverer == ["start"]
    assert ledger.held_for(order) == Money(Decimal("5.00"), "USD")

    accepted_at = clock.now()
    services.delivery_done(order, deliverer="noting", accepted=True, by=buyer, at=accepted_at)
    subscription = Subscription.objects.get(line__order=order)
    assert subscription.status == SubscriptionStatus.ENABLED
    assert subscription.expires_at == first_term(accepted_at, Duration(1, "month")).expires_at

    timer = Actor.timer("complete_accepted_orders")
    services.complete_due_order(order.pk, at=accepted_at + timedelta(hours=3) - timedelta(seconds=1), by=timer)
    assert Order.objects.get(pk=order.pk).status == OrderStatus.PROCESSING
    services.complete_due_order(order.pk, at=accepted_at + timedelta(hours=3), by=timer)
    assert Order.objects.get(pk=order.pk).status == OrderStatus.COMPLETED
    assert not ledger.held_for(order)


def test_a_card_is_needed_and_a_declined_one_leaves_the_order_payable(deliverer, buyer):
    order = placed(buyer)
    with pytest.raises(PaymentMethodRequired):
        pay_order(order, PaymentRequest(), by=buyer)
    bind(buyer, "insufficient_funds")
    with pytest.raises(PaymentDeclined) as declined:
        pay_order(order, PaymentRequest(), by=buyer)
    assert declined.value.extra["reason"] == "insufficient_funds"
    assert Order.objects.get(pk=order.pk).is_payable
    assert JournalEntry.objects.count() == 0


def test_an_order_is_paid_once(deliverer, buyer):
    bind(buyer)
    order = placed(buyer)
    pay_order(order, PaymentRequest(), by=buyer)
    with pytest.raises(OrderNotPayable):
        pay_order(order, PaymentRequest(), by=buyer)
    assert Payment.objects.count() == 1


def test_ending_an_order_gives_all_the_money_back(deliverer, buyer):
    bind(buyer)
    order = pay_order(placed(buyer), PaymentRequest(), by=buyer)

    services.end_with_refund(order, amount=None, reason="Not delivered.", by=buyer, at=clock.now())
    assert Order.objects.get(pk=order.pk).status == OrderStatus.REFUNDING
    carry_out_refund(Refund.objects.get().public_id, at=clock.now())

    assert Order.objects.get(pk=order.pk).status == OrderStatus.REFUNDED
    assert Payment.objects.get().status == "refunded"
    assert Subscription.objects.get().status == SubscriptionStatus.CLOSED
    assert not ledger.held_for(order)


def test_a_partial_refund_completes_the_order(deliverer, buyer):
    bind(buyer)
    order = pay_order(placed(buyer), PaymentRequest(), by=buyer)
    part = Money(Decimal("2.00"), "USD")
    order = services.end_with_refund(order, amount=part, reason="Half was delivered.", by=buyer, at=clock.now())
    carry_out_refund(Refund.objects.get().public_id, at=clock.now())
    assert order.status == OrderStatus.COMPLETED
    assert Payment.objects.get().status == "partly_refunded"


def test_an_unpaid_order_is_cancelled_after_seven_days_and_cannot_be_paid(deliverer, buyer):
    bind(buyer)
    order = placed(buyer)
    due = order.created_at + timedelta(days=7)
    services.cancel_unpaid_order(order.pk, at=due - timedelta(seconds=1), by=Actor.timer("cancel_unpaid_orders"))
    assert Order.objects.get(pk=order.pk).is_payable
    services.cancel_unpaid_order(order.pk, at=due, by=Actor.timer("cancel_unpaid_orders"))
    assert Order.objects.get(pk=order.pk).status == OrderStatus.CANCELLED
    with pytest.raises(OrderNotPayable):
        pay_order(order, PaymentRequest(), by=buyer)
    with pytest.raises(InvalidTransition):
        services.cancel_order(order, by=buyer)


def test_the_confirmed_price_is_charged_and_a_quote_is_used_once(deliverer, buyer):
    specification = a_specification()
    quote = quote_purchase(request_for(specification), account=account_of(buyer))
    assert placed(buyer, specification, quote=quote.token).payable == Decimal("5.00")
    with pytest.raises(QuoteExpired):
        placed(buyer, specification, quote=quote.token)


def test_a_changed_price_asks_again(deliverer, buyer):
    specification = a_specification()
    quote = quote_purchase(request_for(specification), account=account_of(buyer))
    specification.prices.update(amount=Decimal("6.00"))
    with pytest.raises(PriceChanged) as changed:
        placed(buyer, specification, quote=quote.token)
    assert changed.value.extra == {
        "old": {"amount": "5.00", "currency": "USD"},
        "new": {"amount": "6.00", "currency": "USD"},
    }
    assert not Order.objects.exists()


@pytest.mark.parametrize(
    "tampered",
    ["", "nonsense", "a:b:c"],
    ids=["empty is no quote", "no signature", "wrong signature"],
)
def test_a_forged_quote_is_refused(deliverer, buyer, tampered):
    if tampered:
        with pytest.raises(QuoteExpired):
            placed(buyer, quote=tampered)
    else:
        assert placed(buyer, quote=tampered).payable


def test_a_quote_of_another_buyer_is_refused(deliverer, buyer):
    specification = a_specification()
    quote = quote_purchase(request_for(specification), account=account_of(a_buyer()))
    with pytest.raises(QuoteExpired):
        placed(buyer, specification, quote=quote.token)


def test_agreements_must_be_accepted(deliverer, buyer):
    placement = Placement(request_for(a_specification()))
    with pytest.raises(AgreementsNotAccepted):
        place_order(placement, account=account_of(buyer), by=buyer)
    assert not Order.objects.exists()


@pytest.mark.parametrize("role", [Role.FINANCE, Role.VIEWER])
def test_only_owner_and_purchaser_buy(deliverer, role):
    with pytest.raises(PermissionRefused, match="Owner or Purchaser"):
        placed(a_buyer(role))


@pytest.mark.parametrize("quantity", [0, -1, 2, 10**9, True])
def test_a_quantity_that_is_not_sold_is_refused(deliverer, buyer, quantity):
    with pytest.raises(NotConfigurable):
        place_order(
            Placement(request_for(a_specification(), quantity=quantity), agreements_accepted=True),
            account=account_of(buyer),
            by=buyer,
        )


@pytest.mark.parametrize("months", [0, -1, 10, 12, 10**6])
def test_a_duration_that_is_not_sold_is_refused(deliverer, buyer, months):
    with pytest.raises(NotConfigurable):
        place_order(
            Placement(request_for(a_specification(), months=months), agreements_accepted=True),
            account=account_of(buyer),
            by=buyer,
        )
