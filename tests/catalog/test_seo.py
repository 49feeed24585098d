"""What machines read: robots, sitemaps, canonical addresses, structured data, link pictures."""

import json
import re
from decimal import Decimal
from io import BytesIO
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from PIL import Image

from catalog.models import Product
from catalog.services import refresh_listing
from catalog.views import seo
from koogallery.kernel import clock
from tests.factories import CategoryFactory, ProductFactory, SellerFactory, a_specification

pytestmark = pytest.mark.django_db

XML = {"s": seo.XMLNS}


def locations(client, path):
    answer = client.get(path)
    assert answer["Content-Type"].startswith("application/xml")
    root = ElementTree.fromstring(b"".join(answer.streaming_content))
    assert root.tag in (f"{{{seo.XMLNS}}}sitemapindex", f"{{{seo.XMLNS}}}urlset")
    return [one.text for one in root.findall(".//s:loc", XML)]


def data_of(page: str):
    return [json.loads(one) for one in re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, re.S)]


def head(page: str, pattern: str) -> str:
    found = re.search(pattern, page)
    return found[1] if found else ""


def test_the_sitemaps_name_what_is_on_sale_and_nothing_else(client, settings):
    settings.SITE_URL = "https://shop.example"
    listed = ProductFactory(slug="listed")
    ProductFactory(slug="draft", status="draft", published_at=None)
    ProductFactory(slug="by-address", public_sales=False)
    ProductFactory(slug="of-frozen", seller=SellerFactory(frozen_at=clock.now()))
    index = locations(client, "/sitemap.xml")
    assert "https://shop.example/sitemaps/pages.xml" in index
    found = [url for file in index for url in locations(client, urlsplit(file).path)]
    products = [url for url in found if "/products/" in url and not url.endswith("/products/")]
    assert products == ["https://shop.example/products/listed/"]
    assert f"https://shop.example/categories/{listed.category.slug}/" in found
    assert f"https://shop.example/sellers/{listed.seller.slug}/" in found
    assert "https://shop.example/help/" in found
    for url in found:
        assert client.get(urlsplit(url).path).status_code == 200, url


def test_a_sitemap_of_many_products_is_streamed_by_ranges(client, monkeypatch):
    monkeypatch.setattr(seo, "IDS_PER_FILE", 100)
    seller, category, at = SellerFactory(), CategoryFactory(), clock.now()
    Product.objects.bulk_create(
        Product(seller=seller, category=category, slug=f"p-{n}", name=f"P {n}", delivery_method="saas", supervised=False, status="published", published_at=at)
        for n in range(450)
    )  # fmt: skip
    files = [url for url in locations(client, "/sitemap.xml") if "products-" in url]
    assert len(files) >= 4
    with CaptureQueriesContext(connection) as queries:
        per_file = [len(locations(client, urlsplit(file).path)) for file in files]
    assert sum(per_file) == 450
    assert max(per_file) <= 100
    assert len(queries) <= 2 * len(files)
    assert client.get("/sitemaps/products-999999999999.xml").status_code == 404
    assert client.get("/sitemaps/other.xml").status_code == 404


def test_robots_names_the_sitemap_and_closes_accounts(client, settings):
    settings.SITE_URL = "https://shop.example"
    text = client.get("/robots.txt").content.decode()
    assert "Sitemap: https://shop.example/sitemap.xml" in text
    assert "Disallow: /my/" in text


def test_a_products_structured_data_is_complete_and_cannot_break_out(client, settings):
    settings.SITE_URL = "https://shop.example"
    specification = a_specification()
    product = refresh_listing(specification.product)
    product.name = "</script><script>alert(1)</script>\u2028&"
    product.save()
    page = client.get(f"/products/{product.slug}/").content.decode()
    assert "<script>alert" not in page
    told, crumbs = data_of(page)
    assert told["@type"] == "Product"
    assert told["name"] == product.name
    assert told["brand"]["name"] == product.seller.name
    for url in (told["url"], *told["image"], told["offers"][0]["url"]):
        assert url.startswith("https://shop.example/")
    for offer in told["offers"]:
        assert offer["@type"] == "Offer"
        assert Decimal(offer["price"]) >= 0
        assert re.fullmatch("[A-Z]{3}", offer["priceCurrency"])
        assert offer["availability"] == "https://schema.org/InStock"
        assert offer["priceSpecification"]["referenceQuantity"]["unitCode"] in ("MON", "ANN", "HUR")
    assert [one["position"] for one in crumbs["itemListElement"]] == list(range(1, len(crumbs["itemListElement"]) + 1))
    assert crumbs["itemListElement"][-1]["item"] == told["url"]


def test_canonical_addresses_drop_what_changes_nothing(client, settings):
    settings.SITE_URL = "https://shop.example"
    product = ProductFactory()
    category = product.category.slug
    canonical = r'<link rel="canonical" href="([^"]*)"'
    for path, wanted, indexed in (
        ("/?utm_source=x", "https://shop.example/", True),
        ("/products/?ordering=newest&utm_source=x", "https://shop.example/products/", True),
        (f"/categories/{category}/", f"https://shop.example/categories/{category}/", True),
        ("/products/?seller=a&pricing=monthly", "https://shop.example/products/", False),
        ("/search/?q=relay", "https://shop.example/products/", False),
        (f"/products/{product.slug}/?quantity=1", f"https://shop.example/products/{product.slug}/", True),
    ):
        page = client.get(path).content.decode()
        assert head(page, canonical) == wanted, path
        assert ("noindex" not in page) is indexed, path
        assert head(page, r'property="og:image" content="([^"]*)"').startswith("https://shop.example/")


def test_home_tells_of_the_site_and_its_search(client):
    kinds = [one["@type"] for one in data_of(client.get("/").content.decode())]
    assert kinds == ["WebSite", "Organization"]


@pytest.mark.parametrize(
    "name", ["Relay", "云账簿", "x" * 120, "A very long name of many words that goes on and on " * 2]
)
def test_link_pictures_are_drawn(client, name):
    product = ProductFactory(name=name[:120], tagline="It does one thing well. " * 8)
    answer = client.get(f"/products/{product.slug}/card.png")
    picture = Image.open(BytesIO(answer.content))
    assert (picture.format, picture.size, answer["Content-Type"]) == ("PNG", (1200, 630), "image/png")
    assert client.get("/card.png").status_code == 200
