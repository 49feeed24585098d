"""Unsubscribing many times at once on real Postgres connections: one effect, one refund, and nobody waits for ever."""

from functools import partial

import pytest

from billing.invoices.models import Invoice
from billing.models import JournalEntry, Refund, SandboxCharge, Unsubscription
from billing.services import (
    PaymentRequest,
    approve_unsubscription,
    decline_unsubscription,
    pay_order,
    quote_unsubscription,
    unsubscribe,
)
from billing.services.unsubscribing import approve_due_unsubscription
from koogallery.kernel import clock
from koogallery.kernel.books import breaches
from koogallery.kernel.quiet import run_until_quiet
from orders.models import Order, Subscription
from orders.services import RenewalWish, place_renewal
from pricing.values import Duration
from tests.billing import cloud
from tests.billing.conftest import Shopper, a_shopper
from tests.billing.invoicing import applied
from tests.factories import a_specification
from tests.supervision.test_races import at_once, done

pytestmark = pytest.mark.django_db(transaction=True)
THREADS = 8


@pytest.fixture
def shop(settings) -> Shopper:
    settings.FULFILMENT = cloud.FULFILMENT
    cloud.RELEASED.clear()
    one = a_shopper()
    one.specification = a_specification(prices={"monthly": "100.00"}, image=True)
    one.card()
    return one


def bought(shop: Shopper) -> Subscription:
    order = pay_order(shop.order(), PaymentRequest(), by=shop.by)
    return Subscription.objects.get(line__order=order)


def books_are_right() -> None:
    run_until_quiet()
    assert [str(one) for one in breaches() if one.invariant.name != "listing_repeats_prices"] == []


@pytest.mark.parametrize("shown", [True, False], ids=["with one quote", "at what holds now"])
def test_eight_unsubscriptions_of_one_subscription_give_back_once(shop, shown):
    app = bought(shop)
    quote = quote_unsubscription(app).quote.token if shown else ""
    outcomes = at_once(*[lambda: unsubscribe(app, quote=quote, by=shop.by)] * THREADS)
    run_until_quiet()
    assert done(outcomes) == 1
    assert (Unsubscription.objects.count(), Order.objects.filter(kind="unsubscription").count()) == (1, 1)
    refund = Refund.objects.get()
    assert (refund.status, refund.amount) == ("succeeded", Unsubscription.objects.get().refund)
    assert SandboxCharge.objects.get(refund_of__isnull=False).amount == refund.amount
    assert JournalEntry.objects.filter(kind="refund_owed").count() == 1
    assert [app.public_id] == cloud.RELEASED
    books_are_right()


def test_a_review_is_decided_once_by_operators_and_the_timer_together(shop, settings):
    settings.UNSUBSCRIPTION_REVIEW_ABOVE = 1
    app = bought(shop)
    one = unsubscribe(app, by=shop.by)
    late = one.reviewed_until
    outcomes = at_once(
        *[partial(approve_unsubscription, one, by=shop.operator)] * 3,
        *[partial(decline_unsubscription, one, reason="No.", by=shop.operator)] * 3,
        *[partial(approve_due_unsubscription, one.pk, at=late, by=shop.operator)] * 2,
    )
    one = Unsubscription.objects.get()
    # The timer refuses nothing: it finds nothing left to do.
    assert done(outcomes[:6]) <= 1
    assert Refund.objects.count() == (one.status == "done")
    assert (one.status, Subscription.objects.get().status) in (("done", "closed"), ("declined", "enabled"))
    books_are_right()


def test_an_unsubscription_against_the_payment_of_a_renewal_gives_every_term_back_once(shop):
    app = bought(shop)
    renewal = place_renewal(app, RenewalWish(Duration(1, "month")), by=shop.by)
    at_once(
        *[partial(pay_order, renewal, PaymentRequest(), by=shop.by)] * 4,
        *[partial(unsubscribe, app, by=shop.by)] * 4,
    )
    books_are_right()
    renewal, app = Order.objects.get(pk=renewal.pk), Subscription.objects.get()
    assert renewal.paid_at is not None
    if app.status == "closed":
        assert sorted(Refund.objects.values_list("order__kind", flat=True)) == ["new", "renewal"]
        assert Refund.objects.get(order=renewal).amount == renewal.payable
    else:
        assert not Refund.objects.exists()
        unsubscribe(app, by=shop.by)
        books_are_right()


def test_an_invoice_is_not_applied_for_over_what_is_unsubscribed_beside_it(shop):
    app = bought(shop)
    at = clock.now()
    outcomes = at_once(*[lambda: applied(shop, app.line.order)] * 4, *[lambda: unsubscribe(app, by=shop.by, at=at)] * 4)
    books_are_right()
    assert done(outcomes[4:]) == 1
    assert Subscription.objects.get().status == "closed"
    kept = Order.objects.get(kind="new").payable - Refund.objects.get().amount
    for one in Invoice.objects.exclude(status="cancelled"):
        assert one.amount <= kept
