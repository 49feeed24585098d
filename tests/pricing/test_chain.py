"""From the catalogue to the journal: for any deal the same amount everywhere, and nothing is lost on the way.

quote = order = charge at the processor = receipt = what is held; completion gives away exactly what was held; what goes
back is never more than was paid, and once all of it is back no account remembers the order (issue: Proof; RULES 6, 7, 9).
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from billing import ledger
from billing.choices import EntryKind, Ledger
from billing.documents import receipt_pdf
from billing.models import AccountBalance, CreditLine, Posting, Refund, SandboxCharge
from billing.services import PaymentRequest, consent_to_refund, pay_order, propose_refund
from catalog.models import UpgradeRule
from koogallery.kernel import clock
from koogallery.kernel.books import breaches
from koogallery.kernel.errors import InvalidInput
from koogallery.kernel.money import Money, minor_digits
from koogallery.kernel.quiet import run_until_quiet
from orders.choices import OrderKind, OrderStatus
from orders.deployments import DeploymentWish
from orders.models import Order, Subscription
from orders.services import (
    Placement,
    RenewalWish,
    UpgradeWish,
    cancel_order,
    delivery_done,
    place_order,
    place_renewal,
    place_upgrade,
    quote_for_renewal,
    quote_upgrade,
)
from pricing.errors import CouponInvalid, UpgradeNotAllowed
from pricing.models import Coupon, CouponUse
from pricing.services import quote_purchase
from pricing.values import Duration, LineKind, Quote, QuoteLine
from tests.orders.conftest import NotingDeliverer
from tests.pricing.deals import ENOUGH, Deal, Listing, Made, Reduction, deals, make

# What an order may have to its credit, never to its debit, and what a buyer's money stands on before.
OWED_TO = (
    Ledger.HELD,
    Ledger.COUPONS_HELD,
    Ledger.SELLER_PAYABLE,
    Ledger.SERVICE_FEES,
    Ledger.TAX,
    Ledger.REFUNDS_OWED,
)
SOURCES = (Ledger.GATEWAY, Ledger.BALANCE, Ledger.RECEIVABLE, Ledger.RESELLER_OWES)

# How an order ends, as it is drawn: shares of what is left that operations refund before and after completion.
SHARES = st.lists(st.integers(1, 999), max_size=4)


class DeployingDeliverer(NotingDeliverer):
    """The same for an image, whose order says how its servers are to be."""

    deploys = True


@pytest.fixture(autouse=True)
def _delivered_by_a_noting_deliverer(settings):
    settings.FULFILMENT = {
        ("saas", False): ["tests.orders.conftest.NotingDeliverer"],
        ("image", False): ["tests.pricing.test_chain.DeployingDeliverer"],
    }
    settings.REFUND_CONSENT_ABOVE = Decimal("10.00")


def quickly(examples: int, *, shrink: bool = False):
    """Few examples on a busy core, each some hundred rows in a savepoint of its own; only the long run looks for the
    smallest deal that fails, which takes minutes."""
    slow = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
    phases = [one for one in Phase if one is not Phase.explain and (shrink or one is not Phase.shrink)]
    return settings(max_examples=examples, deadline=None, suppress_health_check=slow, phases=phases)


@contextmanager
def rolled_back() -> Iterator[None]:
    """One example; the database's own deferred checks run before it is taken back."""
    example = transaction.atomic()
    # As for a TestCase's own transaction: what would commit durably stands below it.
    example._from_testcase = True
    with example:
        yield
        connection.check_constraints()
        transaction.set_rollback(True)


# The factories keep no listings, and the deliverer here makes no servers.
OF_OTHERS = ("listing_repeats_prices", "paid_images_have_their_servers")


def books_are_right() -> None:
    run_until_quiet()
    assert [str(one) for one in breaches() if one.invariant.name not in OF_OTHERS] == []


def is_whole(money: Money) -> bool:
    """Whether it has no fraction of a minor unit."""
    return money == money.rounded()


def check_quote(quote: Quote) -> None:
    parts = (quote.list_price, quote.discount, quote.coupon, quote.tax, quote.payable)
    assert all(part.amount >= 0 and not part.amount.is_signed() for part in parts)
    assert all(is_whole(one.amount) for one in quote.lines)
    assert all(is_whole(part) for part in parts)
    assert Money.total((one.amount for one in quote.lines), quote.currency) == quote.payable
    assert quote.list_price - quote.discount - quote.coupon + quote.tax == quote.payable


def check_receipt(order: Order, quote: Quote) -> None:
    """The PDF's text has every line's amount in the quote's order, then the total."""
    pages = PdfReader(io.BytesIO(receipt_pdf(order))).pages
    text = "".join("".join(page.extract_text() for page in pages).split())
    for printed in [*(one.amount for one in quote.lines), quote.payable]:
        _before, found, text = text.partition(printed.display().replace(" ", ""))
        assert found, printed


def balances(order: Order) -> dict[Ledger, Money]:
    """Every ledger that the order has postings on."""
    return {name: ledger.balance_of(order, name) for name in Ledger}


def check_sides(order: Order) -> None:
    """No party has less than nothing of the order, no posting a fraction, and all sides cancel out."""
    standing = balances(order)
    assert not Money.total(standing.values(), order.currency)
    assert all(standing[name].amount <= 0 for name in OWED_TO), standing
    assert all(standing[name].amount >= 0 for name in SOURCES if name is not Ledger.BALANCE), standing
    assert all(is_whole(one.money) for one in Posting.objects.filter(entry__order=order))
    # A refund takes from those who had the money, and gives nothing to any of them by a rounding.
    moved = Posting.objects.filter(entry__order=order, entry__kind=EntryKind.REFUND_OWED)
    assert all(one.amount > 0 for one in moved.exclude(ledger=Ledger.REFUNDS_OWED))


def place(made: Made) -> tuple[Quote, Order]:
    """The order at the signed quote, with the coupon where it may be used."""
    code = made.coupon.code if made.coupon else ""
    try:
        quote = quote_purchase(made.request, account=made.account, coupon=code)
    except CouponInvalid:
        code = ""
        quote = quote_purchase(made.request, account=made.account)
        of_the_product = [one.amount for one in quote.lines if not one.item and one.kind != LineKind.TAX]
        left = Money.total(of_the_product, quote.currency)
        assert not left, "a coupon is refused only where nothing is to be paid for the product"
    check_quote(quote)
    wish = DeploymentWish(password="Correct-horse-7") if made.request.server else None
    placement = Placement(made.request, agreements_accepted=True, quote=quote.token, coupon=code, deployment=wish)
    order = place_order(placement, account=made.account, by=made.by)
    assert [QuoteLine.from_json(one) for one in order.quote["lines"]] == list(quote.lines)
    assert order.payable_money == quote.payable
    assert Money.total((line.money for line in order.lines.all()), order.currency) == quote.payable
    assert all(line.amount >= 0 and is_whole(line.money) for line in order.lines.all())
    if code:
        assert CouponUse.objects.get().status == ("reserved" if order.is_payable else "spent")
        assert Coupon.objects.get().remaining == Coupon.objects.get().value - CouponUse.objects.get().taken
    return quote, order


def taken_from_buyer(made: Made) -> Money:
    """What the means of payment themselves say was taken, net of what went back."""
    currency = made.account.currency
    match made.method:
        case "card":
            rows = SandboxCharge.objects.filter(outcome="succeeded")
            amount = sum((one.amount * (-1 if one.refund_of_id else 1) for one in rows), Decimal(0))
        case "balance":
            amount = ENOUGH - AccountBalance.objects.get().amount
        case "monthly_settlement":
            amount = CreditLine.objects.get().used
        case _:
            amount = ledger.owed_by(made.account.reseller, currency).amount
    return Money(amount, currency)


def pay(made: Made, quote: Quote, order: Order) -> Order:
    if order.is_payable:
        pay_order(order, PaymentRequest(made.method), by=made.by)
    order = fresh(order)
    assert order.status == OrderStatus.PROCESSING
    assert taken_from_buyer(made) == quote.payable == ledger.held_for(order)
    check_sides(order)
    if made.account.reseller_id is None:
        check_receipt(order, quote)
    return order


def fresh(order: Order) -> Order:
    return Order.objects.select_related("account", "seller", "product").get(pk=order.pk)


def refund(made: Made, order: Order, amount: Money | None) -> None:
    proposal = propose_refund(order, amount, reason="Asked for.", by=made.operator)
    if proposal.status == "awaiting_consent":
        consent_to_refund(proposal, by=made.second)
    run_until_quiet()


def refund_in_parts(made: Made, order: Order, paid: Money, shares: list[int]) -> None:
    """Refund some of what is left, again and again; a minor unit more than is left is refused."""
    from billing.services.releasing import refundable

    unit = Decimal(1).scaleb(-minor_digits(order.currency))
    for share in shares:
        left = refundable(order)
        with pytest.raises(InvalidInput):
            propose_refund(order, left + Money(unit, order.currency), reason="Too much.", by=made.operator)
        part = (left * (Decimal(share) / 1000)).rounded()
        if not part or part == left:
            continue
        refund(made, order, part)
        assert refundable(order) == left - part
        back = sum((one.amount for one in Refund.objects.all()), Decimal(0))
        assert taken_from_buyer(made).amount == paid.amount - back >= 0
        check_sides(order)


def complete(made: Made, order: Order) -> None:
    """The seller, we and the tax office get what was held, to the minor unit."""
    held = ledger.held_for(order)
    worth = -ledger.balance_of(order, Ledger.COUPONS_HELD)
    delivery_done(order, deliverer="noting", accepted=False, by=made.operator, at=clock.now())
    kinds = {EntryKind.RELEASE: held, EntryKind.COUPON_EARNED: worth}
    for kind, what in kinds.items():
        rows = [
            ledger.balance_of(order, name, [kind]) for name in (Ledger.SELLER_PAYABLE, Ledger.SERVICE_FEES, Ledger.TAX)
        ]
        own = ledger.balance_of(order, Ledger.COUPONS, [kind])
        assert -Money.total([*rows, own], order.currency) == what
    assert not ledger.held_for(order)
    assert not ledger.balance_of(order, Ledger.COUPONS_HELD)
    check_sides(order)


def check_nothing_is_left(made: Made, order: Order) -> None:
    """Paid and given back in whole: it is as if it had never been."""
    assert {name: str(left) for name, left in balances(order).items() if left} == {}
    assert not taken_from_buyer(made)
    assert all(coupon.remaining == coupon.value for coupon in Coupon.objects.all())


def check_chain(deal: Deal, before: list[int], completes: bool, after: list[int], whole: bool) -> None:
    made = make(deal)
    quote, order = place(made)
    order = pay(made, quote, order)
    paid = quote.payable
    refund_in_parts(made, order, paid, before)
    if completes:
        complete(made, fresh(order))
        refund_in_parts(made, order, paid, after)
    if whole and paid:
        refund(made, order, None)
        assert fresh(order).status == OrderStatus.REFUNDED
        check_nothing_is_left(made, order)
    books_are_right()


CHAIN = {"deal": deals(), "before": SHARES, "completes": st.booleans(), "after": SHARES, "whole": st.booleans()}


@given(**CHAIN)
@quickly(25)
def test_any_deal_costs_the_same_everywhere_and_comes_back_whole(db, deal, before, completes, after, whole):
    with rolled_back():
        check_chain(deal, before, completes, after, whole)


@pytest.mark.long
@given(**CHAIN)
@quickly(1_000, shrink=True)
def test_a_thousand_deals_cost_the_same_everywhere(db, deal, before, completes, after, whole):
    with rolled_back():
        check_chain(deal, before, completes, after, whole)


def changed(made: Made, quote: Quote, order: Order, taken: Money) -> Order:
    """A renewal or upgrade of what was bought is paid at its quote too, and the seller, we and the tax office get that.

    Args:
        taken: from the buyer before.
    """
    assert [QuoteLine.from_json(one) for one in order.quote["lines"]] == list(quote.lines)
    assert order.payable_money == quote.payable == Money.total((one.money for one in order.lines.all()), order.currency)
    if order.is_payable:
        pay_order(order, PaymentRequest(made.method), by=made.by)
    order = fresh(order)
    assert taken_from_buyer(made) == taken + quote.payable
    if order.kind == OrderKind.UPGRADE:
        assert ledger.held_for(order) == quote.payable
        complete(made, order)
    parties = (Ledger.SELLER_PAYABLE, Ledger.SERVICE_FEES, Ledger.TAX)
    release = Money.total((ledger.balance_of(order, one, [EntryKind.RELEASE]) for one in parties), order.currency)
    assert -release == quote.payable
    check_sides(order)
    if made.account.reseller_id is None:
        check_receipt(fresh(order), quote)
    return fresh(order)


def upgraded(deal: Deal, made: Made, app: Subscription, more: int) -> Order | None:
    """So many steps more, and the better edition; None where the rules allow no such upgrade."""
    UpgradeRule.objects.create(specification=made.specification, attributes=["users", "edition"])
    wanted: dict[str, str | int] = {"edition": "pro"} if deal.edition == "basic" else {}
    if deal.listing.counted:
        _low, high, step = deal.listing.counted
        wanted["users"] = min(high, deal.count + step * more)
    taken = taken_from_buyer(made)
    try:
        quote = quote_upgrade(app, UpgradeWish(wanted, coupon=code_of(made)), account=made.account)
    except UpgradeNotAllowed:
        return None
    except CouponInvalid:
        quote = quote_upgrade(app, UpgradeWish(wanted), account=made.account)
    check_quote(quote)
    wish = UpgradeWish(wanted, quote=quote.token, coupon=quote.applied.coupon)
    return changed(made, quote, place_upgrade(app, wish, by=made.by), taken)


def renewed(deal: Deal, made: Made, app: Subscription, term: int, day: int) -> Order:
    """Another term, and the days to a renewal date."""
    [unit] = {"monthly": ["month"], "yearly": ["year"]}[deal.listing.mode]
    wish = RenewalWish(Duration(min(term, 9 if unit == "month" else 3), unit), day)
    taken = taken_from_buyer(made)
    try:
        quote = quote_for_renewal(app, replace(wish, coupon=code_of(made)), account=made.account)
    except CouponInvalid:
        quote = quote_for_renewal(app, wish, account=made.account)
    check_quote(quote)
    wish = replace(wish, quote=quote.token, coupon=quote.applied.coupon)
    return changed(made, quote, place_renewal(app, wish, by=made.by), taken)


def code_of(made: Made) -> str:
    return made.coupon.code if made.coupon else ""


def app_of(order: Order) -> Subscription:
    rows = Subscription.objects.select_related("product__seller", "specification", "line__order")
    return rows.get(line__order=order)


def check_changes(deal: Deal, more: int, term: int, day: int) -> None:
    made = make(deal)
    quote, base = place(made)
    base = pay(made, quote, base)
    complete(made, base)
    orders = [fresh(base), upgraded(deal, made, app_of(base), more), renewed(deal, made, app_of(base), term, day)]
    books_are_right()
    for order in reversed([one for one in orders if one is not None]):
        refund(made, order, None)
        assert fresh(order).status == OrderStatus.REFUNDED
    for order in [one for one in orders if one is not None]:
        check_nothing_is_left(made, order)
    books_are_right()


CHANGES = {
    "deal": deals(("monthly", "yearly"), images=False),
    "more": st.integers(0, 40),
    "term": st.integers(1, 9),
    "day": st.sampled_from([0, 1, 15, 28, 31]),
}


@given(**CHANGES)
@quickly(8)
def test_upgrades_and_renewals_cost_the_same_everywhere_and_come_back_whole(db, deal, more, term, day):
    with rolled_back():
        check_changes(deal, more, term, day)


@pytest.mark.long
@given(**CHANGES)
@quickly(300, shrink=True)
def test_hundreds_of_upgrades_and_renewals_cost_the_same_everywhere(db, deal, more, term, day):
    with rolled_back():
        check_changes(deal, more, term, day)


@given(deal=deals())
@quickly(15)
def test_a_cancelled_deal_leaves_nothing(db, deal):
    with rolled_back():
        made = make(deal)
        _quote, order = place(made)
        if order.is_payable:
            cancel_order(order, by=made.by)
            check_nothing_is_left(made, order)
        books_are_right()


@pytest.mark.parametrize("before_completion", [0, 1, 2])
def test_refunds_in_the_smallest_parts_give_nobody_anything(db, before_completion):
    """Five yen and one of tax: after four refunds of one yen we and the tax office have one left each, the seller none."""
    listing = Listing("JPY", "one_time", "linear", Decimal(5), (), None, None, False)
    deal = Deal(listing, Reduction(None, None, False, Decimal(10)), 0, "basic", 1, 1, "card", Decimal(15))
    made = make(deal)
    quote, order = place(made)
    order = pay(made, quote, order)
    assert quote.payable == Money(Decimal(6), "JPY")
    for number in range(5):
        if number == before_completion:
            complete(made, fresh(order))
        refund(made, order, Money(Decimal(1), "JPY"))
        check_sides(order)
    refund(made, order, None)
    check_nothing_is_left(made, order)
    books_are_right()
