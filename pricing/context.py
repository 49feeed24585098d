"""Reads what a price depends on beside the catalogue: discounts, the tax of the buyer's country, resellers' prices."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet, Value

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


def with_reseller_prices(facts: SpecificationFacts, account: Account | None) -> SpecificationFacts:
    """The specification at the price list of the account's reseller, where he has one (RULES 6)."""
    if account is None or not account.reseller_id:
        return facts
    own = ResellerPrice.objects.filter(
        reseller_id=account.reseller_id, specification_id=facts.id, currency=facts.currency
    )
    amounts = {one.billing_mode: one.amount for one in own}
    prices = {
        mode: replace(price, amount=amounts[mode], scheme="linear", tiers=()) if mode in amounts else price
        for mode, price in facts.prices.items()
    }
    return replace(facts, prices=prices)
