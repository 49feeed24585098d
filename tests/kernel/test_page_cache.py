"""Visitors' pages: kept, true, never of one person to another."""

import gzip
import re

import pytest
from django.test import Client

from accounts.models import Seller
from catalog.knowledge import known
from catalog.models import Product
from catalog.search import Search, category_tree
from catalog.search.engine import chosen
from koogallery.kernel.web import page_cache
from koogallery.kernel.web.page_cache import Known
from tests.factories import ProductFactory, UserFactory, a_specification

pytestmark = pytest.mark.django_db


@pytest.fixture
def caching(settings, monkeypatch):
    """The cache on, and what is known of the catalogue told by the test."""
    settings.PAGE_CACHE_SECONDS = 60
    page_cache.clear()
    told = {"known": Known(fresh=True)}
    monkeypatch.setattr("koogallery.kernel.web.page_cache.PageCacheMiddleware._known_now", lambda self: told["known"])
    yield told
    page_cache.clear()


def test_a_page_is_kept_until_something_changes(client, caching):
    product = a_specification().product
    path = f"/products/{product.slug}/"
    assert product.name in client.get(path).content.decode()
    Product.objects.filter(pk=product.pk).update(name="Renamed Product")
    assert "Renamed Product" not in client.get(path).content.decode()
    caching["known"] = Known(anything=1, changed={product.pk + 999: 1}, fresh=True)
    assert "Renamed Product" not in client.get(path).content.decode(), "another product's change is none of this page's"
    caching["known"] = Known(anything=2, changed={product.pk: 2}, fresh=True)
    assert "Renamed Product" in client.get(path).content.decode()


def test_a_listing_changes_with_anything_and_everything_with_the_shop(client, caching):
    product = ProductFactory(name="Alpha Relay")
    assert "Alpha Relay" in client.get("/products/").content.decode()
    Product.objects.filter(pk=product.pk).update(name="Beta Relay")
    assert "Alpha Relay" in client.get("/products/").content.decode()
    caching["known"] = Known(anything=1, fresh=True)
    assert "Beta Relay" in client.get("/products/").content.decode()
    Seller.objects.update(name="Renamed Ltd.")
    caching["known"] = Known(shop=1, anything=1, fresh=True)
    assert "Renamed Ltd." in client.get(f"/sellers/{product.seller.slug}/").content.decode()


def test_who_has_the_page_is_told_so(client, caching):
    ProductFactory()
    first = client.get("/")
    again = client.get("/", headers={"if-none-match": first["ETag"]})
    assert again.status_code == 304
    assert not again.content
    assert "Cookie" in first["Vary"]
    assert "must-revalidate" in first["Cache-Control"]


def test_a_page_comes_compressed_or_plain_as_asked(client, caching):
    plain = client.get("/")
    zipped = client.get("/", headers={"accept-encoding": "gzip"})
    assert zipped["Content-Encoding"] == "gzip"
    assert gzip.decompress(zipped.content) == plain.content
    assert int(zipped["Content-Length"]) == len(zipped.content)
    assert "Content-Encoding" not in plain


def test_looks_are_kept_apart(client, caching):
    client.get("/")
    client.cookies["theme"] = "dark"
    assert 'data-bs-theme="dark"' in client.get("/").content.decode()


def test_a_persons_page_is_neither_kept_nor_given(client, caching):
    product = a_specification().product
    path = f"/products/{product.slug}/"
    person = Client()
    user = UserFactory(full_name="Ada Lovelace")
    person.force_login(user)
    assert "Ada Lovelace" in person.get(path).content.decode()
    page = client.get(path).content.decode()
    assert "Ada Lovelace" not in page
    assert "csrfmiddlewaretoken" not in page
    assert not client.get(path).cookies
    assert "Ada Lovelace" in person.get(path).content.decode()


def test_without_news_a_page_is_kept_only_seconds(client, caching, monkeypatch):
    caching["known"] = Known(fresh=False)
    product = ProductFactory(name="Alpha Relay")
    client.get("/products/")
    Product.objects.filter(pk=product.pk).update(name="Beta Relay")
    now = page_cache.time.monotonic()
    monkeypatch.setattr(page_cache.time, "monotonic", lambda: now + page_cache.UNTOLD_SECONDS)
    assert "Beta Relay" in client.get("/products/").content.decode()


def test_errors_and_long_addresses_are_not_kept(client, caching):
    assert client.get("/products/nothing/").status_code == 404
    ProductFactory(slug="nothing")
    assert client.get("/products/nothing/").status_code == 200
    assert client.get("/products/?q=" + "x" * 2000).status_code == 200


def test_every_request_has_its_own_id(client, caching):
    assert client.get("/")["X-Request-ID"] != client.get("/")["X-Request-ID"]
    assert not re.search(client.get("/")["X-Request-ID"], client.get("/").content.decode())


def test_what_is_known_comes_from_the_follower():
    chosen().count(Search(), category_tree())
    assert known().fresh
