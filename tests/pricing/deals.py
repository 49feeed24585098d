"""Any deal that the catalogue allows, as Hypothesis draws it, made on the real database."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from hypothesis import strategies as st

from accounts.actor import Actor
from accounts.models import Account, Reseller
from billing.gateways.sandbox import SandboxGateway
from billing.models import ProductFee
from billing.services import CreditTerms, bind_card, grant_credit, top_up
from catalog.choices import PriceScheme
from catalog.models import Attribute, Flavor, FlavorOffer, ImageVersion, Price, Region, Specification
from koogallery.kernel import clock
from koogallery.kernel.money import Money, minor_digits, round_money
from pricing.coupons import CouponTerms, grant_coupon
from pricing.models import Coupon, Discount, TaxRate
from pricing.values import Duration, QuoteRequest, ServerChoice
from tests.factories import AccountFactory, ProductFactory, SpecificationFactory, a_buyer, an_operator

CURRENCIES = ("USD", "JPY", "KWD")
ENOUGH = Decimal(10) ** 13


def amounts(most: int) -> st.SearchStrategy[Decimal]:
    """Amounts from nothing up, most of them small, with up to eight decimals: finer than any minor unit."""
    return st.one_of(
        st.decimals(0, 1, places=8),
        st.decimals(0, most, places=2),
        st.integers(0, most).map(Decimal),
        st.sampled_from([Decimal("0.005"), Decimal("0.5"), Decimal("0.00000001"), Decimal("2.675")]),
    )


def percents(least: str = "0.01") -> st.SearchStrategy[Decimal]:
    return st.one_of(st.decimals(Decimal(least), 100, places=2), st.sampled_from([Decimal(50), Decimal(100)]))


@dataclass(frozen=True)
class Listing:
    """How the seller sells it; `server` is what the ECS under an image costs, which then is what is sold."""

    currency: str
    mode: str
    scheme: str
    amount: Decimal
    tiers: tuple[tuple[int, Decimal], ...]
    counted: tuple[int, int, int] | None
    surcharge: Decimal | None
    per_unit: bool
    server: Decimal | None = None


@dataclass(frozen=True)
class Reduction:
    """What lowers it. `minimum` of a coupon is a share of what the order costs before it."""

    discount: tuple[str, Decimal] | None
    coupon: tuple[str, Decimal] | None
    coupon_of_seller: bool
    tax: Decimal | None


@dataclass(frozen=True)
class Deal:
    """What is bought and how it is paid. `count` and `edition` are what the buyer chooses."""

    listing: Listing
    reduction: Reduction
    count: int
    edition: str
    quantity: int
    term: int
    method: str
    fee: Decimal | None


MODES = ("monthly", "yearly", "one_time")


@st.composite
def listings(draw: st.DrawFn, modes: tuple[str, ...] = MODES, *, images: bool = True) -> Listing:
    mode = draw(st.sampled_from(modes))
    scheme = draw(st.sampled_from(PriceScheme.values))
    counted = None
    if scheme != PriceScheme.LINEAR or draw(st.booleans()):
        low, step = draw(st.integers(0, 50)), draw(st.integers(1, 25))
        counted = (low, low + step * draw(st.integers(0, 40)), step)
    tiers: list[tuple[int, Decimal]] = []
    if scheme != PriceScheme.LINEAR:
        starts = sorted(draw(st.sets(st.integers(2, 1200), min_size=1, max_size=4)))
        tiers = [(start, draw(amounts(2_000))) for start in starts]
    return Listing(
        currency=draw(st.sampled_from(CURRENCIES)),
        mode=mode,
        scheme=scheme,
        amount=draw(amounts(20_000)),
        tiers=tuple(tiers),
        counted=counted,
        surcharge=draw(st.none() | amounts(500)),
        per_unit=scheme != PriceScheme.LINEAR or draw(st.booleans()),
        server=draw(st.none() | amounts(500)) if images and mode != "one_time" else None,
    )


@st.composite
def reductions(draw: st.DrawFn) -> Reduction:
    kinds = st.sampled_from(["commercial", "partner", "promotional"])
    worth = st.tuples(st.just("cash"), amounts(5_000)) | st.tuples(st.just("discount"), percents())
    return Reduction(
        discount=draw(st.none() | st.tuples(kinds, percents())),
        coupon=draw(st.none() | worth),
        coupon_of_seller=draw(st.booleans()),
        tax=draw(st.none() | percents("0")),
    )


@st.composite
def deals(draw: st.DrawFn, modes: tuple[str, ...] = MODES, *, images: bool = True) -> Deal:
    listing, reduction = draw(listings(modes, images=images)), draw(reductions())
    count = 0
    if listing.counted:
        low, high, step = listing.counted
        count = low + step * draw(st.integers(0, (high - low) // step))
    through_partner = reduction.discount is not None and reduction.discount[0] == "partner"
    own = st.sampled_from(["card", "balance", "monthly_settlement"])
    return Deal(
        listing=listing,
        reduction=reduction,
        count=count,
        edition=draw(st.sampled_from(["basic", "pro"])),
        quantity=draw(st.integers(1, 20)),
        term=draw(st.integers(1, 9 if listing.mode == "monthly" else 3)),
        method="reseller" if through_partner else draw(own),
        fee=draw(st.none() | percents("0")),
    )


@dataclass(frozen=True)
class Made:
    """The people and rows of a deal."""

    method: str
    by: Actor
    account: Account
    operator: Actor
    second: Actor
    specification: Specification
    request: QuoteRequest
    coupon: Coupon | None


def make(deal: Deal) -> Made:
    """Put the deal's catalogue, customer, discounts and means of payment into the database."""
    at = clock.now()
    operator, second = an_operator(), an_operator()
    account = AccountFactory(currency=deal.listing.currency, country="SG")
    by = a_buyer(account=account)
    specification = _sold(deal)
    product = specification.product
    if deal.fee is not None:
        ProductFee.objects.create(product=product, percent=deal.fee)
    if deal.reduction.tax is not None:
        TaxRate.objects.create(country="SG", name="GST", percent=deal.reduction.tax)
    if deal.method == "reseller":
        account.reseller = Reseller.objects.create(name="Cloudhaus")
        account.save()
    if deal.reduction.discount:
        kind, percent = deal.reduction.discount
        whose = {"commercial": {"account": account}, "partner": {"reseller": account.reseller}}.get(kind, {})
        Discount.objects.create(kind=kind, name="Autumn", percent=percent, valid_from=at, **whose)
    money = Money(ENOUGH, deal.listing.currency)
    if deal.method == "card":
        bind_card(account, SandboxGateway().enter_card("success"), by=by)
    elif deal.method == "balance":
        top_up(account, money, reference="BANK-1", by=operator)
    elif deal.method == "monthly_settlement":
        grant_credit(account, CreditTerms(money, "TK-1"), by=operator)
    attributes: dict[str, str | int] = {"edition": deal.edition}
    if deal.listing.counted:
        attributes["users"] = deal.count
    unit = {"monthly": "month", "yearly": "year"}.get(deal.listing.mode)
    request = QuoteRequest(
        specification.pk,
        deal.listing.mode,
        Duration(deal.term, unit) if unit else None,
        deal.quantity,
        attributes,
        _server(deal, specification),
    )
    return Made(
        deal.method,
        by,
        account,
        operator,
        second,
        specification,
        request,
        _coupon(deal, account, specification, operator),
    )


def _sold(deal: Deal) -> Specification:
    listing = deal.listing
    product = ProductFactory(saas=True) if listing.server is None else ProductFactory(image=True)
    specification = SpecificationFactory(product=product, max_quantity=20, longest_years=3)
    Attribute.objects.create(
        specification=specification, code="edition", name="Edition", kind="enumerated", default="basic",
        choices=[{"code": "basic", "name": "Basic"}, {"code": "pro", "name": "Professional"}],
    )  # fmt: skip
    users = None
    if listing.counted:
        low, high, step = listing.counted
        users = Attribute.objects.create(
            specification=specification, code="users", name="Number of Users", kind="quantity", unit="user",
            minimum=low, maximum=high, step=step, default=str(low),
        )  # fmt: skip
    price = Price(
        specification=specification,
        billing_mode=listing.mode,
        currency=listing.currency,
        amount=listing.amount,
        per=users if listing.per_unit else None,
        scheme=listing.scheme,
        tiers=[{"from": start, "amount": format(amount, "f")} for start, amount in listing.tiers],
        surcharges={"edition": {"pro": format(listing.surcharge, "f")}} if listing.surcharge is not None else {},
    )
    price.clean()
    price.save()
    return specification


def _server(deal: Deal, specification: Specification) -> ServerChoice | None:
    """A region in which the image runs on one flavor at the deal's price."""
    listing = deal.listing
    if listing.server is None:
        return None
    region = Region.objects.create(code="eu-dublin", name="EU-Dublin", zones=["AZ1"])
    flavor = Flavor.objects.create(
        code="s6.large.2", family="s6", vcpus=2, memory_gib=4, cpu="Intel Cascade Lake 2.6GHz", assured_gbps="0.1",
        maximum_gbps="0.8", packets_per_second=100_000,
    )  # fmt: skip
    FlavorOffer.objects.create(
        region=region, flavor=flavor, currency=listing.currency, pay_per_use=listing.server, monthly=listing.server,
        yearly=listing.server,
    )  # fmt: skip
    ImageVersion.objects.create(
        product=specification.product, version="V1.0", name="Appliance V1.0 (Linux)", cloud_name="appliance-1",
        recommended_flavors=[flavor.code], recommended_rules=[], released_at=clock.now(),
    )  # fmt: skip
    return ServerChoice(region=region.code, flavor=flavor.code)


def _coupon(deal: Deal, account: Account, specification: Specification, operator: Actor) -> Coupon | None:
    if deal.reduction.coupon is None:
        return None
    kind, value = deal.reduction.coupon
    if kind == "cash":
        value = max(round_money(value, deal.listing.currency), Decimal(1).scaleb(-minor_digits(deal.listing.currency)))
    seller = specification.product.seller if deal.reduction.coupon_of_seller else None
    until = clock.now() + timedelta(days=400)
    terms = CouponTerms(kind, "Welcome", value, until, currency=deal.listing.currency, seller=seller)
    return grant_coupon(terms, account=account, by=operator)
