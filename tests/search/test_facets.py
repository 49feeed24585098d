"""Facet counts equal a brute-force count, in both engines, for random catalogues and filters."""

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.choices import BillingMode, DeliveryMethod, OperatingSystem
from catalog.models import Product
from catalog.search import PRICE_RANGES, Search, category_tree, found
from catalog.search.engine import chosen, fallback
from tests.factories import CategoryFactory, ProductFactory, SellerFactory

pytestmark = pytest.mark.django_db

METHODS = [one for one in DeliveryMethod.values if one != "ecs"]
PRICES = st.none() | st.sampled_from(
    [Decimal(one) for one in ("0", "0.0285", "9.99", "10", "10.01", "49.999999", "50", "1000", "7300")]
)


def subsets(values, most=3):
    return st.lists(st.sampled_from(list(values)), max_size=most, unique=True).map(tuple)


PRODUCTS = st.lists(
    st.tuples(
        st.integers(0, 3), st.integers(0, 2), st.sampled_from(METHODS), subsets(OperatingSystem.values), subsets(BillingMode.values),
        PRICES, st.sampled_from(["published", "published", "published", "draft", "taken_down"]), st.booleans(),
    ),
    max_size=12,
)  # fmt: skip
SEARCHES = st.builds(
    lambda category, seller, **rest: (category, seller, rest),
    subsets(range(4)),
    subsets(range(3)),
    operating_system=subsets(OperatingSystem.values),
    delivery_method=subsets(METHODS),
    pricing=subsets(BillingMode.values),
    price=subsets([one.slug for one in PRICE_RANGES]),
    min_price=st.none() | st.sampled_from([Decimal("0"), Decimal("9.99"), Decimal("50")]),
    max_price=st.none() | st.sampled_from([Decimal("10"), Decimal("50"), Decimal("9999")]),
    ordering=st.sampled_from(["relevance", "newest", "price", "-price", "popular"]),
)


def in_range(price, slug):
    low, _dash, high = slug.partition("-")
    return price is not None and Decimal(low) <= price and (not high or price < Decimal(high))


def passes(product, search, tree, without=""):
    """The plainest possible reading of the rules: OR inside a group, AND between groups."""
    within = {pk for slug in search.category for pk in tree.ids_below(slug)}
    if without != "category" and search.category and product.category_id not in within:
        return False
    for group, values in (
        ("operating_system", product.operating_systems), ("delivery_method", [product.delivery_method]),
        ("pricing", product.billing_modes), ("seller", [product.seller.slug]),
    ):  # fmt: skip
        wanted = getattr(search, group)
        if group != without and wanted and not set(wanted) & set(values):
            return False
    price = product.lowest_price
    if without == "price":
        return True
    if search.price and not any(in_range(price, slug) for slug in search.price):
        return False
    if search.min_price is not None and (price is None or price < search.min_price):
        return False
    return not (search.max_price is not None and (price is None or price > search.max_price))


def brute_force(products, search, tree):
    counts = {}
    for group, of in {
        "category": lambda one: [one.category_id], "seller": lambda one: [one.seller_id],
        "operating_system": lambda one: set(one.operating_systems), "delivery_method": lambda one: [one.delivery_method],
        "pricing": lambda one: set(one.billing_modes),
        "price": lambda one: [each.slug for each in PRICE_RANGES if in_range(one.lowest_price, each.slug)],
    }.items():  # fmt: skip
        counted = {}
        for product in products:
            if passes(product, search, tree, without=group):
                for value in of(product):
                    counted[value] = counted.get(value, 0) + 1
        counts[group] = counted
    return counts


def without_zeros(counts):
    return {group: {value: number for value, number in counted.items() if number} for group, counted in counts.items()}


@given(made=PRODUCTS, asked=SEARCHES)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_counts_equal_a_brute_force_count_in_both_engines(made, asked):
    Product.objects.all().delete()
    chosen().follower.forget()
    root = CategoryFactory()
    categories = [root, *(CategoryFactory(parent=root) for _one in range(2)), CategoryFactory()]
    sellers = [SellerFactory() for _one in range(3)]
    for category, seller, method, systems, modes, price, status, public in made:
        supervised = method in ("license", "professional_service")
        ProductFactory(
            category=categories[category], seller=sellers[seller], delivery_method=method, supervised=supervised,
            flow_type={"license": "license", "professional_service": "standard"}.get(method, ""), operating_systems=list(systems),
            billing_modes=list(modes), lowest_price=price, status=status, public_sales=public,
        )  # fmt: skip
    category, seller, rest = asked
    search = Search(
        category=tuple(categories[at].slug for at in category), seller=tuple(sellers[at].slug for at in seller), **rest
    )
    tree = category_tree()
    listed = list(Product.objects.published().select_related("seller"))
    matching = {product.pk for product in listed if passes(product, search, tree)}
    for engine in (chosen(), fallback()):
        answer = engine.answer(search, tree, first=0, size=50)
        assert answer.total == len(matching) == engine.count(search, tree)
        assert set(answer.products) == matching
        assert len(answer.products) == len(matching)
        assert without_zeros(answer.counts) == brute_force(listed, search, tree)


def test_facets_keep_values_that_nothing_has():
    ProductFactory(delivery_method="saas", supervised=False, flow_type="", operating_systems=["linux"])
    tree = category_tree()
    facets = found.find(Search(), tree).facets
    assert [one.slug for one in facets["operating_system"]] == OperatingSystem.values
    assert {one.slug: one.count for one in facets["operating_system"]}["windows"] == 0
    assert {one.slug for one in facets["pricing"]} == set(BillingMode.values)
    assert len(facets["price"]) == len(PRICE_RANGES)


@pytest.mark.parametrize("ordering", ["newest", "price", "-price", "popular", "relevance"])
def test_pages_of_any_order_show_each_product_once(ordering):
    for number in range(23):
        ProductFactory(
            name=f"Relay {number}", lowest_price=Decimal(number % 4) if number % 5 else None, popularity=number % 3
        )
    tree = category_tree()
    for text in ("", "relay"):
        seen = []
        for page in range(1, 6):
            seen += [
                product.pk
                for product in found.find(Search(text=text, ordering=ordering, page=page), tree, page_size=5).page
            ]
        assert sorted(seen) == sorted(Product.objects.values_list("pk", flat=True))
