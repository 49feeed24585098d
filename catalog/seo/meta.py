"""The head of a storefront page for machines: canonical address, description, picture, structured data."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.html import strip_tags
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import Truncator

from accounts.models import Seller
from catalog.markdown import render_markdown
from catalog.models import Category, Product
from catalog.search import Found, Search

CARD_SIZE = (1200, 630)
LONGEST_DESCRIPTION = 160

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
    """The address of a path of this site for the outside."""
    return settings.SITE_URL.rstrip("/") + path


def short(text: str) -> str:
    """A description of at most 160 characters, cut at a word."""
    return Truncator(" ".join(text.split())).chars(LONGEST_DESCRIPTION)


def site_card() -> str:
    """The picture of pages that have none of their own."""
    return absolute(reverse("catalog:site_card"))


def home_meta() -> PageMeta:
    """The home page: the site, who runs it, and how it is searched."""
    home, search = absolute(reverse("catalog:home")), absolute(reverse("catalog:search"))
    site = {
        "@context": "https://schema.org",
        "@type": "WebSite",
        "name": "KooGallery",
        "url": home,
        "potentialAction": {
            "@type": "SearchAction",
            "target": {"@type": "EntryPoint", "urlTemplate": f"{search}?q={{search_term_string}}"},
            "query-input": "required name=search_term_string",
        },
    }
    owner = {"@context": "https://schema.org", "@type": "Organization", "name": "KooGallery", "url": home}
    text = "Licenses, professional services, SaaS and images for your cloud, with supervised delivery."
    return PageMeta("KooGallery", text, home, site_card(), data=[site, owner])


def listing_meta(found: Found, category: Category | None) -> PageMeta:
    """A listing: a category and its pages are listed by search engines; texts searched and filters are not."""
    search = found.search
    base = absolute(category.get_absolute_url() if category else reverse("catalog:products"))

    def page(number: int) -> str:
        return base if number == 1 else f"{base}?page={number}"

    filters = _narrowed(search, category)
    items = [
        {"@type": "ListItem", "position": place, "url": absolute(product.get_absolute_url()), "name": product.name}
        for place, product in enumerate(found.page, found.page.start_index() if found.total else 1)
    ]
    plain = not filters and not search.text
    return PageMeta(
        title=category.name if category else "KooGallery",
        description=short(category.text if category and category.text else "Software and services for your cloud."),
        canonical=page(found.page.number),
        picture=site_card(),
        indexed=plain,
        previous=page(found.page.number - 1) if plain and found.page.has_previous() else "",
        next=page(found.page.number + 1) if plain and found.page.has_next() else "",
        data=[
            {"@context": "https://schema.org", "@type": "ItemList", "itemListElement": items},
            *([_crumbs(category)] if category else []),
        ],
    )


def _narrowed(search: Search, category: Category | None) -> bool:
    """Whether more is chosen than the one category of the page."""
    own = (category.slug,) if category else ()
    groups = ("operating_system", "delivery_method", "pricing", "seller", "price")
    return search.category != own or search.has_price or any(getattr(search, group) for group in groups)


def seller_meta(seller: Seller) -> PageMeta:
    """A seller's page."""
    url = absolute(reverse("catalog:seller", args=[seller.slug]))
    data = {"@context": "https://schema.org", **_seller(seller), "email": seller.email}
    return PageMeta(seller.name, short(seller.about), url, site_card(), kind="profile", data=[data])


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
        "@context": "https://schema.org",
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
    if listed:
        data["offers"] = listed
    return PageMeta(
        title=product.name,
        description=data["description"],
        canonical=url,
        picture=picture,
        kind="product",
        data=[data, _crumbs(product.category, product)],
    )


def offer(name: str, amount: str, currency: str, unit: str) -> dict[str, Any]:
    """A list price as a schema.org Offer; `unit` is year, month, hour or nothing for a price that is paid once."""
    made: dict[str, Any] = {"@type": "Offer", "name": name, "price": amount, "priceCurrency": currency}
    if code := {"year": "ANN", "month": "MON", "hour": "HUR"}.get(unit):
        made["priceSpecification"] = {
            "@type": "UnitPriceSpecification",
            "price": amount,
            "priceCurrency": currency,
            "referenceQuantity": {"@type": "QuantitativeValue", "value": 1, "unitCode": code},
        }
    return made


def _seller(seller: Seller) -> dict[str, Any]:
    url = absolute(reverse("catalog:seller", args=[seller.slug]))
    return {"@type": "Organization", "name": seller.name, "url": url}


def _crumbs(category: Category, product: Product | None = None) -> dict[str, Any]:
    path: list[tuple[str, str]] = [("KooGallery", reverse("catalog:home"))]
    if category.parent is not None:
        path.append((category.parent.name, category.parent.get_absolute_url()))
    path.append((category.name, category.get_absolute_url()))
    if product is not None:
        path.append((product.name, product.get_absolute_url()))
    items = [
        {"@type": "ListItem", "position": place, "name": name, "item": absolute(url)}
        for place, (name, url) in enumerate(path, 1)
    ]
    return {"@context": "https://schema.org", "@type": "BreadcrumbList", "itemListElement": items}
