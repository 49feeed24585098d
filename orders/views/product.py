"""The product page: everything about a product, its configuration and what that costs now."""

from dataclasses import dataclass, field
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, F, OuterRef, QuerySet
from django.db.models.functions import JSONObject
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.models import Account
from accounts.web import membership_of
from catalog.choices import DeliveryMethod, DocumentKind, OperatingSystem
from catalog.listing import card
from catalog.markdown import render_markdown
from catalog.models import (
    AcceptanceCriteria,
    Agreement,
    CustomerCase,
    Product,
    ProductDocument,
    ProductPicture,
    ReleaseNote,
    SavedProduct,
)
from catalog.seo.meta import offer, product_meta
from koogallery.kernel.compiled import Children, Compiled, OneOf, Param
from koogallery.kernel.money import Money
from koogallery.kernel.web.formats import price_text
from koogallery.kernel.web.page_cache import about, visitors_page
from koogallery.kernel.web.parts import Choice, CostLine
from orders.ports import delivery_terms, sale_refusal, with_delivery_terms
from orders.views.image import ImageOffer, image_offer, image_versions, with_image_versions, with_server
from pricing import services
from pricing.configuration import Configuration, default_configuration, read_configuration
from pricing.errors import NotConfigurable
from pricing.values import ECS, AttributeFacts, LineKind, Quote, QuoteLine, SpecificationFacts

RELATED = 4


@dataclass(frozen=True, slots=True)
class AttributeInput:
    """One attribute as the page prints it: tiles for choices, a stepper for a quantity."""

    facts: AttributeFacts
    value: str
    error: str
    choices: list[Choice] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"attribute.{self.facts.code}"


@dataclass(frozen=True, slots=True)
class PriceTable:
    """The specification comparison: attributes and prices side by side."""

    facts: SpecificationFacts
    prices: list[tuple[str, Money, str]]


@require_safe
@visitors_page
def product_page(request: HttpRequest, slug: str) -> HttpResponse:
    """`/products/<slug>/`: step 1, Configure, of a purchase (guide 2.1, step 4). The query is the configuration."""
    product = _product(request, slug)
    account = _account(request)
    specifications = services.facts_of_product(product, account)
    configuration, quote, errors, offer = _configured(request, product, specifications, account)
    related = _RELATED.all(category=product.category_id, product=product.pk)
    tables, refusal = _price_tables(specifications), sale_refusal(product)
    response = render(
        request,
        "orders/product.html",
        {
            "product": product,
            "description": render_markdown(product.description),
            "systems": _systems(product),
            "specifications": _specification_choices(specifications, configuration),
            "configuration": configuration,
            "modes": _mode_choices(configuration),
            "image_offer": offer,
            "image_errors": {
                name.partition(".")[2]: text for name, text in errors.items() if name.startswith("deployment.")
            },
            "attributes": _attribute_inputs(configuration, errors),
            "errors": errors,
            "quote": quote,
            "cost_lines": cost_lines(product.name, quote),
            "auto_renew_offered": bool(product.auto_renewal_supported and configuration and configuration.durations),
            "specification_names": [table.facts.name for table in tables],
            "comparison": _comparison(tables),
            "related": [card(one) for one in related],
            "agreements": product.shown_agreements,
            "support": _support(product),
            "has_template": bool(product.requirement_template),
            "release_notes": [
                {"version": one.version, "released_at": one.released_at, "text": one.text}
                for one in product.release_notes.all()
            ],
            "documents": [{**one, "label": DocumentKind(one["kind"]).label} for one in product.shown_documents],
            "meta": product_meta(product, _offers(tables), on_sale=not refusal),
            "refusal": refusal,
            "what_follows": what_follows(product),
            "delivery_terms": delivery_terms(product),
            "current_step": 1,
        },
        status=422 if errors else 200,
    )
    return about(response, [product.pk, *(one.pk for one in related)])


@require_safe
@visitors_page
def quote_fragment(request: HttpRequest, slug: str) -> HttpResponse:
    """`/products/<slug>/quote/`: Cost Details for the configuration in the query, as the calculator fetches it."""
    products = with_image_versions(Product.objects.reachable().select_related("seller"))
    product = get_object_or_404(products, slug=slug)
    account = _account(request)
    specifications = services.facts_of_product(product, account)
    configuration, quote, errors, _offer = _configured(request, product, specifications, account)
    context = {
        "quote": quote,
        "cost_lines": cost_lines(product.name, quote),
        "auto_renew": bool(configuration and configuration.auto_renew),
        "errors": errors,
    }
    return about(render(request, "orders/_cost.html", context, status=422 if errors else 200), [product.pk])


def _product(request: HttpRequest, slug: str) -> Any:
    membership = membership_of(request)
    found = _SHOWN_TO_BUYERS.first(slug=slug, account=membership.account_id) if membership else _SHOWN.first(slug=slug)
    if found is None:
        raise Http404
    return found


def _shown() -> QuerySet[Product]:
    """A product with everything that its page prints of it."""
    products = (
        Product.objects.reachable()
        .filter(slug=Param("slug"))
        .defer("search_vector")
        .select_related("seller", "category", "category__parent")
        # Small lists that hang on the product come with it, in the same query.
        .annotate(
            shown_pictures=_listed(ProductPicture.objects.all(), "pk", "alt", "width", "height"),
            shown_documents=_listed(ProductDocument.objects.all(), "pk", "title", "kind", "url"),
            shown_cases=_listed(CustomerCase.objects.all(), "title", "customer", "text"),
            shown_images=image_versions(),
            shown_criteria=AcceptanceCriteria.lines_of(OuterRef("pk")),
            shown_agreements=ArraySubquery(
                Agreement.objects.in_force_for(OuterRef("pk")).values(
                    one=JSONObject(pk="pk", title="title", version="version")
                )
            ),
        )
    )
    return with_delivery_terms(products)


def _shown_to_buyers() -> QuerySet[Product]:
    saved = SavedProduct.objects.filter(account=Param("account"), product=OuterRef("pk"))
    return _shown().annotate(is_saved=Exists(saved))


def _listed(rows: QuerySet[Any], *names: str) -> ArraySubquery:
    """The product's own rows as a list of plain objects with these fields, in their order."""
    return ArraySubquery(rows.filter(product=OuterRef("pk")).values(one=JSONObject(**{name: name for name in names})))


_NOTES = Children(
    "release_notes",
    of="product",
    rows=Compiled(lambda: ReleaseNote.objects.filter(OneOf(F("product_id"), Param("parents")))),
)
_SHOWN = Compiled(_shown, children=[_NOTES])
_SHOWN_TO_BUYERS = Compiled(_shown_to_buyers, children=[_NOTES])
# Other products of the category, the most purchased first, over one index range.
_RELATED = Compiled(
    lambda: (
        Product.objects.published()
        .filter(category=Param("category"))
        .exclude(pk=Param("product"))
        .with_card_columns()
        .order_by("-popularity", "id")[:RELATED]
    )
)


def _account(request: HttpRequest) -> Account | None:
    membership = membership_of(request)
    return membership.account if membership else None


def _configured(
    request: HttpRequest, product: Product, specifications: dict[int, SpecificationFacts], account: Account | None
) -> tuple[Configuration | None, Quote | None, dict[str, str], ImageOffer | None]:
    """The chosen configuration with its price, or with what is wrong with it, by field; and what an image runs on."""
    configuration, offer = default_configuration(specifications), None
    if configuration is None:
        return None, None, {}, None
    try:
        configuration = read_configuration(request.GET, specifications)
        offer = image_offer(product, configuration, request.GET)
        configuration = with_server(configuration, offer)
        quote = services.quote_purchase(
            configuration.request, account=account, product=product, facts=configuration.facts
        )
    except NotConfigurable as refused:
        offer = offer or image_offer(product, configuration, request.GET)
        errors = {name: texts[0] for name, texts in refused.errors.items()} or {"": refused.message}
        return configuration, None, errors, offer
    return configuration, quote, {}, offer


def cost_lines(label: str, quote: Quote | None) -> list[CostLine]:
    """A quote's lines as Cost Details prints them: charges under the product's name, what follows in its own words."""
    return [cost_line(label, line) for line in quote.lines] if quote else []


def cost_line(label: str, line: QuoteLine) -> CostLine:
    """One line of a quote, live or of an order's snapshot."""
    if line.kind == LineKind.CHARGE and line.item == ECS:
        name, _colon, formula = line.text.partition(": ")
        return CostLine(name, formula, line.amount)
    if line.kind == LineKind.CHARGE:
        return CostLine(label, line.text, line.amount)
    if line.kind == LineKind.CREDIT:
        what, _colon, formula = line.text.partition(": ")
        return CostLine(what, formula, line.amount)
    return CostLine(line.text, "", line.amount)


def _support(product: Product) -> dict[str, str]:
    return {
        "hours": product.support_hours,
        "hotline": product.support_hotline,
        "email": product.support_email or product.seller.email,
        "content": product.support_content,
    }


def _systems(product: Product) -> str:
    return ", ".join(str(OperatingSystem(system).label) for system in product.operating_systems)


def _specification_choices(
    specifications: dict[int, SpecificationFacts], configuration: Configuration | None
) -> list[Choice]:
    chosen = configuration.facts.id if configuration else None
    return [Choice(str(pk), facts.name, selected=pk == chosen) for pk, facts in specifications.items()]


def _mode_choices(configuration: Configuration | None) -> list[Choice]:
    if configuration is None:
        return []
    chosen = configuration.request.billing_mode
    return [Choice(mode.value, mode.label, selected=mode == chosen) for mode in configuration.modes]


def _attribute_inputs(configuration: Configuration | None, errors: dict[str, str]) -> list[AttributeInput]:
    if configuration is None:
        return []
    inputs = []
    for facts in configuration.facts.attributes:
        value = str(configuration.request.attributes.get(facts.code, facts.default))
        choices = [Choice(code, name, selected=code == value) for code, name in facts.choices]
        inputs.append(AttributeInput(facts, value, errors.get(f"attributes.{facts.code}", ""), choices))
    return inputs


def _price_tables(specifications: dict[int, SpecificationFacts]) -> list[PriceTable]:
    tables = []
    for facts in specifications.values():
        names = {attribute.code: attribute.unit or attribute.name for attribute in facts.attributes}
        prices = []
        for mode in services.modes_on_sale([facts]):
            price = facts.prices[mode]
            unit = "/".join(part for part in (names.get(price.per or "", ""), mode.unit) if part)
            prices.append((str(mode.label), Money(price.amount, facts.currency), unit))
        tables.append(PriceTable(facts, prices))
    return tables


def _offers(tables: list[PriceTable]) -> list[dict[str, Any]]:
    """Each list price for search engines."""
    return [
        offer(f"{table.facts.name}, {label}", money.digits(), money.currency, unit.rsplit("/", 1)[-1])
        for table in tables
        for label, money, unit in table.prices
    ]


def _comparison(tables: list[PriceTable]) -> list[tuple[str, list[str]]]:
    """The specifications side by side: attributes, the most of one order, and each billing mode's price."""
    rows: dict[str, list[str]] = {}
    for at, table in enumerate(tables):
        says = {attribute.name: _choice_text(attribute) for attribute in table.facts.attributes}
        says[_("Most of one order")] = str(table.facts.max_quantity)
        says |= {label: price_text(money, unit) for label, money, unit in table.prices}
        for label, text in says.items():
            rows.setdefault(label, ["—"] * len(tables))[at] = text
    return list(rows.items())


def _choice_text(attribute: AttributeFacts) -> str:
    if attribute.choices:
        return ", ".join(name for _code, name in attribute.choices)
    return f"{attribute.minimum} – {attribute.maximum} {attribute.unit}".strip()


def what_follows(product: Product) -> str:
    """What happens after payment, said before the purchase."""
    match product.delivery_method:
        case DeliveryMethod.LICENSE:
            return _("The seller delivers the license offline; you accept it under service supervision.")
        case DeliveryMethod.PROFESSIONAL_SERVICE:
            return _("You submit a request after payment; the seller confirms and delivers it for your acceptance.")
        case DeliveryMethod.IMAGE:
            return _("You choose quick or customized provisioning next; the server is created within minutes.")
    return ""
