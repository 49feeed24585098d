"""Quotes over the real catalogue: made, signed, checked, used once."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core import signing
from django.db import IntegrityError, transaction

from accounts.models import Account
from catalog.choices import BillingMode
from catalog.models import Product, Specification
from koogallery.kernel import clock
from koogallery.kernel.errors import NotFound
from koogallery.kernel.ids import public_id
from pricing import rules
from pricing.errors import PriceChanged, QuoteExpired
from pricing.models import QuoteUse
from pricing.rules import AttributeFacts, PriceFacts, Quote, QuoteRequest, SpecificationFacts

SALT = "koogallery.pricing.quote"

# The order in which a product page offers billing modes; the first one sold is the default.
MODE_ORDER = (BillingMode.MONTHLY, BillingMode.YEARLY, BillingMode.ONE_TIME, BillingMode.PAY_PER_USE)


def specification_facts(specification: Specification) -> SpecificationFacts:
    """A specification as the rules see it; prefetch `attributes` and `prices` for more than one."""
    attributes = list(specification.attributes.all())
    code_of = {attribute.pk: attribute.code for attribute in attributes}
    prices = list(specification.prices.all())
    return SpecificationFacts(
        id=specification.pk,
        name=specification.name,
        currency=prices[0].currency if prices else "USD",
        prices={
            price.billing_mode: PriceFacts(price.amount, code_of.get(price.per_id) if price.per_id else None)
            for price in prices
        },
        attributes=tuple(
            AttributeFacts(
                code=attribute.code,
                name=attribute.name,
                kind=attribute.kind,
                default=attribute.default,
                unit=attribute.unit,
                choices=tuple((choice["code"], choice["name"]) for choice in attribute.choices),
                minimum=attribute.minimum or 0,
                maximum=attribute.maximum or 0,
                step=attribute.step or 1,
            )
            for attribute in attributes
        ),
        max_quantity=specification.max_quantity,
        longest_years=specification.longest_years,
    )


def facts_of_product(product: Product) -> dict[int, SpecificationFacts]:
    """The product's specifications on sale, by id, in the seller's order, in three queries."""
    on_sale = product.specifications.filter(removed_at=None).prefetch_related("attributes", "prices")
    return {one.pk: specification_facts(one) for one in on_sale}


def specification_on_sale(specification: int) -> Specification:
    """The specification with its product, for quoting and ordering.

    Raises:
        NotFound: unknown, removed, or its product is not reachable.
    """
    found = (
        Specification.objects.select_related("product", "product__seller")
        .prefetch_related("attributes", "prices")
        .filter(pk=specification, removed_at=None, product__in=Product.objects.reachable())
        .first()
    )
    if found is None:
        raise NotFound("There is no such specification.")
    return found


def quote_purchase(
    request: QuoteRequest,
    *,
    account: Account | None,
    at: datetime | None = None,
    facts: SpecificationFacts | None = None,
) -> Quote:
    """The price of `request` for `account` (None: a visitor), signed; stores nothing.

    Raises:
        NotFound: no such specification.
        NotConfigurable: not sold so; `errors` names the field.
    """
    at = at or clock.now()
    if facts is None:
        facts = specification_facts(specification_on_sale(request.specification))
    quote = rules.quote_purchase(facts, request, at=at, lifetime=settings.QUOTE_LIFETIME)
    return replace(quote, token=_sign(quote, account))


def redeem(token: str, *, request: QuoteRequest, account: Account, at: datetime, order_number: str) -> Quote:
    """Use a signed quote for an order, once, at exactly the price that it shows; in the order's transaction.

    Raises:
        QuoteExpired: forged, of another buyer or configuration, too old, or used already.
        PriceChanged: the catalogue says otherwise now; `extra` has both amounts.
    """
    quote = check(token, request=request, account=account, at=at)
    try:
        with transaction.atomic():
            QuoteUse.objects.create(nonce=_open(token)["nonce"], used_at=at, order_number=order_number)
    except IntegrityError as used:
        raise QuoteExpired from used
    return quote


def check(token: str, *, request: QuoteRequest, account: Account, at: datetime) -> Quote:
    """Whether the signed quote still holds, without using it: returns today's equal quote.

    Raises:
        QuoteExpired, PriceChanged: see `redeem`.
    """
    shown = _open(token)
    facts = specification_facts(specification_on_sale(request.specification))
    current = rules.quote_purchase(facts, request, at=at, lifetime=settings.QUOTE_LIFETIME)
    same_configuration = (
        shown["account"] == account.pk
        and shown["specification"] == request.specification
        and shown["configuration"] == _configuration(current)
    )
    if not same_configuration or datetime.fromisoformat(shown["expires_at"]) < at:
        raise QuoteExpired
    if shown["price"] != _price(current):
        raise PriceChanged(extra={"old": shown["price"]["payable"], "new": current.payable.as_json()})
    return replace(current, token=token, expires_at=datetime.fromisoformat(shown["expires_at"]))


def _configuration(quote: Quote) -> list[Any]:
    request = quote.request
    duration = request.duration.as_json() if request.duration else None
    return [request.billing_mode, duration, request.quantity, sorted(quote.attributes.items())]


def _price(quote: Quote) -> dict[str, Any]:
    snapshot = quote.as_json()
    return {part: snapshot[part] for part in ("lines", "list_price", "discount", "coupon", "tax", "payable")}


def _sign(quote: Quote, account: Account | None) -> str:
    body = {
        "nonce": public_id(),
        "account": account.pk if account else None,
        "specification": quote.request.specification,
        "configuration": _configuration(quote),
        "price": _price(quote),
        "expires_at": quote.expires_at.isoformat(),
    }
    return signing.dumps(body, salt=SALT, compress=True)


def _open(token: str) -> dict[str, Any]:
    try:
        body: dict[str, Any] = signing.loads(token, salt=SALT)
    except signing.BadSignature as forged:
        raise QuoteExpired from forged
    # JSON has no tuples: sort keys come back as lists.
    body["configuration"][3] = [tuple(pair) for pair in body["configuration"][3]]
    return body


def modes_on_sale(facts: Iterable[SpecificationFacts]) -> list[BillingMode]:
    """Every billing mode that any of the specifications is sold in, in the page's order."""
    sold = {mode for one in facts for mode in one.prices}
    return [mode for mode in MODE_ORDER if mode in sold]
