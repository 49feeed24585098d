"""Comparing products."""

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from catalog import search as searching
from catalog.compare import MOST, comparable, rows_of
from catalog.listing import card
from koogallery.kernel.web.page_cache import visitors_page

OFFERED = 5
LONGEST_SLUG = 80


@require_safe
@visitors_page
def compare(request: HttpRequest) -> HttpResponse:
    """`/compare/?product=a&product=b`: up to four products side by side; the address is the state."""
    given = [slug for slug in dict.fromkeys(request.GET.getlist("product")[:50]) if slug]
    asked = [slug for slug in given if len(slug) <= LONGEST_SLUG]
    products = comparable(asked[:MOST])
    notices = []
    if len(asked) > MOST:
        left_out = ", ".join(asked[MOST : 2 * MOST])
        notices.append(_("Up to four products can be compared. Left out: %(names)s") % {"names": left_out})
    if unknown := [slug for slug in asked[:MOST] if slug not in {product.slug for product in products}]:
        notices.append(_("Not on sale, and left out: %(names)s") % {"names": ", ".join(unknown)})
    slugs = [product.slug for product in products]
    only = request.GET.get("differences") == "1"
    rows = [row for row in rows_of(products) if products and (row.differs or not only)]
    context = {
        "columns": [(card(one), _query([slug for slug in slugs if slug != one.slug], only)) for one in products],
        "rows": rows,
        "only": only,
        "slugs": slugs,
        "notices": notices,
        "other_view": _query(slugs, not only),
        "is_full": len(products) >= MOST,
        "offered": _offered(request, slugs, only) if len(products) < MOST else [],
        "add_text": request.GET.get("add", "")[: searching.LONGEST_TEXT],
    }
    return render(request, "catalog/compare.html", context)


def _offered(request: HttpRequest, slugs: list[str], only: bool) -> list[tuple[str, str]]:
    """Products that match what was typed into "Add a product", each with the address that adds it."""
    if not request.GET.get("add"):
        return []
    tree = searching.category_tree()
    query = QueryDict(mutable=True)
    query["q"] = request.GET["add"]
    found = searching.find(searching.read_search(query, tree), tree, page_size=OFFERED + MOST)
    others = [product for product in found.page if product.slug not in slugs][:OFFERED]
    return [(product.name, _query([*slugs, product.slug], only)) for product in others]


def _query(slugs: list[str], only: bool) -> str:
    query = QueryDict(mutable=True)
    query.setlist("product", list(slugs))
    if only:
        query["differences"] = "1"
    return query.urlencode()
