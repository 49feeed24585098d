"""Many at once on real Postgres connections: numbers have no gap, an order is invoiced once, a decision is one."""

import random

import pytest
from django.db import transaction

from billing.invoices.models import Invoice, InvoiceDocument, IssuerCounter
from billing.invoices.services import approve_application, cancel_application, carry_out_issue, finish_return
from billing.invoices.services.returning import ask_return
from koogallery.kernel import clock
from koogallery.kernel.books import breaches
from tests.billing import cloud
from tests.billing.conftest import a_shopper
from tests.billing.invoicing import applied, completed, issued
from tests.factories import a_specification, an_operator
from tests.supervision.test_races import at_once, done

pytestmark = pytest.mark.django_db(transaction=True)
INVOICES, THREADS = 24, 8


class Broken(Exception):
    """Something failed after the number was given."""


@pytest.fixture
def shop(settings):
    settings.FULFILMENT = cloud.FULFILMENT
    one = a_shopper()
    one.specification = a_specification(saas=True)
    one.card()
    return one


def test_numbers_are_given_without_a_gap_whatever_fails_beside_them(shop):
    numbers = [applied(shop, completed(shop)).number for _ in range(INVOICES)]
    for number in numbers:
        approve_application(Invoice.objects.get(number=number), by=shop.operator)
    draw = random.Random(4711)
    portions = [draw.sample(numbers, INVOICES) for _ in range(THREADS)]

    def work(portion, fails):
        for turn, number in enumerate(portion):
            try:
                with transaction.atomic():
                    carry_out_issue(number, at=clock.now())
                    if turn % 4 == fails:
                        raise Broken
            except Broken:
                continue

    at_once(*[lambda portion=portion, fails=fails % 5: work(portion, fails) for fails, portion in enumerate(portions)])
    for number in numbers:
        carry_out_issue(number, at=clock.now())
    given = sorted(InvoiceDocument.objects.values_list("sequence", flat=True))
    assert given == list(range(1, INVOICES + 1))
    assert IssuerCounter.objects.get().last == INVOICES
    dates = [one.issued_at for one in InvoiceDocument.objects.order_by("sequence")]
    assert dates == sorted(dates)
    assert not [str(one) for one in breaches() if "invoice" in one.invariant.name]


def test_an_order_is_applied_for_once(shop):
    order = completed(shop)
    outcomes = at_once(*[lambda: applied(shop, order)] * 4)
    assert done(outcomes) == 1
    assert Invoice.objects.count() == 1


def test_canceling_and_approving_at_once_end_in_one_of_both(shop):
    invoice = applied(shop, completed(shop))
    outcomes = at_once(
        lambda: cancel_application(invoice, by=shop.by), lambda: approve_application(invoice, by=shop.operator)
    )
    assert done(outcomes) == 1


def test_a_return_is_finished_once(shop):
    invoice = issued(applied(shop, completed(shop)))
    ask_return(invoice, reason="Wrong", by=shop.by)
    operator = an_operator()
    assert done(at_once(*[lambda: finish_return(invoice, by=operator)] * 4)) == 1
    assert InvoiceDocument.objects.filter(kind="credit_note").count() == 1
