"""Auto-renewal (RULES 3.2): when it deducts, what it is paid with, what happens when it fails, how it is changed."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from accounts.actor import Actor
from accounts.models import Account
from billing.gateways.sandbox import SandboxGateway
from billing.models import Payment, PaymentMethod
from billing.services import PaymentRequest, bind_card, make_default_card, pay_order, top_up
from catalog.models import Price, Product
from koogallery.kernel import clock
from koogallery.kernel.errors import DomainError, InvalidInput, InvalidTransition, PermissionRefused
from koogallery.kernel.money import Money
from notifications.models import Message
from orders.choices import SubscriptionStatus
from orders.errors import AutoRenewalNotSupported, NotRenewable
from orders.models import Order
from orders.services import cancel_order
from orders.terms import last_day
from pricing.values import Duration
from renewals import rules
from renewals.services import PlanWish, SettingsWish, change_plan, choose_settings, deduct
from tests.factories import a_buyer, a_coupon, an_operator
from tests.renewals.conftest import MONTH, YEAR, a_running, day

pytestmark = pytest.mark.django_db


def three(text: str) -> datetime:
    return day(text, "03:00")


@pytest.mark.parametrize(
    ("sentence", "days", "enabled", "due"),
    [
        ("7 days before the expiry day", 7, day("2024-05-01"), three("2024-05-24")),
        ("1 day before", 1, day("2024-05-01"), three("2024-05-30")),
        ("enabled before 03:00 of the deduction day", 7, day("2024-05-24", "02:59"), three("2024-05-24")),
        ("enabled after it: the next 03:00", 7, day("2024-05-24", "03:01"), three("2024-05-25")),
        ("enabled before 03:00 of the expiry day", 7, day("2024-05-31", "02:00"), three("2024-05-31")),
        ("enabled after 03:00 of the expiry day: at once", 7, day("2024-05-31", "03:01"), day("2024-05-31", "03:01")),
        ("over", 7, day("2024-06-01", "00:00"), None),
    ],
)
def test_when_it_is_deducted(sentence, days, enabled, due):
    expires_at = day("2024-05-31", "23:59:59")
    assert rules.first_deduction(expires_at, days, at=enabled) == due


def test_a_try_that_failed_is_repeated_daily_until_the_expiry():
    expires_at, tries, at = day("2024-05-31", "23:59:59"), [], three("2024-05-24")
    while at:
        tries.append(at)
        at = rules.next_try(expires_at, after=at)
    assert tries == [three(f"2024-05-{number}") for number in range(24, 32)]


def test_enabled_at_purchase_a_monthly_renews_one_month_a_yearly_one_year(timers):
    monthly = a_running(day("2024-01-31"), duration=Duration(3, "month"), auto_renew=True)
    yearly = a_running(day("2024-01-31"), duration=YEAR, auto_renew=True)
    assert (monthly.plan.deduct_at, yearly.plan.deduct_at) == (three("2024-04-23"), three("2025-01-24"))
    timers.run(day("2024-04-23", "02:59"))
    assert Order.objects.filter(kind="renewal").count() == 0
    timers.run(three("2024-04-23"))
    assert last_day(monthly.app.expires_at).isoformat() == "2024-05-31"
    assert (monthly.plan.deduct_at, monthly.plan.count, monthly.plan.mode) == (three("2024-05-24"), 0, "auto")
    timers.run(three("2025-01-24"))
    assert last_day(yearly.app.expires_at).isoformat() == "2026-01-31"
    assert [one.payable for one in Order.objects.filter(subject=yearly.app, kind="renewal")] == [50]


def test_a_count_is_used_up_by_automatic_renewals_only(timers):
    one = a_running(day("2024-01-31"))
    change_plan(one.app, PlanWish("auto", MONTH, 2, 3), by=one.by, at=day("2024-02-01"))
    one.renew(at=day("2024-02-01"))
    assert (one.plan.count, one.plan.deduct_at) == (2, three("2024-03-28"))
    timers.run(three("2024-03-28"))
    assert (one.plan.count, one.plan.deduct_at) == (1, three("2024-04-27"))
    timers.run(three("2024-04-27"))
    assert (one.plan.count, one.plan.mode, one.plan.deduct_at) == (0, "manual", None)
    assert Message.objects.filter(title__startswith="Auto-renewal is off", text__contains="All renewals").exists()
    timers.run(day("2024-06-01"))
    assert (one.app.status, last_day(one.app.expires_at).isoformat()) == (SubscriptionStatus.EXPIRED, "2024-05-31")


def test_a_declined_card_is_tried_daily_told_on_the_days_of_the_rules_and_then_it_expires(timers):
    one = a_running(day("2024-01-31"), auto_renew=True)
    PaymentMethod.objects.update(reference=SandboxGateway().enter_card("insufficient_funds"))
    told = []
    for number in range(1, 32):
        timers.run(day("2024-02-29", "23:00") - timedelta(days=8) + number * timedelta(hours=8))
        told = list(Message.objects.filter(title__contains="Pay for the renewal").order_by("id"))
    tries = list(Payment.objects.filter(allocations__order__kind="renewal").order_by("id"))
    assert [one.created_at for one in tries] == [three(f"2024-02-{number}") for number in range(22, 30)]
    assert {payment.status for payment in tries} == {"failed"}
    assert [last_day(one.at).isoformat() for one in told] == ["2024-02-24", "2024-02-27", "2024-02-29"]
    assert "insufficient funds" in told[0].text
    assert "$5.00 USD, the same as with the last term" in told[0].text
    assert one.app.status == SubscriptionStatus.EXPIRED
    order = Order.objects.get(kind="renewal")
    assert (order.status, order.unpaid_until) == ("cancelled", one.app.expires_at)
    timers.run(day("2024-03-15"))
    timers.run(day("2024-03-30"))
    titles = [
        message.title.split(":")[-1] for message in Message.objects.filter(title__contains="will be").order_by("id")
    ]
    assert titles[:1] == [" it will be frozen today"]
    one_left = Message.objects.filter(title__contains="data will be deleted").latest("id")
    assert one_left.at == day("2024-03-30", "10:00")


def test_a_failure_is_told_at_the_price_of_the_order_that_is_tried_again_with_its_coupon(timers):
    one = a_running(day("2024-01-31"), auto_renew=True)
    with clock.standing_at(day("2024-02-01")):
        a_coupon(one.account, valid_until=day("2025-01-01"))
    PaymentMethod.objects.update(reference=SandboxGateway().enter_card("insufficient_funds"))
    timers.run(three("2024-02-22"))
    Price.objects.filter(billing_mode="monthly").update(amount=Decimal("6.50"))
    timers.run(day("2024-02-24", "10:00"))
    assert Order.objects.get(kind="renewal").payable == Decimal("2.00")
    told = Message.objects.get(title__contains="Pay for the renewal")
    assert "$2.00 USD, the same as with the last term" in told.text


def test_what_is_not_sold_any_more_is_announced_as_ending_not_as_renewing(timers):
    one = a_running(day("2024-01-31"), auto_renew=True)
    Price.objects.filter(billing_mode="monthly").delete()
    timers.run(day("2024-02-15", "10:00"))
    timers.run(day("2024-02-24", "10:00"))
    assert not Message.objects.filter(title__contains="Renews by itself").exists()
    first, last = Message.objects.filter(title__contains=": it expires").order_by("id")
    assert (first.title, last.title) == tuple(f"Renew {one.app.name}: it expires in {days} days" for days in (14, 5))
    assert "its term is over at the end of 2024-02-29. This duration is not sold" in first.text


def test_a_failed_deduction_leaves_an_order_that_can_be_paid_by_hand_and_is_then_the_renewal(timers):
    one = a_running(day("2024-01-31"), auto_renew=True)
    one_card = PaymentMethod.objects.get()
    PaymentMethod.objects.update(reference=SandboxGateway().enter_card("insufficient_funds"))
    timers.run(three("2024-02-22"))
    order = Order.objects.get(kind="renewal")
    assert (order.status, one.plan.deduct_at) == ("pending_payment", three("2024-02-23"))
    PaymentMethod.objects.filter(pk=one_card.pk).update(reference=SandboxGateway().enter_card("success"))
    with clock.standing_at(day("2024-02-22", "12:00")):
        pay_order(order, PaymentRequest(), by=one.by)
    timers.run(day("2024-02-22", "12:01"))
    assert (one.plan.failure, one.plan.order, one.plan.deduct_at) == ("", None, three("2024-03-24"))
    timers.run(day("2024-02-24"))
    assert Order.objects.filter(kind="renewal").count() == 1


def test_an_unpaid_order_of_the_buyer_stops_a_deduction_and_does_not_get_paid_by_it(timers):
    one = a_running(day("2024-01-31"), auto_renew=True)
    with clock.standing_at(day("2024-02-20")):
        mine = one.renewal(YEAR, at=day("2024-02-20"))
    timers.run(three("2024-02-22"))
    assert "unpaid" in one.plan.failure
    assert Order.objects.get(pk=mine.pk).status == "pending_payment"
    cancel_order(mine, by=one.by, at=day("2024-02-22"))
    timers.run(three("2024-02-23"))
    assert last_day(one.app.expires_at).isoformat() == "2024-03-31"


def test_the_balance_pays_first_then_the_card_then_monthly_settlement(timers):
    one = a_running(day("2024-01-31"), auto_renew=True)
    top_up(one.account, Money(Decimal(7), "USD"), reference="T-1", by=an_operator(), at=day("2024-02-01"))
    for when in ("2024-02-22", "2024-03-24"):
        timers.run(three(when))
    methods = Payment.objects.filter(allocations__order__kind="renewal").order_by("id").values_list("method", flat=True)
    assert list(methods) == ["balance", "card"]


def test_without_any_funds_it_fails_with_a_reason_and_the_order_waits(timers):
    one = a_running(day("2024-01-31"), auto_renew=True)
    PaymentMethod.objects.update(unbound_at=day("2024-02-01"))
    timers.run(three("2024-02-22"))
    assert "No credit card" in one.plan.failure
    assert Order.objects.get(kind="renewal").status == "pending_payment"


def test_a_card_whose_holder_must_confirm_does_not_hold_up_the_expiry(timers):
    one = a_running(day("2024-01-31"), auto_renew=True)
    PaymentMethod.objects.update(reference=SandboxGateway().enter_card("authentication"))
    timers.run(three("2024-02-22"))
    assert "confirm" in one.plan.failure
    timers.run(day("2024-03-01"))
    assert one.app.status == SubscriptionStatus.EXPIRED


def test_coupons_are_used_cash_first_or_not_at_all(timers):
    one = a_running(day("2024-01-31"), auto_renew=True)
    long = day("2025-01-01")
    with clock.standing_at(day("2024-02-01")):
        a_coupon(one.account, valid_until=long)
        a_coupon(one.account, kind="discount", value=Decimal(20), valid_until=long)
    timers.run(three("2024-02-22"))
    timers.run(three("2024-03-24"))
    choose_settings(one.account, SettingsWish(1, "none"), by=one.by)
    a_coupon(one.account, valid_until=long, valid_from=day("2024-02-01"))
    timers.run(three("2024-04-23"))
    assert [str(order.payable) for order in Order.objects.filter(kind="renewal").order_by("id")] == [
        "2.0000",
        "4.0000",
        "5.0000",
    ]


def test_a_delisted_product_goes_on_renewing_but_its_plan_is_fixed(timers):
    one = a_running(day("2024-01-31"), auto_renew=True)
    other = a_running(day("2024-01-31"), by=one.by, specification=one.specification)
    ended = a_running(day("2024-01-31"), by=one.by, specification=one.specification)
    change_plan(ended.app, PlanWish("cancelled"), by=one.by, at=day("2024-02-01"))
    Product.objects.update(status="taken_down")
    refused = ((one.app, "manual"), (one.app, "auto"), (other.app, "auto"), (ended.app, "manual"), (ended.app, "auto"))
    for app, mode in refused:
        with pytest.raises(NotRenewable, match="no longer available"):
            change_plan(app, PlanWish(mode), by=one.by, at=day("2024-02-01"))
    timers.run(three("2024-02-22"))
    renewed = Order.objects.get(kind="renewal")
    assert renewed.status == "completed"
    Product.objects.update(status="published")


def test_the_price_is_that_of_the_day_and_its_change_is_told_before(timers):
    a_running(day("2024-01-31"), auto_renew=True)
    Price.objects.filter(billing_mode="monthly").update(amount=Decimal("6.50"))
    timers.run(day("2024-02-15", "10:00"))
    told = Message.objects.get(title__startswith="Renews by itself")
    assert "in 7 days" in told.title
    assert "$6.50 USD, $1.50 USD more than with the last term, paid by" in told.text
    assert told.url.endswith("/stop/")
    timers.run(three("2024-02-22"))
    assert Order.objects.get(kind="renewal").payable == Decimal("6.50")


def test_what_renews_and_what_expires_is_told_at_seven_three_and_one_day_and_reads_differently(timers):
    one = a_running(day("2024-01-31"), auto_renew=True)
    a_running(day("2024-01-31"), by=one.by, specification=one.specification)
    ended = a_running(day("2024-01-31"), by=one.by, specification=one.specification)
    change_plan(ended.app, PlanWish("cancelled"), by=one.by, at=day("2024-02-01"))
    for hours in range(0, 24 * 32, 12):
        timers.run(day("2024-02-14", "11:00") + timedelta(hours=hours))
    name = one.app.product.name
    titles = list(
        Message.objects.exclude(title__startswith="Order")
        .filter(at__gte=day("2024-02-10"))
        .order_by("at", "id")
        .values_list("title", flat=True)
    )
    for when in ("in 7 days", "in 3 days", "tomorrow"):
        assert f"Renews by itself {when}: {name}" in titles
        assert f"Renew {name}: it expires {when}" in titles
        assert f"{name} ends {when}, as you decided" in titles
        assert f"Renew {name}: it will be frozen {when}" in titles


def test_a_card_that_ends_before_the_deduction_is_told_thirty_days_ahead(timers):
    one = a_running(day("2024-01-31"), duration=Duration(3, "month"), auto_renew=True)
    PaymentMethod.objects.update(expires_year=2024, expires_month=4)
    timers.run(day("2024-03-24", "10:00"))
    assert not Message.objects.filter(title__contains="ends before").exists()
    PaymentMethod.objects.update(expires_month=3)
    change_plan(one.app, PlanWish("auto", MONTH), by=one.by, at=day("2024-03-01"))
    timers.run(day("2024-03-24", "10:00"))
    told = Message.objects.get(title__contains="ends before")
    assert "2024-04-23" in told.text


def test_no_card_is_asked_for_where_another_is_valid_at_the_deduction(timers):
    one = a_running(day("2024-01-31"), duration=Duration(3, "month"), auto_renew=True)
    PaymentMethod.objects.update(expires_year=2024, expires_month=3)
    bind_card(one.account, SandboxGateway().enter_card("success"), by=one.by, at=day("2024-02-01"))
    timers.run(day("2024-03-24", "10:00"))
    assert not Message.objects.filter(title__contains="ends before").exists()


def test_a_worker_that_was_down_over_the_deduction_and_the_expiry_changes_no_date_and_no_price(timers):
    one = a_running(day("2024-01-31"), auto_renew=True)
    timers.run(day("2024-03-02"))
    order = Order.objects.get(kind="renewal")
    assert (order.created_at, order.paid_at) == (three("2024-02-22"), three("2024-02-22"))
    assert (one.app.status, last_day(one.app.expires_at).isoformat()) == (SubscriptionStatus.ENABLED, "2024-03-31")
    assert not Message.objects.filter(title__contains="expired").exists()


def test_switching_it_on_and_off_is_confirmed_and_possible_until_the_deduction(timers):
    one = a_running(day("2024-01-31"))
    change_plan(one.app, PlanWish("auto", MONTH, 3, 5), by=one.by, at=day("2024-02-01"))
    change_plan(one.app, PlanWish("manual"), by=one.by, at=day("2024-02-02"))
    timers.run(day("2024-02-02"))
    told = [
        message.title.split(":")[0]
        for message in Message.objects.filter(title__startswith="Auto-renewal").order_by("id")
    ]
    assert told == ["Auto-renewal is on", "Auto-renewal is off"]
    assert (
        "3 more times; the next deduction is on 2024-02-24"
        in Message.objects.get(title__startswith="Auto-renewal is on").text
    )
    timers.run(three("2024-02-26"))
    assert Order.objects.filter(kind="renewal").count() == 0


def test_a_deduction_under_way_is_not_changed(timers):
    one = a_running(day("2024-01-31"), auto_renew=True)
    with clock.standing_at(three("2024-02-22")):
        deduct(one.plan.pk, at=three("2024-02-22"), by=Actor.timer("deduct_renewals"))
        with pytest.raises(InvalidTransition, match="being deducted"):
            change_plan(one.app, PlanWish("manual"), by=one.by)
    timers.run(three("2024-02-22"))
    assert last_day(one.app.expires_at).isoformat() == "2024-03-31"
    change_plan(one.app, PlanWish("manual"), by=one.by, at=day("2024-02-23"))
    assert last_day(one.app.expires_at).isoformat() == "2024-03-31"


@pytest.mark.parametrize(
    ("sentence", "wish", "error"),
    [
        ("no such mode", PlanWish("often"), InvalidInput),
        ("a count of -1", PlanWish("auto", MONTH, -1), InvalidInput),
        ("a count of 100", PlanWish("auto", MONTH, 100), InvalidInput),
        ("a period that is not sold", PlanWish("auto", Duration(10, "month")), InvalidInput),
        ("deduction on the expiry day", PlanWish("auto", MONTH, 0, 0), InvalidInput),
        ("8 days before", PlanWish("auto", MONTH, 0, 8), InvalidInput),
    ],
)
def test_bad_input(sentence, wish, error):
    one = a_running(day("2024-01-31"))
    with pytest.raises(error):
        change_plan(one.app, wish, by=one.by, at=day("2024-02-01"))
    assert (one.plan.mode, one.plan.count) == ("manual", 0)


def test_who_may_not(timers):
    one, saas = a_running(day("2024-01-31")), a_running(day("2024-01-31"), saas=True)
    with pytest.raises(PermissionRefused):
        change_plan(one.app, PlanWish("auto"), by=a_buyer("purchaser", one.account), at=day("2024-02-01"))
    with pytest.raises(AutoRenewalNotSupported):
        change_plan(saas.app, PlanWish("auto"), by=saas.by, at=day("2024-02-01"))
    Account.objects.filter(pk=one.by.account_id).update(frozen_at=day("2024-02-01"))
    with pytest.raises(NotRenewable, match="frozen"):
        change_plan(one.app, PlanWish("auto"), by=one.by, at=day("2024-02-01"))
    Account.objects.update(frozen_at=None)
    timers.run(day("2024-03-02"))
    with pytest.raises(DomainError, match="by hand first"):
        change_plan(one.app, PlanWish("auto"), by=one.by, at=day("2024-03-02"))


def test_two_cards_the_default_one_pays(timers):
    one = a_running(day("2024-01-31"), auto_renew=True)
    other = bind_card(one.account, SandboxGateway().enter_card("success"), by=one.by, at=day("2024-02-01"))
    make_default_card(other, by=one.by)
    timers.run(three("2024-02-22"))
    assert Payment.objects.get(allocations__order__kind="renewal").card == other
