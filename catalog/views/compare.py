"""Comparing products."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from catalog import search as searching
from catalog.compare import MOST, Compared, asked_for, compared, rows_of
from catalog.listing import card
from koogallery.kernel.web.page_cache import visitors_page
from koogallery.kernel.web.parts import ProductCard

OFFERED = 6
NAMED = 5


@dataclass(frozen=True, slots=True)
class Column:
    """A compared product, and the address without it."""

    card: ProductCard
    remove_url: str


@dataclass(frozen=True, slots=True)
class Offer:
    """A product that may join, and the address with it."""

    name: str
    seller: str
    add_url: str


@require_safe
@visitors_page
def compare(request: HttpRequest) -> HttpResponse:
    """`/compare/?product=a&product=b`: up to four products side by side; the address is the state."""
    found = compared(asked_for(request.GET.getlist("product")))
    slugs = [product.slug for product in found.products]
    only = request.GET.get("differences") == "1" and len(slugs) > 1
    rows = rows_of(found.products)
    text, offers = _offers(request, slugs, only=only)
    context = {
        "columns": [
            Column(card(one), _address([slug for slug in slugs if slug != one.slug], only=only))
            for one in found.products
        ],
        "rows": [row for row in rows if row.differs or not only],
        "total": len(rows),
        "differing": sum(row.differs for row in rows),
        "only": only,
        "slugs": slugs,
        "notices": _notices(found),
        "other_view": _address(slugs, only=not only),
        "is_full": len(slugs) >= MOST,
        "offers": offers,
        "add_text": text,
        "add_wanted": bool(request.GET.get("add", "").strip()),
    }
    return render(request, "catalog/compare.html", context)


def _notices(found: Compared) -> list[str]:
    """Why the page shows less than the address asks for, by name."""
    notices = []
    if found.refused:
        text = ngettext(
            "Up to four products can be compared. This one was not added: %(names)s.",
            "Up to four products can be compared. These were not added: %(names)s.",
            len(found.refused),
        )
        notices.append(text % {"names": _named(found.refused)})
    if found.left_out:
        text = _("Not for sale, and left out: %(names)s.")
        notices.append(text % {"names": _named(found.left_out)})
    return notices


def _named(names: Sequence[str]) -> str:
    shown = ", ".join(names[:NAMED])
    more = len(names) - NAMED
    return shown if more <= 0 else _("%(names)s and %(more)d more") % {"names": shown, "more": more}


def _offers(request: HttpRequest, slugs: list[str], *, only: bool) -> tuple[str, list[Offer]]:
    """What was typed into "Add a product", cleaned, and the products that match it."""
    wanted = request.GET.get("add", "")
    if not wanted.strip() or len(slugs) >= MOST:
        return "", []
    tree = searching.category_tree()
    query = QueryDict(mutable=True)
    query["q"] = wanted
    search = searching.read_search(query, tree)
    if not search.text:
        return "", []
    found = searching.find(search, tree, page_size=OFFERED + MOST)
    others = [product for product in found.page if product.slug not in slugs][:OFFERED]
    return search.text, [
        Offer(product.name, product.seller.name, _address([*slugs, product.slug], only=only)) for product in others
    ]


def _address(slugs: list[str], *, only: bool) -> str:
    query = QueryDict(mutable=True)
    query.setlist("product", list(slugs))
    if only:
        query["differences"] = "1"
    return f"?{query.urlencode()}"
