"""Two at once: exactly one effect, and nobody waits for ever."""

import threading
from dataclasses import replace

import pytest
from django.db import connection

from accounts.models import Reveal
from billing.models import Payment
from billing.services import PaymentRequest, pay_order
from koogallery.kernel.errors import DomainError
from orders.models import Order
from supervision import services
from supervision.models import FlowRecord, FlowTemplate
from tests.supervision.conftest import make_deal

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _templates(transactional_db: None) -> None:
    """The flush of transactional tests takes the first templates, which a migration made, with it."""
    FlowTemplate.objects.get_or_create(flow_type="license", version=1, defaults={"appeal_on_acceptance_after": 2})


def at_once(*acts) -> list[object]:
    """Run the acts in threads that start together; what each returned or was refused with."""
    barrier, outcomes = threading.Barrier(len(acts)), [None] * len(acts)

    def run(number: int, act) -> None:
        barrier.wait()
        try:
            outcomes[number] = act()
        except DomainError as refused:
            outcomes[number] = refused
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(number, act)) for number, act in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert not any(thread.is_alive() for thread in threads)
    return outcomes


def done(outcomes: list[object]) -> int:
    return sum(not isinstance(one, DomainError) for one in outcomes)


def test_accepting_twice_accepts_once():
    deal = make_deal()
    services.deliver(deal.flow, note="Key.", by=deal.seller)
    outcomes = at_once(*[lambda: services.accept_delivery(deal.flow, by=deal.buyer)] * 4)
    assert done(outcomes) == 1
    assert FlowRecord.objects.filter(action="accept").count() == 1


def test_accepting_and_rejecting_at_once_does_one():
    deal = make_deal()
    services.deliver(deal.flow, note="Key.", by=deal.seller)
    outcomes = at_once(
        lambda: services.accept_delivery(deal.flow, by=deal.buyer),
        lambda: services.reject_delivery(deal.flow, reason="No.", by=deal.buyer),
    )
    assert done(outcomes) == 1


def test_paying_an_order_in_many_tabs_charges_once():
    from accounts.models import Account
    from orders.services import Placement, place_order
    from pricing.rules import Duration, QuoteRequest

    deal = make_deal()
    specification = deal.flow.order.lines.get().specification
    placement = Placement(QuoteRequest(specification.pk, "monthly", Duration(1, "month")), agreements_accepted=True)
    order = place_order(placement, account=Account.objects.get(pk=deal.buyer.account_id), by=deal.buyer)
    at_once(*[lambda: pay_order(order, PaymentRequest(), by=deal.buyer)] * 6)
    assert Payment.objects.filter(allocations__order=order, status="succeeded").count() == 1
    assert Order.objects.get(pk=order.pk).status == "processing"


def test_secrets_asked_for_at_once_do_not_slip_through_the_throttle(settings):
    settings.REVEALS_PER_HOUR = 2
    deals = [make_deal() for _ in range(4)]
    for one in deals:
        services.deliver(one.flow, license_key="K-1", by=one.seller)
    person = deals[0].buyer.user_id

    def ask(one):
        return lambda: services.reveal_license_key(one.flow, round=1, by=replace(one.buyer, user_id=person))

    outcomes = at_once(*[ask(one) for one in deals])
    assert sorted(str(type(one).__name__) for one in outcomes) == ["Throttled", "Throttled", "str", "str"]
    assert Reveal.objects.count() == FlowRecord.objects.filter(action="reveal-license-key").count() == 2
