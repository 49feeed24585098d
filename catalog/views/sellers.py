"""A seller's public page."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from accounts.models import Seller
from catalog import search as searching
from catalog.listing import card
from catalog.search import CategoryTree, Facet
from catalog.seo.meta import seller_meta
from koogallery.kernel.web.page_cache import visitors_page
from koogallery.kernel.web.parts import Link

SHOWN = 24


@require_safe
@visitors_page
def seller(request: HttpRequest, slug: str) -> HttpResponse:
    """`/sellers/<slug>/`: who sells, how to reach him, what he sells, most bought first. A frozen seller is 404.

    Products and counts come from the catalogue's search: an engine that knows every seller's products, so that the
    page takes as long for a seller of ten as for one of a hundred thousand.
    """
    found = get_object_or_404(Seller.objects.filter(frozen_at=None), slug=slug)
    tree = searching.category_tree()
    asked = searching.read_search(request.GET, tree)
    search = searching.Search(seller=(slug,), ordering="popular", page=asked.page)
    on_sale = searching.find(search, tree, page_size=SHOWN)
    context = {
        "seller": found,
        "cards": [card(one) for one in on_sale.page],
        "page": on_sale.page,
        "total": on_sale.total,
        "all_url": _listing(slug),
        "categories": _categories(slug, on_sale.facets["category"], tree),
        "meta": seller_meta(found, on_sale.page),
    }
    return render(request, "catalog/seller.html", context)


def _categories(slug: str, counted: list[Facet], tree: CategoryTree) -> list[Link]:
    """The categories that the seller has products in, with how many, each a way into the catalogue."""
    counts = {facet.slug: facet.count for facet in counted if facet.count}

    def link(name: str, category: str, children: list[Link]) -> Link:
        return Link(name, _listing(slug, category=category), count=counts[category], children=children)

    return [
        link(root.name, root.slug, [
            link(child.name, child.slug, []) for child in tree.children.get(root.pk, []) if child.slug in counts
        ])
        for root in tree.roots
        if root.slug in counts
    ]  # fmt: skip


def _listing(slug: str, **more: str) -> str:
    """The catalogue, with this seller's products only."""
    return f"{reverse('catalog:products')}?{urlencode({'seller': slug, **more})}"
