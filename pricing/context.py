"""Reads what a price depends on beside the catalogue: discounts, the tax of the buyer's country, resellers' prices."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db.models import BigIntegerField, BooleanField, ExpressionWrapper, Q, QuerySet, Value

from accounts.models import Account
from catalog.models import Product
from koogallery.kernel.compiled import Compiled, Param
from pricing.coupons import coupon_facts
from pricing.models import Discount, ResellerPrice, TaxRate
from pricing.reductions import HUNDRED, DiscountFacts, PriceContext, TaxFacts
from pricing.values import SpecificationFacts

# Stands in the column of the kind where a row is no discount but the tax.
_TAX = "tax"


def price_context(product: Product, *, account: Account | None, at: datetime, coupon: str = "") -> PriceContext:
    """Everything that lowers or taxes prices of `product` for `account` (None: a visitor) at `at`.

    Raises:
        CouponInvalid: unknown coupon, or another account's.
    """
    rows = _reductions(product, account, at)
    return PriceContext(
        discounts=tuple(DiscountFacts(*row) for row in rows if row[1] != _TAX),
        tax=next((TaxFacts(row[2], row[3] / HUNDRED) for row in rows if row[1] == _TAX), None),
        coupon=coupon_facts(coupon, account=account) if coupon else None,
        product=product.pk,
        seller=product.seller_id,
    )


def _reductions(product: Product, account: Account | None, at: datetime) -> list[tuple[Any, ...]]:
    """Discounts as rows of `DiscountFacts`, and the tax of the account's country as a row like them: one query."""
    of = {"product": product.pk, "seller": product.seller_id, "at": at}
    if account is None:
        return _FOR_VISITORS.all(**of)
    of |= {"account": account.pk, "country": account.country}
    if account.reseller_id:
        return _FOR_RESELLERS_CUSTOMERS.all(**of, reseller=account.reseller_id)
    return _FOR_BUYERS.all(**of)


def _rows(account: Param | None, reseller: Param | None) -> QuerySet[Any, tuple[Any, ...]]:
    granted = {
        f"for_{who}": ExpressionWrapper(Q(**{f"{column}__isnull": False}), BooleanField())
        for who, column in (
            ("customer", "account"),
            ("product", "product"),
            ("seller", "seller"),
            ("reseller", "reseller"),
        )
    }
    discounts = Discount.objects.in_force(Param("at")).for_buyer(account, reseller)
    discounts = discounts.for_product(Param("product"), Param("seller")).annotate(**granted)
    rows: QuerySet[Any, Any] = discounts.values_list("id", "kind", "name", "percent", *granted)
    if account is not None:
        in_force = Q(valid_until=None) | Q(valid_until__gt=Param("at"))
        taxes = TaxRate.objects.filter(in_force, country=Param("country"), valid_from__lte=Param("at"))
        never = {name: Value(False) for name in granted}
        taxes = taxes.order_by("-valid_from")[:1].annotate(kind=Value(_TAX), **never)
        rows = rows.union(taxes.values_list("id", "kind", "name", "percent", *granted), all=True)
    return rows


_FOR_VISITORS = Compiled(lambda: _rows(None, None))
_FOR_BUYERS = Compiled(lambda: _rows(Param("account"), None))
_FOR_RESELLERS_CUSTOMERS = Compiled(lambda: _rows(Param("account"), Param("reseller")))


def price_contexts(products: Iterable[Product], *, account: Account, at: datetime) -> dict[int, PriceContext]:
    """`price_context` of many products without a coupon, by product, in one query."""
    products = list(products)
    granted = Discount.objects.in_force(at).for_buyer(account.pk, account.reseller_id)
    granted = granted.filter(Q(product=None) | Q(product__in=products))
    granted = granted.filter(Q(seller=None) | Q(seller__in={one.seller_id for one in products}))
    in_force = Q(valid_until=None) | Q(valid_until__gt=at)
    taxes = TaxRate.objects.filter(in_force, country=account.country, valid_from__lte=at).order_by("-valid_from")
    nobody = {name: Value(None, output_field=BigIntegerField()) for name in _PARTIES}
    columns = ("id", "kind", "name", "percent", *_PARTIES)
    read: QuerySet[Any, Any] = granted.values(*columns)
    tax_rows = taxes[:1].annotate(kind=Value(_TAX), **nobody).values(*columns)
    found = list(read.union(tax_rows, all=True))
    rows = [one for one in found if one["kind"] != _TAX]
    tax = next((TaxFacts(one["name"], one["percent"] / HUNDRED) for one in found if one["kind"] == _TAX), None)
    return {
        product.pk: PriceContext(
            discounts=tuple(
                _facts_of(one)
                for one in rows
                if one["product_id"] in (None, product.pk) and one["seller_id"] in (None, product.seller_id)
            ),
            tax=tax,
            product=product.pk,
            seller=product.seller_id,
        )
        for product in products
    }


_PARTIES = ("account_id", "product_id", "seller_id", "reseller_id")


def _facts_of(one: Mapping[str, Any]) -> DiscountFacts:
    narrowed = (one[party] is not None for party in _PARTIES)
    return DiscountFacts(one["id"], one["kind"], one["name"], one["percent"], *narrowed)


def with_reseller_prices(facts: SpecificationFacts, account: Account | None) -> SpecificationFacts:
    """The specification at the price list of the account's reseller, where he has one (RULES 6)."""
    return all_with_reseller_prices({facts.id: facts}, account)[facts.id]


def all_with_reseller_prices(
    known: Mapping[int, SpecificationFacts], account: Account | None
) -> dict[int, SpecificationFacts]:
    """The same for several specifications, by id, in one query."""
    if account is None or not account.reseller_id:
        return dict(known)
    own: dict[tuple[int, str], dict[str, Decimal]] = {}
    for one in ResellerPrice.objects.filter(reseller_id=account.reseller_id, specification__in=known):
        own.setdefault((one.specification_id, one.currency), {})[one.billing_mode] = one.amount
    return {pk: _repriced(facts, own.get((pk, facts.currency), {})) for pk, facts in known.items()}


def _repriced(facts: SpecificationFacts, amounts: Mapping[str, Decimal]) -> SpecificationFacts:
    prices = {
        mode: replace(price, amount=amounts[mode], scheme="linear", tiers=()) if mode in amounts else price
        for mode, price in facts.prices.items()
    }
    return replace(facts, prices=prices)
