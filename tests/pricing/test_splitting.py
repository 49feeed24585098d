"""Splitting a term or an upgrade never costs less than the rules say (issue: Proof; RULES 6, 7). Pure.

What the rules allow, precisely:

* A list price is proportional to the number of months or years, before rounding. Each line of a quote is rounded once,
  half up. So n purchases of parts of a term cost what one purchase of all of it costs, give or take what n + 1 quotes may
  lose or gain by their own roundings (`rounding` says how much), and not a minor unit less.
* A coupon makes no part cheaper than the whole: cash is what is left of it, whichever order takes it; a discount coupon is
  used once, and a minimum spend is reached by the whole first.
* An upgrade costs (new - old) x remaining, rounded once, with all units at the price of the total's tier where the price
  is tiered. By linear and tiered prices two steps on one day therefore cost what one step costs, but for three roundings. By volume, RULES 7 has only the added units paid, at the unit price that
  the new total reaches: two steps differ from one by exactly (units of the first step) x (unit price after the first step -
  unit price after both) x remaining. Where more units are cheaper, as sellers do, splitting costs more; a seller whose
  units get dearer with their number has asked for the contrary.
* A step that is taken later costs less by the days that passed, and by nothing else: that time was not used.
"""

import itertools
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from koogallery.kernel.money import Money, minor_digits, round_money
from pricing.errors import CouponInvalid
from pricing.reductions import CouponFacts, DiscountFacts, PriceContext, TaxFacts
from pricing.remaining import remaining_months, remaining_years
from pricing.rules import quote_purchase
from pricing.upgrades import UpgradeFacts, quote_upgrade
from pricing.values import AttributeFacts, Duration, PriceFacts, Quote, QuoteRequest, SpecificationFacts
from tests.pricing.deals import CURRENCIES, amounts, percents

AT = datetime(2026, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)
MOST = 1_000
USERS = AttributeFacts("users", "Number of Users", "quantity", "1", "user", (), 1, MOST, 1)
EDITION = AttributeFacts("edition", "Edition", "enumerated", "basic", "", (("basic", "Basic"), ("pro", "Professional")))
HALF = Decimal("0.5")

quickly = settings(max_examples=200, deadline=None)


@st.composite
def sold(draw: st.DrawFn, *, mode: str = "monthly") -> SpecificationFacts:
    scheme = draw(st.sampled_from(["linear", "tiered", "volume"]))
    starts = sorted(draw(st.sets(st.integers(2, MOST), min_size=1, max_size=4))) if scheme != "linear" else []
    price = PriceFacts(
        draw(amounts(10_000)),
        "users",
        scheme,
        tuple((start, draw(amounts(10_000))) for start in starts),
        {("edition", "pro"): draw(amounts(100))},
    )
    return SpecificationFacts(
        1, "Team", draw(st.sampled_from(CURRENCIES)), {mode: price}, (USERS, EDITION), max_quantity=20, longest_years=3
    )


def unit(currency: str) -> Decimal:
    return Decimal(1).scaleb(-minor_digits(currency))


def rounding(lines: int, context: PriceContext) -> Decimal:
    """By how many minor units one quote may differ from what it would be without any rounding.

    Half a unit for each charge, less the discount on it; half for the discount; the tax on both, and half for the tax.
    """
    net = HALF * lines
    if context.discounts:
        net = net * (1 - context.discounts[0].percent / 100) + HALF
    return net * (1 + context.tax.rate) + HALF if context.tax else net


@st.composite
def contexts(draw: st.DrawFn) -> PriceContext:
    discount = draw(st.none() | percents())
    tax = draw(st.none() | percents("0"))
    return PriceContext(
        discounts=(DiscountFacts(1, "promotional", "Autumn", discount),) if discount else (),
        tax=TaxFacts("GST", tax / 100) if tax else None,
    )


def quoted(
    of: SpecificationFacts, count: int, months: int, quantity: int, edition: str, context: PriceContext
) -> Quote:
    wanted = {"users": count, "edition": edition}
    request = QuoteRequest(1, "monthly", Duration(months, "month"), quantity, wanted)
    try:
        return quote_purchase(of, request, context=context, at=AT, lifetime=DAY)
    except CouponInvalid:
        return quote_purchase(of, request, context=replace(context, coupon=None), at=AT, lifetime=DAY)


def cost(of: SpecificationFacts, count: int, months: int, quantity: int, edition: str, context: PriceContext) -> Money:
    return quoted(of, count, months, quantity, edition, context).payable


@given(
    of=sold(),
    count=st.integers(1, MOST),
    parts=st.lists(st.integers(1, 8), min_size=2, max_size=9).filter(lambda some: sum(some) <= 9),
    quantity=st.integers(1, 20),
    edition=st.sampled_from(["basic", "pro"]),
    context=contexts(),
)
@quickly
def test_a_term_in_parts_costs_what_the_whole_costs_but_for_their_roundings(
    of, count, parts, quantity, edition, context
):
    whole = cost(of, count, sum(parts), quantity, edition, context)
    split = Money.total((cost(of, count, months, quantity, edition, context) for months in parts), of.currency)
    lines = 2 if edition == "pro" else 1
    allowed = (len(parts) + 1) * rounding(lines, context) * unit(of.currency)
    assert abs(split.amount - whole.amount) <= allowed


@given(
    of=sold(),
    count=st.integers(1, MOST),
    parts=st.lists(st.integers(1, 8), min_size=2, max_size=9).filter(lambda some: sum(some) <= 9),
    quantity=st.integers(1, 20),
    edition=st.sampled_from(["basic", "pro"]),
    context=contexts(),
    kind=st.sampled_from(["cash", "discount"]),
    value=st.one_of(amounts(10_000), percents()),
    minimum=st.one_of(st.just(Decimal(0)), amounts(10_000)),
)
@quickly
def test_a_coupon_makes_no_part_of_a_term_cheaper_than_the_whole(
    of, count, parts, quantity, edition, context, kind, value, minimum
):
    worth = round_money(value, of.currency) if kind == "cash" else min(value, Decimal(100))
    assume(worth)
    ends = {"valid_from": AT - DAY, "valid_until": AT + DAY, "combines_with": frozenset({"promotional"})}
    coupon = CouponFacts("ABCDEFGHJKLMNPQR", kind, of.currency, worth, round_money(minimum, of.currency), **ends)
    whole = cost(of, count, sum(parts), quantity, edition, replace(context, coupon=coupon))
    split, left = Money.zero(of.currency), coupon
    # The largest part first: where a coupon is used once, nobody could use it better.
    for months in sorted(parts, reverse=True):
        part = quoted(of, count, months, quantity, edition, replace(context, coupon=left))
        split += part.payable
        if part.applied.coupon:
            rest = left.value - part.coupon.amount if kind == "cash" else left.value
            left = replace(left, value=rest, usable=kind == "cash" and rest > 0)
    lines = 2 if edition == "pro" else 1
    # The coupon's own rounding beside those of every quote.
    allowed = (len(parts) + 1) * (rounding(lines, context) + 1) * unit(of.currency)
    assert split.amount >= whole.amount - allowed
    if kind == "cash" and not minimum:
        assert split.amount <= whole.amount + allowed


# --- upgrades -----------------------------------------------------------------------------------------------------------


def upgrade(
    of: SpecificationFacts,
    old: tuple[int, str],
    new: tuple[int, str],
    change: date,
    expiry: date,
    mode: str,
    context: PriceContext,
) -> Money:
    before, after = ({"users": count, "edition": edition} for count, edition in (old, new))
    assume(before != after)
    running = UpgradeFacts(of, mode, before, 1, frozenset({"users", "edition"}), change, expiry, MOST, "upgrade:x")
    # A larger configuration that lists for less is refused, which is another test's.
    assume(of.prices[mode].scheme == "volume" or reckoned(of, mode, *new) >= reckoned(of, mode, *old))
    return quote_upgrade(running, after, context=context, at=AT, lifetime=DAY).payable


def of_the_cost(context: PriceContext) -> Decimal:
    """What is paid of a cost before discount and tax."""
    share = 1 - context.discounts[0].percent / 100 if context.discounts else Decimal(1)
    return share * (1 + context.tax.rate) if context.tax else share


def upgrade_rounding(context: PriceContext) -> Decimal:
    """By how many minor units one upgrade may differ: the cost less the discount is rounded once, the tax on it once."""
    return HALF * (1 + context.tax.rate) + HALF if context.tax else HALF


def unit_price(price: PriceFacts, count: int) -> Decimal:
    """RULES 9, by volume: all units at the price of the tier that the total reaches."""
    return max((tier for tier in price.tiers if tier[0] <= count), default=(0, price.amount))[1]


def listed(of: SpecificationFacts, mode: str, count: int, edition: str) -> Decimal:
    """One period's list price, reckoned unit by unit: each at its own tier's price, or all at the last one's."""
    price = of.prices[mode]
    extra = price.surcharges[("edition", "pro")] * count if edition == "pro" else Decimal(0)
    if price.scheme == "volume":
        return unit_price(price, count) * count + extra
    edges = [1, *(start for start, _amount in price.tiers), count + 1]
    of_tiers = [price.amount, *(amount for _start, amount in price.tiers)]
    units = [max(0, min(end, count + 1) - start) for start, end in itertools.pairwise(edges)]
    return sum((amount * number for amount, number in zip(of_tiers, units, strict=True)), Decimal(0)) + extra


def reckoned(of: SpecificationFacts, mode: str, count: int, edition: str) -> Decimal:
    """One period as an upgrade sets it off (RULES 7): a tiered price is the unit price of the total x the total."""
    price = of.prices[mode]
    if price.scheme != "tiered":
        return listed(of, mode, count, edition)
    extra = price.surcharges[("edition", "pro")] * count if edition == "pro" else Decimal(0)
    return unit_price(price, count) * count + extra


STEPS = {
    "counts": st.lists(st.integers(1, MOST), min_size=3, max_size=3).map(sorted),
    "editions": st.sampled_from([("basic",) * 3, ("basic", "basic", "pro"), ("basic", "pro", "pro"), ("pro",) * 3]),
    "change": st.dates(date(2024, 1, 1), date(2030, 1, 1)),
    "left": st.integers(1, 1_100),
    "context": contexts(),
}


@given(of=st.one_of(sold(), sold(mode="yearly")), **STEPS)
@quickly
def test_an_upgrade_in_two_steps_costs_what_one_costs_but_for_what_volume_says(
    of, counts, editions, change, left, context
):
    [mode] = of.prices
    first, second, third = zip(counts, editions, strict=True)
    expiry = change + timedelta(days=left)
    split = upgrade(of, first, second, change, expiry, mode, context)
    split += upgrade(of, second, third, change, expiry, mode, context)
    once = upgrade(of, first, third, change, expiry, mode, context)
    remaining = (remaining_months if mode == "monthly" else remaining_years)(change, expiry)
    price, rule = of.prices[mode], Decimal(0)
    if price.scheme == "volume":
        dearer = unit_price(price, counts[1]) - unit_price(price, counts[2])
        rule = (counts[1] - counts[0]) * dearer * remaining * of_the_cost(context)
    allowed = 3 * upgrade_rounding(context) * unit(of.currency)
    assert abs(split.amount - once.amount - rule) <= allowed + Decimal("1e-12")
    falling = all(after <= before for before, after in zip(_amounts(price), _amounts(price)[1:], strict=False))
    if price.scheme != "volume" or falling:
        assert split.amount >= once.amount - allowed


def _amounts(price: PriceFacts) -> list[Decimal]:
    return [price.amount, *(amount for _start, amount in price.tiers)]


@given(of=st.one_of(sold(), sold(mode="yearly")), later=st.integers(0, 400), **STEPS)
@quickly
def test_a_step_taken_later_costs_less_by_the_days_that_passed_only(of, later, counts, editions, change, left, context):
    [mode] = of.prices
    first, _second, third = zip(counts, editions, strict=True)
    expiry = change + timedelta(days=left)
    assume(later <= left)
    then = change + timedelta(days=later)
    rest = remaining_months if mode == "monthly" else remaining_years
    price = of.prices[mode]
    if price.scheme == "volume" and third[0] > first[0]:
        extra = price.surcharges[("edition", "pro")]
        surcharged = extra * ((third[1] == "pro") * third[0] - (first[1] == "pro") * first[0])
        a_period = unit_price(price, third[0]) * (third[0] - first[0]) + surcharged
    else:
        a_period = reckoned(of, mode, *third) - reckoned(of, mode, *first)
    now, afterwards = (upgrade(of, first, third, day, expiry, mode, context).amount for day in (change, then))
    passed = a_period * (rest(change, expiry) - rest(then, expiry)) * of_the_cost(context)
    assert passed >= 0
    assert abs(now - afterwards - passed) <= 2 * upgrade_rounding(context) * unit(of.currency) + Decimal("1e-12")


@given(change=st.dates(date(2024, 1, 1), date(2030, 1, 1)), parts=st.lists(st.integers(0, 500), min_size=2, max_size=4))
@quickly
def test_what_remains_of_a_term_is_the_sum_of_its_parts(change, parts):
    days = [change]
    for part in parts:
        days.append(days[-1] + timedelta(days=part))
    for rest in (remaining_months, remaining_years):
        whole = rest(days[0], days[-1])
        assert abs(whole - sum(rest(one, other) for one, other in itertools.pairwise(days))) < Decimal("1e-20")
