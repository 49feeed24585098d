"""Products and facets as the storefront's components print them."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _

from catalog import search as searching
from catalog.choices import BillingMode, DeliveryMethod, OperatingSystem
from catalog.models import Product, SavedProduct
from catalog.search import CategoryTree, Facet, Found, Search
from koogallery.kernel.web.parts import Chip, Choice, FilterGroup, Link, Mark, ProductCard


def card(product: Product) -> ProductCard:
    """What a product card prints."""
    badges = [Mark(_("Service supervision"), "ok", "shield-check")] if product.supervised else []
    return ProductCard(
        name=product.name,
        url=product.get_absolute_url(),
        tagline=product.tagline,
        logo=product.logo,
        version=product.version,
        delivery_label=product.get_delivery_method_display(),
        systems_label=", ".join(str(OperatingSystem(one).label) for one in product.operating_systems),
        seller_name=product.seller.name,
        seller_url=reverse("catalog:seller", args=[product.seller.slug]),
        badges=[*badges, *(Mark(text, "info") for text in product.badges)],
        price=product.starting_price,
        unit=product.lowest_price_unit,
        starting=product.has_several_prices,
    )


def with_saved(products: Iterable[Product], account_id: int | None) -> list[Product]:
    """The products with `is_saved`, in one query for all of them."""
    found = list(products)
    saved: set[int] = set()
    if account_id and found:
        rows = SavedProduct.objects.filter(account_id=account_id, product__in=found)
        saved = set(rows.values_list("product_id", flat=True))
    for product in found:
        product.is_saved = product.pk in saved  # type: ignore[attr-defined]
    return found


def _link(search: Search, slug: str) -> str:
    """The catalogue's address for a search; a category page keeps its own address for the one category."""
    if slug and search.category == (slug,):
        query = searching.as_query(replace(search, category=()))
        path = reverse("catalog:category", args=[slug])
    else:
        query, path = searching.as_query(search), reverse("catalog:products")
    return f"{path}?{query}" if query else path


def _boxes(title: str, name: str, facets: list[Facet], chosen: tuple[str, ...], *, is_open: bool = True) -> FilterGroup:
    options = [Choice(facet.slug, facet.name, selected=facet.slug in chosen, count=facet.count) for facet in facets]
    return FilterGroup(title, name, open=is_open, options=options)


def filter_groups(found: Found, tree: CategoryTree, slug: str) -> list[FilterGroup]:
    """The filter rail: category tree, then the four filters, sellers and prices."""
    search, counts = found.search, {facet.slug: facet.count for facet in found.facets["category"]}
    current = search.category[0] if len(search.category) == 1 else ""

    def link(category_slug: str, name: str, children: list[Link]) -> Link:
        target = replace(search, category=(category_slug,) if category_slug else (), page=1)
        url = _link(target, category_slug)
        return Link(name, url, current=category_slug == current, count=counts.get(category_slug), children=children)

    categories = [link("", _("All Categories"), [])]
    for root in tree.roots:
        children = tree.children.get(root.pk, [])
        is_open = current == root.slug or current in {child.slug for child in children}
        below = [link(child.slug, child.name, []) for child in children] if is_open else []
        categories.append(link(root.slug, root.name, below))
    return [
        FilterGroup(_("Categories"), kind="links", links=categories),
        _boxes(_("Delivery Methods"), "delivery_method", found.facets["delivery_method"], search.delivery_method),
        _boxes(_("Operating Systems"), "operating_system", found.facets["operating_system"], search.operating_system),
        _boxes(_("Pricing Plans"), "pricing", found.facets["pricing"], search.pricing),
        _boxes(_price_title(), "price_range", found.facets["price"], search.price, is_open=bool(search.price)),
        FilterGroup(
            _("Price from – to"),
            kind="range",
            open=search.min_price is not None or search.max_price is not None,
            low_name="min_price",
            low="" if search.min_price is None else format(search.min_price, "f"),
            high_name="max_price",
            high="" if search.max_price is None else format(search.max_price, "f"),
        ),
        _boxes(_("Sold by"), "seller", found.facets["seller"], search.seller, is_open=bool(search.seller)),
    ]


def chips(found: Found, tree: CategoryTree, slug: str) -> list[Chip]:
    """The filters in force, each with the address without it."""
    search = found.search
    sellers = {facet.slug: facet.name for facet in found.facets["seller"]}
    names: dict[str, tuple[str, dict[str, Any]]] = {
        "category": (_("Categories"), {one: category.name for one, category in tree.by_slug.items()}),
        "delivery_method": (_("Delivery Methods"), dict(DeliveryMethod.choices)),
        "operating_system": (_("Operating Systems"), dict(OperatingSystem.choices)),
        "pricing": (_("Pricing Plans"), dict(BillingMode.choices)),
        "seller": (_("Sold by"), sellers),
        "price": (_price_title(), {facet.slug: facet.name for facet in found.facets["price"]}),
    }
    shown = []
    if search.text:
        shown.append(Chip(_("Search"), search.text, _link(searching.without(search, "q", ""), slug)))
    for group, (title, labels) in names.items():
        for value in getattr(search, group):
            if group == "category" and value == slug:
                continue
            url = _link(searching.without(search, group, value), slug)
            shown.append(Chip(title, str(labels.get(value, value)), url))
    if search.min_price is not None or search.max_price is not None:
        low = "0" if search.min_price is None else format(search.min_price, "f")
        high = "∞" if search.max_price is None else format(search.max_price, "f")
        url = _link(searching.without(search, "bounds", ""), slug)
        shown.append(Chip(_("Price from – to"), f"{low} – {high}", url))
    return shown


def _price_title() -> str:
    return _("Price range (%(currency)s)") % {"currency": settings.SITE_CURRENCY}


def finder_selects(search: Search, tree: CategoryTree) -> list[FilterGroup]:
    """The home page's four selects (guide 2.1, step 2)."""

    def select(title: str, name: str, every: str, choices: Iterable[tuple[str, object]]) -> FilterGroup:
        chosen = getattr(search, name)
        options = [Choice("", every), *(Choice(value, str(text), selected=value in chosen) for value, text in choices)]
        return FilterGroup(title, name, options=options)

    categories = []
    for root in tree.roots:
        categories.append((root.slug, root.name))
        categories += [(child.slug, f"– {child.name}") for child in tree.children.get(root.pk, [])]
    methods = [(one.value, str(one.label)) for one in DeliveryMethod if one != DeliveryMethod.ECS]
    return [
        select(_("Categories"), "category", _("All categories"), categories),
        select(_("Operating Systems"), "operating_system", _("All operating systems"), OperatingSystem.choices),
        select(_("Delivery Methods"), "delivery_method", _("All delivery methods"), methods),
        select(_("Pricing Plans"), "pricing", _("All pricing plans"), BillingMode.choices),
    ]
