"""What something costs: linear, tiered, by volume; discounts, coupons, tax (RULES 6, 9). One row a sentence."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from koogallery.kernel.money import Money, minor_digits, round_money
from pricing.errors import CouponInvalid
from pricing.reductions import CouponFacts, DiscountFacts, PriceContext, TaxFacts, narrowest
from pricing.rules import quote_purchase
from pricing.values import AttributeFacts, Duration, LineKind, PriceFacts, QuoteRequest, SpecificationFacts

AT = datetime(2026, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)
USERS = AttributeFacts("users", "Number of Users", "quantity", "10", "user", (), 1, 1000, 1)
EDITION = AttributeFacts("edition", "Edition", "enumerated", "basic", "", (("basic", "Basic"), ("pro", "Professional")))
TIERS = ((11, Decimal("8.00")), (51, Decimal("5.00")))


def facts(scheme: str = "linear", amount: str = "10.00", currency: str = "USD", **price: object) -> SpecificationFacts:
    listed = PriceFacts(Decimal(amount), "users", scheme, TIERS if scheme != "linear" else (), **price)  # type: ignore[arg-type]
    return SpecificationFacts(1, "Team", currency, {"monthly": listed}, (USERS, EDITION), max_quantity=5)


def cost(of: SpecificationFacts, users: int, months: int = 1, quantity: int = 1, edition: str = "basic", **context):
    request = QuoteRequest(1, "monthly", Duration(months, "month"), quantity, {"users": users, "edition": edition})
    return quote_purchase(of, request, context=PriceContext(**context), at=AT, lifetime=DAY)


@pytest.mark.parametrize(
    ("scheme", "users", "amount", "text"),
    [
        ("linear", 15, "150.00", "$10.00 USD/user/month x 15 user(s) x 1 month(s)"),
        ("tiered", 10, "100.00", "(10 x $10.00 USD) for 10 user(s)/month x 1 month(s)"),
        ("tiered", 15, "140.00", "(10 x $10.00 USD + 5 x $8.00 USD) for 15 user(s)/month x 1 month(s)"),
        (
            "tiered",
            60,
            "470.00",
            "(10 x $10.00 USD + 40 x $8.00 USD + 10 x $5.00 USD) for 60 user(s)/month x 1 month(s)",
        ),
        ("volume", 10, "100.00", "$10.00 USD/user/month x 10 user(s) x 1 month(s)"),
        ("volume", 11, "88.00", "$8.00 USD/user/month x 11 user(s) x 1 month(s)"),
        ("volume", 51, "255.00", "$5.00 USD/user/month x 51 user(s) x 1 month(s)"),
    ],
)
def test_a_scheme_makes_the_price_and_says_how(scheme, users, amount, text):
    quote = cost(facts(scheme), users)
    assert (quote.payable.digits(), quote.lines[0].text) == (amount, text)


def test_a_choice_may_add_to_each_unit():
    quote = cost(facts(surcharges={("edition", "pro"): Decimal("3.00")}), 10, months=2, edition="pro")
    assert [line.amount.digits() for line in quote.lines] == ["200.00", "60.00"]
    assert quote.lines[1].text == "Edition: Professional, $3.00 USD/user/month x 10 user(s) x 2 month(s)"


def discount(pk: int, percent: str, **narrow: bool) -> DiscountFacts:
    return DiscountFacts(
        pk, "partner" if narrow.get("for_reseller") else "promotional", f"D{pk}", Decimal(percent), **narrow
    )


@pytest.mark.parametrize(
    ("sentence", "granted", "chosen"),
    [
        ("none", [], None),
        (
            "for the customer before for the product",
            [discount(1, "5", for_customer=True), discount(2, "50", for_product=True)],
            1,
        ),
        (
            "for the product before for the partner",
            [discount(1, "5", for_product=True), discount(2, "50", for_reseller=True)],
            1,
        ),
        ("for a seller before for everything", [discount(1, "50"), discount(2, "5", for_seller=True)], 2),
        ("among equals the larger", [discount(1, "5"), discount(2, "50")], 2),
        ("among equals of one size the older", [discount(2, "5"), discount(1, "5")], 1),
    ],
)
def test_one_discount_counts_the_narrowest(sentence, granted, chosen):
    found = narrowest(granted)
    assert (found.id if found else None) == chosen


def coupon(**fields: object) -> CouponFacts:
    values = {
        "code": "ABCDEFGHJKLMNPQR", "kind": "cash", "currency": "USD", "value": Decimal("30"), "minimum_spend": Decimal(0),
        "valid_from": AT - DAY, "valid_until": AT + DAY, "combines_with": frozenset({"promotional"}),
    }  # fmt: skip
    return CouponFacts(**values | fields)  # type: ignore[arg-type]


def test_discount_coupon_and_tax_stand_below_the_charges_and_add_up():
    quote = cost(facts(), 10, discounts=(discount(1, "10"),), coupon=coupon(), tax=TaxFacts("GST", Decimal("0.09")))
    assert [(line.kind, line.amount.digits()) for line in quote.lines] == [
        (LineKind.CHARGE, "100.00"),
        (LineKind.DISCOUNT, "-10.00"),
        (LineKind.COUPON, "-30.00"),
        (LineKind.TAX, "5.40"),
    ]
    assert quote.payable.digits() == "65.40"
    # What renews is not lowered by a coupon.
    assert quote.renews is not None
    assert quote.renews.amount.digits() == "98.10"


@pytest.mark.parametrize(
    ("sentence", "fields", "why"),
    [
        ("expired", {"valid_until": AT}, "expired"),
        ("not yet valid", {"valid_from": AT + DAY}, "not valid yet"),
        ("another currency", {"currency": "EUR"}, "EUR"),
        ("used up", {"usable": False}, "used up"),
        ("minimum spend after discounts", {"minimum_spend": Decimal("90.01")}, "at least"),
        ("not combinable", {"combines_with": frozenset()}, "combined"),
        ("another product", {"product": 99}, "another product"),
        ("another seller", {"seller": 99}, "another seller"),
    ],
)
def test_a_coupon_that_may_not_be_used_says_why(sentence, fields, why):
    with pytest.raises(CouponInvalid, match=why):
        cost(facts(), 10, discounts=(discount(1, "10"),), coupon=coupon(**fields), product=1, seller=1)


def test_a_cash_coupon_pays_no_more_than_the_price():
    quote = cost(facts(amount="1.00"), 10, coupon=coupon())
    assert (quote.coupon.digits(), quote.payable.digits()) == ("10.00", "0.00")


def test_a_discount_coupon_takes_its_percentage():
    quote = cost(facts(), 10, coupon=coupon(kind="discount", value=Decimal("12.5")))
    assert quote.payable.digits() == "87.50"


amounts = st.decimals(min_value="0", max_value="99999", places=8, allow_nan=False)
percents = st.decimals(min_value="0.01", max_value="100", places=2)


@settings(max_examples=300, deadline=None)
@given(
    amount=amounts,
    scheme=st.sampled_from(["linear", "tiered", "volume"]),
    currency=st.sampled_from(["USD", "JPY", "KWD"]),
    users=st.integers(1, 1000),
    months=st.integers(1, 9),
    quantity=st.integers(1, 5),
    percent=st.none() | percents,
    tax=st.none() | percents,
    value=st.none() | st.decimals(min_value="0.01", max_value="500", places=2),
)
def test_whatever_is_bought_the_lines_add_up_and_nothing_is_negative(
    amount, scheme, currency, users, months, quantity, percent, tax, value
):
    of = facts(scheme, str(amount), currency)
    context = {
        "discounts": (DiscountFacts(1, "promotional", "D", percent),) if percent else (),
        "tax": TaxFacts("T", tax / 100) if tax else None,
    }
    bare = cost(of, users, months, quantity, **context)
    net = bare.list_price - bare.discount
    worth = round_money(value, currency) if value else None
    use = coupon(value=worth, currency=currency) if worth and net else None
    quote = cost(of, users, months, quantity, coupon=use, **context)
    parts = (quote.list_price, quote.discount, quote.coupon, quote.tax, quote.payable)
    assert all(part.amount >= 0 for part in parts)
    digits = minor_digits(currency)
    assert all(part.amount == round(part.amount, digits) for part in parts)
    assert quote.payable == quote.list_price - quote.discount - quote.coupon + quote.tax
    assert quote.payable == Money.total((line.amount for line in quote.lines), currency)


@settings(max_examples=200, deadline=None)
@given(amount=amounts, first=st.integers(1, 8), second=st.integers(1, 8), users=st.integers(1, 1000))
def test_splitting_a_term_never_costs_less_than_a_rounding(amount, first, second, users):
    if first + second > 9:
        return
    of = facts("linear", str(amount))
    whole = cost(of, users, first + second).payable
    parts = cost(of, users, first).payable + cost(of, users, second).payable
    assert abs(whole.amount - parts.amount) <= Decimal("0.01")


@settings(max_examples=200, deadline=None)
@given(users=st.integers(1, 999), scheme=st.sampled_from(["linear", "tiered"]))
def test_one_more_unit_never_costs_less_unless_by_volume(users, scheme):
    assert cost(facts(scheme), users).payable <= cost(facts(scheme), users + 1).payable
