"""The head of a storefront page for machines: canonical address, description, picture, structured data."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

from django.conf import settings
from django.core.paginator import Page
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import strip_tags
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import Truncator

from accounts.models import Seller
from catalog.markdown import render_markdown
from catalog.models import Category, Collection, Product
from catalog.search import CategoryTree, Found, Search
from catalog.seo.card import CARD_SIZE

LONGEST_DESCRIPTION = 160
SCHEMA = "https://schema.org"
# UN/CEFACT codes of the times that a price is for; a price without one is paid once.
UNIT_CODES = {"year": "ANN", "month": "MON", "hour": "HUR"}

# Inside a script element only these could end it or start a comment (as django.utils.html.json_script has it).
_ESCAPES = {ord("<"): "\\u003C", ord(">"): "\\u003E", ord("&"): "\\u0026", 0x2028: "\\u2028", 0x2029: "\\u2029"}


@dataclass(frozen=True, slots=True)
class PageMeta:
    """What stands in the head. All addresses are absolute.

    Attributes:
        indexed: whether search engines may list the page.
        data: schema.org objects, printed as JSON-LD: data blocks, which the content security policy lets pass
            because nothing in them runs.
    """

    title: str
    description: str
    canonical: str
    picture: str
    kind: str = "website"
    indexed: bool = True
    previous: str = ""
    next: str = ""
    data: list[dict[str, Any]] = field(default_factory=list)

    @property
    def json_ld(self) -> list[SafeString]:
        """Each object as JSON that may stand in a script element whatever texts it has."""
        return [mark_safe(json.dumps(one, ensure_ascii=False).translate(_ESCAPES)) for one in self.data]

    @property
    def width(self) -> int:
        return CARD_SIZE[0]

    @property
    def height(self) -> int:
        return CARD_SIZE[1]


def absolute(path: str) -> str:
    """The address of a path of this site for the outside; an address with a host (a CDN's) stays as it is."""
    return urljoin(settings.SITE_URL.rstrip("/") + "/", path)


def short(text: str) -> str:
    """A description of at most 160 characters, cut at a word."""
    return Truncator(" ".join(text.split())).chars(LONGEST_DESCRIPTION)


def site_card() -> str:
    """The picture of pages that have none of their own (drawn by tools/draw_card.py)."""
    return absolute(static("card.png"))


def home_meta() -> PageMeta:
    """The home page: the site, who runs it, and how it is searched."""
    home, search = absolute(reverse("catalog:home")), absolute(reverse("catalog:search"))
    site = {
        "@context": SCHEMA,
        "@type": "WebSite",
        "name": "KooGallery",
        "url": home,
        "potentialAction": {
            "@type": "SearchAction",
            "target": {"@type": "EntryPoint", "urlTemplate": f"{search}?q={{search_term_string}}"},
            "query-input": "required name=search_term_string",
        },
    }
    owner = {"@context": SCHEMA, "@type": "Organization", "name": "KooGallery", "url": home}
    text = "Licenses, professional services, SaaS and images for your cloud, with supervised delivery."
    return PageMeta("KooGallery", text, home, site_card(), data=[site, owner])


def listing_meta(found: Found, tree: CategoryTree) -> PageMeta:
    """A listing. Its address for search engines keeps the category and the page, and drops all that changes nothing.

    A search for words and a listing with more than one filter are not to be listed; with one filter the whole
    listing stands for it. The one category chosen is the category's page.
    """
    search = found.search
    category = tree.by_slug[search.category[0]] if len(search.category) == 1 else None
    filters = _filters(search) - (1 if category else 0)
    plain = not filters and not search.text
    base = absolute(category.get_absolute_url() if category else reverse("catalog:products"))
    pages = _Pages(base, found.page) if plain else None
    parent = next((root for root in tree.roots if category and root.pk == category.parent_id), None)
    return PageMeta(
        title=category.name if category else "KooGallery",
        description=short(category.text if category and category.text else "Software and services for your cloud."),
        canonical=pages.this if pages else base,
        picture=site_card(),
        indexed=not search.text and filters <= 1,
        previous=pages.previous if pages else "",
        next=pages.next if pages else "",
        data=[_items(found.page), *([_crumbs([parent, category])] if category else [])],
    )


def _filters(search: Search) -> int:
    """How many filters are set, each value of a group for itself, the two price bounds as one."""
    groups = ("category", "operating_system", "delivery_method", "pricing", "seller", "price")
    bounds = search.min_price is not None or search.max_price is not None
    return sum(len(getattr(search, group)) for group in groups) + bounds


def seller_meta(seller: Seller, page: Page[Product]) -> PageMeta:
    """A seller's page."""
    pages = _Pages(absolute(reverse("catalog:seller", args=[seller.slug])), page)
    data = {"@context": SCHEMA, **_seller(seller), "email": seller.email}
    return PageMeta(
        title=seller.name,
        description=short(seller.about),
        canonical=pages.this,
        picture=site_card(),
        kind="profile",
        previous=pages.previous,
        next=pages.next,
        data=[data, _items(page)],
    )


def collection_meta(collection: Collection, page: Page[Product]) -> PageMeta:
    """The page of products that operators put together."""
    pages = _Pages(absolute(collection.get_absolute_url()), page)
    return PageMeta(
        title=collection.title,
        description=short(collection.text or collection.title),
        canonical=pages.this,
        picture=site_card(),
        previous=pages.previous,
        next=pages.next,
        data=[_items(page)],
    )


class _Pages:
    """The addresses of a list's page and of its neighbours, empty where there is none."""

    def __init__(self, base: str, page: Page[Product]) -> None:
        self._base, number = base, page.number
        self.this = self._address(number)
        self.previous = self._address(number - 1) if page.has_previous() else ""
        self.next = self._address(number + 1) if page.has_next() else ""

    def _address(self, number: int) -> str:
        return self._base if number == 1 else f"{self._base}?page={number}"


def _items(page: Page[Product]) -> dict[str, Any]:
    """The products of a list's page."""
    items = [
        {"@type": "ListItem", "position": place, "url": absolute(product.get_absolute_url()), "name": product.name}
        for place, product in enumerate(page.object_list, (page.number - 1) * page.paginator.per_page + 1)
    ]
    return {"@context": SCHEMA, "@type": "ItemList", "numberOfItems": len(items), "itemListElement": items}


def product_meta(product: Product, offers: Iterable[dict[str, Any]], *, on_sale: bool) -> PageMeta:
    """A product's page.

    Args:
        product: with seller, category and the category's parent.
        offers: what `offer()` made of each list price.
        on_sale: whether it may be bought now.
    """
    url = absolute(product.get_absolute_url())
    picture = absolute(reverse("catalog:card", args=[product.slug]))
    availability = "https://schema.org/InStock" if on_sale else "https://schema.org/Discontinued"
    data: dict[str, Any] = {
        "@context": SCHEMA,
        "@type": "Product",
        "name": product.name,
        "description": short(product.tagline or strip_tags(render_markdown(product.description))),
        "image": [picture],
        "sku": product.slug,
        "url": url,
        "category": product.category.name,
        "brand": {"@type": "Brand", "name": product.seller.name},
    }
    listed = [{**one, "url": url, "availability": availability, "seller": _seller(product.seller)} for one in offers]
    if product.published_at is not None:
        data["releaseDate"] = product.published_at.date().isoformat()
    if listed:
        data["offers"] = listed
    return PageMeta(
        title=product.name,
        description=data["description"],
        canonical=url,
        picture=picture,
        kind="product",
        data=[data, _crumbs([product.category.parent, product.category], product)],
    )


def offer(name: str, amount: str, currency: str, unit: str) -> dict[str, Any]:
    """A list price as a schema.org Offer; `unit` is year, month, hour or nothing for a price that is paid once."""
    made: dict[str, Any] = {"@type": "Offer", "name": name, "price": amount, "priceCurrency": currency}
    if code := UNIT_CODES.get(unit):
        made["priceSpecification"] = {
            "@type": "UnitPriceSpecification",
            "price": amount,
            "priceCurrency": currency,
            "unitCode": code,
            "billingDuration": 1,
            "billingIncrement": 1,
            "referenceQuantity": {"@type": "QuantitativeValue", "value": 1, "unitCode": code},
        }
    return made


def _seller(seller: Seller) -> dict[str, Any]:
    url = absolute(reverse("catalog:seller", args=[seller.slug]))
    return {"@type": "Organization", "name": seller.name, "url": url}


def _crumbs(categories: Iterable[Category | None], product: Product | None = None) -> dict[str, Any]:
    path: list[tuple[str, str]] = [("KooGallery", reverse("catalog:home"))]
    path += [(one.name, one.get_absolute_url()) for one in categories if one is not None]
    if product is not None:
        path.append((product.name, product.get_absolute_url()))
    items = [
        {"@type": "ListItem", "position": place, "name": name, "item": absolute(url)}
        for place, (name, url) in enumerate(path, 1)
    ]
    return {"@context": SCHEMA, "@type": "BreadcrumbList", "itemListElement": items}
