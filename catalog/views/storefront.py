"""What visitors see: home, catalogue, categories, sellers, logos, requirement templates."""

from dataclasses import replace
from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from accounts.models import Seller
from accounts.web import membership_of
from catalog import search as searching
from catalog.collections import shelves
from catalog.listing import card, chips, filter_groups, finder_selects, with_saved
from catalog.models import Collection, Product
from catalog.seo.meta import collection_meta, home_meta, listing_meta, seller_meta
from koogallery.kernel.web.page_cache import visitors_page
from koogallery.kernel.web.parts import Link
from koogallery.kernel.web.tiles import generated

SHOWN_ON_HOME = 6
SHOWN_OF_SELLER = 24


@require_safe
@visitors_page
def home(request: HttpRequest) -> HttpResponse:
    """`/`: the finder with live "Total results", categories with counts, newest and most purchased products."""
    tree = searching.category_tree()
    search = searching.read_search(request.GET, tree)
    found = searching.find(replace(search, page=1), tree, page_size=1)
    counts = {facet.slug: facet.count for facet in found.facets["category"]}
    on_sale = Product.objects.published().with_card_columns()
    context = {
        "total": found.total,
        "selects": finder_selects(search, tree),
        "tiles": [
            Link(root.name, root.get_absolute_url(), count=counts.get(root.slug, 0), children=[
                Link(child.name, child.get_absolute_url(), count=counts.get(child.slug, 0))
                for child in tree.children.get(root.pk, [])
            ])
            for root in tree.roots
        ],
        "newest": [card(product) for product in on_sale.order_by("-published_at", "id")[:SHOWN_ON_HOME]],
        "popular": [card(product) for product in on_sale.order_by("-popularity", "id")[:SHOWN_ON_HOME]],
        "shelves": shelves(None),
        "meta": home_meta(),
        "hide_search": False,
    }  # fmt: skip
    return render(request, "catalog/home.html", context)


@require_safe
@visitors_page
def total(request: HttpRequest) -> HttpResponse:
    """`/products/total/`: the finder's live "Total results"."""
    tree = searching.category_tree()
    found = searching.count(searching.read_search(request.GET, tree), tree)
    return render(request, "catalog/_total.html", {"total": found})


@require_safe
@visitors_page
def products(request: HttpRequest, slug: str = "") -> HttpResponse:
    """`/products/`, `/search/` and `/categories/<slug>/`: the catalogue; the address is the state."""
    tree = searching.category_tree()
    if slug and slug not in tree.by_slug:
        raise Http404
    search = searching.read_search(request.GET, tree)
    if slug:
        search = replace(search, category=(slug,))
    found = searching.find(search, tree)
    membership = membership_of(request)
    found_products = with_saved(found.page.object_list, membership.account_id if membership else None)
    context: dict[str, Any] = {
        "category": tree.by_slug.get(slug),
        "found": found,
        "page": found.page,
        "cards": [(card(product), product.slug, getattr(product, "is_saved", False)) for product in found_products],
        "groups": filter_groups(found, tree, slug),
        "chips": chips(found, tree, slug),
        "clear_url": request.path,
        "hidden": [(name, request.GET[name]) for name in ("q", "ordering", "layout") if request.GET.get(name)],
        "orderings": searching.ORDERINGS.items(),
        "layout": "grid" if request.GET.get("layout") == "grid" else "list",
        "search_text": search.text,
        "tabs": _tabs(tree, slug),
        "meta": listing_meta(found, tree),
    }
    if slug and search == replace(searching.Search(), category=(slug,)):
        # The category's own page, nothing chosen yet: what operators put in front.
        context["shelves"] = shelves(tree.by_slug[slug])
    if search.text:
        context["matching_sellers"] = searching.suggest(search.text, tree).sellers
        context["meant_url"] = f"{request.path}?{searching.as_query(replace(search, text=found.meant, page=1))}"
    if request.GET.get("fragment") == "results":
        return render(request, "catalog/_results.html", context)
    return render(request, "catalog/products.html", context)


def _tabs(tree: searching.CategoryTree, slug: str) -> list[Link]:
    """The sub-categories on top of a category's page."""
    category = tree.by_slug.get(slug)
    if category is None:
        return []
    root = next((one for one in tree.roots if one.pk == category.parent_id), category)
    children = tree.children.get(root.pk, [])
    return [Link(_("All"), root.get_absolute_url(), current=root.pk == category.pk)] + [
        Link(child.name, child.get_absolute_url(), current=child.pk == category.pk) for child in children
    ]


@require_safe
@visitors_page
def suggestions(request: HttpRequest) -> HttpResponse:
    """`/search/suggest/?q=`: products, sellers and categories that the text may be the beginning of, as a fragment."""
    tree = searching.category_tree()
    text = searching.read_search(request.GET, tree).text
    found = searching.suggest(text, tree)
    return render(request, "catalog/_suggestions.html", {"found": found, "text": text})


@require_safe
@visitors_page
def seller(request: HttpRequest, slug: str) -> HttpResponse:
    """`/sellers/<slug>/`: who sells, how to reach him, what he sells."""
    found = get_object_or_404(Seller.objects.filter(frozen_at=None), slug=slug)
    tree = searching.category_tree()
    asked = searching.read_search(request.GET, tree)
    search = searching.Search(seller=(slug,), ordering="popular", page=asked.page)
    on_sale = searching.find(search, tree, page_size=SHOWN_OF_SELLER)
    context = {
        "seller": found,
        "cards": [card(one) for one in on_sale.page],
        "page": on_sale.page,
        "total": on_sale.total,
        "categories": [facet for facet in on_sale.facets["category"] if facet.count],
        "meta": seller_meta(found, on_sale.page),
    }
    return render(request, "catalog/seller.html", context)


@require_safe
@visitors_page
def collection(request: HttpRequest, slug: str) -> HttpResponse:
    """`/collections/<slug>/`: products that operators put together."""
    found = get_object_or_404(Collection.objects.filter(published=True), slug=slug)
    listed = Product.objects.published().with_card_columns()
    rows = listed.filter(collection_items__collection=found).order_by(
        "collection_items__position", "collection_items__id"
    )
    page = Paginator(rows, SHOWN_OF_SELLER).get_page(request.GET.get("page"))
    context = {
        "collection": found,
        "page": page,
        "cards": [card(one) for one in page],
        "meta": collection_meta(found, page),
    }
    return render(request, "catalog/collection.html", context)


@require_safe
@cache_control(public=True, max_age=3600)
def logo(request: HttpRequest, slug: str) -> HttpResponse:
    """`/products/<slug>/logo.svg`: the product's tile, which can run nothing."""
    product = get_object_or_404(Product.objects.reachable().only("logo", "name"), slug=slug)
    response = HttpResponse(product.logo or generated(product.name), content_type="image/svg+xml")
    response["Content-Security-Policy"] = "default-src 'none'; style-src 'none'; sandbox"
    return response


@require_safe
def requirement_template(request: HttpRequest, slug: str) -> HttpResponse:
    """`/products/<slug>/requirement-template/`: the seller's questionnaire, as a download."""
    product = get_object_or_404(Product.objects.reachable().only("slug", "requirement_template"), slug=slug)
    if not product.requirement_template:
        raise Http404
    response = HttpResponse(product.requirement_template, content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{product.slug}-requirements.txt"'
    return response
