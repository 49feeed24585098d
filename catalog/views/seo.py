"""robots.txt, sitemaps and link pictures."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from xml.sax.saxutils import escape

from django.conf import settings
from django.db.models import Max
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from accounts.models import Seller
from catalog.models import Category, Collection, Product
from catalog.seo.card import draw_card
from catalog.seo.meta import absolute
from koogallery.kernel.web.page_cache import about, visitors_page

# Ids in one file of the sitemap; the protocol allows 50,000 addresses. A file is one range of the primary key, so
# the index costs one look at the highest id, and no product is ever counted.
IDS_PER_FILE = 20_000
CHUNK = 2_000
XMLNS = "http://www.sitemaps.org/schemas/sitemap/0.9"

CLOSED = ("/my/", "/billing/", "/seller/", "/account/", "/purchase/", "/api/", "/admin/", "/compare/", "/search/")


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
    """`/sitemap.xml`: one file for pages and one for each range of product ids."""
    highest = Product.objects.aggregate(highest=Max("pk"))["highest"] or 0
    names = ["pages", *(f"products-{number}" for number in range(highest // IDS_PER_FILE + 1))]

    def parts() -> Iterator[str]:
        yield f'<?xml version="1.0" encoding="UTF-8"?>\n<sitemapindex xmlns="{XMLNS}">\n'
        for name in names:
            yield f"<sitemap><loc>{absolute(reverse('catalog:sitemap_file', args=[name]))}</loc></sitemap>\n"
        yield "</sitemapindex>\n"

    return _xml(parts())


@require_safe
@cache_control(public=True, max_age=600)
def sitemap_file(request: HttpRequest, name: str) -> StreamingHttpResponse:
    """`/sitemaps/<name>.xml`: addresses with the time of their last change, streamed from one index range."""
    kind, _dash, number = name.partition("-")
    if name == "pages":
        return _xml(_urls(_pages()))
    if kind != "products" or not number.isascii() or not number.isdigit() or len(number) > 9:
        raise Http404
    low = int(number) * IDS_PER_FILE
    rows = Product.objects.published().filter(pk__gte=low, pk__lt=low + IDS_PER_FILE).order_by("pk")
    values = rows.values_list("slug", "updated_at").iterator(chunk_size=CHUNK)
    return _xml(_urls((reverse("orders:product", args=[slug]), at) for slug, at in values))


def _pages() -> Iterator[tuple[str, datetime | None]]:
    yield reverse("catalog:home"), None
    yield reverse("catalog:products"), None
    for path in settings.SITEMAP_PAGES:
        yield path, None
    for category in Category.objects.all():
        yield category.get_absolute_url(), None
    for collection in Collection.objects.filter(published=True):
        yield collection.get_absolute_url(), None
    for slug in Seller.objects.filter(frozen_at=None).order_by("pk").values_list("slug", flat=True).iterator(CHUNK):
        yield reverse("catalog:seller", args=[slug]), None


def _urls(pages: Any) -> Iterator[str]:
    yield f'<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="{XMLNS}">\n'
    for path, at in pages:
        changed = f"<lastmod>{at.isoformat(timespec='seconds')}</lastmod>" if at else ""
        yield f"<url><loc>{escape(absolute(path))}</loc>{changed}</url>\n"
    yield "</urlset>\n"


def _xml(parts: Iterator[str]) -> StreamingHttpResponse:
    return StreamingHttpResponse(parts, content_type="application/xml; charset=utf-8")


@require_safe
@visitors_page
def card(request: HttpRequest, slug: str) -> HttpResponse:
    """`/products/<slug>/card.png`: the picture of links to the product."""
    product = get_object_or_404(Product.objects.reachable().select_related("seller"), slug=slug)
    picture = draw_card(product.name, product.tagline, f"{product.seller.name}  •  KooGallery")
    return about(HttpResponse(picture, content_type="image/png"), [product.pk])


@require_safe
@visitors_page
def site_card(request: HttpRequest) -> HttpResponse:
    """`/card.png`: the picture of links to all other pages."""
    text = "Licenses, professional services, SaaS and images for your cloud."
    return about(HttpResponse(draw_card("KooGallery", text, settings.SITE_CLOUD_NAME), content_type="image/png"), [])
