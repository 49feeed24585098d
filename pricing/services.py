"""Quotes over the real catalogue: made, signed, checked, used once."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core import signing
from django.db import connection
from django.db.models import prefetch_related_objects

from accounts.models import Account
from catalog.choices import BillingMode
from catalog.models import Product, Specification
from koogallery.kernel import clock
from koogallery.kernel.ids import public_id
from pricing import rules
from pricing.context import all_with_reseller_prices, price_context, with_reseller_prices
from pricing.errors import PriceChanged, QuoteExpired
from pricing.models import QuoteUse
from pricing.on_sale import agreements_of, specification_on_sale, specifications_of
from pricing.servers import server_facts
from pricing.values import (
    AgreementNote,
    AttributeFacts,
    PriceFacts,
    Quote,
    QuoteRequest,
    ServerFacts,
    SpecificationFacts,
)

SALT = "koogallery.pricing.quote"

# The order in which a product page offers billing modes; the first one sold is the default.
MODE_ORDER = (BillingMode.MONTHLY, BillingMode.YEARLY, BillingMode.ONE_TIME, BillingMode.PAY_PER_USE)


def specification_facts(specification: Specification, currency: str = "") -> SpecificationFacts:
    """A specification as the rules see it; prefetch `attributes` and `prices` for more than one.

    Args:
        currency: the buyer's. Where the specification is not sold in it, the site's counts, then any: an order has
            one currency.
    """
    attributes = list(specification.attributes.all())
    code_of = {attribute.pk: attribute.code for attribute in attributes}
    prices = list(specification.prices.all())
    sold_in = {price.currency for price in prices}
    wanted = (one for one in (currency, settings.SITE_CURRENCY, *sorted(sold_in)) if one in sold_in)
    chosen = next(wanted, settings.SITE_CURRENCY)
    return SpecificationFacts(
        id=specification.pk,
        name=specification.name,
        currency=chosen,
        prices={
            price.billing_mode: PriceFacts(
                amount=price.amount,
                per=code_of.get(price.per_id) if price.per_id else None,
                scheme=price.scheme,
                tiers=tuple((tier["from"], Decimal(tier["amount"])) for tier in price.tiers),
                surcharges={
                    (attribute, choice): Decimal(amount)
                    for attribute, choices in price.surcharges.items()
                    for choice, amount in choices.items()
                },
            )
            for price in prices
            if price.currency == chosen
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


def facts_of_product(product: Product, account: Account | None = None) -> dict[int, SpecificationFacts]:
    """The product's specifications on sale at the account's list prices, by id, in the seller's order."""
    return {one.pk: facts_for(one, account) for one in specifications_of(product)}


def facts_for(specification: Specification, account: Account | None) -> SpecificationFacts:
    """A specification at the account's list prices: in its currency, by its reseller's price list."""
    facts = specification_facts(specification, account.currency if account else "")
    return with_reseller_prices(facts, account)


def facts_of(specifications: Iterable[Specification], account: Account) -> dict[int, SpecificationFacts]:
    """Specifications at the account's list prices, by id, in a fixed number of queries."""
    found = {one.pk: one for one in specifications}
    prefetch_related_objects(list(found.values()), "attributes", "prices")
    facts = {pk: specification_facts(one, account.currency) for pk, one in found.items()}
    return all_with_reseller_prices(facts, account)


def quote_purchase(
    request: QuoteRequest,
    *,
    account: Account | None,
    coupon: str = "",
    at: datetime | None = None,
    product: Product | None = None,
    facts: SpecificationFacts | None = None,
    specification: Specification | None = None,
    server: ServerFacts | None = None,
) -> Quote:
    """The price of `request` for `account` (None: a visitor), signed; stores nothing.

    Args:
        coupon: the code of a coupon to use.
        product, facts: the specification's, when the caller has read them already.
        specification: the requested one, likewise.
        server: what `request.server` costs, likewise.

    Raises:
        NotFound: no such specification.
        NotConfigurable: not sold so; `errors` names the field.
        CouponInvalid: the coupon may not be used for it.
    """
    at = at or clock.now()
    if specification is None and (facts is None or product is None):
        specification = specification_on_sale(request.specification)
    quote = _quote(
        request,
        account=account,
        coupon=coupon,
        at=at,
        product=product,
        facts=facts,
        specification=specification,
        server=server,
    )
    if specification is not None:
        quote = replace(quote, agreements=tuple(AgreementNote(**one) for one in agreements_of(specification)))
    return replace(quote, token=sign(quote, account))


def _quote(
    request: QuoteRequest,
    *,
    account: Account | None,
    coupon: str,
    at: datetime,
    product: Product | None = None,
    facts: SpecificationFacts | None = None,
    specification: Specification | None = None,
    server: ServerFacts | None = None,
) -> Quote:
    if facts is None or product is None:
        specification = specification or specification_on_sale(request.specification)
        product, facts = specification.product, facts_for(specification, account)
    context = price_context(product, account=account, at=at, coupon=coupon)
    if request.server and server is None:
        server = server_facts(request.server, product, facts.currency)
    return rules.quote_purchase(facts, request, context=context, at=at, lifetime=settings.QUOTE_LIFETIME, server=server)


def redeem(
    token: str,
    *,
    request: QuoteRequest,
    account: Account,
    at: datetime,
    order_number: str,
    specification: Specification | None = None,
) -> Quote:
    """Use a signed quote for an order, once, at exactly the price that it shows; in the order's transaction.

    Args:
        specification: the requested one, when the caller has read it already.

    Raises:
        QuoteExpired: forged, of another buyer or configuration, too old, or used already.
        PriceChanged: the catalogue says otherwise now; `extra` has both amounts.
        CouponInvalid: its coupon may not be used any more.
    """
    quote = check(token, request=request, account=account, at=at, specification=specification)
    claim(token, at=at, order_number=order_number)
    return quote


def claim(token: str, *, at: datetime, order_number: str) -> None:
    """Use a quote's nonce up; in the order's transaction.

    Raises:
        QuoteExpired: it was used already.
    """
    nonce = _open(token)["nonce"]
    with connection.cursor() as cursor:
        # One statement: Django's own way of ignoring a conflict does not say whether there was one.
        cursor.execute(
            f'INSERT INTO "{QuoteUse._meta.db_table}" (nonce, used_at, order_number) VALUES (%s, %s, %s) '
            "ON CONFLICT (nonce) DO NOTHING",
            [nonce, at, order_number],
        )
        if not cursor.rowcount:
            raise QuoteExpired


def check(
    token: str,
    *,
    request: QuoteRequest,
    account: Account,
    at: datetime,
    specification: Specification | None = None,
) -> Quote:
    """Whether the signed quote still holds, without using it: returns today's equal quote.

    Raises:
        QuoteExpired, PriceChanged, CouponInvalid: see `redeem`.
    """
    shown = _open(token)
    if shown["account"] != account.pk or shown["specification"] != request.specification:
        raise QuoteExpired
    current = _quote(request, account=account, coupon=shown["coupon"], at=at, specification=specification)
    return confirmed(token, current, account=account, at=at)


def confirmed(token: str, current: Quote, *, account: Account, at: datetime) -> Quote:
    """`current` with the token that was shown for it, when it is the same offer at the same price.

    Raises:
        QuoteExpired: forged, for another buyer, configuration or purpose, or too old.
        PriceChanged: the price is another one now.
    """
    shown = _open(token)
    same_offer = (
        shown["account"] == account.pk
        and shown["purpose"] == current.purpose
        and shown["specification"] == current.request.specification
        and shown["configuration"] == _configuration(current)
    )
    if not same_offer or datetime.fromisoformat(shown["expires_at"]) < at:
        raise QuoteExpired
    if shown["price"] != _price(current):
        raise PriceChanged(extra={"old": shown["price"]["payable"], "new": current.payable.as_json()})
    return replace(current, token=token, expires_at=datetime.fromisoformat(shown["expires_at"]))


def shown_price(token: str) -> dict[str, str] | None:
    """What a quote said that is payable, also of one that has expired; None when we cannot read it any more."""
    try:
        payable: dict[str, str] = _open(token)["price"]["payable"]
    except QuoteExpired:
        return None
    return payable


def coupon_of(token: str) -> str:
    """The code of the coupon that a signed quote was made with, or empty; also of one that has expired.

    Raises:
        QuoteExpired: forged.
    """
    return str(_open(token)["coupon"])


def agreements_shown(token: str) -> frozenset[int] | None:
    """The agreements that were in force when a quote was made, by their ids; None when it does not say.

    Raises:
        QuoteExpired: forged.
    """
    shown = _open(token).get("agreements")
    return None if shown is None else frozenset(shown)


def _configuration(quote: Quote) -> list[Any]:
    request = quote.request
    duration = request.duration.as_json() if request.duration else None
    configuration = [request.billing_mode, duration, request.quantity, sorted(map(list, quote.attributes.items()))]
    return configuration + ([quote.server.choice.as_json()] if quote.server else [])


def _price(quote: Quote) -> dict[str, Any]:
    """What must be unchanged for a confirmed price to be charged: every line and every sum."""
    snapshot = quote.as_json()
    parts = ("lines", "list_price", "discount", "coupon", "tax", "payable", "credit", "applied")
    return {part: snapshot[part] for part in parts}


def sign(quote: Quote, account: Account | None) -> str:
    """The quote's token: what was offered to whom, for what, at which price, until when."""
    body = {
        "nonce": public_id(),
        "account": account.pk if account else None,
        "purpose": quote.purpose,
        "specification": quote.request.specification,
        "configuration": _configuration(quote),
        "coupon": quote.applied.coupon,
        "price": _price(quote),
        "expires_at": quote.expires_at.isoformat(),
        "agreements": None if quote.agreements is None else [one.id for one in quote.agreements],
    }
    return signing.dumps(body, salt=SALT, compress=True)


def _open(token: str) -> dict[str, Any]:
    try:
        body: dict[str, Any] = signing.loads(token, salt=SALT)
    except signing.BadSignature as forged:
        raise QuoteExpired from forged
    if "purpose" not in body:  # offered before tokens named their purpose
        raise QuoteExpired
    return body


def modes_on_sale(facts: Iterable[SpecificationFacts]) -> list[BillingMode]:
    """Every billing mode that any of the specifications is sold in, in the page's order."""
    sold = {mode for one in facts for mode in one.prices}
    return [mode for mode in MODE_ORDER if mode in sold]
