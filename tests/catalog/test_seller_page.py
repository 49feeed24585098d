"""A seller's page: how to reach him, what he sells, in which categories."""

import re

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.models import Product
from catalog.services import refresh_listing
from koogallery.kernel import clock
from tests.factories import CategoryFactory, ProductFactory, SellerFactory, a_specification

pytestmark = pytest.mark.django_db


def sells(seller, **traits) -> Product:
    return refresh_listing(a_specification(product=ProductFactory(seller=seller, **traits)).product)


def page_of(client, seller, query: str = "") -> str:
    answer = client.get(f"/sellers/{seller.slug}/{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def test_who_sells_and_how_to_reach_him(client):
    seller = SellerFactory(
        name="Fabrikam", about="We make <b>things</b>.", email="help@fabrikam.example", phone="+65 6123 4567",
        website="https://fabrikam.example/", support_hours="Daily 8 to 20",
    )  # fmt: skip
    page = page_of(client, seller)
    assert "<h1>Fabrikam</h1>" in page
    assert "We make &lt;b&gt;things&lt;/b&gt;." in page
    assert re.search(
        r'<a class="btn[^"]*" href="mailto:help@fabrikam.example">(?:(?!</a>).)*Send email', page, re.DOTALL
    )
    assert 'href="tel:+6561234567"' in page
    assert 'href="https://fabrikam.example/" rel="nofollow noopener"' in page
    assert "Daily 8 to 20" in page
    assert '<img class="logo' in page
    assert "No published products." in page


def test_what_is_missing_is_said(client):
    page = page_of(client, SellerFactory(phone="", website="", support_hours=""))
    assert page.count("Not provided") == 3
    assert "tel:" not in page


def test_products_and_their_categories_with_true_counts(client):
    seller = SellerFactory()
    root = CategoryFactory(name="Tools")
    child = CategoryFactory(name="Testing", parent=root)
    sells(seller, category=root)
    for _one in range(2):
        sells(seller, category=child)
    sells(seller, category=child, status="taken_down")
    sells(SellerFactory(), category=CategoryFactory(name="Of Others"))
    page = page_of(client, seller)
    words = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    assert "Products (3)" in words
    assert "Tools 3 Testing 2" in words
    assert "Of Others" not in words.partition("Categories of")[0].partition("Seller Information")[2]
    assert f"/products/?seller={seller.slug}&amp;category={child.slug}" in page
    listing = f"/products/?seller={seller.slug}"
    assert f'href="{listing}"' in page
    assert "Total results: 3" in " ".join(re.sub(r"<[^>]+>", " ", client.get(listing).content.decode()).split())


def test_products_come_24_a_page(client):
    seller = SellerFactory()
    for number in range(30):
        sells(seller, name=f"Widget {number:02}", popularity=100 - number)
    first, second = page_of(client, seller), page_of(client, seller, "?page=2")
    found = [re.findall(r'/">(Widget \d\d)</a></h3>', page) for page in (first, second)]
    assert [len(one) for one in found] == [24, 6]
    assert found[0][0] == "Widget 00"
    assert sorted(found[0] + found[1]) == [f"Widget {number:02}" for number in range(30)]


@pytest.mark.parametrize(
    "query", ["?page=1000000000000", "?page=-1", "?page=x", "?q=%25&seller=other&page=2", "?category=none"]
)
def test_bad_input_is_the_page_without_it(client, query):
    seller = SellerFactory()
    product = sells(seller)
    assert product.name in page_of(client, seller, query)


def test_nul_frozen_and_unknown_sellers(client):
    seller = SellerFactory(frozen_at=clock.now())
    sells(seller)
    assert client.get(f"/sellers/{seller.slug}/").status_code == 404
    assert client.get("/sellers/nobody/").status_code == 404
    assert client.get(f"/sellers/{seller.slug}/?page=%00").status_code == 400


def test_queries_do_not_grow_with_the_products(client, monkeypatch):
    from catalog.search import Search, category_tree
    from catalog.search.engine import chosen

    seller = SellerFactory()
    sells(seller)

    def count() -> int:
        assert chosen().count(Search(), category_tree())
        cache.clear()
        with monkeypatch.context() as patched:
            patched.setattr(chosen(), "_follow_now", lambda: None)
            with CaptureQueriesContext(connection) as queries:
                page_of(client, seller)
        assert len(queries) <= 12, [one["sql"][:100] for one in queries]
        return len(queries)

    few = count()
    for _one in range(30):
        sells(seller)
    assert count() == few
