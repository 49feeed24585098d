"""robots.txt, sitemaps and link pictures."""

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import chain
from xml.sax.saxutils import escape

from django.conf import settings
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.utils.translation import gettext as _
from django.utils.translation import override
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from accounts.models import Seller
from catalog.models import Category, Collection, Product
from catalog.seo.card import DRAWING, draw_card
from catalog.seo.meta import absolute
from koogallery.kernel.web.formats import price_text

# A file of the sitemap is one range of so many primary keys (the protocol allows 50,000 addresses in a file), so that
# it is one scan of the key's index and keeps its products for ever. The index asks for the first listed key at or
# behind each range's start: one look into the key's index a range, about a hundred for a million products, in one
# statement; nothing is counted, and a range without any product (a gap in the keys) has no file.
IDS_PER_FILE = 10_000
CHUNK = 2_000
XMLNS = "http://www.sitemaps.org/schemas/sitemap/0.9"

CLOSED = ("/my/", "/billing/", "/seller/", "/account/", "/purchase/", "/api/", "/admin/", "/compare/", "/search/")

_FIRST_BEHIND = {
    # The same products as ProductQuerySet.published(); the same sellers as have a page.
    "products": """
        SELECT product.id FROM catalog_product product JOIN accounts_seller seller ON seller.id = product.seller_id
        WHERE product.status = 'published' AND product.public_sales AND seller.frozen_at IS NULL AND product.id >= {start}
        ORDER BY product.id LIMIT 1""",
    "sellers": """
        SELECT seller.id FROM accounts_seller seller WHERE seller.frozen_at IS NULL AND seller.id >= {start}
        ORDER BY seller.id LIMIT 1""",
}
_RANGES = """
    WITH RECURSIVE met (id) AS (
        SELECT ({first})
        UNION ALL
        SELECT ({next}) FROM met WHERE met.id IS NOT NULL
    )
    SELECT id / %(size)s FROM met WHERE id IS NOT NULL"""

Address = tuple[str, datetime | None]


@require_safe
@cache_control(public=True, max_age=3600)
def robots(request: HttpRequest) -> HttpResponse:
    """`/robots.txt`: the storefront is open; accounts, searches and filtered listings are not."""
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in CLOSED), "Disallow: /*?*&", ""]
    lines.append(f"Sitemap: {absolute(reverse('catalog:sitemap'))}")
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


@require_safe
@cache_control(public=True, max_age=600)
def sitemap_index(request: HttpRequest) -> StreamingHttpResponse:
    """`/sitemap.xml`: one file for pages, and one for each range of keys that has a product or a seller."""
    names = ["pages", *(f"{kind}-{number}" for kind in _FIRST_BEHIND for number in _ranges(kind))]

    def parts() -> Iterator[str]:
        yield f'<?xml version="1.0" encoding="UTF-8"?>\n<sitemapindex xmlns="{XMLNS}">\n'
        for name in names:
            yield f"<sitemap><loc>{absolute(reverse('catalog:sitemap_file', args=[name]))}</loc></sitemap>\n"
        yield "</sitemapindex>\n"

    return _xml(parts())


def _ranges(kind: str) -> list[int]:
    """The numbers of the ranges that have a row, in one statement."""
    first = _FIRST_BEHIND[kind]
    statement = _RANGES.format(
        first=first.format(start="0"), next=first.format(start="(met.id / %(size)s + 1) * %(size)s")
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, {"size": IDS_PER_FILE})
        return [number for (number,) in cursor.fetchall()]


@require_safe
@cache_control(public=True, max_age=600)
def sitemap_file(request: HttpRequest, name: str) -> StreamingHttpResponse:
    """`/sitemaps/<name>.xml`: addresses with the time of their last change, streamed from one index range."""
    kind, _dash, number = name.partition("-")
    if name == "pages":
        return _xml(_urls(_pages()))
    if kind not in _FIRST_BEHIND or not number.isascii() or not number.isdigit() or len(number) > 9:
        raise Http404
    low = int(number) * IDS_PER_FILE
    addresses = (_products if kind == "products" else _sellers)(low, low + IDS_PER_FILE)
    first = next(addresses, None)
    if first is None:
        # The protocol knows no file without an address.
        raise Http404
    return _xml(_urls(chain([first], addresses)))


def _products(low: int, high: int) -> Iterator[Address]:
    rows = Product.objects.published().filter(pk__gte=low, pk__lt=high).order_by("pk")
    for slug, at in rows.values_list("slug", "updated_at").iterator(chunk_size=CHUNK):
        yield reverse("orders:product", args=[slug]), at


def _sellers(low: int, high: int) -> Iterator[Address]:
    rows = Seller.objects.filter(frozen_at=None, pk__gte=low, pk__lt=high).order_by("pk")
    for slug in rows.values_list("slug", flat=True).iterator(chunk_size=CHUNK):
        yield reverse("catalog:seller", args=[slug]), None


def _pages() -> Iterator[Address]:
    yield reverse("catalog:home"), None
    yield reverse("catalog:products"), None
    for path in settings.SITEMAP_PAGES:
        yield path, None
    for category in Category.objects.all():
        yield category.get_absolute_url(), None
    for collection in Collection.objects.filter(published=True):
        yield collection.get_absolute_url(), None


def _urls(pages: Iterable[Address]) -> Iterator[str]:
    yield f'<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="{XMLNS}">\n'
    for path, at in pages:
        changed = f"<lastmod>{at.isoformat(timespec='seconds')}</lastmod>" if at else ""
        yield f"<url><loc>{escape(absolute(path))}</loc>{changed}</url>\n"
    yield "</urlset>\n"


def _xml(parts: Iterator[str]) -> StreamingHttpResponse:
    return StreamingHttpResponse(parts, content_type="application/xml; charset=utf-8")


@require_safe
@cache_control(public=True, max_age=3600)
def card(request: HttpRequest, slug: str) -> HttpResponseBase:
    """`/products/<slug>/card.png`: the picture of links to the product, in English.

    One query; drawn only for who does not have it (the ETag is of the words in it). Not among the pages that the
    process keeps in memory: a picture is larger than a page, and is asked for far less often.
    """
    columns = ("slug", "name", "tagline", "currency", "lowest_price", "lowest_price_unit", "has_several_prices")
    products = Product.objects.reachable().select_related("seller").only(*columns, "seller__name")
    product = get_object_or_404(products, slug=slug)
    words = (product.name, product.tagline, f"{product.seller.name}  •  KooGallery", _price(product))
    etag = f'"{hashlib.blake2b(repr((DRAWING, words)).encode(), digest_size=12).hexdigest()}"'
    if known := get_conditional_response(request, etag=etag):
        return known
    response = HttpResponse(draw_card(*words), content_type="image/png")
    response["ETag"] = etag
    return response


def _price(product: Product) -> str:
    """The lowest list price; empty where nothing has a price. A picture is the same for every language."""
    if product.starting_price is None:
        return ""
    with override("en"):
        text = price_text(product.starting_price, product.lowest_price_unit)
        return _("From %(price)s") % {"price": text} if product.has_several_prices else text
