"""What machines read: robots, sitemaps, canonical addresses, structured data, link pictures."""

import json
import re
import tracemalloc
from datetime import date, datetime
from decimal import Decimal
from io import BytesIO
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest
from babel.numbers import list_currencies
from django.contrib.staticfiles import finders
from django.db import connection
from django.test.utils import CaptureQueriesContext
from PIL import Image

from catalog.models import Collection, Product
from catalog.seo.card import writable
from catalog.services import refresh_listing
from catalog.views import seo
from koogallery.kernel import clock
from tests.factories import CategoryFactory, ProductFactory, SellerFactory, a_specification

pytestmark = pytest.mark.django_db

XML = {"s": seo.XMLNS}


def locations(client, path):
    """The addresses in a sitemap, which is valid against the protocol (sitemaps.org/protocol.html)."""
    answer = client.get(path)
    assert answer["Content-Type"].startswith("application/xml")
    body = b"".join(answer.streaming_content)
    assert len(body) < 50 * 2**20
    root = ElementTree.fromstring(body)
    assert root.tag in (f"{{{seo.XMLNS}}}sitemapindex", f"{{{seo.XMLNS}}}urlset")
    assert 1 <= len(root) < 50_000
    for entry in root:
        names = [one.tag.removeprefix(f"{{{seo.XMLNS}}}") for one in entry]
        assert names in (["loc"], ["loc", "lastmod"])
        assert re.fullmatch(r"https?://[^\s<>]{1,2040}", entry[0].text)
        assert len(names) == 1 or datetime.fromisoformat(entry[1].text).tzinfo
    return [one.text for one in root.findall(".//s:loc", XML)]


def products_in_bulk(number):
    """So many published products, quickly."""
    seller, category, at = SellerFactory(), CategoryFactory(), clock.now()
    return Product.objects.bulk_create(
        [
            Product(
                seller=seller,
                category=category,
                slug=f"p-{seller.pk}-{n}",
                name=f"P {n}",
                delivery_method="saas",
                supervised=False,
                status="published",
                published_at=at,
            )
            for n in range(number)
        ],
        batch_size=2_000,
    )


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
    made = products_in_bulk(450)
    files = [url for url in locations(client, "/sitemap.xml") if "products-" in url]
    assert len(files) >= 5
    with CaptureQueriesContext(connection) as queries:
        per_file = [len(locations(client, urlsplit(file).path)) for file in files]
    assert sum(per_file) == 450
    assert max(per_file) <= 100
    assert len(queries) == len(files)
    # A range whose products are all gone has no file, and neither has a gap in the keys.
    emptied = made[200].pk // 100
    Product.objects.filter(pk__gte=emptied * 100, pk__lt=emptied * 100 + 100).update(status="taken_down")
    left = [url for url in locations(client, "/sitemap.xml") if "products-" in url]
    assert set(files) - set(left) == {f"{files[0].rsplit('-', 1)[0]}-{emptied}.xml"}
    for name in (f"products-{emptied}", "products-999999999999", "products-x", "products-", "other"):
        assert client.get(f"/sitemaps/{name}.xml").status_code == 404


def test_a_sitemap_takes_no_more_memory_and_no_more_queries_for_more_products(client, monkeypatch):
    monkeypatch.setattr(seo, "IDS_PER_FILE", 10_000_000)

    def stream() -> tuple[int, int, int]:
        """Entries, queries, and the most bytes in use meanwhile."""
        with CaptureQueriesContext(connection) as queries:
            (file,) = (url for url in locations(client, "/sitemap.xml") if "products-" in url)
            tracemalloc.start()
            entries = sum(part.count(b"<url>") for part in client.get(urlsplit(file).path).streaming_content)
            most = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        return entries, len(queries), most

    products_in_bulk(4_000)
    stream()
    few, queries_of_few, bytes_of_few = stream()
    products_in_bulk(4_000)
    many, queries_of_many, bytes_of_many = stream()
    assert (few, many) == (4_000, 8_000)
    # Two for the index, one for the file.
    assert queries_of_many == queries_of_few == 3
    assert bytes_of_many < 1.2 * bytes_of_few + 100_000


def test_robots_names_the_sitemap_and_closes_accounts(client, settings):
    settings.SITE_URL = "https://shop.example"
    text = client.get("/robots.txt").content.decode()
    assert "Sitemap: https://shop.example/sitemap.xml" in text
    for path in ("/my/", "/billing/", "/seller/", "/account/", "/purchase/", "/api/", "/admin/", "/*?*&"):
        assert f"Disallow: {path}\n" in text
    assert "Disallow: /products/" not in text


# What must be there, and of which form: schema.org's types with what Google asks for on top.
URL = re.compile(r"https://shop\.example/\S*")
TEXT = re.compile(r"(?s).*\S.*")
FORMS = {
    "Product": {"name": TEXT, "description": TEXT, "image": [URL], "sku": TEXT, "url": URL, "category": TEXT, "brand": "Brand", "offers": ["Offer"], "releaseDate": date.fromisoformat},
    "Brand": {"name": TEXT},
    "Organization": {"name": TEXT, "url": URL},
    "Offer": {"name": TEXT, "price": "price", "priceCurrency": "currency", "availability": re.compile("https://schema.org/(InStock|Discontinued)"), "url": URL, "seller": "Organization", "priceSpecification": "UnitPriceSpecification"},
    "UnitPriceSpecification": {"price": "price", "priceCurrency": "currency", "unitCode": re.compile("MON|ANN|HUR"), "billingDuration": 1, "billingIncrement": 1, "referenceQuantity": "QuantitativeValue"},
    "QuantitativeValue": {"value": 1, "unitCode": re.compile("MON|ANN|HUR")},
    "BreadcrumbList": {"itemListElement": ["ListItem"]},
    "ItemList": {"itemListElement": ["ListItem"], "numberOfItems": int},
    "ListItem": {"name": TEXT, "position": int},
    "WebSite": {"name": TEXT, "url": URL, "potentialAction": "SearchAction"},
    "SearchAction": {"target": "EntryPoint", "query-input": re.compile("required name=search_term_string")},
    "EntryPoint": {"urlTemplate": re.compile(r"https://shop\.example/\S*\{search_term_string\}")},
}  # fmt: skip
MAY = {
    "Offer": {"priceSpecification"},
    "Product": {"offers", "releaseDate"},
    "Organization": {"email"},
    "ListItem": {"url", "item"},
}


def check(told, wanted=None):
    """Fail unless the object and everything in it is complete and of the right form."""
    kind = told["@type"]
    assert wanted in (None, kind)
    assert (told.get("@context") == "https://schema.org") is (wanted is None)
    may, form = MAY.get(kind, set()), FORMS[kind]
    keys = set(told) - {"@type", "@context"}
    assert set(form) - may <= keys <= set(form) | may, (kind, keys)
    for name, rule in form.items():
        if name in told:
            check_value(told[name], rule, f"{kind}.{name}")
    if kind == "ListItem":
        assert len(keys & {"url", "item"}) == 1
        check_value(told.get("url") or told["item"], URL, "ListItem's address")
    if "itemListElement" in told:
        places = [one["position"] for one in told["itemListElement"]]
        assert places == list(range(places[0] if places else 1, len(places) + (places[0] if places else 1)))


def check_value(value, rule, where):
    if isinstance(rule, list):
        assert isinstance(value, list), where
        for one in value:
            check_value(one, rule[0], where)
    elif rule == "price":
        # Text, so that no reader's binary fraction touches it: plain digits without sign, exponent or symbol.
        assert re.fullmatch(r"\d+(\.\d+)?", value), where
    elif rule == "currency":
        assert value in list_currencies(), where
    elif isinstance(rule, str):
        check(value, rule)
    elif isinstance(rule, re.Pattern):
        assert rule.fullmatch(value), (where, value)
    elif isinstance(rule, type):
        assert type(value) is rule, where
    elif callable(rule):
        rule(value)
    else:
        assert value == rule, where


def test_a_products_structured_data_is_complete_and_cannot_break_out(client, settings):
    settings.SITE_URL = "https://shop.example"
    specification = a_specification()
    product = refresh_listing(specification.product)
    product.name = "</script><script>alert(1)</script>\u2028\u2029<!--&"
    product.save()
    page = client.get(f"/products/{product.slug}/").content.decode()
    assert "<script>alert" not in page
    blocks = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, re.S)
    assert not any(sign in block for block in blocks for sign in "<>&\u2028\u2029")
    told, crumbs = data_of(page)
    check(told)
    check(crumbs)
    assert (told["name"], told["brand"]["name"]) == (product.name, product.seller.name)
    # Every list price, digit by digit.
    prices = {(one.amount, one.currency) for one in specification.prices.all()}
    assert {(Decimal(one["price"]), one["priceCurrency"]) for one in told["offers"]} == prices
    assert {one["availability"] for one in told["offers"]} == {"https://schema.org/InStock"}
    assert crumbs["itemListElement"][-1]["item"] == told["url"]
    Product.objects.filter(pk=product.pk).update(status="taken_down")
    told, _crumbs = data_of(client.get(f"/products/{product.slug}/").content.decode())
    check(told)
    assert {one["availability"] for one in told["offers"]} == {"https://schema.org/Discontinued"}


def test_every_storefront_page_tells_valid_structured_data(client, settings):
    settings.SITE_URL = "https://shop.example"
    root = CategoryFactory()
    product = ProductFactory(category=CategoryFactory(parent=root), name="A & B <i>")
    collection = Collection.objects.create(slug="picked", title="Picked", published=True)
    collection.items.create(product=product)
    listings = ("/products/", f"/sellers/{product.seller.slug}/", f"/categories/{product.category.slug}/", "/collections/picked/")  # fmt: skip
    for path in ("/", *listings):
        blocks = data_of(client.get(path).content.decode())
        for one in blocks:
            check(one)
        if path in listings:
            (items,) = (one for one in blocks if one["@type"] == "ItemList")
            assert [one["name"] for one in items["itemListElement"]] == [product.name], path
    (crumbs,) = (one for one in data_of(client.get(listings[2]).content.decode()) if one["@type"] == "BreadcrumbList")
    assert [one["name"] for one in crumbs["itemListElement"]] == ["KooGallery", root.name, product.category.name]


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
        ("/products/?delivery_method=saas&page=2", "https://shop.example/products/", True),
        ("/products/?pricing=monthly&pricing=yearly", "https://shop.example/products/", False),
        (f"/products/?category={category}&utm_source=x", f"https://shop.example/categories/{category}/", True),
        (f"/products/?category={category}&pricing=monthly", f"https://shop.example/categories/{category}/", True),
        ("/search/?q=relay", "https://shop.example/products/", False),
        (f"/sellers/{product.seller.slug}/?utm_source=x", f"https://shop.example/sellers/{product.seller.slug}/", True),
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


def test_pages_of_a_list_know_their_neighbours(client, settings):
    settings.SITE_URL = "https://shop.example"
    category = products_in_bulk(50)[0].category
    seller = Product.objects.first().seller
    for path in ("/products/", f"/categories/{category.slug}/", f"/sellers/{seller.slug}/"):
        base = f"https://shop.example{path}"
        first, second = (client.get(f"{path}?page={page}&utm_source=x").content.decode() for page in (1, 2))
        links = r'<link rel="%s" href="([^"]*)"'
        assert [head(first, links % one) for one in ("canonical", "prev", "next")] == [base, "", f"{base}?page=2"]
        assert head(second, links % "canonical") == f"{base}?page=2"
        assert head(second, links % "prev") == base


def test_link_pictures_and_their_tags_fit(client, settings):
    settings.SITE_URL = "https://shop.example"
    product = ProductFactory(name='Relay "1" & <2>')
    page = client.get(f"/products/{product.slug}/").content.decode()
    tags = dict(re.findall(r'<meta (?:property|name)="((?:og|twitter):[^"]*)" content="([^"]*)"', page))
    assert tags["og:title"] == tags["og:image:alt"] == "Relay &quot;1&quot; &amp; &lt;2&gt;"
    assert tags["og:image"] == f"https://shop.example/products/{product.slug}/card.png"
    assert (tags["og:image:width"], tags["og:image:height"]) == ("1200", "630")
    assert (tags["og:type"], tags["og:site_name"], tags["twitter:card"]) == ("product", "KooGallery", "summary_large_image")  # fmt: skip
    assert tags["og:url"] == f"https://shop.example/products/{product.slug}/"
    home = client.get("/").content.decode()
    assert re.search(r'og:image" content="https://shop\.example/static/card[^"]*\.png"', home)
    assert Image.open(finders.find("card.png")).size == (1200, 630)


def test_a_link_picture_costs_one_query_and_is_drawn_once(client):
    product = ProductFactory()
    address = f"/products/{product.slug}/card.png"
    with CaptureQueriesContext(connection) as queries:
        drawn = client.get(address)
    assert len(queries) == 1
    assert "max-age" in drawn["Cache-Control"]
    assert not drawn.cookies
    assert client.get(address, headers={"if-none-match": drawn["ETag"]}).status_code == 304
    product.name = "Renamed"
    product.save()
    again = client.get(address, headers={"if-none-match": drawn["ETag"]})
    assert (again.status_code, again.content == drawn.content) == (200, False)
    assert client.get("/products/none/card.png").status_code == 404


def test_letters_without_a_glyph_are_left_out_of_a_picture():
    assert writable("云账簿 Relay  Łódź\u0000 z\u0307 — “5 €”…") == "Relay Łódź ż — “5 €”…"
    assert writable("云账簿") == ""
