"""What both ways of provisioning share: the draft, its table of flavors, its price, and placing its order.

The small lists that its menus offer hang on the draft and come with it, in the same query.
"""

from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.postgres.expressions import ArraySubquery
from django.core.paginator import Page, Paginator
from django.db.models import F, OuterRef, QuerySet, TextField
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, JSONObject
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from accounts.web import BuyerRequest
from catalog.choices import BillingMode, DeliveryMethod, EcsType
from catalog.firewalls import Rule
from catalog.models import FlavorOffer, ImageVersion, Region, RegionRate, Specification
from koogallery.kernel import clock
from koogallery.kernel.errors import DomainError, NotFound
from koogallery.kernel.money import Money
from koogallery.kernel.web.parts import Choice
from orders import ports
from orders.deployments import DeploymentWish
from orders.models import Order, PurchaseDraft
from orders.services import place_draft
from orders.views.image import plain
from pricing import services as pricing
from pricing.choosing import chosen_attributes, refused
from pricing.list_prices import period_price
from pricing.on_sale import agreements_of, specification_on_sale
from pricing.servers import MODES, Sold, server_facts
from pricing.values import ECS, LineKind, Quote, QuoteRequest, ServerChoice, SpecificationFacts
from provisioning.compute.models import EcsGroup, EnterpriseProject, KeyPair, SecurityGroup, Subnet
from provisioning.compute.rules import PasswordRule, password_rules

FLAVORS_A_PAGE = 10
LONGEST_LIST = 1000
SHOWN = 100


@dataclass(frozen=True, slots=True)
class OwnThings:
    """What of the account can be chosen in the region: plain objects, at most a hundred of each."""

    subnets: list[dict[str, Any]] = field(default_factory=list)
    groups: list[dict[str, Any]] = field(default_factory=list)
    key_pairs: list[dict[str, Any]] = field(default_factory=list)
    ecs_groups: list[dict[str, Any]] = field(default_factory=list)
    projects: list[dict[str, Any]] = field(default_factory=list)


def _lists() -> dict[str, ArraySubquery]:
    """The lists of a draft's account and region."""
    mine = {"account": OuterRef("account")}
    here = mine | {"region__code": OuterRef("region_code")}
    subnets = Subnet.objects.filter(**mine, vpc__region__code=OuterRef("region_code")).order_by(
        "-vpc__is_default", "id"
    )
    rates = RegionRate.objects.filter(region__code=OuterRef("region_code"))
    amounts = {mode.value: Cast(mode.value, TextField()) for mode in MODES}
    return {
        "own_subnets": _listed(
            subnets, "public_id", "name", "cidr", vpc="vpc__public_id", vpc_name="vpc__name", vpc_cidr="vpc__cidr",
            is_default="vpc__is_default",
        ),
        "own_groups": _listed(
            SecurityGroup.objects.filter(**here).order_by("name"), "public_id", "name", "rules", recommended="recommended_for"
        ),
        "own_key_pairs": _listed(KeyPair.objects.filter(**mine), "public_id", "name"),
        "own_ecs_groups": _listed(EcsGroup.objects.filter(**here), "public_id", "name"),
        "own_projects": _listed(EnterpriseProject.objects.filter(**mine), "public_id", "name"),
        "open_regions": _listed(Region.objects.filter(is_open=True), "code", "name"),
        "region_rates": _listed(rates, "kind", "currency", **amounts),
    }  # fmt: skip


def _listed(rows: "QuerySet[Any]", *names: str, **others: Any) -> ArraySubquery:
    return ArraySubquery(rows.values(one=JSONObject(**{name: name for name in names}, **others))[:SHOWN])


class Drafted:
    """An image that is being configured: what the draft says, read once a request.

    `wanted` and `wish` may be replaced by what a form says, before it is stored.
    """

    def __init__(self, draft: PurchaseDraft, wanted: QuoteRequest) -> None:
        self.draft, self.wanted = draft, wanted
        self.wish = DeploymentWish.from_json(draft.deployment or {})

    @property
    def server(self) -> ServerChoice:
        assert self.wanted.server is not None
        return self.wanted.server

    @cached_property
    def specification(self) -> Specification:
        try:
            return specification_on_sale(self.wanted.specification)
        except NotFound as gone:
            raise Http404 from gone

    @cached_property
    def facts(self) -> SpecificationFacts:
        return pricing.facts_for(self.specification, self.draft.account)

    @cached_property
    def images(self) -> list[ImageVersion]:
        """The versions on sale, the newest first."""
        return list(self.draft.product.image_versions.on_sale())

    @property
    def image(self) -> ImageVersion:
        there = [one for one in self.images if one.is_in(self.server.region)] or self.images
        if not there:
            raise Http404
        return next((one for one in there if one.version == self.server.image), there[0])

    @cached_property
    def offers(self) -> list[FlavorOffer]:
        """Everything that the draft's region sells."""
        rows = FlavorOffer.objects.of(self.server.region, self.facts.currency)
        return list(rows.filter(region__is_open=True).select_related("flavor", "region"))

    @property
    def region(self) -> Region:
        if not self.offers:
            raise Http404
        return self.offers[0].region

    @cached_property
    def own(self) -> OwnThings:
        read: Any = self.draft
        return OwnThings(read.own_subnets, read.own_groups, read.own_key_pairs, read.own_ecs_groups, read.own_projects)

    @property
    def quota(self) -> int:
        """How many servers the account may have."""
        own: int | None = self.draft.own_quota  # type: ignore[attr-defined]
        return settings.COMPUTE_SERVERS_PER_ACCOUNT if own is None else own

    @property
    def mode_label(self) -> str:
        return str(BillingMode(self.wanted.billing_mode).label)

    @property
    def rules(self) -> tuple[PasswordRule, ...]:
        """What the log-in password must be."""
        return password_rules(self.image.username)

    @property
    def groups(self) -> list[dict[str, Any]]:
        """What the fold-out Security Group Rules shows: the recommended group first."""
        product = self.draft.product_id
        recommended = next((one for one in self.own.groups if one["recommended"] == product), None)
        first = {
            "name": recommended["name"] if recommended else f"{self.draft.product.slug}-recommended",
            "rules": [Rule.from_json(one) for one in (recommended or {"rules": self.image.recommended_rules})["rules"]],
        }
        others = [one for one in self.own.groups if one is not recommended]
        return [first, *({"name": one["name"], "rules": [Rule.from_json(r) for r in one["rules"]]} for one in others)]

    @property
    def agreements(self) -> list[dict[str, Any]]:
        """What the buyer accepts: id, title, version."""
        return agreements_of(self.specification)

    def with_server(self, server: ServerChoice) -> QuoteRequest:
        return replace(self.wanted, server=server)

    def quote(self, request: QuoteRequest | None = None) -> Quote:
        """Today's price of a configuration of the draft.

        Raises:
            NotConfigurable
        """
        request = request or self.wanted
        assert request.server is not None
        facts = None
        if request.server.region == self.server.region:
            offer = next((one for one in self.offers if one.flavor.code == request.server.flavor), None)
            if offer is None:
                raise refused("deployment.flavor", "Select one of the flavors of the region.")
            rates = {
                one["kind"]: {mode.value: Decimal(one[mode.value]) for mode in MODES}
                for one in self.draft.region_rates  # type: ignore[attr-defined]
                if one["currency"] == self.facts.currency
            }
            sold = Sold(offer, self.image, rates)
            facts = server_facts(request.server, self.draft.product, self.facts.currency, sold)
        return pricing.quote_purchase(
            request,
            account=self.draft.account,
            product=self.draft.product,
            facts=self.facts,
            specification=self.specification,
            server=facts,
        )


def drafted(request: BuyerRequest, draft_id: str) -> Drafted:
    """The account's draft of an image.

    Raises:
        Http404: no such draft, it is of something else, or has expired.
    """
    rows = PurchaseDraft.objects.filter(
        account=request.account, public_id=draft_id, product__delivery_method=DeliveryMethod.IMAGE
    )
    rows = rows.select_related("product", "product__seller", "order", "account", "account__reseller")
    rows = rows.annotate(region_code=KT("request__server__region"), own_quota=F("account__server_quota__servers"))
    draft = rows.annotate(**_lists()).first()
    if draft is None:
        raise Http404
    wanted = QuoteRequest.from_json(draft.request)
    if wanted.server is None or (draft.order is None and draft.expires_at < clock.now()):
        raise Http404
    return Drafted(draft, wanted)


# --- flavors ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FlavorLine:
    """A row of the guide's ECS table."""

    offer: FlavorOffer
    is_recommended: bool
    is_chosen: bool

    @property
    def memory(self) -> str:
        return self.offer.flavor.memory

    @property
    def bandwidth(self) -> str:
        """Assured / maximum, in Gbit/s."""
        return f"{plain(self.offer.flavor.assured_gbps)} / {plain(self.offer.flavor.maximum_gbps)}"


@dataclass(frozen=True, slots=True)
class FlavorTable:
    """The table with its filters; the chosen flavor and the recommended ones stand first."""

    page: Page[Any]
    types: list[Choice]
    vcpus: list[Choice]
    memories: list[Choice]
    name: str
    hide_sold_out: bool
    is_filtered: bool


SORTS = {
    "memory": lambda flavor: (flavor.memory_gib, flavor.vcpus, flavor.code),
    "cpu": lambda flavor: (flavor.cpu, flavor.vcpus, flavor.code),
    "bandwidth": lambda flavor: (flavor.maximum_gbps, flavor.vcpus, flavor.code),
    "pps": lambda flavor: (flavor.packets_per_second, flavor.vcpus, flavor.code),
    "vcpus": lambda flavor: (flavor.vcpus, flavor.memory_gib, flavor.code),
}


def flavor_table(one: Drafted, chosen: str, data: QueryDict) -> FlavorTable:
    """What the region sells in the draft's billing mode that the image fits on, as the filters in `data` want it."""
    image, mode = one.image, one.wanted.billing_mode
    offers = [
        row
        for row in one.offers
        if getattr(row, mode) is not None
        and row.flavor.vcpus >= image.least_vcpus
        and row.flavor.memory_gib >= image.least_memory_gib
    ]
    order = SORTS.get(data.get("sort", ""), SORTS["vcpus"])
    offers.sort(key=lambda row: order(row.flavor))
    kept, name = offers, data.get("flavor_name", "").strip()[:40]
    if data.get("ecs_type") in EcsType.values:
        kept = [row for row in kept if row.flavor.ecs_type == data["ecs_type"]]
    if data.get("vcpus", "").isdecimal():
        kept = [row for row in kept if str(row.flavor.vcpus) == data["vcpus"]]
    if data.get("memory"):
        kept = [row for row in kept if row.flavor.memory == data["memory"]]
    if name:
        kept = [row for row in kept if name.lower() in row.flavor.code]
    if data.get("hide_sold_out"):
        kept = [row for row in kept if not row.sold_out]
    lines = [FlavorLine(row, row.flavor.code in image.recommended_flavors, row.flavor.code == chosen) for row in kept]
    lines.sort(key=lambda line: (not line.is_chosen, not line.is_recommended))
    types = [
        (value, str(label)) for value, label in EcsType.choices if any(row.flavor.ecs_type == value for row in offers)
    ]
    vcpus = sorted({row.flavor.vcpus for row in offers})
    memories = sorted({row.flavor.memory_gib for row in offers})
    return FlavorTable(
        page=Paginator(lines, FLAVORS_A_PAGE).get_page(data.get("page")),
        types=[Choice(value, label, selected=value == data.get("ecs_type")) for value, label in types],
        vcpus=[Choice(str(n), str(n), selected=str(n) == data.get("vcpus")) for n in vcpus],
        memories=[Choice(plain(n), plain(n), selected=plain(n) == data.get("memory")) for n in memories],
        name=name,
        hide_sold_out=bool(data.get("hide_sold_out")),
        is_filtered=len(kept) != len(offers),
    )


# --- price and order ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Bar:
    """The bar at the foot: "ECS Price $70.37 USD + Image Price $155.00 USD".

    Attributes:
        unit: "hour" where it is billed by use, else empty: what is paid at once.
    """

    quote: Quote
    ecs: Money
    image: Money
    unit: str


def bar_of(one: Drafted, quote: Quote) -> Bar:
    """Prices of image and ECS for the whole order, list prices less discount; by the hour where it is billed by use."""
    if one.wanted.billing_mode == BillingMode.PAY_PER_USE:
        attributes = chosen_attributes(one.facts, one.wanted.attributes)
        software = period_price(one.facts, BillingMode.PAY_PER_USE, attributes)
        assert quote.server is not None
        ecs, count = quote.server.unit_price(BillingMode.PAY_PER_USE), quote.request.quantity
        return Bar(quote, ecs * count, software * count, "hour")
    ecs = Money.total(
        (line.amount for line in quote.lines if line.item == ECS and line.kind == LineKind.CHARGE), quote.currency
    )
    return Bar(quote, ecs, quote.list_price - ecs - quote.discount, "")


def shown_ids(given: str) -> frozenset[int]:
    """The agreements that the page listed, "3,7"; what is no id is none of them."""
    parts = given[:LONGEST_LIST].split(",")
    return frozenset(int(part) for part in parts if part.isascii() and part.isdigit())


@sensitive_variables()
def place(one: Drafted, request: BuyerRequest, wish: DeploymentWish) -> Order:
    """The draft's order with these servers, as the page that was sent showed it.

    Raises:
        DomainError: see `orders.services.place_draft`.
    """
    return place_draft(
        one.draft,
        agreements_accepted=request.POST.get("agreements") == "on",
        agreements=shown_ids(request.POST.get("agreements_shown", "")),
        quote=request.POST.get("quote", ""),
        deployment=wish,
        by=request.actor,
    )


def after_quick(request: BuyerRequest, order: Order) -> HttpResponse:
    """Fees are deducted by themselves; then the ECS console shows the server (guide 3.4). What could not be deducted
    waits on the Pay page, which says why."""
    if order.is_payable:
        try:
            ports.money().pay_by_itself(order, by=request.actor, at=clock.now())
        except DomainError as refused_:
            messages.warning(request, _("The fees could not be deducted: %(why)s") % {"why": refused_.message})
            return redirect("billing:pay", order.number)
    messages.success(request, _("The server is being created. It is ready within a few minutes."))
    return redirect(f"{reverse('compute:servers')}?order={order.number}")


def number_from(data: QueryDict, name: str, default: int, most: int = 9_999) -> int:
    """A whole number of a form field; what is none is the default, and the rules refuse what is not sold."""
    text = data.get(name, "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else default if not text else most
