"""Renewing by hand (RULES 3.1): from the original expiry, with the anchor day, at today's price; what is refused."""

from datetime import timedelta
from decimal import Decimal

import pytest

from accounts.models import Account, Reseller
from billing.services import PaymentRequest, pay_order, pay_orders, propose_refund
from catalog.models import Price, Product, Specification
from koogallery.kernel.errors import DomainError, InvalidTransition, PermissionRefused
from koogallery.kernel.money import Money
from notifications.models import Message
from orders.choices import OrderKind, OrderStatus, SubscriptionStatus
from orders.errors import NotRenewable, PendingOrderExists
from orders.models import Order, SubscriptionTerm
from orders.services import RenewalWish, cancel_order, quote_for_renewal
from orders.terms import end_of, last_day
from pricing.errors import PriceChanged, QuoteExpired
from pricing.models import Discount
from pricing.values import Duration
from renewals.services.batch import BatchRefused, place_renewals
from tests.factories import a_buyer, an_operator
from tests.orders.conftest import asked
from tests.renewals.conftest import MONTH, YEAR, a_running, day

pytestmark = pytest.mark.django_db


def test_the_manuals_example_of_the_anchor_day(timers):
    """Bought Mar 31 monthly, expires Apr 30, renewed on May 18 in retention: May 31, not May 30 and not Jun 18."""
    one = a_running(day("2024-03-31"))
    assert last_day(one.app.expires_at).isoformat() == "2024-04-30"
    timers.run(day("2024-05-18"))
    assert one.app.status == SubscriptionStatus.FROZEN
    order = one.renew(at=day("2024-05-18"))
    assert (one.app.status, one.app.expires_at) == (SubscriptionStatus.ENABLED, end_of(day("2024-05-31").date()))
    assert (order.kind, order.status, order.payable_money.digits()) == (
        OrderKind.RENEWAL,
        OrderStatus.COMPLETED,
        "5.00",
    )
    assert (one.app.grace_until, one.app.retention_until) == (None, None)
    assert asked[-3:] == ["freeze", "renew", "unfreeze"]


def test_a_renewal_in_time_in_grace_and_in_retention_begins_at_the_same_expiry(timers):
    for when in ("2024-02-20", "2024-03-01", "2024-03-20"):
        one = a_running(day("2024-01-31"))
        timers.run(day(when))
        one.renew(at=day(when))
        assert last_day(one.app.expires_at).isoformat() == "2024-03-31", when
        terms = list(SubscriptionTerm.objects.filter(subscription=one.app).order_by("starts_at"))
        assert terms[0].ends_at == terms[1].starts_at


def test_a_chain_of_renewals_keeps_the_day_and_the_unit_of_each():
    one = a_running(day("2023-12-31"))
    for duration, until in (
        (MONTH, "2024-02-29"),
        (Duration(2, "month"), "2024-04-30"),
        (YEAR, "2025-04-30"),
        (MONTH, "2025-05-31"),
    ):
        one.renew(duration, at=day("2024-01-15"))
        assert last_day(one.app.expires_at).isoformat() == until
    assert one.app.billing_mode == "monthly"
    assert [order.payable_money.digits() for order in Order.objects.filter(kind="renewal").order_by("id")] == [
        "5.00",
        "10.00",
        "50.00",
        "5.00",
    ]


@pytest.mark.parametrize("way", ["costs nothing", "a reseller owes it"])
def test_a_renewal_that_nobody_pays_here_is_in_force_at_once(way):
    one, since = a_running(day("2024-01-01")), day("2024-01-01")
    if way == "costs nothing":
        Discount.objects.create(kind="commercial", name="Free", percent=100, account=one.account, valid_from=since)
    else:
        Account.objects.update(reseller=Reseller.objects.create(name="Cloudhaus"))
    order = Order.objects.get(pk=one.renewal(at=day("2024-01-20")).pk)
    assert (order.kind, order.status) == (OrderKind.RENEWAL, OrderStatus.COMPLETED)
    assert last_day(one.app.expires_at).isoformat() == "2024-03-01"


def test_the_price_is_todays_list_with_discount():
    one = a_running(day("2024-01-01"))
    Price.objects.filter(billing_mode="monthly").update(amount=Decimal("8.00"))
    Discount.objects.create(
        kind="commercial", name="Contract", percent=10, account=one.account, valid_from=day("2024-01-01")
    )
    order = one.renew(Duration(2, "month"), at=day("2024-01-20"))
    assert (order.list_price, order.discount, order.payable) == (16, Decimal("1.60"), Decimal("14.40"))


@pytest.mark.parametrize(
    ("sentence", "spoil", "why"),
    [
        ("delisted", lambda one: Product.objects.update(status="taken_down"), "no longer available"),
        (
            "specification removed",
            lambda one: Specification.objects.update(removed_at=day("2024-01-02")),
            "no longer available",
        ),
        (
            "not sold by the month any more",
            lambda one: Price.objects.update(billing_mode="one_time"),
            "not sold",
        ),
        ("no such duration", None, "not sold"),
        ("account frozen", lambda one: Account.objects.update(frozen_at=day("2024-01-02")), "frozen"),
    ],
)
def test_what_cannot_be_renewed(sentence, spoil, why):
    one = a_running(day("2024-01-01"), prices={"monthly": "5.00"})
    if spoil:
        spoil(one)
    with pytest.raises(DomainError, match=why):
        one.renewal(Duration(10, "month") if spoil is None else MONTH, at=day("2024-01-20"))
    assert Order.objects.filter(kind="renewal").count() == 0
    # What the books say of the spoilt listing is not the matter.
    Product.objects.update(status="published")


def test_pay_per_use_one_time_pending_and_released_are_not_renewable(timers):
    one = a_running(day("2024-01-01"))
    app = one.app
    for field, value in (("billing_mode", "one_time"), ("billing_mode", "pay_per_use"), ("status", "pending")):
        was = getattr(app, field)
        app.__dict__[field] = value
        with pytest.raises(NotRenewable):
            quote_for_renewal(app, RenewalWish(MONTH), account=one.account, at=day("2024-01-02"))
        app.__dict__[field] = was
    timers.run(day("2024-04-01"))
    assert one.app.status == SubscriptionStatus.CLOSED
    with pytest.raises(NotRenewable, match="released"):
        one.renewal(at=day("2024-04-01"))


def test_an_unpaid_order_blocks_the_next_and_can_be_paid_or_cancelled():
    one = a_running(day("2024-01-01"))
    first = one.renewal(at=day("2024-01-20"))
    with pytest.raises(PendingOrderExists) as refused:
        one.renewal(at=day("2024-01-20"))
    assert refused.value.extra["order"] == first.number
    # Finance members order renewals, and take them back; viewers do neither.
    with pytest.raises(PermissionRefused):
        cancel_order(first, by=a_buyer("viewer", one.account), at=day("2024-01-20"))
    cancel_order(first, by=a_buyer("finance", one.account), at=day("2024-01-20"))
    second = one.renewal(at=day("2024-01-20"))
    pay_order(second, PaymentRequest(), by=one.by, at=day("2024-01-21"))
    assert last_day(one.app.expires_at).isoformat() == "2024-03-01"


def test_the_quote_that_was_shown_is_what_is_charged_once():
    one = a_running(day("2024-01-01"))
    at = day("2024-01-20")
    quote = quote_for_renewal(one.app, RenewalWish(MONTH), account=one.account, at=at)
    with pytest.raises(QuoteExpired):
        one.renewal(Duration(2, "month"), at=at, quote=quote.token)
    Price.objects.filter(billing_mode="monthly").update(amount=Decimal("6.00"))
    with pytest.raises(PriceChanged):
        one.renewal(at=at, quote=quote.token)
    Price.objects.filter(billing_mode="monthly").update(amount=Decimal("5.00"))
    one.renew(at=at, quote=quote.token)
    with pytest.raises(QuoteExpired):
        one.renewal(at=at, quote=quote.token)


def test_an_unpaid_renewal_lapses_with_its_deadline_and_changes_nothing(timers):
    one = a_running(day("2024-01-01"))
    order = one.renewal(at=day("2024-01-20"))
    timers.run(day("2024-01-27", "12:01"))
    assert Order.objects.get(pk=order.pk).status == OrderStatus.CANCELLED
    assert last_day(one.app.expires_at).isoformat() == "2024-02-01"


def test_a_refunded_renewal_goes_back_newest_first_and_gains_nothing():
    one = a_running(day("2024-01-31"))
    first, second = one.renew(at=day("2024-02-01")), one.renew(YEAR, at=day("2024-02-01"))
    operator = an_operator()
    with pytest.raises(InvalidTransition, match="renewed again"):
        propose_refund(first, Money(Decimal(5), "USD"), reason="Mistake", by=operator, at=day("2024-02-02"))
    propose_refund(second, Money(Decimal(50), "USD"), reason="Mistake", by=operator, at=day("2024-02-02"))
    assert (last_day(one.app.expires_at).isoformat(), one.app.billing_mode) == ("2024-03-31", "monthly")
    propose_refund(first, Money(Decimal(5), "USD"), reason="Mistake", by=operator, at=day("2024-02-02"))
    assert last_day(one.app.expires_at).isoformat() == "2024-02-29"
    one.renew(at=day("2024-02-03"))
    assert last_day(one.app.expires_at).isoformat() == "2024-03-31"


def test_to_the_renewal_date_is_extended_priced_by_day_and_never_shortened():
    one = a_running(day("2024-01-12"))
    order = one.renew(at=day("2024-01-20"), renewal_day=1)
    # Mar 12 would be the end; Mar 1 is before it, so Apr 1: 19/31 of March and 1/30 of April at 5.00.
    assert last_day(one.app.expires_at).isoformat() == "2024-04-01"
    assert order.payable == Decimal("5.00") + (Decimal(5) * (Decimal(19) / 31 + Decimal(1) / 30)).quantize(
        Decimal("0.01")
    )
    order = one.renew(at=day("2024-01-20"), renewal_day=1)
    assert (last_day(one.app.expires_at).isoformat(), order.payable) == ("2024-05-01", Decimal("5.00"))
    order = one.renew(YEAR, at=day("2024-01-20"), renewal_day=31)
    assert last_day(one.app.expires_at).isoformat() == "2025-05-31"
    assert order.payable == Decimal("50.00") + (Decimal(50) * 30 / 365).quantize(Decimal("0.01"))
    one.renew(at=day("2024-01-20"))
    assert last_day(one.app.expires_at).isoformat() == "2025-06-30"


def test_what_has_expired_is_not_renewed_to_the_renewal_date(timers):
    one = a_running(day("2024-01-12"))
    timers.run(day("2024-02-14"))
    with pytest.raises(NotRenewable, match="Renew it first"):
        one.renewal(at=day("2024-02-14"), renewal_day=1)


def test_a_renewal_whose_term_would_be_over_is_not_sold(timers, settings):
    settings.GRACE_PERIODS = {"default": timedelta(days=45)}
    one = a_running(day("2024-01-12"))
    timers.run(day("2024-03-20"))
    with pytest.raises(NotRenewable, match="over already"):
        one.renewal(at=day("2024-03-20"))
    one.renew(Duration(2, "month"), at=day("2024-03-20"))
    assert last_day(one.app.expires_at).isoformat() == "2024-04-12"


def test_periods_differ_by_delivery_method_and_customer_level(timers, settings):
    days = {"default": timedelta(days=15), "saas": timedelta(0), "premium": timedelta(days=30)}
    settings.GRACE_PERIODS = days
    plain, premium, saas = (
        a_running(day("2024-01-12")),
        a_running(day("2024-01-12")),
        a_running(day("2024-01-12"), saas=True),
    )
    Account.objects.filter(pk=premium.by.account_id).update(level="premium")
    timers.run(day("2024-02-28", "00:01"))
    assert [one.app.status for one in (plain, premium, saas)] == ["frozen", "expired", "closed"]
    assert last_day(saas.app.grace_until).isoformat() == "2024-02-12"
    assert last_day(saas.app.retention_until).isoformat() == "2024-02-27"
    # What has no grace period is frozen at its expiry: nobody reads that it is still usable.
    assert not Message.objects.filter(title=f"Renew {saas.app.name}: it has expired").exists()
    assert Message.objects.filter(title=f"Renew {saas.app.name}: it is frozen").exists()


def test_a_batch_is_one_order_each_paid_together_all_or_none():
    one = a_running(day("2024-01-12"))
    for _ in range(2):
        a_running(day("2024-01-12"), by=one.by, specification=one.specification)
    apps = list(one.account.subscriptions.select_related("product", "specification", "line__order"))
    at = day("2024-01-20")
    placed = place_renewals([(app, RenewalWish(MONTH)) for app in apps], by=one.by, at=at)
    payment = pay_orders(placed, PaymentRequest(), by=one.by, at=at)
    assert payment.money.digits() == "15.00"
    assert {last_day(app.expires_at).isoformat() for app in one.account.subscriptions.all()} == {"2024-03-12"}
    waiting = one.renewal(at=at)
    with pytest.raises(BatchRefused):
        place_renewals([(app, RenewalWish(MONTH)) for app in apps], by=one.by, at=at)
    assert list(Order.objects.filter(status="pending_payment")) == [waiting]
